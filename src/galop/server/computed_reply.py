"""The reply to a technical question: what the program computes, by the way that the model chooses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

from galop.backends.events import Done, Text
from galop.chat.response_format import ResponseFormat
from galop.server.errors import ApiError
from galop.server.reply import Reply, ReplyEvent, ReplyOptions
from galop.server.reply_events import ChoiceEnd, TextDelta
from galop.server.usage import count_usage

if TYPE_CHECKING:
    from galop.science.planning.proposal import Proposal


@dataclass
class ComputedReply(Reply):
    """A reply whose prompts ask the model to choose; its own choices are all the same computed answer."""

    proposal: Proposal = field(kw_only=True)
    details: bool = field(default=False, kw_only=True)  # what it rests on is part of the text
    n: int = 1
    chosen: dict[int, Done] = field(default_factory=dict)  # what it took to choose

    @property
    def prompt(self) -> list[int]:
        """Nothing that could be gone on from."""
        return []

    @property
    def token_ids(self) -> Sequence[int]:
        """Nothing that could be gone on from."""
        return []

    @property
    def choice_count(self) -> int:
        """As many as were asked for."""
        return self.n

    @property
    def usage(self) -> dict[str, Any]:
        """OpenAI's `usage`: what the model has read and written to choose."""
        return count_usage(self.prompts or [[]], self.chosen, len(self.prompts))

    def go_on_from(self, ids: Sequence[int]) -> None:
        """What is computed follows from no earlier tokens."""

    async def start(self, options: Callable[[], ReplyOptions], form: ResponseFormat | None = None) -> None:
        """Asks the model to choose, if it has to. Raises ApiError (400) for a form, and what a reply's does."""
        prompts = self.prompts
        try:
            if form:
                message = "what is computed has no form but its own; leave the format of the answer out"
                raise ApiError(400, "unsupported_parameter", message, form.field or "response_format")
            self.n, self.prompts = options().n, prompts
        except BaseException:
            await self.lease.aclose()
            raise
        if prompts:
            from galop.agent.science import choice_options

            how = choice_options(self.proposal)
            await super().start(
                lambda: ReplyOptions(sampling=how["sampling"], max_tokens=how["max_tokens"]), how["form"]
            )

    async def events(self) -> AsyncGenerator[ReplyEvent]:
        """The answer, once the model has chosen. Raises the error of a choice that fails."""
        said = [""] * len(self.prompts)
        try:
            if self.prompts:
                async with aclosing(super().events()) as events:
                    async for event in events:
                        if isinstance(event, TextDelta):
                            said[event.index] += "" if event.thinking else event.text
        finally:
            await self.lease.aclose()
        self.chosen = dict(self.ends)
        done = reduce(Done.and_then, self.chosen.values()) if self.chosen else Done("stop", 0, 0, 0, 0.0, 0.0, 0.0)
        answer = self.proposal.conclude(said)
        text, details = answer.text(), answer.details()
        if self.details and details:
            text += f"\n\n{details}"
        for i in range(self.n):
            yield TextDelta(i, Text(text, 0), answer.data())
        self.ends = dict.fromkeys(range(self.n), done)
        for i in range(self.n):
            yield ChoiceEnd(i, done)
