"""What a kind of state says of itself, so that nobody who handles sequences has to know the kind.

The layers of one kind are a part of what a model keeps: they have a pool of blocks of their own (`block_pool.py`), and
of each sequence a table of those that are its own. The part's `State` answers in pure functions of lengths in tokens:
how many blocks are needed, and with how much of a known prefix a sequence can begin. Its `Table` does what follows from
that for one sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from galop.engine.block_pool import BlockPool

BLOCK_TOKENS = 32  # as native/kernels.h has it: keys are panels of 16 rows, weights of values have a scale for 32
BLOCK_LAYOUT = 4  # what blocks on disk are known by: another number wherever kv_blocks.inl or latent.inl changes them
NO_BLOCK = -1  # in a table: what the sequence does without
CHUNK_TOKENS = 512  # at most in a step: its scratch memory is reckoned for so many (`backends/memory.py`)
KVType = Literal["f16", "int8"]


@dataclass(frozen=True)
class Reuse:
    """How many tokens of a known prefix a new sequence can begin with, and why not all; "" where it can."""

    length: int
    reason: str = ""


class State(Protocol):
    """What the layers of one kind keep of sequences."""

    whole: ClassVar[
        bool
    ]  # a sequence never does without any of its blocks, so the prefix cache knows none after a missing one
    by_token: ClassVar[bool]  # a block holds its tokens one by one, so a sequence can also begin with the first of them

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers; of states that do not grow, of a whole sequence."""

    def capacity(self, tokens: int, sequences: int, interval: int) -> int:
        """Blocks that so many sequences of so many tokens in all may take, and what the prefix cache keeps of them:
        states that do not grow at every `interval` tokens."""

    def blocks_needed(self, length: int) -> int:
        """Blocks that a sequence of so many tokens holds at most, while it is read and while it goes on."""

    def needs(self, length: int) -> range:
        """The blocks, by their place in the sequence, with which one of `length` tokens can go on."""

    def reuse(self, known: Sequence[bool], length: int) -> Reuse:
        """With how many of `length` tokens a sequence can begin where these blocks of them are known."""

    def table(self, pool: BlockPool) -> Table:
        """An empty table."""


class Table(Protocol):
    """The blocks of one sequence in one part. A step is prepared, then it has either advanced or is abandoned."""

    @property
    def held(self) -> int:
        """How many blocks of the pool it holds."""

    def begin(self, blocks: Sequence[int], length: int) -> None:
        """Takes over blocks for the first `length` tokens, NO_BLOCK for those that are not needed."""

    def prepare(self, length: int, saves: Sequence[int]) -> None:
        """Takes blocks for a step to `length` tokens, after which the sequence can be cut back to any of `saves`, the
        last of which is `length`. Raises MemoryError; what it got until then stays its own until it is abandoned."""

    def prepare_snapshot(self, length: int) -> None:
        """Takes a block for the state at this length within the step, for the prefix cache. Raises MemoryError."""

    def row(self, start: int, saves: Sequence[int]) -> list[int]:
        """The blocks as the native step from `start` takes them."""

    def advance(self, length: int, keep: int) -> None:
        """The step has been made; the sequence will not be cut back to less than `keep` tokens."""

    def abandon(self) -> None:
        """The step was not made."""

    def block(self, place: int, length: int) -> int:
        """The block at this place of the sequence, which holds what is kept of its first `length` tokens, for the
        prefix cache; NO_BLOCK where there is none."""

    def expire(self, length: int) -> None:
        """Gives back what a sequence of so many tokens, or any more, does not need."""

    def rewind(self, length: int) -> int:
        """The last length, at most `length`, to which it can be cut back."""

    def truncate(self, length: int) -> None:
        """Cuts back to a length that `rewind` gave."""

    def room(self) -> int:
        """To how many lengths before the end of the next step it could be cut back."""

    def assume(self, length: int) -> None:
        """Takes blocks for `length` tokens that were never read, whatever they hold: for timing. Raises MemoryError."""
