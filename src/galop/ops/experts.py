"""Mixtures of experts: `route` chooses them for each token, `experts` runs and adds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galop.ops.cost import Cost, Scratch, Workload
from galop.ops.elementwise import swiglu
from galop.ops.plan import Array, Matrix, Shapes, Tensor, op
from galop.ops.shapes import same_shape


def _route_shape(x: Tensor, gate: Matrix, experts: int, top_k: int, normalise: bool) -> Shapes:
    if gate.rows != experts or gate.cols != x.width or not 0 < top_k <= experts:
        raise ValueError(f"a router of {gate.rows} x {gate.cols} for {top_k} of {experts} experts and {x.width} values")
    return [(top_k, x.dim), (top_k, x.dim)]


# The router decides by the order of its scores, so its weights stay exact.
@op(_route_shape, exact=("gate",))
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
) -> Shapes:
    for gate, up, down in zip(gates, ups, downs, strict=True):
        if not gate.cols == up.cols == down.rows == x.width or not gate.rows == up.rows == down.cols:
            raise ValueError(f"{gate.name} and its siblings are not a pair of {x.width} to one inner width")
    return same_shape(x)


def _experts_cost(
    work: Workload,
    x: Tensor,
    chosen: Tensor,
    gates: list[Matrix],
    ups: list[Matrix],
    downs: list[Matrix],
    **_: object,
) -> Cost:
    one = (gates[0], ups[0], downs[0])
    columns = work.columns(x.dim)
    reached = len(gates) * (1 - (1 - chosen.width / len(gates)) ** columns)  # of random choices
    return Cost(
        reached * sum(work.matrix_bytes(m.name) for m in one),
        columns * chosen.width * sum(m.rows * m.cols for m in one),
    )


def _experts_scratch(x: Tensor, chosen: Tensor, gates: list[Matrix], **_: object) -> Scratch:
    inner = gates[0].rows
    return Scratch(chosen.width * (2 * inner + x.width), chosen.width * max(x.width, inner))


@op(_experts_shape, cost=_experts_cost, scratch=_experts_scratch)
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
