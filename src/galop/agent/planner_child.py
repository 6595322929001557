"""The process in which questions are planned and formulas computed: `python -m galop.agent.planner_child`."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from galop.agent.planner import COMPUTING, MEMORY
from galop.agent.science import plan
from galop.child import answer_lines
from galop.errors import GalopError
from galop.science import formulas
from galop.science.planning.answer import Answer
from galop.science.planning.variables import by_dimension, rarity, topic_rarity

NO_QUESTION = Answer("no_formula", "This asks for no quantity that could be computed.")
MISTAKES = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError)


def reply(request: dict[str, Any]) -> dict[str, Any]:
    """What a request comes to, or the `error` that a person may read."""
    try:
        return {"text": compute(**request)} if "formula" in request else {"answer": answer(**request)}
    except GalopError as error:
        return {"error": str(error)}


def answer(texts: list[str], must: bool) -> dict[str, Any] | None:
    """The answer to the last of `texts`, None where it asks for no number unless there `must` be one."""
    try:
        found = plan(texts)
    except MISTAKES as error:
        sentence = f"This could not be computed ({type(error).__name__}); ask it in other words."
        found = Answer("unfinished", sentence)
    if must and (found is None or found.is_own):
        found = NO_QUESTION
    return found.data() if found else None


def compute(formula: str, inputs: dict[str, Any]) -> str:
    """What a formula gives, with what that rests on. Raises GalopError."""
    return formulas()[formula](**inputs).text()


if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")  # the answers'; libraries print where they always do,
    os.dup2(2, 1)  # which nobody reads
    warnings.simplefilter("ignore")
    if hasattr(os, "nice"):  # whoever is being answered by a model goes first
        os.nice(5)
    for table in (by_dimension, rarity, topic_rarity):  # before anybody asks
        table()
    answer_lines(reply, MEMORY, COMPUTING)
