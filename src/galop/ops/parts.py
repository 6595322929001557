"""A token's values taken apart and put together: `split`, `concat`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galop.ops.plan import Array, Shapes, Tensor, op


def _split_shape(x: Tensor, sizes: Sequence[int], groups: int) -> Shapes:
    if groups < 1 or min(sizes) < 1 or groups * sum(sizes) != x.width:
        raise ValueError(f"{x.width} values per token are not {groups} times {' + '.join(map(str, sizes))}")
    return [(groups * size, x.dim) for size in sizes]


@op(_split_shape)
def split(x: Array, sizes: Sequence[int], groups: int = 1) -> list[Array]:
    """Parts of these sizes, in order, of x or of each of its `groups`, such as heads: one tensor for each size."""
    grouped = x.reshape(len(x), groups, -1)
    return [part.reshape(len(x), -1) for part in np.split(grouped, np.cumsum(sizes)[:-1], axis=2)]


def _concat_shape(parts: list[Tensor], groups: int) -> Shapes:
    if groups < 1 or any(part.width % groups or part.dim != parts[0].dim for part in parts):
        raise ValueError(f"{', '.join(str(part.width) for part in parts)} values per token in {groups} groups")
    return [(sum(part.width for part in parts), parts[0].dim)]


@op(_concat_shape)
def concat(parts: Sequence[Array], groups: int = 1) -> Array:
    """The parts one behind the other, or those of each of the `groups`: what `split` takes apart."""
    count = len(parts[0])
    whole: Array = np.concatenate([part.reshape(count, groups, -1) for part in parts], axis=2).reshape(count, -1)
    return whole
