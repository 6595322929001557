"""The formulas as a model's tools: those that a question may need, and their results in the unit it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import pint

from galop.chat.tools import Tool
from galop.science import formulas
from galop.science.card import Formula, Of, registry, shown, unit_text

FORMAL = "give last line answer number unit pure cannot determined write unknown " \
    "donnez dernière ligne forme nombre unité cela peut être déterminé écrivez"  # fmt: skip
"""Words that say how to answer, not what."""


class Formulas:
    """The tools of galop.science, of which at most `most` are told of, since descriptions take time to read; where the
    answer is wanted in a `unit`, results are given in it too."""

    def __init__(self, unit: str = "", most: int = 5) -> None:
        self._formulas = formulas()
        self._most = most
        self._unit = unit_text(unit.removeprefix("Δ"))
        french: dict[str, str] = json.loads((files("galop.science") / "french.json").read_text("utf-8"))
        self._words = {
            name: terms(f"{f.name} {f.about} {french[name]} {f.schema()}") for name, f in self._formulas.items()
        }

    def tools(self, question: str) -> Sequence[Tool]:
        """The formulas whose words a question shares the most of, rare words counting more, and those that give the
        best two their inputs; the calculator always."""
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
        card = self._formulas[name](**arguments)
        wanted = [self._in_unit(value, unit) for value, unit, _ in card.results.values()]
        return card.brief(wanted)

    def _in_unit(self, value: float | str, unit: str) -> str:
        """A result in the unit that is asked for; "" if it is none of that dimension, or in it anyway."""
        if not self._unit or isinstance(value, str) or unit_text(unit) == self._unit:
            return ""
        try:
            return f"{shown(registry().Quantity(value, unit_text(unit)).to(self._unit).magnitude)} {self._unit}"
        except pint.PintError:
            return ""

    def asks_first(self, name: str) -> bool:
        return False


def feeds(one: Formula, other: Formula) -> bool:
    """Whether a result of one formula can be an input of another: it has its unit, and a word in common."""
    wanted = [of for of, _ in other.parameters.values() if isinstance(of, Of) and of.unit]
    return one is not other and any(
        of.unit == given.unit and terms(of.what) & terms(given.what) for of in wanted for given in one.gives.values()
    )


def terms(text: str) -> set[str]:
    """Words by their stems, roughly: the first six letters."""
    return {word[:6] for word in re.findall(r"[^\W\d_]{3,}|lh2|lox|rp", text.lower())}
