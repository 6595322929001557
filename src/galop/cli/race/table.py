"""A race's figures at a terminal, and its report in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from galop.cli.screen import BOLD, print_styled
from galop.race import record, report
from galop.race.record import Record, RecordError
from galop.terminal import visible


def write_report(race: Record, found: dict[str, Any]) -> Path:
    """Draws the report of a race into its folder. Raises RecordError if it cannot be written."""
    path = race.folder / "report.html"
    try:
        record.replace_file(path, report.render_report(race, found))
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror}") from None
    return path


def percent(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "-"
    return f"{100 * interval['estimate']:.0f} % ({100 * interval['low']:.0f} to {100 * interval['high']:.0f})"


COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "": lambda r: str(r["rank"] or "-"),
    "lane": lambda r: r["name"],
    "right (95 %)": lambda r: percent(r["accuracy"]),
    "tok/s": lambda r: figure(r.get("rate"), 1),
    "first token": lambda r: figure(r.get("first_token_seconds"), 2, " s"),
    "per answer": lambda r: figure(r.get("seconds"), 1, " s"),
    "tokens": lambda r: figure(r.get("tokens"), 0),
    "memory": lambda r: figure(r["memory"] / 2**20 if r.get("memory") else None, 0, " MiB"),
    "energy": lambda r: figure(r.get("joules"), 0, " J") if r.get("joules") is not None else "not measured",
    "cost": lambda r: figure(r.get("usd_spent"), 4, " $") if r["about"].get("kind") == "closed" else "-",
}

TIMED = "tok/s", "first token", "per answer", "energy"
"""Columns that compare on machines of one kind alone."""


def figure(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:,.{digits}f}{unit}"


def print_table(found: dict[str, Any]) -> None:
    head, rest = table(found).split("\n", 1)
    print_styled(head, BOLD, sys.stdout)
    print(rest)


def table(found: dict[str, Any]) -> str:
    """The comparison of contenders, for a terminal."""
    lanes = sorted(found["lanes"], key=lambda r: (r["rank"] or 99, -(r["accuracy"] or {"estimate": 0})["estimate"]))
    rows = [list(COLUMNS), *([visible(cell(row)) for cell in COLUMNS.values()] for row in lanes)]
    if found["unlike"]:
        rows[0] = [name + "†" * (name in TIMED) for name in COLUMNS]
    kept = [i for i in range(len(COLUMNS)) if i < 3 or any(row[i] not in ("-",) for row in rows[1:])]
    widths = [max(len(row[i]) for row in rows) for i in kept]
    lines = [
        "  ".join(row[i].ljust(w) if i < 2 else row[i].rjust(w) for i, w in zip(kept, widths, strict=True)).rstrip()
        for row in rows
    ]
    names = [lane["name"] for lane in found["lanes"]]
    lines += ["", *(sentence(pair, names) for pair in found["pairs"])]
    if found["unlike"]:
        lines.append(f"† on unlike machines, so these do not compare: {'; '.join(map(visible, found['unlike']))}")
    return "\n".join(lines).rstrip()


def sentence(pair: dict[str, Any], names: Sequence[str]) -> str:
    gain, first, second = pair["difference"], names[pair["first"]], names[pair["second"]]
    if gain["estimate"] < 0:
        first, second = second, first
        gain = {"estimate": -gain["estimate"], "low": -gain["high"], "high": -gain["low"]}
    points = f"{points_of(gain['estimate'])} points ({points_of(gain['low'])} to {points_of(gain['high'])})"
    if pair["apart"]:
        return f"{first} is ahead of {second}: {points}, p = {pair['corrected']:.2g}"
    more = f"; about {pair['needed']:,} questions would tell" if pair["needed"] else ""
    return f"{first} and {second}: no difference shown, {points}{more}"


def points_of(share: float) -> str:
    """In points; zero has no minus sign."""
    return f"{round(100 * share):+d}"
