"""Granite 3 and the dense Granite 4: Llama with four multipliers (IBM, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import KEYS, SCALE_KEYS, GGUFMapping
from galop.models.llama import Llama, restore
from galop.ops import Tensor, scale
from galop.weights.tree import Tree


@dataclass(frozen=True)
class GraniteConfig(Config):
    """Llama's, and by what embeddings, what a layer adds, scores, and (as a divisor) logits are multiplied."""

    embedding_multiplier: float = 1.0
    residual_multiplier: float = 1.0
    attention_multiplier: float = 1.0
    logits_scaling: float = 1.0


class Granite(Llama):
    """Llama with multipliers."""

    model_type = "granite"
    config_class: ClassVar[type[Config]] = GraniteConfig
    gguf = GGUFMapping("granite", keys=KEYS + SCALE_KEYS, restore=restore)
    config: GraniteConfig

    def embed(self, w: Tree) -> Tensor:
        """The embeddings, multiplied."""
        return scale(super().embed(w), self.config.embedding_multiplier)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention, multiplied."""
        return scale(super().attend(i, x, w), self.config.residual_multiplier)

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """SwiGLU, multiplied."""
        return scale(super().feed_forward(x, w), self.config.residual_multiplier)

    def attention_scale(self) -> float:
        """What the config says."""
        return self.config.attention_multiplier

    def head(self, x: Tensor, w: Tree) -> Tensor:
        """Logits, divided."""
        return scale(super().head(x, w), 1 / self.config.logits_scaling)
