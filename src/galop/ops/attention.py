"""Attention over all earlier tokens of a sequence: `attention`."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.cost import Cost, Workload
from galop.ops.plan import Array, Inputs, Paged, Shapes, Tensor, op


def _shape(
    inputs: Inputs, q: Tensor, k: Tensor, v: Tensor, state: int, heads: int, kv_heads: int, head_dim: int, scale: float
) -> Shapes:
    if kv_heads <= 0 or heads % kv_heads:
        raise ValueError(f"{heads} query heads cannot share {kv_heads} key heads")
    for name, x, count in (("queries", q, heads), ("keys", k, kv_heads), ("values", v, kv_heads)):
        if x.width != count * head_dim:
            raise ValueError(f"{count} heads of {head_dim} need {count * head_dim} {name}, the weights give {x.width}")
    return [(q.width, q.dim)]


def _cost(work: Workload, q: Tensor, state: int, **_: object) -> Cost:
    return Cost(work.sequences * work.keys * work.state_bytes(state), 2 * work.tokens * work.keys * q.width)


def _state(k: Tensor, v: Tensor, **_: object) -> Paged:
    return Paged(k.width, v.width)


@op(_shape, cost=_cost, state=_state)
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
    places = inputs.positions[0]
    for sequence in np.unique(inputs.sequences):
        here = np.flatnonzero(inputs.sequences == sequence)
        keys, values = inputs.cache.extend(state, int(sequence), places[here], k[here], v[here])
        keys = keys.reshape(-1, kv_heads, 1, head_dim)
        values = values.reshape(-1, kv_heads, 1, head_dim)
        queries = q[here].reshape(len(here), kv_heads, heads // kv_heads, head_dim)
        scores = np.einsum("tkgd,skhd->tkgs", queries, keys) * np.float32(scale)
        visible = np.arange(len(keys)) <= places[here][:, None]
        scores = np.where(visible[:, None, None, :], scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        out[here] = np.einsum("tkgs,skhd->tkgd", weights, values).reshape(len(here), -1)
    return out
