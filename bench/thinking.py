"""What thinking does for a model of the miniature family, through `Model.chat`: on, off, and under a budget.

python bench/thinking.py qwen3-mini            # 200 held-out problems of each kind, greedy
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from random import Random

from galop import Sampling
from galop.backends.events import Text
from galop.backends.load import load
from galop.backends.local import Model
from galop.chat.thinking import Thinking
from galop.race.statistics import wilson
from galop.recipes.mini.tasks import LEVELS, Problem, correct, draw

KINDS: dict[str, tuple[str | None, str | None]] = {
    "4x4 products": ("multiply", "4x4"), "6-digit sums": ("add", "6"), **{task: (task, None) for task in LEVELS},
    "all": (None, None),
}  # fmt: skip
ASKED = {
    "on": Thinking(on=True), "off": Thinking(on=False),
    **{f"at most {n}": Thinking(on=True, budget=n) for n in (16, 32, 64, 128, 256, 512)},
}  # fmt: skip
TOGETHER = 32


def right(model: Model, problem: Problem, thinking: Thinking) -> bool:
    events = model.chat([{"role": "user", "content": problem.question}], thinking, sampling=Sampling(), max_tokens=700)
    return correct(problem, "".join(e.text for e in events if isinstance(e, Text) and not e.thinking))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="qwen3-mini")
    parser.add_argument("--count", type=int, default=200)
    args = parser.parse_args()
    print(f"| right of {args.count}, % (95 %) | {' | '.join(ASKED)} |")
    print(f"| --- {'| ---: ' * len(ASKED)}|")
    with load(args.model, pool=256 << 20) as model, ThreadPoolExecutor(TOGETHER) as pool:
        model.serve()
        for name, (task, level) in KINDS.items():
            problems = [draw(Random(f"{name} {i}"), held=True, task=task, level=level) for i in range(args.count)]
            cells = []
            for thinking in ASKED.values():
                found = list(pool.map(lambda p, t=thinking: right(model, p, t), problems))
                share = wilson(sum(found) / len(found), len(found))
                cells.append(f"{100 * share.estimate:.0f} ({100 * share.low:.0f}-{100 * share.high:.0f})")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
