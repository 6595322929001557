"""A state of fixed size that every token changes (linear attention, state-space models, short convolutions).

A block here is a slot with the whole state of a sequence at one length, and is never changed once it is written: a step
reads the state from one slot and writes what it has become into others, at its end, and wherever else it may be wanted.
So a sequence can begin where somebody kept a slot, several can begin with the same, and one goes back to wherever it
kept one: after each token of a draft.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from galop.engine.block_pool import BlockPool
from galop.engine.states.paged import blocks_for
from galop.engine.states.state import BLOCK_TOKENS, NO_BLOCK, KVType, Reuse
from galop.ops.plan import Recurrent

SEQUENCE_SLOTS = 3  # what a step reads, what it writes, and the state at the prompt's last block


@dataclass(frozen=True)
class RecurrentState:
    """The states of `layers`, float32."""

    layers: Sequence[Recurrent]
    kv: KVType
    whole: ClassVar[bool] = False
    by_token: ClassVar[bool] = False

    @property
    def block_bytes(self) -> int:
        """Bytes of a sequence in all layers, each of which begins at a cache line."""
        return sum(-(-layer.floats // 16) * 64 for layer in self.layers)

    def capacity(self, tokens: int, sequences: int, interval: int) -> int:
        """Slots of sequences, and one for each interval."""
        return SEQUENCE_SLOTS * sequences + tokens // interval

    def blocks_needed(self, length: int) -> int:
        """Slots of one sequence."""
        return SEQUENCE_SLOTS

    def needs(self, length: int) -> range:
        """The last, which holds the state at `length`."""
        return range(blocks_for(length) - 1, blocks_for(length)) if length else range(0)

    def reuse(self, known: Sequence[bool], length: int) -> Reuse:
        """As far as the last slot that is known."""
        last = next((place for place in reversed(range(blocks_for(length))) if known[place]), -1)
        reached = min((last + 1) * BLOCK_TOKENS, length)
        return Reuse(reached, "" if reached == length else "no recurrent state was kept there")

    def table(self, pool: BlockPool) -> SlotTable:
        """An empty table."""
        return SlotTable(pool)


class SlotTable:
    """`slots` are the states that are kept, by the length at which each is the sequence's."""

    def __init__(self, pool: BlockPool) -> None:
        self.pool = pool
        self.slots: dict[int, int] = {}
        self.snapshots: set[int] = set()  # lengths of those that are kept for the prefix cache
        self._fresh: dict[int, int] = {}  # of the step that is prepared

    @property
    def held(self) -> int:
        """How many slots of the pool it holds."""
        return len(self.slots)

    def begin(self, blocks: Sequence[int], length: int) -> None:
        """Takes over the state at `length`."""
        self.slots = {length: blocks[-1]} if length else {}

    def prepare(self, length: int, saves: Sequence[int]) -> None:
        """Takes a slot for each of `saves`. Raises MemoryError."""
        for at in saves:
            self._fresh[at] = self.pool.allocate()

    def prepare_snapshot(self, length: int) -> None:
        """Takes a slot, unless there is one for this length. Raises MemoryError."""
        if length not in self._fresh:
            self._fresh[length] = self.pool.allocate()
        self.snapshots.add(length)

    def row(self, start: int, saves: Sequence[int]) -> list[int]:
        """The slot to begin with, and those to write."""
        return [self.slots[start] if start else NO_BLOCK, *(self._fresh[at] for at in saves)]

    def advance(self, length: int, keep: int) -> None:
        """Keeps the last state, those from `keep` on and the snapshots."""
        self.slots.update(self._fresh)
        self._fresh.clear()
        self._release([at for at in self.slots if at < keep and at not in self.snapshots])

    def abandon(self) -> None:
        """Gives back the slots of the step."""
        for at, slot in self._fresh.items():
            self.pool.release(slot)
            self.snapshots.discard(at)
        self._fresh.clear()

    def block(self, place: int, length: int) -> int:
        """The snapshot at `length`, or the state there if that is not the end of a block."""
        return self.slots.get(length, NO_BLOCK) if length in self.snapshots or length % BLOCK_TOKENS else NO_BLOCK

    def expire(self, length: int) -> None:
        """Gives back all states before `length`; the prefix cache has the snapshots now."""
        self._release([at for at in self.slots if at < length])
        self.snapshots = {at for at in self.snapshots if at >= length}

    def rewind(self, length: int) -> int:
        """The last state that is kept until there."""
        return max((at for at in self.slots if at <= length), default=0)

    def truncate(self, length: int) -> None:
        """Gives back the states after `length`."""
        self._release([at for at in self.slots if at > length or not length])
        self.snapshots = {at for at in self.snapshots if at <= length}

    def room(self) -> int:
        """As many as there are slots that nobody uses, but one for the step's end."""
        return max(0, self.pool.available - 1)

    def assume(self, length: int) -> None:
        """Takes a slot. Raises MemoryError."""
        if length:
            self.slots = {length: self.pool.allocate()}

    def _release(self, lengths: Sequence[int]) -> None:
        for at in lengths:
            self.pool.release(self.slots.pop(at))
