"""Keys and values of the last tokens alone, as sliding-window attention reads them (Beltagy et al., 2020): blocks that
have fallen out of the window are given back, and a sequence can begin where those of the window are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from galop.engine.states.paged import PagedState, blocks_for
from galop.engine.states.state import BLOCK_TOKENS, CHUNK_TOKENS, Reuse
from galop.ops.plan import Window


@dataclass(frozen=True)
class WindowState(PagedState):
    """The keys and values of `layers`, whose windows are equal."""

    layers: Sequence[Window]  # type: ignore[assignment]
    whole: ClassVar[bool] = False

    @property
    def window(self) -> int:
        """Tokens that each token sees, itself among them."""
        return self.layers[0].window

    def capacity(self, tokens: int, sequences: int, interval: int) -> int:
        """A window of each sequence while it is read, and as much for those that have ended."""
        return min(blocks_for(tokens), 2 * sequences * self.blocks_needed(tokens))

    def blocks_needed(self, length: int) -> int:
        """Those of the window and of a chunk of the prompt."""
        return min(length, self.window + CHUNK_TOKENS) // BLOCK_TOKENS + 2

    def needs(self, length: int) -> range:
        """Those with a token that the next one sees."""
        return range(max(0, length + 1 - self.window) // BLOCK_TOKENS, blocks_for(length))

    def reuse(self, known: Sequence[bool], length: int) -> Reuse:
        """As far as all blocks of a window are known."""
        reached, since = 0, 0  # the blocks from `since` on are known
        for place in range(blocks_for(length)):
            if not known[place]:
                since = place + 1
            elif self.needs(end := min((place + 1) * BLOCK_TOKENS, length)).start >= since:
                reached = end
        return Reuse(reached, "" if reached == length else "the window before it has been given back")
