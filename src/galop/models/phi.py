"""Phi-1.5 and Phi-2: attention and feed-forward side by side behind one layer norm, with biases (Microsoft, 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import LAYER_NORM_KEYS, NAMES, PARTIAL_KEYS, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor, gelu_tanh, layer_norm, linear
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

OUTPUT, NORM = "self_attn.dense", "model.final_layernorm"


@dataclass(frozen=True)
class PhiConfig(Config):
    """Llama's, and how much of a head is rotated."""

    rope_keys: ClassVar = ("partial_rotary_factor",)
    spellings: ClassVar = {"layer_norm_eps": "rms_norm_eps"}
    defaults: ClassVar = {"partial_rotary_factor": 0.5, "rms_norm_eps": 1e-5, "attention_bias": True}
    supported_values: ClassVar = {"hidden_act": ("gelu_new", "gelu_pytorch_tanh"), "qk_layernorm": (False,)}


class Phi(Llama):
    """Llama with other norms and another feed-forward, side by side."""

    model_type = "phi"
    config_class = PhiConfig
    gguf = GGUFMapping(
        "phi2",
        names={**NAMES, "attn_output": OUTPUT, "output_norm": NORM, "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2"},
        keys=(*LAYER_NORM_KEYS, *PARTIAL_KEYS),
    )

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, object]) -> Tensors:
        """By Llama's names, where it has one."""
        named = {name.replace(OUTPUT, "self_attn.o_proj").replace(NORM, "model.norm"): t for name, t in tensors.items()}
        return super().sanitize(named, config)

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """A layer norm."""
        return layer_norm(x, w.of(x.width), w.bias, self.config.rms_norm_eps)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: both parts read it normalised and add to it."""
        normed = self.norm(x, w.input_layernorm)
        return x + self.attend(i, normed, w.self_attn) + self.feed_forward(normed, w.mlp)

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """Two matrices and GELU."""
        return linear(gelu_tanh(linear(x, w.fc1, w.fc1.bias)), w.fc2, w.fc2.bias)

    def head(self, x: Tensor, w: Tree) -> Tensor:
        """Logits, of a head with a bias."""
        return linear(x, w.lm_head, w.lm_head.bias)
