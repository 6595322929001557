"""Qwen3: Llama with an RMS norm on every head of queries and keys, before the rotation (Qwen team, 2025)."""

from __future__ import annotations

from galop.models import llama
from galop.ops import Tensor, rms_norm
from galop.weights.tree import Tree

Config = llama.Config


class Qwen3(llama.Llama):
    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = super().project(x, w)
        eps = self.config.rms_norm_eps
        return rms_norm(q, w.q_norm, eps), rms_norm(k, w.k_norm, eps), v


Model = Qwen3
