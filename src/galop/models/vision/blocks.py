"""What towers have in common: a transformer's blocks over patches that all see each other, and how tensors become those
that it asks for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from galop.errors import ModelFileError
from galop.models.vision.config import VisionConfig
from galop.models.vision.pictures import padded
from galop.ops import (
    Inputs,
    Tensor,
    Vector,
    full_attention,
    gelu,
    gelu_tanh,
    layer_norm,
    linear,
    linears,
    rope,
    rope_table,
)
from galop.ops.plan import Array
from galop.weights.stored_tensor import StoredTensor, Tensors
from galop.weights.tree import Tree

Rotation = tuple[Tensor, Tensor]


def attend(
    inputs: Inputs,
    x: Tensor,
    w: Tree,
    config: VisionConfig,
    rotation: Rotation | None = None,
    biased: bool = True,
    interleaved: bool = False,
) -> Tensor:
    """Attention of all patches of a picture to each other, by `w.q_proj`, `k_proj`, `v_proj` and `out_proj`."""
    heads, dim = config.num_attention_heads, wide_head(config.head_dim)
    parts = [w.q_proj, w.k_proj, w.v_proj]
    q, k, v = linears(x, parts, [p.bias if biased else None for p in parts])
    if rotation:
        q, k = (rope(one, *rotation, dim, interleaved) for one in (q, k))
    out = full_attention(inputs, q, k, v, heads, dim, config.head_dim**-0.5)
    return linear(out, w.out_proj, w.out_proj.bias if biased else None)


def norm(x: Tensor, w: Tree, eps: float) -> Tensor:
    """All values of a patch, centred and normalised together."""
    normed: Tensor = layer_norm(x, w.of(x.width), w.bias, eps)
    return normed


def feed_forward(x: Tensor, w: Tree, exact: bool = False) -> Tensor:
    """Two layers with GELU between them, by its approximation unless `exact`."""
    up = linear(x, w.fc1, w.fc1.bias)
    return linear(gelu(up) if exact else gelu_tanh(up), w.fc2, w.fc2.bias)


def rotation(inputs: Inputs, head_dim: int, theta: float = 1e4, between: bool = False) -> Rotation:
    """Cosine and sine for heads of which one half of the pairs is turned by a patch's position on axis 1, and the other
    by that on axis 2: as fast, or by frequencies that lie `between` those of the first half."""
    quarter = head_dim // 4
    steps = np.arange(quarter) / quarter
    inv_freq = (theta ** -np.concatenate([steps, steps + between * 0.5 / quarter])).astype(np.float32)
    axes = np.repeat(np.array([1, 2], np.float32), quarter)
    cosine, sine = rope_table(
        inputs.positions, Vector("inv_freq", 2 * quarter, inv_freq), 1.0, Vector("axes", 2 * quarter, axes)
    )
    return cosine, sine


def flatten_patches(weight: StoredTensor) -> StoredTensor:
    """The weight of a convolution over patches as a matrix [out, values of a patch], padded with zeros to a width that
    kernels take."""
    flat = weight.reshape(weight.shape[0], math.prod(weight.shape[1:]))
    return widen(flat, padded(flat.width))


def widen(weight: StoredTensor, width: int) -> StoredTensor:
    """A matrix with zeros behind each row, up to `width` columns."""
    if weight.width == width:
        return weight
    have = weight.width

    def read(first: int, count: int) -> Array:
        wide = np.pad(weight.values(first, count), ((0, 0), (0, width - have))).astype(np.float32)
        return wide.view(np.uint8).reshape(count, -1)

    return replace(weight.dequantise(), shape=(weight.shape[0], width), read=read)


def lengthen(weight: StoredTensor, rows: int) -> StoredTensor:
    """A matrix or vector with zeros after its rows, up to `rows` of them."""
    have, width = weight.shape[0], weight.width
    if have == rows:
        return weight

    def read(first: int, count: int) -> Array:
        out = np.zeros((count, width), np.float32)
        known = min(first + count, have) - first
        if known > 0:
            out[:known] = weight.values(first, known)
        return out.view(np.uint8).reshape(count, -1)

    return replace(weight.dequantise(), shape=(rows, *weight.shape[1:]), read=read)


def wide_head(dim: int) -> int:
    """The width of heads that kernels take, of those of `dim` values."""
    return -(-dim // 16) * 16


def fit_heads(tensors: Tensors, heads: int, dim: int, order: Array | None = None) -> Tensors:
    """With heads of a width that kernels take: what is added to queries, keys and values is 0. `order` is that of the
    values of a head's queries and keys, where it is to be another, which changes no product of theirs.

    Norms of heads divide by the larger width: what the caller normalises with has to be smaller by `narrowing` and its
    square.
    """
    wide = wide_head(dim)
    order = np.arange(dim) if order is None else order

    def source(of_head: Array, count: int) -> Array:
        padded_head = np.concatenate([of_head, np.full(wide - dim, -1)])
        return np.where(padded_head < 0, -1, np.arange(count)[:, None] * dim + padded_head).reshape(-1)

    turned, plain = source(order, heads), source(np.arange(dim), heads)
    if np.array_equal(turned, np.arange(heads * dim)):
        return tensors
    fitted = dict(tensors)
    for name, tensor in tensors.items():
        part, _, ending = name.rpartition(".")
        if part.endswith(("q_norm", "k_norm")):
            fitted[name] = _spread_rows(tensor.multiply(narrowing(dim)), source(order, 1))
        elif part.endswith(("q_proj", "k_proj", "v_proj")) and ending in ("weight", "bias"):
            fitted[name] = _spread_rows(tensor, plain if part.endswith("v_proj") else turned)
        elif name.endswith("out_proj.weight") and wide > dim:
            fitted[name] = _spread_columns(tensor, plain)
    return fitted


def narrowing(dim: int) -> float:
    """The root of the share of a wide head's values that heads of `dim` have."""
    return float((dim / wide_head(dim)) ** 0.5)


