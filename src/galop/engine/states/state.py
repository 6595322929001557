"""What a kind of state says of itself, so that nobody who handles sequences has to know the kind.

Scheduler, speculation and prefix cache ask: how far back can you go, how much of a known prefix can you begin with and
why not more, which blocks will you not read again. The answers depend on lengths in tokens alone, so a kind is a few
pure functions; `kv_cache.py` does what follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

BLOCK_TOKENS = 32  # as native/kernels.h has it: keys in int8 are panels of 16 rows, scales stand for 32 values
KVType = Literal["f16", "int8"]


@dataclass(frozen=True)
class Reuse:
    """How many tokens of a known prefix a new sequence can begin with, and why not all; "" where it can."""

    length: int
    reason: str = ""


class State(Protocol):
    """What the layers of one kind keep of sequences between steps, in blocks of BLOCK_TOKENS tokens."""

    @property
    def block_bytes(self) -> int:
        """Bytes for every BLOCK_TOKENS tokens of a sequence."""

    @property
    def sequence_bytes(self) -> int:
        """Bytes for a sequence, however long it is."""

    @property
    def persistent(self) -> bool:
        """Whether blocks say all there is to know of a prefix, so that a later process can read them from disk."""

    def rewind(self, length: int, target: int) -> int:
        """The length a sequence of `length` tokens has when it goes back to `target`, at most: that itself where each
        token has a place of its own, a snapshot's before it, 0 where it has to be read from its beginning."""

    def reuse(self, length: int) -> Reuse:
        """How many of the first `length` tokens, whose blocks another sequence has filled, can begin a new one."""

    def dead_blocks(self, length: int) -> int:
        """How many of its first blocks a sequence of `length` tokens, or of any more, never reads again."""
