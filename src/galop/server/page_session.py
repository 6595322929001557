"""What the page at `/` needs of this server, for the key of one visitor: models, and answers to conversations."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import Scope

from galop.agent.planner import can_compute
from galop.backends.events import Done, Prefill, Text
from galop.chat.thinking import Thinking
from galop.errors import GalopError
from galop.server.api_keys import ApiKey
from galop.server.errors import ApiError, api_error
from galop.server.reply import ReplyOptions
from galop.server.reply_events import ChoiceEnd, TextDelta
from galop.server.request.messages import ChatMessage
from galop.server.request.tools import SCIENCE, ScienceTool, ToolSelection
from galop.server.service import Service
from galop.store.model_info import find_info


@dataclass(frozen=True)
class PageSession:
    """The server as one key may use it."""

    service: Service
    key: ApiKey

    @classmethod
    def open(cls, service: Service, scope: Scope) -> PageSession:
        """The session of a request that has passed the guard."""
        return cls(service, scope["state"]["key"])

    @property
    def owner(self) -> str:
        """Whose conversations are shown: the hash of the key, which another key of its name does not share."""
        return self.key.hash

    def models(self) -> list[str]:
        """Names of the models that may be asked."""
        return list(self.service.models.visible(self.key))

    def is_loaded(self, model: str) -> bool:
        """Whether a model is in memory."""
        return model in self.service.models.residents

    def sees(self, model: str) -> bool:
        """Whether a model may be shown pictures, as its files say."""
        source = self.service.models.visible(self.key).get(model)
        return bool(source and source.path and find_info(source).sees)

    @property
    def computes(self) -> bool:
        """Whether technical questions can be answered with numbers that are computed."""
        return can_compute()

    async def answer(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        temperature: float | None,
        think: bool,
        science: bool = False,
    ) -> AsyncGenerator[Text | Prefill | Done | Mapping[str, Any]]:
        """Answers a conversation, whose contents are texts or OpenAI's parts, in a stream that ends in `Done`; the
        temperature is the model's own for None.

        With `science` a technical question is answered with what is computed, and what that rests on follows. Raises
        GalopError, also for what a client is refused.
        """
        history = [ChatMessage.model_validate(m) for m in messages]
        try:
            tools = ToolSelection(science=ScienceTool(type=SCIENCE, details=False) if science else None)
            reply = await self.service.chat(self.key, model, history, Thinking(on=think), tools=tools)
            sampling = reply.model.sampling_for(reply.thinking)
            if temperature is not None:
                sampling = replace(sampling, temperature=temperature)
            sampling = replace(sampling, seed=secrets.randbits(32))
            await reply.start(lambda: ReplyOptions(sampling=sampling))
            async with aclosing(reply.events()) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        yield event.event
                        if event.science:
                            yield event.science
                    elif isinstance(event, ChoiceEnd):
                        yield event.done
                    elif isinstance(event, Prefill):
                        yield event
        except ApiError as error:
            raise GalopError(error.message) from error

    def explain(self, error: Exception) -> str:
        """An error in a sentence; of one that was not foreseen, only that it is in the log."""
        return api_error(error).message
