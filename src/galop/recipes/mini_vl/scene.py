"""What a task draws with, and what comes of it: a picture, a conversation about it, and what is where in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from PIL import Image

from galop.recipes.mini_vl.collect import Material
from galop.recipes.mini_vl.names import COLOURS, EMOJI, FLAGS, LANGUAGES, SHAPES
from galop.recipes.mini_vl.wordings import ask


@dataclass(frozen=True)
class Turn:
    """A question, what leads to its answer (nothing where it is seen at once), and the answer."""

    question: str
    thinking: str
    answer: str


@dataclass(frozen=True)
class Mark:
    """What is where in a picture, in shares of its width and height, and how far around its middle, in shares of the
    height; only a training is told."""

    what: str
    x: float
    y: float
    reach: float = 0.0


MARKS = {what: i for i, what in enumerate(
    ["", *"0123456789", "dot", *(row.key for row in EMOJI), *(f"flag {row.key}" for row in FLAGS),
     *(f"shape {row.key}" for row in SHAPES), *(f"bar {row.key}" for row in COLOURS)])}  # fmt: skip
"""Numbers of all that can be marked; 0 is nothing."""


@dataclass(frozen=True)
class Drawn:
    """A picture, `zoom` times as large as the model sees it, and a conversation about it."""

    task: str
    picture: Image.Image
    turns: list[Turn]
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """What a task draws with: everything that follows is by `random`."""

    random: Random
    material: Material
    canvas: Image.Image
    held: bool
    unseen: bool  # emoji of the set whose drawings are never trained on
    marks: list[Mark] = field(default_factory=list)

    def mark(self, what: str, x: float, y: float, reach: float = 0.0) -> None:
        """Notes what is where."""
        self.marks.append(Mark(what, x / self.width, y / self.height, reach / self.height))

    @property
    def width(self) -> int:
        return self.canvas.width

    @property
    def height(self) -> int:
        return self.canvas.height

    def language(self) -> str:
        return self.random.choice(LANGUAGES)

    def ask(self, kind: str, language: str, x: str = "", y: str = "") -> str:
        return ask(self.random, kind, language, self.held, x, y)

    def font(self) -> bytes:
        return self.random.choice(self.material.held_fonts if self.held else self.material.fonts)

    def sprite(self, key: str) -> Image.Image:
        held = self.material.held_emoji if self.unseen else {}
        of = held if held.get(key) else self.material.emoji
        return Image.fromarray(self.random.choice(of[key]))
