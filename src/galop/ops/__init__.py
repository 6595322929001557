"""Each op once: its meaning, shape, attributes, cost and state.

In the ops' meanings, T is the number of tokens of the step and arrays are [T, width] unless said otherwise. `inputs` is
the step's batch: `ids` and `sequences` [T], `positions` [axes, T], `embeddings` that some ids stand for, `rows` (the
tokens whose logits are wanted) and the `cache` of earlier keys and values.
"""

from galop.ops.attention import attention
from galop.ops.elementwise import add, swiglu
from galop.ops.embedding import embed, rows
from galop.ops.experts import experts, route
from galop.ops.linear import linear, linears
from galop.ops.norm import rms_norm
from galop.ops.plan import OPS, Inputs, Matrix, Paged, Plan, Tensor, Vector
from galop.ops.rope import rope, rope_table

__all__ = [
    "OPS", "Inputs", "Matrix", "Paged", "Plan", "Tensor", "Vector", "add", "attention", "embed", "experts", "linear",
    "linears", "rms_norm", "rope", "rope_table", "route", "rows", "swiglu",
]  # fmt: skip
