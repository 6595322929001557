"""The interface between the page and whatever answers: a session of one visitor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from galop.backends.events import Done, Prefill, Text


class Session(Protocol):
    """Models as one visitor may use them."""

    @property
    def owner(self) -> str:
        """Whose conversations are shown."""

    def models(self) -> list[str]:
        """Names of the models that may be asked."""

    def is_loaded(self, model: str) -> bool:
        """Whether a model is in memory."""

    def sees(self, model: str) -> bool:
        """Whether a model may be shown pictures."""

    @property
    def computes(self) -> bool:
        """Whether technical questions can be answered with numbers that are computed."""

    def answer(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        temperature: float | None,
        think: bool,
        science: bool = False,
    ) -> AsyncGenerator[Text | Prefill | Done | Mapping[str, Any]]:
        """Answers a conversation, whose contents are texts or OpenAI's parts, in a stream that ends in `Done`; the
        temperature is the model's own for None.

        With `science` a technical question is answered with what is computed, and what that rests on follows as
        `galop.science.planning.answer.Answer.data` has it. Raises GalopError, also for what is refused.
        """

    def explain(self, error: Exception) -> str:
        """An error in a sentence."""
