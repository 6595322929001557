"""The Python interface: streams, reuse, sampling, stop strings, two models in one process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import finish
from golden.make import TOKENS
from hypothesis import given
from hypothesis import strategies as st
from replies import collect
from tiny import GOLDEN, write_gguf

import galop
from galop import Sampling
from galop.backends.load import load_path, open_pack
from galop.backends.local import Model
from galop.backends.protocol import GenerationRequest
from galop.engine.sampling import sample
from galop.errors import ContextLengthError, MemoryBudgetError, ModelFileError, NumericalError
from galop.models.from_file import open_checkpoint
from galop.weights import pack as packs

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY = Sampling()


def test_a_real_model_answers_the_same_every_time(smollm: Model) -> None:
    text, done = collect(smollm.chat(QUESTION, sampling=GREEDY, max_tokens=40))
    again, second = collect(smollm.chat(QUESTION, sampling=GREEDY, max_tokens=40))
    assert text == again and text.strip()
    assert done.prompt_tokens == 37 and second.cached_tokens == 36
    assert not smollm.engine.blocks_in_use
    assert done.answer_tokens <= 40


def test_a_conversation_is_not_read_twice(smollm: Model) -> None:
    text, first = collect(smollm.chat(QUESTION, sampling=GREEDY, max_tokens=20))
    longer = [*QUESTION, {"role": "assistant", "content": text}, {"role": "user", "content": "And of Italy?"}]
    reused, done = collect(smollm.chat(longer, sampling=GREEDY, max_tokens=20))
    assert done.cached_tokens >= first.prompt_tokens
    with galop.load("package:smollm2:135m") as fresh:
        alone, cold = collect(fresh.chat(longer, sampling=GREEDY, max_tokens=20))
    assert cold.cached_tokens == 0
    assert alone == reused


def test_sampling_is_reproducible_by_seed(smollm: Model) -> None:
    hot = [Sampling(temperature=1.2, top_k=50, top_p=0.95, seed=s) for s in (1, 1, 2)]
    answers = [collect(smollm.chat(QUESTION, sampling=s, max_tokens=24))[0] for s in hot]
    assert answers[0] == answers[1] != answers[2]


def test_stop_strings_end_the_answer_and_are_never_shown(smollm: Model) -> None:
    whole, _ = collect(smollm.generate("One, two, three, four,", sampling=GREEDY, max_tokens=30))
    stop = whole[8:13]
    cut, done = collect(smollm.generate("One, two, three, four,", sampling=GREEDY, max_tokens=30, stop=[stop]))
    assert done.reason == "stop"
    assert cut == whole[: whole.index(stop)]


def test_cancelling_stops_within_a_token(smollm: Model) -> None:
    seen = 0

    def enough() -> bool:
        nonlocal seen
        seen += 1
        return seen > 5

    _, done = collect(smollm.generate("Once upon a time", sampling=GREEDY, max_tokens=500, cancelled=enough))
    assert done.reason == "cancelled" and done.answer_tokens <= 6


def test_an_abandoned_stream_leaves_the_model_usable(smollm: Model) -> None:
    expected, _ = collect(smollm.generate("Once upon a time", sampling=GREEDY, max_tokens=10))
    stream = smollm.generate("Once upon a time", sampling=GREEDY, max_tokens=500)
    for _ in range(4):
        next(stream)
    stream.close()
    assert collect(smollm.generate("Once upon a time", sampling=GREEDY, max_tokens=10))[0] == expected


def test_a_second_call_within_a_stream_is_an_error_and_not_a_deadlock(smollm: Model) -> None:
    stream = smollm.generate("Once upon a time", sampling=GREEDY, max_tokens=5)
    next(stream)
    with pytest.raises(RuntimeError, match="still being read"):
        smollm.logits([1, 2])
    collect(stream)
    assert smollm.logits([1, 2]).shape[0] == 2


def test_two_models_in_one_process(smollm: Model) -> None:
    before = smollm.logits([1, 2, 3])
    with load_path(GOLDEN / "qwen3", memory=4 << 30) as other:
        alone = other.logits(TOKENS)
        stream = smollm.generate("Once upon a time", sampling=GREEDY, max_tokens=8)
        next(stream)
        assert other.logits(TOKENS).tobytes() == alone.tobytes()
        collect(stream)
    assert smollm.logits([1, 2, 3]).tobytes() == before.tobytes()


def test_pages_are_given_back(smollm: Model) -> None:
    base = smollm.engine.blocks_in_use
    kv = smollm.engine.new_cache()
    smollm.engine.forward([(kv, list(range(100)))], [])
    assert smollm.engine.blocks_in_use == base + 4
    kv.truncate(33)
    assert smollm.engine.blocks_in_use == base + 2 and len(kv.tokens) == 33
    kv.free()
    assert smollm.engine.blocks_in_use == base


def test_truncating_and_going_on_is_as_if_nothing_had_been_there(smollm: Model) -> None:
    straight = smollm.logits([5, 6, 7, 8, 9, 10])
    kv = smollm.engine.new_cache()
    smollm.engine.forward([(kv, [5, 6, 7, 99, 98, 97, 96])], [])
    kv.truncate(3)
    rest = smollm.engine.forward([(kv, [8, 9, 10])], range(3))
    kv.free()
    assert rest.tobytes() == straight[3:].tobytes()


def test_the_context_and_the_budget_are_kept() -> None:
    with load_path(GOLDEN / "qwen3", memory=4 << 30, context=64) as model:
        with pytest.raises(ContextLengthError, match="64"):
            list(model.generate(list(range(64))))
        _, done = collect(model.generate(list(range(40)), sampling=GREEDY))
        assert done.reason == "length" and done.prompt_tokens + done.answer_tokens == 64
        kv = model.engine.new_cache()
        with pytest.raises(ContextLengthError):
            model.engine.forward([(kv, list(range(65)))], [])
        assert not kv.tables[0].held
    with load_path(GOLDEN / "qwen3", memory=4 << 30, context=1024) as model:
        assert model.context == 512  # what it was trained for
    with pytest.raises(MemoryBudgetError, match="GiB"):
        load_path(GOLDEN / "qwen3", memory=1 << 20)


def test_logits_that_are_not_numbers_are_an_error() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        logits = np.zeros(64, np.float32)
        logits[7] = bad
        with pytest.raises(NumericalError):
            sample(logits, GREEDY, 0, [])


def test_greedy_takes_the_first_of_equals_and_masks_hold() -> None:
    logits = np.zeros(64, np.float32)
    logits[[9, 40]] = 2.0
    assert sample(logits, GREEDY, 0, []).token == 9
    mask = np.zeros(2, np.uint32)
    mask[40 // 32] = 1 << (40 % 32)
    assert sample(logits, GREEDY, 0, [], mask=mask).token == 40
    assert sample(logits, Sampling(temperature=5.0, seed=3), 0, [], mask=mask).token == 40
    with pytest.raises(NumericalError):
        sample(logits, GREEDY, 0, [], mask=np.zeros(2, np.uint32))


@given(st.integers(0, 2**31), st.integers(1, 20), st.floats(0.0, 1.0), st.floats(0.0, 0.5))
def test_filters_keep_exactly_what_they_should(seed: int, top_k: int, top_p: float, min_p: float) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, 200).astype(np.float32)
    how = Sampling(temperature=0.8, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed)
    p = np.exp((logits.astype(np.float64) - logits.max()) / 0.8)
    order = np.argsort(-logits, kind="stable")[:top_k]
    kept = p[order] / p[order].sum()
    before = np.concatenate([[0.0], np.cumsum(kept)[:-1]])
    nucleus = order[before < top_p + 1e-12]
    allowed = {int(i) for i in nucleus if p[i] / p[order[0]] >= min_p - 1e-9} | {int(order[0])}
    assert {sample(logits, how, position, []).token for position in range(40)} <= allowed


def test_draws_follow_the_distribution() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    counts = np.bincount([sample(logits, Sampling(temperature=1.0, seed=9), i, []).token for i in range(20_000)])
    # Four standard deviations of a binomial.
    assert np.abs(counts / 20_000 - [0.5, 0.3, 0.2]).max() < 4 * np.sqrt(0.25 / 20_000)


def test_penalties_and_logprobs() -> None:
    logits = np.array([2.0, 1.9, -1.0, 0.0], np.float32)
    assert sample(logits, Sampling(repetition_penalty=2.0), 0, [0]).token == 1
    assert sample(logits, Sampling(presence_penalty=0.5), 0, [0, 0]).token == 1
    assert sample(logits, Sampling(frequency_penalty=0.04), 0, [0, 0, 0]).token == 1
    # What was only in the prompt is not a repetition of the answer's own.
    assert sample(logits, Sampling(presence_penalty=0.5), 0, [0, 0], 2).token == 0
    assert sample(logits, Sampling(repetition_penalty=2.0), 0, [0, 0], 2).token == 1
    drawn = sample(logits, GREEDY, 0, [], logprobs=4)
    expected = logits - np.log(np.exp(logits).sum())
    assert drawn.logprob == pytest.approx(expected[0], abs=1e-6)
    assert [t for t, _ in drawn.top_logprobs] == [0, 1, 3, 2]
    for bad in ({"temperature": -1.0}, {"top_p": 1.1}, {"seed": -1}, {"top_k": -3}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Sampling(**bad)  # type: ignore[arg-type]


def test_padding_rows_are_never_drawn(tmp_path: Path) -> None:
    """Vocabulary rows past the last token were never trained; Qwen3 has 267 of them."""
    import json
    import shutil

    directory = tmp_path / "m"
    shutil.copytree(GOLDEN / "qwen3", directory)
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] = {t: i for t, i in tokenizer["model"]["vocab"].items() if i < 100}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    with load_path(directory, memory=4 << 30) as model:
        kv_before = model.logits([1, 2, 3])
        assert kv_before.shape[1] == 256
        drawn: list[int] = []
        request = GenerationRequest([1, 2, 3], Sampling(temperature=100.0, seed=1), max_tokens=60)
        completion = model.submit(request, lambda _: None)
        finish(model.scheduler)
        drawn = list(completion.tokens)
        assert len(drawn) > 40 and max(drawn) < 100


def test_a_damaged_pack_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever it is damaged: in the weights, the tokenizer, the norms, the header, or cut off."""
    with load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30) as model:
        expected = model.logits(TOKENS)
        assert model.pack.path and not model.pack.find_damage()
        path = model.pack.path
        matrices = sum(m.nbytes for m in model.pack.matrices.values())
    whole = path.read_bytes()

    def flipped(at: int) -> bytes:
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    tail = int.from_bytes(whole[8:16], "little")
    length = int.from_bytes(whole[16:24], "little")
    damages = {
        "cut": whole[:5000], "end": whole[:-10], "empty": b"", "noughts": bytes(len(whole)), "magic": flipped(2),
        "weights": flipped(4096 + 50), "last weight": flipped(4096 + matrices // 2), "tokenizer": flipped(tail + 300),
        "norms": flipped(tail + length - 6), "header": flipped(len(whole) - 40),
        "a page of noughts": whole[:8192] + bytes(4096) + whole[12288:],
    }  # fmt: skip
    for name, broken in damages.items():
        path.write_bytes(broken)
        caplog.clear()
        with load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30) as model:
            assert model.logits(TOKENS).tobytes() == expected.tobytes(), name
        assert "damaged" in caplog.text, name
        assert path.read_bytes()[:4096] == whole[:4096], name


