"""When a model's own layer for the token after the next one pays: what drafting and checking cost, and how often drafts
have to hold so that they are no loss.

    python bench/drafts.py true:qwen3.5-4b-mtp:q4_0

Times are the shortest of many, so that company on the machine counts little.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import true_shapes

from galop.backends.load import open_pack
from galop.engine.engine import Engine
from galop.machine import default_threads

LENGTH, MOST, TRIES = 256, 3, 60


def shortest(step: Callable[[], object], undo: Callable[[], object]) -> float:
    """Seconds of a step that is taken back after each try."""
    best = float("inf")
    for _ in range(TRIES):
        start = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - start)
        undo()
    return best


def break_even(base: float, check: float, draft: float, count: int) -> float:
    """The rate at which each of `count` drafted tokens has to hold: then as many tokens come in a second as without."""
    low, high = 0.0, 1.0
    for _ in range(40):
        rate = (low + high) / 2
        tokens = sum(rate**n for n in range(count + 1))
        low, high = (rate, high) if tokens * base < check + count * draft else (low, rate)
    return high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a path, or true:SHAPE:KIND[:LAYERS] (see bench/true_shapes.py)")
    parser.add_argument("--threads", type=int, default=default_threads())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pack, plan = open_pack(true_shapes.path_of(args.model, Path(folder)), None, args.threads)
    engine = Engine(plan, pack, args.threads, 2 * LENGTH, sequences=4)
    if not engine.draft_layer:
        raise SystemExit("this model has no layer for the token after the next one")
    kv = engine.new_cache()
    engine.forward([(kv, [7] * LENGTH)], [])
    layer = engine.draft_layer

    def back() -> None:
        assert kv.truncate(LENGTH) == LENGTH

    kv.take_back = MOST + 1
    steps = [
        shortest(lambda n=n: engine.forward([(kv, [8] * (n + 1))], range(n + 1)), back)  # type: ignore[misc]
        for n in range(MOST + 1)
    ]
    draft = shortest(lambda: layer.draft(kv, 9, 1), lambda: None)
    print(f"a step of one token {1000 * steps[0]:.1f} ms, a drafted token {1000 * draft:.1f} ms\n")
    print("| tokens drafted | the step that checks them | each has to hold in |\n| ---: | ---: | ---: |")
    for count in range(1, MOST + 1):
        rate = break_even(steps[0], steps[count], draft, count)
        print(f"| {count} | {1000 * steps[count]:.1f} ms | {100 * rate:.0f} % |")


if __name__ == "__main__":
    main()
