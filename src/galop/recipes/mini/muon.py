"""Muon (Jordan et al., 2024), in float32 and on all matrices of a shape at once: torch's own works in bfloat16, which
few CPUs multiply, and on one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

STEPS = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic iteration


class Muon(Optimizer):
    """Momentum, made orthogonal, scaled so that AdamW's learning rate fits it (Liu et al., 2025)."""

    def __init__(self, weights: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def step(self, closure: Callable[[], float] | None = None) -> None:
        with torch.no_grad():
            for group in self.param_groups:
                shapes: defaultdict[torch.Size, list[Tensor]] = defaultdict(list)
                for weight in group["params"]:
                    if weight.grad is not None:
                        shapes[weight.shape].append(weight)
                for shape, weights in shapes.items():
                    updates = torch.stack([self._momentum(w, group["momentum"]) for w in weights])
                    scale = group["lr"] * 0.2 * max(shape) ** 0.5
                    for weight, update in zip(weights, orthogonal(updates), strict=True):
                        weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=scale)

    def _momentum(self, weight: Tensor, momentum: float) -> Tensor:
        """Nesterov's."""
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        kept: Tensor = state["momentum"]
        kept.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(kept, momentum)


def orthogonal(matrices: Tensor, iterations: int = 5) -> Tensor:
    """The nearest matrices [N, rows, columns] with singular values near 1, by Newton-Schulz iteration."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = STEPS
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
