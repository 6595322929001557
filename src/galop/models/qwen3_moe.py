"""Qwen3-MoE: Qwen3 whose feed-forward layers are mixtures of experts, without a shared one (Qwen team, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.experts import EXPERT_KEYS, EXPERT_NAMES, MAX_EXPERTS, score_experts, split_experts
from galop.models.gguf_mapping import KEYS, GGUFMapping
from galop.models.qwen3 import Qwen3, Qwen3Config
from galop.ops import Tensor, experts, route
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Qwen3MoeConfig(Qwen3Config):
    """Qwen3's, and how many experts of which size there are."""

    num_experts: int = 128
    num_experts_per_tok: int = 8
    moe_intermediate_size: int = 768
    norm_topk_prob: bool = False

    spellings: ClassVar = {"num_local_experts": "num_experts"}  # in transformers 5

    def validate(self, file: str) -> None:
        """Raises ModelFileError also for a choice among experts that is none."""
        super().validate(file)
        if self.num_experts > MAX_EXPERTS or self.num_experts_per_tok > self.num_experts:
            raise ModelFileError(
                f"{file}: num_experts_per_tok = {self.num_experts_per_tok} of num_experts = {self.num_experts} "
                f"is not a choice among at most {MAX_EXPERTS}"
            )


class Qwen3Moe(Qwen3):
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

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With a matrix for each expert."""
        return split_experts(super().sanitize(tensors, config))

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """The weighted sum of the experts that a token is routed to."""
        c = self.config
        scores = score_experts(x, w.gate, c.num_experts)
        chosen, weights = route(scores, None, None, c.num_experts_per_tok, sigmoid=False, normalise=c.norm_topk_prob)
        each = [w.experts[e] for e in range(c.num_experts)]
        mixed: Tensor = experts(
            x, chosen, weights, [e.gate_proj for e in each], [e.up_proj for e in each], [e.down_proj for e in each]
        )
        return mixed
