"""The vocabulary of models: each op once, with its NumPy float32 meaning and its shape rule.

In the meanings, T is the number of tokens of the step and arrays are [T, width] unless said otherwise. `inputs` is the
step's batch: `ids`, `positions`, `sequences` (all [T]), `rows` (the tokens whose logits are wanted) and the `cache` of
earlier keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from galop.ops.plan import Array, Inputs, Matrix, Paged, Plan, Tensor, Vector, op

__all__ = [
    "Inputs", "Matrix", "Paged", "Plan", "Tensor", "Vector", "add", "attention", "embed", "experts", "linear",
    "linears", "rms_norm", "rope", "rope_table", "route", "rows", "swiglu",
]  # fmt: skip


def _same(x: Tensor, *others: Tensor) -> list[tuple[int, str]]:
    for other in others:
        if (other.width, other.dim) != (x.width, x.dim):
            raise ValueError(f"values of {x.width} and {other.width} per token")
    return [(x.width, x.dim)]


@op(lambda inputs, weight: [(weight.cols, "T")])
def embed(inputs: Any, weight: Array) -> Array:
    """Row `ids[t]` of `weight` for each token."""
    rows: Array = weight[inputs.ids]
    return rows


def _norm_shape(x: Tensor, weight: Vector, eps: float) -> list[tuple[int, str]]:
    if x.width % weight.size:
        raise ValueError(f"{x.width} values per token are not a multiple of the norm's {weight.size}")
    return _same(x)


@op(_norm_shape)
def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) * weight, over each group of len(weight) values (Zhang and Sennrich, 2019)."""
    grouped = x.reshape(len(x), -1, len(weight))
    scale = 1 / np.sqrt(np.mean(grouped * grouped, axis=-1, keepdims=True) + np.float32(eps))
    normed: Array = (grouped * scale * weight).reshape(x.shape)
    return normed


def _linears_shape(x: Tensor, weights: list[Matrix], biases: list[Vector | None]) -> list[tuple[int, str]]:
    for weight, bias in zip(weights, biases, strict=True):
        if weight.cols != x.width:
            raise ValueError(f"{weight.name} takes {weight.cols} values, not {x.width}")
        if bias and bias.size != weight.rows:
            raise ValueError(f"{bias.name} has {bias.size} values for {weight.rows} rows")
    return [(weight.rows, x.dim) for weight in weights]


@op(_linears_shape)
def linears(x: Array, weights: Sequence[Array], biases: Sequence[Array | None]) -> list[Array]:
    """x @ weight.T + bias for each weight [out, in]; the input is quantised once for all of them."""
    return [x @ w.T if b is None else x @ w.T + b for w, b in zip(weights, biases, strict=True)]


def linear(x: Tensor, weight: Any, bias: Any = None) -> Tensor:
    """One of `linears`."""
    result: Tensor = linears(x, [weight], [bias])
    return result


@op(lambda inputs, inv_freq, scale: [(inv_freq.size, "T"), (inv_freq.size, "T")])
def rope_table(inputs: Any, inv_freq: Array, scale: float) -> list[Array]:
    """Cosine and sine of position * inv_freq, times scale: computed in float64, kept in float32."""
    angle = inputs.positions[:, None].astype(np.float64) * inv_freq.astype(np.float64)
    return [np.cos(angle).astype(np.float32) * np.float32(scale), np.sin(angle).astype(np.float32) * np.float32(scale)]


def _rope_shape(x: Tensor, cosine: Tensor, sine: Tensor, head_dim: int, interleaved: bool) -> list[tuple[int, str]]:
    if x.width % head_dim or 2 * cosine.width > head_dim:
        raise ValueError(f"{x.width} values per token are not heads of {head_dim}")
    return _same(x)


@op(_rope_shape)
def rope(x: Array, cosine: Array, sine: Array, head_dim: int, interleaved: bool = False) -> Array:
    """Rotates pairs within each head of head_dim (Su et al., 2021).

    Pairs are (i, i + half) as in Hugging Face checkpoints, or (2i, 2i + 1) when interleaved; values past the rotated
    ones stay as they are.
    """
    out = x.reshape(len(x), -1, head_dim).copy()
    half = cosine.shape[-1]
    first, second = (
        (slice(0, 2 * half, 2), slice(1, 2 * half, 2)) if interleaved else (slice(0, half), slice(half, 2 * half))
    )
    a, b = out[..., first].copy(), out[..., second].copy()
    cosine, sine = cosine[:, None, :], sine[:, None, :]
    out[..., first] = a * cosine - b * sine
    out[..., second] = b * cosine + a * sine
    return out.reshape(x.shape)


