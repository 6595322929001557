"""The process in which `Planner` has questions planned: `python -m galop.agent.planner_child`."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from galop.agent.planner import COMPUTING, MEMORY
from galop.agent.science import plan
from galop.chat.messages import Message
from galop.child import answer_lines
from galop.errors import GalopError
from galop.science.planning.answer import Answer
from galop.science.planning.proposal import Proposal

NO_QUESTION = Answer("no_formula", "This asks for no quantity that could be computed.")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The `proposal` for `texts`, None where they ask for no number unless there `must` be one; or an `error`."""
    messages: list[Message] = [{"role": "user", "content": text} for text in request["texts"]]
    try:
        proposal = plan(messages)
        if request["must"] and (proposal is None or proposal.is_own):
            proposal = Proposal("", NO_QUESTION)
        return {"proposal": proposal and proposal.data()}
    except GalopError as error:
        return {"error": str(error)}
    except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        sentence = f"This could not be computed ({type(error).__name__}); ask it in other words."
        return {"proposal": Proposal("", Answer("unfinished", sentence)).data()}


if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")  # the answers'; libraries print where they always do,
    os.dup2(2, 1)  # which nobody reads
    warnings.simplefilter("ignore")
    if hasattr(os, "nice"):  # whoever is being answered by a model goes first
        os.nice(5)
    answer_lines(answer, MEMORY, COMPUTING)