def test_a_pack_that_is_cut_short_while_it_is_read_is_removed(tmp_path: Path) -> None:
    load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30).close()
    pack, _ = open_pack(GOLDEN / "qwen3", tmp_path, 1)
    assert pack.path
    os.truncate(pack.path, 5000)
    with pytest.raises(ModelFileError, match="damaged"):
        packs.load_resident(pack, 1, lambda: None)
    assert not pack.path.exists()


@pytest.mark.parametrize("kind", ["gguf", "safetensors"])
def test_a_file_that_is_cut_short_or_rewritten_while_it_is_packed_is_refused(kind: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", "Q8_0")
    weights = path
    if kind == "safetensors":
        path = Path(shutil.copytree(GOLDEN / "llama", tmp_path / "m"))
        weights = path / "model.safetensors"
    kept = weights.read_bytes()
    for change in (lambda: os.truncate(weights, 9000), lambda: weights.write_bytes(kept)):

        def changing(_: str, done: int, total: int, change: Any = change) -> None:
            if done == 2:
                change()

        with pytest.raises(ModelFileError, match="while it was read"):
            load_path(path, tmp_path / "cache", memory=4 << 30, progress=changing)
        assert not list((tmp_path / "cache").iterdir())
        weights.write_bytes(kept)
    load_path(path, tmp_path / "cache", memory=4 << 30).close()


def test_a_file_rewritten_with_its_old_time_is_seen(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", "Q8_0")
    with load_path(path, tmp_path / "cache", memory=4 << 30) as model:
        before = model.logits(TOKENS)
    stat, data = path.stat(), bytearray(path.read_bytes())
    at = data.index(open_checkpoint(path).tensors["model.layers.0.mlp.up_proj.weight"].data.tobytes())
    data[at + 2 : at + 34] = bytes(32)
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with load_path(path, tmp_path / "cache", memory=4 << 30) as model:
        assert not np.array_equal(model.logits(TOKENS), before)


def test_a_changed_source_is_packed_again(tmp_path: Path) -> None:
    import shutil

    directory = tmp_path / "m"
    shutil.copytree(GOLDEN / "qwen3", directory)
    cache = tmp_path / "cache"
    load_path(directory, cache, memory=4 << 30).close()
    shutil.copy(GOLDEN / "qwen3_yarn" / "model.safetensors", directory / "model.safetensors")
    shutil.copy(GOLDEN / "qwen3_yarn" / "config.json", directory / "config.json")
    load_path(directory, cache, memory=4 << 30).close()
    assert len(list(cache.glob("*.pack"))) == 2


def test_a_damaged_pack_that_cannot_be_removed_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that only may be read: root may remove from any but a file system that is mounted so."""
    with load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30) as model:
        expected = model.logits(TOKENS)
        assert model.pack.path
        path = model.pack.path
    whole = path.read_bytes()

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system", str(self))

    for at in (4096 + 50, len(whole) - 40):  # seen while it is read, seen at once
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refused)
            with load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30) as model:
                assert model.logits(TOKENS).tobytes() == expected.tobytes()


def test_a_pipe_in_place_of_a_pack_is_not_waited_for(tmp_path: Path) -> None:
    with load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30) as model:
        assert model.pack.path
        path = model.pack.path
    path.unlink()
    os.mkfifo(path)
    with load_path(GOLDEN / "qwen3", tmp_path, memory=4 << 30) as model:
        assert model.pack.path == path and path.is_file()
