"""GLM-4 (0414): norms before and after each part, rotation of neighbours in half of a head (Zhipu AI, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.checkpoint_forms import split_fused
from galop.models.config import Config
from galop.models.gguf_mapping import KEYS, NAMES, PARTIAL_KEYS, ConfigDict, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """ffn_up holds gate and up."""
    return split_fused(tensors, config)


@dataclass(frozen=True)
class Glm4Config(Config):
    """Llama's, and how much of a head is rotated; biases are on queries, keys and values."""

    rope_keys: ClassVar = ("partial_rotary_factor",)
    defaults: ClassVar = {"partial_rotary_factor": 0.5, "attention_bias": True}


class Glm4(Llama):
    """Llama with sandwich norms."""

    model_type = "glm4"
    config_class = Glm4Config
    gguf = GGUFMapping(
        "glm4",
        names={
            **NAMES, "ffn_up": "mlp.gate_up_proj", "post_attention_norm": "post_self_attn_layernorm",
            "post_ffw_norm": "post_mlp_layernorm",
        },
        keys=(*KEYS, *PARTIAL_KEYS),
        restore=restore,
    )  # fmt: skip
    interleaved = True
    output_bias = False

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: each part reads it normalised, and what it adds is normalised too."""
        attended = self.attend(i, self.norm(x, w.input_layernorm), w.self_attn)
        x = x + self.norm(attended, w.post_self_attn_layernorm)
        fed = self.feed_forward(self.norm(x, w.post_attention_layernorm), w.mlp)
        return x + self.norm(fed, w.post_mlp_layernorm)
