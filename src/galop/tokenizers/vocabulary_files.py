"""Vocabularies of checkpoints that have no tokenizer.json: SentencePiece's tokenizer.model, and vocab.json with
merges.txt. Both become what a GGUF file would hold of them, and a tokenizer.json from there.

tokenizer.model is a protobuf, of which sentencepiece_model.proto (github.com/google/sentencepiece) says what the fields
mean; what was added to a vocabulary later stands in the files beside it.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.dummy_space import SPACE
from galop.tokenizers.gguf.byte_level import describe_byte_level
from galop.tokenizers.gguf.sentencepiece import describe_sentencepiece
from galop.tokenizers.gguf.unigram import describe_unigram, normalizers
from galop.tokenizers.gguf.vocabulary import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Part,
    Vocabulary,
    in_sequence,
)  # fmt: skip
from galop.tokenizers.pre_tokenizers import PreTokenizer
from galop.tokenizers.stops import is_marked

SENTENCEPIECE = "tokenizer.model"
VOCABULARY, MERGES = "vocab.json", "merges.txt"
ADDED = "added_tokens.json"
MAX_TOKENS = 1 << 20
# By the class that tokenizer_config.json names, where a family does not say how its text is split.
PRE_TOKENIZER_OF = {
    "Qwen2Tokenizer": "qwen2", "Qwen2TokenizerFast": "qwen2", "GPT2Tokenizer": "gpt-2", "GPT2TokenizerFast": "gpt-2",
    "CodeGenTokenizer": "gpt-2", "CodeGenTokenizerFast": "gpt-2",
}  # fmt: skip
UNIGRAM, BPE = 1, 2  # kinds of models of SentencePiece
Added = dict[int, tuple[str, bool]]
"""Tokens by id: the name, and whether it is a control token."""


def read_added(added: Mapping[str, Any], settings: Mapping[str, Any]) -> Added:
    """What added_tokens.json and the contents of tokenizer_config.json add to a vocabulary, or say of its tokens.

    Raises ModelFileError for entries that are none.
    """
    special = {_content(value) for key, value in settings.items() if key.endswith("_token")}
    listed = settings.get("additional_special_tokens") or settings.get("extra_special_tokens") or []
    special |= {_content(token) for token in listed} if isinstance(listed, list) else set()
    found: Added = {}
    for name, id in added.items():
        found[_id(id, ADDED)] = (name, name in special or is_marked(name))
    decoder = settings.get("added_tokens_decoder")
    for key, token in decoder.items() if isinstance(decoder, dict) else ():
        found[_id(int(key) if key.isdecimal() else key, "added_tokens_decoder")] = (
            _content(token), token.get("special") is True if isinstance(token, dict) else False
        )  # fmt: skip
    if nameless := next((id for id, (name, _) in found.items() if not name), None):
        raise ModelFileError(f"tokenizer_config.json: the added token {nameless} has no name")
    return found


def describe_merges(words: Mapping[str, Any], merges: str, added: Added, split: PreTokenizer) -> Part:
    """The contents of a tokenizer.json for vocab.json's words by byte-level BPE. Raises ModelFileError."""
    tokens = {_id(id, VOCABULARY): word for word, id in words.items()}
    if len(tokens) != len(words):
        raise ModelFileError(f"{VOCABULARY}: two of its tokens have the same id")
    lines = [line for line in merges.splitlines() if line.strip() and not line.startswith("#version")]
    if not lines:
        raise ModelFileError(f"{MERGES}: there are no merges in it")
    return describe_byte_level(_vocabulary(tokens, {}, added, VOCABULARY, {"merges": lines}), split)


