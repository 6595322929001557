"""Tools and calls of them, as values: what a request offers and what a model asks for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from galop.errors import ConstraintError

Tool = Mapping[str, Any]
"""A tool as OpenAI's API describes it: {"type": "function", "function": {"name", "description", "parameters"}}."""
Schemas = Mapping[str, Any]
"""The JSON schema of each tool's arguments, by the tool's name."""


@dataclass(frozen=True)
class ToolCall:
    """A call that a model made: the name of a tool that was offered, and its arguments as JSON values."""

    name: str
    arguments: dict[str, Any]
    written: str = field(default="", compare=False)  # the arguments as the model wrote them, where deltas came before


@dataclass(frozen=True)
class ToolCallDelta:
    """A piece of a call's arguments, as JSON, of which no more can turn out to be text; the first is empty. The
    `ToolCall` follows unless the reply is cut off."""

    name: str
    text: str


def check_tools(tools: Sequence[Tool], choice: str) -> None:
    """Raises ConstraintError for tools that are not described as they have to be, and for a choice of none of them."""
    for i, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise ConstraintError(f'tools[{i}] is not of the form {{"type": "function", "function": {{"name": ...}}}}')
    if choice not in ("auto", *(["required"] if tools else []), *(tool["function"]["name"] for tool in tools)):
        raise ConstraintError(f"tool_choice is {choice[:60]!r}, and there is no such tool to call")


def schemas_of(tools: Sequence[Tool]) -> Schemas:
    """The schemas of the tools' arguments; {} for a tool without one."""
    return {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}


def make_call(name: str, arguments: Any, schemas: Schemas) -> ToolCall:
    """Raises ValueError for a tool that was not offered, and for arguments that cannot be written as a JSON object,
    such as infinity or half a character."""
    if name not in schemas or not isinstance(arguments, dict):
        raise ValueError("this calls no tool that was offered")
    json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode()
    return ToolCall(name, arguments)


def call_from_object(value: Any, schemas: Schemas, whole: bool = False) -> ToolCall:
    """A call from its object, {"name": ..., "arguments" or "parameters": ...}; arguments may be JSON in a string.

    Raises ValueError for what calls no tool that is offered, has arguments that cannot be written as JSON, or is to be
    `whole` and names no arguments."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("a call has a name")
    if whole and "arguments" not in value and "parameters" not in value:
        raise ValueError("a call has arguments")
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = json.loads(arguments or "{}", strict=False)
    return make_call(value["name"].strip(), {} if arguments is None else arguments, schemas)


def make_encodable(value: Any) -> Any:
    """A JSON value with numbers that are too large made the largest, and halves of characters replaced."""
    if isinstance(value, float):
        return value if math.isfinite(value) else math.copysign(1.7976931348623157e308, value)
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {make_encodable(k): make_encodable(v) for k, v in value.items()}
    return [make_encodable(v) for v in value] if isinstance(value, list) else value
