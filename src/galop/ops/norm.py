"""Normalisation: `rms_norm`, `layer_norm`."""

from __future__ import annotations

import numpy as np

from galop.ops.plan import Array, Shapes, Tensor, Vector, op
from galop.ops.shapes import same_shape


def _rms_shape(x: Tensor, weight: Vector, eps: float) -> Shapes:
    if x.width % weight.size:
        raise ValueError(f"{x.width} values per token are not a multiple of the norm's {weight.size}")
    return same_shape(x)


@op(_rms_shape)
def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) * weight, over each group of len(weight) values (Zhang and Sennrich, 2019).

    One without weights has `ones`.
    """
    grouped = x.reshape(len(x), -1, len(weight))
    scale = 1 / np.sqrt(np.mean(grouped * grouped, axis=-1, keepdims=True) + np.float32(eps))
    normed: Array = (grouped * scale * weight).reshape(x.shape)
    return normed


def ones(size: int) -> Vector:
    """The weights of a norm that has none, over groups of `size` values."""
    return Vector(f"ones {size}", size, np.ones(size, np.float32))


def _layer_shape(x: Tensor, weight: Vector, bias: Vector, eps: float) -> Shapes:
    if not weight.size == bias.size == x.width:
        raise ValueError(f"{weight.size} weights and {bias.size} biases for {x.width} values per token")
    return same_shape(x)


@op(_layer_shape)
def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """(x - mean(x)) / sqrt(variance(x) + eps) * weight + bias (Ba et al., 2016)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + np.float32(eps))
    normed: Array = centred * scale * weight + bias
    return normed
