"""What a backend emits while it answers: pieces of text, how far the prompt has been read, calls, and the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from galop.chat.tools import ToolCall, ToolCallDelta
from galop.engine.sampling import SampledToken
from galop.errors import GalopError


@dataclass(frozen=True)
class Text:
    """A piece of the reply, how many tokens it is, and these where log-probabilities were asked for."""

    text: str
    tokens: int = 1
    drawn: tuple[SampledToken, ...] = ()
    thinking: bool = False


@dataclass(frozen=True)
class Prefill:
    """How much of the prompt has been read."""

    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """The end of an answer: why, and what it took. Rates are tokens per second."""

    reason: Literal["stop", "length", "cancelled"]
    prompt_tokens: int
    cached_tokens: int
    answer_tokens: int
    prompt_seconds: float
    answer_seconds: float
    first_token_seconds: float
    stop: str = ""  # the stop string that ended it
    thinking_tokens: int = 0  # of the answer_tokens

    @property
    def prompt_rate(self) -> float:
        """Tokens per second at which the part of the prompt was read that the prefix cache did not hold."""
        return (self.prompt_tokens - self.cached_tokens) / max(self.prompt_seconds, 1e-9)

    @property
    def answer_rate(self) -> float:
        """Over the tokens after the first, which the prompt pays for."""
        return max(self.answer_tokens - 1, 0) / max(self.answer_seconds, 1e-9)

    def and_then(self, later: Done) -> Done:
        """Both as one, for an answer of several replies."""
        return replace(
            later,
            prompt_tokens=self.prompt_tokens + later.prompt_tokens,
            cached_tokens=self.cached_tokens + later.cached_tokens,
            answer_tokens=self.answer_tokens + later.answer_tokens,
            thinking_tokens=self.thinking_tokens + later.thinking_tokens,
            prompt_seconds=self.prompt_seconds + later.prompt_seconds,
            answer_seconds=self.answer_seconds + later.answer_seconds,
            first_token_seconds=self.first_token_seconds,
        )


@dataclass(frozen=True)
class Failure:
    """The end of an answer that could not be finished. An iterator of events raises its error instead."""

    error: GalopError


Event = Text | Prefill | ToolCall | Done
"""What an iterator over a reply yields; `Done` is the last."""
StreamEvent = Event | ToolCallDelta | Failure
"""What a submitted request emits: calls also in parts, and an error in place of `Done`."""
Emit = Callable[[StreamEvent], None]
