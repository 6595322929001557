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

from galop.backends.events import Text
from galop.chat.response_format import ResponseFormat
from galop.server.dialects import ollama_models
from galop.server.dialects.ollama_models import timestamp
from galop.server.dialects.ollama_requests import (
    OllamaAnswerRequest,
    OllamaChatRequest,
    OllamaEmbeddingsRequest,
    OllamaEmbedRequest,
    OllamaGenerateRequest,
    OllamaRequest,
    image_parts,
)
from galop.server.errors import ApiError
from galop.server.model_pool import Resident
from galop.server.pooling import embed_prompts, encode_text, unit_vector
from galop.server.reply import Reply, ReplyOptions
from galop.server.reply_events import CompleteToolCall, TextDelta
from galop.server.request.messages import ChatMessage, ContentPart, Messages, resolve_turn
from galop.server.request.prompts import check_ids
from galop.server.request.response_format import parse_response_format
from galop.server.service import Service, split_name
from galop.server.transport.json_body import StrictRoute, compact_json
from galop.server.transport.streaming import JSON_LINES, json_response, respond
from galop.server.usage import token_logprobs

NANO = 1_000_000_000


def routes(service: Service) -> APIRouter:
    """`/api/...`, with what `ollama_models` has."""
    router = APIRouter(prefix="/api", route_class=StrictRoute, tags=["Ollama"])
    router.include_router(ollama_models.routes(service))

    async def load_or_unload(request: Request, body: OllamaAnswerRequest, field: str) -> Response:
        """An empty request loads a model; with keep_alive 0 it unloads it."""
        if body.keep_alive == 0:
            name, reason = await unload(service, request, body.model), "unload"
        else:
            resident, lease = await service.open(request.state.key, split_name(body.model)[0])
            try:
                set_keep_alive(resident, body)
                check_thinking(resident, body)
            finally:
                await lease.aclose()
            name, reason = resident.name, "load"
        return JSONResponse({**line_head(name), **content_fields(field), "done": True, "done_reason": reason})

    async def answer(
        reply: Reply, body: OllamaAnswerRequest, field: str, form: ResponseFormat | None, start: float
    ) -> Response:
        loaded = time.monotonic() - start
        try:
            set_keep_alive(reply.resident, body)
            check_thinking(reply.resident, body)
        except ApiError:
            await reply.lease.aclose()
            raise
        options = body.sampling_options
        await reply.start(
            lambda: ReplyOptions(
                sampling=options.sampling(reply.model, reply.thinking),
                max_tokens=options.limit,
                stop=options.stops,
                logprobs=(body.top_logprobs or 0) if body.logprobs else None,
            ),
            form,
        )
        writer = LineWriter(reply, field, start, loaded)
        return respond(writer, body.stream is not False, "application/x-ndjson", ping="")

    @router.post("/chat", response_model=None, responses=JSON_LINES)
    async def chat(request: Request, body: OllamaChatRequest) -> Response:
        """Answers a conversation, in lines of JSON unless told otherwise."""
        start = time.monotonic()
        body.refuse()
        if not body.messages:
            return await load_or_unload(request, body, "message")
        form = parse_response_format(body.format, "format")
        messages, tools = body.messages, body.tool_selection()
        turn = resolve_turn(messages)
        reply = await service.chat(
            request.state.key, body.model, messages, body.thinking_settings(), tools=tools, turn=turn
        )
        return await answer(reply, body, "message", form, start)

    @router.post("/generate", response_model=None, responses=JSON_LINES)
    async def generate(request: Request, body: OllamaGenerateRequest) -> Response:
        """Answers a prompt, continues it as it is when `raw`, or writes what belongs between it and a `suffix`."""
        start = time.monotonic()
        body.refuse()
        if not body.prompt and not body.suffix and not body.images:
            return await load_or_unload(request, body, "response")
        form = parse_response_format(body.format, "format")
        if body.raw or body.suffix:
            reply = await service.complete(request.state.key, body.model, body.prompt or "", body.suffix or None)
            return await answer(reply, body, "response", form, start)
        messages: Messages = [ChatMessage(role="system", content=body.system)] if body.system else []
        said = ContentPart(type="text", text=body.prompt or "")
        messages.append(ChatMessage(role="user", content=[*image_parts(body.images), said]))
        reply = await service.chat(request.state.key, body.model, messages, body.thinking_settings())
        if body.context:
            try:
                check_ids(reply.model, body.context, "context")
            except ApiError:
                await reply.lease.aclose()
                raise
            reply.go_on_from(body.context)
        return await answer(reply, body, "response", form, start)

    async def embed_texts(
        request: Request, body: OllamaRequest, texts: list[str], cut_off: bool = True
    ) -> dict[str, Any]:
        """A vector for each text, by `embed`'s names. With `cut_off` a text that is too long loses its end."""
        start, key = time.monotonic(), request.state.key
        resident, lease = await service.open(key, body.model)
        loaded = time.monotonic()
        async with lease:
            set_keep_alive(resident, body)
            model = resident.model
            ids = [await asyncio.to_thread(encode_text, model, text, True) for text in texts]
            if cut_off:
                ids = [i if len(i) < model.context else [*i[: model.context - 2], i[-1]] for i in ids]
            count = sum(map(len, ids))
            with service.limiter.charge_for(key, count):
                vectors = await embed_prompts(model, ids, key.hash)
        return {
            "model": resident.name,
            "embeddings": vectors,
            "total_duration": nanoseconds(time.monotonic() - start),
            "load_duration": nanoseconds(loaded - start),
            "prompt_eval_count": count,
        }

    @router.post("/embed", response_model=None)
    async def embed(request: Request, body: OllamaEmbedRequest) -> Response:
        """A vector of length 1 for each text."""
        body.refuse_pictures()

        async def answer_embed() -> dict[str, Any]:
            texts = [body.input] if isinstance(body.input, str) and body.input else body.input or []
            answer = await embed_texts(request, body, list(texts), body.truncate is not False)
            width = body.dimensions if body.dimensions and body.dimensions > 0 else None
            made = await asyncio.to_thread(
                lambda: [unit_vector(vector[:width], None) for vector in answer["embeddings"]]
            )
            return {**answer, "embeddings": made}

        return json_response(answer_embed())

    @router.post("/embeddings", response_model=None)
    async def embeddings(request: Request, body: OllamaEmbeddingsRequest) -> Response:
        """The vector of one text, as `embed` was called once."""
        body.refuse_pictures()

        async def answer_embeddings() -> dict[str, Any]:
            vectors = (await embed_texts(request, body, [body.prompt] if body.prompt else []))["embeddings"]
            return {"embedding": unit_vector(vectors[0], None) if vectors else []}

        return json_response(answer_embeddings())

    return router


