"""What a recorded race comes to: every figure of its table, page and JSON. It depends on the folder alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from galop.backends.registry import registry
from galop.measure.energy import WallMeter, total
from galop.race import statistics
from galop.race.contender import Contender
from galop.race.machines import kinds_of, machine_rows
from galop.race.question import Question
from galop.race.record import ContenderRecord, Line, Record, list_records

SURE = 0.05
DATED = r"([-:](\d{4,8}|\d{4}-\d{2}-\d{2}|latest))?"  # what may follow a model's name and still be that model
MEASURES = {
    "seconds": "time per answer",
    "memory": "peak memory",
    "joules": "energy per answer",
    "usd": "cost per answer",
}
"""What a contender's accuracy is held against."""
FIGURES = (
    "accuracy rank strength tokens thinking_tokens calls seconds first_token_seconds rate memory cut_off no_answer "
    "slips joules joules_per_right usd usd_per_right usd_spent method covers others"
).split()
"""None where a contender has no answers, or none with that figure."""


def summary(record: Record) -> dict[str, Any]:
    """All figures, as `--json` prints them; there a contender is called a lane."""
    meter = record.folder / "meter.csv"
    if meter.exists():
        join_meter(record, meter)
    rows = [contender_summary(record, contender) for contender in record.contenders]
    pairs = pair_differences(record)
    behind = [[False] * len(rows) for _ in rows]
    for pair in pairs:
        ahead, after = pair["first"], pair["second"]
        if pair["difference"]["estimate"] < 0:
            ahead, after = after, ahead
        behind[after][ahead] = pair["apart"]
    for row, rank in zip(rows, statistics.ranks(behind), strict=True):
        row["rank"] = rank if row["accuracy"] else None
    shared = [q.id for q in record.questions if all(is_answer(c.answers.get(q.id)) for c in record.contenders)]
    if shared and len(rows) > 1:
        strengths = statistics.bradley_terry([right_values(c, shared) for c in record.contenders])
        for row, strength in zip(rows, strengths, strict=True):
            row["strength"] = round(strength)
    about = {
        name: record.about.get(name) for name in ("set", "seed", "together", "language", "begun", "machine", "version")
    }
    machines = machine_rows(record.contenders)
    kinds = kinds_of(machines) if record.about["together"] == 1 else []
    return {
        **about, "turns": turns(record), "machines": machines, "unlike": kinds if len(kinds) > 1 else [],
        "questions": len(record.questions), "kinds": len({q.kind for q in record.questions}),
        "lanes": rows, "pairs": pairs, "fronts": fronts(rows, len(kinds) > 1), "parts": parts_of(record.questions),
        "article": article(record),
    }  # fmt: skip


def turns(record: Record) -> bool:
    """Whether contenders were asked by turns, wherever they were: each having begun before any other ended."""
    times: dict[str, dict[str, list[float]]] = {}  # by node and contender
    for contender in record.contenders:
        for line in contender.answers.values():
            times.setdefault(line.get("node", ""), {}).setdefault(contender.name, []).append(line["begun"])
    several = [list(begun.values()) for begun in times.values() if len(begun) > 1]
    return bool(several) and all(max(map(min, begun)) < min(map(max, begun)) for begun in several)


def is_answer(line: Line | None) -> bool:
    """Whether there is a line and it is no error."""
    return line is not None and not line.get("error")


def right_values(contender: ContenderRecord, ids: Sequence[str]) -> statistics.Values:
    """1 for each right answer, 0 for each wrong one."""
    return np.array([float(contender.answers[i]["right"]) for i in ids])


def contender_summary(record: Record, contender: ContenderRecord) -> dict[str, Any]:
    """A contender's row: every one of FIGURES, None where it has none."""
    answered = [q for q in record.questions if is_answer(contender.answers.get(q.id))]
    lines = [contender.answers[q.id] for q in answered]
    errors = [line["error"] for line in contender.answers.values() if line.get("error")]
    kinds = [q.kind for q in answered]
    right = right_values(contender, [q.id for q in answered])
    row: dict[str, Any] = {
        "name": contender.name, "about": contender.about, "answered": len(lines), "errors": len(errors),
        "error": errors[-1] if errors else "", "parts": {}, **dict.fromkeys(FIGURES),
    }  # fmt: skip
    if not lines:
        return row
    row["accuracy"] = asdict(statistics.accuracy(right, kinds))
    for part in parts_of(record.questions):
        here = [i for i, q in enumerate(answered) if part in (q.part, q.language)]
        if here:
            row["parts"][part] = asdict(statistics.accuracy(right[here], [kinds[i] for i in here]))
    alone = int(record.about["together"]) == 1
    joules = [line.get("joules") for line in lines]
    dollars = [line.get("usd") for line in lines]
    rates = [r for r in map(rate, lines) if r is not None]
    row |= {
        "tokens": mean(lines, "tokens"), "thinking_tokens": mean(lines, "thinking_tokens"),
        "calls": sum(len(line["calls"]) for line in lines) / len(lines),
        "seconds": median(line["seconds"] for line in lines) if alone else None,
        "first_token_seconds": median(line["first_token_seconds"] for line in lines) if alone else None,
        "rate": median(rates) if alone and rates else None,
        "memory": max((line.get("memory") or 0 for line in lines), default=0) or None,
        "cut_off": sum(line["cut_off"] for line in lines),
        "no_answer": sum(line["slip"].startswith("no answer") for line in lines),
        "slips": Counter(line["slip"] for line in lines if not line["right"]).most_common(8),
        "joules": per_answer(joules), "joules_per_right": per_right(joules, right, kinds),
        "usd": per_answer(dollars), "usd_per_right": per_right(dollars, right, kinds), "usd_spent": total(dollars),
        "method": next((line["meter"] for line in lines if line.get("meter")), ""),
        "covers": next((line["covers"] for line in lines if line.get("covers")), ""),
        "others": other_models(contender),
    }  # fmt: skip
    return row


