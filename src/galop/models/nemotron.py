"""Nemotron and Minitron: layer norms around one, squared ReLU without a gate, half of a head rotated (NVIDIA, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import LAYER_NORM_KEYS, PARTIAL_KEYS, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor, layer_norm, linear, relu_squared
from galop.weights.tree import Tree


@dataclass(frozen=True)
class NemotronConfig(Config):
    """Llama's, and how much of a head is rotated."""

    rope_keys: ClassVar = ("partial_rotary_factor",)
    spellings: ClassVar = {"norm_eps": "rms_norm_eps"}
    defaults: ClassVar = {"partial_rotary_factor": 0.5, "rms_norm_eps": 1e-5}
    supported_values: ClassVar = {"hidden_act": ("relu2",), "mlp_bias": (False,)}


class Nemotron(Llama):
    """Llama with other norms and another feed-forward."""

    model_type = "nemotron"
    config_class = NemotronConfig
    centred_norms = ("norm.weight",)
    gguf = GGUFMapping("nemotron", keys=(*LAYER_NORM_KEYS, *PARTIAL_KEYS))

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """A layer norm."""
        return layer_norm(x, w.of(x.width), w.bias, self.config.rms_norm_eps)

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """Two matrices and the square of ReLU."""
        return linear(relu_squared(linear(x, w.up_proj)), w.down_proj)
