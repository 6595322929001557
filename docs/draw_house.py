"""Draws the layers of the source and who imports whom, from the source itself: `python docs/draw_house.py` writes
`docs/img/house.svg`, `--check` only says whether it is what it would write.

A folder's words are the first sentence of its docstring; an arrow that another path already implies is left out.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "img" / "house.svg"
LEFT_OUT = {"__main__", "errors", "version", "machine", "terminal", "child"}  # that nearly all import
WIDTH, ROW, BOX, GAP = 860, 78, 46, 16
STYLE = """
    .box { fill: #f6f4ee; stroke: #57534e; } .core { fill: #e0ecf7; stroke: #1d4f7c; }
    text { fill: #292524; } .small { font-size: 11px; fill: #57534e; }
    path { stroke: #78716c; fill: none; opacity: .55; marker-end: url(#tip); }
    @media (prefers-color-scheme: dark) {
      .box { fill: #292524; stroke: #a8a29e; } .core { fill: #172f45; stroke: #7db3e0; }
      text { fill: #f5f5f4; } .small { fill: #d6d3d1; } path { stroke: #a8a29e; }
    }"""


def layers() -> list[list[str]]:
    """The folders of each layer, from top to bottom, as the import contract names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lines = next(c["layers"] for c in contracts if c["type"] == "layers")
    rows = [[name.strip() for name in line.split("|")] for line in lines]
    return [row for names in rows if (row := [name for name in names if name not in LEFT_OUT])]


def imports(names: list[str]) -> dict[str, set[str]]:
    """Which folders below it each imports, of `names` from top to bottom, without those that another path leads to."""
    graph = grimp.build_graph("galop", cache_dir=None)
    direct: dict[str, set[str]] = {name: set() for name in names}
    for module in graph.modules:
        here = [*module.split("."), ""][1]
        for other in graph.find_modules_directly_imported_by(module):
            there = [*other.split("."), ""][1]
            if here in names and there in names and names.index(here) < names.index(there):
                direct[here].add(there)

    def reaches(start: str, goal: str) -> bool:
        return goal in direct[start] or any(reaches(step, goal) for step in direct[start])

    return {
        name: {there for there in found if not any(reaches(other, there) for other in found - {there})}
        for name, found in direct.items()
    }


def words(name: str) -> str:
    """The first sentence of a folder's docstring."""
    source = ROOT / "src" / "galop" / name / "__init__.py"
    source = source if source.exists() else source.parent.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text())) or "").split("\n\n")[0].split(". ")[0].rstrip(".")


def draw() -> str:
    rows = layers()
    at: dict[str, tuple[float, float, float]] = {}
    boxes, height = [], 12
    for row in rows:
        width = (WIDTH - 24 - GAP * (len(row) - 1)) / len(row)
        for i, name in enumerate(row):
            x = 12 + i * (width + GAP)
            at[name] = (x, height, width)
            kind = "core" if name == "native" else "box"
            label = f"{name}/" if (ROOT / "src" / "galop" / name).is_dir() else f"{name}.py"
            boxes.append(
                f'  <rect class="{kind}" x="{x:.0f}" y="{height}" width="{width:.0f}" height="{BOX}" rx="6"/>'
                f'<text x="{x + 14:.0f}" y="{height + 20}">{label}</text>'
                f'<text class="small" x="{x + 14:.0f}" y="{height + 37}">{escape(words(name))}</text>'
            )
        height += ROW
    arrows = []
    for name, found in sorted(imports(list(at)).items()):
        for i, other in enumerate(sorted(found, key=lambda o: at[o])):
            x, y, width = at[name]
            ox, oy, owidth = at[other]
            start, end = x + width * (i + 1) / (len(found) + 1), ox + owidth * 0.5
            arrows.append(
                f'  <path d="M{start:.0f} {y + BOX}C{start:.0f} {y + ROW} {end:.0f} {oy - 30} {end:.0f} {oy - 2}"/>'
            )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height - ROW + BOX + 12}" '
            'font-family="system-ui, sans-serif" font-size="14">',
            f"  <style>{STYLE}\n  </style>",
            '  <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
            'markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#78716c;stroke:none;opacity:1"/>'
            "</marker></defs>",
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    drawn = draw()
    if "--check" not in sys.argv:
        PICTURE.write_text(drawn)
    elif not PICTURE.exists() or PICTURE.read_text() != drawn:
        sys.exit(f"{PICTURE.relative_to(ROOT)} is not what the imports are: run python docs/draw_house.py")
