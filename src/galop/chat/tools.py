"""What calls of tools are: the formats in which families write them, and their values."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from galop.errors import ConstraintError

Tool = Mapping[str, Any]
"""A tool as OpenAI's API describes it: {"type": "function", "function": {"name", "description", "parameters"}}."""
Schemas = Mapping[str, Any]
"""The JSON schema of each tool's arguments, by the tool's name."""


@dataclass(frozen=True)
class ToolCall:
    name: str
    arguments: dict[str, Any]
    written: str = field(default="", compare=False)  # the arguments as the model wrote them, where parts have been told


@dataclass(frozen=True)
class ToolCallDelta:
    """A piece of a call's arguments, as JSON, of which no more can turn out to be text; the first is empty. The
    `ToolCall` follows unless the reply is cut off."""

    name: str
    text: str


@dataclass(frozen=True)
class ToolCallFormat:
    """How a family of models writes calls."""

    name: str
    sign: str  # a pattern of what a template with these calls says of them
    openings: tuple[str, ...]
    closing: str  # "" for the end of the reply
    kind: str = "json"  # of what stands between: json objects, tags or a python list
    head: str = r"[\s,;\[]*"  # what stands before the object of a call, with its name if the object has none
    tail: str = r"[\s,;\]]*"  # what may stand after the last call and is no text
    ends: tuple[str, ...] = ()  # nor are these
    bare: str = ""  # where a call may stand without an opening: first in a reply, a list first in it, or anywhere
    markers: tuple[str, ...] = ()  # control tokens that calls consist of


_DEEPSEEK = tuple(f"<｜tool▁{part}｜>" for part in ("calls▁begin", "calls▁end", "call▁begin", "call▁end", "sep"))
HERMES = ToolCallFormat(
    "hermes", r"<tool_call>", ("<tool_call>",), "</tool_call>", bare="first",
    ends=("</tool_call>",), markers=("<tool_call>", "</tool_call>"),
)  # fmt: skip
FORMATS = (
    ToolCallFormat(
        "coder", r"<tool_call>\s*<function=", ("<tool_call>", "<function="), "</tool_call>", "tags",
        ends=("</tool_call>",), markers=("<tool_call>", "</tool_call>"),
    ),
    HERMES,
    ToolCallFormat(
        "deepseek", r"tool▁calls▁begin", ("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"), "<｜tool▁calls▁end｜>",
        head=r"\s*(?:(?:```)?\s*<｜tool▁call▁end｜>\s*)?<｜tool▁call▁begin｜>\s*(?:function<｜tool▁sep｜>)?"
        r"(?P<name>[^\s<｜]+)\s*(?:<｜tool▁sep｜>)?\s*(?:```json)?\s*",
        ends=("```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"),
        markers=_DEEPSEEK,
    ),
    ToolCallFormat(
        "mistral", r"\[TOOL_CALLS\]", ("[TOOL_CALLS]",), "",
        head=r"\s*(?:[\[,\s]*|(?:\[TOOL_CALLS\])?\s*(?P<name>[^\s\[\]{,]+)(?:\[CALL_ID\][^\s\[]*)?(?:\[ARGS\])?\s*)",
        markers=("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"),
    ),
    ToolCallFormat(
        "pythonic", r"func_name1\(params_name1", ("<|python_start|>",), "", "python", bare="list",
        ends=("<|python_end|>",),
        markers=("<|python_start|>", "<|python_end|>"),
    ),
    ToolCallFormat(
        "llama", r'<\|python_tag\|>|\{"name": function name, "parameters"', ("<|python_tag|>",), "", head=r"[\s,;]*",
        bare="anywhere", markers=("<|python_tag|>",),
    ),
)  # fmt: skip


