"""Compiles the constraint of tool calls: each schema is followed, or loosened until the grammar can follow it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from galop.chat.response_format import ResponseFormat
from galop.chat.tool_formats import ToolCallFormat
from galop.chat.tool_schema import LOOSEST, ToolSchema, tool_schema
from galop.chat.tools import Tool
from galop.errors import ConstraintError

if TYPE_CHECKING:
    from galop.backends.protocol import AnswerConstraint

PATIENCE = 10.0  # seconds in which tools are followed one by one as far as each can be


def compile_calls(
    compile: Callable[[ResponseFormat], AnswerConstraint],
    token_id: Callable[[str], int | None],
    format: ToolCallFormat,
    tools: Sequence[Tool],
    choice: str = "auto",
    several: bool = True,
    form: ResponseFormat | None = None,
) -> AnswerConstraint | None:
    """The constraint of an answer that calls `tools` as `choice` says ("auto", "required" or a name), written in
    `format`, and of its text where that is constrained to `form`.

    A tool that is not `strict` is constrained to as much of its schema as can be followed. None where all of them
    together are too much and nothing has to be constrained. Raises ConstraintError.
    """
    functions = [tool["function"] for tool in tools]

    def build(tools: Sequence[ToolSchema], choice: str = choice) -> AnswerConstraint:
        one = not several or choice not in ("auto", "required")
        calls = format.grammar(tools, choice != "auto", not one, token_id)
        return compile(calls.with_text(form) if form and choice == "auto" else calls)

    deadline = time.monotonic() + PATIENCE

    def loosen(function: Mapping[str, Any]) -> ToolSchema:
        """As much of a function's schema as can be followed."""
        strict = function.get("strict") is True
        for loose in range(LOOSEST + 1):
            if loose < LOOSEST and time.monotonic() > deadline and not strict:
                continue
            try:
                arguments = tool_schema(function, loose)
                build([arguments], "required")
                return arguments
            except ConstraintError as error:
                if strict or loose == LOOSEST:
                    failure = ConstraintError(f"{function['name']}: {error}")
                    failure.param = "tools"
                    raise failure from None
        raise AssertionError

    try:
        return build([tool_schema(function) for function in functions])
    except ConstraintError:
        alone = [loosen(function) for function in functions]
    try:
        return build(alone)
    except ConstraintError:  # all of them are too much
        if form or choice != "auto" or any(one.strict for one in alone):
            raise
        return None
