"""tokenizer.model and vocab.json with merges.txt give the ids of the libraries that wrote them; damage is one sentence."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from corpus import CORPUS
from golden.recipe import case_path
from hypothesis import given
from hypothesis import strategies as st

from galop.backends.load import load_path
from galop.errors import ModelFileError
from galop.tokenizers.dummy_space import take_dummy_space
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS
from galop.tokenizers.tokenizer import BYTE_OF, Tokenizer
from galop.tokenizers.tokenizer_json import sanitize
from galop.tokenizers.vocabulary_files import Added, describe_merges, describe_model, read_added

GOLDEN = Path(__file__).parent.parent / "golden"
TRAINED: dict[str, Any] = json.loads((GOLDEN / "vocabularies.json").read_text("utf-8"))


def number(value: int) -> bytes:
    """Protobuf's way of writing an integer."""
    return bytes([value & 127 | 128]) + number(value >> 7) if value > 127 else bytes([value])


def field(place: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    return number(place << 3 | 2) + number(len(value)) + value


def model_file(metadata: dict[str, Any], **changes: int) -> bytes:
    """A tokenizer.model of the vocabulary that a GGUF file's metadata hold."""
    pieces = b"".join(
        field(1, field(1, token.encode()) + number(2 << 3 | 5) + struct.pack("<f", score) + field(3, kind))
        for token, score, kind in zip(metadata["tokens"], metadata["scores"], metadata["token_type"], strict=True)
    )
    kind = {"kind": 1 if metadata["model"] == "t5" else 2, "suffix": 0, "escape": 1, **changes}
    trainer = field(3, kind["kind"]) + field(24, kind["suffix"]) + field(40, 0) + field(41, 1) + field(42, 2)
    normalizer = field(3, int(metadata["add_space_prefix"])) + field(4, int(metadata["remove_extra_whitespaces"]))
    normalizer += field(5, kind["escape"])
    if charsmap := metadata.get("precompiled_charsmap"):
        normalizer += field(2, bytes(charsmap))
    return pieces + field(2, trainer) + field(3, normalizer)


def build(data: bytes, added: Added | None = None) -> Tokenizer:
    whole, told = describe_model(data, added or {})
    dummy_space = take_dummy_space(whole)
    return Tokenizer(sanitize(whole, 4096), told["bos_token"], told["eos_token"], False, dummy_space)


@pytest.mark.parametrize("case", TRAINED["cases"])
def test_a_sentencepiece_model_gives_the_ids_of_sentencepiece(case: str) -> None:
    golden = TRAINED["cases"][case]
    ours = build(model_file(golden["metadata"]))
    for text, ids in zip(TRAINED["texts"], golden["ids"], strict=True):
        if case == "unigram" and "▁" in text:  # which the library takes for a space at the ends of a text too
            continue
        assert ours.encode_text([(text, False)]) == ids, text


@pytest.mark.oracle
@pytest.mark.parametrize("case", ["bpe", "bpe with symbols", "unigram", "unigram without a dummy space"])
def test_a_file_that_sentencepiece_wrote_is_read_as_it_reads_it(case: str) -> None:
    sys.path.insert(0, str(GOLDEN))
    from make_vocabularies import CASES, texts, train

    known, _ = train(*CASES[case], size=900)
    ours = build(known.serialized_model_proto())
    plain = [text for text in texts() if "▁" not in text]
    different = [text for text in plain if ours.encode_text([(text, False)]) != known.encode(text)]
    assert len(different) <= ("unigram" in case), different  # cuts of one score


def test_tokens_that_were_added_are_those_of_the_files_beside() -> None:
    given = TRAINED["cases"]["bpe"]["metadata"]
    count = len(given["tokens"])
    settings = {
        "bos_token": "<s>", "additional_special_tokens": ["<think>"],
        "added_tokens_decoder": {
            str(count): {"content": "<tool>", "special": False}, str(count + 2): {"content": "<|im_end|>", "special": True}
        },
    }  # fmt: skip
    added = read_added({"<think>": count + 3, "<tool>": count}, settings)
    assert added == {count: ("<tool>", False), count + 2: ("<|im_end|>", True), count + 3: ("<think>", True)}
    ours = build(model_file(given), added)
    assert ours.encode_control("<tool>")[-1:] == [count] and ours.encode_control("<|im_end|>") == [count + 2]
    assert count not in ours.encode("<tool>") and ours.id("<think>") == count + 3


def test_words_and_merges_give_the_ids_of_the_library_that_wrote_them(tmp_path: Path) -> None:
    split = PRE_TOKENIZERS["qwen2"]
    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    pattern = tokenizers.pre_tokenizers.Split(tokenizers.Regex(split.patterns[0]), "isolated")
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trained.normalizer = tokenizers.normalizers.NFC()
    trained.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([pattern, byte_level])
    alphabet = sorted(byte_level.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False)
    trained.train_from_iterator(CORPUS, trainer)
    trained.model.save(str(tmp_path))
    words, merges = (
        json.loads((tmp_path / "vocab.json").read_text("utf-8")),
        (tmp_path / "merges.txt").read_text("utf-8"),
    )
    added = {len(words): ("<|im_end|>", True)}
    ours = Tokenizer(sanitize(describe_merges(words, merges, added, split), 1000))
    for text in CORPUS:
        assert ours.encode(text) == trained.encode(text).ids, text
    assert ours.encode_control("a<|im_end|>")[-1] == len(words)


def directory(to: Path, files: dict[str, Any]) -> Path:
    shutil.copytree(case_path("qwen3_5_text"), to)
    (to / "tokenizer.json").unlink()
    for name, content in files.items():
        (to / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return to


def test_a_model_with_either_is_loaded(tmp_path: Path) -> None:
    config = json.loads((case_path("qwen3_5_text") / "config.json").read_text())
    assert config["vocab_size"] == 256
    given = TRAINED["cases"]["bpe"]["metadata"]
    cut = {**given, **{key: given[key][:256] for key in ("tokens", "scores", "token_type")}}
    with load_path(directory(tmp_path / "a", {"tokenizer.model": model_file(cut)}), memory=4 << 30) as model:
        assert model.tokenizer.bos_token == "<s>" and model.tokenizer.add_bos and 2 in model.card.stop_ids
        assert model.tokenizer.dummy_space == "prepend" and model.encode("a")[0] == 1
    words = {token: byte for token, byte in BYTE_OF.items() if byte < 255} | {"an": 255}
    files = {"vocab.json": words, "merges.txt": b"#version: 0.2\na n\n"}
    with load_path(directory(tmp_path / "b", files), memory=4 << 30) as model:
        assert model.tokenizer.decode(model.encode("naïve 12 an")) == "naïve 12 an" and model.encode("an") == [255]
        assert any("taken to be split as 'qwen35' is" in note for note in model.card.notes)


DAMAGED: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "there is no tokenizer.json, nor tekken.json"),
    "words alone": ({"vocab.json": {"a": 0}}, "there is no tokenizer.json"),
    "no protobuf": ({"tokenizer.model": b"\xff" * 40}, "damaged"),
    "empty": ({"tokenizer.model": b""}, "no tokens"),
    "words of characters": ({"tokenizer.model": model_file(TRAINED["cases"]["bpe"]["metadata"], kind=4)}, "not supported"),
    "spaces behind words": ({"tokenizer.model": model_file(TRAINED["cases"]["bpe"]["metadata"], suffix=1)}, "not supported"),
    "ids of strings": ({"vocab.json": {"a": "b"}, "merges.txt": b""}, "no token's id"),
    "no merges": ({"vocab.json": {"a": 0}, "merges.txt": b"#version: 0.2"}, "no merges in it"),
    "merges of nothing": ({"vocab.json": {"a": 0}, "merges.txt": b"a q"}, "does not join tokens"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_damaged_or_missing_is_said_in_one_sentence(case: str, tmp_path: Path) -> None:
    files, message = DAMAGED[case]
    with pytest.raises(ModelFileError, match=message) as caught:
        load_path(directory(tmp_path / "m", files), memory=4 << 30)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@given(data=st.data())
def test_any_damage_is_refused_or_encodes(data: st.DataObject) -> None:
    whole = bytearray(model_file({**TRAINED["cases"]["bpe"]["metadata"]}))[-4000:]
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        description, _ = describe_model(bytes(whole), {})
        text = sanitize(description, 4096)
    except ModelFileError as error:
        assert "\n" not in str(error)
    else:
        Tokenizer(text).encode("some text")
