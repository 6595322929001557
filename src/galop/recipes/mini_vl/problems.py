"""Pictures with questions about them, their answers, and for counts and comparisons how the answer comes about; all
follow from a seed. What is held out are fonts, the drawings of one set of emoji, a fifth of the handwritten digits, and
phrasings."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from PIL import Image

from galop.recipes.mini_vl import drawing
from galop.recipes.mini_vl.collect import Material
from galop.recipes.mini_vl.names import COLOURS, EMOJI, FLAGS, LANGUAGES, SHAPES, WORDS
from galop.recipes.mini_vl.phrases import PHRASES, PLACES, SHORT_PLACES, phrasings
from galop.recipes.mini_vl.plots import LINES, bars, line
from galop.recipes.mini_vl.scene import Drawn, Scene, Turn
from galop.recipes.mini_vl.several import count_things, dots, shapes, sizes, the
from galop.recipes.mini_vl.things import digit, emoji, flag, number, two_numbers, word

Size = tuple[int, int]  # height and width


class Task(NamedTuple):
    """How a picture is drawn and asked about, its share of each stage of the training, and of busy backgrounds."""

    make: Callable[[Scene], list[Turn]]
    shares: dict[str, float]
    busy: float


def task(make: Callable[[Scene], list[Turn]], see: float, settle: float, refine: float, busy: float) -> Task:
    return Task(make, {"see": see, "settle": settle, "refine": refine}, busy)


# Of the later stages, what is learnt slowly has a larger share.
TASKS = {
    "emoji": task(emoji, 0.28, 0.20, 0.10, 0.35), "digit": task(digit, 0.09, 0.04, 0.03, 0.3),
    "number": task(number, 0.30, 0.15, 0.09, 0.25), "word": task(word, 0.03, 0.05, 0.06, 0.25),
    "flag": task(flag, 0.03, 0.03, 0.02, 0.35), "two numbers": task(two_numbers, 0.02, 0.03, 0.02, 0.15),
    "count things": task(count_things, 0.10, 0.20, 0.25, 0.2), "shapes": task(shapes, 0.09, 0.20, 0.34, 0.15),
    "sizes": task(sizes, 0.015, 0.03, 0.02, 0.15), "dots": task(dots, 0.015, 0.025, 0.03, 0.1),
    "bars": task(bars, 0.02, 0.025, 0.025, 0.1), "line": task(line, 0.01, 0.02, 0.01, 0.1),
}  # fmt: skip
SAID = """yes;no;oui;non;even;odd;pair;impair;left 4, right 2: 4-2=2;gauche 3, droite 1: 3-1=2;
47 and 52: 52 is larger;47 et 52: 52 est plus grand;is smaller;est plus petit""".split(";")
COLOURED = ("shapes", "bars", "flag")  # whose colours count
STRIPS = ("number", "word")  # what a low, wide picture shows


def draw(
    random: Random, material: Material, size: Size, task: str | None = None, held: bool = False, unseen: bool = False,
    zoom: int = 2, stage: str = "see",
) -> Drawn:  # fmt: skip
    """A picture of `zoom` times the size that the model sees, with a conversation about it; of a task, or of any
    by its share of a stage."""
    strip = size[0] < 40
    names = [name for name in TASKS if not strip or name in STRIPS]
    name = task or random.choices(names, [TASKS[one].shares[stage] for one in names])[0]
    make, _, busy = TASKS[name]
    canvas = drawing.background(random, (size[1] * zoom, size[0] * zoom), material.photos, busy)
    scene = Scene(random, material, canvas, held, unseen)
    turns = make(scene)
    if zoom == 2 and not held:
        canvas = canvas.resize((size[1], size[0]), random.choice((Image.Resampling.BOX, Image.Resampling.BICUBIC)))
    return Drawn(name, drawing.distort(random, canvas, name not in COLOURED), turns, scene.marks)


def texts(random: Random, count: int) -> list[str]:
    """Questions, thoughts and answers without pictures, for a tokenizer to learn from."""
    found = []
    for _ in range(count):
        language = random.choice(LANGUAGES)
        kind = random.choice(list(PHRASES))
        shape = random.choice(SHAPES)
        found.append(random.choice(phrasings(kind, language, False)).format(x=shape.of(language), y=the(shape)))
        row = random.choice(random.choice(((EMOJI), (EMOJI), FLAGS, COLOURS, SHAPES)))
        found += [row.of(language), random.choice(WORDS)]
        places = [random.choice(SHORT_PLACES[language]) for _ in range(random.randint(1, 6))]
        found.append(", ".join(f"{i} {one}" for i, one in enumerate(places, 1)))
        found += [random.choice(PLACES[language]), random.choice(random.choice(list(LINES.values())))]
        found.append(random.choice(SAID).strip())
    return found
