"""The reply to a technical question: what the program computes, without a word of the model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from galop.backends.events import Done, Text
from galop.chat.response_format import ResponseFormat
from galop.server.errors import ApiError
from galop.server.reply import Reply, ReplyEvent, ReplyOptions
from galop.server.reply_events import ChoiceEnd, TextDelta
from galop.server.usage import count_usage

if TYPE_CHECKING:
    from galop.science.planning.answer import Answer

NOTHING = Done("stop", 0, 0, 0, 0.0, 0.0, 0.0)  # what the model does


@dataclass
class ComputedReply(Reply):
    """A reply without a prompt, whose choices are all the same computed answer."""

    answer: Answer = field(kw_only=True)
    details: bool = field(default=False, kw_only=True)  # what it rests on is part of the text
    n: int = 1

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
        """OpenAI's `usage`: the model reads and writes nothing."""
        return count_usage([[]], {}, 1)

    def go_on_from(self, ids: Sequence[int]) -> None:
        """What is computed follows from no earlier tokens."""

    async def start(self, options: Callable[[], ReplyOptions], form: ResponseFormat | None = None) -> None:
        """Gives the model back. Raises ApiError (400) for a form, and what `options` raises."""
        await self.lease.aclose()
        if form:
            message = "what is computed has no form but its own; leave the format of the answer out"
            raise ApiError(400, "unsupported_parameter", message, form.field or "response_format")
        self.n = options().n

    async def events(self) -> AsyncGenerator[ReplyEvent]:
        """The answer, once for each choice."""
        text, details = self.answer.text(), self.answer.details()
        if self.details and details:
            text += f"\n\n{details}"
        for i in range(self.n):
            yield TextDelta(i, Text(text, 0), self.answer.data())
        self.ends = dict.fromkeys(range(self.n), NOTHING)
        for i in range(self.n):
            yield ChoiceEnd(i, NOTHING)
