"""State space layers: `mamba2_scan`."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.cost import Cost, Scratch, Workload
from galop.ops.plan import Array, Inputs, Recurrent, Shapes, Tensor, Vector, op


def _head_dim(xbc: Tensor, dt: Tensor, groups: int, state_size: int) -> int:
    return (xbc.width - 2 * groups * state_size) // dt.width


def _shape(
    inputs: Inputs, xbc: Tensor, dt: Tensor, decay: Vector, dt_bias: Vector, skip: Vector, state: int, groups: int,
    state_size: int,
) -> Shapes:  # fmt: skip
    heads = dt.width
    if groups <= 0 or heads % groups or not heads == decay.size == dt_bias.size == skip.size:
        raise ValueError(f"{heads} heads, {groups} groups and {decay.size}, {dt_bias.size}, {skip.size} constants")
    head_dim = _head_dim(xbc, dt, groups, state_size)
    if state_size <= 0 or head_dim <= 0 or head_dim % 16 or head_dim * heads + 2 * groups * state_size != xbc.width:
        raise ValueError(f"{xbc.width} values are not those of {heads} heads and {groups} groups of {state_size}")
    return [(heads * head_dim, xbc.dim)]


def _cost(work: Workload, xbc: Tensor, dt: Tensor, groups: int, state_size: int, **_: object) -> Cost:
    floats = dt.width * state_size * _head_dim(xbc, dt, groups, state_size)
    return Cost(2 * work.sequences * floats * 4, 2 * work.tokens * floats)


def _scratch(dt: Tensor, **_: object) -> Scratch:
    return Scratch(2 * dt.width)


def _state(xbc: Tensor, dt: Tensor, groups: int, state_size: int, **_: object) -> Recurrent:
    return Recurrent(dt.width * state_size * _head_dim(xbc, dt, groups, state_size))


@op(_shape, cost=_cost, scratch=_scratch, state=_state)
def mamba2_scan(
    inputs: Any,
    xbc: Array,
    dt: Array,
    decay: Array,
    dt_bias: Array,
    skip: Array,
    state: int,
    groups: int,
    state_size: int,
) -> Array:
    """Mamba-2's selective state space (Dao and Gu, 2024), token by token: [T, heads * head_dim].

    `xbc` is [x | B | C]. With a step of softplus(dt + dt_bias) a head's S [state_size, head_dim] becomes
    S * exp(decay * step) + B (step * x)^T, and out is C^T S + skip * x. B and C are those of the head's group; `decay`
    is below zero.
    """
    heads, shared = dt.shape[1], groups * state_size
    x, bc = xbc[:, : -2 * shared].reshape(len(xbc), heads, -1), xbc[:, -2 * shared :]
    of = np.arange(heads) // (heads // groups)
    b, c = (u.reshape(len(u), groups, state_size)[:, of] for u in (bc[:, :shared], bc[:, shared:]))
    step = np.logaddexp(0, dt + dt_bias)
    gate = np.exp(decay * step)
    out = np.empty_like(x)
    for sequence, here, start in inputs.spans():
        kept = inputs.cache.state(state, sequence, start, x[0].size * state_size).reshape(heads, state_size, -1)
        for t in here:
            kept = kept * gate[t][:, None, None] + b[t][:, :, None] * (step[t][:, None] * x[t])[:, None, :]
            out[t] = np.einsum("hn,hnp->hp", c[t], kept) + skip[:, None] * x[t]
        inputs.cache.keep(state, sequence, start + len(here), kept.reshape(-1))
    return out.reshape(len(out), -1)
