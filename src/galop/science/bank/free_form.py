"""Technical questions in free form, as an engineer or a student types them, English and French.

Their kinds are those of textbooks, their words and numbers their own; each answer follows from the arithmetic beside
its question and from a second way (`tests/science/free_form_checks.py`). Five strata: a formula used `direct`ly, one
that has to be `inverse`d, several that have to be `composed`, data that are `missing`, and `no_formula` that leads
there. The SHA-256 of a question's text says whether it is shown or kept for the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from typing import Literal
from unicodedata import combining, normalize

F, R, G0 = 96485.33212, 8.314462618, 9.80665
STRATA = ("direct", "inverse", "composed", "missing", "no_formula")
FIELDS = ("rockets", "cells", "fluids")
Half = Literal["shown", "kept"]


@dataclass(frozen=True)
class FreeFormQuestion:
    """A question and its answer; None where something is missing or no formula leads there."""

    id: str
    language: Literal["en", "fr"]
    stratum: str
    source: str  # the kind of textbook that asks such things
    text: str
    answer: float | None
    unit: str  # of the answer; "" for a pure number
    tolerance: float = 0.02  # relative
    missing: str = ""  # what is, in words without accents that name it, any of which will do: "isp|specific impulse"

    def names_missing(self, reply: str) -> bool:
        """Whether a reply says what is missing."""
        plain = "".join(c for c in normalize("NFD", reply.lower()) if not combining(c))
        return bool(self.missing and re.search(rf"\b(?:{self.missing})", plain))

    @property
    def half(self) -> Half:
        """Whether it may be looked at by who mends the program."""
        return "kept" if sha256(self.text.encode()).digest()[0] % 2 else "shown"


def load_free_form(half: Half) -> list[FreeFormQuestion]:
    """The questions of one half, field by field."""
    modules = [import_module(f"galop.science.bank.free_form_{half}_{field}") for field in FIELDS]
    return [question for module in modules for question in module.QUESTIONS]


def solve(difference: Callable[[float], float], low: float, high: float) -> float:
    """The root of a function between two points where its signs differ, by bisection."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if (difference(middle) < 0) == (difference(low) < 0) else (low, middle)
    return (low + high) / 2
