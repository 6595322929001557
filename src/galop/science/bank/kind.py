"""What a kind of question is made of, and what their texts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from galop.science import formulas


@dataclass(frozen=True)
class BankQuestion:
    """A question as it is asked, with its answer."""

    id: str
    kind: str
    stratum: str
    text: str
    answer: float | None  # None where it cannot be determined
    unit: str
    tolerance: float  # relative
    source: str


@dataclass(frozen=True)
class QuestionDraft:
    """One set of numbers: both texts, and the answer."""

    en: str
    fr: str
    answer: float | None
    unit: str


@dataclass(frozen=True)
class Kind:
    """Questions that resemble each other: the same text with other numbers."""

    name: str
    stratum: str
    tolerance: float
    source: str
    draw: Callable[[Random], QuestionDraft]


KINDS: dict[str, Kind] = {}


def kind(
    stratum: str, source: str, tolerance: float = 0.01
) -> Callable[[Callable[[Random], QuestionDraft]], Callable[[Random], QuestionDraft]]:
    """Adds a maker of questions to KINDS, as the kind of its name."""

    def register(draw: Callable[[Random], QuestionDraft]) -> Callable[[Random], QuestionDraft]:
        KINDS[draw.__name__] = Kind(draw.__name__, stratum, tolerance, source, draw)
        return draw

    return register


def compute(name: str, result: str, /, **given: float | str) -> float:
    """One result of a formula, of numbers in its own units."""
    value = formulas()[name].apply(**given)[result]
    assert isinstance(value, float)
    return value


def electrons(count: float, word: str = "electron") -> str:
    """So many electrons, in English or with their French word."""
    return f"{count:g} {word}{'' if count == 1 else 's'}"


def vowel(word: str) -> bool:
    """Whether a French word takes an apostrophe before it."""
    return word[0] in "aeiouéèh"


def le(word: str) -> str:
    """A French word with its article, at the beginning of a sentence."""
    return f"L'{word}" if vowel(word) else f"Le {word}"


def de(word: str) -> str:
    """`Of`, before a French word."""
    return f"d'{word}" if vowel(word) else f"de {word}"


def du(word: str) -> str:
    """`Of the`, before a French word, at the beginning of a sentence."""
    return f"De l'{word}" if vowel(word) else f"Du {word}"


METALS = [("iron", "fer", 55.845, 2, 7.87), ("zinc", "zinc", 65.38, 2, 7.14), ("copper", "cuivre", 63.546, 2, 8.96),
          ("aluminium", "aluminium", 26.982, 3, 2.70), ("nickel", "nickel", 58.693, 2, 8.90)]  # fmt: skip
PAIRS = [("LH2", "LOX", 4, 7), ("LCH4", "LOX", 2.8, 3.8), ("RP-1", "LOX", 2.2, 2.9), ("MMH", "N2O4", 1.8, 2.4)]


def draw_propellants(r: Random) -> dict[str, Any]:
    """Inputs of the formula `isp`: a pair, its mixture ratio, pressure and area ratio."""
    fuel, oxidiser, low, high = r.choice(PAIRS)
    return {"fuel": fuel, "oxidiser": oxidiser, "of": round(r.uniform(low, high), 1), "pressure": r.randrange(20, 200, 5),
            "area_ratio": r.randrange(10, 150, 5)}  # fmt: skip
