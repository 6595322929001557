"""How the next token is sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galop import native
from galop.errors import NumericalError
from galop.ops.plan import Array


@dataclass(frozen=True)
class Sampling:
    """temperature 0 is greedy; top_k 0, top_p 1 and min_p 0 keep every token. Applied in that order.

    Raises ValueError for a setting that is out of range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "temperature": (0, 100),
            "top_k": (0, 1 << 31),
            "top_p": (0, 1),
            "min_p": (0, 1),
            "repetition_penalty": (0.01, 100),
            "presence_penalty": (-100, 100),
            "frequency_penalty": (-100, 100),
            "seed": (0, (1 << 64) - 1),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} = {getattr(self, name)} is not between {low} and {high}")

    @property
    def penalises(self) -> bool:
        """Whether the tokens before matter."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0


@dataclass(frozen=True)
class SampledToken:
    """A token, its log-probability and the likely tokens with theirs, likeliest first, where these were wanted."""

    token: int
    logprob: float | None = None
    top_logprobs: tuple[tuple[int, float], ...] = ()


def sample(
    logits: Array,
    how: Sampling,
    position: int,
    history: Sequence[int],
    prompt_length: int = 0,
    mask: Array | None = None,
    logprobs: int = 0,
) -> SampledToken:
    """The token at `position`, from float32 logits [vocabulary]; the same seed and position always give the same.

    `history` is what penalties look at: repetition at all of it, presence and frequency at what follows prompt_length.
    `mask` has a bit per allowed token (uint32 [vocabulary / 32]). Raises NumericalError if logits are not finite.
    """
    try:
        token, top = native.sample(
            logits, how.temperature, how.top_k, how.top_p, how.min_p, how.repetition_penalty, how.presence_penalty,
            how.frequency_penalty, how.seed, position, np.array(history, np.int32), prompt_length, mask, logprobs,
        )  # fmt: skip
    except ValueError as error:
        raise NumericalError(f"{error}: the weights are damaged or not numbers") from None
    if not top:
        return SampledToken(token)
    return SampledToken(token, top[0][1], tuple(top[1:]))
