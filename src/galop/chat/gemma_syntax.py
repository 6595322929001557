"""Values as Gemma 4 writes them, read and constrained: JSON whose names have no quotes, and whose texts stand between
two tokens `<|"|>`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from galop.chat import lark
from galop.chat.argument_grammar import json_rule, text_bounds
from galop.chat.tool_schema import FlatSchema, ToolSchema, alternatives, flatten, subschema
from galop.errors import ConstraintError

QUOTE = '<|"|>'
DEEPEST = 6  # levels of objects and lists that are constrained; below them anything may stand
MOST_RULES = 4000
_BARE = re.compile(r'"(?:\\.|[^"\\])*"|([{,]\s*)([^\s"{}\[\],:]+)\s*:|\b(None|True|False)\b')
_NAME = re.compile(r'[^\s"{}\[\],:<]+')
_WORDS = {"None": "null", "True": "true", "False": "false"}


def gemma_to_json(text: str) -> str:
    """The same value as JSON. Raises ValueError where a text is not closed."""
    parts = text.split(QUOTE)
    if len(parts) % 2 == 0:
        raise ValueError("a text is not closed")
    return "".join(json.dumps(part) if i % 2 else _BARE.sub(_quote, part) for i, part in enumerate(parts))


def _quote(found: re.Match[str]) -> str:
    if found[2]:
        return f"{found[1]}{json.dumps(found[2])}:"
    return _WORDS[found[3]] if found[3] else found[0]


def write_gemma(value: Any) -> str:
    """A JSON value as Gemma writes it, names in order."""
    if isinstance(value, str):
        return f"{QUOTE}{value}{QUOTE}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{write_gemma(v)}" for k, v in sorted(value.items())) + "}"
    return f"[{','.join(map(write_gemma, value))}]" if isinstance(value, list) else json.dumps(value)


def gemma_rules(name: str, tool: ToolSchema, quote: str, known: bool) -> list[str]:
    """Rules for the arguments of a tool, of which `name` is the first; `quote` is the token in Lark, `known` whether
    the vocabulary has it. Raises ConstraintError for a strict tool whose schema cannot be said so, and for one that
    takes too many rules."""
    rules = _GemmaRules(quote, known)
    rules.fields(name, tool, 0)
    return rules.rules


def any_rules(quote: str, known: bool) -> list[str]:
    """Rules for any value, `gany`, which those of every tool refer to."""
    return [
        'gany: gtext | gnumber | "true" | "false" | "null" | "[" (gany ("," gany)*)? "]" | "{" gfields "}"',
        'gfields: (GNAME ":" gany ("," GNAME ":" gany)*)?',
        "GNAME: /[A-Za-z_][A-Za-z0-9_.-]{0,63}/",
        f"gnumber: {json_rule(ToolSchema('', {'type': 'number'}))}",
        *_text("gtext", [], quote, known),
    ]


def _text(rule: str, bounds: list[str], quote: str, known: bool, empty: bool = True) -> list[str]:
    """A text between quotes that satisfies regexes in Lark."""
    limits = " & ".join(bounds)
    if known:
        body = f"{rule.upper()}T{'?' if empty else ''}"
        return [f"{rule}: {quote} {body} {quote}", f"{rule.upper()}T: {f'{limits} & ' if limits else ''}/(?s:.+)/"]
    rules = [f"{rule}: {quote} {rule}e"]
    if not limits:
        return [*rules, f"{rule}e[lazy]: /(?s:.*){lark.regex(QUOTE)}/"]
    return [*rules, f"{rule}e[lazy]: {rule.upper()}T", f"{rule.upper()}T: ({limits}) {quote}"]


class _GemmaRules:
    """Collects the rules of one tool."""

    def __init__(self, quote: str, known: bool) -> None:
        self.quote, self.known = quote, known
        self.rules: list[str] = []

    def add(self, rule: str) -> None:
        self.rules.append(rule)
        if len(self.rules) > MOST_RULES:
            raise ConstraintError("it is too large for this model's format of calls")

    def fields(self, name: str, tool: ToolSchema, deep: int) -> None:
        """What stands between the braces of an object."""
        objects = flatten(tool) or [FlatSchema({}, frozenset(), None)]
        self.add(f"{name}: " + " | ".join(f"{name}o{i}f0" for i in range(len(objects))))
        for i, one in enumerate(objects):
            items = []
            for j, (key, schema) in enumerate(sorted(one.properties.items())):  # as templates have them
                rule = f"{name}o{i}v{j}"
                self.value(rule, schema, tool, deep)
                bare = (
                    lark.literal(key + ":")
                    if _NAME.fullmatch(key)
                    else f'{self.quote} {lark.literal(key)} {self.quote} ":"'
                )
                items.append((f"{bare} {rule}", key in one.required))
            more = ""
            if one.more is not None:
                self.value(f"{name}o{i}m", one.more, tool, deep)
                taken = "|".join(map(lark.regex, one.properties)) or "-"
                more = f"{name}o{i}n"
                self.add(f"{name.upper()}O{i}N: /[A-Za-z_][A-Za-z0-9_.-]{{0,63}}/ & ~/(?:{taken})/")
                self.add(f'{more}: {name.upper()}O{i}N ":" {name}o{i}m')
            for rule in lark.sequence(f"{name}o{i}", items, '","', more):
                self.add(rule)

    def value(self, rule: str, schema: Any, tool: ToolSchema, deep: int) -> None:
        """One value of this schema."""
        ways = []
        for i, one in enumerate(alternatives(schema, tool.schema)):
            ways.append(self.way(f"{rule}w{i}", one, tool, deep))
        self.add(f"{rule}: {' | '.join(dict.fromkeys(ways))}")

    def way(self, rule: str, one: Mapping[str, Any], tool: ToolSchema, deep: int) -> str:
        """What stands for a value of a simple schema; its rules begin with `rule`."""
        kind = one.get("type")
        if "const" in one:
            return self.constant(one["const"])
        if kind == "string":
            bounds = text_bounds(one)
            if not bounds:
                return "gtext"
            empty = "pattern" not in one and not one.get("minLength")
            for line in _text(rule, bounds, self.quote, self.known, empty):
                self.add(line)
            return rule
        if kind in ("integer", "number", "boolean", "null"):
            return json_rule(tool, subschema(tool.schema, one))
        inner = ToolSchema(tool.name, subschema(tool.schema, one), tool.strict)
        if kind == "object" and deep < DEEPEST:
            self.fields(rule, inner, deep + 1)
            return f'"{{" {rule} "}}"'
        if kind == "array" and deep < DEEPEST and "prefixItems" not in one:
            self.value(f"{rule}i", inner.schema.get("items", True), inner, deep + 1)
            least, most = one.get("minItems", 0), one.get("maxItems")
            if most == 0:
                return '"[" "]"'
            again = f'("," {rule}i){{{max(least - 1, 0)},{"" if most is None else most - 1}}}'
            return f'"[" {rule}i {again} "]"' + ("" if least else ' | "[" "]"')
        if tool.strict and one:
            raise ConstraintError("a part of its schema cannot be followed in this model's format of calls")
        return {"object": '"{" gfields "}"', "array": '"[" (gany ("," gany)*)? "]"'}.get(str(kind), "gany")

    def constant(self, value: Any) -> str:
        """One value, as it is written."""
        if isinstance(value, str):
            return f"{self.quote} {lark.literal(value)} {self.quote}" if value else f"{self.quote} {self.quote}"
        if isinstance(value, dict):
            fields = (f"{lark.literal(k + ':')} {self.constant(v)}" for k, v in sorted(value.items()))
            return '"{" ' + ' "," '.join(fields) + ' "}"'
        if isinstance(value, list):
            return '"[" ' + ' "," '.join(map(self.constant, value)) + ' "]"'
        return lark.literal(json.dumps(value))