def describe_model(data: bytes, added: Added) -> tuple[Part, dict[str, Any]]:
    """The contents of a tokenizer.json for SentencePiece's tokenizer.model, and what tokenizer_config.json would say of
    its BOS and EOS. Raises ModelFileError for a file that is none, or is of a kind that is not supported."""
    tokens: dict[int, str] = {}
    kinds: dict[int, int] = {}
    scores: list[float] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            piece = dict(_fields(value))
            place, score = len(scores), piece.get(2)
            tokens[place], kinds[place] = _text(piece.get(1)), piece.get(3, NORMAL)
            scores.append(struct.unpack("<f", score)[0] if isinstance(score, bytes) and len(score) == 4 else 0.0)
        elif number in (2, 3) and isinstance(value, bytes):
            (trainer if number == 2 else normalizer).update(_fields(value))
        if len(tokens) > MAX_TOKENS:
            raise _reject(f"has more than {MAX_TOKENS} tokens")
    kind = trainer.get(3, UNIGRAM)
    if kind not in (UNIGRAM, BPE) or trainer.get(24) or normalizer.get(5, 1) != 1:
        raise _reject("is neither a unigram model nor BPE, or marks spaces in a way of its own: not supported")
    if not tokens or not set(kinds.values()) <= {NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE}:
        raise _reject("holds no tokens, or some of no known kind")
    unknown = next((id for id, one in kinds.items() if one == UNKNOWN), None)
    charsmap = normalizer.get(2)
    metadata = {
        "scores": scores, "add_space_prefix": bool(normalizer.get(3, 1)),
        "remove_extra_whitespaces": bool(normalizer.get(4, 1)),
        **({"unknown_token_id": unknown} if unknown is not None else {}),
        **({"precompiled_charsmap": array("B", charsmap)} if charsmap and isinstance(charsmap, bytes) else {}),
    }  # fmt: skip
    vocabulary = _vocabulary(tokens, kinds, added, SENTENCEPIECE, metadata)
    if kind == UNIGRAM:
        described = describe_unigram(vocabulary)
    else:
        described = describe_sentencepiece(vocabulary)
        dummy = [{"type": "Prepend", "prepend": SPACE}] if metadata["add_space_prefix"] else []
        described["normalizer"] = in_sequence(
            "normalizers", *dummy, *normalizers(vocabulary), described["normalizer"]
        )  # fmt: skip
    ends = {"bos_token": trainer.get(41, 1), "eos_token": trainer.get(42, 2)}
    told: dict[str, Any] = {key: tokens[id] for key, id in ends.items() if kinds.get(id) == CONTROL}
    return described, {**told, "add_bos_token": kind == BPE and "bos_token" in told}


def _vocabulary(
    tokens: Mapping[int, str], kinds: Mapping[int, int], added: Added, file: str, metadata: dict[str, Any]
) -> Vocabulary:
    """Tokens without gaps, with those that were added. Raises ModelFileError."""
    count = max([*tokens, *added], default=-1) + 1
    names = [tokens.get(id, f"[PAD{id}]") for id in range(count)]
    types = [kinds.get(id, NORMAL if id in tokens else UNUSED) for id in range(count)]
    for id, (name, special) in added.items():
        names[id] = name
        if types[id] not in (UNKNOWN, BYTE):
            types[id] = CONTROL if special else USER_DEFINED
    if "scores" in metadata:
        scores = metadata["scores"]
        if not all(map(math.isfinite, scores)):
            raise ModelFileError(f"{file}: a score is no number")
        metadata["scores"] = array("f", scores + [0.0] * (count - len(scores)))
    metadata |= {"tokens": names, "token_type": array("i", types)}
    return Vocabulary.parse({f"tokenizer.ggml.{key}": value for key, value in metadata.items()}, file)


def _content(token: Any) -> str:
    """The name of a token, written as a string or an object."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else ""


def _id(value: Any, file: str) -> int:
    if type(value) is not int or not 0 <= value < MAX_TOKENS:
        raise ModelFileError(f"{file}: {str(value)[:40]!r} is no token's id")
    return value


def _text(value: Any) -> str:
    """Raises ModelFileError for what is no UTF-8."""
    try:
        return value.decode() if isinstance(value, bytes) else ""
    except UnicodeDecodeError:
        raise _reject("holds a token that is not UTF-8") from None


def _reject(reason: str) -> ModelFileError:
    return ModelFileError(f"{SENTENCEPIECE}: it {reason}; take a checkpoint with a tokenizer.json")


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """A protobuf message's fields by number, integers or bytes. Raises ModelFileError where it ends too early."""
    at, end = 0, len(data)

    def varint() -> int:
        nonlocal at
        value = 0
        for shift in range(0, 64, 7):
            if at >= end:
                break
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise _reject("is damaged, or no model of SentencePiece's")

    while at < end:
        key = varint()
        wire = key & 7
        if wire == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 2: -1, 5: 4}.get(wire, end + 1)
        size = varint() if size < 0 else size
        if size > end - at:
            raise _reject("is damaged, or no model of SentencePiece's")
        at += size
        yield key >> 3, data[at - size : at]
