"""FP4 weights (E2M1) in groups: MXFP4 (OCP Microscaling, 32 values and a power of two) and NVFP4 (16 values, a scale in
E4M3, and one for the matrix). A byte holds two neighbours, the lower bits first."""

from __future__ import annotations

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quant_types import QUANT_TYPES
from galop.weights.quantized.fp8 import scale_values
from galop.weights.quantized.modules import EIGHT_BITS, Settings, check_keys, find_modules, take
from galop.weights.stored_tensor import StoredTensor, Tensors

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def decode_mxfp4(tensors: Tensors, settings: Settings) -> Tensors:
    """gpt-oss: `X_blocks` [E, out, groups, 16] and `X_scales` [E, out, groups] as `X.weight` [E, out, in], which its
    unquantised checkpoints hold transposed as `X`. Raises ModelFileError."""
    check_keys(settings, {"dequantize"}, {})
    decoded = dict(tensors)
    for name in find_modules(tensors, "_blocks"):
        codes, scales = take(decoded, f"{name}_blocks", "U8"), take(decoded, f"{name}_scales", "U8", "F8_E8M0")
        if len(codes.shape) != 4 or codes.shape[:-1] != scales.shape or codes.shape[-1] != 16:
            raise ModelFileError(f"{name}: blocks {codes.shape} and scales {scales.shape} do not go together")
        *lead, groups, _ = codes.shape
        decoded[f"{name}.weight"] = mxfp4(f"{name}.weight", codes.reshape(*lead, groups * 16), scales)
    return decoded


def mxfp4(name: str, codes: StoredTensor, scales: StoredTensor) -> StoredTensor:
    """Bytes [..., in / 2] and their exponents [..., in / 32]. Raises ModelFileError if they do not go together."""
    if codes.shape[:-1] != scales.shape[:-1] or codes.shape[-1] != scales.shape[-1] * 16:
        raise ModelFileError(f"{name}: codes {codes.shape} and scales {scales.shape} do not go together")

    def read(first: int, count: int) -> Array:
        """ggml's blocks: the exponent, then bytes that hold values b and b + 16."""
        c = nibbles(codes.read(first, count)).reshape(-1, 2, 16)
        exponents = scales.read(first, count).reshape(-1, 1)
        return np.concatenate([exponents, c[:, 0] | (c[:, 1] << 4)], axis=1).reshape(count, -1)

    def read_values(first: int, count: int) -> Array:
        exponents = scales.read(first, count).astype(np.int32) - 127
        values = E2M1[nibbles(codes.read(first, count))].reshape(*exponents.shape, 32)
        with np.errstate(over="ignore"):
            scaled = np.ldexp(values, exponents[..., None])
        return scaled.astype(np.float32).reshape(count, -1).view(np.uint8)

    blocks = "MXFP4" in QUANT_TYPES
    return StoredTensor(
        name, "MXFP4" if blocks else "F32", (*codes.shape[:-1], codes.shape[-1] * 2), read if blocks else read_values,
        codes.nbytes + scales.nbytes, "MXFP4", loss="" if blocks else EIGHT_BITS,
    )  # fmt: skip


def nvfp4(name: str, codes: StoredTensor, scales: StoredTensor, whole: float) -> StoredTensor:
    """Bytes [..., in / 2], their scales [..., in / 16] and that of the matrix, in float32.

    Raises ModelFileError if they do not go together.
    """
    if codes.shape[:-1] != scales.shape[:-1] or codes.shape[-1] != scales.shape[-1] * 8:
        raise ModelFileError(f"{name}: codes {codes.shape} and scales {scales.shape} do not go together")

    def read(first: int, count: int) -> Array:
        part = scales.reshape(scales.rows, scales.width).part(first, count)
        factors = (scale_values(part) * np.float32(whole))[..., None]
        return (
            (E2M1[nibbles(codes.read(first, count))].reshape(count, -1, 16) * factors).reshape(count, -1).view(np.uint8)
        )

    shape = (*codes.shape[:-1], codes.shape[-1] * 2)
    return StoredTensor(name, "F32", shape, read, codes.nbytes + scales.nbytes, "NVFP4", loss=EIGHT_BITS)


def nibbles(data: Array) -> Array:
    """[n, bytes] -> [n, 2 * bytes], the lower half of each byte first."""
    return np.stack([data & 15, data >> 4], axis=-1).reshape(len(data), -1)


def decode_modelopt_fp4(tensors: Tensors) -> Tensors:
    """Those that NVIDIA's Model Optimizer writes: bytes under the weight's name, and `weight_scale_2` multiplied.

    Raises ModelFileError.
    """
    decoded = dict(tensors)
    for module in find_modules(tensors, "_scale_2"):
        codes, scales = take(decoded, module, "U8"), take(decoded, f"{module}_scale", "F8_E4M3")
        decoded[module] = nvfp4(module, codes, scales, single(take(decoded, f"{module}_scale_2", "F32")))
    return decoded


def single(tensor: StoredTensor) -> float:
    """The one number of a tensor. Raises ModelFileError if it has another count, or is none."""
    if tensor.shape not in ((1,), (1, 1)) or not np.isfinite(value := tensor.array().reshape(-1)[0]) or not value:
        raise ModelFileError(f"{tensor.name} has the shape {tensor.shape}, or is not a scale")
    return float(value)
