"""What a step selects: `embed` looks tokens up, `embed_positions` their places; `rows` keeps the tokens whose logits
are wanted, `pool` what encoders have of their sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.plan import Array, op


@op(lambda inputs, weight, scale, placeholder: [(weight.cols, "T")])
def embed(inputs: Any, weight: Array, scale: float = 1.0, placeholder: int = -1) -> Array:
    """Row `ids[t]` of `weight` for each token, times scale.

    An id -1 - i, below zero, stands for row i of the step's `embeddings`, which are not scaled; where `placeholder` is
    an id, for the row of that one.
    """
    given = inputs.ids < 0
    ids = np.where(given, max(placeholder, 0), inputs.ids)
    found: Array = np.asarray(weight[ids]) * np.float32(scale)
    if given.any() and placeholder < 0:
        found[given] = inputs.embeddings[-1 - inputs.ids[given]]
    return found


@op(lambda positions, weight: [(weight.cols, "T")], exact=("weight",))
def embed_positions(positions: Array, weight: Array) -> Array:
    """Row `position` of `weight` for each token: learned positions (Gehring et al., 2017)."""
    found: Array = np.asarray(weight[positions[0]])
    return found


@op(lambda x, rows: [(x.width, "R")])
def rows(x: Array, rows: Array) -> Array:
    """The rows of x whose logits are wanted: [R, width]."""
    chosen: Array = x[rows]
    return chosen


@op(lambda inputs, x, mean: [(x.width, "R")])
def pool(inputs: Any, x: Array, mean: bool) -> Array:
    """For each token whose logits are wanted the mean of its sequence's tokens in this step, or else the first of them
    (Reimers and Gurevych, 2019): [R, width]."""
    of_sequence = [x[inputs.sequences == inputs.sequences[row]] for row in inputs.rows]
    pooled: Array = np.stack([tokens.mean(axis=0) if mean else tokens[0] for tokens in of_sequence])
    return pooled
