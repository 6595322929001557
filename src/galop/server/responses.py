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

from galop.server.api_keys import Key
from galop.server.errors import ApiError
from galop.server.replies import (
    CallDelta,
    CallPiece,
    Function,
    Piece,
    Reply,
    Server,
    begun,
    compact,
    form_of,
    logprobs_of,
    new_id,
)
from galop.server.responses_request import CountRequest, Item, Offered, ResponsesRequest
from galop.server.wire import EVENTS, EventStream, StrictRoute, event, whole

Said = tuple[str, dict[str, Any]]  # the name of an event, and what it says
Events = AsyncGenerator[Said]
KEPT_CHARACTERS = 16 << 20
# How the events are called that tell of what a call takes, and where its item holds that.
STREAMED = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}


class Sent:
    """Items that were sent lately, by key and id: clients that take a server to store them refer to them."""

    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._size = 0

    def keep(self, key: Key, item: dict[str, Any]) -> None:
        self._items[key.hash, item["id"]] = item
        self._size += len(compact(item))
        while self._size > KEPT_CHARACTERS:
            self._size -= len(compact(self._items.popitem(last=False)[1]))

    def restore(self, key: Key, items: list[Item]) -> list[Item]:
        """With the items themselves in place of references to them. Raises ApiError for one that is not known."""
        return [self._found(key, item.id or "") if item.type == "item_reference" else item for item in items]

    def _found(self, key: Key, id: str) -> Item:
        found = self._items.get((key.hash, id))
        if found is None:
            message = f"nothing is kept under the item_reference {id[:60]!r}; send the item itself (store: false)"
            raise ApiError(400, "invalid_value", message, "input")
        return Item.model_validate(found)


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])
    sent = Sent()

    async def asked(request: Request, body: CountRequest) -> Reply:
        body.refuse("previous_response_id", "conversation", "background", "prompt")
        if isinstance(body.input, list):
            body.input = sent.restore(request.state.key, body.input)
        said, tools = body.messages(), body.tool_use()
        return await server.chat(
            request.state.key, body.model, said, body.thoughts(), tools=tools, turn=body.turn(said)
        )

    @router.post("/responses", response_model=None, responses=EVENTS)
    async def responses(request: Request, body: ResponsesRequest) -> Response:
        """Answers a conversation; nothing is stored, but what was sent lately can be referred to."""
        form = form_of((body.text or {}).get("format"), "text.format")
        reply = await asked(request, body)
        options = {"max_tokens": body.max_output_tokens, "logprobs": body.logprobs}
        await begun(reply, lambda: {"sampling": body.sampling(reply.model, reply.thinking), **options}, form)
        writer = ResponseWriter(reply, body, None if body.store is False else sent)
        if body.stream:
            return EventStream(writer.stream(), writer.failure)
        return whole(writer.whole())

    @router.post("/responses/input_tokens", response_model=None)
    async def input_tokens(request: Request, body: CountRequest) -> dict[str, Any]:
        """How many tokens a conversation is."""
        reply = await asked(request, body)
        await asyncio.shield(reply.held.aclose())
        return {"object": "response.input_tokens", "input_tokens": len(reply.prompt)}

    return router


