"""Tasks of one thing: an emoji, a flag, a digit written by hand; and of reading: numbers and words."""

from __future__ import annotations

from PIL import Image

from galop.recipes.mini_vl import drawing
from galop.recipes.mini_vl.names import EMOJI, FLAGS, WORDS
from galop.recipes.mini_vl.scene import Scene, Turn


def emoji(s: Scene) -> list[Turn]:
    thing = s.random.choice(EMOJI)
    side = min(s.width, s.height) * s.random.uniform(0.6, 1.0)
    slack = [(s.width - side) / 2, (s.height - side) / 2]
    x = s.width / 2 + s.random.uniform(-1, 1) * slack[0]
    y = s.height / 2 + s.random.uniform(-1, 1) * slack[1]
    angle = s.random.gauss(0, 9) if s.random.random() < 0.6 else 0.0
    drawing.paste(s.canvas, s.sprite(thing.key), x, y, side, angle)
    s.mark(thing.key, x, y, 0.3 * side)
    first = s.language()
    both = [first, "fr" if first == "en" else "en"][: 1 if s.held or s.random.random() < 0.6 else 2]
    return [Turn(s.ask("name", one), "", thing.of(one)) for one in both]


def flag(s: Scene) -> list[Turn]:
    country = s.random.choice(FLAGS)
    sprite = Image.fromarray(s.random.choice(s.material.flags[country.key]))
    side = min(s.width, s.height) * s.random.uniform(0.65, 1.0)
    x = s.width / 2 + s.random.uniform(-1, 1) * (s.width - side) / 2
    y = s.height / 2 + s.random.uniform(-1, 1) * (s.height - side) / 2
    drawing.paste(s.canvas, sprite, x, y, side, s.random.gauss(0, 4) if s.random.random() < 0.4 else 0.0)
    s.mark(f"flag {country.key}", x, y, 0.3 * side)
    language = s.language()
    return [Turn(s.ask("flag", language), "", country.of(language))]


def digit(s: Scene) -> list[Turn]:
    value = s.random.randrange(10)
    kept = s.material.held_digits if s.held else s.material.digits
    mask = Image.fromarray(s.random.choice(kept[value]))
    side = min(s.width, s.height) * s.random.uniform(0.6, 0.98)
    wide = max(8, round(side * s.random.uniform(0.85, 1.1))), max(8, round(side))
    mask = mask.resize(wide, Image.Resampling.BICUBIC)
    if not s.held or s.random.random() < 0.5:
        mask = mask.rotate(s.random.gauss(0, 6), Image.Resampling.BILINEAR)
    left = round(s.random.random() * (s.width - mask.width))
    top = round(s.random.random() * (s.height - mask.height))
    behind = drawing.middle(s.canvas.crop((left, top, left + mask.width, top + mask.height)))
    s.canvas.paste(drawing.ink(s.random, behind), (left, top), mask)
    s.mark(str(value), left + mask.width / 2, top + mask.height / 2, 0.2 * side)
    language = s.language()
    return [Turn(s.ask("digit", language), "", str(value))]


def number(s: Scene) -> list[Turn]:
    count = s.random.choice((1, 2, 3, 3, 4, 4, 5, 5))
    text = "".join(s.random.choice("0123456789") for _ in range(count))
    if count > 1 and text[0] == "0":
        text = s.random.choice("123456789") + text[1:]
    box = (1.0, 1.0, s.width - 1.0, s.height - 1.0)
    middles = drawing.write(s.random, s.canvas, text, s.font(), box, 10 if s.width < 2 * s.height else 3)
    for one, (x, y) in zip(text, middles, strict=True):
        s.mark(one, x, y)
    language = s.language()
    turns = [Turn(s.ask("number", language), "", text)]
    kind = s.random.choice(("digits", "last", "first", "even", "", "", ""))
    if kind and not s.held:
        even = int(text) % 2 == 0
        odds = ("even", "odd") if language == "en" else ("pair", "impair")
        answer = {"digits": str(count), "last": text[-1], "first": text[0], "even": odds[not even]}[kind]
        turns.append(Turn(s.ask(kind, language), "", answer))
    return turns


def word(s: Scene) -> list[Turn]:
    text = s.random.choice(WORDS)
    shown = s.random.choice((text, text.upper(), text.capitalize()))
    drawing.write(
        s.random, s.canvas, shown, s.font(), (1, 1, s.width - 1, s.height - 1), 8 if s.width < 2 * s.height else 3
    )
    return [Turn(s.ask("word", s.language()), "", text)]


def two_numbers(s: Scene) -> list[Turn]:
    count = s.random.choice((1, 2, 2, 3))
    low, high = (0, 9) if count == 1 else (10 ** (count - 1), 10**count - 1)
    first, second = s.random.sample(range(low, high + 1), 2)
    for value, top in ((first, 0.02), (second, 0.52)):
        box = (2.0, s.height * top + 1, s.width - 2.0, s.height * (top + 0.46))
        for one, at in zip(str(value), drawing.write(s.random, s.canvas, str(value), s.font(), box, 4), strict=True):
            s.mark(one, *at)
    larger, language = s.random.random() < 0.6, s.language()
    answer = max(first, second) if larger else min(first, second)
    word = {"en": ("and", "larger" if larger else "smaller"), "fr": ("et", "plus grand" if larger else "plus petit")}
    also, which = word[language]
    verb = "is" if language == "en" else "est"
    thinking = f"{first} {also} {second}: {answer} {verb} {which}"
    return [Turn(s.ask("larger number" if larger else "smaller number", language), thinking, str(answer))]
