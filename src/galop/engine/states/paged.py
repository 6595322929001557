"""Keys and values of all tokens, as paged attention reads them (Kwon et al., 2023): each token has a place of its own
in a block, so a sequence can go back to any token, and share any prefix."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from galop.engine.block_pool import BlockPool
from galop.engine.states.state import BLOCK_TOKENS, NO_BLOCK, KVType, Reuse
from galop.ops.plan import Paged


@dataclass(frozen=True)
class PagedState:
    """The keys and values of `layers`, in integers of 16 bits ("f16") or 8 with their scales."""

    layers: Sequence[Paged]
    kv: KVType
    whole: ClassVar[bool] = True
    by_token: ClassVar[bool] = True

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers."""
        return bytes_of(sum(layer.k_width + layer.v_width for layer in self.layers), self.kv)

    def capacity(self, tokens: int, sequences: int, interval: int) -> int:
        """Those of all tokens."""
        return blocks_for(tokens)

    def blocks_needed(self, length: int) -> int:
        """Those of all tokens, with one to come."""
        return length // BLOCK_TOKENS + 1

    def needs(self, length: int) -> range:
        """All."""
        return range(blocks_for(length))

    def reuse(self, known: Sequence[bool], length: int) -> Reuse:
        """All before the first that is missing."""
        missing = next((i for i, there in enumerate(known) if not there), len(known))
        return Reuse(min(length, missing * BLOCK_TOKENS))

    def table(self, pool: BlockPool) -> BlockTable:
        """An empty table."""
        return BlockTable(pool, self)


def blocks_for(tokens: int) -> int:
    """Blocks that so many tokens take."""
    return -(-tokens // BLOCK_TOKENS)


def bytes_of(width: int, kv: KVType) -> int:
    """Bytes of a block whose tokens have `width` values each, as `kv_bytes` of native/kernels.h has it."""
    return width * 2 * (BLOCK_TOKENS + 1) if kv == "f16" else BLOCK_TOKENS * width // 32 * 34


class BlockTable:
    """`blocks[i]` holds the tokens from i * BLOCK_TOKENS on; the first `expired` have been given back."""

    def __init__(self, pool: BlockPool, state: PagedState) -> None:
        self.pool = pool
        self.state = state
        self.blocks: list[int] = []
        self.expired = 0

    @property
    def held(self) -> int:
        """How many blocks of the pool it holds."""
        return len(self.blocks) - self.expired

    def begin(self, blocks: Sequence[int], length: int) -> None:
        """Takes over blocks."""
        self.blocks = list(blocks)
        self.expired = self.state.needs(length).start

    def prepare(self, length: int, saves: Sequence[int]) -> None:
        """Takes blocks for `length` tokens. Raises MemoryError; those it got until then stay its own."""
        while len(self.blocks) * BLOCK_TOKENS < length:
            self.blocks.append(self.pool.allocate())

    def prepare_snapshot(self, length: int) -> None:
        """Nothing: what is kept of a token stays as it is."""

    def row(self, start: int, saves: Sequence[int]) -> list[int]:
        """The blocks."""
        return self.blocks

    def advance(self, length: int, keep: int) -> None:
        """Nothing: `expire` gives back what has been published."""

    def abandon(self) -> None:
        """Nothing: blocks that were taken are used by the next step."""

    def block(self, place: int, length: int) -> int:
        """The block, if it has not been given back."""
        return self.blocks[place]

    def expire(self, length: int) -> None:
        """Gives back the blocks before those that are needed."""
        for i in range(self.expired, min(self.state.needs(length).start, len(self.blocks))):
            self.pool.release(self.blocks[i])
            self.blocks[i] = NO_BLOCK
            self.expired = i + 1

    def rewind(self, length: int) -> int:
        """Any token can be the last whose needs are still there."""
        return length if self.state.needs(length).start >= self.expired else 0

    def truncate(self, length: int) -> None:
        """Gives back the blocks after `length` tokens."""
        keep = blocks_for(length)
        for block in self.blocks[max(keep, self.expired) :]:
            self.pool.release(block)
        del self.blocks[keep:]
        self.expired = min(self.expired, keep)

    def room(self) -> int:
        """Any."""
        return sys.maxsize

    def assume(self, length: int) -> None:
        """Takes blocks for `length` tokens. Raises MemoryError."""
        self.expired = self.state.needs(length).start
        self.blocks = [NO_BLOCK] * self.expired
        self.prepare(length, [])
