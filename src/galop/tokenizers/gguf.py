"""A `tokenizers` tokenizer from the vocabulary inside a GGUF file (byte-level BPE)."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS, PreTokenizer
from galop.tokenizers.stops import STOP_TOKENS, stop_ids

CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
MAX_TOKEN = 16_384  # characters
MAX_ADDED_TOKEN = 512
MERGES_PER_TOKEN = 8
FIM_KEYS = ("pre", "suf", "mid", "pad", "rep", "sep")


@dataclass(frozen=True)
class GGUFTokenizer:
    """What a file's metadata say: a tokenizer.json, special tokens by name, what ends a reply and fills in a middle."""

    json: str
    bos_token: str
    eos_token: str
    add_bos: bool
    stop_ids: list[int]
    fim: dict[str, int]
    note: str = ""


def tokenizer_from_gguf(metadata: dict[str, Any], file: str, pre_tokenizer: str = "") -> GGUFTokenizer:
    """The tokenizer that a file's metadata describe; `pre_tokenizer` is its family's, for a file that names none.

    Raises ModelFileError if the vocabulary is missing, malformed or of a kind that is not supported.
    """
    model, pre = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre")
    note = ""
    if model == "gpt2" and pre in (None, "default"):
        pre = pre_tokenizer or _guess(metadata)
        note = (
            f"{file} does not say how it splits text (tokenizer.ggml.pre); it is read like {pre!r}, and if that is "
            "wrong answers get worse: take a newer conversion"
        )
    if model != "gpt2" or not isinstance(pre, str) or pre not in PRE_TOKENIZERS:
        raise ModelFileError(
            f"{file}: the tokenizer {model!r} with pre-tokenizer {pre!r} is not supported; these pre-tokenizers of "
            f"'gpt2' are: {', '.join(sorted(PRE_TOKENIZERS))}"
        )
    tokens, merges = _strings(metadata, "tokens", file), _strings(metadata, "merges", file)
    types = _token_types(metadata, tokens, file)
    vocabulary = {token: i for i, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise ModelFileError(f"{file}: a token appears twice in the vocabulary")
    description = _describe(PRE_TOKENIZERS[pre], vocabulary, types, _pairs(merges, vocabulary, file))

    def identifier(key: str) -> int | None:
        value = metadata.get(f"tokenizer.ggml.{key}")
        if value is not None and (not isinstance(value, int) or not 0 <= value < len(tokens)):
            raise ModelFileError(f"{file}: tokenizer.ggml.{key} = {value!r} is not a token of the vocabulary")
        return value

    control = {token["content"]: token["id"] for token in description["added_tokens"]}
    # Older conversions took them for plain tokens; no text is written like these by chance.
    control |= {name: vocabulary[name] for name in STOP_TOKENS if name.startswith(("<|", "<｜")) and name in vocabulary}
    ends = [identifier(key) for key in ("eos_token_id", "eot_token_id", "eom_token_id")]
    bos, eos = identifier("bos_token_id"), identifier("eos_token_id")
    return GGUFTokenizer(
        json=json.dumps(description, ensure_ascii=False),
        bos_token="" if bos is None else tokens[bos],
        eos_token="" if eos is None else tokens[eos],
        add_bos=metadata.get("tokenizer.ggml.add_bos_token", PRE_TOKENIZERS[pre].add_bos) is True,
        fim={key: id for key in FIM_KEYS if (id := identifier(f"fim_{key}_token_id")) is not None},
        stop_ids=stop_ids(ends, "", control, len(tokens)),
        note=note,
    )


def _guess(metadata: dict[str, Any]) -> str:
    """The pre-tokenizer of a file that names none, by its vocabulary."""
    tokens = metadata.get("tokenizer.ggml.tokens")
    return "llama-bpe" if isinstance(tokens, list) and "<|begin_of_text|>" in tokens else "gpt-2"


def _strings(metadata: dict[str, Any], key: str, file: str) -> list[str]:
    value = metadata.get(f"tokenizer.ggml.{key}")
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ModelFileError(f"{file}: tokenizer.ggml.{key} is missing or not a list of strings")
    return value


def _token_types(metadata: dict[str, Any], tokens: list[str], file: str) -> list[int]:
    """One for each token, which has a length that its type may have."""
    types = metadata.get("tokenizer.ggml.token_type", array("i", [1]) * len(tokens))
    if not isinstance(types, array) or len(types) != len(tokens):
        raise ModelFileError(f"{file}: tokenizer.ggml.token_type does not have one entry per token")
    if any(not token or len(token) > MAX_TOKEN for token in tokens):
        raise ModelFileError(f"{file}: a token is empty or longer than {MAX_TOKEN} characters")
    if any(
        kind in (CONTROL, USER_DEFINED) and len(token) > MAX_ADDED_TOKEN
        for token, kind in zip(tokens, types, strict=True)
    ):
        raise ModelFileError(f"{file}: a control token is longer than {MAX_ADDED_TOKEN} characters")
    return types.tolist()


def _pairs(merges: list[str], vocabulary: dict[str, int], file: str) -> list[list[str]]:
    """Merges as the two tokens that each joins."""
    if len(merges) > MERGES_PER_TOKEN * len(vocabulary):
        raise ModelFileError(f"{file}: {len(merges)} merges for {len(vocabulary)} tokens are no tokenizer's")
    pairs = [merge.split(" ", 1) for merge in merges]
    for merge, pair in zip(merges, pairs, strict=True):
        if len(pair) != 2 or pair[0] not in vocabulary or pair[1] not in vocabulary or "".join(pair) not in vocabulary:
            raise ModelFileError(f"{file}: the merge {merge[:60]!r} does not join tokens of the vocabulary")
    return pairs


def _describe(
    split: PreTokenizer, vocabulary: dict[str, int], types: list[int], pairs: list[list[str]]
) -> dict[str, Any]:
    """The contents of a tokenizer.json."""
    added = [
        {
            "id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": types[i] == CONTROL,
        }
        for token, i in vocabulary.items()
        if types[i] in (CONTROL, USER_DEFINED) and not token.startswith("[PAD")
    ]  # fmt: skip
    splits = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        for pattern in split.patterns
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "NFC"} if split.nfc else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": split.ignore_merges,
            "vocab": {t: i for t, i in vocabulary.items() if types[i] != UNUSED},
            "merges": pairs,
        },
    }
