"""The page of a race: one HTML file that needs nothing else, drawn from the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import floor, log10
from typing import Any

import jinja2
from markupsafe import Markup

from galop.race.record import Record
from galop.race.summary import MEASURES, good

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c564b")
"""Okabe and Ito's, that colour-blind people tell apart, in an order that suits light and dark."""
LONGEST = 6000  # characters of a reply that the page shows
WIDTH, HEIGHT = 560, 300
X0, X1, Y0, Y1 = 44.0, WIDTH - 14.0, HEIGHT - 34.0, 12.0  # of a plot, inside its labels


def html(record: Record, found: dict[str, Any]) -> str:
    lanes = [{**lane, "colour": COLOURS[i % len(COLOURS)]} for i, lane in enumerate(found["lanes"])]
    order = sorted(range(len(lanes)), key=lambda i: (lanes[i]["rank"] or 99, -share(lanes[i]), i))
    return environment().get_template("report.html.jinja").render(
        found=found, record=record, lanes=lanes, order=order, questions=questions(record),
        columns=columns(lanes),
        plots=[(MEASURES[name], scatter(lanes, name, front)) for name, front in found["fronts"].items()],
        bars=bars(lanes, order), kinds=by_kind(record), names=[lane["name"] for lane in lanes],
    )  # fmt: skip


@cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (files("galop.race") / name).read_text("utf-8")),
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"percent": percent, "points": points, "duration": duration}
    return made


def share(lane: dict[str, Any]) -> float:
    return float(lane["accuracy"]["estimate"]) if lane["accuracy"] else -1.0


