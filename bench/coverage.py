"""How often the intervals of a race hold the truth, in simulation.

    python bench/coverage.py

Kinds of question differ in how hard they are as a beta-binomial does; the second model is better on some kinds and
worse on others. Nominal coverage is 95 %.
"""

from __future__ import annotations

import argparse

import numpy as np

from galop.race import statistics

ROUNDS = 1500
SHIFT = (-0.1, 0.5)  # what a third of the kinds change by for the second model


def models(random: np.random.Generator, p: float, likeness: float, kinds: int) -> tuple[np.ndarray, np.ndarray]:
    """Chances of a right answer, kind by kind, of two models."""
    shape = (1 - likeness) / likeness
    first = random.beta(p * shape, (1 - p) * shape, kinds)
    change = (random.random(kinds) < 0.3) * random.uniform(*SHIFT, kinds)
    return first, np.clip(first + change, 0, 1)


def coverage(p: float, likeness: float, kinds: int, each: int) -> tuple[float, float]:
    """Of the share of one model, and of the difference of two."""
    first, second = models(np.random.default_rng(9), p, likeness, 2_000_000)
    truth = float((second - first).mean())
    random = np.random.default_rng(1)
    of = [str(k) for k in range(kinds) for _ in range(each)]
    held = held_difference = 0
    for _ in range(ROUNDS):
        chances = models(random, p, likeness, kinds)
        a, b = ((random.random((kinds, each)) < c[:, None]).astype(float).ravel() for c in chances)
        share = statistics.accuracy(a, of)
        gain = statistics.difference(b, a, of, rounds=1000)
        held += share.low <= p <= share.high
        held_difference += gain.low <= truth <= gain.high
    return held / ROUNDS, held_difference / ROUNDS


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| mean | likeness | kinds | of each | share | difference |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for kinds, each in ((37, 8), (12, 10)):
        for p in (0.05, 0.2, 0.5, 0.85):
            for likeness in (0.1, 0.4):
                share, gain = coverage(p, likeness, kinds, each)
                print(f"| {p} | {likeness} | {kinds} | {each} | {100 * share:.1f} % | {100 * gain:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
