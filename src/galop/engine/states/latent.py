"""One row for each token from which all heads make their keys and values (multi-head latent attention: DeepSeek-AI,
2024). Rows lie in blocks as keys do, so a sequence can go back to any token, and share any prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states.paged import PagedState, bytes_of
from galop.engine.states.state import BLOCK_TOKENS
from galop.ops.plan import Latent


@dataclass(frozen=True)
class LatentState(PagedState):
    """The rows of `layers`: fp16, or int8 with an fp16 scale per 32 values. Values are a part of the keys."""

    layers: Sequence[Latent]  # type: ignore[assignment]

    @property
    def block_bytes(self) -> int:
        """Bytes of BLOCK_TOKENS tokens in all layers."""
        width = sum(layer.width for layer in self.layers)
        return width * 2 * BLOCK_TOKENS if self.kv == "f16" else bytes_of(width, self.kv)