def columns(lanes: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Measures, a cell for each lane; without those that no lane has. Energy says itself that it is not there."""
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
    return [(title, cells) for title, cells in found if set(cells) != {"–"}]


def estimate(interval: dict[str, float] | None) -> float | None:
    return interval["estimate"] if interval else None


def percent(interval: dict[str, float] | None) -> str:
    return "–" if interval is None else f"{100 * interval['estimate']:.0f} %"


def points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def figure(value: float | None, unit: str = "") -> str:
    """Three digits that say something."""
    if value is None:
        return "–"
    digits = 0 if not value else max(0, 2 - floor(log10(abs(value))))
    return f"{value:,.{min(digits, 8)}f}{' ' if unit else ''}{unit}"


def duration(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def questions(record: Record) -> list[dict[str, Any]]:
    """Each with the answers of all lanes, cut where they are long."""
    found = []
    for q in record.questions:
        lines = [lane.answers.get(q.id) for lane in record.lanes]
        rights = [bool(line["right"]) for line in lines if line is not None and good(line)]
        state = "none" if not any(rights) else "all" if all(rights) else "some"
        found.append({"question": q, "lines": [cut(line) for line in lines], "state": state})
    return found


def cut(line: dict[str, Any] | None) -> dict[str, Any] | None:
    if line is None or line.get("error"):
        return line
    return {**line, "text": shortened(line["text"]), "thinking": shortened(line["thinking"]),
            "calls": [shortened(call) for call in line["calls"]]}  # fmt: skip


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST} characters more in the record)"


def by_kind(record: Record) -> list[tuple[str, str, list[float | None]]]:
    """The share of right answers of each kind of question, lane by lane; nothing where every question is of its own."""
    kinds = list(dict.fromkeys((q.part, q.kind) for q in record.questions))
    if len(kinds) == len(record.questions) and len(kinds) > 60:
        return []
    rows = []
    for part, kind in sorted(kinds):
        shares: list[float | None] = []
        for lane in record.lanes:
            lines = [lane.answers[q.id] for q in record.questions if q.kind == kind and good(lane.answers.get(q.id))]
            shares.append(sum(line["right"] for line in lines) / len(lines) if lines else None)
        rows.append((part, kind, shares))
    return rows


def bars(lanes: Sequence[dict[str, Any]], order: Sequence[int]) -> Markup:
    """Accuracy with whiskers."""
    having = [i for i in order if lanes[i]["accuracy"]]
    height = 34 * len(having) + 26
    parts = [svg_open(WIDTH, height, "Right answers of each lane, with 95 % intervals")]
    x0, x1 = 12.0, WIDTH - 12.0
    for tick in range(0, 101, 25):
        x = x0 + (x1 - x0) * tick / 100
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{height - 20}"/>')
        anchor = {0: "start", 100: "end"}.get(tick, "middle")
        parts.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="{anchor}">{tick} %</text>')
    for row, i in enumerate(having):
        y, a = 34 * row + 26, lanes[i]["accuracy"]
        low, mid, high = (x0 + (x1 - x0) * a[k] for k in ("low", "estimate", "high"))
        colour = lanes[i]["colour"]
        parts.append(f'<text x="{x0 + 4:.1f}" y="{y - 12}">{escape(lanes[i]["name"])}</text>')
        parts.append(
            f'<rect x="{x0:.1f}" y="{y - 7}" width="{max(mid - x0, 1):.1f}" height="9" fill="{colour}" opacity=".55"/>'
        )
        parts.append(
            f'<path d="M{low:.1f} {y - 2.5}H{high:.1f}M{low:.1f} {y - 6.5}v8M{high:.1f} {y - 6.5}v8" class="whisker"/>'
        )
    return Markup("".join([*parts, "</svg>"]))


def scatter(lanes: Sequence[dict[str, Any]], measure: str, front: Sequence[int]) -> Markup:
    """Accuracy against a price on a logarithmic scale; those that none beats at both are joined."""
    scale, unit = {"memory": (2**20, "MiB"), "seconds": (1, "s"), "joules": (1, "J"), "usd": (1, "$")}[measure]
    having = [i for i, lane in enumerate(lanes) if lane["accuracy"] and lane.get(measure)]
    if not having:
        return Markup("")
    values = {i: lanes[i][measure] / scale for i in having}
    low, high = log10(min(values.values()) / 1.6), log10(max(values.values()) * 1.6)
    x0, x1, y0, y1 = X0, X1, Y0, Y1

    def at(i: int) -> tuple[float, float]:
        return x0 + (x1 - x0) * (log10(values[i]) - low) / (high - low), y0 + (y1 - y0) * share(lanes[i])

    parts = [svg_open(WIDTH, HEIGHT, f"Right answers against {MEASURES[measure]}")]
    parts += grid_of_shares()
    for mark in ticks(low, high):
        x = x0 + (x1 - x0) * (log10(mark) - low) / (high - low)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{y1}" y2="{y0}"/>')
        anchor = "end" if x > x1 - 30 else "middle"
        parts.append(f'<text x="{x:.1f}" y="{y0 + 16}" text-anchor="{anchor}">{mark:g} {unit}</text>')
    line = sorted(at(i) for i in front if i in values)
    if len(line) > 1:
        parts.append(f'<polyline class="front" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in line)}"/>')
    taken: list[int] = []
    for i in sorted(having, key=lambda i: at(i)[1]):
        (x, y), a = at(i), lanes[i]["accuracy"]
        top, bottom = (y0 + (y1 - y0) * a[k] for k in ("high", "low"))
        free = [c for c in range(int(y1) + 10, int(y0)) if all(abs(c - other) >= 13 for other in taken)]
        label = min(free, key=lambda c: abs(c - (y - 8)), default=int(y) - 8)
        taken.append(label)
        side, shift = ("end", -8) if x > (x0 + x1) / 2 else ("start", 8)
        parts.append(f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" class="whisker"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{lanes[i]["colour"]}"/>')
        parts.append(f'<text x="{x + shift:.1f}" y="{label}" text-anchor="{side}">{escape(lanes[i]["name"])}</text>')
    return Markup("".join([*parts, "</svg>"]))


def grid_of_shares() -> list[str]:
    """Lines at quarters from the bottom to the top of a plot."""
    parts = []
    for tick in range(0, 101, 25):
        y = Y0 + (Y1 - Y0) * tick / 100
        parts.append(f'<line class="grid" x1="{X0}" x2="{X1}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{X0 - 6}" y="{y + 4:.1f}" text-anchor="end">{tick} %</text>')
    return parts


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two logarithms."""
    found = [m * 10.0**e for e in range(floor(low), floor(high) + 1) for m in (1, 2, 5)]
    inside = [t for t in found if low <= log10(t) <= high]
    return inside if len(inside) <= 6 else [t for t in inside if f"{t:e}"[0] == "1"] or inside[::2]


def svg_open(width: int, height: int, title: str) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'


def escape(text: str) -> str:
    return str(Markup.escape(text))


def history_rows(races: Sequence[tuple[Record, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Of each recorded race the best lane with open weights and the best behind an interface."""
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


def history_html(rows: Sequence[dict[str, Any]]) -> str:
    """Best open against best closed, race after race."""
    x0, x1, y0, y1 = X0, X1, Y0, Y1
    parts = [svg_open(WIDTH, HEIGHT, "The best open and the best closed lane of each recorded race")]
    parts += grid_of_shares()
    for kind, colour in (("open", COLOURS[0]), ("closed", COLOURS[1])):
        for n, row in enumerate(rows):
            if entry := row[kind]:
                x = x0 + (x1 - x0) * (n + 0.5) / len(rows)
                top, mid, bottom = (y0 + (y1 - y0) * entry["accuracy"][k] for k in ("high", "estimate", "low"))
                parts.append(f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" class="whisker"/>')
                name = f"<title>{escape(entry['name'])}</title>"
                parts.append(f'<circle cx="{x:.1f}" cy="{mid:.1f}" r="5" fill="{colour}">{name}</circle>')
    plot = Markup("".join([*parts, "</svg>"]))
    return environment().get_template("history.html.jinja").render(rows=rows, plot=plot, colours=COLOURS)
