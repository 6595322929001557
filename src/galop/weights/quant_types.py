"""The quant types of weights: one table of their block sizes and of their values in NumPy float32, bit for bit those of
ggml's reference code (ggml-quants.c).

Adding one is a row of QUANT_TYPES and its function; the kernels' own table (native/weights.h) has to name the same
types in the same order, with the same block sizes, which is compared when this is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from galop import native
from galop.ops.plan import Array


@dataclass(frozen=True)
class QuantType:
    """How values are stored: `block` values in `nbytes` bytes."""

    name: str
    block: int
    nbytes: int
    dequantise: Callable[[Array], Array]  # uint8 [blocks, nbytes] -> float32 [blocks, ...], values in order
    scales: tuple[int, ...] = ()  # where in a block its fp16 scales and minima stand


def dequantise(name: str, data: Array, shape: tuple[int, ...]) -> Array:
    """float32 values [shape] of the blocks in `data` (uint8)."""
    kind = QUANT_TYPES[name]
    return kind.dequantise(np.ascontiguousarray(data).reshape(-1, kind.nbytes)).reshape(shape)


def has_finite_scales(name: str, data: Array) -> bool:
    """Whether every block's scales are numbers: with them, so are all its values."""
    kind = QUANT_TYPES[name]
    blocks = data.reshape(-1, kind.nbytes)
    exponents = [blocks[:, at + 1] & 0x7C for at in kind.scales]  # all ones in an infinity or NaN
    return not any((e == 0x7C).any() for e in exponents)


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


def _half(block: Array, start: int) -> Array:
    """An fp16 field as float32 [blocks, 1]."""
    return np.ascontiguousarray(block[:, start : start + 2]).view(np.float16).astype(np.float32)


def _nibbles(qs: Array) -> Array:
    """[n, 16] bytes -> [n, 32] codes: low halves first."""
    return np.concatenate([qs & 15, qs >> 4], axis=1)


def _fifth(qh: Array) -> Array:
    """[n, 4] bytes -> the 32 high bits, at their place in a five-bit code."""
    return np.unpackbits(qh, axis=1, bitorder="little") << 4


def _q4_0(b: Array) -> Array:
    return _half(b, 0) * (_nibbles(b[:, 2:]).astype(np.float32) - 8)


def _q4_1(b: Array) -> Array:
    return _half(b, 0) * _nibbles(b[:, 4:]).astype(np.float32) + _half(b, 2)


def _q5_0(b: Array) -> Array:
    return _half(b, 0) * ((_nibbles(b[:, 6:]) | _fifth(b[:, 2:6])).astype(np.float32) - 16)


def _q5_1(b: Array) -> Array:
    return _half(b, 0) * (_nibbles(b[:, 8:]) | _fifth(b[:, 4:8])).astype(np.float32) + _half(b, 2)


def _q8_0(b: Array) -> Array:
    return _half(b, 0) * b[:, 2:].view(np.int8).astype(np.float32)


def _k_scales(s: Array) -> tuple[Array, Array]:
    """Twelve bytes -> 8 six-bit scales and 8 six-bit minima."""
    first, second, mixed = s[:, 0:4], s[:, 4:8], s[:, 8:12]
    scales = np.concatenate([first & 63, (mixed & 15) | ((first >> 6) << 4)], axis=1)
    minima = np.concatenate([second & 63, (mixed >> 4) | ((second >> 6) << 4)], axis=1)
    return scales.astype(np.float32), minima.astype(np.float32)


def _k_values(b: Array, codes: Array) -> Array:
    scales, minima = _k_scales(b[:, 4:16])
    scale, least = _half(b, 0) * scales, _half(b, 2) * minima
    values: Array = scale[:, :, None] * codes.astype(np.float32) - least[:, :, None]
    return values


def _k_nibbles(qs: Array) -> Array:
    """[n, 128] bytes -> [n, 8, 32]: each 32 bytes hold one group low and the next high."""
    qs = qs.reshape(-1, 4, 1, 32)
    return np.concatenate([qs & 15, qs >> 4], axis=2).reshape(-1, 8, 32)


def _q4_k(b: Array) -> Array:
    return _k_values(b, _k_nibbles(b[:, 16:]))


def _q5_k(b: Array) -> Array:
    high = (b[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[None, :, None]) & 1
    return _k_values(b, _k_nibbles(b[:, 48:]) | (high << 4))


def _q6_k(b: Array) -> Array:
    low = b[:, :128].reshape(-1, 2, 1, 64)
    low = np.concatenate([low & 15, low >> 4], axis=2).reshape(-1, 2, 4, 32)
    high = b[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[None, None, :, None]
    codes = (low | ((high & 3) << 4)).astype(np.float32) - 32
    scale = _half(b, 208) * b[:, 192:208].view(np.int8).astype(np.float32)
    values: Array = scale[:, :, None] * codes.reshape(-1, 16, 16)
    return values


def _f32(b: Array) -> Array:
    return b.view(np.float32)


def _f16(b: Array) -> Array:
    return b.view(np.float16).astype(np.float32)


def _bf16(b: Array) -> Array:
    return (b.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


# The types that kernels run come first, in their order; the others are converted to one of these.
QUANT_TYPES: dict[str, QuantType] = {
    row.name: row
    for row in (
        QuantType("Q4_0", 32, 18, _q4_0, scales=(0,)),
        QuantType("Q4_1", 32, 20, _q4_1, scales=(0, 2)),
        QuantType("Q5_0", 32, 22, _q5_0, scales=(0,)),
        QuantType("Q5_1", 32, 24, _q5_1, scales=(0, 2)),
        QuantType("Q8_0", 32, 34, _q8_0, scales=(0,)),
        QuantType("Q4_K", 256, 144, _q4_k, scales=(0, 2)),
        QuantType("Q5_K", 256, 176, _q5_k, scales=(0, 2)),
        QuantType("Q6_K", 256, 210, _q6_k, scales=(208,)),
        QuantType("F32", 1, 4, _f32),
        QuantType("F16", 1, 2, _f16),
        QuantType("BF16", 1, 2, _bf16),
    )
}

for _row, _native in zip(QUANT_TYPES.values(), native.quant_types(), strict=False):
    if (_row.name, _row.block, _row.nbytes) != _native:
        raise ImportError(
            "the native core has quant types in another order or of other sizes: "
            f"{_native} where QUANT_TYPES has {(_row.name, _row.block, _row.nbytes)}; "
            "build it again, with the same rows in kLayouts of native/weights.h: pip install --editable ."
        )
