"""The formulas as a model's tools: those that a question may need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from galop.science import formulas
from galop.science.formula import Formula, Quantity, Tool

FORMAL = "what the and its are not there give last line answer number unit pure cannot determined write unknown " \
    "how much many does that has have with from for into per combien que est une des les dans par pour avec quelle " \
    "donnez dernière ligne forme nombre unité cela peut être déterminé écrivez"  # fmt: skip
"""Words that say how to answer, or nothing."""


class FormulaToolbox:
    """The tools of galop.science, of which at most `most` are shown, since descriptions take time to read."""

    def __init__(self, most: int = 4) -> None:
        self._formulas = formulas()
        self._most = most

    def tools(self, question: str) -> Sequence[Tool]:
        """Those whose words fit a question best; the calculator always."""
        score = score_formulas(question)
        told = sorted((n for n in score if score[n] > 0), key=lambda n: -score[n])[: self._most - 1]
        # In one order, so that what was read for one question need not be read again for the next like it.
        return [formula.tool() for name, formula in self._formulas.items() if name in told or name == "calculate"]

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Computes with a formula; gives the results and their source. Raises ScienceError."""
        return self._formulas[name](**arguments).brief()

    def asks_first(self, name: str) -> bool:
        """Never: a formula changes nothing."""
        return False


@cache
def vocabulary() -> dict[str, set[str]]:
    """The words of each formula, in English and French."""
    return {name: stems(f"{f.name} {f.about} {f.words} {f.schema()}") for name, f in formulas().items()}


def score_formulas(question: str) -> dict[str, float]:
    """How well each formula's words fit a question's, rare words counting more; what gives the best two their inputs
    has a part in their score."""
    words = vocabulary()
    asked = stems(question) - stems(FORMAL)
    count = {word: sum(word in known for known in words.values()) for word in asked}
    score = {name: sum(1 / count[w] for w in sorted(asked & known)) for name, known in words.items()}
    for best in sorted(score, key=lambda n: -score[n])[:2]:
        for name, formula in formulas().items():
            if can_feed(formula, formulas()[best]):
                score[name] += score[best] / 3
    return score


def can_feed(one: Formula, other: Formula) -> bool:
    """Whether a result of one formula can be an input of another."""
    return one is not other and any(
        can_give(one, of) for of, _ in other.parameters.values() if isinstance(of, Quantity)
    )


def can_give(formula: Formula, wanted: Quantity) -> bool:
    """Whether one of its results is what is wanted: of that unit, and with a word in common."""
    return bool(wanted.unit) and any(
        wanted.unit == of.unit and stems(wanted.what) & stems(of.what) for of in formula.gives.values()
    )


def stems(text: str) -> set[str]:
    """Words by their stems, roughly: the first six letters."""
    return {word[:6] for word in re.findall(r"[^\W\d_]{3,}|lh2|lox|rp", text.lower())}
