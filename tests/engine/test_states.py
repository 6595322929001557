"""Kinds of state that are not there yet: scheduler, speculation and prefix cache ask a state, and do what it says."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus import CORPUS
from engines import engine_of, finish

from galop import Sampling
from galop.backends.load import load
from galop.backends.local import Model
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import DraftLength, DraftTokens
from galop.engine.states import BLOCK_TOKENS, CombinedState, PagedState, Reuse, State


@dataclass(frozen=True)
class Snapshots(PagedState):
    """As a recurrent layer's: only what was kept at every so many tokens can be gone back to."""

    every: int = 64

    def rewind(self, length: int, target: int) -> int:
        return length if target >= length else target // self.every * self.every

    def reuse(self, length: int) -> Reuse:
        kept = length // self.every * self.every
        return Reuse(kept, "" if kept == length else f"it is kept at every {self.every}th token")


@dataclass(frozen=True)
class Forward(PagedState):
    """Never goes back, and belongs to its sequence alone."""

    @property
    def sequence_bytes(self) -> int:
        return 1 << 20

    @property
    def persistent(self) -> bool:
        return False

    def rewind(self, length: int, target: int) -> int:
        return length if target >= length else 0

    def reuse(self, length: int) -> Reuse:
        return Reuse(0, "it belongs to one sequence")


@dataclass(frozen=True)
class Window(PagedState):
    """As sliding-window attention's: a token looks at the `size` before it, and so many more can be taken back."""

    size: int = 64
    slack: int = 16

    def rewind(self, length: int, target: int) -> int:
        first = max(0, target - self.size) // BLOCK_TOKENS
        return min(length, target) if first >= self.dead_blocks(length) else 0

    def dead_blocks(self, length: int) -> int:
        return max(0, length - self.size - self.slack) // BLOCK_TOKENS


class Chance:
    """Right, wrong and half-right drafts of every length; it counts how often it is asked."""

    seconds = 0.0

    def __init__(self, truth: Sequence[int]) -> None:
        self.truth, self.random, self.drafts = truth, random.Random(3), 0

    def draft(self, history: Sequence[int], most: int) -> DraftTokens:
        self.drafts += 1
        tokens = list(self.truth[len(history) : len(history) + self.random.randint(0, most)])
        if tokens and self.random.random() < 0.5:
            tokens[self.random.randrange(len(tokens))] = 17
        return DraftTokens(tokens)


class Always(DraftLength):
    def best(self, most: int, confidence: int = 0, seconds: float = 0.0) -> int:
        return most


@pytest.fixture(scope="module")
def mini() -> Iterator[Model]:
    with load("qwen3-mini:0.4m") as model:
        yield model


def engine_with(model: Model, kind: type[PagedState], disk: DiskCache | None = None, **options: Any) -> Engine:
    engine = engine_of(model, disk=disk)
    engine.prefix_cache.state = kind(model.plan.states, "f16", **options)
    return engine


def answer(scheduler: Scheduler, prompt: list[int], seed: int = 1, **options: Any) -> TokenSequence:
    sequence = TokenSequence(prompt, Sampling(temperature=0.9, seed=seed), 80, **options)
    scheduler.submit(sequence)
    finish(scheduler)
    return sequence


def prompt_of(model: Model, count: int) -> list[int]:
    return (model.tokenizer.encode("\n".join(CORPUS)) * 2)[:count]


