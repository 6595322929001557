"""A matrix product for each head: `head_linear`."""

from __future__ import annotations

from galop.ops.cost import Cost, Scratch, Workload
from galop.ops.plan import Array, Matrix, Shapes, Tensor, op


def _shape(x: Tensor, weight: Matrix, heads: int) -> Shapes:
    if heads < 1 or weight.rows % heads or x.width != heads * weight.cols:
        raise ValueError(
            f"{weight.name} [{weight.rows}, {weight.cols}] is not one for each of {heads} heads of {x.width} values"
        )
    return [(weight.rows, x.dim)]


def _cost(work: Workload, x: Tensor, weight: Matrix, **_: object) -> Cost:
    columns = work.columns(x.dim)
    return Cost(work.matrix_bytes(weight.name) if columns else 0, columns * weight.rows * weight.cols)


def _scratch(x: Tensor, **_: object) -> Scratch:
    return Scratch(activations=x.width)


@op(_shape, cost=_cost, scratch=_scratch)
def head_linear(x: Array, weight: Array, heads: int) -> Array:
    """The values of each head times a matrix of its own: `weight` is [heads * out, in], those of all heads in order."""
    each = x.reshape(len(x), heads, -1).swapaxes(0, 1) @ weight.reshape(heads, -1, weight.shape[1]).swapaxes(1, 2)
    joined: Array = each.swapaxes(0, 1).reshape(len(x), -1)
    return joined