class ResponseWriter:
    def __init__(self, reply: Reply, body: ResponsesRequest, sent: Sent | None) -> None:
        self.reply = reply
        self.sent = sent
        self.output: list[dict[str, Any]] = []
        self.offered: dict[str, Offered] = {o.function.name: o for o in body.offered()}
        self.summarised = body.summarised
        self._sequence = count()
        self.head = {
            "id": new_id("resp_"), "object": "response", "created_at": int(time.time()), "model": reply.resident.name,
            "instructions": body.instructions, "metadata": body.metadata or {},
            "tools": [tool.model_dump(exclude_unset=True) for tool in body.tools or []],
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
        wrong = {"code": error.code, "message": error.message}
        response = {**self.response(), "status": "failed", "error": wrong}
        name = "response.failed"
        return event({"type": name, "sequence_number": next(self._sequence), "response": response}, name)

    async def whole(self) -> dict[str, Any]:
        async with aclosing(self.events()) as events:
            async for _ in events:
                pass
        # Of a call that the limit cut off, which in a stream was told as far as it came, nothing is of use.
        self.output = [i for i in self.output if not i["type"].endswith("_call") or i["status"] == "completed"]
        if not self.output:  # an answer without text is an answer
            self._close(self._item("msg_", self._opened("message")))
        return self.response()

    async def stream(self) -> AsyncIterator[str]:
        async with aclosing(self.events()) as events:
            async for name, data in events:
                yield event({"type": name, **data, "sequence_number": next(self._sequence)}, name)

    async def events(self) -> Events:
        yield "response.created", {"response": self.response()}
        yield "response.in_progress", {"response": self.response()}
        item: dict[str, Any] | None = None
        async with aclosing(self.reply.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, CallDelta) and not piece.text:
                    for said in self._close(item):
                        yield said
                    item = None
                    yield self._calling(piece)
                elif isinstance(piece, CallDelta):
                    for said in self._arguments(piece.text):
                        yield said
                elif isinstance(piece, CallPiece):
                    for said in self._called(piece):
                        yield said
                if not isinstance(piece, Piece):
                    continue
                kind = "reasoning" if piece.thinking else "message"
                if item is None or item["type"] != kind:
                    for said in self._close(item):
                        yield said
                    item = self._item("rs_" if piece.thinking else "msg_", self._opened(kind))
                    for said in self._open(item):
                        yield said
                for said in self._more(item, piece):
                    yield said
        if self.output and self.output[-1]["type"].endswith("_call") and self.output[-1]["status"] == "in_progress":
            self.output[-1]["status"] = "incomplete"
            yield self._done(self.output[-1])
        if not self.output or (item and item["type"] == "reasoning"):  # an answer without text is an answer
            for said in self._close(item):
                yield said
            item = self._item("msg_", self._opened("message"))
            for said in self._open(item):
                yield said
        for said in self._close(item):
            yield said
        response = self.response()
        yield f"response.{response['status']}", {"response": response}

    def _item(self, prefix: str, said: dict[str, Any]) -> dict[str, Any]:
        item = {"id": new_id(prefix), **said, "status": "in_progress"}
        self.output.append(item)
        return item

    def _opened(self, kind: str) -> dict[str, Any]:
        if kind == "reasoning":
            summary = [{"type": "summary_text", "text": ""}] if self.summarised else []
            return {"type": kind, "summary": summary, "content": [{"type": "reasoning_text", "text": ""}]}
        text = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return {"type": kind, "role": "assistant", "content": [text]}

    def _open(self, item: dict[str, Any]) -> list[Said]:
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

    def _more(self, item: dict[str, Any], piece: Piece) -> list[Said]:
        part, where = item["content"][0], {**self._where(item), "content_index": 0, "delta": piece.text}
        part["text"] += piece.text
        if item["type"] == "message":
            drawn = logprobs_of(self.reply.model, piece.event)
            part["logprobs"] += drawn
            return [("response.output_text.delta", {**where, "logprobs": drawn})]
        said = [("response.reasoning_text.delta", where)]
        if item["summary"]:
            item["summary"][0]["text"] += piece.text
            summary = {**self._where(item), "summary_index": 0, "delta": piece.text}
            said.append(("response.reasoning_summary_text.delta", summary))
        return said

    def _calling(self, piece: CallDelta) -> Said:
        """The beginning of a call."""
        call = self._tool(piece.name).call(piece.id, "{}", {})
        key = STREAMED.get(call["type"], ("", ""))[1]
        item = self._item("ctc_" if call["type"] == "custom_tool_call" else "fc_", call | ({key: ""} if key else {}))
        return "response.output_item.added", {"output_index": len(self.output) - 1, "item": {**item}}

    def _arguments(self, text: str) -> list[Said]:
        """More of a call's arguments, where the client takes them in JSON."""
        item = self.output[-1]
        if item["type"] != "function_call":
            return []
        item["arguments"] += text
        return [("response.function_call_arguments.delta", {**self._where(item), "delta": text})]

    def _called(self, piece: CallPiece) -> list[Said]:
        """The end of a call."""
        item = self.output[-1]
        item |= self._tool(piece.call.name).call(piece.id, piece.function["arguments"], piece.call.arguments)
        item["status"] = "completed"
        said, (name, key) = [self._done(item)], STREAMED.get(item["type"], ("", ""))
        if key:
            named = {"name": item["name"]} if key == "arguments" else {}
            said.insert(0, (f"response.{name}.done", {**self._where(item), **named, key: item[key]}))
        if key == "input":
            said.insert(0, (f"response.{name}.delta", {**self._where(item), "delta": item[key]}))
        return said

    def _tool(self, name: str) -> Offered:
        return self.offered.get(name) or Offered("function", Function(name=name), name)

    def _where(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"item_id": item["id"], "output_index": len(self.output) - 1}

    def _done(self, item: dict[str, Any]) -> Said:
        if self.sent:
            self.sent.keep(self.reply.key, item)
        return "response.output_item.done", {"output_index": len(self.output) - 1, "item": item}

    def _close(self, item: dict[str, Any] | None) -> list[Said]:
        if item is None:
            return []
        done = self.reply.ends.get(0)
        item["status"] = "incomplete" if done and done.reason == "length" else "completed"
        part = item["content"][0]
        where = {**self._where(item), "content_index": 0}
        logprobs = {"logprobs": part["logprobs"]} if item["type"] == "message" else {}
        said = [
            (f"response.{part['type']}.done", {**where, "text": part["text"], **logprobs}),
            ("response.content_part.done", {**where, "part": part}),
        ]
        if item.get("summary"):
            where, part = {**self._where(item), "summary_index": 0}, item["summary"][0]
            said += [
                ("response.reasoning_summary_text.done", {**where, "text": part["text"]}),
                ("response.reasoning_summary_part.done", {**where, "part": part}),
            ]
        return [*said, self._done(item)]
