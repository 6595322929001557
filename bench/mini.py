"""What the mini family shows of the Qwen3 report's claims: tables with Wilson intervals, and pictures.

    galop train mini --size 1.2m && galop train mini --size 1.2m --stage reinforce   # for "distillation"
    galop train mini --size moe && galop train mini --size moe --stage cold-start    # for "budgets"
    python bench/mini.py --json results/mini.json --charts docs/img      # about an hour; --only PART for one

Every score is of 1,000 different held-out problems, or all where there are fewer ("of"); the likeliest token is taken.
Sizes that were not trained here are scored as they come with galop, in 8 bits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chart
import torch

from galop.chat.thinking import BUDGET_SPENT
from galop.machine import data_directory, default_threads, processor
from galop.recipes.mini import evaluate
from galop.recipes.mini.model import SIZES, Mini, load_model
from galop.recipes.mini.recipe import TESTED_HARD, restore_shipped
from galop.recipes.mini.sample import CLOSE
from galop.recipes.mini.schedule import stages_of
from galop.recipes.mini.tasks import LEVELS, Problem

COUNT = 1000
BUDGETS = [0, 16, 32, 64, 128, 256, 512]
DENSE = ["0.4m", "1.2m", "3.5m", "11m"]
TRIES = 16
CLOSE_IN_WORDS = f"{BUDGET_SPENT}{CLOSE}"  # as the Qwen3 report does


class Family:
    def __init__(self, root: Path, seed: int, count: int) -> None:
        self.root, self.seed, self.count = root, seed, count

    def folder(self, size: str, stage: str) -> Path:
        return self.root / f"{size}-{self.seed}" / stage / "model"

    def has(self, size: str, stage: str) -> bool:
        found = self.folder(size, stage).exists()
        if not found:
            print(f"{size} {stage} is not there; left out", file=sys.stderr)
        return found

    def load(self, size: str, stage: str) -> Mini:
        return load_model(self.folder(size, stage))

    def spent(self, size: str, *stages: str) -> dict[str, float]:
        """FLOPs and hours of training, summed over stages."""
        made = [json.loads((self.folder(size, stage) / "training.json").read_text()) for stage in stages]
        return {"flops": sum(m["flops"] for m in made), "hours": sum(m["seconds"] for m in made) / 3600}

    def problems(self, task: str, level: str | None = None) -> list[Problem]:
        return evaluate.problems(self.count, task, level)


def told(score: evaluate.Score) -> dict[str, float]:
    low, high = score.interval
    return {"share": score.share, "low": low, "high": high, "of": score.of, "tokens": score.tokens}


def sizes(family: Family) -> dict[str, Any]:
    """Accuracy by size, for each task and for products by how many digits they have."""
    result: dict[str, Any] = {}
    for size in [*DENSE, "moe"]:
        stages = stages_of(size, quick=False)
        trained = [family.folder(size, stage).exists() for stage in stages]
        model = family.load(size, stages[-1]) if trained[-1] else load_model(restore_shipped(family.root, size))
        levels = [("multiply", level) for level in ("2x1", "2x2", "3x2", "3x3", "4x3", "4x4")]
        works = [*((task, None) for task in LEVELS if task != "multiply"), *levels]
        scores = {
            f"{task} {level or ''}".strip(): told(evaluate.score(model, family.problems(task, level)))
            for task, level in works
        }
        result[size] = {
            "parameters": SIZES[size].parameters(), "active": SIZES[size].parameters(active=True), "scores": scores,
        } | ({"spent": family.spent(size, *stages)} if all(trained) else {})  # fmt: skip
    return result


def budgets(family: Family) -> dict[str, Any]:
    """Accuracy of the mixture against the most tokens of thinking, problems of all kinds mixed; with a control from the
    same pre-training that always thinks, and with the report's sentence before the thinking is closed."""
    asked = evaluate.problems(family.count)
    result: dict[str, Any] = {}
    for name, stage, close in (
        ("fused", "imitate", CLOSE), ("not fused", "cold-start", CLOSE), ("fused, in words", "imitate", CLOSE_IN_WORDS),
    ):  # fmt: skip
        if family.has("moe", stage):
            model = family.load("moe", stage)
            result[name] = {b: told(evaluate.score(model, asked, budget=b, close=close)) for b in BUDGETS}
    return result


