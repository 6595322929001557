"""Anthropic's Messages and count_tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from galop.backends.events import Done
from galop.server.dialects.anthropic_request import CountTokensRequest, MessagesRequest
from galop.server.errors import ApiError
from galop.server.reply import Reply, ReplyOptions, new_id
from galop.server.reply_events import CallDelta, TextDelta
from galop.server.request.messages import resolve_turn
from galop.server.request.response_format import parse_response_format
from galop.server.service import Service
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import EVENT_STREAM, respond, sse_event


def routes(service: Service) -> APIRouter:
    """`/v1/messages` and `/v1/messages/count_tokens`."""
    router = APIRouter(prefix="/v1/messages", route_class=StrictRoute, tags=["Anthropic"])

    async def open_reply(request: Request, body: CountTokensRequest) -> Reply:
        """The reply to a conversation, whose last turn is continued if it is the assistant's."""
        history, tools = body.conversation(), body.tool_selection()
        turn, thinking = resolve_turn(history), body.thinking_settings()
        return await service.chat(request.state.key, body.model, history, thinking, tools=tools, turn=turn)

    @router.post("", response_model=None, responses=EVENT_STREAM)
    async def messages(request: Request, body: MessagesRequest) -> Response:
        """Answers a conversation."""
        body.refuse()
        form = parse_response_format(body.form, "output_config.format")
        reply = await open_reply(request, body)
        await reply.start(
            lambda: ReplyOptions(
                sampling=body.sampling(reply.model, reply.thinking),
                max_tokens=body.max_tokens,
                stop=body.stop_sequences or [],
            ),
            form,
        )
        writer = MessageWriter(reply, body.max_tokens)
        return respond(writer, bool(body.stream), ping=sse_event({"type": "ping"}, "ping"))

    @router.post("/count_tokens", response_model=None)
    async def count_tokens(request: Request, body: CountTokensRequest) -> Response:
        """How many tokens a conversation is."""
        reply = await open_reply(request, body)
        await asyncio.shield(reply.lease.aclose())
        with service.limiter.charge_for(request.state.key, reply.prompt_tokens):
            return JSONResponse({"input_tokens": reply.prompt_tokens})

    return router


class MessageWriter:
    """A reply in Anthropic's shapes: a message of content blocks, streamed or whole."""

    def __init__(self, reply: Reply, max_tokens: int) -> None:
        self.reply = reply
        self.max_tokens = max_tokens
        self.id = new_id("msg_")
        self.called = False  # whether a tool was
        self._index = -1  # of the block that is open, or was
        self._kind = ""  # of the block that is open

    def message(self, content: list[dict[str, Any]], done: Done | None) -> dict[str, Any]:
        """The message with this content, which has ended or not."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.reply.name,
            "content": content,
            **self._stop_fields(done),
            "usage": self._usage(done),
        }

    def _usage(self, done: Done | None) -> dict[str, Any]:
        cached = done.cached_tokens if done else 0
        return {
            "input_tokens": self.reply.prompt_tokens - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": done.answer_tokens if done else 0,
            "output_tokens_details": {"thinking_tokens": done.thinking_tokens if done else 0},
        }

    def _stop_fields(self, done: Done | None) -> dict[str, Any]:
        if done is None:
            return {"stop_reason": None, "stop_sequence": None}
        if done.stop:
            return {"stop_reason": "stop_sequence", "stop_sequence": done.stop}
        full = "max_tokens" if done.answer_tokens >= self.max_tokens else "model_context_window_exceeded"
        reason = full if done.reason == "length" else "tool_use" if self.called else "end_turn"
        return {"stop_reason": reason, "stop_sequence": None}

    def failure(self, error: ApiError) -> str:
        """The last event of a stream that breaks."""
        return sse_event(error.body("/v1/messages"), "error")

    async def whole(self) -> dict[str, Any]:
        """The whole message."""
        [choice] = await self.reply.whole()
        blocks: list[dict[str, Any]] = []
        if choice.thinking:
            blocks.append({"type": "thinking", "thinking": choice.thinking, "signature": ""})
        if choice.text or not (choice.thinking or choice.calls):
            blocks.append(text_block(choice.text, choice.science))
        blocks += [tool_use_block(call.id, call.call.name, call.call.arguments) for call in choice.calls]
        self.called = bool(choice.calls)
        return self.message(blocks, self.reply.ends[0])

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events from message_start to message_stop."""
        async with aclosing(self.reply.events()) as events:
            started = False
            async for event in events:
                if not started:
                    started = True
                    yield write_event("message_start", {"message": self.message([], None)})
                if isinstance(event, CallDelta) and not event.text:
                    self.called = True
                    for written in self._open("tool_use", tool_use_block(event.id, event.name, {})):
                        yield written
                elif isinstance(event, CallDelta):
                    yield self._delta({"type": "input_json_delta", "partial_json": event.text})
                elif isinstance(event, TextDelta):
                    kind = "thinking" if event.thinking else "text"
                    if kind != self._kind:
                        thoughts = {"type": kind, "thinking": "", "signature": ""}
                        for written in self._open(kind, thoughts if event.thinking else text_block("", event.science)):
                            yield written
                    yield self._delta({"type": f"{kind}_delta", kind: event.text})
        if not self._kind:  # an answer without text is an answer
            for written in self._open("text", text_block("")):
                yield written
        for written in self._close():
            yield written
        done = self.reply.ends[0]
        yield write_event("message_delta", {"delta": self._stop_fields(done), "usage": self._usage(done)})
        yield write_event("message_stop", {})

    def _open(self, kind: str, block: dict[str, Any]) -> list[str]:
        """Events that end the open block and begin another."""
        closing = self._close()
        self._index, self._kind = self._index + 1, kind
        return [*closing, write_event("content_block_start", {"index": self._index, "content_block": block})]

    def _delta(self, delta: dict[str, Any]) -> str:
        return write_event("content_block_delta", {"index": self._index, "delta": delta})

    def _close(self) -> list[str]:
        if not self._kind:
            return []
        stop = write_event("content_block_stop", {"index": self._index})
        signature = self._delta({"type": "signature_delta", "signature": ""})
        return [signature, stop] if self._kind == "thinking" else [stop]


def write_event(name: str, data: dict[str, Any]) -> str:
    """A server-sent event of this type."""
    return sse_event({"type": name, **data}, name)


def text_block(text: str, science: dict[str, Any] | None = None) -> dict[str, Any]:
    """Text as a block of content, and what it rests on where it was computed."""
    return {"type": "text", "text": text} | ({"science": science} if science else {})


def tool_use_block(id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A call of a tool as a block of content."""
    return {"type": "tool_use", "id": id.replace("call_", "toolu_"), "name": name, "input": arguments}
