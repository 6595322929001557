"""Convolution of each channel over time: `causal_conv`, the short memory in front of a recurrence."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.cost import Cost, Workload
from galop.ops.plan import Array, Inputs, Matrix, Recurrent, Shapes, Tensor, Vector, op
from galop.ops.shapes import same_shape


def _shape(inputs: Inputs, x: Tensor, weight: Matrix, bias: Vector | None, state: int, silu: bool) -> Shapes:
    if weight.rows != x.width or weight.cols < 2 or x.width % 16:
        raise ValueError(f"{weight.name} has {weight.cols} taps of {weight.rows} channels for {x.width} values")
    if bias and bias.size != x.width:
        raise ValueError(f"{bias.name} has {bias.size} values for {x.width} channels")
    return same_shape(x)


def _cost(work: Workload, x: Tensor, weight: Matrix, **_: object) -> Cost:
    rows = 2 * work.sequences * (weight.cols - 1)  # read, and written again
    return Cost(4 * x.width * (weight.cols + rows), work.tokens * x.width * weight.cols)


def _state(x: Tensor, weight: Matrix, **_: object) -> Recurrent:
    return Recurrent((weight.cols - 1) * x.width)


@op(_shape, cost=_cost, state=_state, exact=("weight",))
def causal_conv(inputs: Any, x: Array, weight: Array, bias: Array | None, state: int, silu: bool) -> Array:
    """Each channel's weighted sum of its value now, weight[:, -1], and those of the tokens before, plus bias; silu of
    it where `silu` says so. Before a sequence's first token are zeros.

    State `state` keeps the last rows of x, one fewer than there are taps.
    """
    out = np.empty_like(x)
    taps = weight.shape[1]
    for sequence, here, start in inputs.spans():
        past = inputs.cache.state(state, sequence, start, weight[:, 1:].size).reshape(-1, x.shape[1])
        rows = np.concatenate([past, x[here]])
        out[here] = sum(weight[:, tap] * rows[tap : tap + len(here)] for tap in range(taps))
        inputs.cache.keep(state, sequence, start + len(here), rows[len(here) :].reshape(-1))
    if bias is not None:
        out += bias
    return out / (1 + np.exp(-np.maximum(out, -88))) if silu else out
