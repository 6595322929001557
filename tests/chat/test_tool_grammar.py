"""Calls constrained by a grammar: in every family's format, required or not, one or several, they are whole and fit their tools."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
import numpy as np
import pytest

from galop import Sampling
from galop.backends.local import Model
from galop.chat.constraint import GrammarCompiler, GrammarConstraint
from galop.chat.harmony import answer_form
from galop.chat.messages import trim_tool
from galop.chat.response_format import ResponseFormat
from galop.chat.schema import close_objects
from galop.chat.tool_formats import FORMATS, ToolCallFormat
from galop.chat.tool_parser import ToolCallParser
from galop.chat.tool_schema import tool_schema
from galop.chat.tools import ToolCall
from galop.errors import ConstraintError
from galop.tokenizers.tokenizer import Detokenizer, Tokenizer

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]},
                   "days": {"type": "integer", "minimum": 0, "maximum": 9}, "now": {"type": "boolean"}},
    "required": ["city", "unit"],
}  # fmt: skip
SAVE = {
    "type": "object",
    "properties": {
        "p": {"$ref": "#/$defs/P"}, "note": {"type": ["string", "null"], "maxLength": 5},
        "kind": {"anyOf": [{"const": "a"}, {"type": "integer", "maximum": 3, "minimum": 1}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 2},
        "code": {"type": "string", "pattern": "^[A-Z]{2}/[0-9]{1,4}$"},
    },
    "required": ["p"],
    "$defs": {"P": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
                    "required": ["n"]}},
}  # fmt: skip
SAY = {"allOf": [{"properties": {"text": {"type": "string", "minLength": 1, "maxLength": 6}}, "required": ["text"]},
                 {"properties": {"loud": {"type": "boolean"}}}]}  # fmt: skip
COUNT = {"properties": {"x": {"type": "null"}}, "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 9}}
PARAMETERS = {"weather": WEATHER, "now": None, "save": SAVE, "say": SAY, "count": COUNT}
FUNCTIONS = [{"name": name, **({"parameters": p} if p else {})} for name, p in PARAMETERS.items()]
SCHEMAS = {name: p or {"maxProperties": 0} for name, p in PARAMETERS.items()}
RAW = json.loads((files("galop.recipes.mini") / "tokenizer.json").read_text("utf-8"))


def vocabulary(markers: tuple[str, ...]) -> tuple[Tokenizer, int]:
    """Of bytes and a few words, with these control tokens, and how large it is."""
    added, size = list(RAW["added_tokens"]), 512
    for marker in markers:
        added.append({**added[-1], "id": size, "content": marker, "special": True})
        size += 1
    return Tokenizer(json.dumps({**RAW, "added_tokens": added})), size


class FormatInVocabulary:
    """A format in a vocabulary that knows its markers, or has to spell them."""

    def __init__(self, form: ToolCallFormat, known: bool) -> None:
        self.form = form
        self.tokenizer, size = vocabulary(form.markers if known else ())
        end = self.tokenizer.id("<|im_end|>")
        assert end is not None
        self.end = end
        self.constraints = GrammarCompiler(self.tokenizer, size, [end])
        self.ending = np.array([self.tokenizer.token_bytes(t) in b"\"'}])\n</>" or t == end for t in range(size)])

    def constraint(self, required: bool, several: bool) -> GrammarConstraint:
        tools = [tool_schema(function) for function in FUNCTIONS]
        return self.constraints.compile(self.form.grammar(tools, required, several, self.tokenizer.id))

    def allows(self, text: str, required: bool = False, several: bool = True) -> bool:
        """Whether a reply may be this text, and end with it."""
        matcher = self.constraint(required, several)._matcher
        ids = self.tokenizer.encode_control(text)
        return bool(matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting())

    def read(self, ids: list[int]) -> tuple[str, list[ToolCall]]:
        shown = Detokenizer(self.tokenizer, self.form.markers)
        parser = ToolCallParser(self.form, SCHEMAS)
        pieces = parser.push("".join(map(shown.push, ids)) + shown.finish()) + parser.push("", final=True)
        text = "".join(p for p in pieces if isinstance(p, str))
        return text, [p for p in pieces if isinstance(p, ToolCall)]


@pytest.fixture(scope="module", params=[(f, k) for f in FORMATS for k in (True, False) if k or f.name != "harmony"],
                ids=lambda p: f"{p[0].name} {'known' if p[1] else 'spelled'}")  # fmt: skip
def case(request: pytest.FixtureRequest) -> Iterator[FormatInVocabulary]:
    one = FormatInVocabulary(*request.param)
    yield one
    one.constraints.close()


@pytest.mark.parametrize("several", [True, False])
def test_whatever_a_grammar_allows_is_a_call_that_fits_its_tool(case: FormatInVocabulary, several: bool) -> None:
    """Tokens drawn at random, of those that may come next."""
    drawn = random.Random(5)
    ended = 0
    for _ in range(6):
        constraint, ids = case.constraint(True, several), []
        while len(ids) < 500 and case.end not in ids:
            allowed = np.flatnonzero(np.unpackbits(constraint.mask().view(np.uint8), bitorder="little"))
            near = allowed[case.ending[allowed]]
            token = constraint.interpret(int(drawn.choice(near if len(near) and drawn.random() < 0.4 else allowed)))
            ids += [token] if token == case.end else [token, *constraint.accept(token)]
        if case.end in ids:
            ended += 1
            text, calls = case.read(ids[: ids.index(case.end)])
            assert calls and (several or len(calls) == 1) and not text.strip()
            for call in calls:
                jsonschema.validate(call.arguments, SCHEMAS[call.name])
    assert ended


GOOD, BAD = '{"city": "Paris", "unit": "C"}', '{"city": "Paris", "unit": "K"}'
TAGS = "<parameter=city>\nParis\n</parameter>\n<parameter=unit>\n{unit}\n</parameter>\n"
_V3 = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{}\n```<｜tool▁call▁end｜>{}<｜tool▁calls▁end｜>"
_V31 = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{}<｜tool▁call▁end｜>{}<｜tool▁calls▁end｜>"
_DSML = '<｜DSML｜function_calls>\n<｜DSML｜invoke name="weather">\n{}</｜DSML｜invoke>\n{}</｜DSML｜function_calls>'
KEYS = "<arg_key>city</arg_key>|<arg_value>Paris</arg_value>|<arg_key>unit</arg_key>|<arg_value>C</arg_value>|"
NOW = ', {"name": "now", "arguments": {}}'
HEADER = "<|channel|>final<|message|>"
WRITTEN: dict[str, list[tuple[str, str, str]]] = {  # calls with {} for the arguments and the next call, and that one
    "hermes": [('<tool_call>\n{"name": "weather", "arguments": {}}\n</tool_call>{}', GOOD,
                '\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>')],
    "coder": [("<tool_call>\n<function=weather>\n{}</function>\n</tool_call>{}", TAGS.replace("{unit}", "C"),
               "\n<tool_call>\n<function=now>\n</function>\n</tool_call>")],
    "deepseek": [(_V3, GOOD, "\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜>"),
                 (_V31, GOOD, "<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>")],
    "gemma": [("<|tool_call>call:weather{}<tool_call|>{}", '{city:<|"|>Paris<|"|>,now:true,unit:<|"|>C<|"|>}',
               "<|tool_call>call:now{}<tool_call|>")],
    "glm": [("<tool_call>weather\n{}</tool_call>{}", KEYS.replace("|", "\n"), "\n<tool_call>now\n</tool_call>"),
            ("<tool_call>weather{}</tool_call>{}", KEYS.replace("|", ""), "<tool_call>now</tool_call>")],
    "seed": [("<seed:tool_call>\n<function=weather>\n{}</function>\n</seed:tool_call>{}",
              "<parameter=city>Paris</parameter>\n<parameter=unit>C</parameter>\n<parameter=now>true</parameter>\n",
              "\n<seed:tool_call>\n<function=now>\n</function>\n</seed:tool_call>")],
    "dsml": [(_DSML, '<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>\n'
              '<｜DSML｜parameter name="unit" string="true">C</｜DSML｜parameter>\n',
              '<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n')],
    "kimi": [("<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>{}"
              "<|tool_call_end|>{}<|tool_calls_section_end|>", GOOD,
              "<|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|>")],
    "nemotron": [('<TOOLCALL>[{"name": "weather", "arguments": {}}{}]</TOOLCALL>', GOOD, NOW)],
    "listed": [('<tool_calls>[{"name": "weather", "arguments": {}}{}]</tool_calls>', GOOD, NOW)],
    "granite3": [('<|tool_call|>[{"name": "weather", "arguments": {}}{}]', GOOD, NOW)],
    "lfm2": [("<|tool_call_start|>[weather({}){}]<|tool_call_end|>", "city='Paris', unit=\"C\", now=True", ", now()")],
    "harmony": [('<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{}{}', GOOD, ""),
                ('<|channel|>commentary to=functions.weather json<|message|>{}{}', GOOD, ""),
                (' to=functions.weather<|channel|>commentary json<|message|>{}{}', GOOD, "")],
    "mistral": [('[TOOL_CALLS][{"name": "weather", "arguments": {}}{}]', GOOD, ', {"name": "now", "arguments": {}}'),
                ("[TOOL_CALLS]weather[ARGS]{}{}", GOOD, "[TOOL_CALLS]now[ARGS]{}")],
    "pythonic": [("[weather({}){}]", "city='Paris', unit=\"C\", now=True", ", now()")],
    "llama": [('{"name": "weather", "parameters": {}}{}', GOOD, '; {"name": "now", "parameters": {}}'),
              ('<|python_tag|>{"name": "weather", "parameters": {}}{}', GOOD, '; {"name": "now", "parameters": {}}')],
}  # fmt: skip


def test_every_form_of_every_format_may_end_in_white_space(case: FormatInVocabulary) -> None:
    for pattern, arguments, other in WRITTEN[case.form.name]:
        before, _, rest = pattern.partition("{}")
        inside, _, after = rest.rpartition("{}")
        one, two = before + arguments + inside + after, before + arguments + inside + other + after
        bad = (
            one.replace("unit>\nC", "unit>\nK")
            .replace('"C"', '"K"')
            .replace('<|"|>C', '<|"|>K')
            .replace(">C</", ">K</")
        )
        if case.tokenizer.id(case.form.markers[0]) is None and ("[ARGS]" in one or "<|python_tag|>" in one):
            continue  # nobody would spell these
        for required in (True, False):
            assert case.allows(one, required) and case.allows(two, required), one
            assert case.allows(one, required, several=False) and (
                not other or not case.allows(two, required, several=False)
            )
            assert case.allows(f"{one}\n", required) and case.allows(f"{two} \n\n", required), one
            assert not case.allows(bad, required), bad
        assert case.form.name == "harmony" or case.allows("Let me look.\n" + one), one


def test_text_stays_free(case: FormatInVocabulary) -> None:
    for text in ("Yes.\n", "[1, 2]", '{"name": "Alice", "age": 30}', "```json\n{}\n```", "a < b", "x" * 400):
        assert case.allows(HEADER + text if case.form.name == "harmony" else text), text
        assert not case.allows(text, required=True), text


def test_harmony_says_something_before_a_call_and_answers_in_a_form(case: FormatInVocabulary) -> None:
    if case.form.name != "harmony":
        return
    said, owed = "<|channel|>commentary<|message|>Let me look.<|end|>", "<|start|>assistant"
    call = f"<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{GOOD}"
    assert (
        case.allows(said + owed + call) and not case.allows(said + owed) and not case.allows(said + owed + call, True)
    )
    assert not case.allows("<|channel|>analysis<|message|>Hm.<|end|>" + owed + call)  # which comes before the grammar
    form = answer_form(ResponseFormat("regex", "[0-9]+"), case.tokenizer.id)
    for text, fits in (("42", True), ("4x", False)):
        matcher = case.constraints.compile(form)._matcher
        ids = case.tokenizer.encode_control(HEADER + text)
        assert (matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()) == fits
    with pytest.raises(ConstraintError, match="headers"):
        answer_form(ResponseFormat("lark", 'start: "a"'), case.tokenizer.id)


def test_calls_without_their_tags_are_constrained_as_well(case: FormatInVocabulary) -> None:
    """As Qwen2.5-Coder, Qwen3-Coder and Llama write them."""
    call = '{{\n  "name": "weather",\n  "{}": {}\n}}'
    if case.form.name == "hermes":
        for fence, end in (("", ""), ("```json\n", "\n```"), ("```\n", "\n```\n")):
            assert case.allows(fence + call.format("arguments", GOOD) + end)
            assert not case.allows(fence + call.format("arguments", BAD) + end)
    elif case.form.name == "llama":
        assert case.allows("Sure: " + call.format("parameters", GOOD))
        assert not case.allows("Sure: " + call.format("parameters", BAD))
    elif case.form.name == "coder":
        assert case.allows("I will.\n<function=weather>\n" + TAGS.replace("{unit}", "C") + "</function>\n</tool_call>")
        assert not case.allows("<function=weather>\n" + TAGS.replace("{unit}", "K") + "</function>")


def called(model: Model, function: dict[str, Any], **options: Any) -> ToolCall:
    how = {
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "sampling": Sampling(),
        "max_tokens": 120,
        **options,
    }
    asked = [{"role": "user", "content": "Call a function."}]
    events = list(model.chat(asked, tools=[{"type": "function", "function": function}], **how))
    [call] = [e for e in events if isinstance(e, ToolCall)]
    return call


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_tool_that_says_nothing_of_arguments_takes_none(smollm: Model, parameters: Any) -> None:
    function = {"name": "now", **({} if parameters is None else {"parameters": parameters})}
    assert called(smollm, function).arguments == {}


def test_what_cannot_be_followed_is_left_out_only_where_that_is_asked_for(smollm: Model) -> None:
    numbers = {"type": "array", "items": {"type": "integer", "maximum": 9, "minimum": 0}, "maxItems": 2}
    for odd in ({"uniqueItems": True}, {"contains": {"const": 1}}, {"not": {"const": []}}, {"minItems": "one"}):
        parameters = {"type": "object", "properties": {"n": {**numbers, **odd}}, "required": ["n"]}
        call = called(smollm, {"name": "f", "parameters": parameters})
        assert all(0 <= n <= 9 for n in call.arguments["n"])
        [keyword] = odd
        with pytest.raises(ConstraintError, match=f"f: {keyword} at #/properties/n") as refused:
            called(smollm, {"name": "f", "parameters": parameters, "strict": True}, tool_choice="auto")
        assert refused.value.param == "tools"
    # What only the grammar library finds out is left out with the whole schema, but not names and types.
    pattern = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0},
               "s": {"type": "string", "pattern": "(a"}}, "required": ["n"]}  # fmt: skip
    assert isinstance(called(smollm, {"name": "f", "parameters": pattern}, max_tokens=400).arguments["n"], int)


def test_tools_that_take_too_long_to_follow_are_followed_less(smollm: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galop.backends.tool_constraint.PATIENCE", -1)
    parameters = {"type": "object", "properties": {"s": {"type": "string", "pattern": "(a"}}}
    assert isinstance(called(smollm, {"name": "f", "parameters": parameters}, max_tokens=400).arguments, dict)
    with pytest.raises(ConstraintError, match="f: "):
        called(smollm, {"name": "f", "parameters": parameters, "strict": True})


def test_a_strict_tool_takes_an_object(smollm: Model) -> None:
    for kind in ("string", ["array", "null"]):
        with pytest.raises(ConstraintError, match="f: type at # of the schema has to be object"):
            called(smollm, {"name": "f", "parameters": {"type": kind}, "strict": True})
    assert called(smollm, {"name": "f", "parameters": {"type": ["object", "null"]}, "strict": True}).arguments == {}


def test_a_form_and_calls_go_together(smollm: Model) -> None:
    tools = [{"type": "function", "function": f} for f in FUNCTIONS]
    schema = {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"], "additionalProperties": False}
    for form, said in (
        (ResponseFormat("schema", json.dumps(schema)), '{"a": 1}'),
        (ResponseFormat("regex", r"a\/b|/c"), "a/b"),
    ):
        constraint = smollm.constraint(form, tools)
        assert constraint
        matcher = constraint._matcher
        assert matcher.consume_tokens(smollm.tokenizer.encode(said)) and matcher.is_accepting()


CLOSED: list[tuple[Any, list[Any], list[Any]]] = [
    ({"properties": {"a": {"type": "object", "properties": {"b": {}}}}}, [{"a": {"b": 1}}], [{"x": 1}, {"a": {"x": 1}}]),
    ({"type": "object"}, [{"x": 1}], []),
    ({"properties": {"a": {}}, "additionalProperties": True}, [{"x": 1}], []),
    ({"allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "object", "properties": {"c": {}}}}}],
      "$defs": {"A": {"properties": {"a": {}}}}}, [{"a": 1, "b": {"c": 1}}], [{"x": 1}, {"b": {"x": 1}}]),
    ({"properties": {"kind": {}}, "anyOf": [{"properties": {"a": {}}}, {"$ref": "#/$defs/B"}],
      "$defs": {"B": {"properties": {"b": {}}}}}, [{"kind": 1, "a": 1}, {"b": 2}], [{"x": 1}]),
    ({"anyOf": [{"type": "null"}, {"properties": {"a": {}}, "type": "object"}]}, [None, {"a": 1}], [{"x": 1}]),
    ({"properties": {"properties": {"type": "object", "properties": {"enum": {}}}}}, [{"properties": {"enum": 1}}],
     [{"properties": {"x": 1}}, {"x": 1}]),
    ({"items": {"$ref": "#/$defs/N"}, "$defs": {"N": {"properties": {"n": {"$ref": "#/$defs/N"}}}}},
     [[{"n": {"n": {}}}]], [[{"n": {"x": 1}}]]),
    ({"properties": {"a": {}}, "required": ["a", "b"]}, [{"a": 1, "b": 2}], [{"a": 1, "b": 2, "c": 3}]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "good", "bad"), CLOSED)
def test_objects_are_closed_as_peers_close_them(schema: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        jsonschema.validate(value, close_objects(schema))
    for value in bad:
        jsonschema.validate(value, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, close_objects(schema))


def test_a_model_is_told_of_arguments_whatever_their_names() -> None:
    long = "^(a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u)$"
    parameters = {"properties": {"pattern": {"type": "string", "pattern": long, "default": {"pattern": long}},
                                 "strict": {"enum": [{"pattern": long}]}}}  # fmt: skip
    told = trim_tool({"type": "function", "function": {"name": "f", "strict": True, "parameters": parameters}})
    assert told["function"] == {"name": "f", "parameters": {"properties": {
        "pattern": {"type": "string", "default": {"pattern": long}}, "strict": {"enum": [{"pattern": long}]}}}}  # fmt: skip


def test_types_and_names_of_a_schema_may_be_anything() -> None:
    odd = {
        "properties": {"a": {"type": ["string", "string"]}, "b": {"type": {}}, "c": 5},
        "required": [[], {}, "a", "z"],
    }
    outline = tool_schema({"name": "f", "parameters": odd}, loose=1).schema
    assert outline["properties"] == {"a": {}, "b": {}, "c": {}} and outline["required"] == ["a"]
