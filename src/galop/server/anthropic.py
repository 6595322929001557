"""Anthropic's Messages and count_tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from galop.backends.local import Done
from galop.server.anthropic_request import CountRequest, MessagesRequest
from galop.server.errors import ApiError
from galop.server.replies import CallDelta, Piece, Reply, Server, begun, form_of, new_id, turn_of
from galop.server.wire import EVENTS, EventStream, StrictRoute, event, whole


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/v1/messages", route_class=StrictRoute, tags=["Anthropic"])

    async def asked(request: Request, body: CountRequest) -> Reply:
        """The reply to a conversation, whose last turn is continued if it is the assistant's."""
        said, tools = body.conversation(), body.tool_use()
        turn = turn_of(said)
        return await server.chat(request.state.key, body.model, said, body.thoughts(), tools=tools, turn=turn)

    @router.post("", response_model=None, responses=EVENTS)
    async def messages(request: Request, body: MessagesRequest) -> Response:
        """Answers a conversation."""
        body.refuse()
        form = form_of(body.form, "output_config.format")
        reply = await asked(request, body)
        options = {"max_tokens": body.max_tokens, "stop": body.stop_sequences or []}
        await begun(reply, lambda: {"sampling": body.sampling(reply.model, reply.thinking), **options}, form)
        writer = MessageWriter(reply, body.max_tokens)
        if body.stream:
            return EventStream(writer.stream(), writer.failure, ping=event({"type": "ping"}, "ping"))
        return whole(writer.whole())

    @router.post("/count_tokens", response_model=None)
    async def count_tokens(request: Request, body: CountRequest) -> Response:
        """How many tokens a conversation is."""
        reply = await asked(request, body)
        await asyncio.shield(reply.held.aclose())
        with server.metered(request.state.key, len(reply.prompt)):
            return JSONResponse({"input_tokens": len(reply.prompt)})

    return router


def model_of(described: dict[str, Any]) -> dict[str, Any]:
    """An entry of the list of models in Anthropic's shape."""
    created = datetime.fromtimestamp(described["created"], UTC).isoformat().replace("+00:00", "Z")
    return {"type": "model", "id": described["id"], "display_name": described["id"], "created_at": created,
            "lifecycle": "active", "max_input_tokens": described["context_length"]}  # fmt: skip


def page_of(models: list[dict[str, Any]], limit: int, after: str, before: str) -> dict[str, Any]:
    """A page of the list: the first models after one, or the last before one."""
    ids = [m["id"] for m in models]
    window = models[ids.index(after) + 1 if after in ids else 0 : ids.index(before) if before in ids else len(ids)]
    page = [model_of(m) for m in (window[-limit:] if before else window[:limit])]
    named = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return {"data": page, "has_more": len(page) < len(window), **named}


def tool_block(id: str, name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id.replace("call_", "toolu_"), "name": name}


class MessageWriter:
    def __init__(self, reply: Reply, max_tokens: int) -> None:
        self.reply = reply
        self.max_tokens = max_tokens
        self.id = new_id("msg_")
        self.called = False

    def message(self, content: list[dict[str, Any]], done: Done | None) -> dict[str, Any]:
        cached = done.cached_tokens if done else 0
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.reply.resident.name,
            "content": content,
            **self.stopped(done),
            "usage": {
                "input_tokens": len(self.reply.prompt) - cached,
                "cache_read_input_tokens": cached,
                "cache_creation_input_tokens": 0,
                "output_tokens": done.answer_tokens if done else 0,
                "output_tokens_details": {"thinking_tokens": done.thinking_tokens if done else 0},
            },
        }

    def stopped(self, done: Done | None) -> dict[str, Any]:
        if done is None:
            return {"stop_reason": None, "stop_sequence": None}
        if done.stop:
            return {"stop_reason": "stop_sequence", "stop_sequence": done.stop}
        full = "max_tokens" if done.answer_tokens >= self.max_tokens else "model_context_window_exceeded"
        reason = full if done.reason == "length" else "tool_use" if self.called else "end_turn"
        return {"stop_reason": reason, "stop_sequence": None}

    def failure(self, error: ApiError) -> str:
        return event(error.body("/v1/messages"), "error")

    async def whole(self) -> dict[str, Any]:
        [said] = await self.reply.whole()
        blocks: list[dict[str, Any]] = []
        if said.thought:
            blocks.append({"type": "thinking", "thinking": said.thought, "signature": ""})
        if said.text or not (said.thought or said.calls):
            blocks.append({"type": "text", "text": said.text})
        blocks += [{**tool_block(call.id, call.call.name), "input": call.call.arguments} for call in said.calls]
        self.called = bool(said.calls)
        return self.message(blocks, self.reply.ends[0])

    async def stream(self) -> AsyncIterator[str]:
        def say(name: str, **data: Any) -> str:
            return event({"type": name, **data}, name)

        index, kind = -1, ""
        async with aclosing(self.reply.pieces()) as pieces:
            begun = False
            async for piece in pieces:
                if not begun:
                    begun = True
                    yield say("message_start", message=self.message([], None))
                if isinstance(piece, CallDelta) and not piece.text:
                    for closing in self._close(index, kind):
                        yield closing
                    self.called, index, kind = True, index + 1, "tool_use"
                    block = {**tool_block(piece.id, piece.name), "input": {}}
                    yield say("content_block_start", index=index, content_block=block)
                elif isinstance(piece, CallDelta):
                    arguments = {"type": "input_json_delta", "partial_json": piece.text}
                    yield say("content_block_delta", index=index, delta=arguments)
                if not isinstance(piece, Piece):
                    continue
                wanted = "thinking" if piece.thinking else "text"
                if wanted != kind:
                    for closing in self._close(index, kind):
                        yield closing
                    index, kind = index + 1, wanted
                    empty = {"thinking": "", "signature": ""} if piece.thinking else {"text": ""}
                    yield say("content_block_start", index=index, content_block={"type": kind, **empty})
                yield say("content_block_delta", index=index, delta={"type": f"{kind}_delta", kind: piece.text})
        if not kind:
            index, kind = 0, "text"
            yield say("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for closing in self._close(index, kind):
            yield closing
        done = self.reply.ends[0]
        yield say("message_delta", delta=self.stopped(done), usage=self.message([], done)["usage"])
        yield say("message_stop")

    def _close(self, index: int, kind: str) -> list[str]:
        if not kind:
            return []
        stop = event({"type": "content_block_stop", "index": index}, "content_block_stop")
        if kind != "thinking":
            return [stop]
        signature = {"type": "signature_delta", "signature": ""}
        signed = {"type": "content_block_delta", "index": index, "delta": signature}
        return [event(signed, "content_block_delta"), stop]
