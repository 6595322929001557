"""The dummy space: SentencePiece puts a space before every text, so that a word has one token wherever it stands."""

from __future__ import annotations

from typing import Any, Literal

DummySpace = Literal["", "first", "always", "prepend"]
"""Where a vocabulary wants a space that is not in the text: nowhere; before a text; there and after each control token;
the same, even where a space stands, as SentencePiece has it."""
SPACE = "\u2581"  # how SentencePiece writes a space


def take_dummy_space(whole: dict[str, Any]) -> DummySpace:
    """Where a tokenizer.json puts a space that is not in the text, which it does no more afterwards: who encodes a text
    in parts has to put it (`Tokenizer.encode_text`)."""
    model, normalizer, splits = (whole.get(key) for key in ("model", "normalizer", "pre_tokenizer"))
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        return ""
    steps = normalizer.get("normalizers") if isinstance(normalizer, dict) else None
    prepend = {"type": "Prepend", "prepend": SPACE}
    if normalizer == prepend:
        whole["normalizer"] = None
        return "prepend"
    if isinstance(steps, list) and prepend in steps[:1]:
        steps.remove(prepend)
        return "prepend"
    if isinstance(splits, dict) and splits.get("type") == "Metaspace" and splits.get("replacement") == SPACE:
        scheme = splits.get("prepend_scheme", "always" if splits.get("add_prefix_space", True) is True else "never")
        whole["pre_tokenizer"] = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "never",
                                  "split": splits.get("split", True)}  # fmt: skip
        return scheme if scheme in ("first", "always") else ""
    return ""
