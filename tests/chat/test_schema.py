"""Schemas drawn at random: what compiles accepts what jsonschema accepts, and nothing else."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from test_tool_grammar import vocabulary

from galop.chat.constraint import GrammarCompiler
from galop.chat.response_format import ResponseFormat
from galop.chat.schema import close_objects, normalise
from galop.errors import ConstraintError

NAMES = ["a", "b", "enum", "default", "properties", "type"]
LEAVES: list[Any] = [
    {}, True, {"type": "integer"}, {"type": "string"}, {"type": "null"}, {"const": [1]}, {"const": {"a": "x"}},
    {"enum": [1, "x", True]}, {"type": ["string", "null"]}, {"type": "integer", "minimum": 2},
    {"type": "string", "maxLength": 1}, {"type": "string", "pattern": "^x"}, {"type": "string", "format": "odd"},
]  # fmt: skip
VALUES = [1, 2, 3, 1.5, "x", "xy", "", None, True]


def any_schema(r: random.Random, depth: int = 0) -> Any:
    kind = r.random()
    if depth > 2 or kind < 0.25:
        return r.choice(LEAVES)

    def inner() -> Any:
        return any_schema(r, depth + 1)

    if kind < 0.6:
        odd = {
            "required": r.sample(NAMES, r.randint(0, 2)), "additionalProperties": r.choice([False, True, inner()]),
            "minProperties": r.randint(0, 2), "patternProperties": {"^d": inner()}, "unevaluatedProperties": False,
            "propertyNames": r.choice([{"type": "string"}, {"enum": ["a", "b"]}, {"pattern": "^[ab]$"}]),
            "allOf": [inner()], "not": inner(), "type": "object",
        }  # fmt: skip
        chosen = {keyword: odd[keyword] for keyword in r.sample(sorted(odd), r.randint(0, 3))}
        return {"properties": {name: inner() for name in r.sample(NAMES, r.randint(0, 3))}, **chosen}
    if kind < 0.75:
        odd = {"minItems": r.randint(0, 2), "maxItems": r.randint(0, 3), "prefixItems": [inner()],
               "uniqueItems": r.choice([True, False]), "unevaluatedItems": False}  # fmt: skip
        return {"items": inner(), **{keyword: odd[keyword] for keyword in r.sample(sorted(odd), r.randint(0, 2))}}
    return {r.choice(["anyOf", "allOf", "oneOf"]): [inner() for _ in range(r.randint(1, 3))]}


def any_value(r: random.Random, depth: int = 0) -> Any:
    kind = r.random()
    if depth > 2 or kind < 0.4:
        return r.choice(VALUES)
    if kind < 0.8:
        return {name: any_value(r, depth + 1) for name in r.sample([*NAMES, "c"], r.randint(0, 3))}
    return [any_value(r, depth + 1) for _ in range(r.randint(0, 3))]


def orders(value: Any) -> Iterator[Any]:
    """A value with its properties in any order, since a grammar knows only one."""
    if isinstance(value, list):
        yield from (list(parts) for parts in itertools.product(*(list(orders(v)) for v in value)))
    elif isinstance(value, dict):
        for items in itertools.permutations(value.items()):
            for parts in itertools.product(*(list(orders(v)) for _, v in items)):
                yield dict(zip((key for key, _ in items), parts, strict=True))
    else:
        yield value


@pytest.mark.parametrize("seed", range(4))
def test_schemas_that_are_followed_mean_the_same(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(100):
        schema = any_schema(r)
        meant, rest = Draft202012Validator(schema), Draft202012Validator(normalise(schema, leave_out=True) or True)
        try:
            same = Draft202012Validator(normalise(schema))
        except ConstraintError:
            same = None
        shut = None if "oneOf" in json.dumps(schema) else Draft202012Validator(close_objects(schema))
        for value in [any_value(r) for _ in range(10)]:
            good = meant.is_valid(value)
            assert same is None or same.is_valid(value) == good, (schema, value)
            assert "not" in json.dumps(schema) or "oneOf" in json.dumps(schema) or rest.is_valid(value) or not good
            assert shut is None or "not" in json.dumps(schema) or good or not shut.is_valid(value), (schema, value)


def test_grammars_of_schemas_accept_what_jsonschema_does() -> None:
    tokenizer, size = vocabulary(())
    end = tokenizer.id("<|im_end|>")
    assert end is not None
    constraints = GrammarCompiler(tokenizer, size, [end])
    r = random.Random(11)
    compiled = 0
    for _ in range(90):
        schema = any_schema(r)
        try:
            matcher = constraints.compile(ResponseFormat("schema", json.dumps(schema)))._matcher
        except ConstraintError:
            continue
        compiled += 1
        meant = Draft202012Validator(schema)
        for value in [any_value(r) for _ in range(8)]:
            accepted = False
            for ordered in orders(value):
                one = matcher.deep_copy()
                ids = tokenizer.encode(json.dumps(ordered))
                accepted = accepted or (one.try_consume_tokens(ids) == len(ids) and one.is_accepting())
            assert accepted == meant.is_valid(value), (schema, value)
    constraints.close()
    assert compiled > 30
