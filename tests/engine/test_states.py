"""Every kind of state through the whole engine: a stand-in for the native core writes to the blocks and slots it is given
and makes logits of what it finds there, so a wrong one anywhere would show in the tokens."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus import CORPUS
from engines import finish

from galop import Sampling
from galop.backends.load import load
from galop.backends.local import Model
from galop.backends.memory import memory_needed, plan_memory
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import DraftLength, DraftModel, DraftTokens
from galop.engine.states import (
    BLOCK_TOKENS,
    NO_BLOCK,
    LatentState,
    PagedState,
    RecurrentState,
    Reuse,
    WindowState,
    places_of,
    snapshot_interval,
    states_of,
)
from galop.errors import MemoryBudgetError
from galop.ops.plan import Latent, LayerState, Paged, Plan, Recurrent, Window

WINDOW = 70
PAGED, NEAR, LATENT, FIXED = Paged(64, 64), Window(64, 64, WINDOW), Latent(96, 64), Recurrent(40)
MODELS: dict[str, list[LayerState]] = {
    "paged": [PAGED],
    "window": [NEAR],
    "latent": [LATENT],
    "recurrent": [FIXED],
    "window and paged": [NEAR, PAGED, NEAR],
    "recurrent and paged": [FIXED, FIXED, PAGED],
    "all": [FIXED, NEAR, PAGED, LATENT, Window(64, 64, 200)],
}
HYBRIDS = [name for name in MODELS if name not in ("paged", "latent", "recurrent")]
RECURRENT = [name for name in MODELS if FIXED in MODELS[name]]


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def fold(folded: bytes, token: int) -> bytes:
    return hashlib.sha256(folded + token.to_bytes(4, "little")).digest()


@cache
def folded_by(tokens: tuple[int, ...]) -> bytes:
    """All of them folded into one, from what is known of all but the last 40, which a recursion may go through."""
    before = b"" if len(tokens) <= 40 else folded_by(tokens[:-40])
    return reduce(fold, tokens[-40:], before)


def seen_by(states: Sequence[LayerState], tokens: Sequence[int]) -> bytes:
    """What a model with these states makes of tokens: the token ids it sees, or all of them folded into one."""
    seen: list[object] = []
    for state in dict.fromkeys(states):
        match state:
            case Window():
                seen.append(np.array(tokens[-state.window :], np.int32).tobytes())
            case Recurrent():
                seen.append(folded_by(tuple(tokens)))
            case _:
                seen.append(np.array(tokens, np.int32).tobytes())
    return digest(seen)


def logits_of(seen: bytes, size: int) -> np.ndarray:
    return np.random.default_rng(int.from_bytes(seen[:8], "little")).standard_normal(size).astype(np.float32)


class StandIn:
    """In place of the native core: keeps token ids in blocks, and in slots what all tokens are folded into."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.places, self.read = plan, places_of(plan, "f16"), 0

    def cancel(self) -> None:
        pass

    def forward(
        self,
        ids: Any,
        positions: Any,
        owners: Any,
        tables: Any,
        rows: Any,
        memory: Any,
        logits: Any,
        hidden: Any,
        embeddings: Any,
        saves: Any,
    ) -> bool:
        self.read += len(ids)
        made: dict[int, bytes] = {}
        for owner in range(len(saves)):
            here = np.flatnonzero(owners == owner)
            assert saves[owner][-1] == len(here)
            folded: dict[int, bytes] = {}
            for count, t in enumerate(here, 1):
                id, position = int(ids[t]), int(positions[0][t])
                seen: list[object] = []
                for state in dict.fromkeys(self.plan.states):
                    layer = self.plan.states.index(state)
                    part, offset = self.places[layer]
                    row, data = tables[part][owner], memory[part].data
                    if isinstance(state, Recurrent):
                        if count == 1 and position:
                            assert row[0] != NO_BLOCK
                            folded[layer] = data(row[0])[offset : offset + 32].tobytes()
                        folded[layer] = fold(folded.get(layer, b""), id)
                        if count in saves[owner]:
                            slot = data(row[1 + saves[owner].index(count)])
                            slot[offset : offset + 32] = np.frombuffer(folded[layer], np.uint8)
                        seen.append(folded[layer])
                        continue
                    first = max(0, position + 1 - state.window) if isinstance(state, Window) else 0
                    read = row[first // BLOCK_TOKENS : position // BLOCK_TOKENS + 1]
                    assert NO_BLOCK not in read
                    ids_in = [data(block)[offset : offset + 4 * BLOCK_TOKENS].view(np.int32) for block in read]
                    ids_in[-1][position % BLOCK_TOKENS] = id
                    start = first % BLOCK_TOKENS
                    seen.append(np.concatenate(ids_in)[start : start + position + 1 - first].tobytes())
                made[t] = digest(seen)
        for row, token in enumerate(rows):
            logits[row] = logits_of(made[token], len(logits[row]))
        return True


class Chance:
    """Right, wrong and half-right drafts of every length."""

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


def plan_with(model: Model, states: Sequence[LayerState]) -> Plan:
    """The model's plan, as if its layers kept these states; more of the last where it has more layers."""
    return replace(model.plan, states=[*states, *[states[-1]] * (len(model.plan.states) - len(states))])


def engine_with(model: Model, kind: str, disk: DiskCache | None = None, pool: int = 16384) -> Engine:
    plan = plan_with(model, MODELS[kind])
    engine = Engine(plan, model.pack, 1, 2048, pool=pool, disk=disk)
    engine.program = StandIn(plan)  # type: ignore[assignment]
    engine.chunk = 64
    engine.adapt_chunk = lambda tokens, seconds: None  # type: ignore[method-assign]
    return engine


def answer(scheduler: Scheduler, prompt: list[int], seed: int = 1, limit: int = 40, **options: Any) -> TokenSequence:
    sequence = TokenSequence(prompt, Sampling(temperature=0.9, seed=seed), limit, **options)
    scheduler.submit(sequence)
    finish(scheduler)
    return sequence


def expected(model: Model, kind: str, prompt: list[int], seed: int = 1, limit: int = 40) -> list[int]:
    """What follows a prompt by the definition alone."""
    from galop.engine.sampling import sample

    tokens, how = list(prompt), Sampling(temperature=0.9, seed=seed)
    states = plan_with(model, MODELS[kind]).states
    for _ in range(limit):
        logits = logits_of(seen_by(states, tokens), model.vocabulary_size)
        tokens.append(sample(logits, how, len(tokens), ()).token)
    return tokens


def prompt_of(model: Model, count: int, first: int = 0) -> list[int]:
    return [first, *(model.tokenizer.encode("\n".join(CORPUS)) * 4)[: count - 1]]


def accounted(engine: Engine) -> None:
    """No sequence holds a block any more, and what is kept can be dropped."""
    assert engine.blocks_in_use == 0
    engine.prefix_cache.clear()
    assert [part.pool.memory.in_use for part in engine.parts] == [0] * len(engine.parts)
    assert not engine.prefix_cache._entries and not engine.prefix_cache._children


@pytest.mark.parametrize("kind", MODELS)
def test_answers_are_those_of_the_definition(mini: Model, kind: str) -> None:
    """Alone, in company, in chunks, with and without drafts, having given way, and begun from what is known."""
    prompts = [prompt_of(mini, 30 + 67 * i, i) for i in range(6)]
    truth = [expected(mini, kind, prompt, seed) for seed, prompt in enumerate(prompts)]
    alone = Scheduler(engine_with(mini, kind))
    alone.decoder.draft_length = Always()
    for seed, prompt in enumerate(prompts):
        assert answer(alone, prompt, seed).tokens == truth[seed]
        drafter = Chance(truth[seed])
        assert answer(alone, prompt, seed, drafter=drafter).tokens == truth[seed] and drafter.drafts
    accounted(alone.engine)

    together = Scheduler(engine_with(mini, kind))
    tight = Scheduler(engine_with(mini, kind))
    for part in tight.engine.parts:  # room for two or three of the six
        part.pool.capacity = max(2 * part.state.blocks_needed(400), 14) if part.state.by_token else 4
    for scheduler in (together, tight):
        chance = random.Random(2)
        waiting = [TokenSequence(p, Sampling(temperature=0.9, seed=s), 40) for s, p in enumerate(prompts)]
        left = list(waiting)
        while left or scheduler.running or scheduler.waiting:
            if left and chance.random() < 0.3:
                scheduler.submit(left.pop(chance.randrange(len(left))))
            scheduler.step()
            for part in scheduler.engine.parts:
                assert part.pool.memory.in_use <= part.pool.capacity
        assert [sequence.tokens for sequence in waiting] == truth
        accounted(scheduler.engine)


@pytest.mark.parametrize("kind", MODELS)
def test_sixteen_alike_at_once_have_one_answer_and_read_the_prompt_once(mini: Model, kind: str) -> None:
    prompt = prompt_of(mini, 300)
    truth = expected(mini, kind, prompt, limit=20)
    scheduler = Scheduler(engine_with(mini, kind, pool=65536))
    for _ in range(3):
        alike = [TokenSequence(prompt, Sampling(temperature=0.9, seed=1), 20) for _ in range(16)]
        for sequence in alike:
            scheduler.submit(sequence)
        finish(scheduler)
        assert all(sequence.tokens == truth for sequence in alike)
    assert scheduler.counts["prompt_tokens"] <= 300 + 47 * 32
    accounted(scheduler.engine)


@pytest.mark.parametrize("kind", MODELS)
def test_a_second_turn_begins_where_the_first_ended(mini: Model, kind: str, tmp_path: Path) -> None:
    """With the answer as it was, with another one, after a restart, and with a damaged file."""
    disk = tmp_path / "disk"
    first = answer(Scheduler(scheduled := engine_with(mini, kind, DiskCache(disk, 1 << 30))), prompt_of(mini, 700))
    assert first.tokens == expected(mini, kind, first.prompt)
    asked = prompt_of(mini, 30, 9)
    again, other = [*first.tokens, *asked], [*first.prompt, *asked]
    scheduler = Scheduler(scheduled)
    kept = answer(scheduler, again)
    assert kept.cached_tokens == len(first.tokens) - 1 and kept.tokens == expected(mini, kind, again)
    border = 700 - 1 if kind in ("paged", "latent", "window", "window and paged") else 672
    changed = answer(scheduler, other)
    assert border <= changed.cached_tokens <= 700 and changed.tokens == expected(mini, kind, other)
    assert scheduler.step() is False
    accounted(scheduled)

    def restarted() -> tuple[Scheduler, TokenSequence]:
        scheduler = Scheduler(engine_with(mini, kind, DiskCache(disk, 1 << 30)))
        return scheduler, answer(scheduler, again)

    files = sorted(disk.iterdir())
    later, sequence = restarted()
    assert sequence.tokens == kept.tokens and sequence.cached_tokens >= 736
    accounted(later.engine)
    damages = (lambda b: b[:-1], lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:], lambda b: b"", lambda b: b * 2)
    for number, file in enumerate(random.Random(4).sample(files, min(4, len(files))) + files[-3:]):
        file.write_bytes(damages[number % 4](file.read_bytes()))
        later, sequence = restarted()
        assert sequence.tokens == kept.tokens
        accounted(later.engine)
    for file in disk.iterdir():
        file.unlink()
    assert restarted()[1].cached_tokens == 0


