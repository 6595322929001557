"""Qwen3: Llama with an RMS norm on every head of queries and keys, before the rotation (Qwen team, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import NAMES, QK_NORM_NAMES, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Qwen3Config(Config):
    """Llama's; that there are norms of queries and keys follows from the family."""

    supported_values: ClassVar = {"use_qk_norm": (True,), "qk_norm": (True,), "qk_layernorm": (True,)}


class Qwen3(Llama):
    """Llama with norms on the heads of queries and keys."""

    model_type = "qwen3"
    config_class: ClassVar[type[Config]] = Qwen3Config
    gguf = GGUFMapping("qwen3", names=NAMES | QK_NORM_NAMES, pre_tokenizer="qwen2")

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, each head normalised, and values."""
        q, k, v = super().project(x, w)
        return self.norm_heads(q, w.q_norm), self.norm_heads(k, w.k_norm), v
