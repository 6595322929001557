"""Every kind of state in small models of families that have it, on the native core: the same bytes, however they came."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import finish
from golden.make import CASES
from golden.recipe import case_path
from threads import THREADS

from galop import Sampling
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import PromptLookup

# Keys and values of all tokens; windows; shared by later layers; of chunks; latent rows; the gated delta rule; short
# convolutions; Mamba-2.
WANTED = ["qwen3", "gpt_oss", "gemma4_text", "llama4_chunks", "deepseek_v3", "qwen3_5_text", "lfm2",
          "nemotron_h"]  # fmt: skip
LENGTH = 230


@pytest.fixture(scope="module", params=[name for name in WANTED if name in CASES])
def model(request: pytest.FixtureRequest) -> Iterator[Model]:
    with load_path(case_path(request.param), threads=THREADS or 2, memory=4 << 30, context=400) as model:
        yield model


@pytest.fixture(scope="module")
def tokens(model: Model) -> list[int]:
    return [int(t) for t in np.random.default_rng(5).integers(0, min(96, model.vocabulary_size), LENGTH)]


@pytest.fixture(scope="module")
def expected(model: Model, tokens: list[int]) -> np.ndarray:
    return model.logits(tokens)


def engine_of(model: Model, disk: DiskCache | None = None) -> Engine:
    return Engine(model.plan, model.pack, THREADS or 2, 400, pool=6400, disk=disk)


def ask(scheduler: Scheduler, prompt: list[int], seed: int = 3, limit: int = 12, **options: Any) -> TokenSequence:
    sequence = TokenSequence(prompt, Sampling(temperature=0.8, seed=seed), limit, **options)
    scheduler.submit(sequence)
    return sequence


def run(engine: Engine, prompt: list[int], count: int, seed: int = 3, **options: Any) -> list[TokenSequence]:
    scheduler = Scheduler(engine)
    sequences = [ask(scheduler, prompt, seed, **options) for _ in range(count)]
    finish(scheduler)
    return sequences


def tighten(engine: Engine) -> None:
    """Leaves room for what is in use, or for two or three sequences of some 200 tokens."""
    for part in engine.parts:
        part.pool.capacity = max(part.pool.in_use, 14 if part.state.by_token else 5)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_any_chunks_give_the_same_bytes(model: Model, tokens: list[int], expected: np.ndarray, size: int) -> None:
    """In steps whose blocks are published and given back, beside another sequence that is out of step."""
    engine = engine_of(model)
    kv, other = engine.cache_for("me"), engine.new_cache()
    count = LENGTH if size > 1 else 100
    for start in range(0, count, size):
        part, beside = tokens[start : min(start + size, count)], tokens[len(other.tokens) :][:3]
        logits = engine.forward([(kv, part), (other, beside)] if beside else [(kv, part)], range(len(part)))
        kv.commit()
        assert logits.tobytes() == expected[start : start + len(part)].tobytes()
    kv.free()
    other.free()
    assert engine.blocks_in_use == 0


def test_going_back_and_beginning_from_what_is_known_give_the_same_bytes(
    model: Model, tokens: list[int], expected: np.ndarray
) -> None:
    engine = engine_of(model)
    kv = engine.cache_for("me", tokens)
    for start in range(0, 192, 48):
        engine.forward([(kv, tokens[start : start + 48])], [])
        kv.commit()
    kv.take_back = 6
    engine.forward([(kv, [*tokens[192:195], 1, 2, 3])], [])
    assert kv.truncate(195) == 195
    kv.take_back = 0
    kv.commit()
    rest = engine.forward([(kv, tokens[195:])], range(LENGTH - 195))
    assert rest.tobytes() == expected[195:].tobytes()
    kv.publish(partial=True)
    kv.free()
    again = engine.cache_for("me", [*tokens, 5])
    assert again.tokens == tokens
    again.free()
    begun = engine.cache_for("me", tokens)
    assert 192 <= len(begun.tokens) < LENGTH
    rest = engine.forward([(begun, tokens[len(begun.tokens) :])], range(LENGTH - len(begun.tokens)))
    assert rest.tobytes() == expected[-len(rest) :].tobytes()
    begun.free()
    assert engine.blocks_in_use == 0


def test_answers_are_the_same_alone_together_preempted_drafted_and_after_a_restart(
    model: Model, tokens: list[int], tmp_path: Path
) -> None:
    prompt = tokens[:150]
    (alone,) = run(engine_of(model), prompt, 1)
    together = engine_of(model)
    sequences = run(together, prompt, 16)
    assert all(sequence.tokens == alone.tokens for sequence in sequences)
    assert sum(sequence.cached_tokens >= 128 for sequence in sequences) == 15
    (drafted,) = run(together, prompt, 1, drafter=PromptLookup())
    assert drafted.tokens == alone.tokens and drafted.cached_tokens >= 128
    tight = engine_of(model)
    tighten(tight)
    assert all(sequence.tokens == alone.tokens for sequence in run(tight, prompt, 4))
    for engine in (together, tight):
        assert engine.blocks_in_use == 0

    long = [*tokens, *tokens[:40]]
    (first,) = run(engine_of(model, DiskCache(tmp_path, 1 << 30)), long, 1)
    assert first.cached_tokens == 0
    files = sorted(tmp_path.iterdir())
    for number, path in enumerate(files[:: len(files) // 4]):
        (later,) = run(engine_of(model, DiskCache(tmp_path, 1 << 30)), long, 1)
        assert later.tokens == first.tokens and (later.cached_tokens >= 256 or number)
        if path.exists():  # it may have been found damaged before
            path.write_bytes(path.read_bytes()[:-1])


def test_sixteen_alike_at_once_have_one_answer_eight_times(model: Model, tokens: list[int]) -> None:
    """From nothing and from what those before left, in memory that is short, and among others that come and go."""
    prompt = tokens[:150]
    (alone,) = run(engine_of(model), prompt, 1)
    chance, answers = random.Random(7), []
    for turn in range(8):
        if turn % 4 == 0:
            scheduler = Scheduler(engine_of(model))
        alike = [ask(scheduler, prompt) for _ in range(16)]
        others = [ask(scheduler, tokens[i : 40 + 20 * i], i, 40) for i in range(1, 5)] if turn % 2 else []
        while scheduler.step():
            if others and chance.random() < 0.15:
                scheduler.cancel(others.pop())
            if turn > 4 and len(scheduler.running) > 8:
                tighten(scheduler.engine)
        answers += [tuple(sequence.tokens) for sequence in alike]
        assert scheduler.engine.blocks_in_use == 0
    assert scheduler.counts["preemptions"]
    assert set(answers) == {tuple(alone.tokens)} and len(answers) == 128


def test_answers_to_one_prompt_are_those_of_their_seeds_whoever_leaves(model: Model, tokens: list[int]) -> None:
    """As `n` of a request asks for, in memory that is short; half of them are cancelled part-way."""
    prompt = tokens[:100]
    alone = [run(engine_of(model), prompt, 1, seed)[0].tokens for seed in range(6)]
    assert len({tuple(answer) for answer in alone}) > 3
    for short in (False, True):
        scheduler = Scheduler(engine_of(model))
        if short:
            tighten(scheduler.engine)
        several = [ask(scheduler, prompt, seed, drafter=PromptLookup()) for seed in range(6)]
        while min(len(sequence.tokens) for sequence in several[:2]) < 104:
            assert scheduler.step()
        for sequence in several[1::2]:
            scheduler.cancel(sequence)
        finish(scheduler)
        assert [sequence.tokens for sequence in several[::2]] == alone[::2]
        for sequence, whole in zip(several[1::2], alone[1::2], strict=True):
            assert sequence.tokens == whole[: len(sequence.tokens)]
        assert scheduler.counts["ended_cancelled"] and scheduler.engine.blocks_in_use == 0
        assert run(scheduler.engine, prompt, 1, 1)[0].tokens == alone[1]
