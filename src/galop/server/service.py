"""What every route needs: models, metrics and rate limits, and the way from a conversation or a text to a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from galop.agent.planner import Planner, can_compute, user_texts
from galop.backends.events import Text
from galop.backends.protocol import TokenBackend
from galop.chat.content import pictures_of
from galop.chat.messages import Message
from galop.chat.template import PromptEnd
from galop.chat.thinking import Thinking
from galop.errors import BlindModelError
from galop.server.api_keys import ApiKey
from galop.server.batches.files import Files
from galop.server.computed_reply import ComputedReply
from galop.server.errors import ApiError
from galop.server.metrics import Metrics
from galop.server.model_pool import ModelPool, Resident
from galop.server.rate_limit import RateLimiter
from galop.server.reply import Reply
from galop.server.reply_events import TextDelta
from galop.server.request.media import find_nothing
from galop.server.request.messages import ChatMessage, read_messages
from galop.server.request.prompts import check_length, encode_middle, encode_prompt, require_writer
from galop.server.request.tools import SCIENCE, ScienceTool, ToolSelection

SUFFIX = "@science"  # of a model's name, where its technical questions are computed
DETAILS = "+details"  # after that, where what a number rests on is part of the text
# What a template's variables may not be, since something else says it.
RESERVED_VARIABLES = (
    "self", "chat_template", "tokenize", "messages", "add_generation_prompt", "bos_token", "eos_token", "tools",
)  # fmt: skip


UNTHINKING = Thinking(on=False)


@dataclass
class Service:
    """A server without its HTTP: the dialects turn requests into calls of these methods."""

    models: ModelPool
    metrics: Metrics = field(default_factory=Metrics)
    limiter: RateLimiter = field(default_factory=RateLimiter)
    planner: Planner = field(default_factory=Planner)
    files: Files | None = None  # that were sent before
    _decoding: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "galop-pictures"))

    async def open(self, key: ApiKey, name: str | None) -> tuple[Resident, AsyncExitStack]:
        """A model in memory, and the lease that keeps it there until it is closed.

        Raises ApiError: 404 for a model that is not here or not the key's to use, 429 where the key's minute is spent.
        """
        self.limiter.check(key)
        lease = AsyncExitStack()
        resident = await lease.enter_async_context(self.models.use(name, key))
        return resident, lease

    async def chat(
        self,
        key: ApiKey,
        name: str | None,
        messages: Sequence[ChatMessage],
        thinking: Thinking,
        variables: dict[str, Any] | None = None,
        tools: ToolSelection | None = None,
        turn: PromptEnd = "begin",
    ) -> Reply:
        """The reply to a conversation, or the rest of its last message (see `resolve_turn`), not started.

        `variables` are for the model's template. Raises ApiError (400, 404, 429), TemplateError, EncoderError,
        QueueFullError, PictureError.
        """
        name, suffix = split_name(name)
        tools, variables, lead = tools or ToolSelection(), variables or {}, None
        science = tools.science or (ScienceTool(type=SCIENCE, details=suffix.endswith(DETAILS)) if suffix else None)
        if science and not can_compute():
            message = "this server computes nothing; on its machine: pip install 'galop[science]'"
            raise ApiError(400, "unsupported_parameter", message, "tools" if tools.science else "model")
        for variable in RESERVED_VARIABLES:
            if variable in variables:
                message = f"chat_template_kwargs.{variable} is not supported"
                raise ApiError(400, "unsupported_parameter", message, "chat_template_kwargs")
        resident, lease = await self.open(key, name)
        try:
            model = require_writer(resident.model)
            history = await self._read(resident, key, messages)
            await asyncio.to_thread(check_length, model, [history, tools.tools, variables])
            if science and turn == "begin" and history[-1]["role"] == "user" and not pictures_of(history):
                texts = user_texts(history)
                self.limiter.charge(key, len(await asyncio.to_thread(model.tokenizer.encode, texts[-1])))
                answer = await asyncio.wrap_future(self.planner.submit(texts, tools.required and not tools.tools))
                if answer and answer.is_own:
                    lead = TextDelta(0, Text(answer.lead), answer.data())
                elif answer:
                    return ComputedReply(
                        self.metrics, self.limiter, resident, key, [], lease, UNTHINKING, suffix=suffix, answer=answer,
                        details=bool(science.details),
                    )  # fmt: skip
            tools = replace(tools, required=tools.required and bool(tools.tools))
            ids = await asyncio.to_thread(model.prompt, history, thinking, tools.tools, turn, variables)
        except BaseException:
            await lease.aclose()
            raise
        return Reply(self.metrics, self.limiter, resident, key, [ids], lease, thinking, tools, suffix=suffix, lead=lead)

    async def _read(self, resident: Resident, key: ApiKey, messages: Sequence[ChatMessage]) -> list[Message]:
        """The messages as templates take them, pictures decoded by one thread so that others have theirs.

        Raises ApiError (400), also for pictures that the model does not see, and PictureError.
        """
        sees = resident.model.capabilities.sees
        shown = next((i for i, message in enumerate(messages) if message.shows), None)
        if shown is not None and not sees:
            blind = BlindModelError(resident.name, await asyncio.to_thread(self.models.seeing, key))
            part = next(i for i, part in enumerate(messages[shown].parts) if part.is_picture)
            raise ApiError(400, "media_not_allowed", str(blind), f"messages[{shown}].content[{part}]")
        parts = [part for message in messages for part in message.parts]
        pictured = any(part.is_file or (sees and part.is_picture) for part in parts)
        loop = asyncio.get_running_loop()
        find = partial(self.files.read, key.hash) if self.files else find_nothing
        read = partial(read_messages, messages, sees, find, key.hash)
        return await loop.run_in_executor(self._decoding if pictured else None, read)

    async def complete(
        self, key: ApiKey, name: str | None, given: str | Sequence[str | list[int]], suffix: str | None = None
    ) -> Reply:
        """The reply to a text or to several, each a string or token ids, not started.

        It is what follows, or with a suffix what belongs between. Raises ApiError (400, 404, 429).
        """

        def encode(model: TokenBackend) -> list[list[int]]:
            prompts = [given] if isinstance(given, str) else given
            if suffix is None:
                return [encode_prompt(model, prompt, "prompt") for prompt in prompts]
            return [encode_middle(model, prompt, suffix) for prompt in prompts]

        return await self.complete_encoded(key, name, encode)

    async def complete_encoded(
        self, key: ApiKey, name: str | None, encode: Callable[[TokenBackend], list[list[int]]]
    ) -> Reply:
        """The reply to prompts as `encode` makes them for the model, not started. Raises ApiError (400, 404, 429)."""
        resident, lease = await self.open(key, name)
        try:
            prompts = await asyncio.to_thread(encode, require_writer(resident.model))
        except BaseException:
            await lease.aclose()
            raise
        return Reply(self.metrics, self.limiter, resident, key, prompts, lease)


def split_name(name: str | None) -> tuple[str | None, str]:
    """A model's name, and the suffix by which its technical questions are to be computed, or ""."""
    plain = (name or "").removesuffix(DETAILS)
    if name and plain.endswith(SUFFIX):
        return plain.removesuffix(SUFFIX), name[len(plain) - len(SUFFIX) :]
    return name, ""
