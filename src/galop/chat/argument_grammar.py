"""What stands in a call as grammars say it: arguments as one JSON object, in tags, or named as in Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galop.chat.response_format import JSON, slashes
from galop.chat.schema import SAID, closed, followed, resolved
from galop.errors import ConstraintError

NONE = {"type": "object", "properties": {}, "additionalProperties": False}
WIDE = {**JSON, "whitespace_pattern": r"[ \n\t]{0,20}"}  # JSON in lines, as some write it
TIGHT = {**JSON, "whitespace_pattern": " ?"}  # as templates write it


LOOSEST = 2
WAYS = 256  # in which arguments may be given
LARGEST = 1 << 20  # characters of a schema that goes with each of its parts, in all


@dataclass(frozen=True)
class Arguments:
    """Of a tool: the schema that its calls are held to, an object's, in keywords that can be followed."""

    name: str
    schema: Mapping[str, Any]
    strict: bool = False  # whether all that its schema says has to be followed


def tool_schema(function: Mapping[str, Any], loose: int = 0) -> Arguments:
    """A tool that says nothing of its arguments takes none; one that is not strict is followed as far as can be, and
    where `loose` is 1 in the names and types of its arguments, where 2 in nothing. Raises ConstraintError."""
    strict = function.get("strict") is True
    given = function.get("parameters")
    given = given if isinstance(given, Mapping) else {}
    told = given.get("type", "object")
    if strict and "object" not in (told if isinstance(told, list) else [told]):
        raise ConstraintError("type at # of the schema has to be object, as arguments are")
    if not given.keys() - {*SAID, "$schema", "type"}:
        return Arguments(function["name"], NONE, strict)
    if loose:
        return Arguments(function["name"], {"type": "object", **({} if loose > 1 else outlined(given))})
    schema = followed(closed({**given, "type": "object"}), leave_out=not strict)
    return Arguments(function["name"], schema, strict)


def outlined(schema: Mapping[str, Any]) -> dict[str, Any]:
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


def json_rule(tool: Arguments, schema: Mapping[str, Any] | None = None, how: Mapping[str, str] = TIGHT) -> str:
    """A JSON value in Lark: the arguments of a tool, or one of them."""
    held = tool.schema if schema is None else schema
    return f"%json {json.dumps({**held, 'x-guidance': {**how, 'lenient': not tool.strict}})}"


def exactly(text: str) -> str:
    """A text as a regex in Lark."""
    return "".join(c if (c.isalnum() and c.isascii()) or c in '_ <>="' else rf"\x{{{ord(c):x}}}" for c in text)


def quoted(text: str) -> str:
    """A text as a literal of Lark."""
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True)
class Flat:
    """An object's schema by its properties. `more` is the schema of others; None where there are none."""

    properties: Mapping[str, Any]
    required: frozenset[str]
    more: Any


def flat(tool: Arguments) -> list[Flat]:
    """The objects that arguments may be, one by one. Raises ConstraintError for a strict tool of which no list of
    properties can be made."""
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
        found.append(Flat(properties, frozenset(required), None if closing else rest))
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
        inside.append([resolved(root, reference) if reference.startswith("#/") else None])
    for options in inside:
        chosen = [way for option in options for way in _parts(option, root, steps, hops - 1)]
        ways = [[*way, *other] for way in ways for other in chosen]
        if len(ways) > WAYS:
            raise ConstraintError("it has too many options for this model's format of calls")
    yield from ways


def in_order(name: str, items: Sequence[tuple[str, bool]], separator: str = "", more: str = "") -> list[str]:
    """Rules for items in their order, those that are not required left out at will, then any number of `more`.
    `NAMEf0` begins."""
    rules = []
    count = len(items)
    for begun, kind in ((False, "f"), (True, "s")):
        between = f"{separator} " if separator and begun else ""
        for i, (item, required) in enumerate(items):
            rest = f"{name}s{i + 1}"
            rules.append(f"{name}{kind}{i}: {between}{item} {rest}" + ("" if required else f" | {name}{kind}{i + 1}"))
        tail = f"({between}{more} {f'({separator} {more})*' if separator and not begun else ''})" if more else ""
        if more and separator and begun:
            tail = f"({separator} {more})*"
        elif more:
            tail += "?" if separator else "*"
        rules.append(f"{name}{kind}{count}: {tail or EMPTY}")
    return rules


EMPTY = '""'


