"""Qwen3-MoE: Qwen3 whose feed-forward layers are mixtures of experts (Qwen team, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from galop.models.experts import EXPERT_KEYS, EXPERT_NAMES, MixtureConfig, mix_experts, score_experts, split_experts
from galop.models.gguf_mapping import KEYS, GGUFMapping
from galop.models.llama import Llama
from galop.models.qwen3 import Qwen3, Qwen3Config
from galop.ops import Tensor, linear, route, sigmoid_gate
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


@dataclass(frozen=True)
class QwenMixtureConfig(MixtureConfig):
    """Which weights the experts of Qwen's have."""

    norm_topk_prob: bool = False


class QwenMixture(Llama):
    """Layers with a router are mixtures of experts, beside which there may be one for all tokens, behind a gate."""

    config: QwenMixtureConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With a matrix for each expert, and that gate as a matrix of one row."""
        tensors = split_experts(super().sanitize(tensors, config))
        return {
            name: tensor.reshape(1, *tensor.shape)
            if name.endswith(".shared_expert_gate.weight") and len(tensor.shape) == 1
            else tensor
            for name, tensor in tensors.items()
        }

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """The weighted sum of the experts that a token is routed to, and the shared one."""
        c = self.config
        if not w.gate:
            return super().feed_forward(x, w)
        scores = score_experts(x, w.gate, c.num_experts)
        chosen, weights = route(scores, None, None, c.num_experts_per_tok, sigmoid=False, normalise=c.norm_topk_prob)
        mixed = mix_experts(x, chosen, weights, w.experts, c.num_experts)
        if not w.shared_expert_gate:
            return mixed
        shared = super().feed_forward(x, w.shared_expert)
        gated: Tensor = sigmoid_gate(shared, linear(x, w.shared_expert_gate))
        return mixed + gated


@dataclass(frozen=True)
class Qwen3MoeConfig(Qwen3Config, QwenMixtureConfig):
    """Qwen3's with those of a mixture."""


class Qwen3Moe(QwenMixture, Qwen3):
    """Qwen3 with mixtures of experts."""

    model_type = "qwen3_moe"
    config_class = Qwen3MoeConfig
    gguf = GGUFMapping(
        "qwen3moe",
        names={**Qwen3.gguf.names, **EXPERT_NAMES},
        keys=KEYS + EXPERT_KEYS,
        implied={"norm_topk_prob": True},
        pre_tokenizer="qwen2",
    )
    config: Qwen3MoeConfig
