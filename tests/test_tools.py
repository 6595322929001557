"""Tool calls of every family: published examples, cut anywhere, give the same calls and the same text."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest

from galop import Sampling
from galop.chat.form import Form
from galop.chat.parser import ToolCallParser
from galop.chat.tools import FORMATS, Call, Format
from galop.engine.scheduler import Guide
from galop.model import Done, Model, Text

CODER, HERMES, DEEPSEEK, MISTRAL, PYTHONIC, LLAMA = FORMATS
PARIS = Call("get_weather", {"city": "Paris", "days": 2})
SCHEMAS = {
    "get_weather": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    "say": {"type": "object", "properties": {"text": {"type": "string"}}},
    "f": {},
}
CASES: list[tuple[Format, str, str, list[Call]]] = [
    (HERMES, '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>', "", [PARIS]),
    (
        HERMES,
        'Let me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>\n'
        '<tool_call>\n{"name": "say", "arguments": {"text": "</tool_call> is a tag"}}\n</tool_call>',
        "Let me look.",
        [PARIS, Call("say", {"text": "</tool_call> is a tag"})],
    ),
    (HERMES, 'If a < b then <tool_ is no tag', "If a < b then <tool_ is no tag", []),
    (HERMES, '<tool_call>\nnot JSON\n</tool_call>', "<tool_call>\nnot JSON\n</tool_call>", []),
    (HERMES, '<tool_call>\n{"name": "say", "arguments": {"text": "cut o', '<tool_call>\n{"name": "say", "arguments": {"text": "cut o', []),
    (HERMES, '<tool_call>{"name": "say", "arguments": "{\\"text\\": \\"hi\\"}"}', "", [Call("say", {"text": "hi"})]),
    (HERMES, '```json\n{\n  "name": "get_weather",\n  "arguments": {"city": "Paris", "days": 2}\n}\n```', "", [PARIS]),
    (HERMES, '{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}', "", [PARIS]),
    (HERMES, '{"name": "Paris", "arguments": {}}', '{"name": "Paris", "arguments": {}}', []),
    (HERMES, '```json\n{"name": "get_weather"', '```json\n{"name": "get_weather"', []),
    (
        CODER,
        "I will.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n"
        "</parameter>\n</function>\n</tool_call>",
        "I will.",
        [PARIS],
    ),
    (
        CODER,
        "<tool_call>\n<function=say>\n<parameter=text>\n2\n3\n</parameter>\n</function>\n</tool_call>",
        "",
        [Call("say", {"text": "2\n3"})],
    ),
    (
        DEEPSEEK,
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Paris", "days": 2}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>say\n```json\n'
        '{"text": "hi"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        "",
        [PARIS, Call("say", {"text": "hi"})],
    ),
    (
        DEEPSEEK,
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris", "days": 2}'
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "",
        [PARIS],
    ),
    (MISTRAL, '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}]', "", [PARIS]),
    (
        MISTRAL,
        'One moment.[TOOL_CALLS]get_weather[ARGS]{"city": "Paris", "days": 2}[TOOL_CALLS]say[CALL_ID]a1[ARGS]{"text": "hi"}',
        "One moment.",
        [PARIS, Call("say", {"text": "hi"})],
    ),
    (
        PYTHONIC,
        '[get_weather(city="Paris", days=2), say(text="[1, 2]")]',
        "",
        [PARIS, Call("say", {"text": "[1, 2]"})],
    ),
    (PYTHONIC, "[f(a=true, b=[null, -1.5], c={'d': False})]", "", [Call("f", {"a": True, "b": [None, -1.5], "c": {"d": False}})]),
    (PYTHONIC, "[1] is a reference", "[1] is a reference", []),
    (PYTHONIC, "[f(a=__import__('os').getcwd())]", "[f(a=__import__('os').getcwd())]", []),
    (PYTHONIC, "A list: [f(a=1)]", "A list: [f(a=1)]", []),
    (LLAMA, '{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}', "", [PARIS]),
    (
        LLAMA,
        '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}; '
        '{"name": "say", "parameters": {"text": "hi"}}',
        "",
        [PARIS, Call("say", {"text": "hi"})],
    ),
    (LLAMA, '{"a": 1} is JSON', '{"a": 1} is JSON', []),
    (LLAMA, "<|pyt", "<|pyt", []),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text", "said", "calls"), CASES)
def test_cut_anywhere_the_calls_are_the_same(form: Format, text: str, said: str, calls: list[Call]) -> None:
    cuts = [[i] for i in range(len(text) + 1)] + [list(range(0, len(text), step)) for step in (1, 2, 3, 7)]
    for cut in cuts:
        parser = ToolCallParser(form, SCHEMAS)
        edges = [0, *cut, len(text)]
        pieces = [p for a, b in pairwise(edges) for p in parser.push(text[a:b])]
        pieces += parser.push("", final=True)
        assert [p for p in pieces if isinstance(p, Call)] == calls, cut
        assert "".join(p for p in pieces if isinstance(p, str)) == said, cut


def parsed(form: Format, text: str, schemas: dict[str, Any] | None = None) -> tuple[str, list[Call]]:
    parser = ToolCallParser(form, SCHEMAS if schemas is None else schemas)
    pieces = parser.push(text) + parser.push("", final=True)
    return "".join(p for p in pieces if isinstance(p, str)), [p for p in pieces if isinstance(p, Call)]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (HERMES, '<tool_call>{"name": "say", "arguments": {"x": 1e999}}</tool_call>'),
        (HERMES, '<tool_call>{"name": "say", "arguments": {"x": NaN}}</tool_call>'),
        (HERMES, '<tool_call>{"name": "say", "arguments": {"x": "\\ud83d"}}</tool_call>'),
        (HERMES, "<tool_call>" + "[" * 100_000 + "</tool_call>"),
        (PYTHONIC, "[f(a=b'x')]"), (PYTHONIC, "[f(a=...)]"), (PYTHONIC, "[f(a={1, 2})]"), (PYTHONIC, "[" * 5000),
    ],
)  # fmt: skip
def test_what_is_no_json_is_no_call(form: Format, text: str) -> None:
    said, calls = parsed(form, text)
    assert not calls and said == text


def test_odd_schemas_and_endless_closings_harm_nobody() -> None:
    call = "<tool_call>\n<function=say>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>"
    for schema in ({"properties": None}, {"properties": []}, {"properties": {"x": 5}}, [], None):
        assert parsed(CODER, call, {"say": schema})[1] == [Call("say", {"x": 1})]
    start = time.monotonic()
    for form in (CODER, HERMES):
        said, calls = parsed(form, "<tool_call>(<function=a></tool_call>)" * 20_000)
        assert not calls and len(said) > 100_000
    assert time.monotonic() - start < 10


def test_a_call_after_a_failed_one_is_heard() -> None:
    good = '<tool_call>\n{"name": "say", "arguments": {"text": "hi"}}\n</tool_call>'
    said, calls = parsed(HERMES, f"<tool_call>\noops\n</tool_call>\n{good}")
    assert calls == [Call("say", {"text": "hi"})] and "oops" in said


def test_schemas_with_definitions_hold_calls(smollm: Model) -> None:
    """As Pydantic and MCP write them: each tool's references are its own."""
    nested = {"$defs": {"P": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}},
                              "required": ["n"], "additionalProperties": False}},
              "type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}, "required": ["p"]}  # fmt: skip
    tools = [{"type": "function", "function": {"name": name, "parameters": nested}} for name in ("f", 'g"é')]
    for choice in ("f", 'g"é', "required"):
        asked = [{"role": "user", "content": "Call a function."}]
        events = list(smollm.chat(asked, tools=tools, tool_choice=choice, parallel_tool_calls=False, max_tokens=60))
        [call] = [e for e in events if isinstance(e, Call)]
        assert choice in ("required", call.name) and 0 <= call.arguments["p"]["n"] <= 9
    for pattern in ("https?://[a-z]{3}", r"a\/b", "[/]x"):
        form = Form("regex", pattern)
        events = list(smollm.chat(asked, tools=tools, tool_choice="required", form=form, max_tokens=60))
        assert any(isinstance(e, Call) for e in events)


