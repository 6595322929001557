"""Speculative decoding without loss: draft the next tokens, check them all in one step, keep those that are sampled.

A step over a few tokens reads the weights once, as a step over one does, so drafts that hold are nearly free. A token
of a draft is accepted exactly when the sampler chooses it, with the random numbers of its position; what comes out is
what would have come without a draft, at any temperature. Drafts come from the text itself (prompt lookup: Saxena,
2023), from a layer that the model has for it (`draft_layer.py`), or from a smaller model (Leviathan et al., 2023).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from galop.engine.engine import Engine
from galop.engine.step_times import StepTimes

MAX_DRAFT_TOKENS = 7  # with the token before them, as many columns as kernels take while memory is the limit
SHORTEST_MATCH = 3  # tokens; the text is indexed by runs of so many
LONGEST_MATCH = 16  # tokens; a longer match counts as one of this length
OWN_LAYER = 3  # the confidence of drafts by the model's own layer for that; those before are of matches


@dataclass
class DraftTokens:
    """What may follow, and which of the acceptance rates applies."""

    tokens: Sequence[int]
    confidence: int = 0


class Drafter(Protocol):
    """Where drafts come from."""

    seconds: float  # what drafting one token takes

    def draft(self, history: Sequence[int], most: int) -> DraftTokens:
        """At most `most` tokens that may follow `history`, the prompt and all tokens after it."""


class PromptLookup:
    """Drafts what followed the latest tokens the last time."""

    seconds = 0.0

    def __init__(self) -> None:
        self._ends: dict[tuple[int, ...], list[int]] = {}  # the last few ends of each run of SHORTEST_MATCH tokens
        self._indexed = SHORTEST_MATCH - 1

    def draft(self, history: Sequence[int], most: int) -> DraftTokens:
        """What followed the longest earlier match, the latest of equally long ones; empty where there is none."""
        best, length = 0, 0
        # Each run is indexed once something follows it, so a run never finds itself.
        for end in range(self._indexed, len(history) - 1):
            places = self._ends.setdefault(tuple(history[end + 1 - SHORTEST_MATCH : end + 1]), [])
            places.append(end)
            del places[:-4]
        self._indexed = max(self._indexed, len(history) - 1)
        for end in reversed(self._ends.get(tuple(history[-SHORTEST_MATCH:]), [])):
            n = SHORTEST_MATCH
            while n < LONGEST_MATCH and end >= n and history[end - n] == history[-1 - n]:
                n += 1
            if n > length:
                best, length = end, n
        if not length:
            return DraftTokens([])
        found = history[best + 1 : best + 1 + most]
        if min(found, default=0) < 0:  # a picture is nothing that is written
            return DraftTokens([])
        return DraftTokens(found, (length >= 5) + (length >= 9))


class DraftModel:
    """Drafts what a smaller model of the same vocabulary would say."""

    def __init__(self, engine: Engine, vocabulary: int) -> None:
        self.engine = engine
        self.vocabulary = vocabulary  # without the padding rows, which the larger model need not have
        self.kv = engine.new_cache()
        self.seconds = 0.0

    def draft(self, history: Sequence[int], most: int) -> DraftTokens:
        """The likeliest tokens, one after the other; fewer than `most` where the smaller model's context ends."""
        if min(history, default=0) < 0:  # it has not seen the picture
            return DraftTokens([])
        self.kv.take_back = 0
        part = list(history[self.kv.rewind_to(history) :])
        most = min(most, self.engine.context - len(history), self.kv.draft_room())
        if most <= 0:
            return DraftTokens([])
        start = time.perf_counter()
        tokens: list[int] = []
        while len(tokens) < most:
            *_, (_, logits) = self.engine.prefill(self.kv, part)
            assert logits is not None
            tokens.append(int(logits[: self.vocabulary].argmax()))
            part = tokens[-1:]
            self.kv.take_back = most
        self.seconds += 0.2 * ((time.perf_counter() - start) / most - self.seconds)
        return DraftTokens(tokens)


class DraftLength:
    """How many draft tokens are worth checking: what a step of each width takes, and how often drafts hold."""

    def __init__(self) -> None:
        self.step_times = StepTimes()
        self._acceptance = [0.3, 0.6, 0.85, 0.6]  # the rate at which a token is accepted, by confidence

    def best(self, most: int, confidence: int = 0, seconds: float = 0.0) -> int:
        """The length, each token taking so many seconds to draft, with the most tokens per second to be expected."""
        if not self.step_times.knows(1):
            return 0
        best, speed = 0, 1 / self.step_times.estimate(1)
        tokens, chain = 1.0, 1.0
        for n in range(1, most + 1):
            chain *= self._acceptance[confidence]
            tokens += chain
            expected = tokens / (self.step_times.estimate(n + 1) + n * seconds)
            if expected > speed * 1.02:  # less is within what steps differ by
                best, speed = n, expected
        return best

    def record(self, draft: DraftTokens, accepted: int, checked: int) -> None:
        """`checked` tokens were checked, or one that was not is now known; the first `accepted` held."""
        rate = self._acceptance[draft.confidence]
        for i in range(min(accepted + 1, checked)):
            rate += 0.08 * ((i < accepted) - rate)
        self._acceptance[draft.confidence] = rate
