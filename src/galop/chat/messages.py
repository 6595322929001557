"""Conversations, and how they are adapted to what a template can render.

What the template cannot render (tools, calls, a second system message) is written out as text instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from galop.chat.content import as_parts, join_contents, move_pictures, text_of
from galop.chat.schema import DEEPEST, depth, map_subschemas
from galop.chat.template_capabilities import TemplateCapabilities
from galop.chat.tool_formats import format_named
from galop.chat.tools import Tool, ToolCall

Message = dict[str, Any]
"""A message as OpenAI's API describes it, its content as in `content.py`; `arguments` of tool calls may be objects."""
LONGEST_PATTERN = 40  # characters of one that a model reads
TOOLS_IN_WORDS = """\
These functions are at hand, each with a JSON schema of its arguments:
{tools}
To call one, write nothing but this, and wait for its result:
<tool_call>
{{"name": "its name", "arguments": {{...}}}}
</tool_call>"""
"""For a template that renders no tools, or calls in none of FORMATS."""


def trim_tool(tool: Tool) -> Tool:
    """A tool as a prompt describes it, without what is only for the grammar: long patterns and `strict`."""

    def trim(schema: Any, where: str = "#") -> Any:
        if isinstance(schema, dict) and len(str(schema.get("pattern", ""))) > LONGEST_PATTERN:
            schema = {k: v for k, v in schema.items() if k != "pattern"}
        return map_subschemas(schema, trim, where)

    function = {k: v for k, v in tool["function"].items() if k != "strict"}
    if "parameters" in function and depth(function["parameters"]) <= DEEPEST:
        function["parameters"] = trim(function["parameters"])
    return {**tool, "function": function}


def adapt_messages(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], can: TemplateCapabilities, native: bool
) -> list[Message]:
    """The conversation for a template with these capabilities; `native` says that it renders tools and calls itself."""
    adapted = move_pictures(messages)
    if tools and not native:
        described = TOOLS_IN_WORDS.format(tools="\n".join(_json(trim_tool(tool)["function"]) for tool in tools))
        first = text_of(adapted.pop(0)["content"]) if adapted and adapted[0]["role"] == "system" else ""
        adapted.insert(0, {"role": "system", "content": f"{first}\n\n{described}" if first else described})
    adapted = [_adapt_system(m, first=i == 0, can=can) for i, m in enumerate(adapted)]
    adapted = _adapt_calls(adapted, can) if native else [_in_words(m) for m in adapted]
    adapted = _join_roles(adapted) if can.alternating_roles or not can.system_first else adapted
    return as_parts(adapted) if can.content == "parts" else adapted


def _adapt_system(message: Message, first: bool, can: TemplateCapabilities) -> Message:
    """A system message becomes a user's where the template takes none."""
    fits = message["role"] != "system" or (can.system_first if first else can.system_later)
    return message if fits else {**message, "role": "user"}


def _adapt_calls(messages: Sequence[Message], can: TemplateCapabilities) -> list[Message]:
    """Calls and results as the template takes them: arguments as object or text, ids where it has any."""
    messages = _split_calls(messages) if can.single_calls else messages
    adapted: list[Message] = []
    waiting: list[tuple[Any, str, str]] = []  # calls without a result: their id, what it is here, their name
    count = 0
    for message in messages:
        if calls := message.get("tool_calls"):
            waiting = []
            calls_for_template = []
            for call in calls:
                count += 1
                function, own = call["function"], f"{count:09d}"  # as long as Mistral's have to be
                if can.call_format == "kimi":
                    own = f"functions.{function['name']}:{count - 1}"
                waiting.append((call.get("id"), own, function["name"]))
                arguments: Any = function["arguments"]
                if can.arguments == "text":
                    arguments = _json(arguments)
                adapted_call = {"type": "function", "function": {**function, "arguments": arguments}}
                calls_for_template.append({**adapted_call, "id": own} if can.call_ids else adapted_call)
            message = {**message, "content": message.get("content") or can.no_content, "tool_calls": calls_for_template}
            thought = message.get("reasoning_content")
            if can.forgets_calls:
                message["written_calls"] = _write_calls(message.pop("tool_calls"), can.call_format)
            said = message["content"] or ""
            if thought and said and can.thought_is_all:
                message |= {"reasoning_content": f"{thought}\n\n{said}", "content": can.no_content}
            if thought and can.past_thinking == "text":
                message["content"] = f"{can.tags.opening}\n{thought}\n{can.tags.close}\n\n{said}"
            elif thought and can.past_thinking == "block":
                blocks = [
                    {"type": "thinking", "thinking": thought},
                    *([{"type": "text", "text": said}] if said else []),
                ]
                message["content"] = blocks
        elif message["role"] == "tool":
            id = message.pop("tool_call_id", None)
            call = next((w for w in waiting if id is not None and w[0] == id), waiting[0] if waiting else None)
            if not can.tool_results:
                message = _in_words(message)
            elif call and can.results_in_turn and adapted[-1].get("tool_calls"):
                waiting.remove(call)
                responses = adapted[-1].get("tool_responses", [])
                adapted[-1]["tool_responses"] = [*responses, {"name": call[2], "response": message["content"]}]
                continue
            elif call:
                waiting.remove(call)
                message = {"name": call[2], **message, **({"tool_call_id": call[1]} if can.call_ids else {})}
        adapted.append(message)
    return adapted


def _write_calls(calls: Sequence[Mapping[str, Any]], format: str) -> tuple[str, str, str]:
    """Calls as a format has them: the token before them, what is written, the token after it."""
    form = format_named(format)
    assert form and form.write
    made = [ToolCall(call["function"]["name"], call["function"]["arguments"]) for call in calls]
    return form.openings[0], form.write(made), form.closing


def _split_calls(messages: Sequence[Message]) -> list[Message]:
    """Each call in a turn of its own, and its result after it."""
    adapted: list[Message] = []
    rest = list(messages)
    while rest:
        message = rest.pop(0)
        calls = message.get("tool_calls") or []
        if len(calls) < 2:
            adapted.append(message)
            continue
        results = []
        while rest and rest[0]["role"] == "tool":
            results.append(rest.pop(0))
        for call in calls:
            id = call.get("id")
            own = [r for r in results if r.get("tool_call_id") == id][: None if id else 1]
            results = [r for r in results if r not in own]
            adapted += [{**message, "tool_calls": [call]}, *own]
            message = {**message, "content": "", "reasoning_content": None}
        adapted += results
    return adapted


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _in_words(message: Message) -> Message:
    """Calls and results as text."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"<tool_response>\n{message['content']}\n</tool_response>"}
    if calls := message.pop("tool_calls", None):
        written = (_json({k: call["function"][k] for k in ("name", "arguments")}) for call in calls)
        said = [message.get("content") or "", *(f"<tool_call>\n{call}\n</tool_call>" for call in written)]
        return {**message, "content": "\n".join(part for part in said if part)}
    return message


def _join_roles(messages: Sequence[Message]) -> list[Message]:
    """Messages of one role in a row as one; the system's words, which became a user's, begin the next."""
    adapted: list[Message] = []
    for message in messages:
        before = adapted[-1] if adapted else {}
        joined = before.get("role") == message["role"] in ("user", "assistant") and not before.get("tool_calls")
        if joined and None not in (before.get("content"), message.get("content")):
            adapted[-1] = {**before, **message, "content": join_contents(before["content"], message["content"])}
        else:
            adapted.append(message)
    return adapted
