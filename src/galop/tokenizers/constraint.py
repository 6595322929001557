"""Constraints on what may be sampled, token by token, and the bit masks over the vocabulary that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

Mask = np.ndarray[Any, np.dtype[Any]]
"""A bit for each token, uint32 [vocabulary / 32], the lowest of the first word for token 0: what the native sampler
reads and what grammar libraries write."""


class Constraint(Protocol):
    """A logits processor that may also force tokens. Every method may raise GalopError to end its text, and only it."""

    def mask(self) -> Mask | None:
        """A bit for each token that may come next; None where all may."""

    def interpret(self, token: int) -> int:
        """The token that a sampled one stands for, such as the stop token for white space after a finished answer."""
        return token

    def accept(self, token: int) -> Sequence[int]:
        """Takes each token in turn, and gives those that must follow it, which it is not given again."""


def bit_mask(flags: np.ndarray[Any, np.dtype[Any]], rows: int) -> Mask:
    """A bit for each of `rows` tokens, from bool [up to rows]; none beyond."""
    padded = np.zeros(-(-rows // 32) * 32, bool)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view(np.uint32)


def full_mask(rows: int) -> Mask:
    """A mask that allows all of `rows` tokens."""
    return np.full(-(-rows // 32), 0xFFFFFFFF, np.uint32)


def allows(mask: Mask, token: int) -> bool:
    """Whether the token's bit is set."""
    return bool(mask[token // 32] >> token % 32 & 1)


def allow(mask: Mask, token: int) -> None:
    """Sets the token's bit, in place."""
    mask[token // 32] |= np.uint32(1 << token % 32)


def forbid(mask: Mask, token: int) -> None:
    """Clears the token's bit, in place."""
    mask[token // 32] &= ~np.uint32(1 << token % 32)
