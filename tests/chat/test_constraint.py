"""Answers held to a form: always valid, alone and in company, with guesses and without; what cannot be held is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from engines import engine_of, finish

from galop import Sampling
from galop.backends.events import Done, Text
from galop.backends.local import Model
from galop.chat.constraint import GrammarCompiler
from galop.chat.response_format import ResponseFormat
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import PromptLookup
from galop.errors import ConstraintError
from galop.server.request.response_format import parse_response_format
from galop.tokenizers.constraint import Constraint
from galop.tokenizers.tokenizer import Tokenizer

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "maxItems": 3},
        "address": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/address"}]},
    },
    "required": ["name", "age", "tags", "address"],
    "additionalProperties": False,
    "$defs": {"address": {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
                          "required": ["zip"], "additionalProperties": False}},
}  # fmt: skip
ASKED = [{"role": "user", "content": "Make up a person."}]


def said(model: Model, form: ResponseFormat, **options: Any) -> tuple[str, Done]:
    events = list(model.chat(ASKED, form=form, **options))
    done = events[-1]
    assert isinstance(done, Done)
    return "".join(e.text for e in events if isinstance(e, Text)), done


@pytest.mark.parametrize("seed", range(6))
def test_a_schema_is_kept_at_any_temperature(smollm: Model, seed: int) -> None:
    text, done = said(
        smollm, ResponseFormat("schema", json.dumps(PERSON)), sampling=Sampling(1.5, seed=seed), max_tokens=400
    )
    assert done.reason == "stop"
    jsonschema.validate(json.loads(text), PERSON)


def test_a_format_that_nobody_checks_is_no_reason_to_refuse(smollm: Model) -> None:
    schema = {
        "type": "object",
        "properties": {"arn": {"type": "string", "format": "AWS::IAM::Role.Arn", "maxLength": 8},
                       "kind": {"const": {"format": "arn"}}},
        "required": ["arn", "kind"], "additionalProperties": False,
    }  # fmt: skip
    text, _ = said(smollm, ResponseFormat("schema", json.dumps(schema)), sampling=Sampling(), max_tokens=80)
    jsonschema.validate(json.loads(text), schema)


def test_a_regex_and_a_grammar_are_kept(smollm: Model) -> None:
    for seed in range(4):
        how = Sampling(1.5, seed=seed)
        number, _ = said(smollm, ResponseFormat("regex", r"\+33 [1-9]( \d\d){4}"), sampling=how)
        assert re.fullmatch(r"\+33 [1-9]( \d\d){4}", number)
        chosen, _ = said(smollm, ResponseFormat("lark", 'start: "yes" | "no" | "it " /[a-z]{1,9}/'), sampling=how)
        assert re.fullmatch(r"yes|no|it [a-z]{1,9}", chosen)


def test_guesses_and_company_change_nothing(smollm: Model) -> None:
    form = ResponseFormat("schema", json.dumps(PERSON))
    expected = [
        said(smollm, form, sampling=Sampling(0.9, seed=s), max_tokens=200, speculate=False)[0] for s in range(6)
    ]
    again = [said(smollm, form, sampling=Sampling(0.9, seed=s), max_tokens=200)[0] for s in range(6)]
    assert again == expected
    scheduler = Scheduler(engine_of(smollm))
    prompt = smollm.template.encode(ASKED)
    together = [
        TokenSequence(
            list(prompt), Sampling(0.9, seed=s), 200, stop_ids=smollm.stop_ids, drafter=PromptLookup(),
            constraint=smollm.constraints.compile(form),
        )
        for s in range(6)
    ]  # fmt: skip
    together += [TokenSequence([5, 6, 7], Sampling(0.9, seed=9), 60)]  # someone who is held to nothing
    for one in together:
        scheduler.submit(one)
    finish(scheduler)
    answers = [smollm.tokenizer.decode(g.tokens[len(g.prompt) :]) for g in together[:6]]
    assert answers == expected
    assert scheduler.engine.blocks_in_use == 0


NESTED: Any = {"type": "object"}
for _ in range(80):
    NESTED = {"type": "object", "properties": {"a": NESTED}}
RECURSIVE = {"$ref": "#/$defs/node", "$defs": {"node": {
    "type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "required": ["next"], "additionalProperties": False}}}  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        ResponseFormat("schema", "{"), ResponseFormat("schema", json.dumps(NESTED)), ResponseFormat("schema", '{"$ref": "http://169.254.169.254/"}'),
        ResponseFormat("schema", '{"type": "horse"}'), ResponseFormat("schema", '{"type": "object", "properties": 5}'),
        ResponseFormat("schema", "[" * 100_000), ResponseFormat("schema", '"' + "x" * (1 << 20) + '"'), ResponseFormat("regex", "("),
        ResponseFormat("lark", "begin: 5"), ResponseFormat("lark", 'start: <|no_such_token|> "a"'),
    ],
)  # fmt: skip
@pytest.mark.timeout(120)
def test_what_cannot_be_held_is_refused_in_time(smollm: Model, form: ResponseFormat) -> None:
    with pytest.raises(ConstraintError) as refused:
        smollm.constraints.compile(form)
    assert "\n" not in str(refused.value)


@pytest.mark.timeout(300)
def test_large_and_recursive_schemas_are_followed_or_refused_in_time(smollm: Model) -> None:
    enum = {"enum": [f"value {i * 7919 % 100_003}" for i in range(20_000)]}
    forms = [ResponseFormat("schema", json.dumps(s)) for s in (enum, RECURSIVE)]
    for form in (*forms, ResponseFormat("regex", "(a{1000}){1000}{1000}"), ResponseFormat("regex", "(a|aa)*b(a*)*c")):
        try:
            text, done = said(smollm, form, sampling=Sampling(0.8, seed=1), max_tokens=60)
        except ConstraintError:
            continue
        if done.reason == "stop" and form.kind == "schema":
            jsonschema.validate(json.loads(text), json.loads(form.text))


def test_a_form_that_fails_midway_ends_only_its_own_text(smollm: Model) -> None:
    class Failing(Constraint):
        def mask(self) -> None:
            return None

        def accept(self, token: int) -> tuple[int, ...]:
            raise ConstraintError("it cannot be held any more")

    scheduler = Scheduler(engine_of(smollm))
    ends: list[object] = []
    bad = TokenSequence([1, 2, 3], Sampling(), 20, constraint=Failing(), on_finish=ends.append)
    good = TokenSequence([4, 5, 6], Sampling(), 20)
    scheduler.submit(bad)
    scheduler.submit(good)
    finish(scheduler)
    assert isinstance(ends[0], ConstraintError) and good.completion_tokens == 20


def test_white_space_before_the_end_is_never_forbidden(smollm: Model) -> None:
    """A number that is followed by a line break is finished, not longer; what the form has a place for stays."""
    blank = smollm.tokenizer.encode("\n")[0]
    for form, text, goes_on in [
        (ResponseFormat("schema", '{"type": "integer"}'), "4", False),
        (ResponseFormat("schema", '{"type": "array"}'), "[1, 2", True),
        (ResponseFormat("regex", "[0-9]+( or so)?"), "42", False),
        (ResponseFormat("lark", 'start: "yes" "es"*'), "yes", False),
        (ResponseFormat("lark", 'start: "yes" ("\\n" "no")?'), "yes", True),
    ]:
        constraint = smollm.constraints.compile(form)
        for token in smollm.tokenizer.encode(text):
            assert constraint.mask()[token // 32] >> token % 32 & 1 and constraint.interpret(token) == token
            constraint.accept(token)
        mask = constraint.mask()
        assert mask[blank // 32] >> blank % 32 & 1, form
        assert constraint.interpret(blank) == (blank if goes_on else min(smollm.stop_ids)), form


def references(n: int, leaf: Any) -> dict[str, Any]:
    """A chain of them."""
    defs = {f"d{i}": {"type": "object", "properties": {"x": {"$ref": f"#/$defs/d{i + 1}"}}} for i in range(n)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{n}": leaf}}


def rules(n: int, name: str) -> str:
    chain = "\n".join(f'{name}{i}: {name}{i + 1} "y"?' for i in range(n))
    return f'start: {name}0\n{chain}\n{name}{n}: "x"'


@pytest.mark.parametrize(
    "form",
    [
        ResponseFormat("schema", json.dumps(references(1000, {"type": "integer"}))),
        ResponseFormat("schema", json.dumps(references(9000, {"type": "integer"}))),
        ResponseFormat("lark", rules(3000, "r")), ResponseFormat("lark", rules(30_000, "r")), ResponseFormat("lark", rules(20_000, "T")),
        ResponseFormat("lark", "start: %json " + json.dumps(references(9000, {"type": "integer"}))),
        ResponseFormat("lark", 'start: "a" | start start' + ' | start "b"' * 3000),
        ResponseFormat("schema", '{"$ref": "#"}'), ResponseFormat("regex", "\ud83d"),
    ],
    ids=lambda form: f"{form.kind} {len(form.text)}",
)  # fmt: skip
def test_a_grammar_that_is_too_deep_or_too_slow_ends_in_a_sentence(smollm: Model, form: ResponseFormat) -> None:
    """Where it would have ended the process."""
    try:
        said(smollm, form, sampling=Sampling(), max_tokens=20)
    except ConstraintError as error:
        assert len(str(error)) < 200 and "\n" not in str(error)
    assert said(smollm, ResponseFormat("regex", "yes|no"), sampling=Sampling())[0] in ("yes", "no")


def test_a_panic_of_the_grammar_library_ends_one_answer(smollm: Model) -> None:
    class PanicException(BaseException):
        """As pyo3 raises it."""

    class Panicking:
        def compute_bitmask(self) -> bytes:
            raise PanicException("index out of bounds")

    constraint = smollm.constraints.compile(ResponseFormat("regex", "yes|no"))
    constraint._matcher = Panicking()  # type: ignore[assignment]
    with pytest.raises(ConstraintError, match="grammar library"):
        list(smollm.generate("Hello", constraint=constraint))
    assert said(smollm, ResponseFormat("regex", "yes|no"), sampling=Sampling())[0] in ("yes", "no")


def holds(model: Model, schema: Any, value: Any) -> bool:
    """Whether a value can be written under a schema."""
    constraint = model.constraints.compile(ResponseFormat("schema", json.dumps(schema)))
    matcher = constraint._matcher
    return bool(matcher.consume_tokens(model.tokenizer.encode(json.dumps(value)))) and matcher.is_accepting()


SHOP = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
FOLLOWED: list[tuple[Any, list[Any], list[Any]]] = [
    (True, [1, {"a": None}], []), ({}, ["x", [1]], []),
    ({"type": "array", "uniqueItems": False, "items": {"type": "integer"}}, [[1, 1]], [["x"]]),
    ({"properties": {"enum": {"type": "integer"}, "default": {"const": 2}, "format": {"format": "odd", "type": "null"}}},
     [{"enum": 1, "default": 2, "format": None}], [{"enum": "x"}, {"default": 3}, {"format": "x"}]),
    ({**SHOP, "allOf": [{"properties": {"size": {"type": "integer"}}}]}, [{"id": 1, "size": 2}, {"id": 1}],
     [{"id": 1, "size": "x"}, {"size": 2}]),
    ({"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {
        "a": {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind"]},
        "b": {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}}},
     [{"kind": "a", "n": 1}, {"kind": "b"}], [{"kind": "c"}, {"kind": "a", "n": "x"}]),
    ({"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {"type": "integer"}},
     [{"a": 1}], [{"a": "x"}]),
    ({"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "integer"}},
     [{"a": 1}, {"b": 2}], [{"c": 1}, {"a": "x"}]),
    ({"properties": {"a": {"type": "integer"}}, "unevaluatedProperties": False}, [{"a": 1}], [{"b": 1}]),
    ({"$ref": "#/components/schemas/N", "components": {"schemas": {"N": {"type": "integer", "format": "int32"}}}},
     [1], ["x"]),
    ({"type": "string", "maxLength": 2.0}, ["ab"], ["abc"]), ({"minProperties": 1}, [{"a": 1}], [{}]),
    ({"$schema": "https://example.com/draft", "type": "null"}, [None], [1]),
    ({"$ref": "#n", "$defs": {"n": {"$anchor": "n", "type": "integer"}}}, [1], ["x"]),
    ({"then": {"type": "null"}, "minContains": 2, "nullable": True, "type": "integer"}, [1], [None]),
    ({"type": "object", "properties": {f"p{i}": {"type": "null"} for i in range(1000)}, "additionalProperties": False},
     [{"p3": None, "p800": None}], [{"q": None}, {"p3": 1}]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "good", "bad"), FOLLOWED)
def test_what_a_schema_says_is_held_however_it_is_said(
    smollm: Model, schema: Any, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
        assert holds(smollm, schema, value), value
    for value in bad:
        assert not holds(smollm, schema, value), value


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"properties": {"a": {"type": "array", "uniqueItems": True}}}, "uniqueItems at #/properties/a"),
        ({"not": {"type": "null"}}, "not at #"), ({"if": {"type": "null"}, "then": {"const": 1}}, "if at #"),
        ({"items": {"contains": {"const": 1}}}, "contains at #/items"), ({"minProperties": 2}, "minProperties at #"),
        ({"properties": {"a/b": {"type": "text"}}}, "type at #/properties/a~1b"), ({"enum": []}, "enum at #"),
        ({"pattern": "(?=a)b"}, "pattern at #"), ({"patternProperties": {r"\bid": {}}}, "patternProperties at #"),
        ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, "oneOf"), ({"$ref": "#/$defs/no"}, r"\$ref"),
        ({"pattern": "(a"}, "pattern"), ({"dependentRequired": {"a": ["b"]}}, "dependentRequired"),
        ({"$ref": "https://example.com/s.json"}, r"\$ref"), (False, "false"), ({"properties": []}, "properties at #"),
        ({"$ref": "#here"}, r"\$ref at # .*#here"), ({"const": "a\0b"}, "const at #"), ({"required": ["\1"]}, "required"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "nothing satisfies"), ({"minLength": "2"}, "minLength"),
        ({"multipleOf": 0}, "multipleOf at # .* above 0"), ({"multipleOf": -2}, "multipleOf at #"),
        ({"anyOf": []}, "anyOf at # .* not empty"), ({"minimum": True}, "minimum at #"),
    ],
)  # fmt: skip
def test_a_keyword_that_cannot_be_followed_is_named(smollm: Model, schema: Any, keyword: str) -> None:
    with pytest.raises(ConstraintError, match=keyword) as refused:
        smollm.constraints.compile(ResponseFormat("schema", json.dumps(schema)))
    assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_bounds_of_draft_4_exclude_themselves(smollm: Model) -> None:
    schema = {"type": "integer", "minimum": 4, "exclusiveMinimum": True, "maximum": 6, "exclusiveMaximum": False}
    assert [n for n in range(3, 8) if holds(smollm, schema, n)] == [5, 6]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (ResponseFormat("regex", r"\bcat\b"), "looks around"), (ResponseFormat("regex", "(?=a)b"), "looks around"),
        (ResponseFormat("regex", r"(a)\1"), "backreferences"), (ResponseFormat("regex", "a{1000000}"), "too often"),
        (ResponseFormat("lark", 'start: "a"{1000000}'), "too often"),
    ],
)  # fmt: skip
def test_limits_of_the_grammar_library_are_told_in_a_sentence(smollm: Model, form: ResponseFormat, told: str) -> None:
    with pytest.raises(ConstraintError, match=told) as refused:
        said(smollm, form, sampling=Sampling(), max_tokens=8)
    assert not re.search(r"lexer|[pP]arser|Unicode|items|\n", str(refused.value))


def test_ollamas_format_closes_objects_and_a_response_format_follows_its_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {"enum": {}}}}}
    closed, followed = (
        parse_response_format(schema, "format"),
        parse_response_format({"type": "json_schema", "schema": schema}, "response_format"),
    )
    assert closed and followed
    for value in ({"x": 1}, {"a": {"x": 1}}):
        jsonschema.validate(value, json.loads(followed.text))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, json.loads(closed.text))


def test_a_vocabulary_of_sentencepiece_holds_forms_too() -> None:
    """Llama 2's kind: spaces belong to words, a text begins with one, bytes have tokens of their own."""
    words = ["\u2581", "\u2581yes", "yes", "caf\u00e9", "\u2581\u2581", '{"', '":', "C", "name"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    space = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
    description = {
        "version": "1.0",
        "added_tokens": [{"id": i, "content": name, **added} for i, name in enumerate(names[:3])],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                       {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [space, {"type": "ByteFallback"}, {"type": "Fuse"},
                    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "vocab": {name: i for i, name in enumerate(names)}, "merges": [], "unk_token": "<unk>",
                  "byte_fallback": True, "fuse_unk": True, "ignore_merges": True},
    }  # fmt: skip
    tokenizer = Tokenizer(json.dumps(description))
    constraints = GrammarCompiler(tokenizer, len(names), [2])
    schema = ResponseFormat(
        "schema",
        '{"type": "object", "properties": {"name": {"const": "caf\u00e9 \u20ac"}}, "required": ["name"], "additionalProperties": false}',
    )
    for form, expected in ((ResponseFormat("regex", "yes|no"), "yes"), (schema, '{"name":"caf\u00e9 \u20ac"}')):
        constraint, ids = constraints.compile(form), []
        while 2 not in ids and len(ids) < 60:
            allowed = [t for t in range(len(names)) if constraint.mask()[t // 32] >> t % 32 & 1]
            token = max(
                allowed, key=lambda t: len(tokenizer.token_bytes(t)) + 9 * (tokenizer.token_bytes(t)[:1] == b"y")
            )
            ids += [token, *constraint.accept(token)]
        assert tokenizer.decode(ids[:-1]).replace(" ", "").replace("\n", "") == expected.replace(" ", "")
    constraints.close()
