"""Makes vocabularies.json: vocabularies that SentencePiece trained, as a GGUF file holds them, and its ids for texts.

Needs the `oracle` extra. The library says all of its pieces but which are the user's symbols, and its character map,
which is read from the model's bytes (field 2 of the normaliser, field 3 of the model: protobuf's wire format).
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sentencepiece

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from corpus import CORPUS

SYMBOLS = ["<table>", "</h1>", "\n", "\n\n", "▁▁", "▁▁▁", "[multimodal]"]
PIECES = ["  ", "a", "<table>", "</h1>", "\n", "\n\n", "the ", "é", "漢", "x<u>y", "</s>", " ", "▁"]
CASES: dict[str, tuple[str, bool, list[str]]] = {  # the kind, whether there is a dummy space, symbols of the user
    "bpe": ("llama", True, []),
    "bpe without a dummy space": ("llama", False, SYMBOLS),
    "bpe with symbols": ("llama", True, SYMBOLS),
    "unigram": ("t5", True, []),
    "unigram without a dummy space": ("t5", False, ["<table>", "</h1>", "[multimodal]"]),
}


def texts() -> list[str]:
    """The corpus, and texts made of what vocabularies have tokens for."""
    chance = random.Random(1)
    return CORPUS + ["".join(chance.choices(PIECES, k=chance.randint(1, 9))) for _ in range(60)]


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Of a protobuf message: their numbers and values, those of one byte or more."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        length = {0: 0, 1: 8, 2: -1, 5: 4}[key & 7]
        if not length:
            yield key >> 3, varint()
            continue
        length = varint() if length < 0 else length
        yield key >> 3, data[at : at + length]
        at += length


def train(kind: str, dummy: bool, symbols: list[str], size: int = 620) -> tuple[Any, dict[str, Any]]:
    """A vocabulary as the library has it, and as the metadata of a GGUF file."""
    out = io.BytesIO()
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")
    unigram = kind == "t5"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*CORPUS, *guide.splitlines()]), model_writer=out, vocab_size=size,
        model_type="unigram" if unigram else "bpe", byte_fallback=True, add_dummy_prefix=dummy,
        remove_extra_whitespaces=unigram, normalization_rule_name="nmt_nfkc" if unigram and not dummy else "identity",
        user_defined_symbols=symbols, minloglevel=2, hard_vocab_limit=False, character_coverage=0.98,
    )  # fmt: skip
    known = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    pieces = [known.id_to_piece(i) for i in range(known.get_piece_size())]
    kinds = [
        2 if known.is_unknown(i) else 3 if known.is_control(i) else 6 if known.is_byte(i) else 4 if p in symbols else 1
        for i, p in enumerate(pieces)
    ]
    metadata = {
        "model": kind, "tokens": pieces, "scores": [known.get_score(i) for i in range(len(pieces))],
        "token_type": kinds, "add_space_prefix": dummy, "remove_extra_whitespaces": unigram, "bos_token_id": 1,
        "eos_token_id": 2, "unknown_token_id": 0, "add_bos_token": False,
    }  # fmt: skip
    normalizer = next(value for number, value in fields(out.getvalue()) if number == 3)
    charsmap = next((value for number, value in fields(normalizer) if number == 2), b"")
    return known, metadata | ({"precompiled_charsmap": list(charsmap)} if charsmap else {})


if __name__ == "__main__":
    made: dict[str, Any] = {}
    for case, arguments in CASES.items():
        known, metadata = train(*arguments)
        if "precompiled_charsmap" in metadata:  # of 240 kB: for the tests that have the library
            continue
        ids = [known.encode(text) for text in texts()]
        made[case] = {"metadata": metadata, "ids": ids, "decoded": [known.decode(one) for one in ids]}
    path = Path(__file__).parent / "vocabularies.json"
    path.write_text(
        json.dumps({"texts": texts(), "cases": made}, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8"
    )
