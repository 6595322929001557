"""The reply to one request: its choices are queued, and their events streamed or collected as they come."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from galop.backends.events import Done, Failure, Prefill, StreamEvent, Text
from galop.backends.protocol import AnswerConstraint, Completion, GenerationRequest, TokenBackend, TokenRules
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall, ToolCallDelta
from galop.engine.sampling import SampledToken, Sampling
from galop.errors import ConstraintError
from galop.server.api_keys import ApiKey
from galop.server.metrics import Metrics
from galop.server.model_pool import Resident
from galop.server.rate_limit import RateLimiter
from galop.server.reply_events import CallDelta, Choice, ChoiceEnd, CompleteToolCall, TextDelta
from galop.server.request.tools import ToolSelection
from galop.server.usage import count_usage

in_background: ContextVar[bool] = ContextVar("in_background", default=False)
"""Whether what this task asks gives way to all others."""
ReplyEvent = TextDelta | Prefill | CallDelta | CompleteToolCall | ChoiceEnd


@dataclass(frozen=True)
class ReplyOptions:
    """How the choices of a reply are made. What is left out is the model's own."""

    n: int = 1  # choices for each prompt
    sampling: Sampling | None = None
    max_tokens: int | None = None  # as many as there is room for
    stop: Sequence[str] = ()
    rules: TokenRules = field(default_factory=TokenRules)
    logprobs: int | None = None  # of so many likely tokens beside the sampled one
    scores: int | None = None  # the same of the prompt's tokens


