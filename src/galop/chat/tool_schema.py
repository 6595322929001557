"""The JSON schema that calls of one tool are constrained to, and its parts for formats that do not write JSON.

A tool that asks for `strict` is followed in all that its schema says, or refused; any other as far as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from galop.chat.schema import ANNOTATIONS, close_objects, normalise, resolve
from galop.errors import ConstraintError

NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}
LOOSEST = 2  # the last value of `loose`: any object
WAYS = 256  # in which arguments may be given
LARGEST = 1 << 20  # characters of a schema that goes with each of its parts, in all


@dataclass(frozen=True)
class ToolSchema:
    """What calls of a tool are constrained to: an object's schema in keywords that grammars know."""

    name: str
    schema: Mapping[str, Any]
    strict: bool = False  # whether all that its schema says has to be followed


def tool_schema(function: Mapping[str, Any], loose: int = 0) -> ToolSchema:
    """The schema for calls of a `function` of OpenAI's API. One that says nothing of its arguments takes none; one that
    is not strict is followed as far as can be, with `loose` 1 in the names and types of its arguments, with 2 in
    nothing. Raises ConstraintError for what cannot be followed."""
    strict = function.get("strict") is True
    given = function.get("parameters")
    given = given if isinstance(given, Mapping) else {}
    kind = given.get("type", "object")
    if strict and "object" not in (kind if isinstance(kind, list) else [kind]):
        raise ConstraintError("type at # of the schema has to be object, as arguments are")
    if not given.keys() - {*ANNOTATIONS, "$schema", "type"}:
        return ToolSchema(function["name"], NO_ARGUMENTS, strict)
    if loose:
        return ToolSchema(function["name"], {"type": "object", **({} if loose > 1 else _outline(given))})
    schema = normalise(close_objects({**given, "type": "object"}), leave_out=not strict)
    return ToolSchema(function["name"], schema, strict)


def _outline(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Names and types of the arguments alone."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, Mapping):
        return {}
    kinds = {name: part.get("type") if isinstance(part, Mapping) else None for name, part in properties.items()}
    known: list[Any] = ["null", "boolean", "number", "integer", "string", "array", "object"]  # a type may be anything
    names = [n for n in required if isinstance(n, str) and n in properties] if isinstance(required, list) else []
    return {
        "properties": {name: {"type": kind} if kind in known else {} for name, kind in kinds.items()},
        "required": names,
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class FlatSchema:
    """An object's schema as a list of properties, without applicators such as anyOf."""

    properties: Mapping[str, Any]
    required: frozenset[str]
    more: Any  # the schema of other properties; None where there may be none


def flatten(tool: ToolSchema) -> list[FlatSchema]:
    """The objects that arguments may be, one by one. Raises ConstraintError where there are too many, and for a strict
    tool of which no list of properties can be made."""
    found = []
    for parts in _parts(tool.schema, tool.schema, iter(range(WAYS))):
        properties: dict[str, Any] = {}
        required: set[str] = set()
        more: list[Any] = []
        for part in parts:
            for keyword in ("patternProperties", "minProperties", "maxProperties", "const", "enum"):
                if tool.strict and keyword in part:
                    raise ConstraintError(f"{keyword} cannot be followed in this model's format of calls")
            for name, schema in (part.get("properties") or {}).items():
                known = properties.get(name, True)
                properties[name] = schema if known is True else known if schema is True else {"allOf": [known, schema]}
            required |= set(part.get("required") or ())
            more.append(part.get("additionalProperties", True))
        closing = any(m is False for m in more)
        for name in required - properties.keys():
            properties[name] = True
        rest = next((m for m in more if isinstance(m, Mapping)), True)
        found.append(FlatSchema(properties, frozenset(required), None if closing else rest))
    whole = json.dumps(tool.schema)
    if '"$ref"' in whole and len(whole) * sum(len(one.properties) for one in found) > LARGEST:
        raise ConstraintError("it is too large for this model's format of calls")
    return found


def _parts(schema: Any, root: Any, steps: Iterator[int], hops: int = 8) -> Iterator[list[Mapping[str, Any]]]:
    """Each way to satisfy a schema, as schemas without applicators that hold together. Raises ConstraintError where
    these steps do not suffice to tell."""
    if next(steps, None) is None:
        raise ConstraintError("it has too many options for this model's format of calls")
    if not isinstance(schema, Mapping):
        if schema is not False:
            yield []
        return
    ways: list[list[Mapping[str, Any]]] = [[schema]]
    inside: list[list[Any]] = [[part] for part in schema.get("allOf", ())]
    inside += [schema[key] for key in ("anyOf", "oneOf") if key in schema]
    if isinstance(reference := schema.get("$ref"), str) and hops:
        inside.append([resolve(root, reference) if reference.startswith("#/") else None])
    for options in inside:
        chosen = [way for option in options for way in _parts(option, root, steps, hops - 1)]
        ways = [[*way, *other] for way in ways for other in chosen]
        if len(ways) > WAYS:
            raise ConstraintError("it has too many options for this model's format of calls")
    yield from ways


def subschema(root: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """A part of the schema `root` on its own, with what it refers to."""
    part: dict[str, Any] = {} if schema is True else {"not": {}} if schema is False else dict(schema)
    if '"$ref"' not in json.dumps(part):
        return part
    moved: dict[str, Any] = _move_references(part)
    return {**moved, "$defs": {**moved.get("$defs", {}), "%root": _move_references(dict(root))}}


def _move_references(value: Any) -> Any:
    if isinstance(value, list):
        return [_move_references(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {
        k: f"#/$defs/%25root{v[1:]}"
        if k == "$ref" and isinstance(v, str) and v.startswith("#")
        else _move_references(v)
        for k, v in value.items()
    }


def alternatives(schema: Any, root: Any, steps: Iterator[int] | None = None, hops: int = 8) -> list[dict[str, Any]]:
    """A value's schema as a choice of simple ones, references into `root` resolved; as it is where there are too many,
    or they are deeper than `hops`."""
    steps = iter(range(WAYS)) if steps is None else steps
    if not isinstance(schema, Mapping):
        return [{}]
    found = [dict(schema)]
    if set(schema) == {"$ref"} and hops and str(schema["$ref"]).startswith("#/"):
        return alternatives(resolve(root, schema["$ref"]), root, steps, hops - 1)
    for key in ("anyOf", "oneOf"):
        if set(schema) - {"type"} == {key} and hops:
            parts = [alternatives(part, root, steps, hops - 1) for part in schema[key] if next(steps, None) is not None]
            return [one for part in parts for one in part] if len(parts) == len(schema[key]) else found
    if "enum" in schema and isinstance(schema["enum"], list):
        return [{"const": value} for value in schema["enum"]]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return found
