"""GLM-4.5, 4.6 and GLM-4.5-Air: DeepSeek's mixture with the attention of Llama (Zhipu AI, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.deepseek_mixture import (
    MIXTURE_CHECKS,
    MIXTURE_KEYS,
    MIXTURE_NAMES,
    DeepSeekMixture,
    DeepSeekMixtureConfig,
)
from galop.models.gguf_mapping import KEYS, NAMES, PARTIAL_KEYS, QK_NORM_NAMES, ConfigDict, GGUFMapping
from galop.models.next_tokens import NEXT_TOKEN_KEYS, NEXT_TOKEN_NAMES, count_layers, drop_next_tokens
from galop.ops import Tensor
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """That queries and keys are normalised is said by tensors."""
    count_layers(config)
    config["use_qk_norm"] = "model.layers.0.self_attn.q_norm.weight" in tensors
    return tensors


@dataclass(frozen=True)
class Glm4MoeConfig(DeepSeekMixtureConfig):
    """DeepSeek's mixture, how much of a head is rotated, and whether heads of queries and keys are normalised."""

    use_qk_norm: bool = False
    num_nextn_predict_layers: int = 0

    rope_keys: ClassVar = ("partial_rotary_factor",)
    defaults: ClassVar = {"partial_rotary_factor": 0.5}
    spellings: ClassVar = {**DeepSeekMixtureConfig.spellings, "num_mtp_layers": "num_nextn_predict_layers"}


class Glm4Moe(DeepSeekMixture):
    """DeepSeek's mixture, attention with biases, half of a head rotated."""

    model_type = "glm4_moe"
    config_class = Glm4MoeConfig
    gguf = GGUFMapping(
        "glm4moe",
        names={
            **NAMES, **QK_NORM_NAMES, **MIXTURE_NAMES, **NEXT_TOKEN_NAMES,
            "post_attention_norm": "post_attention_layernorm",
        },
        keys=(*KEYS, *PARTIAL_KEYS, *MIXTURE_KEYS, *NEXT_TOKEN_KEYS),
        checks=MIXTURE_CHECKS,
        restore=restore,
    )  # fmt: skip
    output_bias = False
    config: Glm4MoeConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Without the layers for later tokens."""
        return super().sanitize(drop_next_tokens(tensors, config), config)

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, in the larger models each head normalised, and values."""
        q, k, v = super().project(x, w)
        return (self.norm_heads(q, w.q_norm), self.norm_heads(k, w.k_norm), v) if self.config.use_qk_norm else (q, k, v)