@pytest.mark.parametrize(
    ("kind", "options", "reused", "why"),
    [
        (PagedState, {}, 199, ""),
        (Snapshots, {}, 192, "it is kept at every 64th token"),
        (Snapshots, {"every": 128}, 128, "it is kept at every 128th token"),
        (Forward, {}, 0, "it belongs to one sequence"),
    ],
)
def test_a_prefix_is_reused_as_far_as_the_state_can(
    mini: Model, tmp_path: Path, kind: type[PagedState], options: dict[str, int], reused: int, why: str
) -> None:
    engine = engine_with(mini, kind, DiskCache(tmp_path, 1 << 30), **options)
    scheduler, prompt = Scheduler(engine), prompt_of(mini, 200)
    assert engine.prefix_cache.match(engine.prefix_cache.root(""), prompt).length == 0
    first, again = answer(scheduler, prompt), answer(scheduler, prompt)
    assert (first.cached_tokens, again.cached_tokens) == (0, reused) and first.tokens == again.tokens
    kv = engine.prefix_cache.match(engine.prefix_cache.root(""), prompt)
    assert (kv.length, kv.limit, len(kv.blocks)) == (reused, why, -(-reused // BLOCK_TOKENS))
    for block in kv.blocks:
        engine.block_pool.release(block)
    assert engine.block_pool.in_use == 0
    assert bool(list(tmp_path.iterdir())) == engine.prefix_cache.state.persistent


@pytest.mark.parametrize(
    ("kind", "options", "asked"),
    [(Snapshots, {"every": 2}, 40), (Snapshots, {}, 2), (Forward, {}, 0), (Window, {"size": 256}, 80)],
)
def test_drafts_are_asked_for_where_they_can_be_taken_back(
    mini: Model, kind: type[PagedState], options: dict[str, int], asked: int
) -> None:
    prompt = prompt_of(mini, 50)
    truth = answer(Scheduler(engine_of(mini)), prompt).tokens
    scheduler = Scheduler(engine_with(mini, kind, **options))
    scheduler.decoder.draft_length = Always()
    drafter = Chance(truth)
    assert answer(scheduler, prompt, drafter=drafter).tokens == truth
    assert 0 < drafter.drafts <= asked if asked else not drafter.drafts
    assert scheduler.engine.block_pool.in_use == 0


@pytest.mark.parametrize("kind", [Snapshots, Forward])
def test_who_has_to_give_way_says_the_same_later(mini: Model, kind: type[PagedState]) -> None:
    prompts = [[i + 1, *prompt_of(mini, 90 + 7 * i)] for i in range(5)]
    alone = [answer(Scheduler(engine_of(mini)), prompt, seed).tokens for seed, prompt in enumerate(prompts)]
    scheduler = Scheduler(engine_with(mini, kind))
    scheduler.engine.block_pool.capacity = 14
    together = [TokenSequence(p, Sampling(temperature=0.9, seed=seed), 80) for seed, p in enumerate(prompts)]
    for sequence in together:
        scheduler.submit(sequence)
    finish(scheduler)
    assert [sequence.tokens for sequence in together] == alone
    assert scheduler.counts["preemptions"] and scheduler.engine.block_pool.in_use == 0


class WindowProgram:
    """Stands in for the native core: writes token ids to blocks, and makes logits of the last `size` it finds there."""

    def __init__(self, size: int) -> None:
        self.size = size

    def cancel(self) -> None:
        pass

    def forward(
        self, ids: Any, axes: Any, owners: Any, tables: Any, rows: Any, memory: Any, logits: Any, *_: Any
    ) -> bool:
        (positions,) = axes

        def slots(owner: int, block: int) -> Any:
            return memory.data(tables[owner][block])[: 4 * BLOCK_TOKENS].view(np.int32)

        for id, position, owner in zip(ids, positions, owners, strict=True):
            slots(owner, position // BLOCK_TOKENS)[position % BLOCK_TOKENS] = id
        for row, token in enumerate(rows):
            end = int(positions[token]) + 1
            read = [
                int(slots(owners[token], at // BLOCK_TOKENS)[at % BLOCK_TOKENS])
                for at in range(max(0, end - self.size), end)
            ]
            digest = hashlib.sha256(repr(read).encode()).digest()
            logits[row] = np.random.default_rng(int.from_bytes(digest[:8], "little")).standard_normal(len(logits[row]))
        return True


def test_blocks_outside_a_window_are_given_back(mini: Model) -> None:
    def windowed(kind: type[PagedState]) -> Scheduler:
        engine = engine_with(mini, kind)
        engine.program = WindowProgram(64)  # type: ignore[assignment]
        engine.chunk = 64
        return Scheduler(engine)

    prompts = [[i + 1, *prompt_of(mini, 300)] for i in range(4)]
    roomy = windowed(PagedState)
    expected = [answer(roomy, prompt, seed).tokens for seed, prompt in enumerate(prompts)]
    tight = windowed(Window)
    tight.engine.block_pool.capacity = 16  # where four whole texts would take 48
    tight.decoder.draft_length = Always()
    most = 0
    for seed, (prompt, tokens) in enumerate(zip(prompts, expected, strict=True)):
        sequence = TokenSequence(prompt, Sampling(temperature=0.9, seed=seed), 80, drafter=Chance(tokens))
        tight.submit(sequence)
        while tight.step():
            if sequence.completion_tokens and sequence.kv:
                most = max(most, tight.engine.block_pool.in_use)
                assert sequence.kv.expired == (len(sequence.kv.tokens) - 80) // BLOCK_TOKENS
        assert sequence.tokens == tokens
    assert most <= 5 and tight.engine.block_pool.in_use == 0
    again = answer(tight, prompts[-1], 3)
    assert again.cached_tokens == 300 and again.tokens == expected[-1]
    going_back = tight.engine.new_cache()
    tight.engine.forward([(going_back, list(range(200)))], [])
    going_back.commit()
    assert going_back.truncate(190) == 190 and going_back.truncate(100) == 0
    assert not going_back.blocks and tight.engine.block_pool.in_use == 0


def test_a_model_of_several_kinds_can_do_what_all_of_them_can() -> None:
    paged, snapshots, forward = PagedState((), "f16"), Snapshots((), "f16"), Forward((), "f16")
    window: State = Window((), "f16")
    both = CombinedState([paged, snapshots, window])
    assert both.rewind(200, 195) == 192 and both.rewind(200, 200) == 200 and both.rewind(200, 130) == 0
    assert both.reuse(200) == Reuse(192, "it is kept at every 64th token") and both.reuse(128) == Reuse(128)
    assert both.persistent and both.dead_blocks(500) == 0
    every = CombinedState([both, Snapshots((), "f16", every=96), forward])
    assert every.reuse(200).length == 0 and not every.persistent and every.sequence_bytes == 1 << 20
    two = CombinedState([snapshots, Snapshots((), "f16", every=96)])
    assert two.reuse(300) == Reuse(192, "it is kept at every 96th token") and two.rewind(300, 290) == 192
