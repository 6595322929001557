"""What the plans for technical questions give to who knows nothing: the first, and one that is drawn at random.

    python bench/chance.py            # some seconds; no model is asked

The first alone is what is told at every door; what it has beyond drawing, is what the order of the plans adds.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from statistics import mean

from galop.race.judge import judge
from galop.race.question import Question
from galop.race.question_set import load_questions
from galop.science.planning.candidates import Candidate, find_candidates
from galop.science.planning.conclusion import answer_at_once, conclude
from galop.science.reading.question import read_question


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args()
    first: dict[str, list[bool]] = defaultdict(list)
    drawn: dict[str, list[float]] = defaultdict(list)
    for question in load_questions("science", args.limit, seed=args.seed, language="both"):
        right = [is_right(question, choice) for choice in choices(question)]
        random = Random(question.id)
        for part in (question.part, question.language, "all"):
            first[part].append(right[0])
            drawn[part].append(mean(random.choice(right) for _ in range(args.draws)))
    for part, found in first.items():
        print(f"{part}: first {100 * mean(found):.0f} %, drawn {100 * mean(drawn[part]):.0f} % of {len(found)}")


def choices(question: Question) -> list[str]:
    """What each likely plan comes to."""
    text = "\n".join(line for line in question.text.splitlines() if "ANSWER" not in line)
    read = read_question(f"{text}\nAnswer in {question.unit}." if question.unit else text)
    at_once = answer_at_once(read) if read.asked else None
    candidates: Sequence[Candidate] = find_candidates(read) if read.asked and at_once is None else []
    answers = [at_once] if at_once else [conclude(read, [c]) for c in candidates]
    return [f"ANSWER: {a.text() if a.value is not None else 'unknown'}" for a in answers] or ["ANSWER: unknown"]


def is_right(question: Question, text: str) -> bool:
    return judge(question, text).right


if __name__ == "__main__":
    main()
