"""Keys and values of all tokens, as paged attention reads them (Kwon et al., 2023): each token has a place of its own
in a block, so a sequence can go back to any token, and share any prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states.state import BLOCK_TOKENS, KVType, Reuse
from galop.ops.plan import Paged


def layer_bytes(layer: Paged, kv: KVType) -> int:
    """Bytes one layer's keys and values take in a block: fp16, or int8 with an fp16 scale per 32 values."""
    values = (layer.k_width + layer.v_width) * BLOCK_TOKENS
    return values * 2 if kv == "f16" else values // 32 * 34


@dataclass(frozen=True)
class PagedState:
    """The keys and values of `layers`, one layer behind the other in a block."""

    layers: Sequence[Paged]
    kv: KVType

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers."""
        return sum(layer_bytes(layer, self.kv) for layer in self.layers)

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
