"""What a step selects: `embed` looks tokens up, `rows` keeps the tokens whose logits are wanted."""

from __future__ import annotations

from galop.ops.plan import Array, op


@op(lambda ids, weight: [(weight.cols, "T")])
def embed(ids: Array, weight: Array) -> Array:
    """Row `ids[t]` of `weight` for each token."""
    found: Array = weight[ids]
    return found


@op(lambda x, rows: [(x.width, "R")])
def rows(x: Array, rows: Array) -> Array:
    """The rows of x whose logits are wanted: [R, width]."""
    chosen: Array = x[rows]
    return chosen
