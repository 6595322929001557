"""Accuracy on held-out problems, with Wilson intervals: by level, by budget of thinking, by number of tries."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from galop.recipes.mini import tokenizer
from galop.recipes.mini.model import Mini
from galop.recipes.mini.sample import CLOSE, sample
from galop.recipes.mini.tasks import LEVELS, Problem, correct, draw

ROWS = 250


@dataclass(frozen=True)
class Score:
    right: int
    of: int
    tokens: float = 0.0  # a reply, on average

    @property
    def share(self) -> float:
        return self.right / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, at 95 %."""
        z, p, n = 1.959964, self.right / self.of, self.of
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def problems(
    count: int, task: str | None = None, level: str | None = None, tasks: Sequence[str] = tuple(LEVELS)
) -> list[Problem]:
    """Held-out ones; the same each time."""
    random = Random(f"test {task} {level}")
    return [draw(random, held=True, task=task, level=level, tasks=tasks) for _ in range(count)]


def score(
    model: Mini,
    asked: list[Problem],
    thinks: bool = True,
    budget: int | None = None,
    close: str = CLOSE,
    temperature: float = 0.0,
    seed: int = 0,
    report: Callable[[int], None] | None = None,
) -> Score:
    """How many are answered rightly; without thought by way of the template's empty block."""
    right, tokens = 0, 0
    opening = "" if thinks else f"{tokenizer.THINK_OPEN}{tokenizer.THINK_CLOSE}"
    for first in range(0, len(asked), ROWS):
        part = asked[first : first + ROWS]
        prompts = [tokenizer.encode(tokenizer.prompt(p.question) + opening) for p in part]
        for problem, reply in zip(
            part, sample(model, prompts, temperature, seed + first, budget=budget, close=close), strict=True
        ):
            right += correct(problem, reply.answer)
            tokens += len(reply.ids)
        if report:
            report(first + len(part))
    return Score(right, len(asked), tokens / len(asked))


def passes(model: Mini, asked: list[Problem], tries: int, seed: int = 0) -> dict[int, float]:
    """pass@k for k = 1, 2, 4, ... `tries` at temperature 1, by the unbiased estimate of Chen et al. (2021)."""
    prompts = [tokenizer.encode(tokenizer.prompt(p.question)) for p in asked for _ in range(tries)]
    right = [0] * len(asked)
    for first in range(0, len(prompts), ROWS):
        for i, reply in enumerate(sample(model, prompts[first : first + ROWS], 1.0, seed + first), first):
            right[i // tries] += correct(asked[i // tries], reply.answer)
    ks = [2**i for i in range(tries.bit_length()) if 2**i <= tries]
    return {k: sum(1 - math.comb(tries - c, k) / math.comb(tries, k) for c in right) / len(asked) for k in ks}
