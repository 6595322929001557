"""llama-server's own dialect: /completion, and /infill with which editors have the middle of a file written."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from galop.backends.local import Done, Model
from galop.engine.sampling import Sampling
from galop.server.extensions import Extended
from galop.server.openai import Limit, limit_of
from galop.server.replies import (
    MAX_ANSWERS,
    Drawing,
    Piece,
    Reply,
    Server,
    StopString,
    begun,
    compact,
    fim_for,
    form_of,
    ids_of,
    logprobs_of,
    stops,
)
from galop.server.wire import EVENTS, EventStream, StrictRoute, event

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


class LlamaRequest(Drawing, Extended):
    """What both have in common."""

    stream: bool | None = None
    n_predict: Limit | None = Field(None, description="-1 for as many as there is room for.")
    max_tokens: Limit | None = None
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

    def how(self, model: Model) -> Sampling:
        how = self.sampling(model)
        if self.samplers is None:
            return how
        off = {k: v for name, values in OFF.items() if name not in self.samplers for k, v in values.items()}
        if "infill" in self.samplers:
            off["temperature"] = 0.0
        return Sampling(**{**how.__dict__, **off})


class CompletionRequest(LlamaRequest):
    prompt: (
        str
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[str | Annotated[list[int], Field(min_length=1)]], Field(min_length=1, max_length=MAX_ANSWERS)]
    )

    def prompts(self, model: Model) -> list[list[int]]:
        given = [self.prompt] if isinstance(self.prompt, str) or isinstance(self.prompt[0], int) else self.prompt
        return [ids_of(model, prompt, "prompt") for prompt in given]


class Extra(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    text: str
    filename: Annotated[str, Field(max_length=4096)] = "tmp"


class InfillRequest(LlamaRequest):
    input_prefix: str
    input_suffix: str
    input_extra: Annotated[list[Extra], Field(max_length=1024)] | None = None
    prompt: str = ""

    def prompts(self, model: Model) -> list[list[int]]:
        """The file around the place and as much of the others as there is room for, the last of them first to stay."""
        fim, encode = fim_for(model, "input_prefix"), model.tokenizer.encode
        limit = limit_of(self.n_predict, self.max_tokens)
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
        return [model.begun([*others, *middle])]


class WithoutPrefix:
    """ASGI middleware: OpenAI's paths are answered without their /v1 too, as by llama-server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in PATHS:
            path = PATHS[scope["path"]]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, receive, send)


def routes(server: Server) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["llama-server"])

    async def answer(request: Request, body: CompletionRequest | InfillRequest) -> Response:
        body.refuse("functions")
        form = body.form(form_of(body.response_format, "response_format"))
        reply = await server.raw(request.state.key, body.model, body.prompts)
        limit = limit_of(body.n_predict, body.max_tokens)
        writer = LlamaWriter(reply, body)

        def options() -> dict[str, Any]:
            rules, bias = body.rules(reply.model)
            reply.prompts = body.cut(reply.prompts, reply.model.context)
            writer.how = body.how(reply.model)
            return {
                "sampling": writer.how, "max_tokens": limit, "stop": stops(body.stop), "bias": bias, "rules": rules,
                "logprobs": body.n_probs if body.n_probs else 0 if body.return_tokens or body.stream else None,
            }  # fmt: skip

        await begun(reply, options, form)
        if body.stream:
            return EventStream(writer.stream(), lambda error: event(error.body("/infill")))
        return EventStream(writer.whole(), media_type="application/json", ping="")

    @router.post("/infill", response_model=None, responses=EVENTS)
    async def infill(request: Request, body: InfillRequest) -> Response:
        """What belongs between two texts."""
        return await answer(request, body)

    async def completion(request: Request, body: CompletionRequest) -> Response:
        """Continues a text."""
        return await answer(request, body)

    router.post("/completion", response_model=None, responses=EVENTS)(completion)
    router.post("/completions", response_model=None, responses=EVENTS, include_in_schema=False)(completion)
    return router


