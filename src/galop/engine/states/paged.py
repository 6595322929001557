"""Keys and values of all tokens, as paged attention reads them (Kwon et al., 2023): each token has a place of its own
in a block, so a sequence can go back to any token, and share any prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states.state import BLOCK_TOKENS, KVType, Reuse
from galop.ops.plan import Paged


@dataclass(frozen=True)
class PagedState:
    """The keys and values of `layers`: fp16, or int8 with an fp16 scale per 32 values."""

    layers: Sequence[Paged]
    kv: KVType

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers."""
        values = BLOCK_TOKENS * sum(layer.k_width + layer.v_width for layer in self.layers)
        return values * 2 if self.kv == "f16" else values // 32 * 34

    @property
    def sequence_bytes(self) -> int:
        """Nothing that does not grow with the tokens."""
        return 0

    @property
    def persistent(self) -> bool:
        """Blocks are all there is."""
        return True

    def rewind(self, length: int, target: int) -> int:
        """Any token can be the last."""
        return min(length, target)

    def reuse(self, length: int) -> Reuse:
        """All of a prefix."""
        return Reuse(length)

    def dead_blocks(self, length: int) -> int:
        """None: every later token looks at all before it."""
        return 0
