"""Gemma 2: Gemma 3 with a window on every other layer, scores and logits that are capped, and no norms of heads
(Gemma team, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.gemma3 import GEMMA_NAMES, Gemma3, Gemma3Config, restore_scale
from galop.models.gguf_mapping import KEYS, NAMES, WINDOW_KEYS, GGUFMapping, Key
from galop.models.llama import Llama
from galop.ops import Tensor
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Gemma2Config(Gemma3Config):
    """Gemma 3's, with other defaults and one rotation."""

    rope_by_layer_type: ClassVar = False
    multimodal: ClassVar = False
    defaults: ClassVar[dict[str, Any]] = {
        "head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 8192, "sliding_window": 4096,
        "sliding_window_pattern": 2, "tie_word_embeddings": True, "final_logit_softcapping": 30.0,
        "attn_logit_softcapping": 50.0,
    }  # fmt: skip


class Gemma2(Gemma3):
    """Gemma 3 without norms of heads."""

    model_type = "gemma2"
    other_model_types = ()
    config_class = Gemma2Config
    gguf = GGUFMapping(
        "gemma2",
        names=NAMES | GEMMA_NAMES,
        keys=(
            *KEYS, *WINDOW_KEYS, Key("final_logit_softcapping", "final_logit_softcapping", float),
            Key("attn_logit_softcapping", "attn_logit_softcapping", float),
        ),
        restore=restore_scale(46),
    )  # fmt: skip

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values as they come."""
        return Llama.project(self, x, w)
