"""The tokens of a GGUF file, bounded and checked, and the tokenizer.json that is made of them."""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.dummy_space import SPACE

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
MAX_TOKEN = 16_384  # characters
MAX_ADDED_TOKEN = 512
MERGES_PER_TOKEN = 8

Part = dict[str, Any]


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, each of a kind, and the metadata they came with."""

    file: str
    metadata: dict[str, Any]
    tokens: list[str]
    kinds: list[int]

    @classmethod
    def parse(cls, metadata: dict[str, Any], file: str) -> Vocabulary:
        """Of a file's metadata. Raises ModelFileError for tokens that are missing or malformed."""
        tokens = strings(metadata, "tokens", file)
        kinds = metadata.get("tokenizer.ggml.token_type", array("i", [NORMAL]) * len(tokens))
        if not isinstance(kinds, array) or len(kinds) != len(tokens):
            raise ModelFileError(f"{file}: tokenizer.ggml.token_type does not have one entry per token")
        if any(not token or len(token) > MAX_TOKEN for token in tokens):
            raise ModelFileError(f"{file}: a token is empty or longer than {MAX_TOKEN} characters")
        if any(
            kind in (CONTROL, USER_DEFINED) and len(token) > MAX_ADDED_TOKEN
            for token, kind in zip(tokens, kinds, strict=True)
        ):
            raise ModelFileError(f"{file}: a control token is longer than {MAX_ADDED_TOKEN} characters")
        if len(set(tokens)) != len(tokens):
            raise ModelFileError(f"{file}: a token appears twice in the vocabulary")
        return cls(file, metadata, tokens, kinds.tolist())

    @cached_property
    def ids(self) -> dict[str, int]:
        """Every token's id."""
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def added(self) -> list[Part]:
        """Control and user-defined tokens, as a tokenizer.json has them."""
        return [
            {"id": i, "content": token, **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
             "special": kind == CONTROL}
            for i, (token, kind) in enumerate(zip(self.tokens, self.kinds, strict=True))
            if kind in (CONTROL, USER_DEFINED) and not re.fullmatch(r"\[PAD\d+\]", token)
        ]  # fmt: skip

    def flag(self, key: str, default: bool) -> bool:
        """A metadata key that says yes or no. Raises ModelFileError if it says something else."""
        value = self.metadata.get(f"tokenizer.ggml.{key}", default)
        if type(value) is not bool:
            raise ModelFileError(f"{self.file}: tokenizer.ggml.{key} = {str(value)[:60]!r} is neither true nor false")
        return value

    def token_id(self, key: str) -> int | None:
        """The token that a metadata key names. Raises ModelFileError for one that is not in the vocabulary."""
        value = self.metadata.get(f"tokenizer.ggml.{key}")
        if value is not None and (type(value) is not int or not 0 <= value < len(self.tokens)):
            raise ModelFileError(f"{self.file}: tokenizer.ggml.{key} = {value!r} is not a token of the vocabulary")
        return value

    def scores(self) -> list[float]:
        """One for each token. Raises ModelFileError where they are missing or no numbers."""
        scores = self.metadata.get("tokenizer.ggml.scores")
        if not isinstance(scores, array) or len(scores) != len(self.tokens) or not all(map(math.isfinite, scores)):
            raise ModelFileError(f"{self.file}: tokenizer.ggml.scores does not have one number per token")
        return [float(score) for score in scores]

    def merges(self) -> list[list[str]]:
        """Merges as the two tokens that each joins. Raises ModelFileError."""
        merges = strings(self.metadata, "merges", self.file)
        if len(merges) > MERGES_PER_TOKEN * len(self.tokens):
            raise ModelFileError(f"{self.file}: {len(merges)} merges for {len(self.tokens)} tokens are no tokenizer's")
        known = self.ids
        pairs = [merge.split(" ", 1) for merge in merges]
        for merge, pair in zip(merges, pairs, strict=True):
            if len(pair) != 2 or pair[0] not in known or pair[1] not in known or "".join(pair) not in known:
                raise ModelFileError(f"{self.file}: the merge {merge[:60]!r} does not join tokens of the vocabulary")
        return pairs


def strings(metadata: dict[str, Any], key: str, file: str) -> list[str]:
    """A list of strings of the metadata. Raises ModelFileError."""
    value = metadata.get(f"tokenizer.ggml.{key}")
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ModelFileError(f"{file}: tokenizer.ggml.{key} is missing or not a list of strings")
    return value


def description(
    model: Part, added: list[Part], normalizer: Part | None, pre_tokenizer: Part | None, decoder: Part
) -> Part:
    """The contents of a tokenizer.json."""
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": decoder, "model": model,
    }  # fmt: skip


def bpe(vocabulary: dict[str, int], merges: list[list[str]], **changes: Any) -> Part:
    """A model of byte-pair encoding."""
    return {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, **changes,
        "vocab": vocabulary, "merges": merges,
    }  # fmt: skip


def replace(pattern: str, content: str) -> Part:
    """A normalizer or decoder that writes a string for another."""
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def in_sequence(kind: str, *steps: Part) -> Part:
    """Steps one after the other; `kind` is what they are called together."""
    return {"type": "Sequence", kind: list(steps)}


BYTE_FALLBACK = in_sequence("decoders", replace(SPACE, " "), {"type": "ByteFallback"}, {"type": "Fuse"})
"""The decoder of vocabularies that have a token for each byte, and ▁ for a space."""