@dataclass
class Reply:
    """One request's choices, so many to each of its prompts, and the model that is leased for them until they end."""

    metrics: Metrics
    limiter: RateLimiter
    resident: Resident
    key: ApiKey
    prompts: list[list[int]]
    lease: AsyncExitStack  # gives the model back
    thinking: Thinking | None = None  # None for what is no conversation
    tools: ToolSelection = field(default_factory=ToolSelection)
    ends: dict[int, Done] = field(default_factory=dict)
    arrived: float = field(default_factory=time.monotonic)
    completions: list[Completion] = field(default_factory=list)
    reserved: int = 0  # tokens of the key's minute
    suffix: str = ""  # of the model's name, as it was asked for
    lead: TextDelta | None = None  # what each choice's text begins with

    @property
    def name(self) -> str:
        """What the model was asked for by."""
        return self.resident.name + self.suffix

    @property
    def model(self) -> TokenBackend:
        """The model that answers."""
        return self.resident.model

    @property
    def prompt(self) -> list[int]:
        """The only one, where there is one."""
        return self.prompts[0]

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(map(len, self.prompts))

    @property
    def choice_count(self) -> int:
        """How many choices there are, of all prompts."""
        return len(self.completions)

    @property
    def usage(self) -> dict[str, Any]:
        """OpenAI's `usage`, of the choices that have ended."""
        return count_usage(self.prompts, self.ends, len(self.completions))

    @property
    def cached_tokens(self) -> int:
        """Tokens of the first choice's prompt that were read before, for another request."""
        return self.completions[0].cached_tokens

    @property
    def token_ids(self) -> Sequence[int]:
        """The first choice's prompt and answer."""
        return self.completions[0].tokens

    def token_limit(self, index: int) -> int:
        """How many tokens a choice may have."""
        return self.completions[index].limit

    def prompt_scores(self, index: int) -> Sequence[SampledToken]:
        """Of a choice, how likely the tokens of its prompt were from the second on, where `scores` asked for that."""
        return self.completions[index].prompt_scores

    def go_on_from(self, ids: Sequence[int]) -> None:
        """Puts the tokens of an earlier reply before the only prompt."""
        self.prompts = [[*ids, *self.prompt]]

    async def start(self, options: Callable[[], ReplyOptions], form: ResponseFormat | None = None) -> None:
        """Queues the choices with what `options` returns and `form` demands; gives the model back if any of it fails.

        Raises ApiError, ConstraintError, ContextLengthError, QueueFullError.
        """
        self.lead = None if form else self.lead  # a form has no room for it
        try:
            tools = [self.tools.named] if self.tools.named else self.tools.tools
            choice, parallel = "required" if self.tools.required else "auto", self.tools.parallel
            constraint = await asyncio.to_thread(self.model.constraint, form, tools, choice, parallel)
            # A form may look like a call that has no opening.
            self._submit(options(), constraint, whole_calls=form is None or self.tools.required)
        except BaseException as error:
            if isinstance(error, ConstraintError) and form:
                error.param = error.param or form.field
            await self.lease.aclose()
            raise

    def _submit(self, options: ReplyOptions, constraint: AnswerConstraint | None, whole_calls: bool) -> None:
        """Puts the prompts in the model's queue, each n times, with seeds that count up from the request's."""
        loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, StreamEvent]] = asyncio.Queue()

        def emit(index: int, event: StreamEvent) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._queue.put_nowait, (index, event))

        n, sampling = options.n, options.sampling or self.model.sampling_for(self.thinking)
        max_tokens = self._reserve(n, options.max_tokens)
        try:
            for i, prompt in enumerate(prompt for prompt in self.prompts for _ in range(n)):
                request = GenerationRequest(
                    prompt,
                    replace(sampling, seed=(sampling.seed + i % n) % (1 << 64)),
                    max_tokens,
                    options.stop,
                    options.rules,
                    client=self.key.hash,
                    thinking=self.thinking,
                    tools=self.tools.tools,
                    constraint=constraint.copy() if constraint else None,
                    calls_constrained=whole_calls,
                    logprobs=options.logprobs,
                    prompt_logprobs=options.scores,
                    background=in_background.get(),
                )
                self.completions.append(self.model.submit(request, partial(emit, i)))
        except Exception:
            self.cancel()
            self.limiter.settle(self.key, self.reserved, 0)
            raise

    def _reserve(self, n: int, limit: int | None) -> int:
        """Reserves the tokens of this request; returns how many each choice may have. Raises ApiError (400)."""
        rooms = [max(0, self.model.context - len(prompt)) for prompt in self.prompts]
        limit = max(rooms) if limit is None else min(limit, max(rooms))
        if min(rooms):  # or it is about to be refused
            choices = n * len(self.prompts)
            self.reserved = self.limiter.reserve(self.key, self.prompt_tokens, choices, limit)
            limit = min(limit, (self.reserved - self.prompt_tokens) // choices)
        return limit

    async def events(self) -> AsyncGenerator[ReplyEvent]:
        """What the choices send, as it comes. Raises the error of one that fails.

        Closing the iterator ends the choices and gives the model back.
        """
        last = [0.0] * len(self.completions)  # when each sent something
        call_ids: dict[int, str] = {}  # of the call that a choice is making
        led = set[int]()  # choices whose text has begun
        try:
            while len(self.ends) < len(self.completions):
                index, event = await self._queue.get()
                now = time.monotonic()
                if isinstance(event, Failure):
                    raise event.error
                if isinstance(event, Prefill):
                    if not index:
                        yield event
                    continue
                if isinstance(event, (Text, ToolCallDelta)):
                    self._observe(now, last[index])
                    last[index] = now
                if isinstance(event, Text):
                    if self.lead and not event.thinking and index not in led:
                        led.add(index)
                        yield replace(self.lead, index=index)
                    yield TextDelta(index, event)
                elif isinstance(event, ToolCallDelta):
                    call_ids[index] = call_ids.get(index) or new_id("call_")
                    yield CallDelta(index, event.name, call_ids[index], event.text)
                elif isinstance(event, ToolCall):
                    call = CompleteToolCall(index, event, call_ids.get(index) or new_id("call_"))
                    if index not in call_ids:
                        yield CallDelta(index, event.name, call.id, "")
                        yield CallDelta(index, event.name, call.id, call.function["arguments"])
                    call_ids.pop(index, None)
                    yield call
                else:
                    self.ends[index] = event
                    self.metrics.observe_end(self.resident.name, event, now - self.arrived)
                    yield ChoiceEnd(index, event)
        finally:
            self.cancel()
            started = [c for c in self.completions if c.started]
            used = self.prompt_tokens + sum(len(c.tokens) - len(c.prompt) for c in started) if started else 0
            self.limiter.settle(self.key, self.reserved, used)
            await self.lease.aclose()

    def _observe(self, now: float, last: float) -> None:
        if last:
            self.metrics.observe_token_gap(self.resident.name, now - last)
        else:
            self.metrics.observe_first_token(self.resident.name, now - self.arrived)

    async def whole(self) -> list[Choice]:
        """The choices when all have ended. Raises the error of one that fails."""
        choices = [Choice() for _ in range(self.choice_count)]
        async for event in self.events():
            if isinstance(event, CompleteToolCall):
                choices[event.index].calls.append(event)
            elif isinstance(event, TextDelta):
                choice = choices[event.index]
                choice.events.append(event.event)
                choice.science = event.science or choice.science
                if event.thinking:
                    choice.thinking += event.text
                else:
                    choice.text += event.text
        return choices

    def cancel(self, index: int | None = None) -> None:
        """Ends a choice, or all of them, before the model's next step; what has ended already stays as it is."""
        for completion in self.completions if index is None else [self.completions[index]]:
            completion.cancel()


def new_id(prefix: str) -> str:
    """An id that no other thing has, which begins with what it is of."""
    return f"{prefix}{secrets.token_hex(12)}"
