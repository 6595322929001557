"""What a step selects: `embed` looks tokens up, `embed_positions` their places, `patches` and `add_embedding` take what
the step brings; `rows` keeps the tokens whose logits are wanted, `pool` what encoders have of their sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from galop.ops.plan import Array, Matrix, Shapes, op
from galop.ops.shapes import same_shape


@op(lambda inputs, weight, scale, placeholder: [(weight.cols, "T")])
def embed(inputs: Any, weight: Array, scale: float = 1.0, placeholder: int = -1) -> Array:
    """Row `ids[t]` of `weight` for each token, times scale.

    An id -1 - i, below zero, stands for the beginning of row i of the step's `embeddings`, which are not scaled; where
    `placeholder` is an id, for the row of that one.
    """
    given = inputs.ids < 0
    ids = np.where(given, max(placeholder, 0), inputs.ids)
    found: Array = np.asarray(weight[ids]) * np.float32(scale)
    if given.any() and placeholder < 0:
        found[given] = inputs.embeddings[-1 - inputs.ids[given], : weight.shape[1]]
    return found


@op(lambda positions, weight, axis: [(weight.cols, "T")], exact=("weight",))
def embed_positions(positions: Array, weight: Array, axis: int = 0) -> Array:
    """Row `position` of `weight` for each token, its position being that on `axis`: learned positions (Gehring et al.,
    2017)."""
    found: Array = np.asarray(weight[positions[axis]])
    return found


@op(lambda inputs, width: [(width, "T")])
def patches(inputs: Any, width: int) -> Array:
    """Row i of the step's `embeddings` for a token -1 - i, of which all are such: the patches of a picture."""
    found: Array = inputs.embeddings[-1 - inputs.ids]
    return found


@op(lambda inputs, x, part: same_shape(x))
def add_embedding(inputs: Any, x: Array, part: int) -> Array:
    """x, for a token -1 - i with part `part` of row i of the step's `embeddings` added, in parts as wide as x: features
    of a picture for later layers (DeepStack: Meng et al., 2024). Rows without that part add nothing."""
    given = np.flatnonzero(inputs.ids < 0)
    out, width = x.copy(), x.shape[1]
    if len(given) and inputs.embeddings.shape[1] >= (part + 1) * width:
        out[given] += inputs.embeddings[-1 - inputs.ids[given], part * width : (part + 1) * width]
    return out


@op(lambda x, rows: [(x.width, "R")])
def rows(x: Array, rows: Array) -> Array:
    """The rows of x whose logits are wanted: [R, width]."""
    chosen: Array = x[rows]
    return chosen


@op(lambda x, rows, count: [(count * x.width, "R")])
def merge(x: Array, rows: Array, count: int) -> Array:
    """The row of each token whose logits are wanted with those of the count - 1 after it behind it, [R, count * width]:
    neighbouring patches become one token."""
    merged: Array = x[rows[:, None] + np.arange(count)].reshape(len(rows), -1)
    return merged


@op(lambda x, rows, count: [(x.width, "R")])
def merge_mean(x: Array, rows: Array, count: int) -> Array:
    """The mean of them in place of all of them: [R, width]."""
    mean: Array = x[rows[:, None] + np.arange(count)].mean(axis=1)
    return mean


def _table_side(weight: Matrix) -> Shapes:
    if math.isqrt(weight.rows) ** 2 != weight.rows:
        raise ValueError(f"{weight.rows} positions are not those of a square")
    return [(weight.cols, "T")]


@op(lambda positions, weight: _table_side(weight), exact=("weight",))
def resample_positions(positions: Array, weight: Array) -> Array:
    """Learned positions of a square, [side * side, width], for patches of a grid of another shape.

    On axes 1 to 4 of its positions a patch has its row and column and the rows and columns of the grid, whose corners
    are those of the square; between its positions they are mixed by distance (bilinear interpolation).
    """
    side = math.isqrt(len(weight))
    out = np.zeros((positions.shape[1], weight.shape[1]), np.float32)
    one = np.float32(1)
    (top, down), (left, right) = (
        np.divmod(at * np.float32(side - 1) / np.maximum(many - one, one), one)
        for at, many in positions[[[1, 3], [2, 4]]].astype(np.float32)
    )
    for r, by_row in ((top, one - down), (top + one, down)):
        for c, by_column in ((left, one - right), (left + one, right)):
            index = np.minimum(r, side - 1).astype(int) * side + np.minimum(c, side - 1).astype(int)
            out += (by_row * by_column)[:, None] * np.asarray(weight[index])
    return out


@op(lambda inputs, x, mean: [(x.width, "R")])
def pool(inputs: Any, x: Array, mean: bool) -> Array:
    """For each token whose logits are wanted the mean of its sequence's tokens in this step, or else the first of them
    (Reimers and Gurevych, 2019): [R, width]."""
    of_sequence = [x[inputs.sequences == inputs.sequences[row]] for row in inputs.rows]
    pooled: Array = np.stack([tokens.mean(axis=0) if mean else tokens[0] for tokens in of_sequence])
    return pooled
