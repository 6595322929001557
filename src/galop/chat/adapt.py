"""A conversation as its template needs it: what the template cannot tell is told in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from galop.chat.schema import DEEPEST, depth, rebuilt
from galop.chat.template_capabilities import CLOSE, OPEN, TemplateCapabilities
from galop.chat.tools import Tool

LONGEST_PATTERN = 40  # characters of one that a model reads
Message = dict[str, Any]
TOLD = """\
These functions are at hand, each with a JSON schema of its arguments:
{tools}
To call one, write nothing but this, and wait for its result:
<tool_call>
{{"name": "its name", "arguments": {{...}}}}
</tool_call>"""
"""For a template that tells of no tools, or has calls written as none of our formats."""


def trim_tool(tool: Tool) -> Tool:
    """A tool as a model is told of it: long patterns hold its calls, and are not for reading, nor is `strict`."""

    def told(schema: Any, where: str = "#") -> Any:
        if isinstance(schema, dict) and len(str(schema.get("pattern", ""))) > LONGEST_PATTERN:
            schema = {k: v for k, v in schema.items() if k != "pattern"}
        return rebuilt(schema, told, where)

    function = {k: v for k, v in tool["function"].items() if k != "strict"}
    if "parameters" in function and depth(function["parameters"]) <= DEEPEST:
        function["parameters"] = told(function["parameters"])
    return {**tool, "function": function}


def adapt_messages(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], can: TemplateCapabilities, native: bool
) -> list[Message]:
    """The conversation for a template; `native` says that it tells of tools and calls itself."""
    said = [dict(m) for m in messages]
    if tools and not native:
        told = TOLD.format(tools="\n".join(_json(trim_tool(tool)["function"]) for tool in tools))
        first = said.pop(0)["content"] if said and said[0]["role"] == "system" else ""
        said.insert(0, {"role": "system", "content": f"{first}\n\n{told}" if first else told})
    said = [_with_system(m, first=i == 0, can=can) for i, m in enumerate(said)]
    said = _with_calls(said, can) if native else [_in_words(m) for m in said]
    if can.alternates or not can.system:
        said = _taking_turns(said, can)
    return said


def _with_system(message: Message, first: bool, can: TemplateCapabilities) -> Message:
    speaks = message["role"] != "system" or (can.system if first else can.late)
    return message if speaks else {**message, "role": "user"}


def _with_calls(messages: Sequence[Message], can: TemplateCapabilities) -> list[Message]:
    """Calls and results as the template takes them: arguments as object or text, ids where it has any."""
    messages = _one_by_one(messages) if can.single else messages
    said: list[Message] = []
    waiting: list[tuple[Any, str, str]] = []  # calls without a result: their id, what it is here, their name
    made = 0
    for message in messages:
        if calls := message.get("tool_calls"):
            waiting = []
            fitting = []
            for call in calls:
                made += 1
                function, own = call["function"], f"{made:09d}"  # as long as Mistral's have to be
                waiting.append((call.get("id"), own, function["name"]))
                arguments: Any = function["arguments"]
                if can.arguments == "text":
                    arguments = _json(arguments)
                called = {"type": "function", "function": {**function, "arguments": arguments}}
                fitting.append({**called, "id": own} if can.ids else called)
            message = {**message, "content": message.get("content") or can.content, "tool_calls": fitting}
            thought = message.get("reasoning_content")
            if thought and can.thoughts == "text":
                message["content"] = f"{OPEN}\n{thought}\n{CLOSE}\n\n{message['content'] or ''}"
        elif message["role"] == "tool":
            asked = message.pop("tool_call_id", None)
            call = next((w for w in waiting if asked is not None and w[0] == asked), waiting[0] if waiting else None)
            if not can.results:
                message = _in_words(message)
            elif call:
                waiting.remove(call)
                message = {"name": call[2], **message, **({"tool_call_id": call[1]} if can.ids else {})}
        said.append(message)
    return said


def _one_by_one(messages: Sequence[Message]) -> list[Message]:
    """Each call in a turn of its own, and its result after it."""
    said: list[Message] = []
    rest = list(messages)
    while rest:
        message = rest.pop(0)
        calls = message.get("tool_calls") or []
        if len(calls) < 2:
            said.append(message)
            continue
        results = []
        while rest and rest[0]["role"] == "tool":
            results.append(rest.pop(0))
        for call in calls:
            asked = call.get("id")
            own = [r for r in results if r.get("tool_call_id") == asked][: None if asked else 1]
            results = [r for r in results if r not in own]
            said += [{**message, "tool_calls": [call]}, *own]
            message = {**message, "content": "", "reasoning_content": None}
        said += results
    return said


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


def _taking_turns(messages: Sequence[Message], can: TemplateCapabilities) -> list[Message]:
    """With what one side says in a row as one message; the system's words, which became a user's, begin the next."""
    said: list[Message] = []
    for message in messages:
        before = said[-1] if said else {}
        joined = before.get("role") == message["role"] in ("user", "assistant") and not before.get("tool_calls")
        if joined and all(isinstance(m.get("content"), str) for m in (before, message)):
            said[-1] = {**before, **message, "content": f"{before['content']}\n\n{message['content']}"}
        else:
            said.append(message)
    return said
