"""Tool calls in each family's own format, read as they stream."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 1 << 17  # characters of a call that are waited for
LONGEST_PATTERN = 40  # characters of one that a model reads
FAILURES = 8  # closings that may stand inside an argument
Tool = Mapping[str, Any]
"""A tool as OpenAI's API describes it: {"type": "function", "function": {"name", "description", "parameters"}}."""
Schemas = Mapping[str, Any]
"""The JSON schema of each tool's arguments, by the tool's name."""


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Format:
    """How a family of models writes calls: what opens them, what closes them ("" for the end of the reply), and how
    what stands between is read; `parse` raises ValueError for what is no call."""

    sign: str  # a pattern that only these templates hold
    opening: str
    closing: str
    parse: Callable[[str, Schemas], list[Call]]
    first: bool = False  # calls only begin a reply
    markers: tuple[str, ...] = ()  # control tokens that calls consist of
    arguments_as_text: bool = False  # in the history, for templates that do not encode them
    wrap: tuple[str, str] | None = None  # Lark for what stands before and after the JSON of a call


def in_json(body: str, _: Schemas) -> list[Call]:
    """Hermes, Qwen2.5, Qwen3: one object with name and arguments."""
    return [call_of(json.loads(body, strict=False))]


def in_json_lines(body: str, _: Schemas) -> list[Call]:
    """Llama 3.1: objects with name and parameters, several apart by semicolons."""
    decoder, calls, at = json.JSONDecoder(strict=False), [], 0
    body = body.removeprefix("<|python_tag|>").strip()
    while at < len(body):
        value, at = decoder.raw_decode(body, at)
        calls.append(call_of(value))
        at += len(body) - at - len(body[at:].lstrip("; \n"))
    if not calls:
        raise ValueError("there is no call")
    return calls


def call_of(value: Any) -> Call:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("a call has a name")
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = json.loads(arguments, strict=False)
    if not isinstance(arguments, dict):
        raise ValueError("arguments are an object")
    return Call(value["name"], arguments)


def in_tags(body: str, schemas: Schemas) -> list[Call]:
    """Qwen3-Coder: tags for the function and each of its parameters, values as text."""
    calls = []
    for name, inside in tagged(body, "function"):
        schema = schemas.get(name)
        properties = schema.get("properties") if isinstance(schema, dict) else None
        known = properties if isinstance(properties, dict) else {}
        values = {key: text.removeprefix("\n").removesuffix("\n") for key, text in tagged(inside, "parameter")}
        calls.append(Call(name, {key: typed(text, known.get(key)) for key, text in values.items()}))
    if not calls:
        raise ValueError("there is no <function=...>")
    return calls


def tagged(text: str, tag: str) -> Iterator[tuple[str, str]]:
    """Name and content of each <tag=name>...</tag>, in one pass."""
    at = 0
    while (start := text.find(f"<{tag}=", at)) >= 0:
        named = text.find(">", start)
        end = text.find(f"</{tag}>", named)
        if named < 0 or end < 0:
            return
        yield text[start + len(tag) + 2 : named], text[named + 1 : end]
        at = end


def between(text: str, opening: str, closing: str) -> Iterator[str]:
    at = 0
    while (start := text.find(opening, at)) >= 0 and (end := text.find(closing, start)) >= 0:
        yield text[start + len(opening) : end]
        at = end


def typed(text: str, schema: Any) -> Any:
    """The value that a text stands for; a string where the schema says so, or the text is no JSON."""
    if isinstance(schema, dict) and schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def in_python(body: str, _: Schemas) -> list[Call]:
    """Llama 3.2 and 4: a Python list of calls with named arguments."""
    try:
        tree = ast.parse(body.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"this is no Python ({error})") from None
    if not isinstance(tree, ast.List) or not tree.elts:
        raise ValueError("this is no list of calls")
    calls = []
    for node in tree.elts:
        if not isinstance(node, ast.Call) or node.args or any(k.arg is None for k in node.keywords):
            raise ValueError("this is no list of calls with named arguments")
        calls.append(Call(ast.unparse(node.func), {str(k.arg): literal(k.value) for k in node.keywords}))
    return calls


