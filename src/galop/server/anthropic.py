"""Anthropic's Messages and count_tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from galop.chat.thinking import Thinking
from galop.model import Done
from galop.server.errors import ApiError
from galop.server.replies import (
    MAX_TOOLS,
    Called,
    CallPiece,
    ChatMessage,
    Count,
    Drawing,
    Effort,
    Function,
    Piece,
    Reply,
    Server,
    StopString,
    ToolCall,
    ToolName,
    ToolUse,
    begun,
    form_of,
    new_id,
)
from galop.server.wire import EVENTS, EventStream, StrictRoute, event, whole


class Block(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: ToolName | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | None = None


class AnthropicTool(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["custom"] = "custom"  # the others are run by Anthropic
    name: ToolName
    description: str | None = None
    input_schema: dict[str, Any] | None = None


class ToolChoice(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Turn(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    role: Literal["user", "assistant"]
    content: str | list[Block]


class Switch(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Field(ge=1024)] | None = None


class OutputConfig(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    format: dict[str, Any] | None = None


class CountRequest(Drawing):
    messages: Annotated[list[Turn], Field(min_length=1, max_length=4096)]
    system: str | list[Block] | None = None
    thinking: Switch | None = None
    output_config: OutputConfig | None = None
    tools: Annotated[list[AnthropicTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None

    def tool_use(self) -> ToolUse:
        given = self.tools or []
        functions = [Function(name=t.name, description=t.description, parameters=t.input_schema) for t in given]
        choice = self.tool_choice or ToolChoice(type="auto")
        kind = {"any": "required", "tool": choice.name or ""}.get(choice.type, choice.type)
        return ToolUse.asked(functions, kind, not choice.disable_parallel_tool_use)

    def conversation(self) -> list[ChatMessage]:
        said = [ChatMessage(role="system", content=text_of(self.system))] if self.system else []
        for turn in self.messages:
            blocks = turn.content if isinstance(turn.content, list) else []
            thought = "".join(b.thinking or "" for b in blocks if b.type == "thinking")
            content = text_of(turn.content)
            if any(b.type == "tool_use" and b.name is None for b in blocks):
                raise ApiError(400, "invalid_value", "a tool_use block has no name", "messages")
            called = [
                ToolCall(id=b.id, function=Called(name=b.name or "", arguments=b.input or {}))
                for b in blocks if b.type == "tool_use"
            ]  # fmt: skip
            results = [b for b in blocks if b.type == "tool_result"]
            for b in results:
                said.append(ChatMessage(role="tool", content=text_of(b.content), tool_call_id=b.tool_use_id))
            if content or not results:
                message = ChatMessage(role=turn.role, content=content, reasoning_content=thought or None)
                message.tool_calls = called or None
                said.append(message)
        return said

    def thoughts(self) -> Thinking:
        asked, effort = self.thinking, self.output_config.effort if self.output_config else None
        on = asked.type != "disabled" if asked else None
        return Thinking.asked(on, effort, asked.budget_tokens if asked else None)


class MessagesRequest(CountRequest):
    max_tokens: Count
    stop_sequences: Annotated[list[StopString], Field(max_length=4)] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None


def text_of(content: str | list[Block] | None) -> str:
    """Raises ApiError for what is not text."""
    if not isinstance(content, list):
        return content or ""
    for block in content:
        if block.type not in ("text", "thinking", "redacted_thinking", "tool_use", "tool_result"):
            raise ApiError(400, "media_not_allowed", f"a block of type {block.type[:40]!r} cannot be read", "messages")
    return "".join(b.text or "" for b in content if b.type == "text")


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/v1/messages", route_class=StrictRoute, tags=["Anthropic"])

    @router.post("", response_model=None, responses=EVENTS)
    async def messages(request: Request, body: MessagesRequest) -> Response:
        """Answers a conversation."""
        body.refuse()
        conversation, tools = body.conversation(), body.tool_use()
        form = form_of(body.output_config.format if body.output_config else None, "output_config.format")
        reply = await server.chat(request.state.key, body.model, conversation, body.thoughts(), tools=tools)
        options = {"max_tokens": body.max_tokens, "stop": body.stop_sequences or []}
        await begun(reply, lambda: {"sampling": body.sampling(reply.model, reply.thinking), **options}, form)
        writer = MessageWriter(reply)
        if body.stream:
            return EventStream(writer.stream(), writer.failure, ping=event({"type": "ping"}, "ping"))
        return whole(writer.whole())

    @router.post("/count_tokens", response_model=None)
    async def count_tokens(request: Request, body: CountRequest) -> Response:
        """How many tokens a conversation is."""
        said, tools = body.conversation(), body.tool_use()
        reply = await server.chat(request.state.key, body.model, said, body.thoughts(), tools=tools)
        await asyncio.shield(reply.held.aclose())
        return JSONResponse({"input_tokens": len(reply.prompt)})

    return router


def tool_block(piece: CallPiece) -> dict[str, Any]:
    return {"type": "tool_use", "id": piece.id.replace("call_", "toolu_"), "name": piece.call.name}


class MessageWriter:
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
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
            },
        }

    def stopped(self, done: Done | None) -> dict[str, Any]:
        if done is None:
            return {"stop_reason": None, "stop_sequence": None}
        if done.stop:
            return {"stop_reason": "stop_sequence", "stop_sequence": done.stop}
        reason = "max_tokens" if done.reason == "length" else "tool_use" if self.called else "end_turn"
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
        blocks += [{**tool_block(call), "input": call.call.arguments} for call in said.calls]
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
                if isinstance(piece, CallPiece):
                    for closing in self._close(index, kind):
                        yield closing
                    self.called, index, kind = True, index + 1, "tool_use"
                    yield say("content_block_start", index=index, content_block={**tool_block(piece), "input": {}})
                    arguments = {"type": "input_json_delta", "partial_json": piece.function["arguments"]}
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
