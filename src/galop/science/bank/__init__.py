"""Technical questions generated from a seed, with answers from the formulas, in English and French.

Three strata by what can help: one `tool` suffices, tools have to be `composed`, or `none` is the answer key (only the
calculator helps). Some questions cannot be answered, and saying so is right. A kind is a function in a stratum's file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Literal

from galop.science.bank import composed, no_tool, one_tool, unanswerable  # noqa: F401  (they fill KINDS)
from galop.science.bank.kind import KINDS, BankQuestion, Kind

STRATA = ("tool", "composed", "none", "unanswerable")
Language = Literal["en", "fr"]
FORM = {
    "en": "Give the last line as ANSWER: number unit, in {unit}. If it cannot be determined, write ANSWER: unknown",
    "fr": "Donnez la dernière ligne sous la forme ANSWER: nombre unité, en {unit}. "
    "Si cela ne peut être déterminé, écrivez ANSWER: unknown",
}


def questions(count: int, seed: int = 0, language: Language = "en") -> list[BankQuestion]:
    """`count` questions, each kind as often as the others; the same from the same seed."""
    random = Random(f"bank {seed}")
    return [draw_question(k, random, language, i) for i, k in zip(range(count), shuffle_kinds(random), strict=False)]


def shuffle_kinds(random: Random) -> Iterator[Kind]:
    """All kinds in one order after another, without end."""
    while True:
        yield from random.sample(sorted(KINDS.values(), key=lambda kind: STRATA.index(kind.stratum)), len(KINDS))


def draw_question(kind: Kind, random: Random, language: Language, number: int) -> BankQuestion:
    """The question `number` of a set, of a kind; in French with decimal commas."""
    draft = kind.draw(random)
    text = draft.en if language == "en" else re.sub(r"(\d)\.(\d)", r"\1,\2", draft.fr)
    asked = f"{text}\n{FORM[language].format(unit=draft.unit.removeprefix('Δ') or ('a pure number' if language == 'en' else 'un nombre'))}"
    return BankQuestion(
        f"{kind.name}-{number}", kind.name, kind.stratum, asked, draft.answer, draft.unit, kind.tolerance, kind.source
    )