WEATHER = {"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": {
    "type": "object", "required": ["city", "unit"],
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}}}}}  # fmt: skip


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("choice", ["required", "auto", "weather"])
def test_one_question_is_one_call(coder: Model, choice: str, several: bool) -> None:
    """The line break that a model writes before its end token is not taken for the way to a next call."""
    asked = [{"role": "user", "content": "Weather in Paris, in C?"}]
    how = {"tool_choice": choice, "parallel_tool_calls": several, "sampling": Sampling(), "max_tokens": 200}
    *events, done = coder.chat(asked, tools=[WEATHER], **how)
    assert [e for e in events if isinstance(e, Call)] == [Call("weather", {"city": "Paris", "unit": "C"})]
    assert isinstance(done, Done) and done.reason == "stop" and done.answer_tokens < 50
    assert not [e for e in events if isinstance(e, Text)]


def test_a_call_that_is_made_again_ends_the_reply(smollm: Model) -> None:
    call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris", "unit": "C"}}\n</tool_call>\n'
    other = call.replace("Paris", "Rome")
    ids = smollm.tokenizer.encode(call + other + call + other)

    class Saying(Guide):
        """Puts words into the model's mouth."""

        def mask(self) -> None:
            return None

        def meant(self, drawn: int) -> int:
            return ids.pop(0)

        def took(self, token: int) -> tuple[int, ...]:
            return ()

    *events, done = smollm.generate("Hello", constraint=Saying(), tools=[WEATHER], max_tokens=500)
    assert [e.arguments["city"] for e in events if isinstance(e, Call)] == ["Paris", "Rome"]
    assert isinstance(done, Done) and done.reason == "stop" and ids
