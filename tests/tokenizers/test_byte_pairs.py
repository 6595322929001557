"""The native byte pairs give what the tokenizers library gives, or leave a text to it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers import models as library_models

from galop import native
from galop.errors import ModelFileError
from galop.tokenizers import tokenizer as module
from galop.tokenizers.byte_pairs import LONGEST, BytePairEncoder
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS

CONTROL = ("<|end|>", "<|endoftext|>", "<|", "<think>")
PIECES = (
    "the", " other", "lowest", " lower", "newer", "\n\n", "   ", "\t", "é", "e\u0301", "日本語", "🙂", "👨\u200d👩", "def f(x):", "12345",
    "'s", "<|", "|>", "a" * 90, "don't", "\r\n", "ﬁ", "\u200b", "\x00", *CONTROL,
)  # fmt: skip


def describe(alphabet: bool = True, normalizer: bool = True, tokens: int = 600) -> dict[str, Any]:
    """A tokenizer of byte-level BPE trained on a few words, as its tokenizer.json says it."""
    trained = Tokenizer(library_models.BPE())
    trained.normalizer = normalizers.NFC() if normalizer else None
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    words = [" ".join(PIECES[i:] + PIECES[:i]) for i in range(len(PIECES))]
    bytes_known = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    trainer = trainers.BpeTrainer(vocab_size=tokens, initial_alphabet=bytes_known, show_progress=False)
    trained.train_from_iterator(words, trainer)
    trained.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in CONTROL])
    described: dict[str, Any] = json.loads(trained.to_str())
    return described


def texts(count: int) -> list[str]:
    chance = random.Random(5)
    made = ["".join(chance.choice(PIECES) for _ in range(chance.randrange(12))) for _ in range(count)]
    wild = ["".join(chr(chance.choice([chance.randrange(1, 127), chance.randrange(0xa0, 0xd7ff)])) for _ in range(9))
            for _ in range(count)]  # fmt: skip
    return [*made, *wild]


def whole_first(described: dict[str, Any]) -> None:
    described["model"]["ignore_merges"] = True


def joined_merges(described: dict[str, Any]) -> None:
    described["model"]["merges"] = [" ".join(pair) for pair in described["model"]["merges"]]


def merge_again(described: dict[str, Any]) -> None:
    described["model"]["merges"] += described["model"]["merges"][:40]


def split_as_qwen(described: dict[str, Any]) -> None:
    [pattern] = PRE_TOKENIZERS["qwen2"].patterns
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    described["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, step]}


def prefix_space(described: dict[str, Any]) -> None:
    described["pre_tokenizer"]["add_prefix_space"] = True


@pytest.mark.parametrize("normalizer", [True, False])
@pytest.mark.parametrize("change", [whole_first, joined_merges, merge_again, split_as_qwen, prefix_space])
def test_ids_are_those_of_the_library(change: Callable[[dict[str, Any]], None], normalizer: bool) -> None:
    described = describe(normalizer=normalizer)
    change(described)
    text = json.dumps(described, ensure_ascii=False)
    ours, theirs = BytePairEncoder(text), Tokenizer.from_str(text)
    taken = 0
    for sample in texts(150):
        for plain in (True, False):
            theirs.encode_special_tokens = plain
            ids, expected = ours.encode(sample, plain), theirs.encode(sample, add_special_tokens=False).ids
            assert ids == expected or (ids is None and ours._names.keys() & set(expected)), (sample, plain)
            taken += ids is not None
    assert taken > 500
    for id in range(theirs.get_vocab_size() + 3):
        name = theirs.id_to_token(id)
        assert ours.name(id) == name
        assert name is None or ours.id(name) == id
    assert ours.id("no such token") is None


def test_escapes_in_the_json_are_what_they_stand_for() -> None:
    described = describe()
    plain, escaped = (json.dumps(described, ensure_ascii=ascii) for ascii in (False, True))
    for sample in texts(40):
        assert BytePairEncoder(plain).encode(sample, False) == BytePairEncoder(escaped).encode(sample, False)


def test_what_it_cannot_do_is_left_to_the_library() -> None:
    text = json.dumps(describe(alphabet=False))
    ours = module.Tokenizer(text)
    assert ours._pairs is not None
    assert ours._pairs.encode("\x7f", True) is None  # a byte that is no token
    assert ours._pairs.encode("a" * (LONGEST + 1), True) is None
    assert ours.encode("\x7fa") == Tokenizer.from_str(text).encode("\x7fa").ids
    assert len(ours.encode("a" * (LONGEST + 1))) > 100


def strip_left(described: dict[str, Any]) -> None:
    described["added_tokens"][0]["lstrip"] = True


def write_as_text(described: dict[str, Any]) -> None:
    described["added_tokens"][0] |= {"special": False, "content": "\n\n\n"}


def move_id(described: dict[str, Any]) -> None:
    described["added_tokens"][-1]["id"] += 1


def fall_back_to_bytes(described: dict[str, Any]) -> None:
    described["model"]["byte_fallback"] = True


def count_words(described: dict[str, Any]) -> None:
    described["model"] = {"type": "WordLevel", "vocab": described["model"]["vocab"], "unk_token": "a"}


def leave_a_gap(described: dict[str, Any]) -> None:
    last = max(described["model"]["vocab"], key=described["model"]["vocab"].get)
    described["model"]["vocab"][last] += 20


@pytest.mark.parametrize("change", [strip_left, write_as_text, move_id, fall_back_to_bytes, count_words, leave_a_gap])
def test_another_kind_of_tokenizer_is_not_taken(change: Callable[[dict[str, Any]], None]) -> None:
    described = describe()
    change(described)
    with pytest.raises(ValueError):
        BytePairEncoder(json.dumps(described))


def test_text_that_is_no_tokenizer_is_refused_and_never_more() -> None:
    text = json.dumps(describe(tokens=300), ensure_ascii=False)
    chance = random.Random(3)
    for _ in range(400):
        at = chance.randrange(len(text))
        other = chance.choice(['"', "\\", "{", "}", "[", "]", ",", ":", "\\u", "\\ud800", "9" * 30, "", "\x00", " "])
        for broken in (text[:at], text[:at] + other + text[at + 1 :]):
            try:
                pairs = native.BytePairs(broken)
            except ValueError:
                continue
            assert len(pairs) > 0
    for wrong in ("", "{", "[]", "null", '{"model": 3}', '{"model": {"vocab": {}, "merges": []}}' * 2, "[" * 100_000):
        with pytest.raises(ValueError):
            native.BytePairs(wrong)
    with pytest.raises(ModelFileError, match="cannot be read"):
        module.Tokenizer("{")


def test_a_long_word_is_merged_in_reasonable_time() -> None:
    ours = BytePairEncoder(json.dumps(describe()))
    ids = ours.encode("newerlower" * 1600, True)
    assert ids is not None
    assert 1000 < len(ids) < 10_000
