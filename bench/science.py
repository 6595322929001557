"""How often small models get technical questions right, and what each way of asking does for it.

    python bench/science.py qwen2.5-coder:0.5b qwen2.5-coder:1.5b --json docs/science.json    # hours; resumable
    python bench/science.py qwen2.5-coder:0.5b --count 40 --ways plain,tools                  # a look

The same questions of the bank to every way (half in English, half in French), many at once on one engine, the likeliest
token taken. Differences are paired, with a bootstrap over kinds of question. The tools are nearly the answer key of the
stratum `tool`; `composed` and `none` are the ones to look at. What was answered is kept beside --json, question by
question, and not asked again.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from galop import store
from galop.machine import processor
from galop.model import Model
from galop.science.bank import Question, questions
from galop.science.score import verdict
from galop.ways import Way, answer

TOGETHER = 16
STRATA = ("tool", "composed", "none", "unanswerable")


def asked(count: int, seed: int) -> list[tuple[str, Question]]:
    half = questions(count, seed)
    french = questions(count, seed, "fr")
    return [("fr", f) if i % 2 else ("en", q) for i, (q, f) in enumerate(zip(half, french, strict=True))]


def ask_all(model: Model, name: str, way: str, work: list[tuple[str, Question]], kept: Path) -> list[dict[str, Any]]:
    """One line of JSON each, appended as it comes."""
    done = {}
    for line in kept.read_text("utf-8").splitlines() if kept.exists() else []:
        found = json.loads(line)
        done[found["model"], found["way"], found["id"]] = found
    left = [(language, q) for language, q in work if (name, way, q.id) not in done]
    lock = threading.Lock()
    start = time.monotonic()

    def one(item: tuple[str, Question]) -> None:
        language, question = item
        begun = time.monotonic()
        outcome = answer(model, question.text, question.unit, Way.named(way), seed=1)
        judged = verdict(question, outcome.text)
        line = {
            "model": name, "way": way, "id": question.id, "kind": question.kind, "stratum": question.stratum,
            "language": language, "right": judged.right, "slip": judged.slip, "value": judged.value,
            "wanted": question.answer, "tokens": outcome.tokens, "calls": outcome.calls,
            "seconds": round(time.monotonic() - begun, 2), "text": outcome.text[-2000:],
        }  # fmt: skip
        with lock:
            done[name, way, question.id] = line
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count = sum((name, way, q.id) in done for _, q in work)
            print(f"\r{name}@{way} {count}/{len(work)}  {time.monotonic() - start:.0f} s", end="", file=sys.stderr)

    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(one, left))
    print(file=sys.stderr)
    return [done[name, way, q.id] for _, q in work]


def bootstrap(by_kind: dict[str, list[float]], rounds: int = 4000) -> tuple[float, float, float]:
    """The mean and its 95 % interval, kinds of question drawn with replacement, and questions within them."""
    random = Random(1)
    kinds = list(by_kind)
    means = []
    for _ in range(rounds):
        drawn = [random.choice(by_kind[k]) for k in random.choices(kinds, k=len(kinds)) for _ in by_kind[k]]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    every = [v for values in by_kind.values() for v in values]
    return sum(every) / len(every), means[int(0.025 * rounds)], means[int(0.975 * rounds)]


def kinds_of(lines: list[dict[str, Any]], values: list[float]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for line, value in zip(lines, values, strict=True):
        found[line["kind"]].append(value)
    return found


def table(results: dict[str, dict[str, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    rows = []
    for model, ways in results.items():
        for way, lines in ways.items():
            row: dict[str, Any] = {"model": model, "way": way}
            for part in ("all", *STRATA, "en", "fr"):
                here = [i for i, x in enumerate(lines) if part in ("all", x["stratum"], x["language"])]
                right = [float(lines[i]["right"]) for i in here]
                row[part] = bootstrap(kinds_of([lines[i] for i in here], right))
                if way != "plain" and "plain" in ways:
                    gain = [float(lines[i]["right"]) - float(ways["plain"][i]["right"]) for i in here]
                    row[f"{part} against plain"] = bootstrap(kinds_of([lines[i] for i in here], gain))
            row["tokens"] = sum(x["tokens"] for x in lines) / len(lines)
            row["slips"] = Counter(x["slip"] for x in lines if not x["right"]).most_common(8)
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--ways", default="plain,vote@5,code,tools")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("science.json"))
    args = parser.parse_args()
    work = asked(args.count, args.seed)
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name in args.models:
        with store.load(name, context=4096) as model:
            model.serve()
            results[name] = {
                way: ask_all(model, name, way, work, args.json.with_suffix(".jsonl")) for way in args.ways.split(",")
            }
    rows = table(results)
    report = {"machine": processor(), "count": args.count, "seed": args.seed, "rows": rows}
    args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print("| model | way | all | tool | composed | none | unanswerable | English | French | against plain | tokens |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        cells = [
            f"{100 * row[p][0]:.0f} % ({100 * row[p][1]:.0f}-{100 * row[p][2]:.0f})"
            for p in ("all", *STRATA, "en", "fr")
        ]
        gain = row.get("all against plain")
        against = f"{100 * gain[0]:+.0f} ({100 * gain[1]:+.0f} to {100 * gain[2]:+.0f})" if gain else ""
        print(f"| {row['model']} | {row['way']} | {' | '.join(cells)} | {against} | {row['tokens']:.0f} |")


if __name__ == "__main__":
    main()
