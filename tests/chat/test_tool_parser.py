"""Tool calls of every family: published examples, cut anywhere, give the same calls and the same text."""

from __future__ import annotations

import json
import random
import time
from itertools import pairwise
from typing import Any

import pytest

from galop import Sampling
from galop.backends.events import Done, Text
from galop.backends.local import Model
from galop.chat.response_format import ResponseFormat
from galop.chat.tool_formats import FORMATS, ToolCallFormat
from galop.chat.tool_parser import GrammarScope, ToolCallParser
from galop.chat.tools import ToolCall, ToolCallDelta
from galop.errors import ConstraintError
from galop.tokenizers.constraint import Constraint

NAMED = {form.name: form for form in FORMATS}
CODER, HERMES, DEEPSEEK, MISTRAL, PYTHONIC, LLAMA, GEMMA = (
    NAMED[name] for name in ("coder", "hermes", "deepseek", "mistral", "pythonic", "llama", "gemma")
)
GLM, SEED, DSML, KIMI, NEMOTRON, LISTED, GRANITE3, LFM2, HARMONY = (
    NAMED[name] for name in ("glm", "seed", "dsml", "kimi", "nemotron", "listed", "granite3", "lfm2", "harmony")
)
PARIS = ToolCall("get_weather", {"city": "Paris", "days": 2})
SCHEMAS: dict[str, Any] = {
    "get_weather": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    "say": {"type": "object", "properties": {"text": {"type": "string"}}},
    "f": {},
}
CASES: list[tuple[ToolCallFormat, str, str, list[ToolCall]]] = [
    (HERMES, '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>', "", [PARIS]),
    (
        HERMES,
        'Let me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>\n'
        '<tool_call>\n{"name": "say", "arguments": {"text": "</tool_call> is a tag"}}\n</tool_call>',
        "Let me look.",
        [PARIS, ToolCall("say", {"text": "</tool_call> is a tag"})],
    ),
    (HERMES, 'If a < b then <tool_ is no tag', "If a < b then <tool_ is no tag", []),
    (HERMES, '<tool_call>\nnot JSON\n</tool_call>', "<tool_call>\nnot JSON\n</tool_call>", []),
    (HERMES, '<tool_call>\n{"name": "say", "arguments": {"text": "cut o', '<tool_call>\n{"name": "say", "arguments": {"text": "cut o', []),
    (HERMES, '<tool_call>{"name": "say", "arguments": "{\\"text\\": \\"hi\\"}"}', "", [ToolCall("say", {"text": "hi"})]),
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
        [ToolCall("say", {"text": "2\n3"})],
    ),
    (
        DEEPSEEK,
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Paris", "days": 2}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>say\n```json\n'
        '{"text": "hi"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        "",
        [PARIS, ToolCall("say", {"text": "hi"})],
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
        [PARIS, ToolCall("say", {"text": "hi"})],
    ),
    (
        PYTHONIC,
        '[get_weather(city="Paris", days=2), say(text="[1, 2]")]',
        "",
        [PARIS, ToolCall("say", {"text": "[1, 2]"})],
    ),
    (PYTHONIC, "[f(a=true, b=[null, -1.5], c={'d': False})]", "", [ToolCall("f", {"a": True, "b": [None, -1.5], "c": {"d": False}})]),
    (PYTHONIC, "[1] is a reference", "[1] is a reference", []),
    (PYTHONIC, "[f(a=__import__('os').getcwd())]", "[f(a=__import__('os').getcwd())]", []),
    (PYTHONIC, "A list: [f(a=1)]", "A list: [f(a=1)]", []),
    (LLAMA, '{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}', "", [PARIS]),
    (
        LLAMA,
        '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}; '
        '{"name": "say", "parameters": {"text": "hi"}}',
        "",
        [PARIS, ToolCall("say", {"text": "hi"})],
    ),
    (LLAMA, '{"a": 1} is JSON', '{"a": 1} is JSON', []),
    (LLAMA, "<|pyt", "<|pyt", []),
]  # fmt: skip


