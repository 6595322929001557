"""Attention of all tokens of a sequence to each other, of which nothing is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.cost import Cost, Workload
from galop.ops.plan import Array, Shapes, Tensor, op
from galop.ops.shapes import same_shape


def _shape(inputs: Any, q: Tensor, k: Tensor, v: Tensor, heads: int, head_dim: int, scale: float) -> Shapes:
    for name, x in (("queries", q), ("keys", k), ("values", v)):
        if x.width != heads * head_dim:
            raise ValueError(f"{heads} heads of {head_dim} need {heads * head_dim} {name}, the weights give {x.width}")
    return same_shape(q)


def _cost(work: Workload, q: Tensor, **_: object) -> Cost:
    return Cost(0, 2 * work.tokens * work.keys * q.width)


@op(_shape, cost=_cost)
def full_attention(inputs: Any, q: Array, k: Array, v: Array, heads: int, head_dim: int, scale: float) -> Array:
    """softmax(q k^T * scale) v of each head, over all tokens of a sequence, which a step has to bring (Vaswani et al.,
    2017). Natively in 8 bits: codes under a scale for each token and head, weights under one for each 32 keys."""
    out = np.empty_like(q)
    for sequence in np.unique(inputs.sequences):
        here = np.flatnonzero(inputs.sequences == sequence)
        queries, keys, values = (x[here].reshape(len(here), heads, head_dim) for x in (q, k, v))
        scores = inputs.cache.score_heads(queries, keys) * np.float32(scale)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found = inputs.cache.mix_heads(weights, values) / weights.sum(axis=-1, keepdims=True)
        out[here] = found.reshape(len(here), -1)
    return out
