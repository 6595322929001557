"""Normalisation: `rms_norm`."""

from __future__ import annotations

import numpy as np

from galop.ops.plan import Array, Shapes, Tensor, Vector, op
from galop.ops.shapes import same_shape


def _shape(x: Tensor, weight: Vector, eps: float) -> Shapes:
    if x.width % weight.size:
        raise ValueError(f"{x.width} values per token are not a multiple of the norm's {weight.size}")
    return same_shape(x)


@op(_shape)
def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) * weight, over each group of len(weight) values (Zhang and Sennrich, 2019)."""
    grouped = x.reshape(len(x), -1, len(weight))
    scale = 1 / np.sqrt(np.mean(grouped * grouped, axis=-1, keepdims=True) + np.float32(eps))
    normed: Array = (grouped * scale * weight).reshape(x.shape)
    return normed
