"""OLMo 2 and 3: norms after attention and feed-forward in place of those before, and over all heads at once. OLMo 3 has
windows on three layers of four, whose rotation is not stretched (AI2, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.gguf_mapping import KEYS, LOCAL_ROPE_KEYS, NAMES, QK_NORM_NAMES, WINDOW_KEYS, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Olmo3Config(Config):
    """Llama's, and windows."""

    supported_layers: ClassVar = (FULL, SLIDING)
    rope_by_layer_type: ClassVar = True
    defaults: ClassVar = {"sliding_window": 4096, "sliding_window_pattern": 4, "rope_theta": 500000.0}


class Olmo3(Llama):
    """Llama with its norms elsewhere, and windows."""

    model_type = "olmo3"
    config_class: ClassVar[type[Config]] = Olmo3Config
    gguf = GGUFMapping(
        "olmo2",
        names={
            **NAMES, **QK_NORM_NAMES, "post_attention_norm": "post_attention_layernorm",
            "post_ffw_norm": "post_feedforward_layernorm",
        },
        keys=KEYS + WINDOW_KEYS + LOCAL_ROPE_KEYS,
        implied={"sliding_window": 0},
    )  # fmt: skip

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: what is added to it is normalised."""
        x = x + self.norm(self.attend(i, x, w.self_attn), w.post_attention_layernorm)
        return x + self.norm(self.feed_forward(x, w.mlp), w.post_feedforward_layernorm)

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, each normalised over all of its heads, and values."""
        q, k, v = super().project(x, w)
        return self.norm(q, w.q_norm), self.norm(k, w.k_norm), v


class Olmo2(Olmo3):
    """OLMo 3 without windows."""

    model_type = "olmo2"
    config_class = Config
