"""DeepSeek's mixture of experts, which several families have: balanced by a correction of the choice instead of a loss,
with groups of experts and shared ones (DeepSeek-V3, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from galop.errors import ModelFileError
from galop.models.experts import (
    EXPERT_KEYS,
    EXPERT_NAMES,
    MixtureConfig,
    mix_experts,
    name_shared_expert,
    score_experts,
    split_experts,
)
from galop.models.gguf_mapping import CHECKS, Check, Key
from galop.models.llama import Llama
from galop.ops import Tensor, route
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

MIXTURE_NAMES = {
    **EXPERT_NAMES,
    **name_shared_expert("mlp.shared_experts"),
    "exp_probs_b.bias": "mlp.gate.e_score_correction_bias",
}
MIXTURE_KEYS = (
    *EXPERT_KEYS,
    Key("n_shared_experts", "expert_shared_count", int, least=0),
    Key("first_k_dense_replace", "leading_dense_block_count", int, least=0),
    Key("routed_scaling_factor", "expert_weights_scale", float),
    Key("norm_topk_prob", "expert_weights_norm", bool),
    Key("n_group", "expert_group_count", int),
    Key("topk_group", "expert_group_used_count", int),
)
MIXTURE_CHECKS: dict[str, Check] = {**CHECKS, "expert_gating_func": lambda config, value: value == 2}


@dataclass(frozen=True)
class DeepSeekMixtureConfig(MixtureConfig):
    """How the experts are chosen and weighed, and beside which others. Which layers are mixtures is said by tensors."""

    n_shared_experts: int = 0
    first_k_dense_replace: int = 0
    moe_layer_freq: int = 1
    routed_scaling_factor: float = 1.0
    norm_topk_prob: bool = True
    n_group: int = 1
    topk_group: int = 1
    scoring_func: str = "sigmoid"
    topk_method: str = "noaux_tc"

    def validate(self, file: str) -> None:
        """Raises ModelFileError also for a way of choosing that is not known."""
        super().validate(file)
        for key, value, known in (
            ("scoring_func", self.scoring_func, ("sigmoid", "softmax")),
            ("topk_method", self.topk_method, ("noaux_tc", "group_limited_greedy", "greedy")),
        ):
            if value not in known:
                raise ModelFileError(f"{file}: {key} = {value[:60]!r} is not supported, only {', '.join(known)}")


class DeepSeekMixture(Llama):
    """Layers with a router are mixtures of experts, beside which there may be some for all tokens."""

    config: DeepSeekMixtureConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With a matrix for each expert."""
        return split_experts(super().sanitize(tensors, config))

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """The weighted sum of the experts that a token is routed to, and the shared ones, which are one matrix."""
        c = self.config
        if not w.gate:
            return super().feed_forward(x, w)
        groups = c.n_group if c.topk_method != "greedy" else 1
        chosen, weights = route(
            score_experts(x, w.gate, c.num_experts),
            w.gate.e_score_correction_bias or None,
            None,
            c.num_experts_per_tok,
            c.scoring_func == "sigmoid",
            c.norm_topk_prob,
            c.routed_scaling_factor,
            groups,
            c.topk_group if groups > 1 else 1,
            2 if groups > 1 and c.topk_method == "noaux_tc" else 1,  # how many of its experts stand for a group
        )
        mixed = mix_experts(x, chosen, weights, w.experts, c.num_experts)
        return mixed + super().feed_forward(x, w.shared_experts) if c.n_shared_experts else mixed
