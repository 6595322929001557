"""What the blocks of each quant type mean: uint8 [blocks, bytes] -> float32 [blocks, ...], values in order, bit for bit
those of ggml's reference code (ggml-quants.c). grid_values.py has the types whose codes are indices into a grid."""

from __future__ import annotations

import numpy as np

from galop.ops.plan import Array

# What the 16 codes of IQ4_NL and IQ4_XS stand for, and those of MXFP4 and NVFP4: E2M1, doubled (the OCP's microscaling
# formats 1.0).
NON_LINEAR = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)
FLOAT4 = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.float32)


def half(block: Array, start: int) -> Array:
    """An fp16 field as float32 [blocks, 1]."""
    return np.ascontiguousarray(block[:, start : start + 2]).view(np.float16).astype(np.float32)


def nibbles(qs: Array) -> Array:
    """[..., n] bytes -> [..., 2 n] codes: low halves first."""
    return np.concatenate([qs & 15, qs >> 4], axis=-1)


def crumbs(qs: Array) -> Array:
    """[n, 64] bytes -> [n, 256] codes of 2 bits: each 32 bytes hold four groups, the first lowest."""
    shifts = np.arange(0, 8, 2, dtype=np.uint8)[:, None]
    return ((qs.reshape(-1, 2, 1, 32) >> shifts) & 3).reshape(-1, 256)


def _fifth(qh: Array) -> Array:
    """[n, 4] bytes -> the 32 high bits, at their place in a five-bit code."""
    return np.unpackbits(qh, axis=1, bitorder="little") << 4


def q4_0(b: Array) -> Array:
    """d * (q - 8)."""
    return half(b, 0) * (nibbles(b[:, 2:]).astype(np.float32) - 8)


def q4_1(b: Array) -> Array:
    """d * q + m."""
    return half(b, 0) * nibbles(b[:, 4:]).astype(np.float32) + half(b, 2)


def q5_0(b: Array) -> Array:
    """d * (q - 16), the fifth bits first."""
    return half(b, 0) * ((nibbles(b[:, 6:]) | _fifth(b[:, 2:6])).astype(np.float32) - 16)


def q5_1(b: Array) -> Array:
    """d * q + m, the fifth bits first."""
    return half(b, 0) * (nibbles(b[:, 8:]) | _fifth(b[:, 4:8])).astype(np.float32) + half(b, 2)


def q8_0(b: Array) -> Array:
    """d * q."""
    return half(b, 0) * b[:, 2:].view(np.int8).astype(np.float32)


def _k_scales(s: Array) -> tuple[Array, Array]:
    """Twelve bytes -> 8 six-bit scales and 8 six-bit minima."""
    first, second, mixed = s[:, 0:4], s[:, 4:8], s[:, 8:12]
    scales = np.concatenate([first & 63, (mixed & 15) | ((first >> 6) << 4)], axis=1)
    minima = np.concatenate([second & 63, (mixed >> 4) | ((second >> 6) << 4)], axis=1)
    return scales.astype(np.float32), minima.astype(np.float32)


def _k_values(b: Array, codes: Array) -> Array:
    scales, minima = _k_scales(b[:, 4:16])
    scale, least = half(b, 0) * scales, half(b, 2) * minima
    values: Array = scale[:, :, None] * codes.astype(np.float32) - least[:, :, None]
    return values


def _k_nibbles(qs: Array) -> Array:
    """[n, 128] bytes -> [n, 8, 32]: each 32 bytes hold one group low and the next high."""
    return nibbles(qs.reshape(-1, 4, 32)).reshape(-1, 8, 32)


def q4_k(b: Array) -> Array:
    """d * scale * q - dmin * minimum, of 32."""
    return _k_values(b, _k_nibbles(b[:, 16:]))


