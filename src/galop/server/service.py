"""What every route needs: models, metrics and rate limits, and the way from a conversation or a text to a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from galop.backends.protocol import TokenBackend
from galop.chat.template import PromptEnd
from galop.chat.thinking import Thinking
from galop.server.api_keys import ApiKey
from galop.server.errors import ApiError
from galop.server.metrics import Metrics
from galop.server.model_pool import ModelPool, Resident
from galop.server.rate_limit import RateLimiter
from galop.server.reply import Reply
from galop.server.request.messages import ChatMessage
from galop.server.request.prompts import check_length, encode_middle, encode_prompt, require_writer
from galop.server.request.tools import ToolSelection

# What a template's variables may not be, since something else says it.
RESERVED_VARIABLES = (
    "self", "chat_template", "tokenize", "messages", "add_generation_prompt", "bos_token", "eos_token", "tools",
)  # fmt: skip


@dataclass
class Service:
    """A server without its HTTP: the dialects turn requests into calls of these methods."""

    models: ModelPool
    metrics: Metrics = field(default_factory=Metrics)
    limiter: RateLimiter = field(default_factory=RateLimiter)

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

        `variables` are for the model's template. Raises ApiError (400, 404, 429), TemplateError, EncoderError.
        """
        tools, variables = tools or ToolSelection(), variables or {}
        for variable in RESERVED_VARIABLES:
            if variable in variables:
                message = f"chat_template_kwargs.{variable} is not supported"
                raise ApiError(400, "unsupported_parameter", message, "chat_template_kwargs")
        resident, lease = await self.open(key, name)
        try:
            model = require_writer(resident.model)
            history = await asyncio.to_thread(lambda: [m.message() for m in messages])
            await asyncio.to_thread(check_length, model, [history, tools.tools, variables])
            ids = await asyncio.to_thread(model.prompt, history, thinking, tools.tools, turn, variables)
        except BaseException:
            await lease.aclose()
            raise
        return Reply(self.metrics, self.limiter, resident, key, [ids], lease, thinking, tools)

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