@pytest.mark.parametrize("kind", HYBRIDS)
def test_prompts_that_begin_alike_share_what_they_can(mini: Model, kind: str) -> None:
    """Where a prompt parts from a known one a state is kept, so that the third begins there."""
    scheduler = Scheduler(engine_with(mini, kind))
    shared = prompt_of(mini, 400)
    cached = []
    for i in range(4):
        prompt = [*shared, *prompt_of(mini, 200, 20 + i)]
        sequence = answer(scheduler, prompt, limit=5)
        assert sequence.tokens == expected(mini, kind, prompt, limit=5)
        cached.append(sequence.cached_tokens)
    if kind in RECURRENT:
        assert cached[0] == 0 and cached[2:] == [384, 384]
        lost = scheduler.engine.prefix_cache.lost_tokens
        assert lost["no recurrent state was kept there"] >= 384 - cached[1]
    else:
        assert cached == [0, 400, 400, 400]
    accounted(scheduler.engine)


def test_those_who_wait_for_a_common_beginning_find_a_state_at_its_end(mini: Model) -> None:
    scheduler = Scheduler(engine_with(mini, "recurrent and paged", pool=65536))
    shared = prompt_of(mini, 400)
    jobs = [TokenSequence([*shared, *prompt_of(mini, 200, 20 + i)], Sampling(), 5) for i in range(4)]
    for job in jobs:
        scheduler.submit(job)
    finish(scheduler)
    assert [job.cached_tokens for job in jobs] == [0, 384, 384, 384]
    accounted(scheduler.engine)


