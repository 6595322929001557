"""Tasks of several things: how many there are, which colours they have, where they are, which is larger."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import ImageDraw

from galop.recipes.mini_vl import drawing
from galop.recipes.mini_vl.names import COLOURS, EMOJI, FEMININE, FEMININE_COLOURS, RGB, SHAPES, NamedThing
from galop.recipes.mini_vl.phrases import PLURALS, place
from galop.recipes.mini_vl.scene import Scene, Turn


def spread(s: Scene, count: int, most: float) -> list[tuple[float, float, float]]:
    """Middles and radii of things that do not touch, from top to bottom by thirds and from left to right."""
    scale = min(s.width, s.height)
    for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        found: list[tuple[float, float, float]] = []
        for _ in range(60):
            r = s.random.uniform(0.72, 1.0) * most * share * scale
            x, y = s.random.uniform(r, s.width - r), s.random.uniform(r, s.height - r)
            if all((x - a) ** 2 + (y - b) ** 2 > (r + c) ** 2 * 1.05 for a, b, c in found):
                found.append((x, y, r))
            if len(found) == count:
                return sorted(found, key=lambda at: (int(3 * at[1] / s.height), at[0]))
    return sorted(found, key=lambda at: (int(3 * at[1] / s.height), at[0]))


def where(s: Scene, at: tuple[float, float, float], language: str, short: bool = True) -> str:
    return place(at[0] / s.width, at[1] / s.height, language, short)


def how_many(s: Scene) -> int:
    """Up to six; to learn from more often many, which are harder to count."""
    return s.random.randint(1, 6) if s.held else s.random.choice((1, 2, 3, 4, 4, 5, 5, 6, 6))


def count_things(s: Scene) -> list[Turn]:
    thing = s.random.choice(EMOJI)
    count = how_many(s)
    at = spread(s, count, 0.24 if count <= 3 else 0.19)
    sprite = s.sprite(thing.key)
    for x, y, r in at:
        angle = s.random.gauss(0, 10) if s.random.random() < 0.3 else 0
        drawing.paste(s.canvas, sprite, x, y, 2 * r, angle)
        s.mark("dot", x, y)  # one of several, whatever it is
    language = s.language()
    turns = [Turn(s.ask("count things", language), "", str(len(at)))]
    if not s.held and s.random.random() < 0.4:
        turns.insert(s.random.randrange(2), Turn(s.ask("name", language), "", thing.of(language)))
    return turns


@dataclass(frozen=True)
class Item:
    shape: NamedThing
    colour: NamedThing
    at: tuple[float, float, float]


def french(colour: str, shape: str) -> str:
    """A colour after the name of a shape."""
    return FEMININE_COLOURS.get(colour, colour) if shape in FEMININE else colour


def the(shape: NamedThing) -> str:
    """A shape's French name with its article."""
    if shape.fr[0] in "éah":
        return f"l'{shape.fr}"
    return f"la {shape.fr}" if shape.fr in FEMININE else f"le {shape.fr}"


def draw_items(s: Scene, items: list[Item]) -> None:
    dark = drawing.luminance(drawing.middle(s.canvas)) < 110
    for item in items:
        colour = tuple(max(0, min(255, v + s.random.randint(-14, 14))) for v in RGB[item.colour.key])
        edge = (255, 255, 255) if dark else (30, 30, 30)
        x, y, r = item.at
        s.mark(f"shape {item.shape.key}", x, y)
        angle = s.random.gauss(0, 0.12)
        drawing.draw_shape(s.canvas, item.shape.key, colour, x, y, r, angle, edge if s.random.random() < 0.8 else None)  # type: ignore[arg-type]


def distinct(s: Scene) -> list[NamedThing]:
    """Colours that can be told from the canvas."""
    behind = drawing.middle(s.canvas)
    return [c for c in COLOURS if sum(abs(a - b) for a, b in zip(RGB[c.key], behind, strict=True)) > 150]


def shapes(s: Scene) -> list[Turn]:
    """One to six shapes; several questions, of which those that need one of a kind are asked where there is one."""
    count = how_many(s)
    colours = distinct(s)
    few_shapes = s.random.sample(SHAPES, s.random.randint(1, min(4, len(SHAPES))))
    few_colours = s.random.sample(colours, s.random.randint(1, min(4, len(colours))))
    at = spread(s, count, 0.25 if count <= 3 else 0.19)
    items = [Item(s.random.choice(few_shapes), s.random.choice(few_colours), one) for one in at]
    draw_items(s, items)
    language = s.language()
    kinds = ["count all", "count all", "count shape", "colour", "colour", "shape", "where", "there", "side"]
    kinds += [] if s.held else ["count all", "count shape", "count shape"]
    s.random.shuffle(kinds)
    turns: list[Turn] = []
    for kind in dict.fromkeys(kinds):
        if made := about(s, kind, items, language):
            turns.append(made)
        if len(turns) == (1 if s.held else s.random.choice((1, 2, 3))):
            break
    return turns


