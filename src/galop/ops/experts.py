"""Mixtures of experts: `route` chooses them for each token by a router's scores, `experts` runs and adds them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from galop.ops.cost import Cost, Scratch, Workload
from galop.ops.elementwise import geglu, relu_squared, swiglu
from galop.ops.plan import Array, Matrix, Shapes, Tensor, Vector, op
from galop.ops.shapes import same_shape


def _route_shape(
    scores: Tensor,
    correction: Vector | None,
    factors: Vector | None,
    top_k: int,
    sigmoid: bool,
    normalise: bool,
    factor: float,
    groups: int,
    kept_groups: int,
    group_best: int,
) -> Shapes:
    experts = scores.width
    for vector in (correction, factors):
        if vector and vector.size != experts:
            raise ValueError(f"{vector.name} has {vector.size} values for {experts} experts")
    if groups < 1 or experts % groups or not 0 < kept_groups <= groups or not 0 < group_best <= experts // groups:
        raise ValueError(f"{kept_groups} of {groups} groups of {experts} experts by their {group_best} best")
    if not 0 < top_k <= experts // groups * kept_groups:
        raise ValueError(f"{top_k} of {experts // groups * kept_groups} experts")
    return [(top_k, scores.dim), (top_k, scores.dim)]


@op(_route_shape)
def route(
    scores: Array,
    correction: Array | None,
    factors: Array | None,
    top_k: int,
    sigmoid: bool,
    normalise: bool,
    factor: float = 1.0,
    groups: int = 1,
    kept_groups: int = 1,
    group_best: int = 1,
) -> list[Array]:
    """The top_k experts of each token, in ascending index, and their weights: two arrays [T, top_k].

    Weights are shares, sigmoid(scores) or softmax(scores); of those of the chosen where `normalise`, which is softmax
    after the choice; times `factor` and each expert's own in `factors`. Chosen is by scores, or by the sum of share and
    `correction` (Wang et al., 2024), among the `kept_groups` of equal groups of experts whose `group_best` best have
    the largest sums (DeepSeek-V3, 2024).
    """
    if sigmoid:
        shares = 1 / (1 + np.exp(-np.maximum(scores, -88)))
    else:
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
    wanted = scores if correction is None else shares + correction
    if groups > 1:
        grouped = wanted.reshape(len(scores), groups, -1)
        best = np.sort(grouped, axis=-1)[..., -group_best:].sum(axis=-1)
        kept = np.argsort(-best, axis=-1, kind="stable")[:, :kept_groups]
        out = np.full_like(grouped, -np.inf)
        np.put_along_axis(out, kept[..., None], np.take_along_axis(grouped, kept[..., None], 1), 1)
        wanted = out.reshape(scores.shape)
    chosen = np.sort(np.argsort(-wanted, axis=-1, kind="stable")[:, :top_k], axis=-1)
    weights = np.take_along_axis(shares, chosen, axis=-1)
    if normalise:
        weights /= weights.sum(axis=-1, keepdims=True)
    weights *= np.float32(factor)
    return [chosen.astype(np.float32), weights if factors is None else weights * factors[chosen]]


def _experts_shape(
    x: Tensor,
    chosen: Tensor,
    weights: Tensor,
    gates: list[Matrix],
    ups: list[Matrix],
    downs: list[Matrix],
    biases: list[Vector],
    **_: object,
) -> Shapes:
    for gate, up, down in zip(gates or ups, ups, downs, strict=True):
        if not gate.cols == up.cols == down.rows == x.width or not gate.rows == up.rows == down.cols:
            raise ValueError(f"{up.name} and its siblings are not a pair of {x.width} to one inner width")
    sizes = [len(ups) * each[0].rows for each in (gates, ups, downs) if each]
    if biases and [bias.size for bias in biases] != sizes:
        raise ValueError(f"{biases[0].name} and its siblings have not a value for each of {sizes} rows")
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
    one = [each[0] for each in (gates, ups, downs) if each]
    columns = work.columns(x.dim)
    reached = len(ups) * (1 - (1 - chosen.width / len(ups)) ** columns)  # of random choices
    return Cost(
        reached * sum(work.matrix_bytes(m.name) for m in one),
        columns * chosen.width * sum(m.rows * m.cols for m in one),
    )


def _experts_scratch(x: Tensor, chosen: Tensor, ups: list[Matrix], **_: object) -> Scratch:
    inner = ups[0].rows
    return Scratch(chosen.width * (2 * inner + x.width), chosen.width * max(x.width, inner))


@op(_experts_shape, cost=_experts_cost, scratch=_experts_scratch)
def experts(
    x: Array,
    chosen: Array,
    weights: Array,
    gates: Sequence[Array],
    ups: Sequence[Array],
    downs: Sequence[Array],
    biases: Sequence[Array] = (),
    gelu: bool = False,
    alpha: float = 1.0,
    limit: float = math.inf,
    offset: float = 0.0,
    weigh_inputs: bool = False,
) -> Array:
    """The sum over each token's chosen experts, in ascending index, of weight * down(inner).

    The inner values are swiglu(gate x, up x, alpha, limit, offset), geglu(gate x, up x) where `gelu`, and without gates
    relu_squared(up x). `biases`, one vector with those of all experts for each of gates, ups and downs, are added to
    their products. Where `weigh_inputs`, x is weighed instead of the result (Llama 4).
    """
    result = np.zeros_like(x)
    offsets: list[Array] = [bias.reshape(len(ups), -1) for bias in biases] or [
        np.zeros(len(ups), np.float32) for _ in range(3)
    ]
    for e in np.unique(chosen.astype(int)):
        token, slot = np.nonzero(chosen == e)
        weight = weights[token, slot][:, None]
        inputs = x[token] * weight if weigh_inputs else x[token]
        matrices = [gates[e], ups[e]] if gates else [ups[e]]
        inner = [inputs @ matrix.T + bias[e] for matrix, bias in zip(matrices, offsets, strict=False)]
        if not gates:
            values = relu_squared.meaning(*inner)
        elif gelu:
            values = geglu.meaning(*inner)
        else:
            values = swiglu.meaning(*inner, alpha, limit, offset)
        down = values @ downs[e].T + offsets[-1][e]
        result[token] += down if weigh_inputs else weight * down
    return result
