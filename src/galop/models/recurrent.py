"""What families with recurrent layers share: their constants as the ops take them, and Mamba-2."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.gguf_mapping import Key
from galop.ops import Inputs, Tensor, causal_conv, linear, linears, mamba2_scan, ones, rms_norm, swiglu, weigh
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

MAMBA_NAMES = {
    "ssm_in": "mamba.in_proj",
    "ssm_conv1d": "mamba.conv1d",
    "ssm_dt": "mamba.dt",
    "ssm_a": "mamba.decay",
    "ssm_d": "mamba.D",
    "ssm_norm": "mamba.norm",
    "ssm_out": "mamba.out_proj",
}
MAMBA_KEYS = (
    Key("mamba_d_conv", "ssm.conv_kernel", int, required=True),
    Key("mamba_d_state", "ssm.state_size", int, required=True),
    Key("mamba_n_groups", "ssm.group_count", int, required=True),
    Key("mamba_n_heads", "ssm.time_step_rank", int, required=True),
    Key("mamba_d_head", "ssm.inner_size", int, required=True),  # of all heads together
)
# Steps of time without limits, as JSON and transformers write them.
NO_LIMITS = ([0.0, float("inf")], [0.0, {"__float__": "Infinity"}])
VECTORS = (".decay", ".D", ".mamba.norm.weight")  # with a second axis in GGUF files


def prepare_recurrent(tensors: Tensors) -> Tensors:
    """Constants as ops take them: `decay`, which is -exp of A_log, and the others as vectors, convolutions [channels,
    1, taps] as matrices."""
    ready: Tensors = {}
    for name, tensor in tensors.items():
        if name.endswith(".A_log"):
            ready[name.removesuffix("A_log") + "decay"] = tensor.map(lambda a: -np.exp(a))
        elif name.endswith(".dt_bias"):
            ready[name.removesuffix("dt_bias") + "dt.bias"] = tensor
        elif name.endswith((".conv1d.weight", ".conv.conv.weight")):
            ready[name] = tensor.reshape(tensor.shape[0], tensor.shape[-1])
        elif name.endswith(VECTORS):
            ready[name] = tensor.reshape(math.prod(tensor.shape))
        else:
            ready[name] = tensor
    return ready


@dataclass(frozen=True)
class MambaConfig(Config):
    """Llama's, and the sizes of Mamba-2."""

    mamba_n_heads: int = 128
    mamba_d_head: int = 64
    mamba_d_state: int = 128
    mamba_n_groups: int = 1
    mamba_d_conv: int = 4


def split_mamba(tensors: Tensors, c: MambaConfig) -> Tensors:
    """`mamba.in_proj` as the projections to gates, to what is convolved, and to steps.

    Raises ModelFileError where its rows are not those of the config's heads.
    """
    inner = c.mamba_n_heads * c.mamba_d_head
    rows = (inner, inner + 2 * c.mamba_n_groups * c.mamba_d_state, c.mamba_n_heads)
    split: Tensors = {}
    for name, tensor in tensors.items():
        base, found, leaf = name.partition(".mamba.in_proj.")
        if not found:
            split[name] = tensor
            continue
        if sum(rows) != tensor.shape[0]:
            raise ModelFileError(f"the weights do not fit the configuration: {name} has {tensor.shape[0]} rows")
        for part, one in zip(("z_proj", "xbc_proj", "dt_proj"), tensor.split(*rows), strict=True):
            split[f"{base}.mamba.{part}.{leaf}"] = one
    return split


def mamba2(inputs: Inputs, x: Tensor, w: Tree, c: MambaConfig) -> Tensor:
    """A layer of Mamba-2 (Dao and Gu, 2024), whose output is gated before it is normalised, in groups."""
    groups = c.mamba_n_groups
    z, xbc, dt = linears(x, [w.z_proj, w.xbc_proj, w.dt_proj], [None] * 3)
    xbc = causal_conv(inputs, xbc, w.conv1d, w.conv1d.bias or None, inputs.next_state, silu=True)
    y = mamba2_scan(inputs, xbc, dt, w.decay, w.dt.bias, w.D, inputs.next_state, groups, c.mamba_d_state)
    y = swiglu(z, y)
    normed = weigh(rms_norm(y, ones(y.width // groups), c.rms_norm_eps), w.norm.of(y.width))
    return linear(normed, w.out_proj)