def _spread_rows(tensor: StoredTensor, source: Array) -> StoredTensor:
    """Rows that `source` names, in its order, zeros for -1. Raises ModelFileError if there are none such."""
    _expect(tensor, tensor.shape[0], source)

    def read(first: int, count: int) -> Array:
        wanted = source[first : first + count]
        out = np.zeros((count, tensor.width), np.float32)
        if (there := wanted >= 0).any():
            low, high = int(wanted[there].min()), int(wanted.max()) + 1
            out[there] = tensor.values(low, high - low)[wanted[there] - low]
        return out.view(np.uint8).reshape(count, -1)

    return replace(tensor.dequantise(), shape=(len(source), *tensor.shape[1:]), read=read)


def _spread_columns(tensor: StoredTensor, source: Array) -> StoredTensor:
    """The same of the values of each row."""
    _expect(tensor, tensor.width, source)

    def read(first: int, count: int) -> Array:
        values = tensor.values(first, count)
        wide = np.where(source >= 0, values[:, np.maximum(source, 0)], np.float32(0))
        return np.ascontiguousarray(wide, np.float32).view(np.uint8).reshape(count, -1)

    return replace(tensor.dequantise(), shape=(*tensor.shape[:-1], len(source)), read=read)


def _expect(tensor: StoredTensor, have: int, source: Array) -> None:
    if have != source.max() + 1:
        raise ModelFileError(
            f"{tensor.name} has the shape {tensor.shape}, where heads of {source.max() + 1} are expected"
        )


def fit_feed_forward(tensors: Tensors) -> Tensors:
    """With inner widths of every `fc2` or `down_proj`, and of what is before it, that kernels take: what is added is 0
    before an activation and after it."""
    fitted = dict(tensors)
    for name, tensor in tensors.items():
        if name.endswith((".fc2.weight", ".down_proj.weight")) and tensor.width % 32:
            stem, width = name.removesuffix("fc2.weight").removesuffix("down_proj.weight"), padded(tensor.width)
            fitted[name] = widen(tensor, width)
            for part in ("fc1.weight", "fc1.bias", "gate_proj.weight", "up_proj.weight"):
                if stem + part in tensors:
                    fitted[stem + part] = lengthen(tensors[stem + part], width)
    return fitted
