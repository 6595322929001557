"""Intervals and tests against scipy and statsmodels, and against what they promise: coverage in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from galop.race import statistics


def test_against_known_libraries() -> None:
    for right, n in ((0, 8), (3, 8), (29, 30), (150, 300), (300, 300)):
        mine = statistics.wilson(right / n, n)
        assert (mine.low, mine.high) == pytest.approx(proportion_confint(right, n, method="wilson"), abs=1e-12)
    for freedom in (1, 2, 3, 4, 7, 11, 36, 200):
        assert statistics.student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=3e-3)
    for a, b in ((0, 0), (1, 9), (12, 5), (40, 41)):
        table = [[10, a], [b, 10]]
        assert statistics.mcnemar(a, b) == pytest.approx(min(1.0, mcnemar(table, exact=True).pvalue), abs=1e-12)
    p = [0.04, 0.001, 0.2, 0.012, 0.9]
    assert statistics.holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]))


def test_sign_flips_are_the_permutation_test() -> None:
    random = np.random.default_rng(3)
    first, second = random.integers(0, 2, 24).astype(float), random.integers(0, 2, 24).astype(float)
    kinds = [str(i // 3) for i in range(24)]
    sums = (first - second).reshape(8, 3).sum(1)
    exact = stats.permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=10**6)
    assert statistics.p_value(first, second, kinds) == pytest.approx(exact.pvalue, abs=1e-9)
    alone = [str(i) for i in range(24)]
    both = statistics.mcnemar(int(((first - second) > 0).sum()), int(((first - second) < 0).sum()))
    assert statistics.p_value(first, second, alone) == both


def test_the_bootstrap_is_that_of_the_clusters() -> None:
    """Near scipy's percentile bootstrap of cluster means, and a little wider, as few clusters ask for."""
    random = np.random.default_rng(5)
    gain = random.normal(0.2, 0.5, (30, 4))
    mine = statistics.bootstrap(gain.ravel(), np.ones(120), [str(i // 4) for i in range(120)])
    theirs = stats.bootstrap((gain.mean(1),), np.mean, method="percentile", random_state=1).confidence_interval
    assert mine.low == pytest.approx(theirs.low, abs=0.02) and mine.high == pytest.approx(theirs.high, abs=0.02)
    assert mine.low < theirs.low and mine.high > theirs.high


@pytest.mark.parametrize(("p", "likeness"), [(0.2, 0.1), (0.5, 0.4), (0.8, 0.2)])
def test_intervals_hold_what_they_promise(p: float, likeness: float) -> None:
    """37 kinds of 8 questions, as the recommended race has them; kinds differ as a beta-binomial does."""
    kinds = [str(i // 8) for i in range(296)]
    random = np.random.default_rng(7)
    shape = (1 - likeness) / likeness
    rounds, held, held_difference = 600, 0, 0
    for _ in range(rounds):
        easy = random.beta(p * shape, (1 - p) * shape, 37)
        better = easy * 0.8 + 0.15  # of another model: its mean is 0.8 p + 0.15
        a = (random.random((37, 8)) < easy[:, None]).astype(float).ravel()
        b = (random.random((37, 8)) < better[:, None]).astype(float).ravel()
        share = statistics.accuracy(a, kinds)
        held += share.low <= p <= share.high
        gain = statistics.difference(b, a, kinds, rounds=800)
        held_difference += gain.low <= 0.15 - 0.2 * p <= gain.high
    assert 0.925 <= held / rounds <= 0.98, held / rounds
    assert 0.925 <= held_difference / rounds <= 0.98, held_difference / rounds


def test_no_difference_seen_is_not_none_proved() -> None:
    same = np.zeros(6)
    gain = statistics.difference(same, same, list("abcdef"))
    assert gain.low == -gain.high and 0.3 < gain.high < 0.5
    assert statistics.questions_needed(gain, 6) is None


def test_ranks_are_shared_until_there_is_a_difference() -> None:
    behind = [[False, False, False], [True, False, False], [True, False, False]]
    assert statistics.ranks(behind) == [1, 2, 2]
    assert statistics.ranks([[False] * 3] * 3) == [1, 1, 1]


def test_how_many_questions_would_tell() -> None:
    """As many as find the difference four times in five."""
    random = np.random.default_rng(11)

    def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
        both = random.random(n) < 0.5
        return (random.random(n) < np.where(both, 0.8, 0.3)).astype(float), (
            random.random(n) < np.where(both, 0.7, 0.2)
        ).astype(float)

    a, b = sample(4000)
    wanted = statistics.questions_needed(statistics.difference(a, b, [str(i) for i in range(4000)], 2000), 4000)
    assert wanted
    found = sum(statistics.p_value(*sample(wanted), [str(i) for i in range(wanted)]) < 0.05 for _ in range(150))
    assert 0.65 < found / 150 < 0.92


def test_strengths_and_fronts() -> None:
    better, worse = np.array([1.0] * 8 + [0] * 2), np.array([1.0] * 3 + [0] * 7)
    high, low, again = statistics.bradley_terry([better, worse, better.copy()])
    assert high == pytest.approx(again) and high > 1000 > low
    every = statistics.bradley_terry([np.ones(5), np.zeros(5)])
    assert all(np.isfinite(every))
    assert statistics.front([(1, 0.2), (2, 0.5), (3, 0.4), (1, 0.1), (2, 0.5)]) == {0, 1, 4}
