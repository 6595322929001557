"""A conversation in which the model may call tools: calls are carried out and their results read, until it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from galop.chat.template import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import Call, Tool
from galop.errors import GalopError
from galop.model import Event, Model, Text

ROUNDS = 8
SECONDS = 60.0  # for a call
LONGEST = 8000  # characters of a result


class Toolbox(Protocol):
    """Where tools come from."""

    def tools(self, question: str) -> Sequence[Tool]:
        """Those that may help with a question."""

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """What a tool gives. Raises GalopError."""

    def asks_first(self, name: str) -> bool:
        """Whether a person should say yes before it is called."""


@dataclass(frozen=True)
class Result:
    """What a call came to."""

    call: Call
    text: str
    failed: bool


def converse(
    model: Model,
    messages: list[Message],
    toolbox: Toolbox,
    thinking: Thinking | None = None,
    allow: Callable[[Call], bool] = lambda _: True,
    **options: Any,
) -> Iterator[Event | Result]:
    """Answers `messages`, to which calls, results and the answer are added. Options are `Model.chat`'s.

    `allow` is asked before a call that changes anything. A call that is made twice alike, or the last of ROUNDS, leaves
    the model no tools, so that it has to answer.
    """
    question = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    tools = list(toolbox.tools(question))
    made: set[str] = set()
    for left in reversed(range(ROUNDS)):
        calls: list[Call] = []
        said, thought = "", ""
        for event in model.chat(messages, thinking, tools, **options):
            if isinstance(event, Call):
                calls.append(event)
            elif isinstance(event, Text):
                said, thought = (said, thought + event.text) if event.thinking else (said + event.text, thought)
            yield event
        functions = [{"type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in calls]
        message: Message = {"role": "assistant", "content": said}
        message |= ({"reasoning_content": thought} if thought else {}) | ({"tool_calls": functions} if calls else {})
        messages.append(message)
        if not calls:
            return
        repeated = False
        for call in calls:
            key = json.dumps([call.name, call.arguments], sort_keys=True)
            if key in made:
                repeated = True
                result = Result(call, "this was called before, with the result above; answer with it", True)
            else:
                result = carried_out(call, toolbox, [t["function"]["name"] for t in tools], allow)
            made.add(key)
            messages.append({"role": "tool", "name": call.name, "content": result.text})
            yield result
        if repeated or left == 1:
            tools = []
            options.pop("tool_choice", None)


def carried_out(call: Call, toolbox: Toolbox, names: Sequence[str], allow: Callable[[Call], bool]) -> Result:
    """Whatever goes wrong is told to the model in a sentence."""
    if call.name not in names:
        return Result(call, f"there is no tool {call.name[:60]!r}; there are: {', '.join(names)}", True)
    if toolbox.asks_first(call.name) and not allow(call):
        return Result(call, "the user does not want this call", True)
    pool = ThreadPoolExecutor(1)
    try:
        text = pool.submit(toolbox.call, call.name, call.arguments).result(SECONDS)
    except Late:
        return Result(call, f"{call.name} did not answer within {SECONDS:g} s", True)
    except GalopError as error:
        return Result(call, str(error), True)
    except Exception as error:  # a tool may fail in any way; the conversation goes on
        return Result(call, f"{call.name} failed: {type(error).__name__}: {str(error)[:200]}", True)
    finally:
        pool.shutdown(wait=False)
    return Result(call, text if len(text) <= LONGEST else f"{text[:LONGEST]} ... (cut off)", False)


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


class Formulas:
    """The tools of galop.science."""

    def __init__(self, most: int = 6) -> None:
        from galop.science import formulas

        self._formulas = formulas()
        self._most = most  # that are told of: descriptions take time to read

    def tools(self, question: str) -> Sequence[Tool]:
        """The formulas whose words a question shares the most of, rare words counting more; the calculator always."""
        french = in_french()
        words = {name: terms(f"{f.name} {f.about} {french[name]} {f.schema()}") for name, f in self._formulas.items()}
        asked = terms(question)
        count = {word: sum(word in known for known in words.values()) for word in asked}
        score = {name: sum(1 / count[w] for w in asked & known) for name, known in words.items()}
        best = sorted((n for n in score if score[n] > 0), key=lambda n: -score[n])[: self._most - 1]
        return [self._formulas[name].tool() for name in dict.fromkeys([*best, "calculate"])]

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        return self._formulas[name](**arguments).text()

    def asks_first(self, name: str) -> bool:
        return False


@cache
def in_french() -> dict[str, str]:
    """What each formula is about, in French."""
    found: dict[str, str] = json.loads((files("galop.science") / "french.json").read_text("utf-8"))
    return found


def terms(text: str) -> set[str]:
    """Words by their stems, roughly: the first six letters."""
    return {word[:6] for word in re.findall(r"[^\W\d_]{3,}|lh2|lox|rp", text.lower())}
