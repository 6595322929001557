"""OpenAI's Responses, without state: every request brings the whole conversation, or ids of items sent lately."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from galop.server.api_keys import ApiKey
from galop.server.dialects.openai_responses_request import InputTokensRequest, ResponseItem, ResponsesRequest
from galop.server.dialects.openai_responses_tools import OfferedTool
from galop.server.errors import ApiError
from galop.server.reply import Reply, ReplyOptions, new_id
from galop.server.reply_events import CallDelta, CompleteToolCall, TextDelta
from galop.server.request.response_format import parse_response_format
from galop.server.request.tools import SCIENCE, FunctionDefinition
from galop.server.service import Service
from galop.server.transport.json_body import StrictRoute, compact_json
from galop.server.transport.streaming import EVENT_STREAM, respond, sse_event
from galop.server.usage import token_logprobs

ResponseEvent = tuple[str, dict[str, Any]]  # the name of an event, and what it says
Events = AsyncGenerator[ResponseEvent]
KEPT_CHARACTERS = 16 << 20
# By the type of a call: the stem of the names of its events, and the field of its item that they fill.
STREAMED = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}


class SentItems:
    """Items that were sent lately, by key and id: clients that take a server to store them refer to them."""

    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._size = 0

    def keep(self, key: ApiKey, item: dict[str, Any]) -> None:
        """Remembers an item, and forgets the oldest where they are too many."""
        self._items[key.hash, item["id"]] = item
        self._size += len(compact_json(item))
        while self._size > KEPT_CHARACTERS:
            self._size -= len(compact_json(self._items.popitem(last=False)[1]))

    def restore(self, key: ApiKey, items: list[ResponseItem]) -> list[ResponseItem]:
        """With the items themselves in place of references to them. Raises ApiError (400) for one that is not known."""
        return [self._look_up(key, item.id or "") if item.type == "item_reference" else item for item in items]

    def _look_up(self, key: ApiKey, id: str) -> ResponseItem:
        found = self._items.get((key.hash, id))
        if found is None:
            message = f"nothing is kept under the item_reference {id[:60]!r}; send the item itself (store: false)"
            raise ApiError(400, "invalid_value", message, "input")
        return ResponseItem.model_validate(found)


def routes(service: Service) -> APIRouter:
    """`/v1/responses` and `/v1/responses/input_tokens`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])
    sent = SentItems()

    async def open_reply(request: Request, body: InputTokensRequest) -> Reply:
        body.refuse("previous_response_id", "conversation", "background", "prompt")
        if isinstance(body.input, list):
            body.input = sent.restore(request.state.key, body.input)
        history, tools = body.messages(), body.tool_selection()
        turn, thinking = body.turn(history), body.thinking_settings()
        return await service.chat(request.state.key, body.model, history, thinking, tools=tools, turn=turn)

    @router.post("/responses", response_model=None, responses=EVENT_STREAM)
    async def responses(request: Request, body: ResponsesRequest) -> Response:
        """Answers a conversation; nothing is stored, but what was sent lately can be referred to."""
        form = parse_response_format((body.text or {}).get("format"), "text.format")
        reply = await open_reply(request, body)
        await reply.start(
            lambda: ReplyOptions(
                sampling=body.sampling(reply.model, reply.thinking),
                max_tokens=body.max_output_tokens,
                logprobs=body.logprobs,
            ),
            form,
        )
        return respond(ResponseWriter(reply, body, None if body.store is False else sent), bool(body.stream))

    @router.post("/responses/input_tokens", response_model=None)
    async def input_tokens(request: Request, body: InputTokensRequest) -> dict[str, Any]:
        """How many tokens a conversation is."""
        reply = await open_reply(request, body)
        await asyncio.shield(reply.lease.aclose())
        return {"object": "response.input_tokens", "input_tokens": reply.prompt_tokens}

    return router


