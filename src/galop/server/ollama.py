"""Ollama's API: conversations, continuations and embeddings. What it has about models is in `ollama_models`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from galop.backends.local import Done, Text
from galop.chat.response_format import ResponseFormat
from galop.server import ollama_models
from galop.server.errors import ApiError
from galop.server.loaded import Resident
from galop.server.ollama_models import timestamp
from galop.server.ollama_requests import (
    Answered,
    ChatRequest,
    Common,
    EmbeddingsRequest,
    EmbedRequest,
    GenerateRequest,
)
from galop.server.replies import (
    CallPiece,
    ChatMessage,
    Messages,
    Piece,
    Reply,
    Server,
    begun,
    check_ids,
    compact,
    form_of,
    logprobs_of,
    turn_of,
)
from galop.server.vectors import read_all, shaped, with_end
from galop.server.wire import LINES, EventStream, StrictRoute, whole

NANO = 1_000_000_000


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/api", route_class=StrictRoute, tags=["Ollama"])
    router.include_router(ollama_models.routes(server))

    async def touch(request: Request, body: Answered, field: str) -> Response:
        """An empty request loads a model; with keep_alive 0 it unloads it."""
        if body.keep_alive == 0:
            name, reason = await unloaded(server, request, body.model), "unload"
        else:
            resident, held = await server.open(request.state.key, body.model)
            try:
                keep(resident, body)
                thinks(resident, body)
            finally:
                await held.aclose()
            name, reason = resident.name, "load"
        return JSONResponse({**head(name), **empty(field), "done": True, "done_reason": reason})

    async def answer(reply: Reply, body: Answered, field: str, form: ResponseFormat | None, start: float) -> Response:
        loaded = time.monotonic() - start
        try:
            keep(reply.resident, body)
            thinks(reply.resident, body)
        except ApiError:
            await reply.held.aclose()
            raise
        how = body.how
        await begun(
            reply,
            lambda: {
                "sampling": how.sampling(reply.model, reply.thinking), "max_tokens": how.limit, "stop": how.stops,
                "logprobs": (body.top_logprobs or 0) if body.logprobs else None,
            },
            form,
        )  # fmt: skip
        writer = LineWriter(reply, field, start, loaded)
        if body.stream is not False:
            return EventStream(writer.stream(), writer.failure, "application/x-ndjson", ping="")
        return whole(writer.whole())

    @router.post("/chat", response_model=None, responses=LINES)
    async def chat(request: Request, body: ChatRequest) -> Response:
        """Answers a conversation, in lines of JSON unless told otherwise."""
        start = time.monotonic()
        body.refuse()
        if not body.messages:
            return await touch(request, body, "message")
        form = form_of(body.format, "format")
        said, tools = body.messages, body.tool_use()
        turn = turn_of(said)
        reply = await server.chat(request.state.key, body.model, said, body.thoughts(), tools=tools, turn=turn)
        return await answer(reply, body, "message", form, start)

    @router.post("/generate", response_model=None, responses=LINES)
    async def generate(request: Request, body: GenerateRequest) -> Response:
        """Answers a prompt, continues it as it is when `raw`, or writes what belongs between it and a `suffix`."""
        start = time.monotonic()
        body.refuse()
        if not body.prompt and not body.suffix:
            return await touch(request, body, "response")
        form = form_of(body.format, "format")
        if body.raw or body.suffix:
            reply = await server.text(request.state.key, body.model, body.prompt or "", body.suffix or None)
            return await answer(reply, body, "response", form, start)
        said: Messages = [ChatMessage(role="system", content=body.system)] if body.system else []
        said.append(ChatMessage(role="user", content=body.prompt or ""))
        reply = await server.chat(request.state.key, body.model, said, body.thoughts())
        if body.context:
            try:
                check_ids(reply.model, body.context, "context")
            except ApiError:
                await reply.held.aclose()
                raise
            reply.prompts = [[*body.context, *reply.prompt]]
        return await answer(reply, body, "response", form, start)

    async def embedded(request: Request, body: Common, texts: list[str], cut_off: bool = True) -> dict[str, Any]:
        """A vector for each text, by `embed`'s names. With `cut_off` a text that is too long loses its end."""
        start, key = time.monotonic(), request.state.key
        resident, held = await server.open(key, body.model)
        loaded = time.monotonic()
        async with held:
            keep(resident, body)
            model = resident.model
            ids = [await asyncio.to_thread(with_end, model, text, True) for text in texts]
            if cut_off:
                ids = [i if len(i) < model.context else [*i[: model.context - 2], i[-1]] for i in ids]
            count = sum(map(len, ids))
            with server.metered(key, count):
                vectors = await read_all(model, ids, key.hash, lambda _, hidden: hidden.copy())
        return {
            "model": resident.name,
            "embeddings": vectors,
            "total_duration": nanoseconds(time.monotonic() - start),
            "load_duration": nanoseconds(loaded - start),
            "prompt_eval_count": count,
        }

    @router.post("/embed", response_model=None)
    async def embed(request: Request, body: EmbedRequest) -> Response:
        """A vector of length 1 for each text."""

        async def answered() -> dict[str, Any]:
            texts = [body.input] if isinstance(body.input, str) and body.input else body.input or []
            answer = await embedded(request, body, list(texts), body.truncate is not False)
            width = body.dimensions if body.dimensions and body.dimensions > 0 else None
            made = await asyncio.to_thread(lambda: [shaped(vector[:width], None) for vector in answer["embeddings"]])
            return {**answer, "embeddings": made}

        return whole(answered())

    @router.post("/embeddings", response_model=None)
    async def embeddings(request: Request, body: EmbeddingsRequest) -> Response:
        """The vector of one text, as `embed` was called once."""

        async def answered() -> dict[str, Any]:
            vectors = (await embedded(request, body, [body.prompt] if body.prompt else []))["embeddings"]
            return {"embedding": shaped(vectors[0], None) if vectors else []}

        return whole(answered())

    return router


