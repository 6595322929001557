"""Tasks of plots: bars and lines."""

from __future__ import annotations

from PIL import ImageDraw

from galop.recipes.mini_vl import drawing
from galop.recipes.mini_vl.names import FEMININE_COLOURS, RGB
from galop.recipes.mini_vl.scene import Scene, Turn
from galop.recipes.mini_vl.several import distinct


def bars(s: Scene) -> list[Turn]:
    count = s.random.randint(2, 5)
    colours = s.random.sample(distinct(s), count)
    steps = s.random.sample(range(2, 12), count)
    pen = ImageDraw.Draw(s.canvas)
    ink = drawing.ink(s.random, drawing.middle(s.canvas))
    base, top = s.height * 0.93, s.height * 0.06
    slot = s.width * 0.9 / count
    thick = slot * s.random.uniform(0.5, 0.85)
    for i, (colour, step) in enumerate(zip(colours, steps, strict=True)):
        x = s.width * 0.05 + slot * (i + 0.5)
        tip = base - (base - top) * step / 11.5
        pen.rectangle((x - thick / 2, tip, x + thick / 2, base), fill=RGB[colour.key])
        s.mark(f"bar {colour.key}", x, tip)
    if s.random.random() < 0.8:
        pen.line((s.width * 0.03, base, s.width * 0.97, base), fill=ink, width=max(1, s.height // 50))
    language = s.language()
    kinds = s.random.sample(["tallest bar", "shortest bar", "bars"], 1 if s.held else 2)
    turns = []
    for kind in kinds:
        best = colours[steps.index(max(steps) if kind == "tallest bar" else min(steps))]
        answer = (
            str(count) if kind == "bars" else best.en if language == "en" else FEMININE_COLOURS.get(best.fr, best.fr)
        )
        turns.append(Turn(s.ask(kind, language), "", answer))
    return turns


LINES = {
    "rises": ("it rises", "elle monte"), "falls": ("it falls", "elle descend"),
    "peak": ("it rises, then falls", "elle monte, puis descend"),
    "valley": ("it falls, then rises", "elle descend, puis monte"), "flat": ("it stays level", "elle reste stable"),
}  # fmt: skip


def line(s: Scene) -> list[Turn]:
    kind = s.random.choice(list(LINES))
    count = s.random.randint(4, 8)
    turn = s.random.uniform(0.35, 0.65)
    points = []
    bend = s.random.uniform(0.8, 1.3)
    for i in range(count):
        t = i / (count - 1)
        to_turn = min(1.0, abs(t - turn) / max(turn, 1 - turn))
        value = {"rises": t**bend, "falls": 1 - t**bend, "peak": 1 - to_turn, "valley": to_turn, "flat": 0.5}[kind]
        points.append(value + s.random.gauss(0, 0.03))
    low = s.random.uniform(0.1, 0.25)
    span = s.random.uniform(0.5, 0.72)
    ink = drawing.ink(s.random, drawing.middle(s.canvas))
    pen = ImageDraw.Draw(s.canvas)
    xy = [(s.width * (0.08 + 0.84 * i / (count - 1)), s.height * (1 - low - span * v)) for i, v in enumerate(points)]
    pen.line(xy, fill=ink, width=max(1, round(s.height * s.random.uniform(0.02, 0.05))), joint="curve")
    if s.random.random() < 0.6:
        axes = drawing.ink(s.random, drawing.middle(s.canvas))
        left, base = s.width * 0.05, s.height * 0.96
        corner = [(left, s.height * 0.03), (left, base), (s.width * 0.97, base)]
        pen.line(corner, fill=axes, width=max(1, s.height // 60))
    language = s.language()
    return [Turn(s.ask("line", language), "", LINES[kind][0 if language == "en" else 1])]
