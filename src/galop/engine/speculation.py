"""Speculation without loss: guess the next tokens, check them all in one step, keep those that would have been drawn.

A step over a few tokens reads the weights once, as a step over one does, so guesses that hold are nearly free. A guess
is kept exactly when the sampler draws it, with the random numbers of its position; what comes out is what would have
come without guessing, at any temperature. Guesses come from the text itself (prompt lookup: Saxena, 2023) or from a
smaller model (Leviathan et al., 2023).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from galop.engine.engine import Engine

MOST_GUESSES = 7  # with the token before them, as many columns as kernels take while memory is the limit
SHORTEST_MATCH = 3
LONGEST_MATCH = 16
PROBE = 64  # steps after which a guesser that did not pay is tried again


@dataclass
class Guess:
    tokens: Sequence[int]
    confidence: int = 0  # which of the gauge's rates of success applies


class Guesser(Protocol):
    seconds: float  # what guessing one token takes

    def guess(self, history: Sequence[int], most: int) -> Guess: ...


class Lookup:
    """Guesses that what followed the latest words the last time follows them again."""

    seconds = 0.0

    def __init__(self) -> None:
        self._seen: dict[tuple[int, ...], list[int]] = {}  # the last few ends of each run of SHORTEST_MATCH tokens
        self._indexed = SHORTEST_MATCH - 1

    def guess(self, history: Sequence[int], most: int) -> Guess:
        best, length = 0, 0
        # Each run is indexed once something follows it, so a run never finds itself.
        for end in range(self._indexed, len(history) - 1):
            places = self._seen.setdefault(tuple(history[end + 1 - SHORTEST_MATCH : end + 1]), [])
            places.append(end)
            del places[:-4]
        self._indexed = max(self._indexed, len(history) - 1)
        for end in reversed(self._seen.get(tuple(history[-SHORTEST_MATCH:]), [])):
            n = SHORTEST_MATCH
            while n < LONGEST_MATCH and end >= n and history[end - n] == history[-1 - n]:
                n += 1
            if n > length:
                best, length = end, n
        if not length:
            return Guess([])
        return Guess(history[best + 1 : best + 1 + most], (length >= 5) + (length >= 9))


class Draft:
    """Guesses what a smaller model of the same vocabulary would say."""

    def __init__(self, engine: Engine, vocabulary: int) -> None:
        self.engine = engine
        self.vocabulary = vocabulary  # without the padding rows, which the larger model need not have
        self.kv = engine.sequence()
        self.seconds = 0.0

    def guess(self, history: Sequence[int], most: int) -> Guess:
        most = min(most, self.engine.context - len(history))
        if most <= 0:
            return Guess([])
        start = time.perf_counter()
        tokens: list[int] = []
        part = list(history[self.kv.reuse(history) :])
        while len(tokens) < most:
            *_, (_, logits) = self.engine.prefill(self.kv, part)
            assert logits is not None
            tokens.append(int(logits[: self.vocabulary].argmax()))
            part = tokens[-1:]
        self.seconds += 0.2 * ((time.perf_counter() - start) / most - self.seconds)
        return Guess(tokens)


class Gauge:
    """How many guesses are worth checking: what a step of each width takes, and how often guesses hold."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._holds = [0.3, 0.6, 0.85]

    def worth(self, most: int, confidence: int = 0, seconds: float = 0.0) -> int:
        """The number of guesses, each taking so many seconds, with the most tokens per second to be expected."""
        if 1 not in self._seconds:
            return 0
        best, speed = 0, 1 / self._time(1)
        tokens, chain = 1.0, 1.0
        for n in range(1, most + 1):
            chain *= self._holds[confidence]
            tokens += chain
            expected = tokens / (self._time(n + 1) + n * seconds)
            if expected > speed * 1.02:
                best, speed = n, expected
        return best

    def held(self, guess: Guess, kept: int, tried: int) -> None:
        """`tried` guesses were checked, or one that was not is now known; the first `kept` held."""
        rate = self._holds[guess.confidence]
        for i in range(min(kept + 1, tried)):
            rate += 0.08 * ((i < kept) - rate)
        self._holds[guess.confidence] = rate

    def took(self, width: int, seconds: float) -> None:
        old = self._seconds.get(width) or min(seconds, 2 * self._time(width) if self._seconds else seconds)
        # A step that was disturbed says nothing of its width: time falls fast and rises slowly.
        self._seconds[width] = old + (0.5 if seconds < old else 0.1) * (seconds - old)

    def slowdown(self, width: int) -> float:
        """How many times as long a step of so many columns takes as the narrowest that is known."""
        return self._time(width) / self._time(min(self._seconds)) if self._seconds else 1.0

    def _time(self, width: int) -> float:
        if width in self._seconds:
            return self._seconds[width]
        # Until it is measured: a tenth of the next narrower step for each column more.
        near = max((w for w in self._seconds if w < width), default=min(self._seconds))
        return self._seconds[near] * (1 + 0.1 * (width - near))
