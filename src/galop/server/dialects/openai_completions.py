"""OpenAI's Completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from galop.backends.events import Text
from galop.engine.sampling import SampledToken
from galop.server.dialects.openai_common import ChunkWriter, CompletionFields
from galop.server.errors import ApiError
from galop.server.reply import Reply
from galop.server.reply_events import CallDelta, Choice, TextDelta
from galop.server.request.fields import MAX_ANSWERS, MAX_N, StopString, TextsAlone, first_limit
from galop.server.request.response_format import parse_response_format
from galop.server.service import Service
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import EVENT_STREAM, respond
from galop.server.usage import LEAST_LOGPROB
from galop.tokenizers.tokenizer import Detokenizer, Tokenizer


class CompletionRequest(CompletionFields):
    """A request of Completions."""

    prompt: Annotated[
        str
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[str], Field(min_length=1, max_length=MAX_ANSWERS)]
        | Annotated[list[list[int]], Field(min_length=1, max_length=MAX_ANSWERS)],
        TextsAlone,
    ]
    stop: StopString | Annotated[list[StopString], Field(max_length=64)] | None = None  # as editors send
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
    suffix: str | None = None
    best_of: Annotated[int, Field(ge=1, le=MAX_N)] | None = None

    @property
    def prompts(self) -> Sequence[str | list[int]]:
        """One or several, each a text or token ids."""
        several = isinstance(self.prompt, list) and not isinstance(self.prompt[0], int)
        return self.prompt if several else [self.prompt]  # type: ignore[return-value,list-item]


def routes(service: Service) -> APIRouter:
    """`/v1/completions`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])

    @router.post("/completions", response_model=None, responses=EVENT_STREAM)
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
        form = body.form(parse_response_format(body.response_format, "response_format"))
        reply = await service.complete(request.state.key, body.model, prompts, body.suffix)
        limit = first_limit(body.max_tokens, body.n_predict, default=16)
        scores = body.logprobs if body.echo else None
        await reply.start(lambda: body.options(reply, limit, body.logprobs, scores), form)
        return respond(CompletionChunkWriter(reply, body), bool(body.stream))

    return router


class CompletionChunkWriter(ChunkWriter):
    """A reply as text, perhaps after its prompt."""

    id_prefix, kind, chunk_kind = "cmpl-", "text_completion", "text_completion"
    body: CompletionRequest

    def __init__(self, reply: Reply, body: CompletionRequest) -> None:
        super().__init__(reply, body)
        self._logprobs: dict[int, TextLogprobs] = {}  # of each choice that has begun

    def first_delta(self, index: int) -> None:
        """Nothing: a text has no role."""
        return

    def delta(self, event: TextDelta | CallDelta) -> dict[str, Any]:
        """More text."""
        assert isinstance(event, TextDelta)  # there are no tools here
        return {**self._choice(event.index, event.text, [event.event]), "finish_reason": None}

    def last_delta(self, index: int, reason: str) -> dict[str, Any]:
        """The finish_reason, and the prompt where nothing followed it."""
        return {**self._choice(index, "", []), "finish_reason": reason}

    def whole_choice(self, index: int, choice: Choice) -> dict[str, Any]:
        """The text, and how likely its tokens were."""
        return self._choice(index, choice.text, choice.events)

    def _choice(self, index: int, text: str, events: list[Text]) -> dict[str, Any]:
        logprobs = self._logprobs.get(index)
        if logprobs is None:
            which = index // (self.body.n or 1)
            ids = self.reply.prompts[which]
            logprobs = self._logprobs[index] = TextLogprobs(self.reply.model.tokenizer, ids)
            if self.body.echo:
                given = self.body.prompts[which]
                echo = given if isinstance(given, str) else self.reply.model.tokenizer.decode(ids, control=True)
                if self.body.logprobs is not None:
                    logprobs.add_prompt(ids, self.reply.prompt_scores(index), echo)
                logprobs.offset, text = len(echo), echo + text
        logprobs.add([d for e in events for d in e.drawn])
        return {"index": index, "text": text, "logprobs": logprobs.take()}


class TextLogprobs:
    """The log-probabilities of one text in Completions' shape, each with where in the text its token begins."""

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        self.offset = 0  # characters of the text so far
        self._entries: list[tuple[str, float | None, dict[str, float] | None, int]] = []
        self._stream = Detokenizer(tokenizer, before=prompt)

    def add_prompt(self, ids: list[int], scored: Sequence[SampledToken], text: str) -> None:
        """The tokens of a prompt that stands before the answer; `scored` are those from the second on."""
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

    def add(self, drawn: list[SampledToken]) -> None:
        """More tokens of the answer."""
        for d in drawn:
            self._add(d, self.offset)
            self.offset += len(self._stream.push(d.token))

    def _add(self, drawn: SampledToken, at: int) -> None:
        top = None if drawn.logprob is None else {self._name(t): max(p, LEAST_LOGPROB) for t, p in drawn.top_logprobs}
        if top and drawn.logprob is not None:
            top.setdefault(self._name(drawn.token), max(drawn.logprob, LEAST_LOGPROB))
        logprob = None if drawn.logprob is None else max(drawn.logprob, LEAST_LOGPROB)
        self._entries.append((self._name(drawn.token), logprob, top, at))

    def _name(self, id: int) -> str:
        data = self.tokenizer.token_bytes(id)
        try:
            return data.decode()
        except UnicodeDecodeError:  # part of a character
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)

    def take(self) -> dict[str, list[Any]] | None:
        """The entries since the last time; None where there are none."""
        if not self._entries:
            return None
        tokens, logprobs, tops, offsets = (list(column) for column in zip(*self._entries, strict=True))
        self._entries.clear()
        return {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": offsets}
