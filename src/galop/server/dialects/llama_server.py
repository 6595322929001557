"""llama-server's own dialect: /completion, /infill with which editors have the middle of a file written, and /props."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from galop.backends.events import Done
from galop.backends.protocol import TokenBackend
from galop.chat.renderer import capabilities_of
from galop.engine.sampling import Sampling
from galop.server.dialects.ollama_models import settings
from galop.server.errors import ApiError
from galop.server.model_pool import ModelPool
from galop.server.reply import Reply, ReplyOptions
from galop.server.reply_events import ChoiceEnd, TextDelta
from galop.server.request.extensions import ExtensionFields
from galop.server.request.fields import MAX_ANSWERS, SamplingFields, StopString, TokenLimit, first_limit, stop_list
from galop.server.request.prompts import encode_prompt, require_fim
from galop.server.request.response_format import parse_response_format
from galop.server.service import Service, split_name
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import EVENT_STREAM, respond, sse_event
from galop.server.usage import llama_timings, token_logprobs
from galop.store import Source
from galop.store.model_info import find_info
from galop.version import __version__

WINDOW = (
    2048  # tokens of a file around the place, three quarters of them before it; the rest of the context is for others
)
LONGEST = 32  # characters, more than tokens of code have on an average
ANSWER = 256  # tokens kept for an answer whose length is not limited
# The samplers that can be switched off by leaving them out, and what that comes to.
OFF: dict[str, dict[str, Any]] = {
    "top_k": {"top_k": 0}, "top_p": {"top_p": 1.0}, "min_p": {"min_p": 0.0}, "temperature": {"temperature": 1.0},
    "penalties": {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0},
}  # fmt: skip
PATHS = {
    f"/{name}": f"/v1/{name}" for name in ("chat/completions", "embeddings", "models", "rerank", "responses")
} | {"/reranking": "/v1/rerank", "/v1/reranking": "/v1/rerank"}  # fmt: skip
Sampler = Literal[
    "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "typical_p", "top_p", "min_p", "xtc", "temperature", "infill"
]


class LlamaFields(SamplingFields, ExtensionFields):
    """What both have in common."""

    stream: bool | None = None
    n_predict: TokenLimit | None = Field(None, description="-1 for as many as there is room for.")
    max_tokens: TokenLimit | None = None
    stop: StopString | Annotated[list[StopString], Field(max_length=64)] | None = None
    n_probs: Annotated[int, Field(ge=0, le=20)] | None = None
    return_tokens: bool | None = None
    response_fields: Annotated[list[str], Field(max_length=64)] | None = None
    samplers: Annotated[list[Sampler], Field(max_length=16)] | None = Field(
        None, description="Those that take part; infill draws the most likely."
    )
    t_max_predict_ms: int | None = Field(None, description="After which an answer ends that has a line break.")
    t_max_prompt_ms: int | None = None  # llama-server does not look at it either
    n_indent: Annotated[int, Field(ge=0, le=1024)] | None = Field(None, description="A line indented less ends it.")

    def resolve_sampling(self, model: TokenBackend) -> Sampling:
        """The sampling settings of a reply, without the samplers that were left out."""
        sampling = self.sampling(model)
        if self.samplers is None:
            return sampling
        off = {k: v for name, values in OFF.items() if name not in self.samplers for k, v in values.items()}
        if "infill" in self.samplers:
            off["temperature"] = 0.0
        return replace(sampling, **off)


class LlamaCompletionRequest(LlamaFields):
    """Texts to continue."""

    prompt: (
        str
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[str | Annotated[list[int], Field(min_length=1)]], Field(min_length=1, max_length=MAX_ANSWERS)]
    )

    def prompts(self, model: TokenBackend) -> list[list[int]]:
        """The ids of each. Raises ApiError (400)."""
        given = [self.prompt] if isinstance(self.prompt, str) or isinstance(self.prompt[0], int) else self.prompt
        return [encode_prompt(model, prompt, "prompt") for prompt in given]


class ExtraFile(BaseModel):
    """Another file, or a part of it."""

    model_config = ConfigDict(strict=True, extra="ignore")
    text: str
    filename: Annotated[str, Field(max_length=4096)] = "tmp"


class LlamaInfillRequest(LlamaFields):
    """A place in a file, and what is known of others."""

    input_prefix: str
    input_suffix: str
    input_extra: Annotated[list[ExtraFile], Field(max_length=1024)] | None = None
    prompt: str = ""

    def prompts(self, model: TokenBackend) -> list[list[int]]:
        """The file around the place and as much of the others as there is room for, the last of them first to stay.

        Raises ApiError (400) for a model that cannot fill in the middle.
        """
        fim, encode = require_fim(model, "input_prefix"), model.tokenizer.encode
        limit = first_limit(self.n_predict, self.max_tokens)
        room = max(0, model.context - (ANSWER if limit is None else limit) - 8)
        window = min(WINDOW, room)
        near = LONGEST * max(window, 1)  # characters; what is further away is not even made tokens of
        after, typed = encode(self.input_suffix[:near]), encode(self.prompt[-near:])
        before = [*encode(self.input_prefix[-near:]), *typed]
        middle = fim.prompt(before[-max(1, window - window // 4) :], after[: window // 4])
        others: list[int] = []
        for extra in reversed(self.input_extra or []):
            if len(others) >= room:
                break
            head = [] if fim.file is None else [fim.file, *encode(extra.filename + "\n")]
            others = [*head, *encode(extra.text[-LONGEST * room :]), *others]
        if others:
            name = [] if fim.repository is None else [fim.repository, *encode("myproject\n")]
            here = [] if fim.file is None else [fim.file, *encode("filename\n")]
            space = room - len(middle) - len(name) - len(here)
            others = [*name, *others[-space:], *here] if space > 0 else []
        return [model.with_bos([*others, *middle])]


class WithoutPrefix:
    """ASGI middleware: OpenAI's paths are answered without their /v1 too, as by llama-server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one ASGI connection."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            path = PATHS[scope["path"]]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, receive, send)


