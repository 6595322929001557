"""Requests to an OpenAI-compatible API, with the quirks of each model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from galop.backends.registry import Offer
from galop.chat.content import move_pictures
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool
from galop.engine.sampling import Sampling
from galop.pictures.picture import Picture, portable_url

HIDDEN = 16_384  # tokens more where a model thinks as long as it likes and its limit counts that


def chat_request(
    offer: Offer,
    messages: Sequence[Message],
    thinking: Thinking,
    tools: Sequence[Tool],
    tool_choice: str,
    sampling: Sampling | None,
    max_tokens: int | None,
) -> dict[str, Any]:
    """The body of a request for Chat Completions, streamed."""
    quirks = offer.quirks
    body: dict[str, Any] = {
        "model": offer.id, "messages": add_call_ids(messages, quirks.give_back), "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    if sampling and quirks.temperature:
        body |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling and quirks.seed:
        body["seed"] = sampling.seed
    if tools:
        named = tool_choice not in ("auto", "required", "none")
        choice = {"type": "function", "function": {"name": tool_choice}} if named else tool_choice
        body |= {"tools": list(tools), "tool_choice": choice}
    wanted = thinking.on is not False and thinking.budget != 0
    if quirks.thinking == "effort" and thinking.on is not None:
        body["reasoning_effort"] = nearest_effort(quirks.efforts, wanted, thinking.budget)
    elif quirks.thinking == "toggle" and thinking.on is not None:
        body["enable_thinking"] = wanted
        if wanted and thinking.budget:
            body["thinking_budget"] = thinking.budget
    elif quirks.thinking == "type" and thinking.on is not None:
        body["thinking"] = {"type": "enabled" if wanted else "disabled"}
    elif quirks.thinking == "template" and thinking.on is not None:
        body["chat_template_kwargs"] = {"enable_thinking": wanted}
    elif quirks.thinking == "google":
        budget = min(max(thinking.budget or 0 if wanted else 0, quirks.least), quirks.most)
        config = {"thinking_budget": budget, "include_thoughts": True}
        body["extra_body"] = {"google": {"thinking_config": config}}
    if max_tokens:
        thinks = body.get("reasoning_effort", "none") != "none" or body.get("thinking") == {"type": "enabled"}
        body[quirks.limit] = max_tokens + (HIDDEN if thinks or quirks.thinking == "always" else 0)
    return body


def nearest_effort(efforts: Sequence[str], wanted: bool, budget: int | None) -> str:
    """The nearest of the `efforts` there are to a budget in tokens of thinking, where thinking is wanted at all."""
    if not wanted:
        return "none" if "none" in efforts else efforts[0]
    usual = "medium" if budget is None else "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
    order = ["low", "medium", "high"]
    having = [e for e in efforts if e in order]
    return min(having, key=lambda e: abs(order.index(e) - order.index(usual)))


def write_part(part: dict[str, Any]) -> dict[str, Any]:
    """A part of a content as the interface takes it, a picture in a data: URL of what all of them decode.

    Raises PictureError.
    """
    picture: Picture | None = part.get("picture")
    return part if picture is None else {"type": "image_url", "image_url": {"url": portable_url(picture)}}


def add_call_ids(messages: Sequence[Message], give_back: bool) -> list[Message]:
    """Messages with the ids by which the interface ties results to calls, and arguments as text.

    Thoughts are sent back only where the interface wants them: `give_back`."""
    sent: list[Message] = []
    open_ids: list[str] = []
    made = 0
    for message in move_pictures(messages):
        if isinstance(message.get("content"), list):
            message["content"] = [write_part(part) for part in message["content"]]
        thought = message.pop("reasoning_content", None)
        if calls := message.get("tool_calls"):
            listed = []
            for call in calls:
                made += 1
                open_ids.append(f"call_{made}")
                function = call["function"]
                text = json.dumps(function["arguments"], ensure_ascii=False)
                listed.append({"id": open_ids[-1], "type": "function",
                               "function": {"name": function["name"], "arguments": text}})  # fmt: skip
            message["tool_calls"] = listed
            if give_back:
                message["reasoning_content"] = thought or ""
        elif message["role"] == "tool":
            message = {
                "role": "tool",
                "tool_call_id": open_ids.pop(0) if open_ids else "",
                "content": message["content"],
            }
        sent.append(message)
    return sent