def q5_k(b: Array) -> Array:
    """As Q4_K, with 32 bytes of fifth bits."""
    high = (b[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[None, :, None]) & 1
    return _k_values(b, _k_nibbles(b[:, 48:]) | (high << 4))


def q6_k(b: Array) -> Array:
    """d * scale * (q - 32), an int8 scale of 16."""
    low = nibbles(b[:, :128].reshape(-1, 2, 64)).reshape(-1, 256)
    codes = (low | crumbs(b[:, 128:192]) << 4).astype(np.float32) - 32
    scale = half(b, 208) * b[:, 192:208].view(np.int8).astype(np.float32)
    values: Array = scale[:, :, None] * codes.reshape(-1, 16, 16)
    return values


def q2_k(b: Array) -> Array:
    """d * scale * q - dmin * minimum, nibbles of 16."""
    scale = half(b, 80) * (b[:, :16] & 15).astype(np.float32)
    least = half(b, 82) * (b[:, :16] >> 4).astype(np.float32)
    codes = crumbs(b[:, 16:80]).reshape(-1, 16, 16).astype(np.float32)
    values: Array = scale[:, :, None] * codes - least[:, :, None]
    return values


def q3_k(b: Array) -> Array:
    """d * (scale - 32) * (q - 4), 6-bit scales of 16; the third bits first."""
    third = (b[:, None, :32] >> np.arange(8, dtype=np.uint8)[:, None]) & 1
    codes = (crumbs(b[:, 32:96]) | third.reshape(-1, 256) << 2).reshape(-1, 16, 16).astype(np.float32) - 4
    high = b[:, None, 104:108] >> np.arange(0, 8, 2, dtype=np.uint8)[:, None]
    scales = nibbles(b[:, 96:104]) | (high.reshape(-1, 16) & 3) << 4
    scale = half(b, 108) * (scales.astype(np.float32) - 32)
    values: Array = scale[:, :, None] * codes
    return values


def iq4_nl(b: Array) -> Array:
    """d * the value of a code."""
    return half(b, 0) * NON_LINEAR[nibbles(b[:, 2:])]


def iq4_xs(b: Array) -> Array:
    """d * (scale - 32) * the value of a code, 6-bit scales of 32."""
    high = np.ascontiguousarray(b[:, 2:4]).view(np.uint16) >> np.arange(0, 16, 2, dtype=np.uint16)
    low = np.stack([b[:, 4:8] & 15, b[:, 4:8] >> 4], axis=-1).reshape(-1, 8)
    scale = half(b, 0) * ((low | (high & 3) << 4).astype(np.float32) - 32)
    values: Array = scale[:, :, None] * NON_LINEAR[nibbles(b[:, 8:].reshape(-1, 8, 16))]
    return values


def mxfp4(b: Array) -> Array:
    """2^(e - 128) * the value of a code."""
    exponent = b[:, :1].astype(np.int64)  # 2^(exponent - 128), of which the smallest two are subnormal
    bits = np.where(exponent < 2, 0x00200000 << np.minimum(exponent, 1), (exponent - 1) << 23)
    with np.errstate(over="ignore"):
        return bits.astype(np.uint32).view(np.float32) * FLOAT4[nibbles(b[:, 1:])]


def nvfp4(b: Array) -> Array:
    """E4M3 / 2 * the value of a code, a scale of 16."""
    exponent, mantissa = b[:, :4] >> 3 & 15, (b[:, :4] & 7).astype(np.float32)
    subnormal, normal = mantissa * np.float32(2**-10), (mantissa + 8) * np.exp2(exponent.astype(np.float32) - 11)
    scale = np.where(exponent == 0, subnormal, normal)
    scale[b[:, :4] == 0x7F] = 0
    values: Array = scale[:, :, None] * FLOAT4[nibbles(b[:, 4:].reshape(-1, 4, 8))]
    return values


def nvfp4_scaled(b: Array) -> Array:
    """As NVFP4, times a float32."""
    scale = np.ascontiguousarray(b[:, :4]).view(np.float32)
    return nvfp4(b[:, 4:]) * scale[:, :, None]


def q1_0(b: Array) -> Array:
    """d or -d."""
    return half(b, 0) * (2 * np.unpackbits(b[:, 2:], axis=1, bitorder="little").astype(np.float32) - 1)


def q2_0(b: Array) -> Array:
    """d * (q - 1)."""
    codes = (b[:, 2:, None] >> np.arange(0, 8, 2, dtype=np.uint8)) & 3
    return half(b, 0) * (codes.reshape(-1, 64).astype(np.float32) - 1)


def tq1_0(b: Array) -> Array:
    """d * (t - 1), of 5 digits of base 3 in a byte."""

    def trits(qs: Array, count: int) -> Array:  # digits of base 3 of a fraction of 256, the first of all bytes first
        powers = np.array([1, 3, 9, 27, 81], np.uint8)[:count, None]
        return ((qs[:, None, :] * powers).astype(np.uint16) * 3 >> 8).reshape(len(qs), -1)

    codes = np.concatenate([trits(b[:, :32], 5), trits(b[:, 32:48], 5), trits(b[:, 48:52], 4)], axis=1)
    return half(b, 52) * (codes.astype(np.float32) - 1)


def tq2_0(b: Array) -> Array:
    """d * (q - 1), of 2 bits."""
    return half(b, 64) * (crumbs(b[:, :64]).astype(np.float32) - 1)


def f32(b: Array) -> Array:
    """Values themselves."""
    return b.view(np.float32)


def f16(b: Array) -> Array:
    """IEEE halves."""
    return b.view(np.float16).astype(np.float32)


def bf16(b: Array) -> Array:
    """The upper halves of floats."""
    return (b.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
