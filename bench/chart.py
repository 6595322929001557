"""Pictures for the docs.

python bench/chart.py results/peers.json docs/img/peers.svg       # from a report of bench/peers.py
galop bench smollm2:135m --profile --json > profile.json
python bench/chart.py profile.json docs/img/profile.svg        # where the time of a token goes
"""

from __future__ import annotations

import argparse
import json
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
  text { fill: #292524; } .small { font-size: 12px; fill: #57534e; } .galop { fill: #1d6fb8; } .other { fill: #b8b2a7; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f5f5f4; } .small { fill: #d6d3d1; } .galop { fill: #60a5e8; } .other { fill: #78716c; }
  }
"""
WIDTH, LEFT, BAR = 760, 220, 14


def label(name: str) -> str:
    return f"{name.removeprefix('true:').replace(':q4_0', ' Q4_0')}, true shapes" if "true:" in name else name


def svg(body: list[str], height: int) -> str:
    lines = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" '
        f'font-size="14"><style>{STYLE}</style>\n{lines}\n</svg>\n'
    )


def panel(title: str, work: str, models: dict[str, Any], top: int) -> tuple[list[str], int]:
    """A bar for each engine, scaled to the model's own fastest."""
    out = [f'<text x="20" y="{top}" font-weight="600">{escape(title)}</text>']
    y = top + 16
    for name, result in models.items():
        rates = {n: r["median"] for n, r in result["works"][work]["rates"].items()}
        scale = (WIDTH - LEFT - 150) / max(rates.values())
        out.append(f'<text class="small" x="20" y="{y + 12}">{escape(label(name))}</text>')
        for engine, rate in rates.items():
            kind = "galop" if engine == "Galop" else "other"
            wide = rate * scale
            out.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR}" rx="2"/>')
            out.append(f'<text class="small" x="{LEFT + wide + 6:.1f}" y="{y + 11}">{rate:.0f} {escape(engine)}</text>')
            y += BAR + 2
        y += 10
    return out, y


def chart(report: dict[str, Any]) -> str:
    decode, y = panel("Decoding, tokens per second", "decode", report["models"], 30)
    prefill, y = panel("Reading a prompt of 512 tokens, tokens per second", "prefill 512", report["models"], y + 22)
    return svg(decode + prefill, y)


SHADES = ("#1d6fb8", "#3f8ccf", "#6aa9dd", "#94c4e8", "#d98e32", "#b8b2a7")


def profile_chart(reports: list[dict[str, Any]]) -> str:
    """A bar for each model and work, divided among kinds of phases, the longest five named."""
    out, y = [], 30
    for report in reports:
        for work, parts in report["profile"].items():
            total = sum(seconds for _, seconds in parts)
            title = f"{report['model']}, {work}: {total * 1e6:,.0f} µs a token"
            out.append(f'<text x="20" y="{y}" font-weight="600">{escape(title)}</text>')
            shown = [*parts[:5], ("all else", sum(seconds for _, seconds in parts[5:]))]
            x, legend = 20.0, 20
            for (name, seconds), shade in zip(shown, SHADES, strict=True):
                wide = (WIDTH - 40) * seconds / total
                out.append(f'<rect x="{x:.1f}" y="{y + 10}" width="{wide:.1f}" height="22" fill="{shade}"/>')
                x += wide
                words = f"{name} {seconds / total:.0%}"
                out.append(f'<rect x="{legend}" y="{y + 42}" width="10" height="10" fill="{shade}"/>')
                out.append(f'<text class="small" x="{legend + 14}" y="{y + 51}">{escape(words)}</text>')
                legend += 22 + round(5.9 * len(words))
            y += 90
    return svg(out, y - 20)


def lines(title: str, series: dict[str, list[tuple[float, float]]], ticks: list[tuple[float, str]]) -> str:
    """Shares from 0 to 1 over named places, a line each."""
    left, right, top, bottom = 60, 600, 50, 290
    span = max(x for x, _ in ticks) or 1

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * x / span, bottom - (bottom - top) * y

    out = [f'<text x="20" y="26" font-weight="600">{escape(title)}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = at(0, share)[1]
        out.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#a8a29e" stroke-width="0.5"/>')
        out.append(f'<text class="small" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for x, name in ticks:
        out.append(
            f'<text class="small" x="{at(x, 0)[0]:.1f}" y="{bottom + 20}" text-anchor="middle">{escape(name)}</text>'
        )
    for i, ((name, points), shade) in enumerate(zip(series.items(), LINES, strict=False)):
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(x, y) for x, y in points))
        out.append(f'<polyline points="{path}" fill="none" stroke="{shade}" stroke-width="2.5"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{shade}"/>' for a, b in (at(x, y) for x, y in points)]
        out.append(f'<rect x="{right + 24}" y="{top + 24 * i}" width="14" height="4" fill="{shade}"/>')
        out.append(f'<text class="small" x="{right + 44}" y="{top + 7 + 24 * i}">{escape(name)}</text>')
    return svg(out, bottom + 40)


LINES = ("#1d6fb8", "#d98e32", "#3a9a5b", "#b0479b", "#78716c")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="the JSON of bench/peers.py or of galop bench --profile")
    parser.add_argument("picture", type=Path, help="the SVG to write")
    args = parser.parse_args()
    report = json.loads(args.report.read_text())
    args.picture.write_text(profile_chart(report) if isinstance(report, list) else chart(report))


if __name__ == "__main__":
    main()
