"""Ops on each value by itself: sums and products, activations, gates, limits."""

from __future__ import annotations

import math

import numpy as np

from galop.ops.plan import Array, Shapes, Tensor, Vector, op
from galop.ops.shapes import same_shape


@op(lambda a, b: same_shape(a, b), in_place=True)
def add(a: Array, b: Array) -> Array:
    """a + b"""
    total: Array = a + b
    return total


def _runs(x: Tensor, by: Tensor) -> Shapes:
    if x.width % by.width or by.dim != x.dim:
        raise ValueError(f"{by.width} values per token for {x.width}")
    return same_shape(x)


@op(lambda a, b: _runs(a, b))
def multiply(a: Array, b: Array) -> Array:
    """a * b, where each value of b is for a run of a's: for one, for a head's, for all of a token's."""
    runs = a.reshape(*b.shape, -1)
    product: Array = (runs * b[..., None]).reshape(a.shape)
    return product


@op(lambda x, gate: _runs(x, gate))
def sigmoid_gate(x: Array, gate: Array) -> Array:
    """x * sigmoid(gate), where each value of the gate is for a run of x's, as in `multiply`."""
    runs = x.reshape(*gate.shape, -1)
    gated: Array = (runs / (1 + np.exp(-np.maximum(gate, -88)))[..., None]).reshape(x.shape)
    return gated


@op(lambda x, factor: same_shape(x), in_place=True)
def scale(x: Array, factor: float) -> Array:
    """x * factor"""
    scaled: Array = x * np.float32(factor)
    return scaled


def _weigh_shape(x: Tensor, weight: Vector) -> Shapes:
    if x.width % weight.size:
        raise ValueError(f"{x.width} values per token are not a multiple of the {weight.size} weights")
    return same_shape(x)


@op(_weigh_shape, in_place=True)
def weigh(x: Array, weight: Array) -> Array:
    """x * weight, over each group of len(weight) values: one learned scalar, or a weight for each value."""
    weighed: Array = (x.reshape(len(x), -1, len(weight)) * weight).reshape(x.shape)
    return weighed


def _shift_shape(x: Tensor, bias: Vector) -> Shapes:
    if x.width != bias.size:
        raise ValueError(f"{x.width} values per token and {bias.size} to add to them")
    return same_shape(x)


@op(_shift_shape, in_place=True)
def shift(x: Array, bias: Array) -> Array:
    """x + bias, a value for each of a token's."""
    shifted: Array = x + bias
    return shifted


def _clamp_shape(x: Tensor, low: Vector, high: Vector) -> Shapes:
    if low.size != 1 or high.size != 1:
        raise ValueError(f"{low.size} and {high.size} limits where there is one on each side")
    return same_shape(x)


@op(_clamp_shape, in_place=True)
def clamp(x: Array, low: Array, high: Array) -> Array:
    """min(max(x, low), high), with limits that were learned."""
    clamped: Array = np.minimum(np.maximum(x, low), high)
    return clamped


@op(lambda gate, up, alpha, limit, offset: same_shape(gate, up), in_place=True)
def swiglu(gate: Array, up: Array, alpha: float = 1.0, limit: float = math.inf, offset: float = 0.0) -> Array:
    """gate * sigmoid(alpha * gate) * (up + offset) (Shazeer, 2020).

    The gate is cut at `limit`, up at both -limit and limit, as in gpt-oss (OpenAI, 2025).
    """
    gate, up = np.minimum(gate, limit), np.clip(up, -limit, limit)
    product: Array = gate / (1 + np.exp(-np.maximum(alpha * gate, -88))) * (up + np.float32(offset))
    return product


@op(lambda gate, up: same_shape(gate, up), in_place=True)
def geglu(gate: Array, up: Array) -> Array:
    """gelu_tanh(gate) * up (Shazeer, 2020)"""
    product: Array = gelu_tanh.meaning(gate) * up
    return product


@op(lambda x: same_shape(x), in_place=True)
def gelu(x: Array) -> Array:
    """x times the normal distribution's share below x (Hendrycks and Gimpel, 2016)."""
    erf = np.frompyfunc(math.erf, 1, 1)
    share: Array = (0.5 + 0.5 * erf(x / np.sqrt(2)).astype(np.float64)) * x
    return share.astype(np.float32)


@op(lambda x: same_shape(x), in_place=True)
def gelu_tanh(x: Array) -> Array:
    """GELU by its approximation with tanh."""
    inner = np.sqrt(np.float32(2 / np.pi)) * (x + 0.044715 * x * x * x)
    activated: Array = 0.5 * x * (1 + np.tanh(inner))
    return activated


@op(lambda x: same_shape(x), in_place=True)
def relu_squared(x: Array) -> Array:
    """max(x, 0)^2 (So et al., 2021)"""
    positive = np.maximum(x, 0)
    squared: Array = positive * positive
    return squared


@op(lambda x, cap: same_shape(x), in_place=True)
def softcap(x: Array, cap: float) -> Array:
    """cap * tanh(x / cap): as x near 0, never beyond the cap (Bello et al., 2017)."""
    capped: Array = np.float32(cap) * np.tanh(x / np.float32(cap))
    return capped
