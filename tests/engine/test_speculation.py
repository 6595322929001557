"""Guessing ahead changes nothing but the time: the same tokens, whoever guesses and however badly."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from engines import finish
from replies import collect

from galop import Sampling
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import DraftLength, DraftTokens, PromptLookup
from galop.errors import ModelFileError

LIST = "apples, pears, plums, cherries, apples, pears, plums, cherries, apples, pears,"
REPEAT = [{"role": "user", "content": f"Repeat this list three times, exactly as it is: {LIST}"}]
SETTINGS = [
    Sampling(),
    Sampling(temperature=0.8, top_p=0.95, seed=5),
    Sampling(temperature=1.5, top_k=40, seed=6),
    Sampling(repetition_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.2),
]


@pytest.mark.parametrize("sampling", SETTINGS)
def test_lookup_gives_the_same_answer_as_no_guessing(smollm: Model, sampling: Sampling) -> None:
    plain, _ = collect(smollm.chat(REPEAT, sampling=sampling, max_tokens=80, speculate=False))
    guessed, _ = collect(smollm.chat(REPEAT, sampling=sampling, max_tokens=80))
    assert guessed == plain


class Chance:
    """Right, wrong and half-right guesses of every length."""

    seconds = 0.0

    def __init__(self, truth: Sequence[int]) -> None:
        self.truth, self.random = truth, random.Random(3)

    def draft(self, history: Sequence[int], most: int) -> DraftTokens:
        n = self.random.randint(0, most)
        tokens = list(self.truth[len(history) : len(history) + n])
        if tokens and self.random.random() < 0.5:
            tokens[self.random.randrange(len(tokens))] = 17
        return DraftTokens(tokens)


class Always(DraftLength):
    def best(self, most: int, confidence: int = 0, seconds: float = 0.0) -> int:
        return most


@pytest.mark.parametrize("sampling", SETTINGS)
def test_any_guesses_leave_tokens_and_keys_as_they_were(smollm: Model, sampling: Sampling) -> None:
    engine = smollm.engine
    prompt = smollm.template.encode(REPEAT)

    def run(drafter: Any) -> tuple[list[int], bytes]:
        scheduler = Scheduler(engine)
        scheduler.decoder.draft_length = Always()
        sequence = TokenSequence(prompt, sampling, 60, drafter=drafter)
        scheduler.submit(sequence)
        finish(scheduler)
        kv = engine.cache_for("", sequence.tokens)
        assert len(kv.tokens) >= len(sequence.tokens) - 2
        rest = sequence.tokens[len(kv.tokens) :]
        last = engine.forward([(kv, rest)], [len(rest) - 1]).tobytes()
        kv.free()
        engine.prefix_cache.clear()
        return sequence.tokens, last

    plain = run(None)
    assert run(Chance(plain[0])) == plain
    assert run(PromptLookup()) == plain


def test_lookup_finds_the_longest_earlier_match() -> None:
    lookup = PromptLookup()
    text = [1, 2, 3, 9, 9, 5, 1, 2, 3, 7, 7, 7, 5, 1, 2, 3]
    assert lookup.draft(text, 4).tokens == [7, 7, 7, 5]
    assert lookup.draft([*text, 8], 4).tokens == []
    assert PromptLookup().draft([4, 4], 5).tokens == []
    assert PromptLookup().draft([4, 4, 4, 4], 5).tokens == [4]


def test_guessing_stops_where_it_does_not_pay() -> None:
    length = DraftLength()
    for width, seconds in ((1, 1.0), (2, 1.1), (4, 1.5), (8, 2.0)):
        length.step_times.record(width, seconds)
    draft = DraftTokens([1] * 7, 0)
    for _ in range(60):
        length.record(draft, 0, 1)
    assert length.best(7) == 0
    for _ in range(60):
        length.record(draft, 7, 7)
    assert length.best(7) == 7
    assert length.best(7, seconds=0.9) == 0


def test_a_draft_model_changes_nothing_but_the_time(smollm: Model, smollm_path: Any) -> None:
    plain, _ = collect(smollm.chat(REPEAT, sampling=SETTINGS[1], max_tokens=30, speculate=False))
    with load_path(smollm_path, context=smollm.context) as big, load_path(smollm_path, context=512) as small:
        big.draft_with(small)
        drafted, _ = collect(big.chat(REPEAT, sampling=SETTINGS[1], max_tokens=30))
    assert drafted == plain


@pytest.mark.large
def test_a_draft_of_other_tokens_is_refused(smollm: Model, coder: Model) -> None:
    with pytest.raises(ModelFileError, match="do not have the same tokens"):
        coder.draft_with(smollm)
