"""What a step selects: `embed` looks tokens up, `rows` keeps the tokens whose logits are wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from galop.ops.plan import Array, op


@op(lambda inputs, weight: [(weight.cols, "T")])
def embed(inputs: Any, weight: Array) -> Array:
    """Row `ids[t]` of `weight` for each token; -1 - i, below zero, stands for row i of the step's `embeddings`."""
    found: Array = weight[np.maximum(inputs.ids, 0)]
    given = inputs.ids < 0
    if given.any():
        found[given] = inputs.embeddings[-1 - inputs.ids[given]]
    return found


@op(lambda x, rows: [(x.width, "R")])
def rows(x: Array, rows: Array) -> Array:
    """The rows of x whose logits are wanted: [R, width]."""
    chosen: Array = x[rows]
    return chosen