def routes(service: Service) -> APIRouter:
    """`/completion`, `/infill` and `/props`."""
    router = APIRouter(route_class=StrictRoute, tags=["llama-server"])

    async def answer(request: Request, body: LlamaCompletionRequest | LlamaInfillRequest) -> Response:
        body.refuse("functions")
        form = body.form(parse_response_format(body.response_format, "response_format"))
        reply = await service.complete_encoded(request.state.key, body.model, body.prompts)
        limit = first_limit(body.n_predict, body.max_tokens)
        writer = LlamaWriter(reply, body)

        def options() -> ReplyOptions:
            reply.prompts = body.truncate(reply.prompts, reply.model.context)
            writer.sampling = body.resolve_sampling(reply.model)
            return ReplyOptions(
                sampling=writer.sampling,
                max_tokens=limit,
                stop=stop_list(body.stop),
                rules=body.rules(reply.model),
                logprobs=body.n_probs if body.n_probs else 0 if body.return_tokens or body.stream else None,
            )

        await reply.start(options, form)
        return respond(writer, bool(body.stream))

    @router.post("/infill", response_model=None, responses=EVENT_STREAM)
    async def infill(request: Request, body: LlamaInfillRequest) -> Response:
        """What belongs between two texts."""
        return await answer(request, body)

    @router.get("/props")
    async def props(request: Request, model: str = "") -> dict[str, Any]:
        """What a model is, without loading it: the one named, or the first."""
        source = service.models.find(split_name(model or None)[0], request.state.key)
        return await asyncio.to_thread(describe_props, service.models, source)

    async def completion(request: Request, body: LlamaCompletionRequest) -> Response:
        """Continues a text."""
        return await answer(request, body)

    router.post("/completion", response_model=None, responses=EVENT_STREAM)(completion)
    router.post("/completions", response_model=None, responses=EVENT_STREAM, include_in_schema=False)(completion)
    return router


def describe_props(models: ModelPool, source: Source) -> dict[str, Any]:
    """A model as llama-server's clients ask for it: its context, its template, and whether it sees."""
    described, info = models.describe(source), find_info(source)
    template = capabilities_of(info.template) if info.template else None
    return {
        "default_generation_settings": {"n_ctx": described["context_length"] or 0, "params": settings(source, info)},
        "total_slots": models.limits.parallel, "model_alias": source.name, "model_path": source.name,
        "chat_template": info.template,
        "chat_template_caps": {"supports_tools": bool(template and template.tools)},
        "modalities": {"vision": "image" in described["architecture"]["input_modalities"], "audio": False},
        "build_info": f"galop {__version__}", "is_sleeping": described["status"] != "loaded",
    }  # fmt: skip