OSLO = ToolCall("get_weather", {"city": "Oslo", "days": 2})
SCHEMAS |= {
    "now": {},
    "python": {"type": "object", "properties": {"code": {"type": "string"}}},
    "many": {
        "type": "object",
        "$defs": {"N": {"type": "integer"}},
        "properties": {
            "i": {"type": ["integer", "null"]}, "s": {"type": ["null", "string"]}, "b": {"type": "boolean"},
            "u": {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}, "n": {"type": "number"},
            "o": {"type": "object"}, "l": {"type": "array"}, "e": {"enum": ["a", "b"]}, "r": {"$ref": "#/$defs/N"},
            "x": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
    },
}  # fmt: skip
# The kinds of llama.cpp's chat tests and vLLM's tests of tool parsers.
CASES += [
    (HERMES, '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}</tool_call><tool_call>{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}</tool_call>', '', [OSLO, OSLO]),
    (HERMES, 'Sure.<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}</tool_call>\n\nDone.', 'Sure.Done.', [OSLO]),
    (HERMES, '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}', '', [OSLO]),
    (HERMES, '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>', '', [OSLO, OSLO]),
    (HERMES, '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}\n</tool_call>', '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}\n</tool_call>', []),
    (HERMES, '<tool_call>\n{"name": "say", "arguments": "{\\"text\\": \\"x\\"}"}\n</tool_call>', '', [ToolCall('say', {'text': 'x'})]),
    (HERMES, '<tool_call>\n{"name": "say", "arguments": "hello"}\n</tool_call>', '<tool_call>\n{"name": "say", "arguments": "hello"}\n</tool_call>', []),
    (HERMES, '<tool_call>\n{"name": "now"}\n</tool_call>', '', [ToolCall('now', {})]),
    (HERMES, '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>', '', [ToolCall('now', {})]),
    (HERMES, '<tool_call>\n{"name": "now", "arguments": null}\n</tool_call>', '', [ToolCall('now', {})]),
    (HERMES, '<tool_call>\n{"name": "nope", "arguments": {}}\n</tool_call>', '<tool_call>\n{"name": "nope", "arguments": {}}\n</tool_call>', []),
    (HERMES, '<tool_call>\n{"name": "say", "arguments": {"text": "a </tool_call> <tool_call> b"}}\n</tool_call> x', 'x', [ToolCall('say', {'text': 'a </tool_call> <tool_call> b'})]),
    (HERMES, '<tool_call>\n{"name": "say", "arguments": {"text": "\\u00e9\\ud83d\\ude00 \\"q\\" \\\\ {"}}\n</tool_call>', '', [ToolCall('say', {'text': 'é😀 "q" \\ {'})]),
    (HERMES, '<tool_call>\n{"arguments": {"text": "y"}, "name": "say"}\n</tool_call>', '', [ToolCall('say', {'text': 'y'})]),
    (HERMES, '{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}', '', [OSLO, OSLO]),
    (HERMES, '{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>', '', [OSLO]),
    (HERMES, '```json\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}\n```\nok', 'ok', [OSLO]),
    (HERMES, '{"name": "Alice", "age": 30}', '{"name": "Alice", "age": 30}', []),
    (HERMES, '{"name": "now"}', '{"name": "now"}', []),
    (HERMES, 'Use <tool_call> tags.', 'Use <tool_call> tags.', []),
    (LLAMA, '{"name": "Alice", "age": 30}', '{"name": "Alice", "age": 30}', []),
    (LLAMA, '{"name": "now"}', '{"name": "now"}', []),
    (LLAMA, '{"parameters": {}}', '{"parameters": {}}', []),
    (LLAMA, 'Here: {"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}} More?', 'Here:More?', [OSLO]),
    (LLAMA, '{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}', '', [OSLO]),
    (LLAMA, '{"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}} ; {"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}};{"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}}\n{"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}}', '', [OSLO, OSLO, OSLO, OSLO]),
    (LLAMA, '{"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}} I used {x} and {"q": 1}', 'I used {x} and {"q": 1}', [OSLO]),
    (LLAMA, '{"name": "say", "parameters": {text}', '{"name": "say", "parameters": {text}', []),
    (LLAMA, '{"type": "function", "name": "now", "parameters": {}}', '', [ToolCall('now', {})]),
    (LLAMA, '<|python_tag|>python.call(code="print(\'hey\')")', '', [ToolCall('python', {'code': "print('hey')"})]),
    (LLAMA, '{"name": "say", "parameters": {"text": "a {b} [c] \\"d\\""}}', '', [ToolCall('say', {'text': 'a {b} [c] "d"'})]),
    (LLAMA, 'a { b } {"c": 1}', 'a { b } {"c": 1}', []),
    (PYTHONIC, '[now()]', '', [ToolCall('now', {})]),
    (PYTHONIC, '[get_weather(city=\'Oslo\',days=2),say(text=\'L\\\'été "x"\')]', '', [OSLO, ToolCall('say', {'text': 'L\'été "x"'})]),
    (PYTHONIC, "<|python_start|>[get_weather(city='Oslo', days=2), now()]<|python_end|>", '', [OSLO, ToolCall('now', {})]),
    (PYTHONIC, "[many(o={}, l=[], b=True, s=None, u={'a': ['b']}), now()]", '', [ToolCall('many', {'o': {}, 'l': [], 'b': True, 's': None, 'u': {'a': ['b']}}), ToolCall('now', {})]),
    (PYTHONIC, "[say(x=b'z'), get_weather(city='Oslo', days=2)]", '', [OSLO]),
    (PYTHONIC, "[say(x=1e999), get_weather(city='Oslo', days=2)]", '', [OSLO]),
    (PYTHONIC, "[get_weather(city='Oslo', days=2), say(a='x 'y', b='z')]", '', [OSLO]),
    (PYTHONIC, "[say(a='x 'y' 'z), now(b='p 'q' 'r)]", "[say(a='x 'y' 'z), now(b='p 'q' 'r)]", []),
    (PYTHONIC, '[now(x=1])]', '[now(x=1])]', []),
    (PYTHONIC, '[other(a=1)]', '[other(a=1)]', []),
    (MISTRAL, '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}]', '', [OSLO]),
    (MISTRAL, '[TOOL_CALLS]  [ {"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}} , {"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}} ]', '', [OSLO, OSLO]),
    (MISTRAL, '[TOOL_CALLS][{"arguments": {"city": "Oslo", "days": 2}, "name": "get_weather", "id": "abcdefghi"}]', '', [OSLO]),
    (MISTRAL, '[TOOL_CALLS] [{"arguments": {"text": "n"}, "name": "say"}]', '', [ToolCall('say', {'text': 'n'})]),
    (MISTRAL, 'Hi[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}]\ntrailing', 'Hitrailing', [OSLO]),
    (MISTRAL, '[TOOL_CALLS]get_weather{"city": "Oslo", "days": 2}[TOOL_CALLS]now{}', '', [OSLO, ToolCall('now', {})]),
    (MISTRAL, 'a{b[TOOL_CALLS]say{"text": "print(\\"h\\")\\nre.c(r\'{}\')"}', 'a{b', [ToolCall('say', {'text': 'print("h")\nre.c(r\'{}\')'})]),
    (MISTRAL, '[TOOL_CALLS]get_weather[CALL_ID]000000001[ARGS]{"city": "Oslo", "days": 2}[TOOL_CALLS]say[CALL_ID]000000002[ARGS]{"text": "hi"}', '', [OSLO, ToolCall('say', {'text': 'hi'})]),
    (MISTRAL, '[TOOL_CALLS] nothing', '[TOOL_CALLS] nothing', []),
    (MISTRAL, '[TOOL_CALLS]now', '[TOOL_CALLS]now', []),
    (DEEPSEEK, 'x<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Oslo", "days": 2}\n```<｜tool▁call▁end｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜> y', 'xy', [OSLO, ToolCall('now', {})]),
    (DEEPSEEK, '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Oslo", "days": 2}```<｜tool▁call▁end｜><｜tool▁calls▁end｜>', '', [OSLO]),
    (DEEPSEEK, '<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city":"Oslo","days":2}<｜tool▁call▁end｜>', '', [OSLO]),
    (DEEPSEEK, '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city":"Oslo","days":2}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>', '', [OSLO, ToolCall('now', {})]),
    (DEEPSEEK, '<｜tool▁calls▁begin｜>now<｜tool▁sep｜>{"x":1}<｜tool▁calls▁end｜>', '<｜tool▁calls▁begin｜>now<｜tool▁sep｜>{"x":1}<｜tool▁calls▁end｜>', []),
    (DEEPSEEK, 'Let me.<｜tool▁calls▁begin｜>get_weather', 'Let me.<｜tool▁calls▁begin｜>get_weather', []),
    (DEEPSEEK, '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Oslo"\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>', '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "Oslo"\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>', []),
    (CODER, "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=say>\n<parameter=text>\ndef f():\n    return '<html>'\n\nf()\n</parameter>\n</function>\n</tool_call>", '', [OSLO, ToolCall('say', {'text': "def f():\n    return '<html>'\n\nf()"})]),
    (CODER, 'Look:\n\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>', 'Look:', [OSLO]),
    (CODER, '<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>', '', [OSLO]),
    (CODER, 'a\n<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>', 'a', [OSLO]),
    (CODER, '<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n</tool_call>', '', [OSLO]),
    (CODER, '<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n<parameter=days>\n2\n</tool_call>', '', [OSLO]),
    (CODER, '<tool_call>\n<function=get_weather>\n<parameter=city>Oslo</parameter>\n<parameter=days>2</parameter></function></tool_call>', '', [OSLO]),
    (CODER, '<tool_call>\n<function=now>\n</function>\n</tool_call>tail', 'tail', [ToolCall('now', {})]),
    (CODER, '<tool_call>\n<function=say>\n<parameter=text>\nuse </parameter> and </function> and </tool_call> tags\n</parameter>\n</function>\n</tool_call>', '', [ToolCall('say', {'text': 'use </parameter> and </function> and </tool_call> tags'})]),
    (CODER, '<tool_call>\n<function=many>\n<parameter=i>\nnull\n</parameter>\n<parameter=s>\nNone\n</parameter>\n<parameter=u>\n{"a": 1}\n</parameter>\n<parameter=b>\nTrue\n</parameter>\n<parameter=n>\n2.5\n</parameter>\n<parameter=o>\n{\'k\': None}\n</parameter>\n<parameter=l>\n[1, 2]\n</parameter>\n<parameter=e>\na\n</parameter>\n<parameter=r>\n7\n</parameter>\n<parameter=x>\n5\n</parameter>\n</function>\n</tool_call>', '', [ToolCall('many', {'i': None, 's': None, 'u': {'a': 1}, 'b': True, 'n': 2.5, 'o': {'k': None}, 'l': [1, 2], 'e': 'a', 'r': 7, 'x': 5})]),
    (CODER, '<tool_call>\n<function=say>\n<parameter=text>\nTrue\n</parameter>\n</function>\n</tool_call>', '', [ToolCall('say', {'text': 'True'})]),
    (CODER, '<tool_call>\n<function=say>\n<parameter=text>\n"q"\n</parameter>\n</function>\n</tool_call>', '', [ToolCall('say', {'text': '"q"'})]),
    (CODER, '<tool_call>\n<function=nope>\n</function>\n</tool_call>', '<tool_call>\n<function=nope>\n</function>\n</tool_call>', []),
    (CODER, '<tool_call><function=></function></tool_call>', '<tool_call><function=></function></tool_call>', []),
    (CODER, '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>', '', [OSLO]),
    (CODER, 'a <function> b < c', 'a <function> b < c', []),
    (GEMMA, '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:2}<tool_call|>', '', [PARIS]),
    (GEMMA, 'Let me look.<|tool_call>call:get_weather{city:<|"|>Oslo<|"|>,days:2}<tool_call|><|tool_call>call:now{}<tool_call|>', 'Let me look.', [OSLO, ToolCall('now', {})]),
    (GEMMA, '<|tool_call>call:say{text:<|"|>a "b", {c: [1]} <tool_call|> é<|"|>}<tool_call|>', '', [ToolCall('say', {'text': 'a "b", {c: [1]} <tool_call|> é'})]),
    (GEMMA, '<|tool_call>call:many{b:true,i:None,l:[1,<|"|>x, y:z<|"|>,{k:<|"|><|"|>}],n:-1.5,o:{a.b:{c:null}}}<tool_call|>', '', [ToolCall('many', {'b': True, 'i': None, 'l': [1, 'x, y:z', {'k': ''}], 'n': -1.5, 'o': {'a.b': {'c': None}}})]),
    (GEMMA, '<|tool_call>call:many{o:{<|"|>a b<|"|>:1},"s":"p, q:r"}<tool_call|>', '', [ToolCall('many', {'o': {'a b': 1}, 's': 'p, q:r'})]),
    (GEMMA, '<|tool_call>call:get_weather{city:<|"|>Oslo<|"|>,days:2}', '', [OSLO]),
    (GEMMA, '<|tool_call>call:nope{}<tool_call|>', '<|tool_call>call:nope{}<tool_call|>', []),
    (GEMMA, '<|tool_call>call:now{<tool_call|> x', '<|tool_call>call:now{<tool_call|> x', []),
    (GEMMA, '<|tool_call>call:say{text:<|"|>cut o', '<|tool_call>call:say{text:<|"|>cut o', []),
    (GEMMA, 'a <| b {c: 1}', 'a <| b {c: 1}', []),
    (GLM, '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>', '', [PARIS]),
    (GLM, 'I look.<tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value><arg_key>days</arg_key><arg_value>2</arg_value></tool_call><tool_call>now</tool_call>', 'I look.', [OSLO, ToolCall('now', {})]),
    (GLM, '\n<tool_call>now\n</tool_call>\n<tool_call>say\n<arg_key>text</arg_key>\n<arg_value>a\n</tool_call> <arg_value> b\n</arg_value>\n</tool_call>', '', [ToolCall('now', {}), ToolCall('say', {'text': 'a\n</tool_call> <arg_value> b\n'})]),
    (GLM, '<tool_call>many<arg_key>o</arg_key><arg_value>{"k": [1, null]}</arg_value><arg_key>b</arg_key><arg_value>true</arg_value><arg_key>s</arg_key><arg_value>5</arg_value></tool_call>', '', [ToolCall('many', {'o': {'k': [1, None]}, 'b': True, 's': '5'})]),
    (GLM, '<tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value><arg_key>days</arg_key><arg_value>2</arg_value>', '', [OSLO]),
    (GLM, '<tool_call>nope</tool_call>', '<tool_call>nope</tool_call>', []), (GLM, 'Use <tool_call> tags.', 'Use <tool_call> tags.', []),
    (GLM, '<tool_call>{"name": "now"}</tool_call> b', '<tool_call>{"name": "now"}</tool_call> b', []),
    (SEED, '<seed:tool_call>\n<function=get_weather>\n<parameter=city>Paris</parameter>\n<parameter=days>2</parameter>\n</function>\n</seed:tool_call>', '', [PARIS]),
    (SEED, 'Hm.\n<seed:tool_call>\n<function=say>\n<parameter=text>a\n</parameter> b</parameter>\n</function>\n</seed:tool_call>\n<seed:tool_call>\n<function=now>\n</function>\n</seed:tool_call>', 'Hm.', [ToolCall('say', {'text': 'a\n</parameter> b'}), ToolCall('now', {})]),
    (SEED, '<seed:tool_call>\n<function=now>\n</function>', '', [ToolCall('now', {})]),
    (SEED, '<seed:tool_call>x', '<seed:tool_call>x', []), (SEED, '<seed:tool_call>\n<function=nope>\n</function>\n</seed:tool_call>', '<seed:tool_call>\n<function=nope>\n</function>\n</seed:tool_call>', []),
    (DSML, 'So:\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>', 'So:', [PARIS, ToolCall('now', {})]),
    (DSML, '<｜DSML｜function_calls>\n<｜DSML｜invoke name="many">\n<｜DSML｜parameter name="u" string="true">{}</｜DSML｜parameter>\n<｜DSML｜parameter name="i" string="false">null</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>', '', [ToolCall('many', {'u': '{}', 'i': None})]),
    (HARMONY, ' to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Oslo", "days": 2}<|call|>', '', [OSLO]),
    (HARMONY, '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo", "days": 2}', '', [OSLO]),
    (HARMONY, 'Hm.<|start|>assistant to=functions.now<|channel|>commentary <|constrain|>json<|message|>{}<|call|>', 'Hm.', [ToolCall('now', {})]),
    (HARMONY, '<|start|>assistant<|channel|>commentary to=functions.say<|message|>{"text": "<|end|>"}', '', [ToolCall('say', {'text': '<|end|>'})]),
    (HARMONY, 'Go to=functions.f now', 'Go to=functions.f now', []), (HARMONY, 'a to=b', 'a to=b', []),
    (KIMI, 'Hm.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Oslo", "days": 2}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>', 'Hm.', [OSLO, ToolCall('now', {})]),
    (KIMI, '<|tool_calls_section_begin|><|tool_call_begin|>functions.say:0<|tool_call_argument_begin|>{"text": "cut o', '<|tool_calls_section_begin|><|tool_call_begin|>functions.say:0<|tool_call_argument_begin|>{"text": "cut o', []),
    (NEMOTRON, '<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}, {"name": "now", "arguments": {}}]</TOOLCALL>', '', [OSLO, ToolCall('now', {})]),
    (NEMOTRON, 'Use <TOOL> b', 'Use <TOOL> b', []),
    (LISTED, '\n<tool_calls>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}, "id": "a1"}]</tool_calls>', '', [OSLO]),
    (GRANITE3, '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}]', '', [OSLO]),
    (LFM2, '<|tool_call_start|>[get_weather(city="Oslo", days=2), now()]<|tool_call_end|>Done.', 'Done.', [OSLO, ToolCall('now', {})]),
    (LFM2, "Hm.<|tool_call_start|>[say(text='[a](b), c=1 <|tool_call_end|>')]<|tool_call_end|>", 'Hm.', [ToolCall('say', {'text': '[a](b), c=1 <|tool_call_end|>'})]),
    (LFM2, '<|tool_call_start|>[get_weather(city="Oslo", days=2)]', '', [OSLO]), (LFM2, '[now()]', '[now()]', []),
]  # fmt: skip


def read(
    form: ToolCallFormat, text: str, cut: list[int], held: GrammarScope = "none", limit: bool = False
) -> tuple[str, list[ToolCall], list[list[str]]]:
    """What is said, the calls, and name and arguments of those that came in parts."""
    parser = ToolCallParser(form, SCHEMAS, held)
    pieces = [p for a, b in pairwise([0, *cut, len(text)]) for p in parser.push(text[a:b])]
    pieces += parser.push("", final=True, cut=limit)
    parts: list[list[str]] = []
    for part in pieces:
        if isinstance(part, ToolCallDelta):
            parts += [] if part.text else [[part.name, ""]]
            parts[-1][1] += part.text
    calls = [p for p in pieces if isinstance(p, ToolCall)]
    return "".join(p for p in pieces if isinstance(p, str)), calls, parts


@pytest.mark.parametrize(("form", "text", "said", "calls"), CASES)
def test_cut_anywhere_the_calls_are_the_same(form: ToolCallFormat, text: str, said: str, calls: list[ToolCall]) -> None:
    cuts = [[i] for i in range(len(text) + 1)] + [list(range(0, len(text), step)) for step in (1, 2, 3, 7)]
    for cut in cuts:
        assert read(form, text, cut)[:2] == (said, calls), cut


CALL = '[{"name": "f", "arguments": {"x": "a"}}]'
WORDS = {
    "gemma": ("call:", "f{", "x:", '<|"|>', "}", "{", "now{}"), "kimi": ("functions.f:0", "{}"), "nemotron": (CALL,),
    "harmony": (" to=functions.f", "commentary json", "<|message|>", "{}", '{"x": "a"}'), "listed": (CALL,),
    "glm": ("f", "<arg_key>x</arg_key>", "<arg_value>", "</arg_value>"), "granite3": (CALL,),
    "seed": ("\n<function=f>\n", "<parameter=x>", "</parameter>\n", "</function>\n"), "lfm2": ("[f(x='a')]", "[", "]", "now()"),
    "dsml": ('<｜DSML｜invoke name="f">', '<｜DSML｜parameter name="x" string="true">', "</｜DSML｜parameter>", "</｜DSML｜invoke>"),
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_words_of_a_format_in_any_order_are_read_the_same_wherever_they_are_cut(name: str) -> None:
    form, drawn = NAMED[name], random.Random(3)
    words = [*form.markers, *form.openings, form.closing, *WORDS[name], "a", " ", "\n"]
    for _ in range(150):
        text = "".join(drawn.choice(words) for _ in range(drawn.randint(1, 12)))
        cuts = [list(range(len(text))), sorted(drawn.sample(range(len(text) + 1), min(2, len(text))))]
        assert all(read(form, text, cut) == read(form, text, []) for cut in cuts), text


WELL_FORMED = [case for case in CASES if case[3] and case[0] in (HERMES, LLAMA, MISTRAL, DEEPSEEK)]


@pytest.mark.parametrize(("form", "text", "said", "calls"), WELL_FORMED)
def test_arguments_in_parts_are_those_of_the_call(
    form: ToolCallFormat, text: str, said: str, calls: list[ToolCall]
) -> None:
    for cut in [[], *([i] for i in range(len(text))), list(range(len(text)))]:
        told, made, parts = read(form, text, cut, "all")
        assert (told, made) == (said, calls)
        assert all(any(n == c.name and json.loads(t) == c.arguments for c in calls) for n, t in parts), parts


def test_arguments_come_as_they_are_written_and_those_of_a_call_made_before_are_waited_for() -> None:
    parser = ToolCallParser(HERMES, SCHEMAS, "opened")
    assert parser.push('<tool_call>\n{"name": "say", "arguments": ') == []
    assert parser.push('{"te') == [ToolCallDelta("say", ""), ToolCallDelta("say", '{"te')]
    assert parser.push('xt": "a}') == [ToolCallDelta("say", 'xt": "a}')]
    assert parser.push('"}}') == [ToolCallDelta("say", '"}'), ToolCall("say", {"text": "a}"})]
    assert parser.push('</tool_call><tool_call>{"name": "say", "arguments": {"text": "a') == []
    assert parser.push("b") == [ToolCallDelta("say", ""), ToolCallDelta("say", '{"text": "ab')]
    unheld = ToolCallParser(HERMES, SCHEMAS)
    assert unheld.push('<tool_call>\n{"name": "say", "arguments": {"text": "') == []
    # What grammars of JSON allow and JSON of most languages does not is mended, since parts of it have been told.
    odd = '<tool_call>{"name": "say", "arguments": {"x": 1e400, "y": "\\ud83d"}}'
    assert read(HERMES, odd, [], "all")[1] == [ToolCall("say", {"x": 1.7976931348623157e308, "y": "\ufffd"})]


@pytest.mark.parametrize(("form", "text", "said", "calls"), [case for case in CASES if case[3]])
def test_a_call_that_the_limit_cuts_off_leaves_no_markup(
    form: ToolCallFormat, text: str, said: str, calls: list[ToolCall]
) -> None:
    for end in range(len(text)):
        for cut in ([], list(range(end)))[: 2 if end % 4 == 0 else 1]:
            told, made, _ = read(form, text[:end], cut, limit=True)
            squeezed = "".join(told.split())
            # Two characters, such as "<t", may be anything.
            assert any("".join(said.split()).startswith(squeezed[: len(squeezed) - n]) for n in range(3)), end
            assert made == calls[: len(made)] or form in (PYTHONIC, LFM2)


def parsed(form: ToolCallFormat, text: str, schemas: dict[str, Any] | None = None) -> tuple[str, list[ToolCall]]:
    parser = ToolCallParser(form, SCHEMAS if schemas is None else schemas)
    pieces = parser.push(text) + parser.push("", final=True)
    return "".join(p for p in pieces if isinstance(p, str)), [p for p in pieces if isinstance(p, ToolCall)]


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
def test_what_is_no_json_is_no_call(form: ToolCallFormat, text: str) -> None:
    said, calls = parsed(form, text)
    assert not calls and said == text


def test_odd_schemas_harm_nobody() -> None:
    call = "<tool_call>\n<function=say>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>"
    for schema in ({"properties": None}, {"properties": []}, {"properties": {"x": 5}}, [], None, {"properties": {
        "x": {"$ref": "#"}}}, {"properties": {"x": {"anyOf": 5}}}, {"properties": {"x": {"type": [1, "odd"]}}}):  # fmt: skip
        assert parsed(CODER, call, {"say": schema})[1] == [ToolCall("say", {"x": 1})]


HOSTILE = [
    (HERMES, "<tool_call>(<function=a></tool_call>)" * 9000), (HERMES, "<tool_call>" * 9000),
    (HERMES, '<tool_call>{"name": "say", "arguments": {"text": "' + "}" * 100_000),
    (HERMES, '{"name":"say","arguments":{"a":"' + "}" * 100_000), (HERMES, "<tool_call>" + '{"a":' * 20_000),
    (HERMES, " " * 100_000), (HERMES, '<tool_call>{"name": "now", "arguments": {}}</tool_call>' * 2000),
    (LLAMA, "{" * 100_000), (LLAMA, '{"name"' * 14_000), (LLAMA, '{"name":"say",' * 7000), (LLAMA, "{" + " " * 100_000),
    (CODER, "<tool_call>(<function=a></tool_call>)" * 9000), (CODER, "<function=say>" * 7000),
    (CODER, "<tool_call><function=say><parameter=text>" + "</parameter> " * 8000 + "x</function></tool_call>"),
    (CODER, "<tool_call><function=say>" + "\n" * 100_000), (CODER, "<tool_call><function=say>" + "</tool_call>" * 8000),
    (MISTRAL, "[TOOL_CALLS]" + "[" * 100_000), (MISTRAL, "[TOOL_CALLS]" * 8000),
    (DEEPSEEK, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>" + "a" * 100_000),
    (GEMMA, "<|tool_call>call:say{" * 5000), (GEMMA, "<|tool_call>call:say{a:" + "{" * 100_000),
    (GEMMA, '<|tool_call>call:say{text:<|"|>' + "<" * 100_000), (GEMMA, "<|tool_call>" + "call:say" * 12_000),
    (GEMMA, "<|tool_call>call:say{" + "a," * 50_000 + "}<tool_call|>"),
    (GLM, "<tool_call>" * 9000), (GLM, "<tool_call>say" + "<arg_key>a</arg_key><arg_value>" * 4000), (GLM, "<tool_call>say" + "</arg_value> " * 9000),
    (GLM, "<tool_call>say<arg_key>text</arg_key><arg_value>" + "</arg_value> " * 8000), (SEED, "<seed:tool_call>" + "\n" * 100_000),
    (SEED, "<seed:tool_call><function=say>" + "<parameter=text>" * 6000), (DSML, "<｜DSML｜function_calls>" * 5000),
    (PYTHONIC, "[say(" + "(" * 100_000), (PYTHONIC, "[say(a=" + "-" * 100_000 + "1)]"), (PYTHONIC, "[say(a='x 'y)," * 7000 + "]"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text"), HOSTILE)
def test_a_hundred_thousand_characters_of_malice_are_read_in_little_time(form: ToolCallFormat, text: str) -> None:
    """Of the thread, not of the clock: quadratic reading takes minutes."""
    start = time.thread_time()
    read(form, text, list(range(0, len(text), 10)))
    assert time.thread_time() - start < 10


def test_a_call_after_a_failed_one_is_heard() -> None:
    good = '<tool_call>\n{"name": "say", "arguments": {"text": "hi"}}\n</tool_call>'
    said, calls = parsed(HERMES, f"<tool_call>\noops\n</tool_call>\n{good}")
    assert calls == [ToolCall("say", {"text": "hi"})] and "oops" in said


def test_schemas_with_definitions_hold_calls(smollm: Model) -> None:
    """As Pydantic and MCP write them: each tool's references are its own."""
    nested = {"$defs": {"P": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}},
                              "required": ["n"], "additionalProperties": False}},
              "type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}, "required": ["p"]}  # fmt: skip
    tools = [{"type": "function", "function": {"name": name, "parameters": nested}} for name in ("f", 'g"é')]
    for choice in ("f", 'g"é', "required"):
        asked = [{"role": "user", "content": "Call a function."}]
        events = list(smollm.chat(asked, tools=tools, tool_choice=choice, parallel_tool_calls=False, max_tokens=60))
        [call] = [e for e in events if isinstance(e, ToolCall)]
        assert choice in ("required", call.name) and 0 <= call.arguments["p"]["n"] <= 9
    for pattern in ("https?://[a-z]{3}", r"a\/b", "[/]x"):
        form = ResponseFormat("regex", pattern)
        events = list(smollm.chat(asked, tools=tools, tool_choice="required", form=form, max_tokens=60))
        assert any(isinstance(e, ToolCall) for e in events)


@pytest.mark.parametrize(
    ("tools", "choice", "told"),
    [
        ([{"name": "f"}], "auto", r"tools\[0\]"), ([{"type": "function", "function": {}}], "auto", r"tools\[0\]"),
        (["f"], "auto", r"tools\[0\]"), ([{"type": "function", "function": {"name": "f"}}], "g", "'g'"),
        ([], "required", "'required'"), ([], "f", "'f'"),
    ],
)  # fmt: skip
def test_tools_that_are_none_are_told_of(smollm: Model, tools: Any, choice: str, told: str) -> None:
    with pytest.raises(ConstraintError, match=told):
        next(smollm.chat([{"role": "user", "content": "Hi"}], tools=tools, tool_choice=choice))


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
    assert [e for e in events if isinstance(e, ToolCall)] == [ToolCall("weather", {"city": "Paris", "unit": "C"})]
    assert isinstance(done, Done) and done.reason == "stop" and done.answer_tokens < 50
    assert not [e for e in events if isinstance(e, Text)]


def test_a_call_that_is_made_again_ends_the_reply(smollm: Model) -> None:
    call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris", "unit": "C"}}\n</tool_call>\n'
    other = call.replace("Paris", "Rome")
    ids = smollm.tokenizer.encode(call + other + call + other)

    class Saying(Constraint):
        """Puts words into the model's mouth."""

        def mask(self) -> None:
            return None

        def interpret(self, drawn: int) -> int:
            return ids.pop(0)

        def accept(self, token: int) -> tuple[int, ...]:
            return ()

    *events, done = smollm.generate("Hello", constraint=Saying(), tools=[WEATHER], max_tokens=500)
    assert [e.arguments["city"] for e in events if isinstance(e, ToolCall)] == ["Paris", "Rome"]
    assert isinstance(done, Done) and done.reason == "stop" and ids
