"""A conversation in which the model may call tools: calls are carried out and their results read, until it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event as Flag
from typing import Any, Protocol

from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Backend
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool, ToolCall
from galop.errors import GalopError

ROUNDS = 8
INSIST = 6  # rounds in which a call that is required stays so
LONGEST = 8000  # characters of a result
ANSWER = (
    "Answer the question with what has been computed, shortly, in its language, with units, in the form it asks for."
)
FIRST_WORDS = 240  # characters


class Toolbox(Protocol):
    """Where tools come from."""

    def tools(self, question: str) -> Sequence[Tool]:
        """Those that may help with a question, asked for before each reply."""

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """What a tool gives, in a time that it keeps to itself. Raises GalopError."""

    def asks_first(self, name: str) -> bool:
        """Whether a person should say yes before it is called."""


@dataclass(frozen=True)
class Result:
    """What a call came to."""

    call: ToolCall
    text: str
    failed: bool


def converse(
    model: Backend,
    messages: list[Message],
    toolbox: Toolbox,
    thinking: Thinking | None = None,
    allow: Callable[[ToolCall], bool] = lambda _: True,
    until: Callable[[Result], bool] = lambda result: not result.failed,
    **options: Any,
) -> Iterator[Event | Result]:
    """Answers `messages`, to which calls, results and the answer are added. Options are `Backend.chat`'s.

    `allow` is asked before a call that changes anything. A `tool_choice` holds `until` a call came to what was wanted,
    and no longer than INSIST rounds. A model that makes a call again, or ROUNDS of them, has lost its thread: it is
    asked once more with nothing but the question and the results.
    """
    question = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    made: set[str] = set()
    results: list[Result] = []
    cancelled: Callable[[], bool] = options.pop("cancelled", lambda: False)
    enough = Flag()
    for left in reversed(range(ROUNDS + 1)):
        calls: dict[str, ToolCall] = {}
        said, thought, held = "", "", ""
        lost = False
        enough.clear()
        tools = list(toolbox.tools(question))
        names = [tool["function"]["name"] for tool in tools]
        for event in model.chat(messages, thinking, tools, cancelled=lambda: enough.is_set() or cancelled(), **options):
            if isinstance(event, ToolCall):
                key = json.dumps([event.name, event.arguments], sort_keys=True)
                lost = lost or key in made or left == 0
                if lost or key in calls:
                    enough.set()  # it goes round in circles
                calls.setdefault(key, event)
            elif isinstance(event, Text) and not event.thinking:
                said, held = said + event.text, held + event.text
                # Once there are results, the first words tell whether a small model only spells out its call again.
                if results and any(f'"{name}"' in said[:FIRST_WORDS] for name in names):
                    lost = True
                    enough.set()
                if not enough.is_set() and (not results or len(said) > FIRST_WORDS):
                    yield replace(event, text=held)
                    held = ""
            else:
                thought += event.text if isinstance(event, Text) else ""
                if held and isinstance(event, Done) and not lost:
                    yield Text(held)
                yield event
        stopped = cancelled()
        if lost and not stopped:
            calls, said = {}, ""
            for event in model.chat([asked_again(question, results)], thinking, cancelled=cancelled, **options):
                said += event.text if isinstance(event, Text) and not event.thinking else ""
                yield event
        functions = [
            {"type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in calls.values()
        ]
        message: Message = {"role": "assistant", "content": said}
        message |= ({"reasoning_content": thought} if thought else {}) | ({"tool_calls": functions} if calls else {})
        messages.append(message)
        if not calls or stopped:
            return
        made.update(calls)
        for call in calls.values():
            result = carried_out(call, toolbox, names, allow)
            room = 2 * model.room(messages, tools)  # characters, to be safe
            messages.append({"role": "tool", "name": call.name, "content": cut(result.text, max(200, room))})
            results.append(result)
            yield result
        if left <= ROUNDS + 1 - INSIST or until(results[-1]):
            options["tool_choice"] = "auto"


def asked_again(question: str, results: Sequence[Result]) -> Message:
    known = "\n\n".join(f"{shown(result.call)}\n{result.text}" for result in results)
    return {"role": "user", "content": f"{question}\n\nThis has been computed:\n\n{known}\n\n{ANSWER}"}


def shown(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{k}={v!r}' for k, v in call.arguments.items())})"


def carried_out(call: ToolCall, toolbox: Toolbox, names: Sequence[str], allow: Callable[[ToolCall], bool]) -> Result:
    """Whatever goes wrong is told to the model in a sentence."""
    if call.name not in names:
        return Result(call, f"there is no tool {call.name[:60]!r}; there are: {', '.join(names)}", True)
    if toolbox.asks_first(call.name) and not allow(call):
        return Result(call, "the user does not want this call", True)
    try:
        text = toolbox.call(call.name, call.arguments)
    except GalopError as error:
        return Result(call, str(error), True)
    except Exception as error:  # a tool may fail in any way; the conversation goes on
        return Result(call, f"{call.name} failed: {type(error).__name__}: {str(error)[:200]}", True)
    return Result(call, cut(text, LONGEST), False)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} ... (cut off)"


class Together:
    """Several toolboxes as one; the first that has a tool of a name carries it out."""

    def __init__(self, boxes: Sequence[Toolbox]) -> None:
        self._boxes = boxes
        self._owner: dict[str, Toolbox] = {}

    def tools(self, question: str) -> Sequence[Tool]:
        found: dict[str, Tool] = {}
        for box in self._boxes:
            for tool in box.tools(question):
                name = tool["function"]["name"]
                if name not in found:
                    found[name], self._owner[name] = tool, box
        return list(found.values())

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        return self._owner[name].call(name, arguments)

    def asks_first(self, name: str) -> bool:
        return self._owner[name].asks_first(name)
