"""Unigram language models: the kind `t5`, whose scores are log-probabilities. Kudo, arXiv 1804.10959."""

from __future__ import annotations

import base64
from array import array

from galop.errors import ModelFileError
from galop.tokenizers.charsmap import check_charsmap
from galop.tokenizers.control import is_text
from galop.tokenizers.dummy_space import SPACE
from galop.tokenizers.gguf.vocabulary import (
    BYTE,
    CONTROL,
    USER_DEFINED,
    Part,
    Vocabulary,
    description,
    in_sequence,
)  # fmt: skip

NEVER = -1e6  # the score of a control token, which no text is ever split into
MAX_SCORE = 1e9


def describe_unigram(vocabulary: Vocabulary) -> Part:
    """The contents of its tokenizer.json. Raises ModelFileError."""
    scores = vocabulary.scores()
    unknown = vocabulary.token_id("unknown_token_id")
    if unknown is None:
        raise ModelFileError(f"{vocabulary.file}: tokenizer.ggml.unknown_token_id is missing")
    if not all(abs(score) < MAX_SCORE for score in scores):
        raise ModelFileError(f"{vocabulary.file}: a score of its tokens is no logarithm of a probability")
    added = [t for t in vocabulary.added if t["special"] or not is_text(t["content"])]
    hidden = {token["id"] for token in added if token["id"] != unknown}
    pieces = [
        [token, NEVER if i in hidden or kind == CONTROL else 0.0 if kind == USER_DEFINED else scores[i]]
        for i, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.kinds, strict=True))
    ]
    prefix = "always" if vocabulary.flag("add_space_prefix", True) else "never"
    spaces = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": prefix, "split": True}
    in_bytes = BYTE in vocabulary.kinds
    return description(
        {"type": "Unigram", "unk_id": unknown, "vocab": pieces, "byte_fallback": in_bytes},
        added,
        normalizer=in_sequence("normalizers", *normalizers(vocabulary)),
        pre_tokenizer=spaces,
        decoder=in_sequence("decoders", {"type": "ByteFallback"}, spaces) if in_bytes else spaces,
    )


def normalizers(vocabulary: Vocabulary) -> list[Part]:
    """What SentencePiece does to a text's characters and spaces first. Raises ModelFileError for a damaged table."""
    charsmap = vocabulary.metadata.get("tokenizer.ggml.precompiled_charsmap")
    steps: list[Part] = []
    if charsmap is not None:
        if not isinstance(charsmap, array) or charsmap.itemsize != 1:
            raise ModelFileError(f"{vocabulary.file}: tokenizer.ggml.precompiled_charsmap is no list of bytes")
        if reason := check_charsmap(charsmap.tobytes()):
            raise ModelFileError(f"{vocabulary.file}: tokenizer.ggml.precompiled_charsmap {reason}")
        encoded = base64.b64encode(charsmap.tobytes()).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": encoded})
    if vocabulary.flag("remove_extra_whitespaces", default=False):
        steps.append({"type": "Replace", "pattern": {"Regex": r"\A +| +(?= )| +\z"}, "content": ""})
    return steps