@pytest.mark.parametrize("kind", ["window", "window and paged"])
def test_blocks_outside_a_window_are_given_back(mini: Model, kind: str) -> None:
    scheduler = Scheduler(engine_with(mini, kind))
    (part,) = [part for part in scheduler.engine.parts if isinstance(part.state, WindowState)]
    i = scheduler.engine.parts.index(part)
    sequence = TokenSequence(prompt_of(mini, 900), Sampling(temperature=0.9, seed=1), 80)
    scheduler.submit(sequence)
    while scheduler.step():
        if sequence.kv and sequence.kv.tokens:
            held = sequence.kv.tables[i].held
            assert held <= WINDOW // BLOCK_TOKENS + 2
            assert held <= part.state.blocks_needed(len(sequence.kv.tokens))
    assert sequence.tokens == expected(mini, kind, sequence.prompt, limit=80)
    accounted(scheduler.engine)
    going_back = scheduler.engine.new_cache()
    for at in range(0, 200, 50):
        scheduler.engine.forward([(going_back, list(range(at, at + 50)))], [])
    assert going_back.truncate(190) == 190 and going_back.truncate(20) == 0
    assert not going_back.tokens and scheduler.engine.blocks_in_use == 0


@pytest.mark.parametrize("kind", MODELS)
def test_a_sequence_goes_back_exactly(mini: Model, kind: str) -> None:
    engine = engine_with(mini, kind)
    states = engine.program.plan.states  # type: ignore[attr-defined]
    kv, tokens = engine.cache_for("me"), prompt_of(mini, 300)
    engine.forward([(kv, tokens[:200])], [])
    kv.commit()
    for back in (0, 3, 7, 1):
        kv.take_back = 7
        engine.forward([(kv, tokens[200:208])], [])
        assert kv.truncate(208 - back) == 208 - back
        logits = engine.forward([(kv, [5])], [0])
        assert logits.tobytes() == logits_of(seen_by(states, [*tokens[: 208 - back], 5]), len(logits[0])).tobytes()
        assert kv.truncate(200) == (200 if back < 8 and kind not in RECURRENT else kv.rewind_to(tokens[:201]))
        engine.forward([(kv, tokens[len(kv.tokens) : 200])], []) if len(kv.tokens) < 200 else None
    kv.free()
    accounted(engine)


