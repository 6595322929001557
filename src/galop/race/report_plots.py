"""The plots of a race's report, as SVG: accuracies with whiskers, accuracy against a price, race after race."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Any

from markupsafe import Markup

from galop.race.summary import MEASURES

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c564b")
"""Okabe and Ito's, that colour-blind people tell apart, in an order that suits light and dark."""
WIDTH, HEIGHT = 560, 300
X0, X1, Y0, Y1 = 44.0, WIDTH - 14.0, HEIGHT - 34.0, 12.0  # of a plot, inside its labels


def accuracy_bars(lanes: Sequence[dict[str, Any]], order: Sequence[int]) -> Markup:
    """Accuracy with whiskers, contenders in `order`; `lanes` are rows of the summary, each with its colour."""
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


def accuracy_against(lanes: Sequence[dict[str, Any]], measure: str, front: Sequence[int]) -> Markup:
    """Accuracy against a price on a logarithmic scale; those that none beats at both are joined."""
    scale, unit = {"memory": (2**20, "MiB"), "seconds": (1, "s"), "joules": (1, "J"), "usd": (1, "$")}[measure]
    having = [i for i, lane in enumerate(lanes) if lane["accuracy"] and lane.get(measure)]
    if not having:
        return Markup("")
    values = {i: lanes[i][measure] / scale for i in having}
    low, high = log10(min(values.values()) / 1.6), log10(max(values.values()) * 1.6)
    x0, x1, y0, y1 = X0, X1, Y0, Y1

    def at(i: int) -> tuple[float, float]:
        return x0 + (x1 - x0) * (log10(values[i]) - low) / (high - low), y0 + (y1 - y0) * float(
            lanes[i]["accuracy"]["estimate"]
        )

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
    """The beginning of a picture, with its title for screen readers."""
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'


def escape(text: str) -> str:
    """For HTML and SVG."""
    return str(Markup.escape(text))


def history_plot(rows: Sequence[dict[str, Any]]) -> Markup:
    """Best open and best closed contender of each race, with whiskers."""
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
    return Markup("".join([*parts, "</svg>"]))
