"""Qwen2 and Qwen2.5, R1-Distill-Qwen: Llama with biases on queries, keys and values (Qwen team, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor, linears
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Qwen2Config(Config):
    """Llama's; that there are biases follows from the family."""

    supported_values: ClassVar = {
        "qkv_bias": (True,),
        "use_qkv_bias": (True,),
        "add_qkv_bias": (True,),
        # As in transformers the key is not read: the output never has a bias.
        "attention_bias": (True, False),
    }


class Qwen2(Llama):
    """Llama with biases on queries, keys and values."""

    model_type = "qwen2"
    config_class = Qwen2Config
    gguf = GGUFMapping("qwen2", pre_tokenizer="qwen2")

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, biases added."""
        q, k, v = linears(x, [w.q_proj, w.k_proj, w.v_proj], [w.q_proj.bias, w.k_proj.bias, w.v_proj.bias])
        return q, k, v
