"""Ops on each value by itself: `add`, `swiglu`."""

from __future__ import annotations

import numpy as np

from galop.ops.plan import Array, op
from galop.ops.shapes import same_shape


@op(lambda a, b: same_shape(a, b))
def add(a: Array, b: Array) -> Array:
    """a + b"""
    total: Array = a + b
    return total


@op(lambda gate, up: same_shape(gate, up))
def swiglu(gate: Array, up: Array) -> Array:
    """gate * sigmoid(gate) * up (Shazeer, 2020)"""
    product: Array = gate / (1 + np.exp(-np.maximum(gate, -88))) * up
    return product
