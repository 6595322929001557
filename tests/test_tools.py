"""Tool calls of every family: published examples, cut anywhere, give the same calls and the same text."""

from __future__ import annotations

from itertools import pairwise

import pytest

from galop.chat.tools import FORMATS, Call, Format, ToolCallParser

CODER, HERMES, DEEPSEEK, MISTRAL, PYTHONIC, LLAMA = FORMATS
PARIS = Call("get_weather", {"city": "Paris", "days": 2})
SCHEMAS = {
    "get_weather": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    "say": {"type": "object", "properties": {"text": {"type": "string"}}},
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
