"""StableLM 2 1.6B, StableLM Zephyr and Stable Code: Llama with layer norms, a quarter of a head rotated (Stability AI,
2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import CHECKS, LAYER_NORM_KEYS, PARTIAL_KEYS, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor, layer_norm
from galop.weights.tree import Tree


@dataclass(frozen=True)
class StableLMConfig(Config):
    """Llama's, and how much of a head is rotated; biases are on queries, keys and values."""

    rope_keys: ClassVar = ("partial_rotary_factor",)
    spellings: ClassVar = {"use_qkv_bias": "attention_bias", "layer_norm_eps": "rms_norm_eps"}
    defaults: ClassVar = {"partial_rotary_factor": 0.25, "rms_norm_eps": 1e-5}
    supported_values: ClassVar = {"qk_layernorm": (False,), "use_parallel_residual": (False,)}


class StableLM(Llama):
    """Llama with other norms."""

    model_type = "stablelm"
    config_class = StableLMConfig
    gguf = GGUFMapping(
        "stablelm",
        keys=(*LAYER_NORM_KEYS, *PARTIAL_KEYS),
        checks={**CHECKS, "use_parallel_residual": lambda config, value: value is False},
    )
    output_bias = False

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """A layer norm."""
        return layer_norm(x, w.of(x.width), w.bias, self.config.rms_norm_eps)