def within(root: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """A part of a schema on its own, with what it refers to."""
    part: dict[str, Any] = {} if schema is True else {"not": {}} if schema is False else dict(schema)
    if '"$ref"' not in json.dumps(part):
        return part
    moved: dict[str, Any] = _moved(part)
    return {**moved, "$defs": {**moved.get("$defs", {}), "%root": _moved(dict(root))}}


def _moved(value: Any) -> Any:
    if isinstance(value, list):
        return [_moved(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {
        k: f"#/$defs/%25root{v[1:]}" if k == "$ref" and isinstance(v, str) and v.startswith("#") else _moved(v)
        for k, v in value.items()
    }


def options(schema: Any, root: Any, steps: Iterator[int] | None = None, hops: int = 8) -> list[dict[str, Any]]:
    """A value's schema as a choice of simple ones; as it is where there are too many."""
    steps = iter(range(WAYS)) if steps is None else steps
    if not isinstance(schema, Mapping):
        return [{}]
    found = [dict(schema)]
    if set(schema) == {"$ref"} and hops and str(schema["$ref"]).startswith("#/"):
        return options(resolved(root, schema["$ref"]), root, steps, hops - 1)
    for key in ("anyOf", "oneOf"):
        if set(schema) - {"type"} == {key} and hops:
            parts = [options(part, root, steps, hops - 1) for part in schema[key] if next(steps, None) is not None]
            return [one for part in parts for one in part] if len(parts) == len(schema[key]) else found
    if "enum" in schema and isinstance(schema["enum"], list):
        return [{"const": value} for value in schema["enum"]]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return found


CLOSE = "\n</parameter>\n"


def tagged(name: str, tool: Arguments) -> list[str]:
    """Rules for arguments in tags, as Qwen3-Coder writes them; NAME begins."""
    rules = [f"{name}: " + " | ".join(f"{name}o{i}f0" for i in range(len(flat(tool)) or 1))]
    for i, one in enumerate(flat(tool) or [Flat({}, frozenset(), None)]):
        items = []
        for j, (key, schema) in enumerate(one.properties.items()):
            rule = f"{name}o{i}v{j}"
            rules += _tagged_value(rule, schema, tool)
            items.append((f"{quoted(f'<parameter={key}>' + chr(10))} {rule}", key in one.required))
        more = ""
        if one.more is not None:
            rules += _tagged_value(f"{name}o{i}m", one.more, tool)
            rules.append(f'{name}o{i}n: "<parameter=" /[A-Za-z_][A-Za-z0-9_.-]{{0,63}}/ ">\\n" {name}o{i}m')
            more = f"{name}o{i}n"
        rules += in_order(f"{name}o{i}", items, more=more)
    return rules


def _tagged_value(rule: str, schema: Any, tool: Arguments) -> list[str]:
    choice = options(schema, tool.schema)
    if any(_is_text(one) and not _bounds(one) for one in choice):
        return [f"{rule}[lazy]: /(?s:.*)\\n<\\/parameter>\\n/"]
    rules, ways, others = [], [], []
    for i, one in enumerate(choice):
        if isinstance(one.get("const"), str):
            ways.append(f"{quoted(one['const'] + CLOSE)}")
        elif _is_text(one):
            ways.append(f"{rule}t{i}")
            rules += [f"{rule}t{i}[lazy]: {rule.upper()}T{i}",
                      f"{rule.upper()}T{i}: ({' & '.join(_bounds(one))}) {quoted(CLOSE)}"]  # fmt: skip
        else:
            others.append(one)
    if others:
        whole = schema if len(others) == len(choice) else {"anyOf": others}
        ways.append(f"{json_rule(tool, within(tool.schema, whole))} {quoted(CLOSE)}")
    return [f"{rule}: {' | '.join(ways)}", *rules]


def _is_text(schema: Mapping[str, Any]) -> bool:
    """Whether a value may be text that is written without quotes."""
    return schema.get("type") == "string" or not schema


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    """Regexes in Lark, all of which a text has to match."""
    found = []
    if "minLength" in schema or "maxLength" in schema:
        found.append(f"/(?s:.){{{schema.get('minLength', 0)},{schema.get('maxLength', '')}}}/")
    if isinstance(pattern := schema.get("pattern"), str):
        begins, ends = pattern.startswith("^"), bool(re.search(r"(?:^|[^\\])(?:\\\\)*\$$", pattern))
        inner = slashes(pattern[begins : len(pattern) - ends])
        found.append(f"/{'' if begins else '(?s:.*)'}(?:{inner}){'' if ends else '(?s:.*)'}/")
    return found


def named(name: str, tool: Arguments) -> list[str]:
    """Rules for arguments as in Python, key=value; NAME begins."""
    rules = [f"{name}: " + " | ".join(f"{name}o{i}f0" for i in range(len(flat(tool)) or 1))]
    for i, one in enumerate(flat(tool) or [Flat({}, frozenset(), None)]):
        items = []
        for j, (key, schema) in enumerate(one.properties.items()):
            if not key.isidentifier():  # Python has no way to write it
                if key in one.required and tool.strict:
                    raise ConstraintError(f"{key[:60]!r} cannot be written in this model's format of calls")
                continue
            rules.append(f"{name}o{i}v{j}: {_named_value(schema, tool)}")
            items.append((f"{quoted(key + '=')} {name}o{i}v{j}", key in one.required))
        more = ""
        if one.more is not None:
            taken = "|".join(map(exactly, one.properties)) or "-"
            rules += [f"{name.upper()}O{i}N: /[A-Za-z_][A-Za-z0-9_]{{0,63}}/ & ~/(?:{taken})/",
                      f'{name}o{i}m: {name.upper()}O{i}N "=" ({_named_value(one.more, tool)})']  # fmt: skip
            more = f"{name}o{i}m"
        rules += in_order(f"{name}o{i}", items, "COMMA", more)
    return rules


PYTHON_RULES = [r"COMMA: /, ?/", r"SINGLE: /'(?:[^'\\\x00-\x1f]|\\[\\'nrt])*'/"]
CONSTANTS: Mapping[str, list[Any]] = {"null": [None], "boolean": [True, False]}
LITERALS = {None: ("None", "null"), True: ("True", "true"), False: ("False", "false")}


def _named_value(schema: Any, tool: Arguments) -> str:
    ways: list[str] = []
    choice = options(schema, tool.schema)
    for one in choice:
        constants = [one["const"]] if "const" in one else CONSTANTS.get(str(one.get("type")), [])
        for value in constants:
            if value is None or isinstance(value, bool):
                ways += map(quoted, LITERALS[value])
            elif isinstance(value, str) and value.isprintable() and not set(value) & {"'", "\\"}:
                ways.append(quoted(f"'{value}'"))
        if _is_text(one) and not one.keys() & {"const", "minLength", "maxLength", "pattern", "format"}:
            ways.append("SINGLE")
    whole = json_rule(tool, within(tool.schema, schema))
    return " | ".join([whole, *dict.fromkeys(ways)])
