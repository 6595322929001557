"""The report of a race: one HTML file that needs nothing else, drawn from the record alone."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import floor, log10
from typing import Any

import jinja2

from galop.race.question import PICTURES, QuestionPicture
from galop.race.record import Record
from galop.race.report_plots import COLOURS, accuracy_against, accuracy_bars, history_plot
from galop.race.summary import MEASURES, is_answer

LONGEST = 6000  # characters of a reply that the page shows
MOST_SHOWN = 24 << 20  # bytes of pictures in the page; what is beyond is named and linked


def render_report(record: Record, found: dict[str, Any]) -> str:
    """The page of a record and its summary."""
    lanes = [{**lane, "colour": COLOURS[i % len(COLOURS)]} for i, lane in enumerate(found["lanes"])]
    order = sorted(range(len(lanes)), key=lambda i: (lanes[i]["rank"] or 99, -share(lanes[i]), i))
    return environment().get_template("report.html.jinja").render(
        found=found, record=record, lanes=lanes, order=order, questions=question_rows(record),
        columns=columns(lanes, bool(found["unlike"])),
        plots=[(MEASURES[name], accuracy_against(lanes, name, front)) for name, front in found["fronts"].items()],
        bars=accuracy_bars(lanes, order), kinds=shares_by_kind(record), names=[lane["name"] for lane in lanes],
    )  # fmt: skip


@cache
def environment() -> jinja2.Environment:
    """Templates and style sheet of this folder, escaping what they are given."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (files("galop.race") / name).read_text("utf-8")),
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"percent": percent, "points": points, "duration": duration}
    return made


def share(lane: dict[str, Any]) -> float:
    """Of right answers; -1 where there are none to tell by."""
    return float(lane["accuracy"]["estimate"]) if lane["accuracy"] else -1.0


def columns(lanes: Sequence[dict[str, Any]], unlike: bool) -> list[tuple[str, list[str]]]:
    """Measures, a cell for each contender; without those that none has. Energy says itself that it is not there. What
    was measured on unlike machines is marked."""
    closed = [lane["about"].get("kind") == "closed" for lane in lanes]
    found = [
        ("tok/s", [figure(lane["rate"]) for lane in lanes]),
        ("first token", [duration(lane["first_token_seconds"]) for lane in lanes]),
        ("per answer", [duration(lane["seconds"]) for lane in lanes]),
        ("tokens", [figure(lane["tokens"]) for lane in lanes]),
        ("of thinking", [figure(lane["thinking_tokens"] or None) for lane in lanes]),
        ("memory", [figure(lane["memory"] and lane["memory"] / 2**20, "MiB") for lane in lanes]),
        ("energy", [figure(lane["joules"], "J") if lane["joules"] is not None else "not measured" for lane in lanes]),
        ("energy per right answer", [figure(estimate(lane["joules_per_right"]), "J") for lane in lanes]),
        ("cost", [figure(lane["usd"] if c else None, "$") for lane, c in zip(lanes, closed, strict=True)]),
        ("cost per right answer", [
            figure(estimate(lane["usd_per_right"]) if c else None, "$") for lane, c in zip(lanes, closed, strict=True)
        ]),
    ]  # fmt: skip
    marked = {"tok/s", "first token", "per answer", "energy", "energy per right answer"} if unlike else set()
    return [(title + " †" * (title in marked), cells) for title, cells in found if set(cells) != {"–"}]


def estimate(interval: dict[str, float] | None) -> float | None:
    """The middle of an interval, if there is one."""
    return interval["estimate"] if interval else None


def percent(interval: dict[str, float] | None) -> str:
    """The middle of an interval, in percent."""
    return "–" if interval is None else f"{100 * interval['estimate']:.0f} %"


def points(value: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{100 * value:+.1f}".replace("-", "−")


def figure(value: float | None, unit: str = "") -> str:
    """Three digits that say something."""
    if value is None:
        return "–"
    digits = 0 if not value else max(0, 2 - floor(log10(abs(value))))
    return f"{value:,.{min(digits, 8)}f}{' ' if unit else ''}{unit}"


def duration(seconds: float | None) -> str:
    """Hundredths of a second where they are few."""
    return "–" if seconds is None else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def question_rows(record: Record) -> list[dict[str, Any]]:
    """Each with its pictures, small, and the answers of all contenders, cut where they are long."""
    found = []
    room = MOST_SHOWN
    for q in record.questions:
        lines = [contender.answers.get(q.id) for contender in record.contenders]
        rights = [bool(line["right"]) for line in lines if line is not None and is_answer(line)]
        state = "none" if not any(rights) else "all" if all(rights) else "some"
        pictures = []
        for image in q.images:
            shown = embed_picture(image, room)
            room -= len(shown)
            pictures.append({"name": image.name, "file": f"{PICTURES}/{image.file}", "data": shown})
        rows = [shorten_line(line) for line in lines]
        found.append({"question": q, "pictures": pictures, "lines": rows, "state": state})
    return found


def embed_picture(image: QuestionPicture, room: int) -> str:
    """What the page shows of a picture, as a data: URL; "" for one that is gone, or beyond `room` characters."""
    try:
        data = image.small.read_bytes()
    except OSError:
        return ""
    url = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return url if len(url) <= room else ""


def shorten_line(line: dict[str, Any] | None) -> dict[str, Any] | None:
    """An answer with its long texts cut."""
    if line is None or line.get("error"):
        return line
    return {**line, "text": shorten(line["text"]), "thinking": shorten(line["thinking"]),
            "calls": [shorten(call) for call in line["calls"]]}  # fmt: skip


def shorten(text: str) -> str:
    """At most LONGEST characters, and how many more there are."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST} characters more in the record)"


def shares_by_kind(record: Record) -> list[tuple[str, str, list[float | None]]]:
    """For each kind of question the share of right answers, contender by contender; nothing where all are kinds."""
    kinds = list(dict.fromkeys((q.part, q.kind) for q in record.questions))
    if len(kinds) == len(record.questions) and len(kinds) > 60:
        return []
    rows = []
    for part, kind in sorted(kinds):
        shares: list[float | None] = []
        for answers in (contender.answers for contender in record.contenders):
            lines = [answers[q.id] for q in record.questions if q.kind == kind and is_answer(answers.get(q.id))]
            shares.append(sum(line["right"] for line in lines) / len(lines) if lines else None)
        rows.append((part, kind, shares))
    return rows


def history_rows(races: Sequence[tuple[Record, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Of each recorded race the best contender with open weights and the best behind an interface."""
    rows = []
    for record, found in races:
        lanes = [lane for lane in found["lanes"] if lane["accuracy"]]
        best = {
            kind: max((lane for lane in lanes if lane["about"].get("kind") == kind), key=share, default=None)
            for kind in ("open", "closed")
        }
        rows.append({
            "race": record.folder.name, "set": found["set"], "begun": found["begun"] or "",
            "questions": found["questions"],
            **{kind: lane and {"name": lane["name"], "accuracy": lane["accuracy"]} for kind, lane in best.items()},
        })  # fmt: skip
    return rows


def render_history(rows: Sequence[dict[str, Any]]) -> str:
    """The page of `history_rows`."""
    return environment().get_template("history.html.jinja").render(rows=rows, plot=history_plot(rows), colours=COLOURS)