@pytest.mark.parametrize("kind", MODELS)
def test_a_smaller_model_of_any_kind_drafts(mini: Model, kind: str) -> None:
    small, scheduler = engine_with(mini, kind), Scheduler(engine_with(mini, "all"))
    scheduler.decoder.draft_length = Always()
    drafter = DraftModel(small, mini.vocabulary_size)
    for seed in range(2):
        prompt = prompt_of(mini, 90 + seed, seed)
        assert answer(scheduler, prompt, seed, drafter=drafter).tokens == expected(mini, "all", prompt, seed)
    assert small.program.read < 760  # type: ignore[attr-defined]
    drafter.kv.free()
    accounted(small)


def test_states_say_what_they_need() -> None:
    paged, near, fixed = PagedState([PAGED], "f16"), WindowState([NEAR], "f16"), RecurrentState([FIXED], "f16")
    assert (paged.block_bytes, LatentState([LATENT], "int8").block_bytes) == (33 * 128 * 2, 32 * 96 * 34 // 32)
    assert fixed.block_bytes == 192 and RecurrentState([FIXED] * 3, "f16").block_bytes == 576
    assert [list(near.needs(n)) for n in (0, 1, 69, 70, 100, 101, 102)] == [
        [], [0], [0, 1, 2], [0, 1, 2], [0, 1, 2, 3], [1, 2, 3], [1, 2, 3],
    ]  # fmt: skip
    assert list(fixed.needs(0)) == [] and list(fixed.needs(64)) == [1] and list(fixed.needs(65)) == [2]
    assert near.reuse([True] * 10, 300) == Reuse(300) and near.reuse([], 0) == Reuse(0)
    gone = "the window before it has been given back"
    assert near.reuse([False] * 3 + [True] * 5, 256) == Reuse(256)
    assert near.reuse([True, True, False, False, False, True, False], 224) == Reuse(64, gone)
    assert near.reuse([False] * 5 + [True], 192) == Reuse(0, gone)
    lacking = "no recurrent state was kept there"
    assert fixed.reuse([False, True, False, False], 120) == Reuse(64, lacking)
    assert fixed.reuse([False, False, True], 75) == Reuse(75) and fixed.reuse([False], 20) == Reuse(0, lacking)
    assert near.capacity(100_000, 4, 32) == 2 * 4 * near.blocks_needed(9999) and near.capacity(100, 4, 32) == 4
    assert snapshot_interval([paged]) == 32 and snapshot_interval([fixed]) == 2048
    assert snapshot_interval([paged, RecurrentState([Recurrent(10_000)], "f16")]) == 32 * 5


def test_parts_are_layers_of_one_kind(mini: Model) -> None:
    plan = Plan(states=[FIXED, NEAR, PAGED, Window(32, 32, 8), Recurrent(5), NEAR, PAGED])
    states = states_of(plan, "f16")
    assert [type(state) for state in states] == [PagedState, WindowState, WindowState, RecurrentState]
    assert places_of(plan, "f16") == [(3, 0), (2, 0), (0, 0), (1, 0), (3, 192), (2, 33 * 256), (0, 33 * 256)]


def test_memory_is_reckoned_for_all_parts(mini: Model) -> None:
    plan = plan_with(mini, [Recurrent(1 << 20), PAGED])
    card = replace(mini.pack.card, config={**mini.pack.card.config, "max_position_embeddings": 65536})
    pack = replace(mini.pack, card=card)
    slot = 4 << 20
    alone, four = (memory_needed(pack, plan, 8192, sequences=n)["kv"] for n in (1, 4))
    assert four - alone == 9 * slot and memory_needed(pack, plan, 8192)["kv"] == four
    rest = sum(memory_needed(pack, plan, 0).values()) - memory_needed(pack, plan, 0)["kv"]

    def planned(room: int, context: int | None = None, pool: int = 0) -> tuple[int, int, int]:
        found = plan_memory(pack, plan, "f16", rest + room, context, pool, 512)
        assert found.total_bytes <= rest + room
        return found.context, found.pool_tokens, found.sequences

    assert planned(four) == (8192, 8192, 4)
    assert planned(four - 1) == (8192, 8192, 1)
    assert planned(alone - 1) == (8160, 8160, 1)
    assert planned(1 << 30, 1024) == (1024, 1024, 1)
    context, tokens, sequences = planned(8 * four, None, 6 * four)
    assert 5 * 8192 < tokens < 7 * 8192 and sequences == tokens // 2048 and context == tokens
    with pytest.raises(MemoryBudgetError, match="--context 8160 would fit"):
        planned(alone - 1, 8192)
    with pytest.raises(MemoryBudgetError, match="take a smaller model"):
        planned(2 * slot)