def set_keep_alive(resident: Resident, body: OllamaRequest) -> None:
    """Keeps a model in memory for as long as a request asks."""
    if body.keep_alive is not None:
        resident.keep_alive = body.keep_alive


def check_thinking(resident: Resident, body: OllamaAnswerRequest) -> None:
    """Raises ApiError (400), in Ollama's words, where thinking is asked of a model that knows none."""
    if body.think and resident.model.capabilities.thinking is None:
        raise ApiError(400, "invalid_value", f'"{resident.name}" does not support thinking', "think")


async def unload(service: Service, request: Request, model: str | None) -> str:
    """Unloads a model, at once or when those who use it have done; returns its name. Raises ApiError (404)."""
    name = service.models.find(split_name(model)[0], request.state.key).name
    if resident := service.models.residents.get(name):
        resident.keep_alive = 0
        await service.models.unload(resident)
    return name


def nanoseconds(seconds: float) -> int:
    """As Ollama counts time."""
    return int(seconds * NANO)


def line_head(name: str) -> dict[str, Any]:
    """What every line begins with."""
    return {"model": name, "created_at": timestamp(datetime.now(UTC))}


def content_fields(
    field: str,
    text: str = "",
    thinking: str = "",
    calls: Sequence[dict[str, Any]] = (),
    science: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What was said: as a `message`, or as a `response` with the rest beside it."""
    more: dict[str, Any] = {"thinking": thinking} if thinking else {}
    if science:
        more["science"] = science
    if calls:
        more["tool_calls"] = list(calls)
    if field == "message":
        return {"message": {"role": "assistant", "content": text, **more}}
    return {"response": text, **more}


class LineWriter:
    """A reply in Ollama's shapes, as lines of JSON or whole.

    `start` is when the request came, `loaded` how many seconds its model and prompt took.
    """

    def __init__(self, reply: Reply, field: str, start: float, loaded: float) -> None:
        self.reply = reply
        self.field = field
        self.start = start
        self.loaded = loaded
        self._calls = 0  # so far

    def failure(self, error: ApiError) -> str:
        """The last line of a stream that breaks."""
        return compact_json({"error": error.message}) + "\n"

    async def stream(self) -> AsyncIterator[str]:
        """A line for each piece of the reply, and one with what it took."""
        name = self.reply.name
        async with aclosing(self.reply.events()) as events:
            async for event in events:
                if isinstance(event, CompleteToolCall):
                    content = content_fields(self.field, calls=[self._call(event)])
                elif isinstance(event, TextDelta):
                    text, thinking = ("", event.text) if event.thinking else (event.text, "")
                    written = content_fields(self.field, text, thinking, science=event.science)
                    content = {**written, **self._logprobs([event.event])}
                else:
                    continue
                yield compact_json({**line_head(name), **content, "done": False}) + "\n"
        yield compact_json({**line_head(name), **content_fields(self.field), **self._final_fields()}) + "\n"

    async def whole(self) -> dict[str, Any]:
        """The whole reply."""
        [choice] = await self.reply.whole()
        calls = [self._call(call) for call in choice.calls]
        content = content_fields(self.field, choice.text, choice.thinking, calls, choice.science)
        return {
            **line_head(self.reply.name),
            **content,
            **self._final_fields(),
            **self._logprobs(choice.events),
        }

    def _call(self, call: CompleteToolCall) -> dict[str, Any]:
        index, self._calls = self._calls, self._calls + 1
        return {"id": call.id, "function": {"index": index, "name": call.call.name, "arguments": call.call.arguments}}

    def _logprobs(self, events: Sequence[Text]) -> dict[str, Any]:
        entries = [p for event in events for p in token_logprobs(self.reply.model, event)]
        for entry in entries:
            if not entry["top_logprobs"]:
                del entry["top_logprobs"]
        return {"logprobs": entries} if entries else {}

    def _final_fields(self) -> dict[str, Any]:
        done = self.reply.ends[0]
        context = {}
        shows = any(id < 0 for prompt in self.reply.prompts for id in prompt)  # a picture, which cannot come back
        if self.field == "response" and self.reply.thinking and not shows:
            context = {"context": self.reply.token_ids}
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
