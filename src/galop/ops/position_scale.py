"""A scale by position: `position_scale`."""

from __future__ import annotations

from galop.ops.plan import Array, op
from galop.ops.shapes import same_shape


@op(lambda x, positions, factors, every, offset: same_shape(x))
def position_scale(x: Array, positions: Array, factors: Array, every: int, offset: int = 0) -> Array:
    """x times the factor of its token's place: factors[(place + offset) // every], the last for all places beyond.

    Queries that grow with the context keep long ones from blurring (Llama 4).
    """
    factor = factors[((positions[0] + offset) // every).clip(max=len(factors) - 1)]
    scaled: Array = x * factor[:, None]
    return scaled
