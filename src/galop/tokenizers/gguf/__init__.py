"""A `tokenizers` tokenizer from the vocabulary inside a GGUF file, a file for each kind.

byte_level.py     `gpt2`: BPE over bytes
sentencepiece.py  `llama`, `gemma4`: BPE over characters, and bytes where there is no character
unigram.py        `t5`
wordpiece.py      `bert`
vocabulary.py     the tokens, and the tokenizer.json they become
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.dummy_space import DummySpace
from galop.tokenizers.gguf.byte_level import choose_pre_tokenizer, describe_byte_level
from galop.tokenizers.gguf.sentencepiece import describe_gemma4, describe_sentencepiece
from galop.tokenizers.gguf.unigram import describe_unigram
from galop.tokenizers.gguf.vocabulary import Part, Vocabulary
from galop.tokenizers.gguf.wordpiece import describe_wordpiece
from galop.tokenizers.pre_tokenizers import OF_CHARACTERS
from galop.tokenizers.stops import STOP_TOKENS, is_marked, stop_ids

FIM_KEYS = ("pre", "suf", "mid", "pad", "rep", "sep")
KINDS = ("gpt2", "llama", "gemma4", "t5", "bert")


@dataclass(frozen=True)
class GGUFTokenizer:
    """What a file's metadata say: a tokenizer.json, special tokens by name, what ends a reply and fills in a middle."""

    json: str
    bos_token: str
    eos_token: str
    add_bos: bool
    dummy_space: DummySpace
    stop_ids: list[int]
    fim: dict[str, int]
    note: str = ""


def tokenizer_from_gguf(metadata: dict[str, Any], file: str, pre_tokenizer: str = "") -> GGUFTokenizer:
    """The tokenizer that a file's metadata describe; `pre_tokenizer` is its family's, for a file that names none.

    Raises ModelFileError if the vocabulary is missing, malformed or of a kind that is not supported.
    """
    kind = metadata.get("tokenizer.ggml.model")
    if kind == "llama" and metadata.get("tokenizer.ggml.pre") == "gemma4":  # as Ollama's converter calls it
        kind = "gemma4"
    if kind not in KINDS:
        raise ModelFileError(
            f"{file}: the tokenizer {str(kind)[:60]!r} is not supported; these are: {', '.join(KINDS)}"
        )
    note, add_bos = "", True
    dummy_space: DummySpace = ""
    if kind == "gpt2" and metadata.get("tokenizer.ggml.pre") in OF_CHARACTERS:
        vocabulary = Vocabulary.parse(metadata, file)
        described = describe_gemma4(vocabulary)
    elif kind == "gpt2":
        split, note = choose_pre_tokenizer(metadata, file, pre_tokenizer)
        vocabulary = Vocabulary.parse(metadata, file)
        described, add_bos = describe_byte_level(vocabulary, split), split.add_bos
    else:
        vocabulary = Vocabulary.parse(metadata, file)
        described = {
            "llama": describe_sentencepiece, "gemma4": describe_gemma4, "t5": describe_unigram,
            "bert": describe_wordpiece,
        }[kind](vocabulary)  # fmt: skip
    if kind == "llama" and vocabulary.flag("add_space_prefix", default=True):
        dummy_space = "prepend"
    if kind != "gemma4":  # some of its first files say that it wants no BOS, which it does
        add_bos = metadata.get("tokenizer.ggml.add_bos_token", add_bos and kind != "t5") is True
    bos, eos = (_special(vocabulary, kind, key) for key in ("bos", "eos"))
    ends = [vocabulary.token_id(key) for key in ("eos_token_id", "eot_token_id", "eom_token_id")]
    return GGUFTokenizer(
        json=json.dumps(described, ensure_ascii=False),
        bos_token="" if bos is None else vocabulary.tokens[bos],
        eos_token="" if eos is None else vocabulary.tokens[eos],
        add_bos=add_bos,
        dummy_space=dummy_space,
        fim={key: id for key in FIM_KEYS if (id := vocabulary.token_id(f"fim_{key}_token_id")) is not None},
        stop_ids=stop_ids(ends, "", _control(vocabulary, described), len(vocabulary.tokens)),
        note=note,
    )


def _special(vocabulary: Vocabulary, kind: str, key: str) -> int | None:
    """The token that begins (`bos`) or ends (`eos`) a text, by the file or as llama.cpp takes it to be."""
    keys = {
        "bos": ("bos_token_id", "cls_token_id"),
        "eos": ("eos_token_id", "seperator_token_id", "separator_token_id"),
    }
    found = [id for one in keys[key] if (id := vocabulary.token_id(one)) is not None]
    usual = {"llama": {"bos": "<s>", "eos": "</s>"}, "bert": {"bos": "[CLS]", "eos": "[SEP]"}}.get(kind, {})
    return found[0] if found else vocabulary.ids.get(usual.get(key, ""))


def _control(vocabulary: Vocabulary, described: Part) -> dict[str, int]:
    """Control tokens by name; older conversions took some that look it for plain ones."""
    control = {token["content"]: token["id"] for token in described["added_tokens"] if token["special"]}
    return control | {name: vocabulary.ids[name] for name in STOP_TOKENS if is_marked(name) and name in vocabulary.ids}
