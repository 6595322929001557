"""Gemma and CodeGemma: Gemma 3 with Llama's two norms a layer, and without windows (Gemma team, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.config_layers import FULL
from galop.models.gemma2 import Gemma2, Gemma2Config
from galop.models.gguf_mapping import GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor
from galop.weights.tree import Tree


@dataclass(frozen=True)
class GemmaConfig(Gemma2Config):
    """Gemma 2's, without windows and caps; what its configs call GELU is its approximation with tanh."""

    supported_layers: ClassVar = (FULL,)
    defaults: ClassVar[dict[str, Any]] = {"head_dim": 256, "tie_word_embeddings": True}
    supported_values: ClassVar = dict.fromkeys(("hidden_act", "hidden_activation"), ("gelu", "gelu_pytorch_tanh"))


class Gemma(Gemma2):
    """Llama with Gemma's embeddings, norms and feed-forward."""

    model_type = "gemma"
    config_class = GemmaConfig
    gguf = GGUFMapping("gemma")

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """As Llama's."""
        return Llama.layer(self, i, x, w)

    def attention_scale(self) -> float:
        """That of a head."""
        return Llama.attention_scale(self)
