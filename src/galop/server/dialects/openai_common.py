"""What OpenAI's Chat Completions and Completions have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from galop.backends.events import Done, Prefill
from galop.server.errors import ApiError
from galop.server.reply import Reply, ReplyOptions, new_id
from galop.server.reply_events import CallDelta, Choice, ChoiceEnd, CompleteToolCall, TextDelta
from galop.server.request.extensions import ExtensionFields
from galop.server.request.fields import MAX_N, MAX_STOPS, SamplingFields, StopString, TokenLimit, stop_list
from galop.server.transport.streaming import sse_event
from galop.server.usage import llama_timings
from galop.version import __version__


class StreamOptions(BaseModel):
    """What a stream holds beside the answer."""

    model_config = ConfigDict(strict=True, extra="ignore")
    include_usage: bool | None = None


class CompletionFields(SamplingFields, ExtensionFields):
    """What Chat Completions and Completions have in common."""

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenLimit | None = Field(None, description="-1 for as many as there is room for.")
    n_predict: TokenLimit | None = Field(None, description="llama-server's name for max_tokens.")
    n: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    stop: StopString | Annotated[list[StopString], Field(max_length=MAX_STOPS)] | None = None
    return_progress: bool | None = Field(None, description="Stream how much of the prompt has been read.")

    def options(
        self, reply: Reply, max_tokens: int | None, logprobs: int | None, scores: int | None = None
    ) -> ReplyOptions:
        """What the fields say of a reply, whose prompts are cut where they ask for that. Raises ApiError (400)."""
        model = reply.model
        rules = self.rules(model)
        reply.prompts = self.truncate(reply.prompts, model.context)
        sampling = self.sampling(model, reply.thinking)
        return ReplyOptions(self.n or 1, sampling, max_tokens, stop_list(self.stop), rules, logprobs, scores)


class ChunkWriter:
    """A reply in OpenAI's shapes: chunks of deltas, or one object of choices."""

    id_prefix: str
    kind: str
    chunk_kind: str

    def __init__(self, reply: Reply, body: CompletionFields) -> None:
        self.reply = reply
        self.body = body
        self.calls: list[int] = []  # how many tool calls each choice has begun
        self.with_usage = bool(body.stream_options and body.stream_options.include_usage)
        self.head: dict[str, Any] = {
            "id": new_id(self.id_prefix),
            "object": self.chunk_kind if body.stream else self.kind,
            "created": int(time.time()),
            "model": reply.name,
            "system_fingerprint": f"b{__version__}-galop",
        }

    def first_delta(self, index: int) -> dict[str, Any] | None:
        """What a choice begins with, before anything has come; None for nothing."""
        raise NotImplementedError

    def delta(self, event: TextDelta | CallDelta) -> dict[str, Any]:
        """Some more of a choice."""
        raise NotImplementedError

    def last_delta(self, index: int, reason: str) -> dict[str, Any]:
        """The end of a choice."""
        raise NotImplementedError

    def whole_choice(self, index: int, choice: Choice) -> dict[str, Any]:
        """A choice as a whole, without its finish_reason."""
        raise NotImplementedError

    def failure(self, error: ApiError) -> str:
        """The last event of a stream that breaks."""
        return sse_event(error.body("/v1/"))  # and no [DONE]: this is no whole answer

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events up to [DONE]."""
        reply, self.calls = self.reply, [0] * self.reply.choice_count
        async with aclosing(reply.events()) as events:
            started = False
            async for event in events:
                if isinstance(event, Prefill) and not self.body.return_progress and started:
                    continue
                if not started:
                    started = True
                    for i in range(reply.choice_count):
                        if first := self.first_delta(i):
                            yield self._chunk([first])
                if isinstance(event, Prefill):
                    if self.body.return_progress:
                        progress = {"total": event.total, "cache": reply.cached_tokens, "processed": event.done}
                        yield self._chunk([], {"prompt_progress": progress})
                elif isinstance(event, ChoiceEnd):
                    more = {"timings": llama_timings(reply.ends[0])} if 0 in reply.ends else {}
                    reason = finish_reason(event.done, self.calls[event.index] > 0)
                    yield self._chunk([self.last_delta(event.index, reason)], more)
                elif not isinstance(event, CompleteToolCall):
                    yield self._chunk([self.delta(event)])
        if self.with_usage:
            yield sse_event({**self.head, "choices": [], "usage": reply.usage})
        yield "data: [DONE]\n\n"

    async def whole(self) -> dict[str, Any]:
        """The whole reply."""
        reply = self.reply
        choices = await reply.whole()

        def write() -> list[dict[str, Any]]:
            return [
                {**self.whole_choice(i, choice), "finish_reason": finish_reason(reply.ends[i], bool(choice.calls))}
                for i, choice in enumerate(choices)
            ]

        written = await asyncio.to_thread(write)  # log-probabilities are many
        return {**self.head, "choices": written, "usage": reply.usage, "timings": llama_timings(reply.ends[0])}

    def _chunk(self, choices: list[dict[str, Any]], more: Mapping[str, Any] = MappingProxyType({})) -> str:
        usage = {"usage": None} if self.with_usage else {}
        return sse_event({**self.head, "choices": choices, **usage, **more})


def finish_reason(done: Done, called: bool) -> str:
    """OpenAI's word for why a choice ended."""
    return "length" if done.reason == "length" else "tool_calls" if called else "stop"
