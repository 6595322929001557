"""The formulas as a model's tools: those that a question may need, and their results in the unit it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from inspect import Parameter
from math import isclose, log10
from typing import Any

from galop.chat.tools import Tool
from galop.science import formulas
from galop.science.card import NUMBER, Card, Formula, Of, ScienceError, in_unit, number, shown

FORMAL = "what the and its are not there give last line answer number unit pure cannot determined write unknown " \
    "donnez dernière ligne forme nombre unité cela peut être déterminé écrivez"  # fmt: skip
"""Words that say how to answer, or nothing."""
FREE = (0.5, 100.0, 1000.0, 3600.0)
ICE, HOURS = 273.15, (60.0, 3600.0)  # between units of temperature, and of time


class Formulas:
    """The tools of galop.science, of which at most `most` are told of, since descriptions take time to read.

    Where the answer is wanted in a `unit`, "" for a pure number, results that measure the same come first, in that
    unit, and `answered` says whether there was one. If `strict`, a call has to do with the numbers of the question and
    of results, so that a model cannot make up what it has not been told.
    """

    def __init__(self, unit: str | None = None, strict: bool = False, most: int = 4) -> None:
        self._formulas = formulas()
        self._most = most
        self._strict = strict
        self._known: set[float] = set()
        self._unit = None if unit is None else unit.removeprefix("Δ")
        self.answered = False
        french: dict[str, str] = json.loads((files("galop.science") / "french.json").read_text("utf-8"))
        self._words = {
            name: terms(f"{f.name} {f.about} {french[name]} {f.schema()}") for name, f in self._formulas.items()
        }

    def tools(self, question: str) -> Sequence[Tool]:
        """The formulas whose words a question shares the most of, rare words counting more, and those that give the
        best two their inputs; the calculator always."""
        self._known = numbers(question)
        words = self._words
        asked = terms(question) - terms(FORMAL)
        count = {word: sum(word in known for known in words.values()) for word in asked}
        score = {name: sum(1 / count[w] for w in asked & known) for name, known in words.items()}
        for best in sorted(score, key=lambda n: -score[n])[:2]:
            for name, formula in self._formulas.items():
                if feeds(formula, self._formulas[best]):
                    score[name] += score[best] / 3
        told = sorted((n for n in score if score[n] > 0), key=lambda n: -score[n])[: self._most - 1]
        # In one order, so that what was read for one question need not be read again for the next like it.
        return [formula.tool() for name, formula in self._formulas.items() if name in told or name == "calculate"]

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        card = self._formulas[name](**self._given(self._formulas[name], arguments) if self._strict else arguments)
        self._learn(card)
        if self._unit is not None:
            asked = {name: self._as_asked(value, unit) for name, (value, unit, _) in card.results.items()}
            same = {n: (v, self._unit, card.results[n][2]) for n, v in asked.items() if v is not None}
            card = replace(card, results=same | {n: r for n, r in card.results.items() if n not in same})
            self.answered = self.answered or bool(same)
            self._learn(card)
        return card.brief()

    def _learn(self, card: Card) -> None:
        self._known |= {n for value, _, _ in card.results.values() for n in numbers(shown(value))}

    def _given(self, formula: Formula, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments but for made-up ones that may be left out. Raises ScienceError for one that may not."""
        kept = dict(arguments)
        for name, value in arguments.items():
            kind, default = formula.parameters.get(name, (str, Parameter.empty))
            if isinstance(kind, tuple) or name in ("code", "unit", "in_unit"):
                continue
            made_up = [n for n in numbers(str(value)) if not self._heard(n, free=name == "expression")]
            if made_up and default is not Parameter.empty:
                del kept[name]
            elif made_up:
                sources = [n for n, f in self._formulas.items() if isinstance(kind, Of) and gives(f, kind)]
                advice = f"{' or '.join(sources)} gives it" if sources else "if it is missing, the answer is unknown"
                raise ScienceError(f"{name}: {made_up[0]:g} is neither in the question nor a result; {advice}")
        return kept

    def _heard(self, value: float, free: bool) -> bool:
        """Whether a number is one of those known, in another unit perhaps; in expressions small ones are `free`."""
        if not value or (free and (value in FREE or (value.is_integer() and value <= 10))):
            return True
        other = [value + ICE, value - ICE, *(value * hours for hours in HOURS), *(value / hours for hours in HOURS)]
        return any(alike(value, known) or any(isclose(o, known, rel_tol=1e-4) for o in other) for known in self._known)

    def _as_asked(self, value: float | str, unit: str) -> float | None:
        """A result in the unit that is asked for; None if it measures something else."""
        text = value if isinstance(value, str) else f"{value!r} {unit}".rstrip()
        if self._unit is None or (self._unit and re.fullmatch(NUMBER, text)):
            return None
        try:
            return in_unit(text, self._unit, "")
        except ScienceError:
            return None

    def asks_first(self, name: str) -> bool:
        return False


def numbers(text: str) -> set[float]:
    """Those in a text, without their signs."""
    found = set()
    for match in re.finditer(rf"(?<![\w^.])(?<!\*\*){NUMBER}", text):  # no exponents of units
        with suppress(ValueError):
            found.add(abs(number(match[0].rstrip(",."))))
    return found


def alike(a: float, b: float) -> bool:
    """Equal to four digits but for a power of ten."""
    if a <= 0 or b <= 0:
        return a == b
    decades = log10(a / b)
    return abs(decades - round(decades)) < 5e-5 and abs(decades) < 12.5


def feeds(one: Formula, other: Formula) -> bool:
    """Whether a result of one formula can be an input of another."""
    return one is not other and any(gives(one, of) for of, _ in other.parameters.values() if isinstance(of, Of))


def gives(formula: Formula, wanted: Of) -> bool:
    """Whether one of its results is what is wanted: of that unit, and with a word in common."""
    return bool(wanted.unit) and any(
        wanted.unit == of.unit and terms(wanted.what) & terms(of.what) for of in formula.gives.values()
    )


def terms(text: str) -> set[str]:
    """Words by their stems, roughly: the first six letters."""
    return {word[:6] for word in re.findall(r"[^\W\d_]{3,}|lh2|lox|rp", text.lower())}