def _attention_shape(
    inputs: Inputs, q: Tensor, k: Tensor, v: Tensor, state: int, heads: int, kv_heads: int, head_dim: int, scale: float
) -> list[tuple[int, str]]:
    if kv_heads <= 0 or heads % kv_heads:
        raise ValueError(f"{heads} query heads cannot share {kv_heads} key heads")
    for name, x, count in (("queries", q, heads), ("keys", k, kv_heads), ("values", v, kv_heads)):
        if x.width != count * head_dim:
            raise ValueError(f"{count} heads of {head_dim} need {count * head_dim} {name}, the weights give {x.width}")
    plan = inputs.plan
    if state != len(plan.states):
        raise ValueError("layers must use their states in order")
    plan.states.append(Paged(k.width, v.width))
    return [(q.width, q.dim)]


@op(_attention_shape)
def attention(
    inputs: Any,
    q: Array,
    k: Array,
    v: Array,
    state: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    scale: float,
) -> Array:
    """Causal attention of each token to its sequence: softmax(q k^T * scale) v (Vaswani et al., 2017).

    Adds this step's keys and values to state `state` first. heads / kv_heads query heads share a key head (Ainslie et
    al., 2023).
    """
    out = np.empty_like(q)
    for sequence in np.unique(inputs.sequences):
        here = np.flatnonzero(inputs.sequences == sequence)
        keys, values = inputs.cache.extend(state, int(sequence), inputs.positions[here], k[here], v[here])
        keys = keys.reshape(-1, kv_heads, 1, head_dim)
        values = values.reshape(-1, kv_heads, 1, head_dim)
        queries = q[here].reshape(len(here), kv_heads, heads // kv_heads, head_dim)
        scores = np.einsum("tkgd,skhd->tkgs", queries, keys) * np.float32(scale)
        visible = np.arange(len(keys)) <= inputs.positions[here][:, None]
        scores = np.where(visible[:, None, None, :], scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        out[here] = np.einsum("tkgs,skhd->tkgd", weights, values).reshape(len(here), -1)
    return out


@op(lambda a, b: _same(a, b))
def add(a: Array, b: Array) -> Array:
    """a + b"""
    total: Array = a + b
    return total


@op(lambda gate, up: _same(gate, up))
def swiglu(gate: Array, up: Array) -> Array:
    """gate * sigmoid(gate) * up (Shazeer, 2020)"""
    product: Array = gate / (1 + np.exp(-np.maximum(gate, -88))) * up
    return product


@op(lambda inputs, x: [(x.width, "R")])
def rows(inputs: Any, x: Array) -> Array:
    """The rows of x whose logits are wanted: [R, width]."""
    chosen: Array = x[inputs.rows]
    return chosen


def _route_shape(x: Tensor, gate: Matrix, experts: int, top_k: int, normalise: bool) -> list[tuple[int, str]]:
    if gate.rows != experts or gate.cols != x.width or not 0 < top_k <= experts:
        raise ValueError(f"a router of {gate.rows} x {gate.cols} for {top_k} of {experts} experts and {x.width} values")
    return [(top_k, x.dim), (top_k, x.dim)]


@op(_route_shape)
def route(x: Array, gate: Array, experts: int, top_k: int, normalise: bool) -> list[Array]:
    """The top_k of the experts by softmax(x @ gate.T), in ascending index, and their weights: two arrays [T, top_k]."""
    scores = x @ gate.T
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    chosen = np.sort(np.argsort(-scores, axis=-1, kind="stable")[:, :top_k], axis=-1)
    weights = np.take_along_axis(scores, chosen, axis=-1)
    if normalise:
        weights /= weights.sum(axis=-1, keepdims=True)
    return [chosen.astype(np.float32), weights]


def _experts_shape(
    x: Tensor, chosen: Tensor, weights: Tensor, gates: list[Matrix], ups: list[Matrix], downs: list[Matrix]
) -> list[tuple[int, str]]:
    for gate, up, down in zip(gates, ups, downs, strict=True):
        if not gate.cols == up.cols == down.rows == x.width or not gate.rows == up.rows == down.cols:
            raise ValueError(f"{gate.name} and its siblings are not a pair of {x.width} to one inner width")
    return _same(x)


@op(_experts_shape)
def experts(
    x: Array,
    chosen: Array,
    weights: Array,
    gates: Sequence[Array],
    ups: Sequence[Array],
    downs: Sequence[Array],
) -> Array:
    """The sum over each token's chosen experts, in ascending index, of weight * down(swiglu(gate x, up x))."""
    out = np.zeros_like(x)
    for e in np.unique(chosen.astype(int)):
        token, slot = np.nonzero(chosen == e)
        inner = swiglu.meaning(x[token] @ gates[e].T, x[token] @ ups[e].T)
        out[token] += weights[token, slot][:, None] * (inner @ downs[e].T)
    return out
