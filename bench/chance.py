"""What the constrained toolbox gives to who knows nothing: the science set with every choice drawn at random.

    python bench/chance.py            # a minute; no model is asked

The share that a model has beyond this is what it adds to the program's planning.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from random import Random
from statistics import mean
from typing import Any

from galop.errors import GalopError
from galop.race.judge import judge
from galop.race.question import Question
from galop.race.question_set import load_questions
from galop.science.constrained_toolbox import ConstrainedToolbox

ROUNDS = 6


def drawn(parameters: dict[str, Any], question: str, random: Random) -> dict[str, Any]:
    """Arguments as a schema lets them be; of couples, those of the ions that are named."""
    chosen = {}
    for name, schema in parameters["properties"].items():
        if name not in parameters["required"] and random.random() < 0.5:
            continue
        pattern = schema.get("pattern", "")
        if pattern.startswith("^("):
            options = [re.sub(r"\\(.)", r"\1", text) for text in pattern[2:-2].split("|")]
        else:
            options = [f"{metal}2+/{metal}" for metal in re.findall(r"([A-Z][a-z]?)2\+", question)]
        chosen[name] = random.choice(schema.get("enum", options))
    return chosen


def answer(question: Question, random: Random) -> str:
    sheet = ConstrainedToolbox(question.text, question.unit or "")
    said: list[str] = []
    for _ in range(ROUNDS):
        if sheet.is_finished:
            break
        tool = random.choice(sheet.tools(question.text))["function"]
        try:
            text = sheet.call(tool["name"], drawn(tool["parameters"], question.text, random))
        except GalopError:
            continue
        said += [line.rpartition(": ")[2] for line in text.splitlines() if not line.startswith("(source")]
    fitting = [s for s in said if judge(question, f"ANSWER: {s}").slip != "wrong unit"]
    return f"ANSWER: {random.choice(fitting)}" if sheet.answered and fitting else "ANSWER: unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args()
    right: dict[str, list[bool]] = defaultdict(list)
    for question in load_questions("science", args.limit, seed=args.seed, language="both"):
        for draw in range(args.draws):
            good = judge(question, answer(question, Random(f"{draw} {question.id}"))).right
            right[question.part].append(good)
            right["all"].append(good)
            right[question.language].append(good)
    for part, found in right.items():
        print(f"{part}: {100 * mean(found):.0f} % of {len(found)} draws")


if __name__ == "__main__":
    main()
