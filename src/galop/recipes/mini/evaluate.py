"""Accuracy on held-out problems, with Wilson intervals: by level, by budget of thinking, by number of tries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean, pstdev

from galop.recipes.mini import tokenizer
from galop.recipes.mini.model import Mini
from galop.recipes.mini.sample import CLOSE, LONGEST, sample
from galop.recipes.mini.tasks import LEVELS, Problem, correct, draw, edge

ROWS = 250


@dataclass(frozen=True)
class Score:
    """Right answers out of so many."""

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
    """Held-out ones, no two the same, fewer than `count` where there are not so many; the same each time."""
    random = Random(f"test {task} {level}")
    found: dict[str, Problem] = {}
    for _ in range(30 * count):
        problem = draw(random, held=True, task=task, level=level, tasks=tasks)
        found.setdefault(problem.key, problem)
        if len(found) == count:
            break
    return list(found.values())


def hard_problems(count: int, tasks: Sequence[str] = tuple(LEVELS)) -> list[Problem]:
    """About `count` held-out ones of the hardest levels, as many of each; none where the tasks have no such level."""
    levels = edge(tasks)
    return [p for task, level in levels for p in problems(count // len(levels), task, level)]


def score(
    model: Mini,
    asked: list[Problem],
    budget: int | None = None,
    close: str = CLOSE,
) -> Score:
    """How many are answered rightly."""
    right, tokens = 0, 0
    for first in range(0, len(asked), ROWS):
        part = asked[first : first + ROWS]
        prompts = [tokenizer.encode(tokenizer.prompt(p.question)) for p in part]
        longest = max(LONGEST, (budget or 0) + 64)
        replies = sample(model, prompts, longest=longest, budget=budget, close=close)
        for problem, reply in zip(part, replies, strict=True):
            right += correct(problem, reply.answer)
            tokens += len(reply.ids)
    return Score(right, len(asked), tokens / len(asked))


def passes(model: Mini, asked: list[Problem], tries: int) -> dict[int, tuple[float, float]]:
    """pass@k for k = 1, 2, 4, ... `tries` at temperature 1, and the half width of its 95 % interval over problems.

    The unbiased estimate of Chen et al. (2021).
    """
    prompts = [tokenizer.encode(tokenizer.prompt(p.question)) for p in asked for _ in range(tries)]
    right = [0] * len(asked)
    for first in range(0, len(prompts), ROWS):
        for i, reply in enumerate(sample(model, prompts[first : first + ROWS], 1.0, first), first):
            right[i // tries] += correct(asked[i // tries], reply.answer)
    result = {}
    for k in (2**i for i in range(tries.bit_length()) if 2**i <= tries):
        each = [1 - math.comb(tries - c, k) / math.comb(tries, k) for c in right]
        result[k] = (mean(each), 1.96 * pstdev(each) / math.sqrt(len(each)))
    return result