def keep(resident: Resident, body: Common) -> None:
    if body.keep_alive is not None:
        resident.keep_alive = body.keep_alive


def thinks(resident: Resident, body: Answered) -> None:
    """Raises ApiError, in Ollama's words, where thinking is asked of a model that knows none."""
    if body.think and resident.model.thinking_support is None:
        raise ApiError(400, "invalid_value", f'"{resident.name}" does not support thinking', "think")


async def unloaded(server: Server, request: Request, model: str | None) -> str:
    """Unloads a model, at once or when those who use it have done; its name. Raises ApiError."""
    name = server.models.find(model, request.state.key).name
    if resident := server.models.residents.get(name):
        resident.keep_alive = 0
        await server.models.unload(resident)
    return name


def nanoseconds(seconds: float) -> int:
    return int(seconds * NANO)


def head(name: str) -> dict[str, Any]:
    return {"model": name, "created_at": timestamp(datetime.now(UTC))}


def empty(field: str, text: str = "", thought: str = "", calls: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    said: dict[str, Any] = {"thinking": thought} if thought else {}
    if calls:
        said["tool_calls"] = list(calls)
    if field == "message":
        return {"message": {"role": "assistant", "content": text, **said}}
    return {"response": text, **said}


class LineWriter:
    """An answer in Ollama's shapes, streamed or whole.

    `start` is when the request came, `loaded` how many seconds its model and prompt took.
    """

    def __init__(self, reply: Reply, field: str, start: float, loaded: float) -> None:
        self.reply = reply
        self.field = field
        self.start = start
        self.loaded = loaded
        self.called = 0

    def failure(self, error: ApiError) -> str:
        return compact({"error": error.message}) + "\n"

    def call(self, piece: CallPiece) -> dict[str, Any]:
        index, self.called = self.called, self.called + 1
        return {
            "id": piece.id,
            "function": {"index": index, "name": piece.call.name, "arguments": piece.call.arguments},
        }

    def logprobs(self, events: Sequence[Text]) -> dict[str, Any]:
        entries = [p for event in events for p in logprobs_of(self.reply.model, event)]
        for entry in entries:
            if not entry["top_logprobs"]:
                del entry["top_logprobs"]
        return {"logprobs": entries} if entries else {}

    def last(self) -> dict[str, Any]:
        done: Done = self.reply.ends[0]
        context = {}
        if self.field == "response" and self.reply.thinking:
            context = {"context": self.reply.answers[0].sequence.tokens}
        return {
            "done": True,
            "done_reason": "length" if done.reason == "length" else "stop",
            **context,
            "total_duration": nanoseconds(time.monotonic() - self.start),
            "load_duration": nanoseconds(self.loaded),
            "prompt_eval_count": done.prompt_tokens,
            "prompt_eval_duration": nanoseconds(done.prompt_seconds),
            "eval_count": done.answer_tokens,
            "eval_duration": nanoseconds(done.answer_seconds),
        }

    async def stream(self) -> AsyncIterator[str]:
        name = self.reply.resident.name
        async with aclosing(self.reply.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, CallPiece):
                    said = empty(self.field, calls=[self.call(piece)])
                elif isinstance(piece, Piece):
                    text, thought = ("", piece.text) if piece.thinking else (piece.text, "")
                    said = {**empty(self.field, text, thought), **self.logprobs([piece.event])}
                else:
                    continue
                yield compact({**head(name), **said, "done": False}) + "\n"
        yield compact({**head(name), **empty(self.field), **self.last()}) + "\n"

    async def whole(self) -> dict[str, Any]:
        [said] = await self.reply.whole()
        answer = empty(self.field, said.text, said.thought, [self.call(c) for c in said.calls])
        return {**head(self.reply.resident.name), **answer, **self.last(), **self.logprobs(said.events)}
