"""What a race's answers say: intervals, paired differences, corrected p-values, shared ranks.

Questions of one kind are alike, so kinds are resampled, not questions (Miller, 2024, "Adding error bars to
evals"). A value is 1 for a right answer, 0 for a wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, log10, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Z = NormalDist().inv_cdf(0.975)
POWER = NormalDist().inv_cdf(0.8)
ROUNDS = 10_000
BLOCK = 20_000_000  # numbers drawn at once
FEW = 0.05
"""The weight of two kinds that are added, one all right and one all wrong: where few kinds have any right answers, how
much kinds differ is seldom seen. With it intervals hold the truth as often as they say (`bench/coverage.py`)."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, by its expansion in 1 / freedom (Abramowitz & Stegun 26.7.5)."""
    if freedom < 4:
        return {1: 12.706, 2: 4.303, 3: 3.182}[max(freedom, 1)]
    z, n = Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def by_kind(values: Values, kinds: Sequence[str]) -> tuple[Values, Values]:
    """Sum and count of each kind's values."""
    _, index = np.unique(np.asarray(kinds), return_inverse=True)
    return np.bincount(index, values).astype(float), np.bincount(index).astype(float)


def accuracy(values: Values, kinds: Sequence[str]) -> Interval:
    """A share and its Wilson interval, for as many questions as the answers are worth.

    Answers to one kind of question resemble each other: n is divided by the design effect (Kish), and lessened for the
    few kinds that it is reckoned from (Korn & Graubard, 1998).
    """
    n, p = len(values), float(values.mean())
    sums, counts = by_kind(values, kinds)
    clusters = len(sums)
    worth = float(n)
    if 1 < clusters < n:
        each = n / clusters
        count, kinds_in_all = n + 2 * FEW * each, clusters + 2 * FEW
        middle = float(sums.sum() + FEW * each) / count
        squares = float(((sums - counts * middle) ** 2).sum()) + FEW * each**2 * ((1 - middle) ** 2 + middle**2)
        variance = kinds_in_all / (kinds_in_all - 1) * squares / count**2
        worth = min(n, middle * (1 - middle) / variance * n / count) * (Z / student(clusters - 1)) ** 2
    return wilson(p, worth)


def wilson(p: float, n: float) -> Interval:
    """Of a share p of n (Wilson, 1927)."""
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


def difference(first: Values, second: Values, kinds: Sequence[str], rounds: int = ROUNDS) -> Interval:
    """How much more the first has than the second on the same questions: a bootstrap over kinds.

    Percentiles are taken further out, as so few kinds ask for (Hesterberg, 2015, "expanded percentile interval").
    """
    gain = first - second
    if len(set(kinds)) < 2:
        return Interval(float(gain.mean()), -1.0, 1.0)  # one kind tells nothing of others
    if not gain.any():  # no resample differs; as many kinds without a case leave room for some
        reach = wilson(0.0, len(set(kinds))).high
        return Interval(0.0, -reach, reach)
    return bootstrap(gain, np.ones_like(gain), kinds, rounds)


def bootstrap(above: Values, below: Values, kinds: Sequence[str], rounds: int = ROUNDS) -> Interval:
    """The ratio of two sums, such as joules per right answer, by a bootstrap over at least two kinds."""
    top, _ = by_kind(above, kinds)
    bottom, _ = by_kind(below, kinds)
    clusters = len(top)
    estimate = float(top.sum() / bottom.sum()) if bottom.sum() else float("nan")
    random = np.random.default_rng(0)
    block = max(1, BLOCK // clusters)
    drawn = []
    for first in range(0, rounds, block):
        weights = random.multinomial(clusters, np.full(clusters, 1 / clusters), min(block, rounds - first))
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn.append((weights @ top) / (weights @ bottom))
    ratios = np.concatenate(drawn)
    tail = NormalDist().cdf(-student(clusters - 1) * sqrt(clusters / (clusters - 1)))
    low, high = np.quantile(ratios[np.isfinite(ratios)], [tail, 1 - tail])
    return Interval(estimate, float(low), float(high))


def p_value(first: Values, second: Values, kinds: Sequence[str], rounds: int = ROUNDS) -> float:
    """Two-sided, of no difference: McNemar's exact test where every question is of its own kind, else the sign-flip
    permutation test over kinds."""
    gain = first - second
    if len(set(kinds)) == len(kinds):
        return mcnemar(int((gain > 0).sum()), int((gain < 0).sum()))
    sums, _ = by_kind(gain, kinds)
    sums = sums[sums != 0]
    observed = float(abs(sums.sum()))
    if len(sums) <= 13:  # all of them
        signs = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float((abs(signs @ sums) >= observed - 1e-9).mean())
    signs = np.random.default_rng(0).choice([-1, 1], (rounds, len(sums)))
    return float((1 + (abs(signs @ sums) >= observed - 1e-9).sum()) / (1 + rounds))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact test of McNemar (1947), on the questions that just one of two got right."""
    n = only_first + only_second
    tail = sum(comb(n, k) for k in range(min(only_first, only_second) + 1)) / 2**n
    return min(1.0, 2.0 * float(tail))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are (Holm, 1979), in their order."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = highest
    return corrected


def ranks(behind: Sequence[Sequence[bool]]) -> list[int]:
    """1 and the number of those that each is shown to be behind: who cannot be told apart share a rank."""
    return [1 + sum(others) for others in behind]


def questions_needed(gain: Interval, questions: int) -> int | None:
    """Questions by which a difference as large as this one is seen four times in five; None where there is none."""
    if not gain.estimate or not gain.high > gain.low:
        return None
    error = (gain.high - gain.low) / (2 * Z)
    return max(2, round(questions * ((Z + POWER) * error / gain.estimate) ** 2))


def bradley_terry(values: Sequence[Values]) -> list[float]:
    """Strengths on Elo's scale around 1,000 (Bradley & Terry, 1952), each question a match of every pair.

    Both right or both wrong is half a win each; a match more, drawn, for every pair keeps strengths finite.
    """
    count = len(values)
    wins = np.array([[float((0.5 + (a - b) / 2).sum()) + 0.5 if a is not b else 0.0 for b in values] for a in values])
    played = wins + wins.T
    strength = np.ones(count)
    for _ in range(1000):
        share = played / (strength[:, None] + strength[None, :])
        strength = wins.sum(1) / share.sum(1)
        strength /= np.exp(np.log(strength).mean())
    return [1000 + 400 * log10(s) for s in strength]


def front(points: Sequence[tuple[float, float]]) -> set[int]:
    """Indices of those that none beats at both: a lower first value (a price) and a higher second (a worth)."""
    return {
        i for i, (price, worth) in enumerate(points)
        if not any(p <= price and w >= worth and (p, w) != (price, worth) for p, w in points)
    }  # fmt: skip
