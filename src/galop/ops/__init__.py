"""Each op once: its meaning, shape, attributes, cost and state.

In the ops' meanings, T is the number of tokens of the step and arrays are [T, width] unless said otherwise. `inputs` is
the step's batch: `ids` and `sequences` [T], `positions` [axes, T], `embeddings` that some ids stand for, `rows` (the
tokens whose logits are wanted) and the `cache` of earlier keys and values.
"""

from galop.ops.attention import attention, latent_attention
from galop.ops.causal_conv import causal_conv
from galop.ops.elementwise import (
    add,
    clamp,
    geglu,
    gelu,
    gelu_tanh,
    multiply,
    relu_squared,
    scale,
    shift,
    sigmoid_gate,
    softcap,
    swiglu,
    weigh,
)
from galop.ops.embedding import (
    add_embedding,
    embed,
    embed_positions,
    merge,
    merge_mean,
    patches,
    pool,
    resample_positions,
    rows,
)
from galop.ops.experts import experts, route
from galop.ops.full_attention import full_attention
from galop.ops.gated_delta import gated_delta
from galop.ops.head_linear import head_linear
from galop.ops.linear import exact_linear, linear, linears
from galop.ops.mamba2 import mamba2_scan
from galop.ops.norm import layer_norm, ones, rms_norm
from galop.ops.parts import concat, split
from galop.ops.plan import OPS, Inputs, Latent, Matrix, Paged, Plan, Tensor, Vector, Window
from galop.ops.position_scale import position_scale
from galop.ops.rope import rope, rope_table

__all__ = [
    "OPS", "Inputs", "Latent", "Matrix", "Paged", "Plan", "Tensor", "Vector", "Window", "add", "add_embedding",
    "attention", "causal_conv", "clamp", "concat", "embed", "embed_positions", "exact_linear", "experts",
    "full_attention", "gated_delta", "geglu", "gelu", "gelu_tanh", "head_linear", "latent_attention", "layer_norm",
    "linear", "linears", "mamba2_scan", "merge", "merge_mean", "multiply", "ones", "patches", "pool", "position_scale",
    "relu_squared", "resample_positions", "rms_norm", "rope", "rope_table", "route", "rows", "scale", "shift",
    "sigmoid_gate", "softcap", "split", "swiglu", "weigh",
]  # fmt: skip
