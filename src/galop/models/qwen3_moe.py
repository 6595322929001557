"""Qwen3-MoE: Qwen3 whose feed-forward layers are mixtures of experts, without a shared one (Qwen team, 2025)."""

from __future__ import annotations

from dataclasses import dataclass

from galop.errors import ModelFileError
from galop.models import qwen3
from galop.ops import Tensor, experts, route
from galop.weights.checkpoint import MAX_EXPERTS
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Config(qwen3.Config):
    num_experts: int = 128
    num_experts_per_tok: int = 8
    moe_intermediate_size: int = 768
    norm_topk_prob: bool = False

    def validate(self, file: str) -> None:
        super().validate(file)
        if self.num_experts > MAX_EXPERTS or self.num_experts_per_tok > self.num_experts:
            raise ModelFileError(
                f"{file}: num_experts_per_tok = {self.num_experts_per_tok} of num_experts = {self.num_experts} "
                f"is not a choice among at most {MAX_EXPERTS}"
            )


class Qwen3Moe(qwen3.Qwen3):
    config: Config

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        c = self.config
        chosen, weights = route(x, w.gate, c.num_experts, c.num_experts_per_tok, c.norm_topk_prob)
        each = [w.experts[e] for e in range(c.num_experts)]
        mixed: Tensor = experts(
            x, chosen, weights, [e.gate_proj for e in each], [e.up_proj for e in each], [e.down_proj for e in each]
        )
        return mixed


Model = Qwen3Moe