def distillation(family: Family) -> dict[str, Any]:
    """The 1.2 M after imitating its teacher, and what reinforcement and distillation on policy then make of it, on the
    hardest levels: right at the first try, and within TRIES of them."""
    asked = evaluate.hard_problems(family.count)
    some = asked[:: max(1, len(asked) // 300)]
    result: dict[str, Any] = {}
    for stage in ("imitate", "reinforce", "distil"):
        if family.has("1.2m", stage):
            model = family.load("1.2m", stage)
            result[stage] = {
                "greedy": told(evaluate.score(model, asked)),
                "pass": evaluate.passes(model, some, TRIES),
                "pass_of": len(some),
                "spent": family.spent("1.2m", stage),
                "history": [(0.0, evaluate.score(model, evaluate.hard_problems(TESTED_HARD)).share)]
                if stage == "imitate"
                else history(family.folder("1.2m", stage).parent / "history.jsonl"),
            }
    return result


def history(path: Path) -> list[tuple[float, float]]:
    """FLOPs and accuracy on the way, of TESTED_HARD problems."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["flops"], line["accuracy"]) for line in lines if line["accuracy"] is not None]


PARTS: dict[str, Callable[[Family], dict[str, Any]]] = {
    "sizes": sizes, "budgets": budgets, "distillation": distillation,
}  # fmt: skip


def charts(report: dict[str, Any], folder: Path) -> None:
    if found := report.get("sizes"):
        levels = [level for level in next(iter(found.values()))["scores"] if level.startswith("multiply")]
        lines = {
            size: [(i, r["scores"][level]["share"]) for i, level in enumerate(levels)] for size, r in found.items()
        }
        ticks = [(i, level.removeprefix("multiply ")) for i, level in enumerate(levels)]
        (folder / "mini-sizes.svg").write_text(chart.lines("Products answered rightly, by digits", lines, ticks))
    if found := report.get("budgets"):
        lines = {name: [(i, row[str(b)]["share"]) for i, b in enumerate(BUDGETS)] for name, row in found.items()}
        ticks = [(i, str(b)) for i, b in enumerate(BUDGETS)]
        (folder / "mini-budget.svg").write_text(chart.lines("Answered rightly, by tokens of thinking", lines, ticks))
    if found := report.get("distillation"):
        lines = {
            name: found["imitate"]["history"] + found[name]["history"]
            for name in ("reinforce", "distil")
            if name in found
        }
        most = max(flops for line in lines.values() for flops, _ in line)
        ticks = [(i * 1e13, f"{i}e13") for i in range(int(most / 1e13) + 2)]
        (folder / "mini-distil.svg").write_text(chart.lines("Hard problems answered rightly, by FLOPs", lines, ticks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--root", type=Path, default=data_directory() / "mini")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=COUNT, help="problems of a score")
    parser.add_argument("--json", type=Path, help="results are added to this file")
    parser.add_argument("--charts", type=Path, help="a folder for pictures")
    options = parser.parse_args()
    torch.set_num_threads(default_threads())
    report: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    report |= {"processor": processor(), "threads": default_threads(), "torch": torch.__version__}
    family = Family(options.root, options.seed, options.count)
    for part in options.only:
        start = time.monotonic()
        made, known = json.loads(json.dumps(PARTS[part](family))), report.get(part, {})
        report[part] = known | {name: known.get(name, {}) | row for name, row in made.items()}
        print(f"{part}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.charts:
        charts(report, options.charts)
    print(json.dumps({part: report[part] for part in options.only}, indent=1))


if __name__ == "__main__":
    main()
