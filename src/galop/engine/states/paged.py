"""Keys and values of all tokens, in blocks that sequences share: full attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states.state import BLOCK_TOKENS, KVType
from galop.ops.plan import Paged


def layer_bytes(layer: Paged, kv: KVType) -> int:
    """Bytes one layer's keys and values take in a block: fp16, or int8 with an fp16 scale per 32 values."""
    values = (layer.k_width + layer.v_width) * BLOCK_TOKENS
    return values * 2 if kv == "f16" else values // 32 * 34


@dataclass(frozen=True)
class PagedState:
    """The keys and values of `layers`, one behind the other in a block."""

    layers: Sequence[Paged]
    kv: KVType

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers."""
        return sum(layer_bytes(layer, self.kv) for layer in self.layers)
