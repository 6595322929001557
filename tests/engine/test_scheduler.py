"""Many answers at once: the same tokens as alone, whoever else is there; blocks shared, found again, given back."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from corpus import CORPUS
from engines import engine_of, finish
from golden.make import TOKENS
from tiny import GOLDEN

from galop import Sampling
from galop.backends.load import load
from galop.backends.local import Model
from galop.backends.protocol import GenerationRequest
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.prefill import share_chunk
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import PromptLookup
from galop.engine.states import BLOCK_TOKENS
from galop.errors import ContextLengthError, GalopError, MemoryBudgetError, NumericalError, QueueFullError


def prompts(model: Model, count: int) -> list[list[int]]:
    ids = model.tokenizer.encode("\n".join(CORPUS)) * 4
    chance = random.Random(4)
    return [[i + 1, *ids[(at := chance.randrange(500)) : at + chance.randrange(5, 300)]] for i in range(count)]


def generation(prompt: list[int], seed: int, limit: int = 20, **options: Any) -> TokenSequence:
    return TokenSequence(prompt, Sampling(temperature=0.9, seed=seed), limit, **options)


@pytest.fixture(scope="module")
def mini() -> Iterator[Model]:
    """The smallest, for what depends on how many tokens there are and not on which."""
    with load("qwen3-mini:0.4m") as model:
        yield model


@pytest.fixture(scope="module")
def alone(smollm: Model) -> list[list[int]]:
    """What each of twelve prompts is answered when nobody else asks."""
    answers = []
    for seed, prompt in enumerate(prompts(smollm, 12)):
        scheduler = Scheduler(engine_of(smollm))
        one = generation(prompt, seed)
        scheduler.submit(one)
        finish(scheduler)
        answers.append(one.tokens)
    return answers


def test_company_changes_no_token(smollm: Model, alone: list[list[int]]) -> None:
    scheduler = Scheduler(engine_of(smollm))
    chance = random.Random(1)
    waiting = [generation(p, seed, drafter=PromptLookup()) for seed, p in enumerate(prompts(smollm, 12))]
    expected = dict(zip(waiting, alone, strict=True))
    while waiting or scheduler.running or scheduler.waiting:
        if waiting and chance.random() < 0.3:
            scheduler.submit(waiting.pop(chance.randrange(len(waiting))))
        scheduler.step()
    assert all(g.tokens == tokens for g, tokens in expected.items())
    assert scheduler.engine.blocks_in_use == 0


def test_who_has_to_give_way_says_the_same_later(smollm: Model, alone: list[list[int]]) -> None:
    """The pool holds one full context, twelve texts of up to 320 tokens do not fit together."""
    scheduler = Scheduler(engine_of(smollm, pool=2048))
    jobs = [generation(p, seed, limit=20) for seed, p in enumerate(prompts(smollm, 12))]
    scheduler.engine.parts[0].pool.capacity = 15
    for job in jobs:
        scheduler.submit(job)
    finish(scheduler)
    assert [job.tokens for job in jobs] == alone
    assert scheduler.engine.blocks_in_use == 0
    long = generation(prompts(smollm, 1)[0] * 9, 0, limit=600)
    ends: list[Any] = []
    long.on_finish = ends.append
    scheduler.submit(long)
    finish(scheduler)
    assert isinstance(ends[0], MemoryBudgetError)


def test_a_sequence_that_runs_out_of_blocks_while_decoding_goes_on(mini: Model) -> None:
    def run(capacity: int) -> tuple[list[list[int]], int]:
        scheduler = Scheduler(engine_of(mini))
        scheduler.engine.parts[0].pool.capacity = capacity
        jobs = [generation([i + 1] * 30, i, limit=150) for i in range(4)]
        for job in jobs:
            scheduler.submit(job)
        finish(scheduler)
        return [j.tokens for j in jobs], scheduler.counts["preemptions"]

    roomy, none = run(200)
    tight, some = run(12)
    assert roomy == tight and none == 0 and some > 0


def test_blocks_of_a_prompt_are_shared_even_while_it_is_read(mini: Model) -> None:
    scheduler = Scheduler(engine_of(mini))
    shared = mini.tokenizer.encode("\n".join(CORPUS))[:400]
    jobs = [generation([*shared, i + 1, 7], i) for i in range(5)]
    for job in jobs:
        scheduler.submit(job)
    finish(scheduler)
    assert jobs[0].cached_tokens == 0
    assert all(job.cached_tokens >= 384 for job in jobs[1:])
    assert scheduler.counts["prompt_tokens"] < 402 + 4 * 20


def test_clients_do_not_find_each_others_blocks(mini: Model) -> None:
    scheduler = Scheduler(engine_of(mini))
    prompt = mini.tokenizer.encode("\n".join(CORPUS))[:300]
    cached = []
    for client in ("ann", "bob", "ann"):
        job = generation(prompt, 0, client=client)
        scheduler.submit(job)
        finish(scheduler)
        cached.append(job.cached_tokens)
    assert cached == [0, 0, 299]


def test_a_prompt_that_parts_within_a_block_shares_up_to_there(mini: Model) -> None:
    engine = engine_of(mini)
    scheduler = Scheduler(engine)
    prompt = mini.tokenizer.encode("\n".join(CORPUS))[:100]
    for changed, expected in ((None, 0), (50, 50), (97, 97), (99, 99), (3, 3)):
        tokens = list(prompt)
        if changed is not None:
            tokens[changed] = 11
        job = generation(tokens, 5, limit=8)
        scheduler.submit(job)
        finish(scheduler)
        assert job.cached_tokens == expected
        fresh = Scheduler(engine_of(mini))
        cold = generation(tokens, 5, limit=8)
        fresh.submit(cold)
        finish(fresh)
        assert job.tokens == cold.tokens


def test_kept_blocks_give_way(mini: Model) -> None:
    engine = engine_of(mini, pool=2048)
    scheduler = Scheduler(engine)
    for i in range(20):
        scheduler.submit(generation([i + 1] * 300, i, limit=2))
        finish(scheduler)
        assert engine.parts[0].pool.memory.in_use <= engine.parts[0].pool.capacity
    assert engine.blocks_in_use == 0
    engine.prefix_cache.clear()
    assert engine.parts[0].pool.memory.in_use == 0


def test_a_conversation_is_found_on_disk_by_a_later_engine(mini: Model, tmp_path: Path) -> None:
    prompt = mini.tokenizer.encode("\n".join(CORPUS))[:500]

    def answer(tokens: list[int]) -> TokenSequence:
        scheduler = Scheduler(engine_of(mini, disk=DiskCache(tmp_path, 1 << 30)))
        job = generation(tokens, 3)
        scheduler.submit(job)
        finish(scheduler)
        return job

    first = answer(prompt)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 519 // BLOCK_TOKENS and {f.stat().st_mode & 0o777 for f in files} == {0o600}
    again = answer(prompt)
    assert again.cached_tokens == 480 and again.tokens == first.tokens
    longer = answer([*first.tokens, *prompt[:40]])
    assert longer.cached_tokens == 512

    # A file that was cut short, changed or swapped for another is not believed, and goes.
    for damage in (lambda b: b[:-1], lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], lambda b: b"", lambda b: b * 2):
        victim = max(tmp_path.iterdir(), key=lambda f: f.name)
        victim.write_bytes(damage(victim.read_bytes()))
        job = answer(prompt)
        assert job.tokens == first.tokens


def test_the_folder_keeps_to_its_cap(tmp_path: Path) -> None:
    import os

    import numpy as np

    folder = DiskCache(tmp_path / "kv", capacity=10_000)
    for i in range(40):
        folder.save(bytes([i]) * 32, np.full(900, i, np.uint8))
        os.utime(folder.path(bytes([i]) * 32), (i, i))
        assert sum(f.stat().st_size for f in (tmp_path / "kv").iterdir()) <= 10_000
    page = np.zeros(900, np.uint8)
    assert folder.load(bytes([39]) * 32, page) and page[0] == 39
    assert not folder.load(bytes([0]) * 32, page)
    (tmp_path / "file").write_bytes(b"")
    folder.folder = tmp_path / "file"  # a folder that cannot be written costs nothing but what it would have kept
    folder.save(bytes(32), page)
    assert not folder.load(bytes(32), page)


def test_cancelling_frees_blocks_within_a_step(mini: Model) -> None:
    scheduler = Scheduler(engine_of(mini), parallel=2)
    ends: dict[int, Any] = {}
    jobs = [
        generation(p, i, limit=500, on_finish=lambda end, i=i: ends.update({i: end}))
        for i, p in enumerate(prompts(mini, 3))
    ]
    for job in jobs:
        scheduler.submit(job)
    while not all(job.completion_tokens for job in jobs[:2]):
        assert scheduler.step()
    assert scheduler.waiting == 1
    for job in jobs:
        scheduler.cancel(job)
    scheduler.step()
    assert ends == {0: "cancelled", 1: "cancelled", 2: "cancelled"}
    assert scheduler.engine.blocks_in_use == 0 and not scheduler.running and not scheduler.waiting
    scheduler.cancel(jobs[0])  # once more is nothing
    assert not scheduler.step()


def test_clients_take_turns_and_the_queue_is_bounded(mini: Model) -> None:
    scheduler = Scheduler(engine_of(mini), parallel=1, queue=6)
    order: list[str] = []
    for client in ("ann", "ann", "ann", "ann", "ann", "bob", "carl"):
        scheduler.submit(
            generation([5, 6, len(order)], 0, 1, client=client, on_finish=lambda _, c=client: order.append(c))
        )
    with pytest.raises(QueueFullError, match="6 requests are waiting"):
        scheduler.submit(generation([5], 0, 1))
    finish(scheduler)
    assert order == ["ann", "bob", "carl", "ann", "ann", "ann", "ann"]


CHUNK = 64


def fixed_chunks(model: Model) -> Scheduler:
    """A scheduler whose chunks do not depend on the clock, so that what happens is a matter of steps."""
    engine = engine_of(model, pool=32768)
    engine.chunk = CHUNK
    engine.adapt_chunk = lambda tokens, seconds: None  # type: ignore[method-assign]
    return Scheduler(engine)


def steps_until_read(scheduler: Scheduler, sequence: TokenSequence, at_most: int) -> int:
    """Steps until the first token follows the prompt."""
    for step in range(1, at_most + 1):
        scheduler.step()
        if sequence.completion_tokens:
            return step
    raise AssertionError(f"not read within {at_most} steps")


def prompt_of(first: int, length: int) -> list[int]:
    return [first + 1, *([5, 6, 7, first + 2] * length)][:length]


def answers_alone(model: Model, sequences: list[TokenSequence]) -> list[list[int]]:
    answers = []
    for sequence in sequences:
        again = generation(sequence.prompt, sequence.sampling.seed or 0, sequence.max_tokens)
        scheduler = fixed_chunks(model)
        scheduler.submit(again)
        finish(scheduler)
        answers.append(again.tokens)
    return answers


@pytest.mark.parametrize("client", ["ann", "bob"])
def test_a_short_prompt_does_not_wait_for_a_long_one(mini: Model, client: str) -> None:
    scheduler = fixed_chunks(mini)
    # The second begins like the first, and waits for what they share; the third is as long, and waits for its end.
    long = [generation(p, 1, 4, client="ann") for p in (prompt_of(1, 1500), prompt_of(1, 1500), prompt_of(2, 1600))]
    for sequence in long:
        scheduler.submit(sequence)
    for _ in range(4):
        scheduler.step()
    short = generation(prompt_of(3, 20), 2, 4, client=client)
    scheduler.submit(short)
    assert steps_until_read(scheduler, short, 2) == 1
    middling = generation(prompt_of(4, 200), 3, 4, client=client)
    scheduler.submit(middling)
    steps_until_read(scheduler, middling, 12)  # half of a chunk at a time, and what the short one may decode
    assert not long[0].completion_tokens
    finish(scheduler)
    everyone = [*long, short, middling]
    assert [s.tokens for s in everyone] == answers_alone(mini, everyone)
    assert long[1].cached_tokens > 1400 and scheduler.engine.blocks_in_use == 0


def test_a_long_prompt_takes_at_most_twice_its_steps_however_many_short_ones_come(mini: Model) -> None:
    scheduler = fixed_chunks(mini)
    long = generation(prompt_of(1, 1500), 1, 1)
    alone = -(-1500 // CHUNK)
    scheduler.submit(long)
    short: list[TokenSequence] = []
    steps = 0
    while not long.completion_tokens:
        for length in (8, 20, 50, 100):
            short.append(generation(prompt_of(4 + len(short), length), 2, 1))
            scheduler.submit(short[-1])
        scheduler.step()
        steps += 1
        assert steps <= 2 * alone
    assert steps > alone
    finish(scheduler)
    some = [long, *short[::25]]
    assert [s.tokens for s in some] == answers_alone(mini, some)


@pytest.mark.parametrize("client", ["ann", "bob"])
def test_whoever_waits_for_a_turn_gets_it_however_many_shorter_ones_come(mini: Model, client: str) -> None:
    """The second long prompt is not read while the first is; those that pass it meanwhile do not hold it up for ever."""
    scheduler = fixed_chunks(mini)
    first, second = (generation(prompt_of(i, 900 + 100 * i), 1, 1, client="ann") for i in range(2))
    scheduler.submit(first)
    scheduler.submit(second)
    scheduler.step()
    steps = 1
    while not second.completion_tokens:
        if scheduler.waiting < 2:  # only the second
            scheduler.submit(generation(prompt_of(4 + steps, 300 + steps % 100), 2, 1, client=client))
        scheduler.step()
        steps += 1
        assert steps <= 2 * ((900 + 1000 + 400) // CHUNK + 1)
    finish(scheduler)


def test_many_short_prompts_of_one_client_do_not_hold_up_those_of_another(mini: Model) -> None:
    scheduler = fixed_chunks(mini)
    scheduler.submit(generation(prompt_of(1, 1500), 1, 1, client="carl"))
    for i in range(60):
        scheduler.submit(generation(prompt_of(4 + i, 20), 2, 1, client="ann"))
    for _ in range(5):
        scheduler.step()
    late = generation(prompt_of(3, 30), 2, 1, client="bob")
    scheduler.submit(late)
    assert steps_until_read(scheduler, late, 2) and scheduler.waiting > 40


def test_who_is_passed_keeps_a_slot(mini: Model) -> None:
    scheduler = fixed_chunks(mini)
    scheduler.parallel = 2
    long = [generation(prompt_of(i, 500 + i), 1, 1) for i in range(2)]
    short = generation(prompt_of(3, 20), 2, 300)
    for sequence in (*long, short):
        scheduler.submit(sequence)
    steps_until_read(scheduler, long[0], 8)
    assert not short.kv and not short.completion_tokens
    finish(scheduler)


def test_a_chunk_is_shared(mini: Model) -> None:
    engine = fixed_chunks(mini).engine
    for unread, expected in (
        ([1000], [64]),  # alone, all
        ([40], [40]),
        ([1000, 20], [44, 20]),
        ([1000, 20, 8, 12], [32, 20, 8, 4]),  # those that fit the half come in turn
        ([1000, 100, 60], [32, 0, 32]),  # longer ones by what is left
        ([900, 1000], [64, 0]),  # no longer one takes anything from the first
        ([20, 1000, 1000], [20, 44, 0]),
    ):
        sequences = [generation([1], 0) for _ in unread]
        assert list(share_chunk(engine, dict(zip(sequences, unread, strict=True))).values()) == expected
    engine.vocabulary = 1 << 20  # so that 16 tokens may be scored at once
    scored, other, also = (generation([1] * 99, 0, prompt_logprobs=n) for n in (1, None, 1))
    assert list(share_chunk(engine, {scored: 99, other: 99, also: 99}).values()) == [16, 48, 0]


def test_prompts_hold_up_those_who_decode_only_so_long(smollm: Model) -> None:
    scheduler = Scheduler(engine_of(smollm, pool=32768))
    first = generation([1, 2, 3], 0, limit=400)
    scheduler.submit(first)
    scheduler.step()
    for i in range(12):
        scheduler.submit(generation([i + 2] * 1500, i, limit=1))
    runs, run, before = [], 0, first.completion_tokens
    while scheduler.waiting or len(scheduler.running) > 1:
        scheduler.step()
        if first.completion_tokens > before:
            run += 1
        elif run:
            runs.append(run)
            run = 0
        before = first.completion_tokens
    # Between two stalls there are at least so many tokens: nineteen gaps of twenty are undisturbed.
    assert all(r >= 20 for r in runs)


def test_company_is_taken_in_only_while_it_can_be_borne(smollm: Model) -> None:
    scheduler = Scheduler(engine_of(smollm))
    for width, seconds in ((1, 1.0), (2, 1.2), (3, 1.5), (4, 9.0)):
        for _ in range(50):
            scheduler.decoder.step_times.record(width, seconds)
    most = 0
    for i in range(6):
        scheduler.submit(generation([i + 1, 2, 3], i, limit=6))
    scheduler.decoder.step_times.record = lambda width, seconds: None  # type: ignore[method-assign]
    while scheduler.step():
        most = max(most, len(scheduler.running))
    assert most == 3
    for i in range(30):
        scheduler.submit(generation([i + 1, 2, 3], i, limit=6))
    scheduler.step()
    assert len(scheduler.running) > 10  # many wait: what counts is how much is done
    finish(scheduler)


def test_a_numerical_error_ends_its_own_sequence_only(smollm: Model) -> None:
    scheduler = Scheduler(engine_of(smollm))
    good, bad = generation([1, 2, 3], 1), generation([4, 5, 6], 2, logit_bias={7: float("nan")})
    ends: list[Any] = []
    bad.on_finish = ends.append
    for job in (good, bad):
        scheduler.submit(job)
    finish(scheduler)
    assert isinstance(ends[0], NumericalError) and isinstance(ends[0], GalopError)
    again = generation([1, 2, 3], 1)
    scheduler.submit(again)
    finish(scheduler)
    assert good.tokens == again.tokens and len(good.tokens) == 23


def test_too_long_a_prompt_is_refused_before_it_waits(smollm: Model) -> None:
    with pytest.raises(ContextLengthError):
        smollm.submit(GenerationRequest([1] * smollm.context), lambda _: None)
    assert smollm.scheduler.waiting == 0


def test_random_operations_lose_no_block() -> None:
    """A tiny model: submit, cancel and step at random, with little room; every block is accounted for."""
    from galop.backends.load import load_path

    with load_path(GOLDEN / "qwen3", memory=4 << 30, context=128) as model:
        engine = Engine(model.plan, model.pack, 1, 128, pool=512)
        scheduler = Scheduler(engine, parallel=5, queue=20)
        chance = random.Random(7)
        ended: list[TokenSequence] = []
        begun: list[TokenSequence] = []
        for _ in range(3000):
            match chance.randrange(4):
                case 0 if scheduler.waiting < 20:
                    prompt = TOKENS[: chance.randint(1, len(TOKENS))] * chance.randint(1, 3)
                    job = generation(
                        prompt[:100], chance.randrange(9), limit=chance.randint(1, 60), client=chance.choice("abc")
                    )
                    job.max_tokens = min(job.max_tokens, 128 - len(job.prompt))
                    job.on_finish = lambda _, job=job: ended.append(job)
                    scheduler.submit(job)
                    begun.append(job)
                case 1 if begun and chance.random() < 0.2:
                    scheduler.cancel(chance.choice(begun))
                case _:
                    scheduler.step()
            used = {block for s in scheduler.running if s.kv for block in s.kv.tables[0].blocks}
            assert used == engine.parts[0].pool._users.keys()
            assert engine.parts[0].pool.memory.in_use <= engine.parts[0].pool.capacity
        finish(scheduler)
        assert sorted(map(id, ended)) == sorted(map(id, begun))
        assert engine.blocks_in_use == 0
        engine.prefix_cache.clear()
        assert engine.parts[0].pool.memory.in_use == 0


def test_a_prompt_that_fills_the_pool_is_answered_again(mini: Model) -> None:
    """Its last block cannot be copied, since all are in use; it is computed instead."""
    engine = Engine(mini.plan, mini.pack, 2, 256, pool=256)
    scheduler = Scheduler(engine)
    prompt = (mini.tokenizer.encode("\n".join(CORPUS)) * 2)[:250]
    answers = []
    for _ in range(3):
        job = generation(prompt, 1, limit=6)
        scheduler.submit(job)
        finish(scheduler)
        answers.append(job.tokens)
    assert answers[0] == answers[1] == answers[2] and len(answers[0]) == 256
    assert engine.blocks_in_use == 0


def test_a_failing_step_ends_its_texts_and_not_the_engine(smollm: Model) -> None:
    scheduler = Scheduler(engine_of(smollm))
    ends: SimpleQueue[Any] = SimpleQueue()

    def explode(_: Any) -> None:
        raise RuntimeError("a callback failed")

    thread = threading.Thread(target=scheduler.run)
    thread.start()
    scheduler.submit(generation([1, 2, 3], 0, on_token=explode, on_finish=ends.put))
    assert isinstance(ends.get(timeout=60), GalopError)
    scheduler.submit(generation([1, 2, 3], 0, limit=4, on_finish=ends.put))
    assert ends.get(timeout=60) == "length"
    scheduler.submit(generation([1, 2, 3], 0, limit=1900, on_finish=ends.put))
    scheduler.stop()
    thread.join()
    late = ends.get(timeout=60)
    assert isinstance(late, GalopError) and "unloaded" in str(late)
    assert scheduler.engine.blocks_in_use == 0
