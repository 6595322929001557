"""Reads tool calls that are no JSON: Qwen3-Coder's tags and Llama's Python lists, and the values written in them.

What a text stands for is decided by the type that the tool's schema gives the argument."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from galop.chat.tag_style import TagStyle
from galop.chat.tools import Schemas, ToolCall, make_call, make_encodable

_FUNCTION = re.compile(r"<function=([^<>\n]+)>")
_PARAMETER = re.compile(r"\s*<parameter=([^<>\n]+)>\n?")
_VALUE_ENDS = (
    r"\n?</parameter>(?=\s*(?:<parameter=|</function>|</tool_call>|<function=|\Z))|\n?</function>(?=\s*(?:</tool_call>|"
    r"<function=|\Z))|\n?</tool_call>\s*\Z|\n(?=<parameter=(?:{known})>)|\s*\Z"
)


def parse_tagged_calls(body: str, schemas: Schemas) -> list[ToolCall]:
    """Qwen3-Coder: tags for the function and each of its parameters, values as text; tags that close may be missing.
    Raises ValueError if there is no call of a tool in `schemas`."""
    calls, at = [], 0
    while function := _FUNCTION.search(body, at):
        name, at = function[1].strip(), function.end()
        properties = _properties(schemas.get(name))
        known = "|".join(map(re.escape, properties)) or r"[\w.-]+"
        ends = re.compile(_VALUE_ENDS.replace("{known}", known))
        values: dict[str, Any] = {}
        while parameter := _PARAMETER.match(body, at):
            end = ends.search(body, parameter.end())
            assert end  # which the end of the text is
            key = parameter[1].strip()
            text = body[parameter.end() : end.start()]
            values[key] = parse_value(text, properties.get(key), schemas.get(name))
            at = end.end()
        calls.append((name, values))
    return _valid_calls(calls, schemas)


def parse_styled_calls(body: str, schemas: Schemas, style: TagStyle) -> list[ToolCall]:
    """Calls in the tags of `style`. Raises ValueError if there is no call of a tool in `schemas`."""
    calls, at = [], 0
    while function := style.function_pattern.match(body, at):
        name, at = function[1], function.end()
        properties = _properties(schemas.get(name))
        values: dict[str, Any] = {}
        while parameter := style.parameter_pattern.match(body, at):
            end = style.value_end.search(body, parameter.end())
            assert end  # which the end of the text is
            text, at = body[parameter.end() : end.start()], end.end()
            is_text = parameter.groupdict().get("text") == "true"
            values[parameter[1]] = (
                text if is_text else parse_value(text, properties.get(parameter[1]), schemas.get(name))
            )
        calls.append((name, values))
        at += len(re.match(rf"\s*(?:{re.escape(style.function_end.strip())})?", body[at:])[0])  # type: ignore[index]
        if not style.function_end:
            break
    return _valid_calls(calls, schemas)


def parse_python_calls(body: str, schemas: Schemas) -> list[ToolCall]:
    """Llama 3.2 and 4: a Python list of calls with named arguments; a call that cannot be read leaves the others.
    Raises ValueError if there is no call of a tool in `schemas`."""
    body = body.strip()
    parts = [body]
    try:
        ast.parse(body, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        parts = [f"[{part})]" for part in re.split(r"\)\s*,\s*(?=[\w.]+\()", body[1:].rstrip("] \n").removesuffix(")"))]
    calls = []
    for part in parts:
        try:
            tree = ast.parse(part, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.elts if isinstance(tree, ast.List) else []:
            try:
                if isinstance(node, ast.Call) and not node.args and all(k.arg for k in node.keywords):
                    calls.append((ast.unparse(node.func), {str(k.arg): _literal(k.value) for k in node.keywords}))
            except (ValueError, TypeError, RecursionError):
                continue
    return _valid_calls(calls, schemas)


def write_python(calls: Sequence[ToolCall]) -> str:
    """A Python list of calls."""
    written = (f"{c.name}({', '.join(f'{key}={value!r}' for key, value in c.arguments.items())})" for c in calls)
    return f"[{', '.join(written)}]"


def write_objects(calls: Sequence[ToolCall]) -> str:
    """A JSON list of calls."""
    return json.dumps([{"name": c.name, "arguments": c.arguments} for c in calls], ensure_ascii=False)


def _literal(node: ast.expr) -> Any:
    """Of Python or JSON. Raises ValueError for anything that would have to be run."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            if inner.id not in ("true", "false", "null"):
                raise ValueError(f"{inner.id} is no literal")
            inner.id = {"true": "True", "false": "False", "null": "None"}[inner.id]
    return ast.literal_eval(ast.unparse(node))


