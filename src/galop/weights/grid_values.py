"""What the blocks of the types IQ1 to IQ3 mean, as in block_values.py: a code is the index of 8 or 4 values in a grid,
which take signs and a scale. The grids are the kernels' (native/grids.h)."""

from __future__ import annotations

from functools import cache

import numpy as np

from galop import native
from galop.ops.plan import Array
from galop.weights.block_values import half

VALUES = {
    "IQ1": [-1, 0, 1],
    "IQ2": [8, 25, 43],
    "IQ3_XXS": [4, 12, 20, 28, 36, 44, 52, 62],
    "IQ3_S": [1, 3, 5, 7, 9, 11, 13, 15],
}


@cache
def grid(name: str) -> Array:
    """float32 [entries, 8 or 4] of a quant type."""
    entries = np.array(native.grid(name), np.uint16)
    bits = 4 if name.startswith("IQ3") else 2
    codes = (entries[:, None] >> np.arange(0, 16, bits, dtype=np.uint16)) & ((1 << bits) - 1)
    values: Array = np.array(VALUES.get(name) or VALUES[name[:3]], np.float32)[codes]
    return values


def _field(b: Array, start: int, stop: int, kind: type[np.generic]) -> Array:
    return np.ascontiguousarray(b[:, start:stop]).view(kind)


def _split(qs: Array, shifts: range, mask: int) -> Array:
    """[n, m] -> [n, m * shifts]: fields of each number, the lowest first."""
    fields: Array = (qs[:, :, None] >> np.array(shifts, qs.dtype)) & qs.dtype.type(mask)
    return fields.reshape(len(qs), -1)


def _signs(bits: Array) -> Array:
    """[n, m] bytes -> [n, 8 m], -1 where a bit is set."""
    return 1 - 2 * np.unpackbits(bits.astype(np.uint8), axis=1, bitorder="little").astype(np.float32)


def _eighth(seven: Array) -> Array:
    """Seven signs and the eighth that makes the number of those set even."""
    signs: Array = seven | (np.bitwise_count(seven) & 1).astype(seven.dtype) << 7
    return signs.astype(np.uint8)


def _scaled(scale: Array, values: Array) -> Array:
    """Scales [n, m] of as many values each."""
    scaled: Array = scale[:, :, None] * values.reshape(*scale.shape, -1)
    return scaled


def iq1_s(b: Array) -> Array:
    """d * (2 s + 1) * (g +- 1/8), s and the sign of 32."""
    high = _field(b, 34, 50, np.uint16)
    scale = half(b, 0) * (2 * (high >> 12 & 7) + 1).astype(np.float32)
    delta = np.where(high & 0x8000, np.float32(-0.125), np.float32(0.125))
    index = b[:, 2:34].astype(np.uint16) | _split(high, range(0, 12, 3), 7) << 8
    return _scaled(scale, grid("IQ1_S")[index].reshape(-1, 8, 32) + delta[:, :, None])


def iq1_m_scale(b: Array) -> Array:
    """The fp16 scale of a block, whose four parts are the upper nibbles of four words."""
    parts = _field(b, 48, 56, np.uint16) >> 12 << np.arange(0, 16, 4, dtype=np.uint16)
    return np.bitwise_or.reduce(parts, axis=1, keepdims=True).view(np.float16).astype(np.float32)


def iq1_m(b: Array) -> Array:
    """d * (2 s + 1) * (g +- 1/8), s of 16 and the sign of 8."""
    scale = iq1_m_scale(b) * (2 * _split(_field(b, 48, 56, np.uint16), range(0, 12, 3), 7) + 1).astype(np.float32)
    high = _split(b[:, 32:48], range(0, 8, 4), 15).astype(np.uint16)
    delta = np.where(high & 8, np.float32(-0.125), np.float32(0.125))
    index = b[:, :32].astype(np.uint16) | (high & 7) << 8
    return _scaled(scale, grid("IQ1_M")[index] + delta[:, :, None])


def _quarter(b: Array, scales: Array) -> Array:
    quarter: Array = half(b, 0) * (scales.astype(np.float32) + np.float32(0.5)) * np.float32(0.25)
    return quarter


def iq2_xxs(b: Array) -> Array:
    """d * (s + 1/2) / 4 * +-g, s of 32."""
    words = _field(b, 2, 66, np.uint32).reshape(-1, 8, 2)
    index = np.ascontiguousarray(words[:, :, 0]).view(np.uint8)
    signs = _signs(_eighth(_split(words[:, :, 1], range(0, 28, 7), 127)))
    return _scaled(_quarter(b, words[:, :, 1] >> 28), grid("IQ2_XXS")[index].reshape(len(b), -1) * signs)


def iq2_xs(b: Array) -> Array:
    """d * (s + 1/2) / 4 * +-g, s of 16."""
    words = _field(b, 2, 66, np.uint16)
    scale = _quarter(b, _split(b[:, 66:74], range(0, 8, 4), 15))
    return _scaled(scale, grid("IQ2_XS")[words & 511].reshape(len(b), -1) * _signs(_eighth(words >> 9)))


def iq2_s(b: Array) -> Array:
    """As IQ2_XS, with ten bits of index and eight of signs."""
    index = b[:, 2:34].astype(np.uint16) | _split(b[:, 66:74], range(0, 8, 2), 3).astype(np.uint16) << 8
    scale = _quarter(b, _split(b[:, 74:82], range(0, 8, 4), 15))
    return _scaled(scale, grid("IQ2_S")[index].reshape(len(b), -1) * _signs(b[:, 34:66]))


def iq3_xxs(b: Array) -> Array:
    """d * (s + 1/2) / 2 * +-g, s of 32."""
    words = _field(b, 66, 98, np.uint32)
    signs = _signs(_eighth(_split(words, range(0, 28, 7), 127)))
    scale = half(b, 0) * ((words >> 28).astype(np.float32) + np.float32(0.5)) * np.float32(0.5)
    return _scaled(scale, grid("IQ3_XXS")[b[:, 2:66]].reshape(len(b), -1) * signs)


def iq3_s(b: Array) -> Array:
    """d * (2 s + 1) * +-g, s of 32."""
    index = b[:, 2:66].astype(np.uint16) | _split(b[:, 66:74], range(8), 1).astype(np.uint16) << 8
    scale = half(b, 0) * (2 * _split(b[:, 106:110], range(0, 8, 4), 15) + 1).astype(np.float32)
    return _scaled(scale, grid("IQ3_S")[index].reshape(len(b), -1) * _signs(b[:, 74:106]))
