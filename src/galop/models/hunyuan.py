"""Hunyuan dense, 0.5B to 7B: Llama with norms of queries and keys after the rotation (Tencent, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import NAMES, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor
from galop.weights.tree import Tree


@dataclass(frozen=True)
class HunyuanConfig(Config):
    """Llama's; that there are norms follows from the family."""

    supported_values: ClassVar = {"use_qk_norm": (True,)}


class HunyuanDense(Llama):
    """Llama with norms of rotated heads."""

    model_type = "hunyuan_v1_dense"
    config_class = HunyuanConfig
    gguf = GGUFMapping(
        "hunyuan-dense",
        names={**NAMES, "attn_q_norm": "self_attn.query_layernorm", "attn_k_norm": "self_attn.key_layernorm"},
    )

    def heads(self, i: int, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys rotated, then each head normalised, and values."""
        q, k, v = super().heads(i, x, w)
        return self.norm_heads(q, w.query_layernorm), self.norm_heads(k, w.key_layernorm), v