def _valid_calls(calls: Sequence[tuple[str, Any]], schemas: Schemas) -> list[ToolCall]:
    """Those that can be made. Raises ValueError if there are none."""
    found = []
    for name, arguments in calls:
        try:
            found.append(make_call(name, arguments, schemas))
        except (TypeError, ValueError, RecursionError):
            continue
    if not found:
        raise ValueError("there is no call")
    return found


def _properties(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "string": lambda v: isinstance(v, str),
}


_ALIASES = {"float": "number", "int": "integer", "bool": "boolean", "str": "string", "dict": "object", "list": "array"}
"""Types as some write them."""


def parse_value(text: str, schema: Any, root: Any = None) -> Any:
    """The value that a text stands for: one of a type that the schema allows, as JSON or Python would write it, else
    the text; where the schema says nothing, what is JSON. References in `schema` point into `root`."""
    kinds = schema_types(schema, root)
    if kinds == {"string"}:
        return text
    read = list(_readings(text))
    for value in read:
        if any(_TYPES[kind](value) for kind in kinds - {"string"}):
            return value
        if "integer" in kinds and isinstance(value, float) and value.is_integer():
            return int(value)
    if kinds:
        return text
    try:
        return make_encodable(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _readings(text: str) -> Iterator[Any]:
    """What a text may stand for, as JSON and as Python."""
    text = text.strip()
    for read in (json.loads, lambda t: {"true": True, "false": False, "none": None, "null": None}[t.lower()], _python):
        try:
            yield read(text)
        except (ValueError, KeyError, RecursionError, MemoryError):
            continue


def _python(text: str) -> Any:
    """A list or dictionary as Python prints it. Raises ValueError for what JSON cannot hold."""
    try:
        value = ast.literal_eval(text) if text[:1] in ("[", "{") else None
    except (SyntaxError, TypeError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(value, (list, dict)):
        raise ValueError("this is no list and no dictionary")
    return json.loads(json.dumps(value, default=_refuse))


def _refuse(value: object) -> Any:
    raise ValueError(f"{type(value).__name__} is nothing that JSON holds")


def schema_types(schema: Any, root: Any = None, deep: int = 8) -> set[str]:
    """JSON types that a schema allows, looking into `deep` levels; none where it says nothing of them."""
    if not isinstance(schema, dict) or not deep:
        return set()
    if isinstance(ref := schema.get("$ref"), str) and ref.startswith("#/"):
        target = root
        for key in ref[2:].split("/"):
            target = target.get(key) if isinstance(target, dict) else None
        return schema_types(target, root, deep - 1)
    if (kind := schema.get("type")) is not None:
        listed = [_ALIASES.get(t, t) for t in (kind if isinstance(kind, list) else [kind]) if isinstance(t, str)]
        return {t for t in listed if t in _TYPES}
    for key in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(key), list):
            allowed = [schema_types(option, root, deep - 1) for option in options[:64]]
            return set().union(*allowed) if all(allowed) else set()
    if isinstance(options := schema.get("allOf"), list):
        allowed = [kinds for option in options[:64] if (kinds := schema_types(option, root, deep - 1))]
        return set.intersection(*allowed) if allowed else set()
    values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema["const"]] if "const" in schema else []
    return {kind for kind, fits in _TYPES.items() for value in values if fits(value)}
