"""OpenAI's Chat Completions, Completions and Models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from galop.backends.local import Done, Prefill, Text
from galop.chat.thinking import Thinking
from galop.engine.sampling import SampledToken
from galop.server import anthropic
from galop.server.errors import ApiError
from galop.server.extensions import Extended
from galop.server.replies import (
    LEAST,
    MAX_ANSWERS,
    MAX_N,
    MAX_STOPS,
    MAX_TOOLS,
    Budget,
    CallDelta,
    CallPiece,
    Drawing,
    Effort,
    Messages,
    Piece,
    Reply,
    Said,
    Server,
    StopString,
    ToolIn,
    ToolName,
    ToolUse,
    begun,
    form_of,
    logprobs_of,
    new_id,
    stops,
    turn_of,
)
from galop.server.wire import EVENTS, EventStream, StrictRoute, event, whole
from galop.tokenizers.tokenizer import Detokenizer, Tokenizer
from galop.version import __version__


class StreamOptions(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    include_usage: bool | None = None


Limit = Annotated[int, Field(ge=-1, le=1 << 31)]


def limit_of(*given: int | None, default: int = -1) -> int | None:
    """The first that is given; None for -1, as many tokens as there is room for."""
    limit = next((limit for limit in given if limit is not None), default)
    return None if limit == -1 else limit


class Request_(Drawing, Extended):
    """What Chat Completions and Completions have in common."""

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Limit | None = Field(None, description="-1 for as many as there is room for.")
    n_predict: Limit | None = Field(None, description="llama-server's name for max_tokens.")
    n: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    stop: StopString | Annotated[list[StopString], Field(max_length=MAX_STOPS)] | None = None
    return_progress: bool | None = Field(None, description="Stream how much of the prompt has been read.")

    def options(self, reply: Reply, max_tokens: int | None, logprobs: int | None) -> dict[str, Any]:
        model = reply.model
        rules, bias = self.rules(model)
        reply.prompts = self.cut(reply.prompts, model.context)
        return {
            "n": self.n or 1,
            "sampling": self.sampling(model, reply.thinking),
            "max_tokens": max_tokens,
            "stop": stops(self.stop),
            "bias": bias,
            "rules": rules,
            "logprobs": logprobs,
        }


class Reasoning(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    max_tokens: Budget | None = None
    enabled: bool | None = None


class Switch(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["enabled", "disabled", "adaptive"] | None = None
    budget_tokens: Budget | None = None


class FunctionName(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    name: ToolName


class Named(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function"]
    function: FunctionName


class AllowedTools(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    mode: Literal["auto", "required"] = "auto"
    tools: Annotated[list[Named], Field(max_length=MAX_TOOLS)]


class Allowed(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


class ChatRequest(Request_):
    messages: Messages
    max_completion_tokens: Limit | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[ToolIn], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required", "any"] | Named | Allowed | None = None  # any: Mistral's
    parallel_tool_calls: bool | None = None
    continue_final_message: bool | None = Field(None, description="Continue the last message, if an assistant's.")
    add_generation_prompt: bool | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    reasoning_effort: Effort | None = None
    reasoning: Reasoning | None = None  # OpenRouter's
    thinking: Switch | None = None  # DeepSeek's
    enable_thinking: bool | None = None  # DashScope's, with the next
    thinking_budget: Budget | None = None
    thinking_token_budget: Budget | None = None  # vLLM's

    def tool_use(self) -> ToolUse:
        functions, chosen = [t.function for t in self.tools or []], self.tool_choice or "auto"
        if isinstance(chosen, Named):
            return ToolUse.asked(functions, "required", self.parallel_tool_calls, chosen.function.name)
        if isinstance(chosen, Allowed):
            allowed = {tool.function.name for tool in chosen.allowed_tools.tools}
            functions, chosen = [f for f in functions if f.name in allowed], chosen.allowed_tools.mode
        return ToolUse.asked(functions, "required" if chosen == "any" else chosen, self.parallel_tool_calls)

    def thoughts(self) -> Thinking:
        """What the fields of all dialects say of thinking."""
        kwargs = self.chat_template_kwargs or {}
        reasoning, switch = self.reasoning or Reasoning(), self.thinking or Switch()
        switches = [
            self.enable_thinking, kwargs.get("enable_thinking"), kwargs.get("thinking"),
            reasoning.enabled, switch.type and switch.type != "disabled",
        ]  # fmt: skip
        budgets = [self.thinking_budget, self.thinking_token_budget, reasoning.max_tokens, switch.budget_tokens]
        return Thinking.from_request(
            next((on for on in switches if isinstance(on, bool)), None),
            self.reasoning_effort or reasoning.effort,
            next((budget for budget in budgets if budget is not None), None),
        )


class CompletionRequest(Request_):
    prompt: (
        str
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[str], Field(min_length=1, max_length=MAX_ANSWERS)]
        | Annotated[list[list[int]], Field(min_length=1, max_length=MAX_ANSWERS)]
    )
    stop: StopString | Annotated[list[StopString], Field(max_length=64)] | None = None  # as editors send
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
    suffix: str | None = None
    best_of: Annotated[int, Field(ge=1, le=MAX_N)] | None = None

    @property
    def prompts(self) -> Sequence[str | list[int]]:
        several = isinstance(self.prompt, list) and not isinstance(self.prompt[0], int)
        return self.prompt if several else [self.prompt]  # type: ignore[return-value,list-item]


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])

    @router.post("/chat/completions", response_model=None, responses=EVENTS)
    async def chat_completions(request: Request, body: ChatRequest) -> Response:
        """Answers a conversation."""
        body.refuse("functions")
        form = body.form(form_of(body.response_format, "response_format"))
        if body.top_logprobs and not body.logprobs:
            raise ApiError(400, "invalid_value", "top_logprobs needs logprobs to be true", "top_logprobs")
        thinking, kwargs = body.thoughts(), body.chat_template_kwargs
        tools = body.tool_use()
        turn = turn_of(body.messages, body.continue_final_message, body.add_generation_prompt)
        reply = await server.chat(request.state.key, body.model, body.messages, thinking, kwargs, tools, turn)
        wanted = (body.top_logprobs or 0) if body.logprobs else None
        limit = limit_of(body.max_completion_tokens, body.max_tokens, body.n_predict)
        if limit == 0:
            raise ApiError(400, "invalid_value", "max_tokens has to be at least 1", "max_tokens")
        await begun(reply, lambda: body.options(reply, limit, wanted), form)
        writer = ChatWriter(reply, body)
        if body.stream:
            return EventStream(writer.stream(), writer.failure)
        return whole(writer.whole())

    @router.post("/completions", response_model=None, responses=EVENTS)
    async def completions(request: Request, body: CompletionRequest) -> Response:
        """Continues a text."""
        body.refuse()
        if body.best_of and body.best_of > (body.n or 1):
            raise ApiError(400, "unsupported_parameter", "best_of beyond n is not supported", "best_of")
        if body.echo and body.suffix is not None:
            raise ApiError(400, "unsupported_parameter", "echo and suffix cannot be had together", "echo")
        prompts = body.prompts
        if len(prompts) * (body.n or 1) > MAX_ANSWERS:
            message = f"{len(prompts)} prompts with n = {body.n} are more than {MAX_ANSWERS} answers"
            raise ApiError(400, "invalid_value", message, "prompt")
        form = body.form(form_of(body.response_format, "response_format"))
        reply = await server.text(request.state.key, body.model, prompts, body.suffix)
        limit = limit_of(body.max_tokens, body.n_predict, default=16)
        scores = body.logprobs if body.echo else None
        await begun(reply, lambda: {**body.options(reply, limit, body.logprobs), "scores": scores}, form)
        writer = CompletionWriter(reply, body)
        if body.stream:
            return EventStream(writer.stream(), writer.failure)
        return whole(writer.whole())

    @router.get("/models")
    async def models(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
        after_id: str = "",
        before_id: str = "",
    ) -> dict[str, Any]:
        """What may be asked for: models that are on this machine. Anthropic's clients get their own shape, in pages."""
        sources = server.models.visible(request.state.key).values()
        data = await asyncio.to_thread(lambda: [server.models.describe(s) for s in sources])
        if "anthropic-version" in request.headers:
            return anthropic.page_of(data, limit, after_id, before_id)
        return {"object": "list", "data": data}

    @router.get("/models/{name:path}")
    async def model(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        source = server.models.find(name or "/", request.state.key)
        described = await asyncio.to_thread(server.models.describe, source)
        return anthropic.model_of(described) if "anthropic-version" in request.headers else described

    return router


class Writer:
    """An answer in OpenAI's shapes, streamed or whole."""

    prefix: str
    kind: str
    chunk_kind: str

    def __init__(self, reply: Reply, body: Request_) -> None:
        self.reply = reply
        self.body = body
        self.called: list[int] = []  # tool calls of each answer so far
        self.counted = bool(body.stream_options and body.stream_options.include_usage)
        self.head: dict[str, Any] = {
            "id": new_id(self.prefix),
            "object": self.chunk_kind if body.stream else self.kind,
            "created": int(time.time()),
            "model": reply.resident.name,
            "system_fingerprint": f"b{__version__}-galop",
        }

    def failure(self, error: ApiError) -> str:
        return event(error.body("/v1/"))  # and no [DONE]: this is no whole answer

    def first(self, index: int) -> dict[str, Any] | None:
        raise NotImplementedError

    def piece(self, piece: Piece | CallDelta) -> dict[str, Any]:
        raise NotImplementedError

    def last(self, index: int, reason: str) -> dict[str, Any]:
        raise NotImplementedError

    def choice(self, index: int, said: Said) -> dict[str, Any]:
        raise NotImplementedError

    def chunk(self, choices: list[dict[str, Any]], **more: Any) -> str:
        usage = {"usage": None} if self.counted else {}
        return event({**self.head, "choices": choices, **usage, **more})

    async def stream(self) -> AsyncIterator[str]:
        reply, self.called = self.reply, [0] * len(self.reply.answers)
        async with aclosing(reply.pieces()) as pieces:
            begun = False
            async for piece in pieces:
                if isinstance(piece, Prefill) and not self.body.return_progress and begun:
                    continue
                if not begun:
                    begun = True
                    for i in range(len(reply.answers)):
                        if first := self.first(i):
                            yield self.chunk([first])
                if isinstance(piece, Prefill):
                    if self.body.return_progress:
                        cached = reply.answers[0].sequence.cached_tokens
                        progress = {"total": piece.total, "cache": cached, "processed": piece.done}
                        yield self.chunk([], prompt_progress=progress)
                elif isinstance(piece, Done):
                    index = next(i for i, done in reply.ends.items() if done is piece)
                    more = {"timings": reply.timings} if 0 in reply.ends else {}
                    yield self.chunk([self.last(index, reason_of(piece, self.called[index] > 0))], **more)
                elif not isinstance(piece, CallPiece):
                    yield self.chunk([self.piece(piece)])
        if self.counted:
            yield event({**self.head, "choices": [], "usage": reply.usage})
        yield "data: [DONE]\n\n"

    async def whole(self) -> dict[str, Any]:
        reply = self.reply
        answers = await reply.whole()

        def choices() -> list[dict[str, Any]]:
            return [
                {**self.choice(i, said), "finish_reason": reason_of(reply.ends[i], bool(said.calls))}
                for i, said in enumerate(answers)
            ]

        made = await asyncio.to_thread(choices)  # log-probabilities are many
        return {**self.head, "choices": made, "usage": reply.usage, "timings": reply.timings}


class ChatWriter(Writer):
    prefix, kind, chunk_kind = "chatcmpl-", "chat.completion", "chat.completion.chunk"

    def first(self, index: int) -> dict[str, Any]:
        return {"index": index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}

    def piece(self, piece: Piece | CallDelta) -> dict[str, Any]:
        if isinstance(piece, CallDelta):
            call: dict[str, Any] = {"function": {"arguments": piece.text}}
            if not piece.text:
                call = {"id": piece.id, "type": "function", "function": {"name": piece.name, "arguments": ""}}
                self.called[piece.index] += 1
            call = {"index": self.called[piece.index] - 1, **call}
            return {"index": piece.index, "delta": {"tool_calls": [call]}, "finish_reason": None}
        # Half of the clients know one of these names for thinking, half the other.
        delta = (
            {"reasoning_content": piece.text, "reasoning": piece.text} if piece.thinking else {"content": piece.text}
        )
        choice: dict[str, Any] = {"index": piece.index, "delta": delta, "finish_reason": None}
        if piece.event.drawn:
            choice["logprobs"] = {"content": logprobs_of(self.reply.model, piece.event), "refusal": None}
        return choice

    def last(self, index: int, reason: str) -> dict[str, Any]:
        return {"index": index, "delta": {}, "finish_reason": reason}

    def choice(self, index: int, said: Said) -> dict[str, Any]:
        content = None if said.calls and not said.text else said.text
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if said.calls:
            message["tool_calls"] = [tool_call(call) for call in said.calls]
        if said.thought:
            message |= {"reasoning_content": said.thought, "reasoning": said.thought}
        logprobs = None
        if any(e.drawn for e in said.events):
            logprobs = {"content": [p for e in said.events for p in logprobs_of(self.reply.model, e)], "refusal": None}
        return {"index": index, "message": message, "logprobs": logprobs}


class CompletionWriter(Writer):
    prefix, kind, chunk_kind = "cmpl-", "text_completion", "text_completion"
    body: CompletionRequest

    def __init__(self, reply: Reply, body: CompletionRequest) -> None:
        super().__init__(reply, body)
        self.told: dict[int, Told] = {}  # of each answer

    def first(self, index: int) -> None:
        return None

    def _choice(self, index: int, text: str, events: list[Text]) -> dict[str, Any]:
        drawn = [d for e in events for d in e.drawn]
        told = self.told.get(index)
        if told is None:
            told = self.told[index] = Told(self.reply.model.tokenizer)
            if self.body.echo:
                n = self.body.n or 1
                given, ids = self.body.prompts[index // n], self.reply.prompts[index // n]
                echoed = given if isinstance(given, str) else self.reply.model.tokenizer.decode(ids, control=True)
                if self.body.logprobs is not None:
                    told.prompt(ids, self.reply.answers[index].sequence.prompt_scores, echoed)
                told.at, text = len(echoed), echoed + text
        told.answer(drawn)
        return {"index": index, "text": text, "logprobs": told.logprobs()}

    def piece(self, piece: Piece | CallDelta) -> dict[str, Any]:
        assert isinstance(piece, Piece)  # there are no tools here
        return {**self._choice(piece.index, piece.text, [piece.event]), "finish_reason": None}

    def last(self, index: int, reason: str) -> dict[str, Any]:
        return {**self._choice(index, "", []), "finish_reason": reason}

    def choice(self, index: int, said: Said) -> dict[str, Any]:
        return self._choice(index, said.text, said.events)


class Told:
    """The log-probabilities of one text as Completions tells them, each with where in the text its token begins."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.at = 0  # characters of the text so far
        self._entries: list[tuple[str, float | None, dict[str, float] | None, int]] = []
        self._stream = Detokenizer(tokenizer)

    def prompt(self, ids: list[int], scored: list[SampledToken], text: str) -> None:
        stream = Detokenizer(self.tokenizer, self.tokenizer.added)
        at = 0
        if not text.startswith(self._name(ids[0])):  # a BOS that was put before it
            self._add(SampledToken(ids[0]), 0)
            ids = ids[1:]
        else:
            scored = [SampledToken(ids[0]), *scored]
        for id, drawn in zip(ids, scored, strict=True):
            self._add(drawn, at)
            at += len(stream.push(id))

    def answer(self, drawn: list[SampledToken]) -> None:
        for d in drawn:
            self._add(d, self.at)
            self.at += len(self._stream.push(d.token))

    def _add(self, drawn: SampledToken, at: int) -> None:
        top = None if drawn.logprob is None else {self._name(t): max(p, LEAST) for t, p in drawn.top_logprobs}
        if top and drawn.logprob is not None:
            top.setdefault(self._name(drawn.token), max(drawn.logprob, LEAST))
        logprob = None if drawn.logprob is None else max(drawn.logprob, LEAST)
        self._entries.append((self._name(drawn.token), logprob, top, at))

    def _name(self, id: int) -> str:
        data = self.tokenizer.token_bytes(id)
        try:
            return data.decode()
        except UnicodeDecodeError:  # part of a character
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)

    def logprobs(self) -> dict[str, list[Any]] | None:
        """Those not told yet."""
        if not self._entries:
            return None
        tokens, logprobs, tops, offsets = (list(column) for column in zip(*self._entries, strict=True))
        self._entries.clear()
        return {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": offsets}


def tool_call(piece: CallPiece) -> dict[str, Any]:
    return {"id": piece.id, "type": "function", "function": piece.function}


def reason_of(done: Done, called: bool) -> str:
    return "length" if done.reason == "length" else "tool_calls" if called else "stop"
