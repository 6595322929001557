"""Draws the README's picture from a report of bench/speed.py: python bench/chart.py speed.json docs/speed.svg"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
  text { fill: #292524; } .small { font-size: 12px; fill: #57534e; } .galop { fill: #1d6fb8; } .other { fill: #b8b2a7; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f5f5f4; } .small { fill: #d6d3d1; } .galop { fill: #60a5e8; } .other { fill: #78716c; }
  }
"""
WIDTH, LEFT, BAR, ROW = 760, 220, 14, 46


def panel(title: str, key: str, models: dict[str, Any], top: int) -> tuple[list[str], int]:
    """Two bars a model, Galop's and llama.cpp's, scaled to the model's own larger one."""
    out = [f'<text x="20" y="{top}" font-weight="600">{escape(title)}</text>']
    y = top + 16
    for name, result in models.items():
        ours, theirs = result[key]["median"], result.get(f"{key}_llama_cpp", {}).get("median")
        scale = (WIDTH - LEFT - 150) / max(ours, theirs or 0)
        label = name.removeprefix("true:").replace(":q4_0", " Q4_0, true shapes")
        out.append(f'<text class="small" x="20" y="{y + 19}">{escape(label)}</text>')
        for i, (value, kind, who) in enumerate(((ours, "galop", "Galop"), (theirs, "other", "llama.cpp"))):
            if value is None:
                continue
            at = y + i * (BAR + 2)
            out.append(f'<rect class="{kind}" x="{LEFT}" y="{at}" width="{value * scale:.1f}" height="{BAR}" rx="2"/>')
            out.append(f'<text class="small" x="{LEFT + value * scale + 6:.1f}" y="{at + 11}">{value:.0f} {who}</text>')
        y += ROW
    return out, y


def chart(report: dict[str, Any]) -> str:
    decode, y = panel("Decoding, tokens per second", "decode", report["models"], 30)
    prefill, y = panel("Reading a prompt of 512 tokens, tokens per second", "prefill", report["models"], y + 22)
    body = "\n".join(decode + prefill)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="system-ui, sans-serif" '
        f'font-size="14"><style>{STYLE}</style>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Path(sys.argv[2]).write_text(chart(json.loads(Path(sys.argv[1]).read_text())))
