"""Rotary position embeddings: `rope_table` for the angles of a step, `rope` to turn queries and keys."""

from __future__ import annotations

import numpy as np

from galop.ops.plan import Array, Input, Shapes, Tensor, Vector, op
from galop.ops.shapes import same_shape


def _table_shape(positions: Input, inv_freq: Vector, scale: float, axes: Vector | None) -> Shapes:
    if axes is not None and (axes.value is None or axes.size != inv_freq.size or axes.value.min() < 0):
        raise ValueError(f"an axis for each of the {inv_freq.size} frequencies is needed")
    return [(inv_freq.size, "T"), (inv_freq.size, "T")]


@op(_table_shape)
def rope_table(positions: Array, inv_freq: Array, scale: float, axes: Array | None = None) -> list[Array]:
    """Cosine and sine of position * inv_freq, times scale: computed in float64, kept in float32.

    `axes` names for each frequency the axis of positions that it reads, those that a step gives each token, [axes, T]
    (Qwen2-VL, 2024); on axis 0, which without them all read, is its place, which also counts where a step gives no more
    axes.
    """
    chosen = positions[:1].T if axes is None or len(positions) == 1 else positions[axes.astype(int)].T
    angle = chosen.astype(np.float64) * inv_freq.astype(np.float64)
    return [np.cos(angle).astype(np.float32) * np.float32(scale), np.sin(angle).astype(np.float32) * np.float32(scale)]


def _shape(x: Tensor, cosine: Tensor, sine: Tensor, head_dim: int, interleaved: bool) -> Shapes:
    if x.width % head_dim or 2 * cosine.width > head_dim:
        raise ValueError(f"{x.width} values per token are not heads of {head_dim}")
    return same_shape(x)


@op(_shape)
def rope(x: Array, cosine: Array, sine: Array, head_dim: int, interleaved: bool = False) -> Array:
    """Rotates pairs within each head of head_dim (Su et al., 2021).

    Pairs are (i, i + half) as in Hugging Face checkpoints, or (2i, 2i + 1) when interleaved; values past the rotated
    ones stay as they are.
    """
    out = x.reshape(len(x), -1, head_dim).copy()
    half = cosine.shape[-1]
    first, second = (
        (slice(0, 2 * half, 2), slice(1, 2 * half, 2)) if interleaved else (slice(0, half), slice(half, 2 * half))
    )
    a, b = out[..., first].copy(), out[..., second].copy()
    cosine, sine = cosine[:, None, :], sine[:, None, :]
    out[..., first] = a * cosine - b * sine
    out[..., second] = b * cosine + a * sine
    return out.reshape(x.shape)
