"""A model whose layers keep states of several kinds: it can do what all of them can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states.state import Reuse, State


@dataclass(frozen=True)
class CombinedState:
    """The states of `parts`, in the same blocks."""

    parts: Sequence[State]

    @property
    def block_bytes(self) -> int:
        """Bytes of all parts."""
        return sum(part.block_bytes for part in self.parts)

    @property
    def sequence_bytes(self) -> int:
        """Bytes of all parts."""
        return sum(part.sequence_bytes for part in self.parts)

    @property
    def persistent(self) -> bool:
        """Whether all parts are."""
        return all(part.persistent for part in self.parts)

    def rewind(self, length: int, target: int) -> int:
        """The last length to which all parts can go back."""
        while (lowest := min(part.rewind(length, target) for part in self.parts)) < min(length, target):
            target = lowest
        return lowest

    def reuse(self, length: int) -> Reuse:
        """As much of a prefix as all parts can begin with, and why the one that can least cannot with more."""
        known = Reuse(length)
        while True:
            least = min((part.reuse(known.length) for part in self.parts), key=lambda reuse: reuse.length)
            if least.length == known.length:
                return known
            known = least

    def dead_blocks(self, length: int) -> int:
        """Blocks that no part reads again."""
        return min(part.dead_blocks(length) for part in self.parts)
