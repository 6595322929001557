"""Command R7B: attention and feed-forward side by side, layer norms, and no rotation in the layers that have no window
(Cohere, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.gguf_mapping import LAYER_NORM_KEYS, WINDOW_KEYS, GGUFMapping, Key
from galop.models.llama import Llama
from galop.ops import Tensor, Vector, layer_norm, scale
from galop.weights.tree import Tree

COHERE_KEYS = (*LAYER_NORM_KEYS, Key("logit_scale", "logit_scale", float))


@dataclass(frozen=True)
class Cohere2Config(Config):
    """Llama's, windows, and by what logits are multiplied."""

    logit_scale: float = 0.0625

    supported_layers: ClassVar[tuple[str, ...]] = (FULL, SLIDING)
    spellings: ClassVar = {"layer_norm_eps": "rms_norm_eps", "layer_switch": "sliding_window_pattern"}
    defaults: ClassVar[dict[str, Any]] = {
        "sliding_window": 4096, "sliding_window_pattern": 4, "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
    }  # fmt: skip
    supported_values: ClassVar[dict[str, tuple[Any, ...]]] = {
        "order_of_interleaved_layers": ("local_attn_first",),
        "position_embedding_type": ("rope_gptj",),
        "use_gated_activation": (True,),
        "use_parallel_block": (True,),
        "use_parallel_embedding": (True, False),
        "use_embedding_sharing": (True,),
    }


class Cohere2(Llama):
    """Llama with other norms, side by side."""

    model_type = "cohere2"
    config_class = Cohere2Config
    gguf = GGUFMapping(
        "cohere2",
        keys=COHERE_KEYS + WINDOW_KEYS,
    )
    interleaved = True
    config: Cohere2Config

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """A layer norm without a bias."""
        none = Vector(f"zeros {x.width}", x.width, np.zeros(x.width, np.float32))
        return layer_norm(x, w.of(x.width), none, self.config.rms_norm_eps)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: both parts read the same."""
        normed = self.norm(x, w.input_layernorm)
        return x + self.attend(i, normed, w.self_attn) + self.feed_forward(normed, w.mlp)

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """As Llama, in layers with a window."""
        return super().rotate(i, x) if self.config.layer_type(i) == SLIDING else x

    def head(self, x: Tensor, w: Tree) -> Tensor:
        """Logits, multiplied."""
        return scale(super().head(x, w), self.config.logit_scale)