class ResponseWriter:
    """A reply as a response of items, streamed or whole."""

    def __init__(self, reply: Reply, body: ResponsesRequest, sent: SentItems | None) -> None:
        self.reply = reply
        self.sent = sent
        self.output: list[dict[str, Any]] = []
        self.offered: dict[str, OfferedTool] = {o.function.name: o for o in body.list_tools()}
        self.summarised = body.with_summary
        self._sequence = count()
        self.head = {
            "id": new_id("resp_"), "object": "response", "created_at": int(time.time()), "model": reply.name,
            "instructions": body.instructions, "metadata": body.metadata or {},
            "tools": [t.model_dump(exclude_unset=True) for t in body.tools or [] if t.type != SCIENCE],
            "tool_choice": (
                body.tool_choice or "auto" if isinstance(body.tool_choice, str | None)
                else body.tool_choice.model_dump(exclude_unset=True)
            ),
            "parallel_tool_calls": body.parallel_tool_calls is not False, "temperature": body.temperature,
            "top_p": body.top_p, "max_output_tokens": body.max_output_tokens, "previous_response_id": None,
            "reasoning": body.reasoning.model_dump() if body.reasoning else None, "text": body.text,
            "store": False, "error": None,
        }  # fmt: skip

    def response(self) -> dict[str, Any]:
        """The response as far as it has come."""
        done = self.reply.ends.get(0)
        status = "in_progress" if done is None else "incomplete" if done.reason == "length" else "completed"
        usage = self.reply.usage
        return {
            **self.head,
            "status": status,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "output": self.output,
            "usage": None if done is None else {
                "input_tokens": usage["prompt_tokens"],
                "input_tokens_details": usage["prompt_tokens_details"],
                "output_tokens": usage["completion_tokens"],
                "output_tokens_details": usage["completion_tokens_details"],
                "total_tokens": usage["total_tokens"],
            },
        }  # fmt: skip

    def failure(self, error: ApiError) -> str:
        """The last event of a stream that breaks."""
        wrong = {"code": error.code, "message": error.message}
        response = {**self.response(), "status": "failed", "error": wrong}
        name = "response.failed"
        return sse_event({"type": name, "sequence_number": next(self._sequence), "response": response}, name)

    async def whole(self) -> dict[str, Any]:
        """The whole response."""
        async with aclosing(self.events()) as events:
            async for _ in events:
                pass
        # A call that the token limit cut off is of no use; only a stream has sent its beginning.
        self.output = [i for i in self.output if not i["type"].endswith("_call") or i["status"] == "completed"]
        if not self.output:  # an answer without text is an answer
            self._close(self._item("msg_", self._empty_item("message")))
        return self.response()

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events from response.created on, numbered."""
        async with aclosing(self.events()) as events:
            async for name, data in events:
                yield sse_event({"type": name, **data, "sequence_number": next(self._sequence)}, name)

    async def events(self) -> Events:
        """The events of a stream, in whose course the output grows."""
        yield "response.created", {"response": self.response()}
        yield "response.in_progress", {"response": self.response()}
        item: dict[str, Any] | None = None
        async with aclosing(self.reply.events()) as events:
            async for piece in events:
                if isinstance(piece, CallDelta) and not piece.text:
                    for event in self._close(item):
                        yield event
                    item = None
                    yield self._begin_call(piece)
                elif isinstance(piece, CallDelta):
                    for event in self._extend_call(piece.text):
                        yield event
                elif isinstance(piece, CompleteToolCall):
                    for event in self._complete_call(piece):
                        yield event
                if not isinstance(piece, TextDelta):
                    continue
                kind = "reasoning" if piece.thinking else "message"
                if item is None or item["type"] != kind:
                    for event in self._close(item):
                        yield event
                    item = self._item("rs_" if piece.thinking else "msg_", self._empty_item(kind))
                    item |= {"science": piece.science} if piece.science else {}
                    for event in self._open(item):
                        yield event
                for event in self._extend(item, piece):
                    yield event
        if self.output and self.output[-1]["type"].endswith("_call") and self.output[-1]["status"] == "in_progress":
            self.output[-1]["status"] = "incomplete"
            yield self._item_done(self.output[-1])
        if not self.output or (item and item["type"] == "reasoning"):  # an answer without text is an answer
            for event in self._close(item):
                yield event
            item = self._item("msg_", self._empty_item("message"))
            for event in self._open(item):
                yield event
        for event in self._close(item):
            yield event
        response = self.response()
        yield f"response.{response['status']}", {"response": response}

    def _item(self, prefix: str, content: dict[str, Any]) -> dict[str, Any]:
        item = {"id": new_id(prefix), **content, "status": "in_progress"}
        self.output.append(item)
        return item

    def _empty_item(self, kind: str) -> dict[str, Any]:
        if kind == "reasoning":
            summary = [{"type": "summary_text", "text": ""}] if self.summarised else []
            return {"type": kind, "summary": summary, "content": [{"type": "reasoning_text", "text": ""}]}
        text = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return {"type": kind, "role": "assistant", "content": [text]}

    def _open(self, item: dict[str, Any]) -> list[ResponseEvent]:
        where, part = self._where(item), {**item["content"][0]}
        empty = {**item, "content": [], **({"summary": []} if "summary" in item else {})}
        opened = [
            ("response.output_item.added", {"output_index": where["output_index"], "item": empty}),
            ("response.content_part.added", {**where, "content_index": 0, "part": part}),
        ]
        if item.get("summary"):
            added = {**where, "summary_index": 0, "part": {**item["summary"][0]}}
            opened.append(("response.reasoning_summary_part.added", added))
        return opened

    def _extend(self, item: dict[str, Any], piece: TextDelta) -> list[ResponseEvent]:
        part, where = item["content"][0], {**self._where(item), "content_index": 0, "delta": piece.text}
        part["text"] += piece.text
        if item["type"] == "message":
            drawn = token_logprobs(self.reply.model, piece.event)
            part["logprobs"] += drawn
            return [("response.output_text.delta", {**where, "logprobs": drawn})]
        events = [("response.reasoning_text.delta", where)]
        if item["summary"]:
            item["summary"][0]["text"] += piece.text
            summary = {**self._where(item), "summary_index": 0, "delta": piece.text}
            events.append(("response.reasoning_summary_text.delta", summary))
        return events

    def _begin_call(self, piece: CallDelta) -> ResponseEvent:
        """The beginning of a call."""
        call = self._tool(piece.name).call(piece.id, "{}", {})
        key = STREAMED.get(call["type"], ("", ""))[1]
        item = self._item("ctc_" if call["type"] == "custom_tool_call" else "fc_", call | ({key: ""} if key else {}))
        return "response.output_item.added", {"output_index": len(self.output) - 1, "item": {**item}}

    def _extend_call(self, text: str) -> list[ResponseEvent]:
        """More of a call's arguments, where the client takes them in JSON."""
        item = self.output[-1]
        if item["type"] != "function_call":
            return []
        item["arguments"] += text
        return [("response.function_call_arguments.delta", {**self._where(item), "delta": text})]

    def _complete_call(self, piece: CompleteToolCall) -> list[ResponseEvent]:
        """The end of a call."""
        item = self.output[-1]
        item |= self._tool(piece.call.name).call(piece.id, piece.function["arguments"], piece.call.arguments)
        item["status"] = "completed"
        events, (name, key) = [self._item_done(item)], STREAMED.get(item["type"], ("", ""))
        if key:
            named = {"name": item["name"]} if key == "arguments" else {}
            events.insert(0, (f"response.{name}.done", {**self._where(item), **named, key: item[key]}))
        if key == "input":
            events.insert(0, (f"response.{name}.delta", {**self._where(item), "delta": item[key]}))
        return events

    def _tool(self, name: str) -> OfferedTool:
        return self.offered.get(name) or OfferedTool("function", FunctionDefinition(name=name), name)

    def _where(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"item_id": item["id"], "output_index": len(self.output) - 1}

    def _item_done(self, item: dict[str, Any]) -> ResponseEvent:
        if self.sent:
            self.sent.keep(self.reply.key, item)
        return "response.output_item.done", {"output_index": len(self.output) - 1, "item": item}

    def _close(self, item: dict[str, Any] | None) -> list[ResponseEvent]:
        if item is None:
            return []
        done = self.reply.ends.get(0)
        item["status"] = "incomplete" if done and done.reason == "length" else "completed"
        part = item["content"][0]
        where = {**self._where(item), "content_index": 0}
        logprobs = {"logprobs": part["logprobs"]} if item["type"] == "message" else {}
        events = [
            (f"response.{part['type']}.done", {**where, "text": part["text"], **logprobs}),
            ("response.content_part.done", {**where, "part": part}),
        ]
        if item.get("summary"):
            where, part = {**self._where(item), "summary_index": 0}, item["summary"][0]
            events += [
                ("response.reasoning_summary_text.done", {**where, "text": part["text"]}),
                ("response.reasoning_summary_part.done", {**where, "part": part}),
            ]
        return [*events, self._item_done(item)]
