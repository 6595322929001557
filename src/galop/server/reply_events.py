"""What a reply sends while it is made: text, tool calls and their parts, and the end, each of one of its choices.

`index` says which of the choices, in the order of the prompts and of each one's `n`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from galop.backends.events import Done, Text
from galop.chat.tools import ToolCall


@dataclass
class TextDelta:
    """Some more text of a choice, of its answer or of its thinking."""

    index: int
    event: Text
    science: dict[str, Any] | None = None  # what it rests on, where it was computed

    @property
    def text(self) -> str:
        """The text itself."""
        return self.event.text

    @property
    def thinking(self) -> bool:
        """Whether it belongs to the thinking before the answer."""
        return self.event.thinking


@dataclass
class CallDelta:
    """Some more of a tool call's arguments, as JSON; the first of a call is empty, its `CompleteToolCall` ends it."""

    index: int
    name: str
    id: str
    text: str


@dataclass
class CompleteToolCall:
    """A tool call of a choice, as a whole."""

    index: int
    call: ToolCall
    id: str

    @property
    def function(self) -> dict[str, str]:
        """As OpenAI writes it, arguments in JSON."""
        arguments = self.call.written or json.dumps(self.call.arguments, ensure_ascii=False)
        return {"name": self.call.name, "arguments": arguments}


@dataclass
class ChoiceEnd:
    """The end of a choice: why, and what it took."""

    index: int
    done: Done


@dataclass
class Choice:
    """A choice as a whole, and the events its text came in."""

    text: str = ""
    thinking: str = ""
    calls: list[CompleteToolCall] = field(default_factory=list)
    science: dict[str, Any] | None = None
    events: list[Text] = field(default_factory=list)
