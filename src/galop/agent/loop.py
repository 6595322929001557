"""A conversation in which the model may call tools: calls are run and their results read, until it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from threading import Event as Flag
from typing import Unpack

from galop.agent.toolbox import Toolbox, ToolResult, format_call, run_call, truncate
from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Backend, ChatOptions
from galop.chat.content import text_of
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall

ROUNDS = 8
INSIST = 6  # rounds in which a call that is required stays so
FIRST_WORDS = 240  # characters
ANSWER = (
    "Answer the question with what has been computed, shortly, in its language, with units, in the form it asks for."
)


def converse(
    model: Backend,
    messages: list[Message],
    toolbox: Toolbox,
    thinking: Thinking | None = None,
    allow: Callable[[ToolCall], bool] = lambda _: True,
    until: Callable[[ToolResult], bool] = lambda result: not result.failed,
    cancelled: Callable[[], bool] = lambda: False,
    **options: Unpack[ChatOptions],
) -> Iterator[Event | ToolResult]:
    """Answers `messages`, to which calls, results and the answer are added. Raises what `Backend.chat` raises.

    `allow` is asked before a call that changes anything. A `tool_choice` holds `until` a call gave what was wanted,
    and no longer than INSIST rounds. A model that makes a call again, or ROUNDS of them, has lost its thread: it is
    asked once more with nothing but the question and the results.
    """
    question = text_of(next((m["content"] for m in reversed(messages) if m["role"] == "user"), ""))
    earlier: set[str] = set()  # calls
    results: list[ToolResult] = []
    for left in reversed(range(ROUNDS + 1)):
        tools = list(toolbox.tools(question))
        names = [tool["function"]["name"] for tool in tools]
        reply = _Reply(names, earlier, bool(results), left > 0, cancelled)
        yield from reply.follow(model.chat(messages, thinking, tools, cancelled=reply.is_enough, **options))
        stopped = cancelled()
        if reply.lost and not stopped:
            reply.calls, reply.text = {}, ""
            for event in model.chat([_final_question(question, results)], thinking, cancelled=cancelled, **options):
                reply.text += event.text if isinstance(event, Text) and not event.thinking else ""
                yield event
        messages.append(reply.message())
        if not reply.calls or stopped:
            return
        earlier.update(reply.calls)
        for call in reply.calls.values():
            result = run_call(call, toolbox, names, allow)
            room = 2 * model.room(messages, tools)  # characters, to be safe
            messages.append({"role": "tool", "name": call.name, "content": truncate(result.text, max(200, room))})
            results.append(result)
            yield result
        if left <= ROUNDS + 1 - INSIST or until(results[-1]):
            options["tool_choice"] = "auto"


class _Reply:
    """One reply of a conversation with tools."""

    def __init__(
        self,
        names: Sequence[str],
        earlier: set[str],
        after_results: bool,
        may_call: bool,
        cancelled: Callable[[], bool],
    ) -> None:
        self.calls: dict[str, ToolCall] = {}  # by what they say
        self.text = ""
        self.thinking = ""
        self.lost = False  # whether the model has lost its thread
        self._enough = Flag()  # the rest of it is not wanted
        self._cancelled = cancelled
        self._names = names
        self._earlier = earlier
        self._after_results = after_results
        self._may_call = may_call
        self._pending = ""  # text that was not passed on yet

    def is_enough(self) -> bool:
        """Whether the rest of it is not wanted."""
        return self._enough.is_set() or self._cancelled()

    def follow(self, events: Iterable[Event]) -> Iterator[Event]:
        """Takes the events in, and passes on all but calls and what may turn out to be one spelled out."""
        for event in events:
            if isinstance(event, ToolCall):
                self._add_call(event)
            elif isinstance(event, Text) and not event.thinking:
                yield from self._add_text(event)
            else:
                self.thinking += event.text if isinstance(event, Text) else ""
                if self._pending and isinstance(event, Done) and not self.lost:
                    yield Text(self._pending)
                yield event

    def _add_call(self, call: ToolCall) -> None:
        key = json.dumps([call.name, call.arguments], sort_keys=True)
        self.lost = self.lost or key in self._earlier or not self._may_call
        if self.lost or key in self.calls:
            self._enough.set()  # it goes round in circles
        self.calls.setdefault(key, call)

    def _add_text(self, event: Text) -> Iterator[Event]:
        self.text += event.text
        self._pending += event.text
        # Once there are results, the first words tell whether a small model only spells out its call again.
        if self._after_results and any(f'"{name}"' in self.text[:FIRST_WORDS] for name in self._names):
            self.lost = True
            self._enough.set()
        if not self._enough.is_set() and (not self._after_results or len(self.text) > FIRST_WORDS):
            yield replace(event, text=self._pending)
            self._pending = ""

    def message(self) -> Message:
        """The reply as it stands in the conversation."""
        calls = [
            {"type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in self.calls.values()
        ]
        message: Message = {"role": "assistant", "content": self.text}
        message |= {"reasoning_content": self.thinking} if self.thinking else {}
        return message | ({"tool_calls": calls} if calls else {})


def _final_question(question: str, results: Sequence[ToolResult]) -> Message:
    """The question again, with what its tools gave."""
    known = "\n\n".join(f"{format_call(result.call)}\n{result.text}" for result in results)
    return {"role": "user", "content": f"{question}\n\nThis has been computed:\n\n{known}\n\n{ANSWER}"}
