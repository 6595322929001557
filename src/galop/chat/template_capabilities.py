"""What a chat template can do, found by rendering small conversations with it. Runs where templates are rendered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Literal

from galop.chat.tool_parser import ToolCallParser
from galop.chat.tools import FORMATS, ToolCall, ToolCallFormat

OPEN, CLOSE = "<think>", "</think>"
Render = Callable[..., str | None]
"""Renders with variables; None where the template fails or refuses."""


@dataclass(frozen=True)
class TemplateCapabilities:
    """Of one template; without any it is told what it cannot do in the words of a user."""

    tools: bool = False  # it tells of tools
    lists: bool = False  # it goes through tools without asking whether there are any
    format: str = ""  # of the calls in its history; "" where that is none of ours
    arguments: Literal["object", "text"] = "object"  # of these calls
    ids: bool = False  # calls and results are to have some
    content: str | None = ""  # beside calls where nothing was said
    results: bool = False  # it tells of what calls gave
    single: bool = False  # several calls in one turn are refused
    thoughts: Literal["", "field", "text"] = ""  # how thinking beside a call of the history is told
    system: bool = True  # the system may speak first
    late: bool = True  # and later
    alternates: bool = False  # two turns of the same side in a row are refused
    thinking: bool = False  # it knows of thinking
    switch: str = ""  # the variable that turns it on and off
    thinks: bool = False  # when it is told neither


SYSTEM, USER, REPLY, THOUGHT, RESULT = "Qsystem", "Quser", "Qreply", "Qthought", "Qresult"
CALL = ToolCall("qtool", {"qkey": "Qvalue", "qflag": True})
TOOL = {
    "type": "function",
    "function": {
        "name": CALL.name,
        "description": "Qdescription",
        "parameters": {
            "type": "object",
            "properties": {
                "qkey": {"type": "string", "description": "Qa"},
                "qflag": {"type": "boolean", "description": "Qb"},
            },
            "required": ["qkey"],
        },
    },
}
ID = "000000001"  # which Mistral's templates accept
Messages = list[dict[str, Any]]


def turn(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def probe(source: str, render: Render) -> TemplateCapabilities:
    user = [turn("user", USER)]
    asked = render(messages=user, add_generation_prompt=True, tools=None)
    without = render(messages=user, add_generation_prompt=True) if asked is None else None
    if not (lists := without is not None):
        render = partial(render, tools=None)
    asked = without if lists else asked
    found: dict[str, Any] = {**thinking(source, render, asked)}
    found["system"] = SYSTEM in (render(messages=[turn("system", SYSTEM), *user]) or "")
    later = [*user, turn("assistant", REPLY), turn("system", SYSTEM), turn("user", "Qmore")]
    found["late"] = SYSTEM in (render(messages=later) or "")
    found["alternates"] = (render(messages=[*user, turn("user", "Qmore")]) or "").count("Q") < 2
    told = render(messages=user, tools=[TOOL], add_generation_prompt=True) or ""
    found["tools"] = CALL.name in told and "Qdescription" in told
    return TemplateCapabilities(lists=lists, **found, **calls(render, told, bool(found["thinking"])))


def thinking(source: str, render: Render, asked: str | None) -> dict[str, Any]:
    """Whether there is a switch, where it stands, and whether the template opens the thinking itself."""
    user = [turn("user", USER)]
    names = sorted(set(re.findall(r"\b[a-z_]*(?:think|reason)[a-z_]*\b", source)))
    names = [n for n in names if not re.search("effort|budget|token|content|history|past|preserve|keep|clear", n)]
    for name in sorted(names[:16], key=lambda n: (n != "enable_thinking", n != "thinking", n)):
        on, off = (render(messages=user, add_generation_prompt=True, **{name: value}) for value in (True, False))
        if on is not None and off is not None and on != off:
            return {"thinking": True, "switch": name, "thinks": asked != off}
    opened = asked is not None and asked.rfind(OPEN) > asked.rfind(CLOSE)
    # Some that think leave both tags to the model, and say of the closing one only how to cut a reply in the history.
    known = opened or CLOSE in source
    return {"thinking": known, "thinks": known}


def calls(render: Render, told: str, thinks: bool) -> dict[str, Any]:
    """How calls are to stand in the history: the first way in which one of our formats reads them, or they show."""
    shown: dict[str, Any] = {}
    for arguments, content, ids in product(("object", "text"), ("", None), (False, True)):
        history = called(arguments, content, ids)
        text = render(messages=history, tools=[TOOL])
        if text is None or CALL.name not in text[same(text, told) :] or "Qvalue" not in text:
            continue
        way = {"arguments": arguments, "content": content, "ids": ids}
        way |= {"results": RESULT in text, "format": read(text, told)}
        if not shown or (way["format"] and not shown["format"]):
            shown = way
        if shown["format"]:
            break
    if not shown:
        form = next((form.name for form in FORMATS if re.search(form.sign, told)), "")
        return {
            "format": form,
            "results": RESULT in (render(messages=[turn("user", USER), turn("tool", RESULT)]) or ""),
        }
    with_ids = called(shown["arguments"], shown["content"], True)
    without = called(shown["arguments"], shown["content"], False)
    shown["ids"] = shown["ids"] or render(messages=with_ids, tools=[TOOL]) != render(messages=without, tools=[TOOL])
    two = called(shown["arguments"], shown["content"], shown["ids"])
    two[1] = {**two[1], "tool_calls": two[1]["tool_calls"] * 2}
    shown["single"] = (render(messages=two, tools=[TOOL]) or "").count("Qvalue") < 2
    in_field = called(shown["arguments"], shown["content"], shown["ids"], reasoning_content=THOUGHT)
    in_text = called(shown["arguments"], f"{OPEN}\n{THOUGHT}\n{CLOSE}\n\n", shown["ids"])
    if THOUGHT in (render(messages=in_field, tools=[TOOL]) or ""):
        return {**shown, "thoughts": "field"}
    return {**shown, "thoughts": "text" if thinks and THOUGHT in (render(messages=in_text, tools=[TOOL]) or "") else ""}


def called(arguments: str, content: str | None, ids: bool, **more: Any) -> Messages:
    function = {"name": CALL.name, "arguments": json.dumps(CALL.arguments) if arguments == "text" else CALL.arguments}
    call = {"type": "function", "function": function, **({"id": ID} if ids else {})}
    result = turn("tool", RESULT, name=CALL.name, **({"tool_call_id": ID} if ids else {}))
    return [turn("user", USER), turn("assistant", content, tool_calls=[call], **more), result]


def read(text: str, told: str) -> str:
    """The format in which a call stands in a rendered history, alone in its turn."""
    start = same(text, told)
    tag = text.rfind("<", 0, start)
    start = tag if tag > text.rfind(">", 0, start) else start  # which may be cut in the middle
    said = re.sub(rf"{OPEN}\s*{CLOSE}|{CLOSE}", "", text[start:].partition(RESULT)[0])
    return next((form.name for form in FORMATS if reads(form, said)), "")


def same(one: str, other: str) -> int:
    """Characters with which both begin."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def reads(form: ToolCallFormat, text: str) -> bool:
    if (form.closing and form.openings[0] not in text) or (form.kind == "tags" and "<function=" not in text):
        return False
    parser = ToolCallParser(form, {CALL.name: TOOL["function"]["parameters"]})  # type: ignore[index]
    before: list[str] = []
    for piece in pieces(parser, text):
        if isinstance(piece, ToolCall):
            return piece == CALL and not "".join(before).strip()
        before.append(str(piece))
    return False


def pieces(parser: ToolCallParser, text: str) -> Iterator[Any]:
    yield from parser.push(text)
    yield from parser.push("", final=True)
