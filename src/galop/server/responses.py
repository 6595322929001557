"""OpenAI's Responses, without state: every request brings the whole conversation."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from galop.chat.thinking import Thinking
from galop.server.errors import ApiError
from galop.server.replies import (
    MAX_TOOLS,
    CallDelta,
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
    ToolCall,
    ToolName,
    ToolUse,
    begun,
    form_of,
    new_id,
)
from galop.server.wire import EVENTS, EventStream, StrictRoute, event, whole

Events = AsyncGenerator[tuple[str, dict[str, Any]]]


class Reasoning(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None


class FlatTool(Function):
    """Here a tool's function is not in an object of its own."""

    type: Literal["function"]


class Chosen(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function"]
    name: ToolName


class CallItem(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function_call"]
    call_id: str | None = None
    name: ToolName
    arguments: str = ""


class ResultItem(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function_call_output"]
    call_id: str | None = None
    output: str


class ThoughtItem(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["reasoning"]


Item = ChatMessage | CallItem | ResultItem | ThoughtItem


class ResponsesRequest(Drawing):
    input: str | Annotated[list[Item], Field(min_length=1, max_length=4096)]
    tools: Annotated[list[FlatTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required"] | Chosen | None = None
    parallel_tool_calls: bool | None = None
    instructions: str | None = None
    max_output_tokens: Count | None = None
    reasoning: Reasoning | None = None
    stream: bool | None = None
    text: dict[str, Any] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None

    def messages(self) -> list[ChatMessage]:
        said = [ChatMessage(role="system", content=self.instructions)] if self.instructions else []
        if isinstance(self.input, str):
            return [*said, ChatMessage(role="user", content=self.input)]
        for item in self.input:
            if isinstance(item, ChatMessage):
                said.append(item)
            elif isinstance(item, ResultItem):
                said.append(ChatMessage(role="tool", content=item.output, tool_call_id=item.call_id))
            elif isinstance(item, CallItem):
                call = ToolCall(id=item.call_id, function=Called(name=item.name, arguments=item.arguments))
                if said and said[-1].tool_calls:
                    said[-1].tool_calls.append(call)
                else:
                    said.append(ChatMessage(role="assistant", tool_calls=[call]))
        return said

    def tool_use(self) -> ToolUse:
        choice = self.tool_choice.name if isinstance(self.tool_choice, Chosen) else self.tool_choice or "auto"
        return ToolUse.asked(self.tools, choice, self.parallel_tool_calls)


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])

    @router.post("/responses", response_model=None, responses=EVENTS)
    async def responses(request: Request, body: ResponsesRequest) -> Response:
        """Answers a conversation; nothing is stored."""
        body.refuse("previous_response_id", "conversation", "background")
        form = form_of((body.text or {}).get("format"), "text.format")
        effort = body.reasoning.effort if body.reasoning else None
        thinking = Thinking.asked(None, effort, None)
        reply = await server.chat(request.state.key, body.model, body.messages(), thinking, tools=body.tool_use())
        limit = body.max_output_tokens
        await begun(reply, lambda: {"sampling": body.sampling(reply.model, thinking), "max_tokens": limit}, form)
        writer = ResponseWriter(reply, body)
        if body.stream:
            return EventStream(writer.stream(), writer.failure)
        return whole(writer.whole())

    return router


class ResponseWriter:
    def __init__(self, reply: Reply, body: ResponsesRequest) -> None:
        self.reply = reply
        self.output: list[dict[str, Any]] = []
        self._sequence = count()
        self.head = {
            "id": new_id("resp_"), "object": "response", "created_at": int(time.time()), "model": reply.resident.name,
            "instructions": body.instructions, "metadata": body.metadata or {},
            "tools": [tool.model_dump(exclude_none=True) for tool in body.tools or []],
            "tool_choice": (
                {"type": "function", "name": body.tool_choice.name} if isinstance(body.tool_choice, Chosen)
                else body.tool_choice or "auto"
            ),
            "parallel_tool_calls": body.parallel_tool_calls is not False, "temperature": body.temperature,
            "top_p": body.top_p, "max_output_tokens": body.max_output_tokens, "previous_response_id": None,
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
        self.output = [i for i in self.output if i["type"] != "function_call" or i["status"] == "completed"]
        return self.response()

    async def stream(self) -> AsyncIterator[str]:
        async with aclosing(self.events()) as events:
            async for name, data in events:
                yield event({"type": name, **data, "sequence_number": next(self._sequence)}, name)

    async def events(self) -> Events:
        yield "response.created", {"response": self.response()}
        yield "response.in_progress", {"response": self.response()}
        item: dict[str, Any] | None = None
        call: dict[str, Any] = {}
        async with aclosing(self.reply.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, CallDelta) and not piece.text:
                    if item:
                        for closing in self._close(item):
                            yield closing
                    item = None
                    call = {"id": new_id("fc_"), "type": "function_call", "status": "in_progress", "call_id": piece.id}
                    call |= {"name": piece.name, "arguments": ""}
                    self.output.append(call)
                    yield "response.output_item.added", {"output_index": len(self.output) - 1, "item": {**call}}
                elif isinstance(piece, CallDelta):
                    call["arguments"] += piece.text
                    where = {"item_id": call["id"], "output_index": len(self.output) - 1}
                    yield "response.function_call_arguments.delta", {**where, "delta": piece.text}
                elif isinstance(piece, CallPiece):
                    for closing in self._called(call):
                        yield closing
                    call = {}
                if not isinstance(piece, Piece):
                    continue
                kind = "reasoning" if piece.thinking else "message"
                if item is None or item["type"] != kind:
                    if item:
                        for closing in self._close(item):
                            yield closing
                    item = self._open(kind)
                    opened = {**item, "content": []}
                    yield "response.output_item.added", {"output_index": len(self.output) - 1, "item": opened}
                    if not piece.thinking:
                        yield "response.content_part.added", {**self._where(item), "part": {**item["content"][0]}}
                item["content"][0]["text"] += piece.text
                name = "response.reasoning_text.delta" if piece.thinking else "response.output_text.delta"
                more: dict[str, Any] = {} if piece.thinking else {"logprobs": []}
                yield name, {**self._where(item), "delta": piece.text, **more}
        for closing in self._called(call, "incomplete") if call else []:
            yield closing
        if not self.output or (item and item["type"] == "reasoning"):
            if item:
                for closing in self._close(item):
                    yield closing
            item = self._open("message")  # an answer without text is an answer
            yield "response.output_item.added", {"output_index": len(self.output) - 1, "item": {**item, "content": []}}
            yield "response.content_part.added", {**self._where(item), "part": {**item["content"][0]}}
        for closing in self._close(item) if item else []:
            yield closing
        response = self.response()
        yield f"response.{response['status']}", {"response": response}

    def _open(self, kind: str) -> dict[str, Any]:
        item: dict[str, Any] = {"id": new_id("rs_" if kind == "reasoning" else "msg_"), "type": kind}
        if kind == "reasoning":
            item |= {"summary": [], "content": [{"type": "reasoning_text", "text": ""}], "status": "in_progress"}
        else:
            text = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            item |= {"role": "assistant", "content": [text], "status": "in_progress"}
        self.output.append(item)
        return item

    def _called(self, item: dict[str, Any], status: str = "completed") -> list[tuple[str, dict[str, Any]]]:
        """The end of a tool call."""
        item["status"] = status
        where = {"item_id": item["id"], "output_index": len(self.output) - 1}
        told = {**where, "name": item["name"], "arguments": item["arguments"]}
        finished = ("response.output_item.done", {"output_index": where["output_index"], "item": item})
        return [("response.function_call_arguments.done", told), finished]

    def _where(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"item_id": item["id"], "output_index": len(self.output) - 1, "content_index": 0}

    def _close(self, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        done = self.reply.ends.get(0)
        item["status"] = "incomplete" if done and done.reason == "length" else "completed"
        where, text = self._where(item), item["content"][0]["text"]
        finished = "response.output_item.done", {"output_index": where["output_index"], "item": item}
        if item["type"] == "reasoning":
            return [("response.reasoning_text.done", {**where, "text": text}), finished]
        return [
            ("response.output_text.done", {**where, "text": text, "logprobs": []}),
            ("response.content_part.done", {**where, "part": item["content"][0]}),
            finished,
        ]