def literal(node: ast.expr) -> Any:
    """Of Python or JSON. Raises ValueError for anything that would have to be run."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            if inner.id not in ("true", "false", "null"):
                raise ValueError(f"{inner.id} is no literal")
            inner.id = {"true": "True", "false": "False", "null": "None"}[inner.id]
    return ast.literal_eval(ast.unparse(node))


def in_deepseek(body: str, _: Schemas) -> list[Call]:
    """DeepSeek-V3 and R1 with a fenced block, V3.1 without."""
    calls = []
    for inside in between(body, "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"):
        head, _sep, tail = inside.partition("<｜tool▁sep｜>")
        fenced = re.fullmatch(r"(.*?)\n```json\n(.*)\n```", tail, re.DOTALL)
        name, arguments = (fenced[1], fenced[2]) if fenced else (head, tail)
        calls.append(call_of({"name": name.strip(), "arguments": arguments}))
    if not calls:
        raise ValueError("there is no call")
    return calls


def in_mistral(body: str, _: Schemas) -> list[Call]:
    """Mistral: a list of objects, or since Small 3.2 each name before its arguments."""
    body = body.strip()
    if body.startswith("["):
        return [call_of(value) for value in json.loads(body, strict=False)]
    calls = []
    for part in body.split("[TOOL_CALLS]"):
        name, _sep, arguments = part.partition("[ARGS]")
        calls.append(call_of({"name": name.partition("[CALL_ID]")[0].strip(), "arguments": arguments.strip()}))
    return calls


DEEPSEEK = tuple(f"<｜tool▁{part}｜>" for part in ("calls▁begin", "calls▁end", "call▁begin", "call▁end", "sep"))
HERMES = Format(
    r"<tool_call>", "<tool_call>", "</tool_call>", in_json, markers=("<tool_call>", "</tool_call>"),
    wrap=('<tool_call> "\\n"', '"\\n" </tool_call>'),
)  # fmt: skip
FORMATS = (
    Format(r"<function=", "<tool_call>", "</tool_call>", in_tags, markers=("<tool_call>", "</tool_call>")),
    HERMES,
    Format(
        r"tool▁calls▁begin", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", in_deepseek, markers=DEEPSEEK,
        arguments_as_text=True,
    ),
    Format(r"\[TOOL_CALLS\]", "[TOOL_CALLS]", "", in_mistral, markers=("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]")),
    Format(r"func_name1\(params_name1", "[", "", in_python, first=True),
    Format(r"<\|python_tag\|>", "{", "", in_json_lines, first=True, markers=("<|python_tag|>",)),
)  # fmt: skip


def format_of(template: str | None) -> Format | None:
    """None for a template that knows no tools."""
    return next((form for form in FORMATS if template and re.search(form.sign, template)), None)


TOLD = """\
These functions are at hand, each with a JSON schema of its arguments:
{tools}
To call one, write nothing but this, and wait for its result:
<tool_call>
{{"name": "its name", "arguments": {{...}}}}
</tool_call>"""
"""For a template that knows no tools."""


def readable(value: Any) -> Any:
    """A tool as a model is told of it: long patterns hold its calls, and are not for reading."""
    if isinstance(value, Mapping):
        return {
            k: readable(v)
            for k, v in value.items()
            if not (k == "pattern" and isinstance(v, str) and len(v) > LONGEST_PATTERN)
        }
    return [readable(v) for v in value] if isinstance(value, (list, tuple)) else value


def schemas_of(tools: Sequence[Tool]) -> Schemas:
    return {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}


def with_tools(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], form: Format | None
) -> list[dict[str, Any]]:
    """A conversation as its template needs it: calls in the history with arguments of the kind it encodes, and where it
    knows no tools, these told in the system's words and calls and results as text."""
    if form is None and tools:
        told = TOLD.format(tools="\n".join(json.dumps(readable(tool["function"])) for tool in tools))
        if messages and messages[0]["role"] == "system":
            messages = [{**messages[0], "content": f"{messages[0]['content']}\n\n{told}"}, *messages[1:]]
        else:
            messages = [{"role": "system", "content": told}, *messages]
    return [_message(dict(message), form) for message in messages]


def _message(message: dict[str, Any], form: Format | None) -> dict[str, Any]:
    calls = [call["function"] for call in message.get("tool_calls") or []]
    if form is None and message["role"] == "tool":
        return {"role": "user", "content": f"<tool_response>\n{message['content']}\n</tool_response>"}
    if form is None and calls:
        said = [message.get("content") or "", *(f"<tool_call>\n{json.dumps(c)}\n</tool_call>" for c in calls)]
        return {"role": "assistant", "content": "\n".join(part for part in said if part)}
    if calls:
        text = form is not None and form.arguments_as_text
        message["tool_calls"] = [
            {
                "type": "function",
                "function": {
                    **c,
                    "arguments": json.dumps(c["arguments"], ensure_ascii=False) if text else c["arguments"],
                },
            }
            for c in calls
        ]
    return message


