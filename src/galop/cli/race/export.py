"""`galop race export`: a recorded race for other programs."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import Csv, Json, RaceName, check_one_format
from galop.terminal import unescaped

if TYPE_CHECKING:
    from galop.race.record import Record

app = command_app()


@app.command(epilog=examples("galop race export > lanes.csv", "galop race export --answers > answers.csv"))
def export(
    race: RaceName = "",
    answers: Annotated[bool, typer.Option("--answers", help="A line for each answer.")] = False,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Print a recorded race as CSV, a line for each lane."""
    from galop.race import record
    from galop.race.summary import summary

    check_one_format(as_json, as_csv)
    recorded = record.find_record(race)
    rows = answer_rows(recorded) if answers else lane_rows(summary(recorded))
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        print(csv_text(rows), end="", file=unescaped(sys.stdout))


def lane_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of each lane, from a race's summary."""
    figures = (
        "rank name answered errors rate first_token_seconds seconds tokens thinking_tokens calls memory joules usd "
        "usd_spent cut_off no_answer strength"
    ).split()
    shares = {"right": "estimate", "right_low": "low", "right_high": "high"}
    return [
        {
            **{name: lane.get(name) for name in figures},
            **{name: (lane["accuracy"] or {}).get(of) for name, of in shares.items()},
        }
        for lane in found["lanes"]
    ]


def answer_rows(race: Record) -> list[dict[str, Any]]:
    """Each answer with its question, lane by lane."""
    fields = (
        "right value slip tokens thinking_tokens seconds first_token_seconds memory joules usd answered_by node error"
    ).split()
    return [
        {"lane": lane.name, "id": q.id, "kind": q.kind, "part": q.part, "language": q.language, "wanted": q.answer,
         "unit": q.unit, "images": "; ".join(image.name for image in q.images),
         **{k: lane.answers[q.id].get(k) for k in fields}, "text": lane.answers[q.id].get("text", "")}
        for lane in race.contenders for q in race.questions if q.id in lane.answers
    ]  # fmt: skip


def csv_text(rows: list[dict[str, Any]]) -> str:
    """A table; the first row's keys are its columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys() if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