def about(s: Scene, kind: str, items: list[Item], language: str) -> Turn | None:
    """A question of a kind about shapes, where it can be asked."""
    by_shape = {shape.key: [i for i in items if i.shape == shape] for shape in SHAPES}
    single = [i for i in items if len(by_shape[i.shape.key]) == 1]
    en = language == "en"
    if kind == "count all":
        return Turn(s.ask("count all", language), "", str(len(items)))
    if kind == "count shape":
        shape = s.random.choice(items).shape
        plural = PLURALS[shape.key][0 if en else 1]
        of = f"d'{plural}" if plural[0] in "éah" else f"de {plural}"
        return Turn(s.ask("count some", language, plural, of), "", str(len(by_shape[shape.key])))
    if kind == "colour" and single:
        item = s.random.choice(single)
        name = item.colour.en if en else french(item.colour.fr, item.shape.fr)
        return Turn(s.ask("colour", language, item.shape.en, the(item.shape)), "", name)
    if kind == "shape":
        alone = [i for i in items if sum(j.colour == i.colour for j in items) == 1]
        if alone:
            item = s.random.choice(alone)
            colour = item.colour.en if en else FEMININE_COLOURS.get(item.colour.fr, item.colour.fr)
            return Turn(s.ask("shape", language, colour), "", item.shape.of(language))
    if kind == "where" and single:
        item = s.random.choice(single)
        return Turn(s.ask("where", language, item.shape.en, the(item.shape)), "", where(s, item.at, language, False))
    if kind == "there":
        shape = s.random.choice(items).shape if s.random.random() < 0.5 else s.random.choice(SHAPES)
        if shape.fr in FEMININE and not en:
            return None
        there = bool(by_shape[shape.key])
        return Turn(
            s.ask("there", language, shape.of(language)),
            "",
            ("yes" if en else "oui") if there else ("no" if en else "non"),
        )
    if kind == "side" and len(single) > 1:
        first, second = s.random.sample(single, 2)
        if abs(first.at[0] - second.at[0]) < 0.15 * s.width:
            return None
        left = first.at[0] < second.at[0]
        answer = ("left" if left else "right") if en else ("à gauche" if left else "à droite")
        names = (first.shape.en, second.shape.en) if en else (the(first.shape), the(second.shape))
        question = s.ask("side", language, *names).replace("de le ", "du ")
        return Turn(
            question, f"{names[0]} {where(s, first.at, language)}, {names[1]} {where(s, second.at, language)}", answer
        )
    return None


def sizes(s: Scene) -> list[Turn]:
    """Two shapes, one plainly larger."""
    first, second = s.random.sample(SHAPES, 2)
    large = s.random.uniform(0.2, 0.24) * min(s.width, s.height)
    small = large * s.random.uniform(0.4, 0.68)
    across = s.random.random() < 0.6 or s.width > s.height
    radii = [large, small] if s.random.random() < 0.5 else [small, large]
    items = []
    for i, (shape, r) in enumerate(zip((first, second), radii, strict=True)):
        along = (0.25 + 0.5 * i) + s.random.uniform(-0.03, 0.03)
        other = s.random.uniform(0.3, 0.7)
        x, y = (along, other) if across else (other, along)
        items.append(Item(shape, s.random.choice(distinct(s)), (x * s.width, y * s.height, r)))
    draw_items(s, items)
    language, larger = s.language(), s.random.random() < 0.6
    item = items[radii.index(large if larger else small)]
    return [Turn(s.ask("largest" if larger else "smallest", language), "", item.shape.of(language))]


def dots(s: Scene) -> list[Turn]:
    """So many dots on the left and on the right of a line."""
    left, right = s.random.sample(range(0, 7), 2)
    colour = drawing.ink(s.random, drawing.middle(s.canvas))
    half = s.width / 2
    ImageDraw.Draw(s.canvas).line((half, 0, half, s.height), fill=colour, width=max(1, s.width // 64))
    for count, begin in ((left, 0.0), (right, half)):
        at: list[tuple[float, float]] = []
        r = s.random.uniform(0.05, 0.075) * s.height
        for _ in range(400):
            x, y = (
                s.random.uniform(begin + 1.6 * r, begin + half - 1.6 * r),
                s.random.uniform(1.3 * r, s.height - 1.3 * r),
            )
            if len(at) < count and all((x - a) ** 2 + (y - b) ** 2 > (2.5 * r) ** 2 for a, b in at):
                at.append((x, y))
        for x, y in at:
            drawing.draw_shape(s.canvas, "circle", colour, x, y, r)
            s.mark("dot", x, y)
        if begin == 0.0:
            left = len(at)
        else:
            right = len(at)
    language, more = s.language(), left > right
    en = language == "en"
    counted = f"left {left}, right {right}" if en else f"gauche {left}, droite {right}"
    if left == right or s.random.random() < 0.6:
        answer = ("left" if more else "right") if en else ("à gauche" if more else "à droite")
        if left == right:
            answer = "the same" if en else "autant"
        return [Turn(s.ask("more side", language), counted, answer)]
    side = ("left" if more else "right") if en else ("gauche" if more else "droite")
    gap = abs(left - right)
    thinking = f"{counted}: {max(left, right)}-{min(left, right)}={gap}"
    return [Turn(s.ask("how many more", language, side), thinking, str(gap))]
