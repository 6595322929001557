"""Shape rules that several ops share."""

from __future__ import annotations

from galop.ops.plan import Shapes, Tensor


def same_shape(x: Tensor, *others: Tensor) -> Shapes:
    """One output like `x`. Raises ValueError if another operand has a different shape."""
    for other in others:
        if (other.width, other.dim) != (x.width, x.dim):
            raise ValueError(f"values of {x.width} and {other.width} per token")
    return [(x.width, x.dim)]
