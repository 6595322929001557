"""One row for each token from which all heads make their keys and values (multi-head latent attention: DeepSeek-AI,
2024). Rows lie in blocks as keys do, so a sequence can go back to any token, and share any prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states.paged import PagedState, bytes_of
from galop.engine.states.state import BLOCK_TOKENS, KVType
from galop.ops.plan import Latent


@dataclass(frozen=True)
class LatentState(PagedState):
    """The rows of `layers`: integers of 16 bits, or of 8 with an fp16 scale per 32 values. Values are a part of
    the keys; that part and the rest are whole groups of 32."""

    layers: Sequence[Latent]  # type: ignore[assignment]

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers."""
        return sum(_bytes_of(layer.value_width, layer.width - layer.value_width, self.kv) for layer in self.layers)


def _bytes_of(value_width: int, rotated: int, kv: KVType) -> int:
    """Bytes of a block's rows, as `row_bytes` of native/kernels.h has it."""
    width = sum(-(-part // 32) * 32 for part in (value_width, rotated))
    return (width + 1) * 2 * BLOCK_TOKENS if kv == "f16" else bytes_of(width, kv)
