"""FP4 weights (E2M1) in groups: MXFP4 (OCP Microscaling, 32 values and a power of two) and NVFP4 (16 values, a scale in
E4M3, and one for the matrix). A byte holds two neighbours, the lower bits first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quant_types import scale_nvfp4
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

    shape = (*codes.shape[:-1], codes.shape[-1] * 2)
    return StoredTensor(name, "MXFP4", shape, read, codes.nbytes + scales.nbytes, "MXFP4")


def nvfp4(name: str, codes: StoredTensor, scales: StoredTensor, factor: float) -> StoredTensor:
    """Bytes [..., in / 2], their scales [..., in / 16] and what all values are multiplied by.

    Raises ModelFileError if they do not go together.
    """
    if codes.shape[:-1] != scales.shape[:-1] or codes.shape[-1] != scales.shape[-1] * 8:
        raise ModelFileError(f"{name}: codes {codes.shape} and scales {scales.shape} do not go together")
    whole = scales.shape[-1] % 4 == 0  # ggml's blocks are of four groups

    def read(first: int, count: int) -> Array:
        """ggml's blocks: four scales, then for each group bytes that hold values b and b + 8."""
        factors = scales.read(first, count).reshape(count, -1, 4)
        if (factors > 0x7E).any():
            raise ModelFileError(f"{name}: a scale is negative, or no number")
        c = nibbles(codes.read(first, count)).reshape(count, -1, 4, 2, 8)
        data = (c[:, :, :, 0] | (c[:, :, :, 1] << 4)).reshape(count, -1, 32)
        return scale_nvfp4(np.concatenate([factors, data], axis=-1), np.array(factor)).reshape(count, -1)

    def read_values(first: int, count: int) -> Array:
        part = scales.reshape(scales.rows, scales.width).part(first, count)
        factors = (scale_values(part) * np.float32(factor))[..., None]
        values: Array = E2M1[nibbles(codes.read(first, count))].reshape(count, -1, 16) * factors
        return values.reshape(count, -1).view(np.uint8)

    return StoredTensor(
        name, "NVFP4_SCALED" if whole else "F32", (*codes.shape[:-1], codes.shape[-1] * 2),
        read if whole else read_values, codes.nbytes + scales.nbytes, "NVFP4", loss="" if whole else EIGHT_BITS,
    )  # fmt: skip


def join_factors(tensors: Tensors) -> Tensors:
    """The tensors of a GGUF file, `X.scale` joined with the `X.weight` in NVFP4 that it multiplies, or each of whose
    experts. Raises ModelFileError if it has not one for each."""
    joined = dict(tensors)
    for module in find_modules(tensors, ".weight"):
        weight = tensors[f"{module}.weight"]
        if weight.quant_type == "NVFP4" and f"{module}.scale" in tensors:
            joined.pop(f"{module}.input_scale", None)  # of activations, which stay as they are
            joined[f"{module}.weight"] = _join(weight, take(joined, f"{module}.scale", "F32"))
    return joined


def _join(weight: StoredTensor, scale: StoredTensor) -> StoredTensor:
    if scale.shape not in ((1,), weight.shape[:-2]):
        raise ModelFileError(f"{weight.name} has the shape {weight.shape}, and its scale {scale.shape}")
    factors = scale.array().repeat(weight.rows // scale.shape[0])

    def read(first: int, count: int) -> Array:
        blocks = weight.read(first, count).reshape(count, -1, 36)
        return scale_nvfp4(blocks, factors[first : first + count, None]).reshape(count, -1)

    return replace(weight, quant_type="NVFP4_SCALED", read=read, nbytes=weight.nbytes + scale.nbytes)


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