class ToolCallParser:
    """Splits what a model says into text and calls, however the stream is cut."""

    def __init__(self, form: Format, schemas: Schemas) -> None:
        self._form = form
        self._schemas = schemas
        self._held = ""
        self._calling = False
        self._begun = False  # whether there has been any text
        starts = [f'{fence}{{"name":"{name}"' for fence in ("", "```json", "```") for name in schemas]
        self._bare = starts if form is HERMES else []  # the call alone, as Qwen2.5-Coder writes it
        self._ending: str | None = None  # what may follow such a call and is no text
        self._tried = 0  # characters in which the closing was looked for
        self._failed = 0  # closings before which no call stood

    def push(self, text: str, final: bool = False) -> list[str | Call]:
        self._held += text
        pieces: list[str | Call] = []
        before = None
        while (state := (self._calling, len(self._held))) != before:
            before = state
            pieces += self._call(final) if self._calling else self._text(final)
        return [piece for piece in pieces if piece]

    def _text(self, final: bool) -> list[str | Call]:
        """What comes before the next call; what may belong to its opening, or the blanks before it, is kept back."""
        form, held = self._form, self._held
        if self._ending is not None:
            held = held.lstrip()
            if "```".startswith(held) and held != "```" and not final:
                return []
            self._held = held = held.removeprefix(self._ending).lstrip()
            self._ending = None
        at = held.find(form.opening)
        if self._bare and at < 0:
            start = "".join(held.split())
            if any(start.startswith(bare) for bare in self._bare):
                return self._alone(final)
            if any(bare.startswith(start) for bare in self._bare) and not final:
                return []
            self._bare = []
        if form.first:
            start = held[: max(at, 0)] if at >= 0 else held
            if (
                not self._begun
                and any(m.startswith(start.strip()) for m in ("", *form.markers))
                and not final
                and at < 0
            ):
                return []  # nothing yet, or the beginning of a marker
            at = at if not self._begun and start.strip() in ("", *form.markers) else -1
        if at >= 0:
            self._calling, self._tried, self._failed = True, 0, 0
            text, self._held = held[:at].rstrip(), held[at + (0 if form.first else len(form.opening)) :]
            if form.first:
                return []
        else:
            keep = 0 if final or form.first else overlap(held, form.opening)
            text = held if final else held[: len(held) - keep].rstrip()
            self._held = held[len(text) :]
        self._begun = self._begun or bool(text)
        return [text]

    def _alone(self, final: bool) -> list[str | Call]:
        """A call without the tags, with which a reply begins; others may follow it."""
        held = self._held
        end = held.find("}", self._tried)
        while end >= 0:
            if calls := self._parsed(held[held.index("{") : end + 1]):
                self._held, self._tried = held[end + 1 :], 0
                self._ending = "```" if held.lstrip().startswith("```") else ""
                return [*calls]
            end = held.find("}", end + 1)
        self._tried = len(held)
        if not final and len(held) <= LONGEST:
            return []
        self._bare, self._held, self._begun = [], "", True
        return [held]

    def _call(self, final: bool) -> list[str | Call]:
        closing = self._form.closing
        at = self._held.find(closing, self._tried) if closing and self._failed < FAILURES else -1
        while at >= 0:
            if calls := self._parsed(self._held[:at]):
                self._held, self._calling = self._held[at + len(closing) :], False
                return [*calls]
            self._tried = at + 1  # the closing may stand inside an argument
            self._failed += 1
            if self._form.opening in self._held[at:] or self._failed == FAILURES:
                # This was no call; what comes after it may be one.
                text, self._held = self._held[: at + len(closing)], self._held[at + len(closing) :]
                self._calling, self._begun = False, True
                return [self._form.opening, text]
            at = self._held.find(closing, self._tried)
        if closing:
            self._tried = max(self._tried, len(self._held) - len(closing) + 1)
        if not final and len(self._held) <= LONGEST:
            return []
        body, self._held, self._calling = self._held, "", False
        if calls := self._parsed(body):
            return [*calls]
        self._begun = True
        return ["" if self._form.first else self._form.opening, body]

    def _parsed(self, body: str) -> list[Call]:
        try:
            calls = self._form.parse(body.strip(), self._schemas)
            for call in calls:  # what cannot be written as JSON, such as infinity or half a character, is no argument
                json.dumps(call.arguments, allow_nan=False, ensure_ascii=False).encode()
            return calls
        except Exception:  # whatever a model writes, it must not take the engine with it
            return []


def overlap(text: str, opening: str) -> int:
    """Length of the longest end of `text` that begins `opening`."""
    return next((n for n in range(min(len(text), len(opening) - 1), 0, -1) if text.endswith(opening[:n])), 0)