def rate(line: Line) -> float | None:
    """Tokens per second after the first of each reply, whose time is not counted; without thoughts that nobody sees."""
    hidden = 0 if line["thinking"] else line["thinking_tokens"]
    tokens = line["tokens"] - hidden - line["replies"]
    return tokens / line["answer_seconds"] if tokens > 0 and line["answer_seconds"] > 0 else None


def mean(lines: Sequence[Line], name: str) -> float:
    """Of one field of answers."""
    return float(sum(line[name] for line in lines)) / len(lines)


def per_answer(amounts: Sequence[float | None]) -> float | None:
    """The mean; None unless all were measured."""
    whole = total(amounts)
    return None if whole is None else whole / len(amounts)


def per_right(
    amounts: Sequence[float | None], right: statistics.Values, kinds: Sequence[str]
) -> dict[str, float] | None:
    """Of what was spent on all answers, for each right one; None where it was not measured, or none is right."""
    if total(amounts) is None or not right.any() or len(set(kinds)) < 2:
        return None
    return asdict(statistics.bootstrap(np.array(amounts, float), right, kinds))


def other_models(contender: ContenderRecord) -> list[str]:
    """Names under which an interface answered that are not the one asked for."""
    wanted = str(contender.about.get("model", "")).lower().rpartition("/")[2]
    names = {str(line.get("answered_by") or "") for line in contender.answers.values()}
    same = re.compile(re.escape(wanted) + DATED)
    return sorted(n for n in names if n and wanted and not same.fullmatch(n.lower().rpartition("/")[2]))


def pair_differences(record: Record) -> list[dict[str, Any]]:
    """Every two contenders on the questions that both answered, p-values corrected for their number."""
    kinds = {q.id: q.kind for q in record.questions}
    pairs: list[dict[str, Any]] = []
    for (i, first), (j, second) in combinations(enumerate(record.contenders), 2):
        shared = [
            q.id for q in record.questions if is_answer(first.answers.get(q.id)) and is_answer(second.answers.get(q.id))
        ]
        if not shared:
            continue
        a, b, of = right_values(first, shared), right_values(second, shared), [kinds[i] for i in shared]
        gain = statistics.difference(a, b, of)
        pairs.append({
            "first": i, "second": j, "questions": len(shared), "difference": asdict(gain),
            "p": statistics.p_value(a, b, of),
            "needed": statistics.questions_needed(gain, len(shared)) if len(set(of)) > 1 else None,
        })  # fmt: skip
    for pair, corrected in zip(pairs, statistics.holm([p["p"] for p in pairs]), strict=True):
        pair |= {"corrected": corrected, "apart": corrected < SURE}
    return pairs


def fronts(rows: Sequence[dict[str, Any]], unlike: bool) -> dict[str, list[int]]:
    """For each measure, the contenders that none beats at both it and accuracy; of times and energy none where these
    are of unlike machines."""
    found = {}
    for measure in MEASURES:
        if unlike and measure in ("seconds", "joules"):
            continue
        having = [i for i, row in enumerate(rows) if row["accuracy"] and row.get(measure) is not None]
        points = [(rows[i][measure], rows[i]["accuracy"]["estimate"]) for i in having]
        if having:
            found[measure] = sorted(having[i] for i in statistics.front(points))
    return found


def parts_of(questions: Sequence[Question]) -> list[str]:
    """Strata, and languages where there is more than one."""
    languages = sorted({q.language for q in questions})
    return [*dict.fromkeys(q.part for q in questions if q.part), *(languages if len(languages) > 1 else [])]


def join_meter(record: Record, path: Path) -> None:
    """Energy by a wall meter's times, in place of what was read meanwhile.

    Only of contenders that ran here, and only where one question was asked at a time: else it is not theirs alone.
    """
    meter = WallMeter(path)
    for contender in record.contenders:
        if contender.about.get("kind") != "open" or int(record.about["together"]) > 1:
            continue
        for line in contender.answers.values():
            if is_answer(line) and not line.get("node"):
                joules = meter.joules_between(line["begun"], line["begun"] + line["seconds"])
                line |= {"joules": joules, "meter": meter.method, "covers": meter.covers}


def article(record: Record) -> list[dict[str, Any]]:
    """The models that the article names: what can be raced of them, and what was here."""
    parsed = {c.name: Contender.parse(c.name) for c in record.contenders}
    raced = {name.partition("@")[0] if c.is_remote else c.model for name, c in parsed.items()}
    return [
        {"named": a.named, "race": list(a.race), "note": a.note, "here": [m for m in a.race if m in raced]}
        for a in registry().article
    ]  # fmt: skip


def standings(set_name: str) -> list[dict[str, Any]]:
    """The contenders of the last finished races on a set, each once, with the race they were in; first those that are
    surest to be good, since few questions say little."""
    found: dict[str, dict[str, Any]] = {}
    for race in list_records():
        if race.about.get("set") == set_name and race.is_finished:
            for row in summary(race)["lanes"]:
                if row["accuracy"]:
                    contender = Contender.parse(row["name"])
                    found[row["name"]] = {
                        "lane": row["name"], "model": "" if contender.is_remote else contender.model,
                        "race": race.folder.name, "questions": row["answered"], "accuracy": row["accuracy"],
                    }  # fmt: skip
    return sorted(found.values(), key=lambda row: -float(row["accuracy"]["low"]))
