"""Lark rules for the arguments of a tool call.

One JSON object, or keyword arguments as in Python; tags are for `tag_grammar`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from galop.chat import lark
from galop.chat.response_format import JSON
from galop.chat.tool_schema import FlatSchema, ToolSchema, alternatives, flatten, subschema
from galop.errors import ConstraintError

WIDE = {**JSON, "whitespace_pattern": r"[ \n\t]{0,20}"}  # JSON in lines, as some write it
TIGHT = {**JSON, "whitespace_pattern": " ?"}  # as templates write it
PYTHON_RULES = [r"COMMA: /, ?/", r"SINGLE: /'(?:[^'\\\x00-\x1f]|\\[\\'nrt])*'/"]
"""That `keyword_rules` refer to."""
CONSTANTS: Mapping[str, list[Any]] = {"null": [None], "boolean": [True, False]}
LITERALS = {None: ("None", "null"), True: ("True", "true"), False: ("False", "false")}


def json_rule(tool: ToolSchema, schema: Mapping[str, Any] | None = None, how: Mapping[str, str] = TIGHT) -> str:
    """A JSON value: all arguments of a tool, or the one of `schema`; `how` says which white space may stand in it."""
    whole = tool.schema if schema is None else schema
    return f"%json {json.dumps({**whole, 'x-guidance': {**how, 'lenient': not tool.strict}})}"


def is_text(schema: Mapping[str, Any]) -> bool:
    """Whether a value may be text that is written without quotes."""
    return schema.get("type") == "string" or not schema


def text_bounds(schema: Mapping[str, Any]) -> list[str]:
    """Regexes in Lark, all of which a text has to match."""
    found = []
    if "minLength" in schema or "maxLength" in schema:
        found.append(f"/(?s:.){{{schema.get('minLength', 0)},{schema.get('maxLength', '')}}}/")
    if isinstance(pattern := schema.get("pattern"), str):
        begins, ends = pattern.startswith("^"), bool(re.search(r"(?:^|[^\\])(?:\\\\)*\$$", pattern))
        inner = lark.between_slashes(pattern[begins : len(pattern) - ends])
        found.append(f"/{'' if begins else '(?s:.*)'}(?:{inner}){'' if ends else '(?s:.*)'}/")
    return found


def keyword_rules(name: str, tool: ToolSchema) -> list[str]:
    """Rules for keyword arguments as in Python, of which `name` is the first. Raises ConstraintError for a strict tool
    whose schema cannot be said so."""
    objects = flatten(tool) or [FlatSchema({}, frozenset(), None)]
    rules = [f"{name}: " + " | ".join(f"{name}o{i}f0" for i in range(len(objects)))]
    for i, one in enumerate(objects):
        items = []
        for j, (key, schema) in enumerate(one.properties.items()):
            if not key.isidentifier():  # Python has no way to write it
                if key in one.required and tool.strict:
                    raise ConstraintError(f"{key[:60]!r} cannot be written in this model's format of calls")
                continue
            rules.append(f"{name}o{i}v{j}: {_keyword_value(schema, tool)}")
            items.append((f"{lark.literal(key + '=')} {name}o{i}v{j}", key in one.required))
        more = ""
        if one.more is not None:
            taken = "|".join(map(lark.regex, one.properties)) or "-"
            rules += [f"{name.upper()}O{i}N: /[A-Za-z_][A-Za-z0-9_]{{0,63}}/ & ~/(?:{taken})/",
                      f'{name}o{i}m: {name.upper()}O{i}N "=" ({_keyword_value(one.more, tool)})']  # fmt: skip
            more = f"{name}o{i}m"
        rules += lark.sequence(f"{name}o{i}", items, "COMMA", more)
    return rules


def _keyword_value(schema: Any, tool: ToolSchema) -> str:
    ways: list[str] = []
    choice = alternatives(schema, tool.schema)
    for one in choice:
        constants = [one["const"]] if "const" in one else CONSTANTS.get(str(one.get("type")), [])
        for value in constants:
            if value is None or isinstance(value, bool):
                ways += map(lark.literal, LITERALS[value])
            elif isinstance(value, str) and value.isprintable() and not set(value) & {"'", "\\"}:
                ways.append(lark.literal(f"'{value}'"))
        if is_text(one) and not one.keys() & {"const", "minLength", "maxLength", "pattern", "format"}:
            ways.append("SINGLE")
    whole = json_rule(tool, subschema(tool.schema, schema))
    return " | ".join([whole, *dict.fromkeys(ways)])