def call_of(value: Any, schemas: Schemas, whole: bool = False) -> ToolCall:
    """A call from its object. Raises ValueError for what calls no tool that is offered, has arguments that cannot be
    written as JSON, or is to be `whole` and names no arguments."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("a call has a name")
    if whole and "arguments" not in value and "parameters" not in value:
        raise ValueError("a call has arguments")
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = json.loads(arguments or "{}", strict=False)
    return checked(value["name"].strip(), {} if arguments is None else arguments, schemas)


def checked(name: str, arguments: Any, schemas: Schemas) -> ToolCall:
    """Raises ValueError for a tool that was not offered, and for arguments that cannot be written as a JSON object,
    such as infinity or half a character."""
    if name not in schemas or not isinstance(arguments, dict):
        raise ValueError("this calls no tool that was offered")
    json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode()
    return ToolCall(name, arguments)


def mended(value: Any) -> Any:
    """A JSON value with numbers that are too large made the largest, and halves of characters replaced."""
    if isinstance(value, float):
        return value if math.isfinite(value) else math.copysign(1.7976931348623157e308, value)
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {mended(k): mended(v) for k, v in value.items()}
    return [mended(v) for v in value] if isinstance(value, list) else value


_FUNCTION = re.compile(r"<function=([^<>\n]+)>")
_PARAMETER = re.compile(r"\s*<parameter=([^<>\n]+)>\n?")
_VALUE_ENDS = (
    r"\n?</parameter>(?=\s*(?:<parameter=|</function>|</tool_call>|<function=|\Z))|\n?</function>(?=\s*(?:</tool_call>|"
    r"<function=|\Z))|\n?</tool_call>\s*\Z|\n(?=<parameter=(?:{known})>)|\s*\Z"
)


def in_tags(body: str, schemas: Schemas) -> list[ToolCall]:
    """Qwen3-Coder: tags for the function and each of its parameters, values as text; tags that close may be missing."""
    calls, at = [], 0
    while function := _FUNCTION.search(body, at):
        name, at = function[1].strip(), function.end()
        properties = properties_of(schemas.get(name))
        known = "|".join(map(re.escape, properties)) or r"[\w.-]+"
        ends = re.compile(_VALUE_ENDS.replace("{known}", known))
        values: dict[str, Any] = {}
        while parameter := _PARAMETER.match(body, at):
            end = ends.search(body, parameter.end())
            assert end  # which the end of the text is
            key = parameter[1].strip()
            text = body[parameter.end() : end.start()]
            values[key] = typed(text, properties.get(key), schemas.get(name))
            at = end.end()
        calls.append((name, values))
    return good(calls, schemas)


def good(calls: Sequence[tuple[str, Any]], schemas: Schemas) -> list[ToolCall]:
    """Those that can be made. Raises ValueError if there are none."""
    found = []
    for name, arguments in calls:
        try:
            found.append(checked(name, arguments, schemas))
        except (TypeError, ValueError, RecursionError):
            continue
    if not found:
        raise ValueError("there is no call")
    return found


def properties_of(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "string": lambda v: isinstance(v, str),
}


_NAMES = {"float": "number", "int": "integer", "bool": "boolean", "str": "string", "dict": "object", "list": "array"}
"""Types as some write them."""


def typed(text: str, schema: Any, root: Any = None) -> Any:
    """The value that a text stands for: one of a kind that the schema allows, as JSON or Python would write it, else
    the text; where the schema says nothing, what is JSON."""
    kinds = kinds_of(schema, root)
    if kinds == {"string"}:
        return text
    read = list(readings(text))
    for value in read:
        if any(_KINDS[kind](value) for kind in kinds - {"string"}):
            return value
        if "integer" in kinds and isinstance(value, float) and value.is_integer():
            return int(value)
    if kinds:
        return text
    try:
        return mended(json.loads(text))
    except (ValueError, RecursionError):
        return text


def readings(text: str) -> Iterator[Any]:
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


def kinds_of(schema: Any, root: Any = None, deep: int = 8) -> set[str]:
    """JSON types that a schema allows; none where it says nothing of them."""
    if not isinstance(schema, dict) or not deep:
        return set()
    if isinstance(ref := schema.get("$ref"), str) and ref.startswith("#/"):
        target = root
        for key in ref[2:].split("/"):
            target = target.get(key) if isinstance(target, dict) else None
        return kinds_of(target, root, deep - 1)
    if (told := schema.get("type")) is not None:
        listed = [_NAMES.get(t, t) for t in (told if isinstance(told, list) else [told]) if isinstance(t, str)]
        return {t for t in listed if t in _KINDS}
    for key in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(key), list):
            allowed = [kinds_of(option, root, deep - 1) for option in options[:64]]
            return set().union(*allowed) if all(allowed) else set()
    if isinstance(options := schema.get("allOf"), list):
        allowed = [kinds for option in options[:64] if (kinds := kinds_of(option, root, deep - 1))]
        return set.intersection(*allowed) if allowed else set()
    values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema["const"]] if "const" in schema else []
    return {kind for kind, fits in _KINDS.items() for value in values if fits(value)}


def in_python(body: str, schemas: Schemas) -> list[ToolCall]:
    """Llama 3.2 and 4: a Python list of calls with named arguments; a call that cannot be read leaves the others."""
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
                    calls.append((ast.unparse(node.func), {str(k.arg): literal(k.value) for k in node.keywords}))
            except (ValueError, TypeError, RecursionError):
                continue
    return good(calls, schemas)


def literal(node: ast.expr) -> Any:
    """Of Python or JSON. Raises ValueError for anything that would have to be run."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            if inner.id not in ("true", "false", "null"):
                raise ValueError(f"{inner.id} is no literal")
            inner.id = {"true": "True", "false": "False", "null": "None"}[inner.id]
    return ast.literal_eval(ast.unparse(node))


def check_tools(tools: Sequence[Tool], choice: str) -> None:
    """Raises ConstraintError for tools that are not described as they have to be, and for a choice of none of them."""
    for i, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise ConstraintError(f'tools[{i}] is not of the form {{"type": "function", "function": {{"name": ...}}}}')
    if choice not in ("auto", *(["required"] if tools else []), *(tool["function"]["name"] for tool in tools)):
        raise ConstraintError(f"tool_choice is {choice[:60]!r}, and there is no such tool to call")


def schemas_of(tools: Sequence[Tool]) -> Schemas:
    return {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}


def format_named(name: str) -> ToolCallFormat | None:
    return next((form for form in FORMATS if form.name == name), None)