class LlamaWriter:
    """A reply in llama-server's shapes, streamed or whole."""

    sampling: Sampling  # as it was resolved when the reply started

    def __init__(self, reply: Reply, body: LlamaCompletionRequest | LlamaInfillRequest) -> None:
        self.reply = reply
        self.body = body
        self.texts: list[AnswerText] = []  # of each choice

    def failure(self, error: ApiError) -> str:
        """The last event of a stream that breaks."""
        return sse_event(error.body("/infill"))

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events, the last of each choice with what it took."""
        async for _, data in self._pieces():
            yield sse_event(data)

    async def whole(self) -> dict[str, Any] | list[dict[str, Any]]:
        """The answer, or a list of them where there were several prompts."""
        ends = {index: data async for index, data in self._pieces()}
        answers = [ends[index] for index in sorted(ends)]
        several = isinstance(self.body, LlamaCompletionRequest) and len(answers) > 1
        return answers if several else answers[0]

    async def _pieces(self) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """Each choice's pieces, and its end, in the order they come."""
        reply, body, start = self.reply, self.body, time.monotonic()
        self.texts = [AnswerText(body.n_indent or 0) for _ in reply.completions]
        async with aclosing(reply.events()) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    answer = self.texts[event.index]
                    text = answer.push(event.text)
                    probabilities = self._probabilities(event)
                    answer.tokens += [drawn.token for drawn in event.event.drawn]
                    answer.probabilities += probabilities if body.n_probs else []
                    limit = body.t_max_predict_ms or 0
                    late = limit > 0 and "\n" in answer.text and time.monotonic() - start > limit / 1000
                    if late or answer.ended:
                        reply.cancel(event.index)
                    yield event.index, {
                        "index": event.index, "content": text, "tokens": [d.token for d in event.event.drawn],
                        "stop": False, "id_slot": -1, "tokens_predicted": len(answer.tokens),
                        "tokens_evaluated": len(reply.prompts[event.index]),
                        **({"completion_probabilities": probabilities} if body.n_probs else {}),
                    }  # fmt: skip
                elif isinstance(event, ChoiceEnd):
                    if rest := self.texts[event.index].finish():
                        yield event.index, {"index": event.index, "content": rest, "tokens": [], "stop": False}
                    yield event.index, self._final_fields(event.index, event.done)

    def _probabilities(self, event: TextDelta) -> list[dict[str, Any]]:
        entries = token_logprobs(self.reply.model, event.event)
        for entry, drawn in zip(entries, event.event.drawn, strict=True):
            entry["id"] = drawn.token
            for other, (id, _) in zip(entry["top_logprobs"], drawn.top_logprobs, strict=True):
                other["id"] = id
        return entries

    def _final_fields(self, index: int, done: Done) -> dict[str, Any]:
        body, answer, sampling, reply = self.body, self.texts[index], self.sampling, self.reply
        settings = {
            "seed": sampling.seed, "temperature": sampling.temperature, "top_k": sampling.top_k,
            "top_p": sampling.top_p, "min_p": sampling.min_p, "repeat_penalty": sampling.repetition_penalty,
            "presence_penalty": sampling.presence_penalty, "frequency_penalty": sampling.frequency_penalty,
            "n_predict": reply.token_limit(index), "stop": stop_list(body.stop), "n_probs": body.n_probs or 0,
            "stream": bool(body.stream), "ignore_eos": bool(body.ignore_eos),
        }  # fmt: skip
        kind = "word" if done.stop else "eos" if done.reason == "stop" else "limit"
        fields = {
            "index": index, "content": "" if body.stream else answer.text, "id_slot": -1, "stop": True,
            "tokens": answer.tokens if body.return_tokens and not body.stream else [], "model": reply.resident.name,
            "tokens_predicted": done.answer_tokens, "tokens_evaluated": done.prompt_tokens,
            "generation_settings": settings,
            "prompt": reply.model.tokenizer.decode(reply.prompts[index], control=True),
            "has_new_line": "\n" in answer.text, "truncated": False, "stop_type": kind, "stopping_word": done.stop,
            "tokens_cached": done.cached_tokens, "timings": llama_timings(done),
        }  # fmt: skip
        if body.n_probs and not body.stream:
            fields["completion_probabilities"] = answer.probabilities
        if body.response_fields:
            return {path: value for path in body.response_fields if (value := pick_path(fields, path)) is not None}
        return fields


def pick_path(data: dict[str, Any], path: str) -> Any:
    """What `a/b` names in nested objects."""
    found: Any = data
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


class AnswerText:
    """The text of one answer, which ends before a line that is indented less than it has to be."""

    def __init__(self, indent: int) -> None:
        self.text = ""
        self.tokens: list[int] = []
        self.probabilities: list[dict[str, Any]] = []
        self.ended = False
        self._indent = indent
        self._held = ""  # a line break and blanks, until it is known how deep the line is

    def push(self, text: str) -> str:
        """What of some more text can be sent."""
        if self.ended:
            return ""
        out = ""
        for char in text:
            if self._indent and (char == "\n" or (self._held and char in " \t")):
                out += self._held if char == "\n" else ""
                self._held = char if char == "\n" else self._held + char
                continue
            if self._held and len(self._held) - 1 < self._indent:
                self.ended, self._held = True, ""
                break
            out += self._held + char
            self._held = ""
        self.text += out
        return out

    def finish(self) -> str:
        """What was held back, since no more comes."""
        held, self._held = self._held, ""
        self.text += held
        return held
