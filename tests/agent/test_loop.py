"""The tool loop against a backend of a few lines: all that it knows of one is the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from galop.agent.loop import converse
from galop.agent.toolbox import ToolboxGroup, ToolResult
from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Backend, Capabilities
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool, ToolCall
from galop.engine.sampling import Sampling

DONE = Done("stop", 5, 0, 3, 0.1, 0.1, 0.1)
ADD: Tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
CALL = ToolCall("add", {"a": 2, "b": 2})


class Scripted:
    """Gives the replies it was given, one after the other, and keeps what it was asked."""

    name, answered_by, waited, price, capabilities = "scripted", "", 0.0, None, Capabilities()

    def __init__(self, *replies: Sequence[Event]) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[list[Message], Sequence[Tool], dict[str, Any]]] = []

    def chat(
        self,
        messages: Sequence[Message],
        thinking: Thinking | None = None,
        tools: Sequence[Tool] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Any,
    ) -> Iterator[Event]:
        self.asked.append((list(messages), tools, options))
        for event in self.replies.pop(0):
            if cancelled() and not isinstance(event, Done):
                continue
            yield event

    def sampling_for(self, thinking: Thinking | None) -> Sampling:
        return Sampling()

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        return 1000

    def close(self) -> None:
        pass


class Adder:
    def tools(self, question: str) -> Sequence[Tool]:
        return [ADD]

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        return str(arguments["a"] + arguments["b"])

    def asks_first(self, name: str) -> bool:
        return False


def run(backend: Backend, **options: Any) -> tuple[str, list[ToolResult], list[Message]]:
    messages: list[Message] = [{"role": "user", "content": "2+2?"}]
    events = list(converse(backend, messages, ToolboxGroup([Adder(), Adder()]), **options))
    text = "".join(e.text for e in events if isinstance(e, Text) and not e.thinking)
    return text, [e for e in events if isinstance(e, ToolResult)], messages


def test_a_call_is_run_and_its_result_is_read() -> None:
    backend = Scripted([Text("hm", thinking=True), CALL, DONE], [Text("It is "), Text("4."), DONE])
    text, results, messages = run(backend, tool_choice="required", max_tokens=9)
    assert text == "It is 4." and [r.text for r in results] == ["4"]
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "assistant"]
    assert messages[1]["reasoning_content"] == "hm" and messages[1]["tool_calls"][0]["function"]["name"] == "add"
    assert [options for *_, options in backend.asked] == [
        {"tool_choice": "required", "max_tokens": 9},
        {"tool_choice": "auto", "max_tokens": 9},  # the call came to something
    ]
    assert all(tools == [ADD] for _, tools, _ in backend.asked)


def test_a_model_that_has_lost_its_thread_is_asked_once_more_with_the_results_alone() -> None:
    spelled = [Text('{"name": "add", '), Text('"arguments": {}}'), DONE]
    for again in ([CALL, DONE], spelled):  # it calls again, or spells its call out
        backend = Scripted([CALL, DONE], again, [Text("4"), DONE])
        text, results, messages = run(backend)
        assert text == "4" and len(results) == 1 and messages[-1] == {"role": "assistant", "content": "4"}
        [last], tools, _ = backend.asked[-1]
        assert not tools and "This has been computed" in last["content"] and "add(a=2, b=2)\n4" in last["content"]


def test_a_conversation_ends_where_it_is_cancelled() -> None:
    backend = Scripted([Text("It is"), DONE], [Text("never asked"), DONE])
    text, results, messages = run(backend, cancelled=lambda: True)
    assert (text, results, len(messages), len(backend.asked)) == ("", [], 2, 1)
