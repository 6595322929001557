"""Granite 3's mixtures of experts: Granite, whose feed-forward layers are experts alone (IBM, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.config import Config
from galop.models.experts import EXPERT_KEYS, EXPERT_NAMES, MixtureConfig, mix_experts, score_experts, split_experts
from galop.models.gguf_mapping import GGUFMapping
from galop.models.granite import Granite, GraniteConfig
from galop.ops import Tensor, route, scale
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

RENAMED = {
    ".block_sparse_moe.router.layer.": ".mlp.gate.",
    ".block_sparse_moe.router.": ".mlp.gate.",
    ".block_sparse_moe.input_linear.weight": ".mlp.experts.gate_up_proj",
    ".block_sparse_moe.output_linear.weight": ".mlp.experts.down_proj",
    ".block_sparse_moe.": ".mlp.",
    ".shared_mlp.input_linear.": ".mlp.shared_expert.gate_up_proj.",
    ".shared_mlp.output_linear.": ".mlp.shared_expert.down_proj.",
}


def rename_experts(tensors: Tensors) -> Tensors:
    """Granite's experts under the names of other families'."""
    renamed: Tensors = {}
    for name, tensor in tensors.items():
        for theirs, ours in RENAMED.items():
            name = name.replace(theirs, ours)
        renamed[name] = tensor
    return renamed


@dataclass(frozen=True)
class GraniteMoeConfig(GraniteConfig, MixtureConfig):
    """Granite's and a mixture's; its `intermediate_size` is that of an expert."""

    supported_values: ClassVar = {"normalization_function": ("rmsnorm",)}


class GraniteMoe(Granite):
    """Granite with mixtures of experts."""

    model_type = "granitemoe"
    config_class: ClassVar[type[Config]] = GraniteMoeConfig
    gguf = GGUFMapping(
        "granitemoe",
        names={**Granite.gguf.names, **EXPERT_NAMES},
        keys=Granite.gguf.keys + EXPERT_KEYS,
        restore=Granite.gguf.restore,
    )
    config: GraniteMoeConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With a matrix for each expert."""
        return split_experts(rename_experts(super().sanitize(tensors, config)))

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """The weighted sum of the experts that a token is routed to, multiplied."""
        c = self.config
        scores = score_experts(x, w.gate, c.num_experts)
        chosen, weights = route(scores, None, None, c.num_experts_per_tok, sigmoid=False, normalise=True)
        return scale(mix_experts(x, chosen, weights, w.experts, c.num_experts), c.residual_multiplier)
