"""The quant types of weights: one table of their block sizes and of what their values are (block_values.py).

Adding one is a row of QUANT_TYPES and its function; the kernels' own table (native/weights.h) has to name the same
types in the same order, with the same block sizes, which is compared when this is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from galop import native
from galop.ops.plan import Array
from galop.weights import block_values as of
from galop.weights import grid_values as of_grid


@dataclass(frozen=True)
class QuantType:
    """How values are stored: `block` values in `nbytes` bytes."""

    name: str
    block: int
    nbytes: int
    dequantise: Callable[[Array], Array]  # uint8 [blocks, nbytes] -> float32 [blocks, ...], values in order
    scales: tuple[int, ...] = ()  # where in a block its fp16 scales and minima stand
    finite: Callable[[Array], bool] | None = None  # for scales of another kind: whether all are numbers


def dequantise(name: str, data: Array, shape: tuple[int, ...]) -> Array:
    """float32 values [shape] of the blocks in `data` (uint8)."""
    kind = QUANT_TYPES[name]
    return kind.dequantise(np.ascontiguousarray(data).reshape(-1, kind.nbytes)).reshape(shape)


def has_finite_scales(name: str, data: Array) -> bool:
    """Whether every block's scales are numbers: with them, so are all its values."""
    kind = QUANT_TYPES[name]
    blocks = data.reshape(-1, kind.nbytes)
    if kind.finite:
        return kind.finite(blocks)
    exponents = [blocks[:, at + 1] & 0x7C for at in kind.scales]  # all ones in an infinity or NaN
    return not any((e == 0x7C).any() for e in exponents)


def has_finite_exponents(blocks: Array) -> bool:
    """Whether MXFP4's exponents are those of numbers: 255 is NaN, 253 and 254 times 12 are more than float32 has."""
    return not (blocks[:, 0] > 252).any()


def has_finite_factors(blocks: Array) -> bool:
    """Whether the factors before NVFP4's blocks are numbers."""
    return bool(np.isfinite(np.ascontiguousarray(blocks[:, :4]).view(np.float32)).all())


def scale_nvfp4(blocks: Array, factor: Array) -> Array:
    """NVFP4's blocks (uint8 [..., 36]) and what all values of a row are multiplied with, the same in each of its blocks
    (float32, broadcast to [...]): blocks of NVFP4_SCALED (uint8 [..., 40])."""
    factors = np.broadcast_to(np.asarray(factor, np.float32)[..., None], (*blocks.shape[:-1], 1))
    return np.concatenate([np.ascontiguousarray(factors).view(np.uint8), blocks], axis=-1)


def quantise_q8_0(values: Array) -> Array:
    """Q8_0 blocks (uint8, 34 bytes per 32 values) of a float32 array whose last axis is a multiple of 32."""
    groups = values.astype(np.float32, copy=False).reshape(-1, 32)
    largest = np.maximum.reduceat(
        np.abs(groups).reshape(-1), np.arange(0, groups.size, 32)
    )  # faster than along an axis
    scale = largest / np.float32(127)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(scale > 0, 1 / scale, 0).astype(np.float32)
    codes = groups * inverse[:, None]
    out = np.empty((len(groups), 34), np.uint8)
    out[:, :2] = scale.astype(np.float16)[:, None].view(np.uint8)
    np.copyto(out[:, 2:].view(np.int8), np.rint(codes, out=codes), casting="unsafe")
    return out.reshape(-1)


# The types that kernels run come first, in their order; the others are converted to one of these.
QUANT_TYPES: dict[str, QuantType] = {
    row.name: row
    for row in (
        QuantType("Q4_0", 32, 18, of.q4_0, scales=(0,)),
        QuantType("Q4_1", 32, 20, of.q4_1, scales=(0, 2)),
        QuantType("Q5_0", 32, 22, of.q5_0, scales=(0,)),
        QuantType("Q5_1", 32, 24, of.q5_1, scales=(0, 2)),
        QuantType("Q8_0", 32, 34, of.q8_0, scales=(0,)),
        QuantType("Q4_K", 256, 144, of.q4_k, scales=(0, 2)),
        QuantType("Q5_K", 256, 176, of.q5_k, scales=(0, 2)),
        QuantType("Q6_K", 256, 210, of.q6_k, scales=(208,)),
        QuantType("Q2_K", 256, 84, of.q2_k, scales=(80, 82)),
        QuantType("Q3_K", 256, 110, of.q3_k, scales=(108,)),
        QuantType("IQ4_NL", 32, 18, of.iq4_nl, scales=(0,)),
        QuantType("IQ4_XS", 256, 136, of.iq4_xs, scales=(0,)),
        QuantType("MXFP4", 32, 17, of.mxfp4, finite=has_finite_exponents),
        QuantType("NVFP4", 64, 36, of.nvfp4),
        QuantType("NVFP4_SCALED", 64, 40, of.nvfp4_scaled, finite=has_finite_factors),
        QuantType("Q1_0", 128, 18, of.q1_0, scales=(0,)),
        QuantType("Q2_0", 64, 18, of.q2_0, scales=(0,)),
        QuantType("TQ1_0", 256, 54, of.tq1_0, scales=(52,)),
        QuantType("TQ2_0", 256, 66, of.tq2_0, scales=(64,)),
        QuantType("IQ1_S", 256, 50, of_grid.iq1_s, scales=(0,)),
        QuantType("IQ1_M", 256, 56, of_grid.iq1_m, finite=lambda b: bool(np.isfinite(of_grid.iq1_m_scale(b)).all())),
        QuantType("IQ2_XXS", 256, 66, of_grid.iq2_xxs, scales=(0,)),
        QuantType("IQ2_XS", 256, 74, of_grid.iq2_xs, scales=(0,)),
        QuantType("IQ2_S", 256, 82, of_grid.iq2_s, scales=(0,)),
        QuantType("IQ3_XXS", 256, 98, of_grid.iq3_xxs, scales=(0,)),
        QuantType("IQ3_S", 256, 110, of_grid.iq3_s, scales=(0,)),
        QuantType("F32", 1, 4, of.f32),
        QuantType("F16", 1, 2, of.f16),
        QuantType("BF16", 1, 2, of.bf16),
    )
}

for _row, _native in zip(QUANT_TYPES.values(), native.quant_types(), strict=False):
    if (_row.name, _row.block, _row.nbytes) != _native:
        raise ImportError(
            "the native core has quant types in another order or of other sizes: "
            f"{_native} where QUANT_TYPES has {(_row.name, _row.block, _row.nbytes)}; "
            "build it again, with the same rows in kLayouts of native/weights.h: pip install --editable ."
        )