class LlamaWriter:
    """Answers in llama-server's shapes."""

    how: Sampling

    def __init__(self, reply: Reply, body: CompletionRequest | InfillRequest) -> None:
        self.reply = reply
        self.body = body
        self.told: dict[int, Told] = {}

    async def _pieces(self) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """Each answer's pieces, and its end, in the order they come."""
        reply, body, began = self.reply, self.body, time.monotonic()
        self.told = {i: Told(body.n_indent or 0) for i in range(len(reply.answers))}
        async with aclosing(reply.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece):
                    told = self.told[piece.index]
                    text = told.push(piece.text)
                    probabilities = logprobs_of(reply.model, piece.event)
                    for entry, drawn in zip(probabilities, piece.event.drawn, strict=True):
                        entry["id"] = drawn.token
                        for other, (id, _) in zip(entry["top_logprobs"], drawn.top_logprobs, strict=True):
                            other["id"] = id
                    told.tokens += [drawn.token for drawn in piece.event.drawn]
                    told.probabilities += probabilities if body.n_probs else []
                    limit = body.t_max_predict_ms or 0
                    late = limit > 0 and "\n" in told.text and time.monotonic() - began > limit / 1000
                    if late or told.ended:
                        reply.model.scheduler.cancel(reply.answers[piece.index].sequence)
                    yield piece.index, {
                        "index": piece.index, "content": text, "tokens": [d.token for d in piece.event.drawn],
                        "stop": False, "id_slot": -1, "tokens_predicted": len(told.tokens),
                        "tokens_evaluated": len(reply.answers[piece.index].sequence.prompt),
                        **({"completion_probabilities": probabilities} if body.n_probs else {}),
                    }  # fmt: skip
                elif isinstance(piece, Done):
                    index = next(i for i, done in reply.ends.items() if done is piece)
                    if rest := self.told[index].finish():
                        yield index, {"index": index, "content": rest, "tokens": [], "stop": False}
                    yield index, self._last(index, piece)

    def _last(self, index: int, done: Done) -> dict[str, Any]:
        body, told, how = self.body, self.told[index], self.how
        sequence = self.reply.answers[index].sequence
        settings = {
            "seed": how.seed, "temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p,
            "min_p": how.min_p, "repeat_penalty": how.repetition_penalty, "presence_penalty": how.presence_penalty,
            "frequency_penalty": how.frequency_penalty, "n_predict": sequence.max_tokens, "stop": stops(body.stop),
            "n_probs": body.n_probs or 0, "stream": bool(body.stream), "ignore_eos": bool(body.ignore_eos),
        }  # fmt: skip
        kind = "word" if done.stop else "eos" if done.reason == "stop" else "limit"
        found = {
            "index": index, "content": "" if body.stream else told.text, "id_slot": -1, "stop": True,
            "tokens": told.tokens if body.return_tokens and not body.stream else [], "model": self.reply.resident.name,
            "tokens_predicted": done.answer_tokens, "tokens_evaluated": done.prompt_tokens,
            "generation_settings": settings,
            "prompt": self.reply.model.tokenizer.decode(sequence.prompt, control=True),
            "has_new_line": "\n" in told.text, "truncated": False, "stop_type": kind, "stopping_word": done.stop,
            "tokens_cached": done.cached_tokens, "timings": self.reply.timings_of(done),
        }  # fmt: skip
        if body.n_probs and not body.stream:
            found["completion_probabilities"] = told.probabilities
        if body.response_fields:
            return {path: value for path in body.response_fields if (value := within(found, path)) is not None}
        return found

    async def stream(self) -> AsyncIterator[str]:
        async for _, data in self._pieces():
            yield event(data)

    async def whole(self) -> AsyncIterator[str]:
        ends = {index: data async for index, data in self._pieces()}
        answers = [ends[index] for index in sorted(ends)]
        several = isinstance(self.body, CompletionRequest) and len(answers) > 1
        yield compact(answers if several else answers[0])


def within(data: dict[str, Any], path: str) -> Any:
    """What `a/b` names in nested objects."""
    found: Any = data
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


class Told:
    """The text of one answer, which ends before a line that is indented less than it has to be."""

    def __init__(self, indent: int) -> None:
        self.text = ""
        self.tokens: list[int] = []
        self.probabilities: list[dict[str, Any]] = []
        self.ended = False
        self._indent = indent
        self._held = ""  # a line break and blanks, until it is known how deep the line is

    def push(self, text: str) -> str:
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
