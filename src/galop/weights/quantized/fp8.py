"""FP8 weights (E4M3; Micikevicius et al., 2022) with a scale for a matrix, each of its rows, or each block of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quantized.modules import EIGHT_BITS, Settings, check_keys
from galop.weights.stored_tensor import StoredTensor, Tensors

HARMLESS = frozenset(
    "activation_scheme activation_scale_ub dequantize modules_to_convert weight_block_size use_ue8m0".split()
)
VALUES = {"fmt": ("e4m3", "float8_e4m3fn"), "scale_fmt": ("ue8m0", "float32"), "expert_dtype": ("fp8",)}


def _e4m3_values() -> Array:
    """float32 [256]: sign, 4 exponent bits of bias 7, 3 of fraction; all ones are no number, and none is infinite."""
    code = np.arange(256)
    exponent, fraction = code >> 3 & 15, code & 7
    values = np.where(exponent > 0, (8 + fraction) * 2.0 ** (exponent - 10), fraction * 2.0**-9)
    values[code & 127 == 127] = np.nan
    return np.where(code < 128, values, -values).astype(np.float32)


E4M3 = _e4m3_values()
SCALES = ("_scale_inv", "_scale")  # behind the name of the tensor; both are multiplied
RENAMED = {".qscale_weight": ".weight_scale_inv"}  # as Mistral writes it


def decode_fp8(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, those in FP8 as float32. Raises ModelFileError."""
    check_keys(settings, HARMLESS, VALUES)
    block = settings.get("weight_block_size")
    if block is not None and not (isinstance(block, list) and len(block) == 2 and all(type(n) is int for n in block)):
        raise ModelFileError(f"quantization_config.weight_block_size = {str(block)[:60]} is not two sizes")
    return scale_fp8(tensors, [block] if block else [])


def scale_fp8(tensors: Tensors, blocks: Sequence[Sequence[int]]) -> Tensors:
    """The tensors, those in FP8 as float32, their scales taken out; `blocks` are the sizes [rows, columns] that there
    may be. Raises ModelFileError where a scale is missing or of another shape."""
    decoded: Tensors = {}
    for name, tensor in tensors.items():
        renamed = next((name.removesuffix(old) + new for old, new in RENAMED.items() if name.endswith(old)), name)
        decoded[renamed] = tensor
    for name, tensor in list(decoded.items()):
        if tensor.quant_type != "F8_E4M3":
            continue
        scale = next((decoded.pop(name + ending) for ending in SCALES if name + ending in decoded), None)
        if scale is None:
            raise ModelFileError(f"the tensor {name} is in FP8 and its scale is missing")
        decoded[name] = _scale(tensor, scale, blocks)
    return decoded


def scale_values(tensor: StoredTensor) -> Array:
    """A scale in float32, whatever it is stored in: unsigned bytes are exponents of two (E8M0).

    Raises ModelFileError for another type.
    """
    if tensor.quant_type in ("U8", "F8_E8M0"):
        powers: Array = np.ldexp(np.float32(1), tensor.numbers().astype(np.int32) - 127)
        return powers
    if tensor.quant_type == "F8_E4M3":
        small: Array = E4M3[tensor.numbers()]
        return small
    if tensor.quant_type not in ("F32", "F16", "BF16"):
        raise ModelFileError(f"the scale {tensor.name} is in {tensor.quant_type}, which is not supported")
    return tensor.array()


def _scale(tensor: StoredTensor, scale: StoredTensor, blocks: Sequence[Sequence[int]]) -> StoredTensor:
    """A tensor [..., rows, cols] in FP8 times its scales, which are as many or fewer along each axis."""
    shape = tensor.shape if len(tensor.shape) > 1 else (*tensor.shape, 1)
    rows, cols = shape[-2:]
    sizes = [n for n in scale.shape if n > 1] if len(scale.shape) > len(shape) else list(scale.shape)
    if math.prod(scale.shape) == 1:
        sizes = [1] * len(shape)
    elif len(sizes) < len(shape):  # one for each entry of the leading axes
        sizes += [1] * (len(shape) - len(sizes))
    if len(sizes) != len(shape) or any(have not in (1, n) for have, n in zip(sizes[:-2], shape[:-2], strict=True)):
        raise ModelFileError(f"{tensor.name} has the shape {tensor.shape}, and its scale {scale.shape}")
    down, across = _block(rows, sizes[-2], [b[0] for b in blocks]), _block(cols, sizes[-1], [b[1] for b in blocks])
    if not down or not across:
        raise ModelFileError(
            f"{tensor.name} has the shape {tensor.shape}, and its scale {scale.shape}, which is not one of "
            f"{[list(b) for b in blocks] or 'a whole matrix or its rows'}"
        )
    whole = [1 if have == 1 else n for have, n in zip(sizes[:-2], shape[:-2], strict=True)]

    def read(first: int, count: int) -> Array:
        scales = np.broadcast_to(scale_values(scale).reshape(*whole, *sizes[-2:]), (*shape[:-2], *sizes[-2:]))
        entry, row = np.divmod(np.arange(first, first + count), rows)
        mine = scales.reshape(-1, *sizes[-2:])[entry, row // down]
        if sizes[-1] > 1:
            mine = mine.repeat(across, axis=1)[:, :cols]
        values: Array = np.take(E4M3, tensor.read(first, count)) * mine
        return values.view(np.uint8)

    return StoredTensor(
        tensor.name, "F32", tensor.shape, read, tensor.nbytes + scale.nbytes, "FP8", tensor.step, EIGHT_BITS
    )


def _block(size: int, parts: int, allowed: Sequence[int]) -> int:
    """How many of `size` share a scale if there are `parts` of them; 0 if that is none of those allowed."""
    if parts in (1, size):
        return size // parts
    return next((block for block in allowed if block > 0 and -(-size // block) == parts), 0)
