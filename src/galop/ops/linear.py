"""Matrix products: `linears`, `linear` for one, `exact_linear` for one that may not be quantised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from galop.ops.cost import Cost, Scratch, Workload
from galop.ops.plan import Array, Matrix, Shapes, Tensor, Vector, op


def _shape(x: Tensor, weights: list[Matrix], biases: list[Vector | None]) -> Shapes:
    for weight, bias in zip(weights, biases, strict=True):
        if weight.cols != x.width:
            raise ValueError(f"{weight.name} takes {weight.cols} values, not {x.width}")
        if bias and bias.size != weight.rows:
            raise ValueError(f"{bias.name} has {bias.size} values for {weight.rows} rows")
    return [(weight.rows, x.dim) for weight in weights]


def _cost(work: Workload, x: Tensor, weights: list[Matrix], **_: object) -> Cost:
    columns = work.columns(x.dim)
    read = sum(work.matrix_bytes(w.name) for w in weights) if columns else 0
    return Cost(read, columns * sum(w.rows * w.cols for w in weights))


def _scratch(x: Tensor, **_: object) -> Scratch:
    return Scratch(activations=x.width)


@op(_shape, cost=_cost, scratch=_scratch, named_by="weights")
def linears(x: Array, weights: Sequence[Array], biases: Sequence[Array | None]) -> list[Array]:
    """x @ weight.T + bias for each weight [out, in]; the input is quantised once for all of them."""
    return [x @ w.T if b is None else x @ w.T + b for w, b in zip(weights, biases, strict=True)]


def linear(x: Tensor, weight: Any, bias: Any = None) -> Tensor:
    """`linears` with one weight. Raises ModelFileError where it does not fit."""
    outputs: Any = linears(x, [weight], [bias])  # the only one by itself
    result: Tensor = outputs
    return result


# A router decides by the order of its scores, so its weights stay exact.
@op(
    lambda x, weight, bias: _shape(x, [weight], [bias]),
    cost=lambda work, x, weight, **_: _cost(work, x, [weight]),
    exact=("weight",),
)
def exact_linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x @ weight.T + bias in float32."""
    product: Array = x @ weight.T
    return product if bias is None else product + bias
