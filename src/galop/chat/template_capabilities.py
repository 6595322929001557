"""What a chat template can do, found by rendering small conversations with it (some 30 of them, 40 ms in all).

Runs where templates are rendered (`template_child`). The conversations hold words that begin with Q, which show what a
rendering contains and what it leaves out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Literal

from galop.chat.content import as_parts
from galop.chat.thinking_tags import TAGS, THINK, ThinkingTags, find_tags
from galop.chat.tool_formats import FORMATS, ToolCallFormat, format_named
from galop.chat.tool_parser import ToolCallParser
from galop.chat.tools import ToolCall

Render = Callable[..., str | None]
"""Renders with variables; None where the template fails or refuses."""


@dataclass(frozen=True)
class TemplateCapabilities:
    """Of one template. What it cannot render, `messages.adapt_messages` says in other words."""

    content: Literal["text", "parts", "either"] = "text"  # what a message says may be, pictures only among parts
    tools: bool = False  # it renders tools
    needs_tools: bool = False  # it fails where tools are None, rather than not there
    call_format: str = ""  # of the calls in its history, by its name in FORMATS; "" where it is none of them
    forgets_calls: bool = False  # its history has none, so that they have to stand in the text of their turn
    arguments: Literal["object", "text"] = "object"  # of these calls
    call_ids: bool = False  # calls and results have to have ids
    no_content: str | None = ""  # the content beside calls where nothing was said
    tool_results: bool = False  # it renders the results of calls
    results_in_turn: bool = False  # and wants them in the turn that called, as `tool_responses`
    single_calls: bool = False  # several calls in one turn are refused
    past_thinking: Literal["", "field", "text", "block"] = ""  # how thinking beside a call of the history is given
    thought_is_all: bool = False  # nothing may be said beside thinking and a call
    system_first: bool = True  # a system message may come first
    system_later: bool = True  # and later
    alternating_roles: bool = False  # two messages of the same role in a row are refused
    thinking: bool = False  # it renders or opens thinking
    thinking_variable: str = ""  # the variable that turns it on and off
    thinks_by_default: bool = False  # without that variable
    efforts: bool = False  # whether the variable `reasoning_effort` may be low, medium or high
    budgets: bool = False  # whether the variable `thinking_budget` may be tokens, 0 for no thinking
    thinking_tags: str = THINK  # between which it thinks, by their name in TAGS

    @property
    def tags(self) -> ThinkingTags:
        """Between which it thinks."""
        return TAGS[self.thinking_tags]


SYSTEM, USER, REPLY, THOUGHT, RESULT = "Qsystem", "Quser", "Qreply", "Qthought", "Qresult"
CALL = ToolCall("qtool", {"qkey": "Qvalue", "qflag": True})
PARAMETERS = {
    "type": "object",
    "properties": {
        "qkey": {"type": "string", "description": "Qa"},
        "qflag": {"type": "boolean", "description": "Qb"},
    },
    "required": ["qkey"],
}
TOOL = {
    "type": "function",
    "function": {"name": CALL.name, "description": "Qdescription", "parameters": PARAMETERS},
}
ID = "000000001"  # which Mistral's templates accept


def probe(source: str, render: Render) -> TemplateCapabilities:
    """The capabilities of the template `source`, which `render` renders."""
    content = _probe_content(render)
    render = _with_parts(render) if content == "parts" else render
    user = [_message("user", USER)]
    prompt = render(messages=user, add_generation_prompt=True, tools=None)
    without = render(messages=user, add_generation_prompt=True) if prompt is None else None
    if not (needs_tools := without is not None):
        render = partial(render, tools=None)
    prompt = without if needs_tools else prompt
    found: dict[str, Any] = {"thinking_tags": find_tags(source), "content": content}
    tags = TAGS[found["thinking_tags"]]
    found |= _probe_thinking(source, render, prompt, tags)
    efforts = [render(messages=user, reasoning_effort=effort) for effort in ("low", "medium", "high")]
    found["efforts"] = None not in efforts and len({*efforts}) == len(efforts)
    none, some = (render(messages=user, add_generation_prompt=True, thinking_budget=budget) for budget in (0, 512))
    found["budgets"] = None not in (none, some) and len({none, some, prompt}) == 3
    found["system_first"] = SYSTEM in (render(messages=[_message("system", SYSTEM), *user]) or "")
    later = [*user, _message("assistant", REPLY), _message("system", SYSTEM), _message("user", "Qmore")]
    found["system_later"] = SYSTEM in (render(messages=later) or "")
    found["alternating_roles"] = (render(messages=[*user, _message("user", "Qmore")]) or "").count("Q") < 2
    with_tools = render(messages=user, tools=[TOOL], add_generation_prompt=True) or ""
    found["tools"] = CALL.name in with_tools and "Qdescription" in with_tools
    calls = _probe_calls(render, with_tools, bool(found["thinking"]), tags)
    return TemplateCapabilities(needs_tools=needs_tools, **found, **calls)


def _message(role: str, content: object, **more: object) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def _probe_content(render: Render) -> Literal["text", "parts", "either"]:
    """Whether contents have to be a text or a list of parts, of which pictures are rendered too."""
    text, image = {"type": "text", "text": USER}, {"type": "image"}
    of_text = render(messages=[_message("user", USER)]) or render(messages=[_message("user", USER)], tools=None) or ""
    alone = render(messages=[_message("user", [text])]) or render(messages=[_message("user", [text])], tools=None) or ""
    both = [_message("user", [image, text])]
    seen = render(messages=both) or render(messages=both, tools=None) or ""
    as_written = re.search(r"[\"']type[\"']|[\"']text[\"']", alone + seen)
    shows = USER in seen and USER in alone and seen != alone and not as_written
    if USER not in of_text:
        return "parts" if USER in alone and not as_written else "text"
    return "either" if shows else "text"


def _with_parts(render: Render) -> Render:
    """Renders messages whose contents are lists of parts."""

    def render_parts(**variables: Any) -> str | None:
        return render(**{**variables, "messages": as_parts(variables["messages"])})

    return render_parts


def _probe_thinking(source: str, render: Render, prompt: str | None, tags: ThinkingTags) -> dict[str, Any]:
    """Whether there is a variable for thinking, what it is by default, and whether the template opens the thinking."""
    user = [_message("user", USER)]
    names = sorted(set(re.findall(r"\b[a-z_]*(?:think|reason)[a-z_]*\b", source)))
    names = [n for n in names if not re.search("effort|budget|token|content|history|past|preserve|keep|clear", n)]
    for name in sorted(names[:16], key=lambda n: (n != "enable_thinking", n != "thinking", n)):
        on, off = (render(messages=user, add_generation_prompt=True, **{name: value}) for value in (True, False))
        if on is not None and off is not None and on != off:
            return {"thinking": True, "thinking_variable": name, "thinks_by_default": prompt != off}
    opened = prompt is not None and prompt.rfind(tags.open) > prompt.rfind(tags.close)
    # Some that think leave both tags to the model, and say of the closing one only how to cut a reply in the history.
    known = opened or tags.close in source
    return {"thinking": known, "thinks_by_default": known}


def _probe_calls(render: Render, with_tools: str, thinking: bool, tags: ThinkingTags) -> dict[str, Any]:
    """How calls have to stand in the history: the first way in which one of FORMATS reads them, or else they show.
    `with_tools` is a rendering that ends where a history with calls goes on."""
    found: dict[str, Any] = {}
    for arguments, content, ids in product(("object", "text"), ("", None), (False, True)):
        text = render(messages=_history(arguments, content, ids), tools=[TOOL])
        if text is None or CALL.name not in text[_common(text, with_tools) :] or "Qvalue" not in text:
            continue
        way = {"arguments": arguments, "no_content": content, "call_ids": ids}
        way |= {"tool_results": RESULT in text, "call_format": _detect_format(text, with_tools, tags)}
        if not found or (way["call_format"] and not found["call_format"]):
            found = way
        if found["call_format"]:
            break
    if not found:
        name = next((format.name for format in FORMATS if re.search(format.sign, with_tools)), "")
        alone = render(messages=[_message("user", USER), _message("tool", RESULT)]) or ""
        form = format_named(name)
        return {"call_format": name, "tool_results": RESULT in alone, "forgets_calls": bool(form and form.write)}
    arguments, content = found["arguments"], found["no_content"]
    with_ids, without = (render(messages=_history(arguments, content, ids), tools=[TOOL]) for ids in (True, False))
    found["call_ids"] = found["call_ids"] or with_ids != without
    own = _history(arguments, content, found["call_ids"])
    in_turn = [own[0], {**own[1], "tool_responses": [{"name": CALL.name, "response": RESULT}]}]
    apart, together = (_before(RESULT, render(messages=m, tools=[TOOL])) for m in (own, in_turn))
    found["results_in_turn"] = bool(together) and together != apart
    two = _history(arguments, content, found["call_ids"])
    two[1] = {**two[1], "tool_calls": two[1]["tool_calls"] * 2}
    found["single_calls"] = (render(messages=two, tools=[TOOL]) or "").count("Qvalue") < 2
    in_field = _history(arguments, content, found["call_ids"], reasoning_content=THOUGHT)
    in_block = _history(arguments, [{"type": "thinking", "thinking": THOUGHT}], found["call_ids"])
    in_text = _history(arguments, f"{tags.opening}\n{THOUGHT}\n{tags.close}\n\n", found["call_ids"])
    ways: list[tuple[str, list[dict[str, Any]]]] = [("field", in_field)]
    ways += [("block", in_block), ("text", in_text)] if thinking else []
    for kind, messages in ways:
        text = render(messages=messages, tools=[TOOL]) or ""
        if THOUGHT in text and (kind != "block" or f"{tags.opening}{THOUGHT}{tags.close}" in text):
            both = _history(arguments, REPLY, found["call_ids"], reasoning_content=THOUGHT)
            refused = kind == "field" and render(messages=both, tools=[TOOL]) is None
            return {**found, "past_thinking": kind, "thought_is_all": refused}
    return {**found, "past_thinking": ""}


def _history(arguments: str, content: object, ids: bool, **more: object) -> list[dict[str, Any]]:
    """A question, a call and its result."""
    function = {"name": CALL.name, "arguments": json.dumps(CALL.arguments) if arguments == "text" else CALL.arguments}
    call = {"type": "function", "function": function, **({"id": ID} if ids else {})}
    result = _message("tool", RESULT, name=CALL.name, **({"tool_call_id": ID} if ids else {}))
    return [_message("user", USER), _message("assistant", content, tool_calls=[call], **more), result]


def _before(word: str, text: str | None) -> str:
    """A few characters that stand before a word in a text; "" where it does not stand there."""
    before, found, _ = (text or "").partition(word)
    return before[-8:] if found else ""


def _detect_format(text: str, with_tools: str, tags: ThinkingTags) -> str:
    """The name of the format in which a call stands in a rendered history, alone in its turn; "" for none."""
    start = _common(text, with_tools)
    tag = text.rfind("<", 0, start)
    start = tag if tag > text.rfind(">", 0, start) else start  # which may be cut in the middle
    opening, close = re.escape(tags.opening), re.escape(tags.close)
    reply = re.sub(rf"{opening}\s*{close}|{close}", "", text[start:].partition(RESULT)[0])
    return next((format.name for format in FORMATS if _reads_call(format, reply)), "")


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _reads_call(format: ToolCallFormat, text: str) -> bool:
    """Whether the parser of a format finds CALL in a text, and no other text before it."""
    if (format.closing and format.openings[0] not in text) or (format.syntax == "tags" and "<function=" not in text):
        return False
    parser = ToolCallParser(format, {CALL.name: PARAMETERS})
    before: list[str] = []
    for piece in [*parser.push(text), *parser.push("", final=True)]:
        if isinstance(piece, ToolCall):
            return piece == CALL and not "".join(before).strip()
        before.append(str(piece))
    return False
