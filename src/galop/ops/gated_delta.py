"""Linear attention that corrects what it remembers: `gated_delta`."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.cost import Cost, Scratch, Workload
from galop.ops.plan import Array, Inputs, Recurrent, Shapes, Tensor, Vector, op


def _value_dim(qkv: Tensor, a: Tensor, key_heads: int, key_dim: int) -> int:
    return (qkv.width - 2 * key_heads * key_dim) // a.width


def _shape(
    inputs: Inputs, qkv: Tensor, a: Tensor, b: Tensor, decay: Vector, dt_bias: Vector, state: int, key_heads: int,
    key_dim: int, tiled: bool,
) -> Shapes:  # fmt: skip
    heads = a.width
    if key_heads <= 0 or heads % key_heads or not heads == b.width == decay.size == dt_bias.size:
        raise ValueError(
            f"{heads} value heads, {key_heads} key heads, {b.width}, {decay.size} and {dt_bias.size} gates"
        )
    value_dim = _value_dim(qkv, a, key_heads, key_dim)
    if key_dim <= 0 or value_dim <= 0 or key_dim % 16 or value_dim % 16:
        raise ValueError(f"heads of {key_dim} and {value_dim} values are not multiples of 16")
    if 2 * key_heads * key_dim + heads * value_dim != qkv.width:
        raise ValueError(f"{qkv.width} values are not those of {key_heads} and {heads} heads")
    return [(heads * value_dim, qkv.dim)]


def _cost(work: Workload, qkv: Tensor, a: Tensor, key_heads: int, key_dim: int, **_: object) -> Cost:
    floats = a.width * key_dim * _value_dim(qkv, a, key_heads, key_dim)
    return Cost(2 * work.sequences * floats * 4, 3 * work.tokens * floats)


def _scratch(a: Tensor, key_heads: int, key_dim: int, **_: object) -> Scratch:
    return Scratch(2 * (key_heads * key_dim + a.width))


def _state(qkv: Tensor, a: Tensor, key_heads: int, key_dim: int, **_: object) -> Recurrent:
    return Recurrent(a.width * key_dim * _value_dim(qkv, a, key_heads, key_dim))


@op(_shape, cost=_cost, scratch=_scratch, state=_state)
def gated_delta(
    inputs: Any,
    qkv: Array,
    a: Array,
    b: Array,
    decay: Array,
    dt_bias: Array,
    state: int,
    key_heads: int,
    key_dim: int,
    tiled: bool,
) -> Array:
    """The gated delta rule (Yang et al., 2024), token by token: [T, value heads * value_dim].

    A value head keeps a matrix S [key_dim, value_dim]. With q and k of unit length, and q scaled by key_dim^-0.5:
    S *= exp(decay * softplus(a + dt_bias)); S += k (sigmoid(b) * (v - k^T S))^T; out = q^T S. Value head h has the key
    head h // (value heads / key heads), or h % key heads if `tiled`. `decay` is below zero.
    """
    keys, heads = key_heads * key_dim, a.shape[1]
    q, k = qkv[:, :keys], qkv[:, keys : 2 * keys]
    q, k = (u.reshape(len(u), key_heads, key_dim) for u in (q, k))
    q, k = (u / np.sqrt(np.sum(u * u, axis=-1, keepdims=True) + 1e-6) for u in (q, k))
    of = np.arange(heads) % key_heads if tiled else np.arange(heads) // (heads // key_heads)
    q, k, v = q[:, of] / np.sqrt(np.float32(key_dim)), k[:, of], qkv[:, 2 * keys :].reshape(len(qkv), heads, -1)
    gate, beta = np.exp(decay * np.logaddexp(0, a + dt_bias)), 1 / (1 + np.exp(-np.maximum(b, -88)))
    out = np.empty_like(v)
    for sequence, here, start in inputs.spans():
        kept = inputs.cache.state(state, sequence, start, v[0].size * key_dim).reshape(heads, key_dim, -1)
        for t in here:
            kept = kept * gate[t][:, None, None]
            change = beta[t][:, None] * (v[t] - np.einsum("hk,hkv->hv", k[t], kept))
            kept = kept + k[t][:, :, None] * change[:, None, :]
            out[t] = np.einsum("hk,hkv->hv", q[t], kept)
        inputs.cache.keep(state, sequence, start + len(here), kept.reshape(-1))
    return out.reshape(len(out), -1)
