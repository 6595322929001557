"""Sequences in the background: they take what time is left over, and say the same whoever passes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from engines import engine_of, finish

from galop import Sampling
from galop.backends.load import load
from galop.backends.local import Model
from galop.engine import scheduler as scheduling
from galop.engine.scheduler import BACKGROUND_SHARE, Scheduler
from galop.engine.sequence import SequenceStatus, TokenSequence


@pytest.fixture(scope="module")
def mini() -> Iterator[Model]:
    with load("qwen3-mini:0.4m") as model:
        yield model


def row(number: int, limit: int = 40, prompt: int = 30, background: bool = True, client: str = "") -> TokenSequence:
    ids = [number + 1] * prompt
    return TokenSequence(ids, Sampling(seed=number), limit, background=background, client=client)


def ended(sequence: TokenSequence) -> bool:
    return sequence.status is SequenceStatus.FINISHED


def test_a_stream_is_slowed_by_a_share_and_the_background_goes_on(mini: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()  # each look at it takes a second, so all steps take about as long
    monkeypatch.setattr(scheduling, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    scheduler = Scheduler(engine_of(mini))
    rows = [row(i, 500) for i in range(8)]
    for one in rows:
        scheduler.submit(one)
    while len(scheduler.running) < len(rows) or any(s.status is SequenceStatus.PREFILL for s in scheduler.running):
        scheduler.step()
    before, stream = rows[0].completion_tokens, row(20, 100, background=False)
    scheduler.submit(stream)
    steps = 0
    while not ended(stream):
        scheduler.step()
        steps += 1
    passed = rows[0].completion_tokens - before
    assert 0 < passed <= 0.3 * stream.completion_tokens
    assert steps <= stream.completion_tokens * (1 + BACKGROUND_SHARE) + 5
    finish(scheduler)
    assert [one.completion_tokens for one in rows] == [500] * len(rows)


def test_prompts_of_the_background_do_not_come_before_a_stream(mini: Model) -> None:
    scheduler = Scheduler(engine_of(mini))
    rows, stream = [row(i, 5, prompt=400) for i in range(8)], row(20, 5, background=False)
    for one in (*rows, stream):
        scheduler.submit(one)
    while not ended(stream):
        scheduler.step()
    assert sum(map(ended, rows)) == 0
    finish(scheduler)


@pytest.mark.parametrize("short", ["places", "memory"])
def test_the_background_makes_place_and_says_the_same(mini: Model, short: str) -> None:
    expected = []
    for number in range(2):
        scheduler, one = Scheduler(engine_of(mini)), row(number)
        scheduler.submit(one)
        finish(scheduler)
        expected.append(one.tokens)
    scheduler = Scheduler(engine_of(mini), parallel=2 if short == "places" else 64)
    if short == "memory":
        scheduler.engine.parts[0].pool.capacity = 5  # blocks: two rows of two, and no more than one besides
    rows, stream = [row(0), row(1)], row(20, background=False, prompt=100)
    for one in rows:
        scheduler.submit(one)
    while sum(one.status is SequenceStatus.DECODE for one in rows) < 2:
        scheduler.step()
    scheduler.submit(stream)
    while not ended(stream):
        scheduler.step()
        assert stream.status is not SequenceStatus.WAITING
    assert not any(map(ended, rows)) and scheduler.counts["preemptions"] >= 1
    finish(scheduler)
    assert [one.tokens for one in rows] == expected
    assert scheduler.engine.blocks_in_use == 0


def test_what_a_client_asks_now_does_not_wait_for_its_batch(mini: Model) -> None:
    scheduler = Scheduler(engine_of(mini), parallel=2)
    for number in range(20):
        scheduler.submit(row(number, client="ann"))
    other, own = row(30, 5, background=False, client="bob"), row(31, 5, background=False, client="ann")
    scheduler.submit(other)
    scheduler.submit(own)
    while not (ended(other) and ended(own)):
        scheduler.step()
    assert scheduler.waiting >= 18
    finish(scheduler)
