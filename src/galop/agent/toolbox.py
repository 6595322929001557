"""Where the tools of a conversation come from, and the result of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from galop.chat.tools import Tool, ToolCall
from galop.errors import GalopError

LONGEST_RESULT = 8000  # characters


class Toolbox(Protocol):
    """Where tools come from."""

    def tools(self, question: str) -> Sequence[Tool]:
        """Those that may help with a question, asked for before each reply."""

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The result of a tool, in a time that it keeps to itself. Raises GalopError."""

    def asks_first(self, name: str) -> bool:
        """Whether a person should say yes before it is called."""


@dataclass(frozen=True)
class ToolResult:
    """What a call came to."""

    call: ToolCall
    text: str
    failed: bool


class ToolboxGroup:
    """Several toolboxes as one; the first that has a tool of a name runs it."""

    def __init__(self, boxes: Sequence[Toolbox]) -> None:
        self._boxes = boxes
        self._owner: dict[str, Toolbox] = {}

    def tools(self, question: str) -> Sequence[Tool]:
        """The tools of all boxes for a question, one of each name."""
        tools: dict[str, Tool] = {}
        for box in self._boxes:
            for tool in box.tools(question):
                name = tool["function"]["name"]
                if name not in tools:
                    tools[name], self._owner[name] = tool, box
        return list(tools.values())

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The result of a tool that `tools` gave. Raises GalopError."""
        return self._owner[name].call(name, arguments)

    def asks_first(self, name: str) -> bool:
        """Whether a person should say yes before it is called."""
        return self._owner[name].asks_first(name)


def run_call(call: ToolCall, toolbox: Toolbox, names: Sequence[str], allow: Callable[[ToolCall], bool]) -> ToolResult:
    """Runs a call of one of the tools `names`, if a person who has to be asked says yes by `allow`.

    Whatever goes wrong is the result, in a sentence for the model.
    """
    if call.name not in names:
        return ToolResult(call, f"there is no tool {call.name[:60]!r}; there are: {', '.join(names)}", True)
    if toolbox.asks_first(call.name) and not allow(call):
        return ToolResult(call, "the user does not want this call", True)
    try:
        text = toolbox.call(call.name, call.arguments)
    except GalopError as error:
        return ToolResult(call, str(error), True)
    except Exception as error:  # a tool may fail in any way; the conversation goes on
        return ToolResult(call, f"{call.name} failed: {type(error).__name__}: {str(error)[:200]}", True)
    return ToolResult(call, truncate(text, LONGEST_RESULT), False)


def format_call(call: ToolCall) -> str:
    """A call as Python writes it."""
    return f"{call.name}({', '.join(f'{k}={v!r}' for k, v in call.arguments.items())})"


def truncate(text: str, most: int) -> str:
    """The first characters of a text, and a word where there were more."""
    return text if len(text) <= most else f"{text[:most]} ... (cut off)"
