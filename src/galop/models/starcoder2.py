"""StarCoder2: layer norms, biases everywhere and a feed-forward without a gate (BigCode, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.gguf_mapping import LAYER_NORM_KEYS, NAMES, GGUFMapping
from galop.models.mistral import Mistral, MistralConfig
from galop.ops import Tensor, gelu_tanh, layer_norm, linear
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Starcoder2Config(MistralConfig):
    """Mistral's, by other names."""

    tie_word_embeddings: bool = True

    spellings: ClassVar = {"norm_epsilon": "rms_norm_eps", "use_bias": "attention_bias"}
    supported_values: ClassVar = {"hidden_act": ("gelu_pytorch_tanh",), "norm_type": ("layer_norm",)}
    defaults: ClassVar = {**MistralConfig.defaults, "attention_bias": True}


class Starcoder2(Mistral):
    """Mistral with other norms and another feed-forward."""

    model_type = "starcoder2"
    config_class = Starcoder2Config
    gguf = GGUFMapping(
        "starcoder2",
        names={**NAMES, "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"},
        keys=LAYER_NORM_KEYS,
    )

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """A layer norm."""
        return layer_norm(x, w.of(x.width), w.bias, self.config.rms_norm_eps)

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """Two matrices and GELU."""
        return linear(gelu_tanh(linear(x, w.c_fc, w.c_fc.bias)), w.c_proj, w.c_proj.bias)
