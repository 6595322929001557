"""Checkpoints of the compressed-tensors library (llm-compressor): integers, packed or a byte each, FP8 and FP4.

Which of its config groups a module belongs to is told by the shapes and types of its tensors, not by the patterns that
name the groups' modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quantized import fp4
from galop.weights.quantized.fp8 import scale_fp8
from galop.weights.quantized.integers import IntegerMatrix, group_columns, lay_out
from galop.weights.quantized.modules import Settings, check_keys, find_modules, take, unpack, unpack_padded
from galop.weights.stored_tensor import StoredTensor, Tensors

FORMATS = (
    "pack-quantized", "float-quantized", "int-quantized", "naive-quantized", "nvfp4-pack-quantized",
    "mxfp4-pack-quantized", "mxfp8-quantized", "mixed-precision", "dense",
)  # fmt: skip
HARMLESS = frozenset("config_groups global_compression_ratio version quantization_status".split())
VALUES = {"format": FORMATS}
GROUP_HARMLESS = frozenset("targets weights input_activations output_activations".split())
WEIGHTS_HARMLESS = frozenset(
    "num_bits symmetric group_size block_structure observer observer_kwargs scale_dtype zp_dtype".split()
)
WEIGHTS_VALUES = {
    "type": ("int", "float"), "strategy": ("tensor", "channel", "group", "block", "tensor_group"),
    "dynamic": (False,), "actorder": ("weight", "group", "static", "dynamic", False),
}  # fmt: skip
MAX_GROUPS = 64


def decode_compressed_tensors(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [out, in]. Raises ModelFileError."""
    sparsity = settings.get("sparsity_config")
    if isinstance(sparsity, dict) and sparsity.get("format") == "dense":
        settings = {key: value for key, value in settings.items() if key != "sparsity_config"}
    check_keys(settings, HARMLESS, VALUES)
    schemes = _weight_schemes(settings.get("config_groups"))
    blocks = [_block_structure(scheme) for scheme in schemes if scheme.get("type") == "float"]
    decoded = dict(tensors)
    for module in find_modules(tensors, ".weight_packed"):
        if decoded[f"{module}.weight_packed"].quant_type == "U8":
            decoded[f"{module}.weight"] = _decode_fp4(decoded, module)
        else:
            decoded[f"{module}.weight"] = _decode_packed(decoded, module, schemes)
    for module in find_modules(tensors, ".weight"):
        if decoded[f"{module}.weight"].quant_type == "I8":
            decoded[f"{module}.weight"] = _decode_bytes(decoded, module)
    return scale_fp8(decoded, [block for block in blocks if block])


def _weight_schemes(groups: Any) -> list[Mapping[str, Any]]:
    """How each config group stores weights. Raises ModelFileError for a key that is not understood."""
    if not isinstance(groups, dict) or not 0 < len(groups) <= MAX_GROUPS:
        raise ModelFileError(f"quantization_config.config_groups = {str(groups)[:60]} are not groups")
    schemes: list[Mapping[str, Any]] = []
    for group in groups.values():
        if not isinstance(group, dict):
            raise ModelFileError(f"quantization_config.config_groups: {str(group)[:60]} is not a group")
        check_keys(group, GROUP_HARMLESS, VALUES)
        scheme = group.get("weights")
        if scheme is None:
            continue
        if not isinstance(scheme, dict):
            raise ModelFileError(f"quantization_config.config_groups: weights = {str(scheme)[:60]} is not an object")
        check_keys(scheme, WEIGHTS_HARMLESS, WEIGHTS_VALUES)
        schemes.append(scheme)
    return schemes


def _block_structure(scheme: Mapping[str, Any]) -> list[int] | None:
    """Rows and columns that share a scale. Raises ModelFileError where they are not two sizes."""
    size, block = scheme.get("group_size"), scheme.get("block_structure")
    if isinstance(size, int) and size > 0:
        return [1, size]
    if block is None:
        return None
    if isinstance(block, str):
        block = [int(n) if n.isdigit() and len(n) < 9 else 0 for n in block.split("x")]
    if not isinstance(block, list) or len(block) != 2 or not all(type(n) is int and n > 0 for n in block):
        raise ModelFileError(f"quantization_config: block_structure = {str(block)[:60]} is not two sizes")
    return block


def _decode_packed(tensors: Tensors, module: str, schemes: list[Mapping[str, Any]]) -> StoredTensor:
    """`weight_packed` [out, words], numbers of 1 to 8 bits along the inputs, half of their range above zero;
    `weight_zero_point` [words, groups] along the outputs."""
    name = f"{module}.weight"
    words, size = take(tensors, f"{name}_packed", "I32"), take(tensors, f"{name}_shape", "I64", "I32")
    rows, cols = (int(n) for n in size.numbers()) if size.shape == (2,) else (0, 0)
    if len(words.shape) != 2 or words.shape[0] != rows or not 0 < cols <= words.shape[1] * 32:
        raise ModelFileError(f"{name}: weight_packed {words.shape} is not of a matrix [{rows}, {cols}]")
    bits, padded = _width(name, words.shape[1], cols, [scheme.get("num_bits") for scheme in schemes])
    unpacked = unpack_padded if padded else unpack
    half = 1 << (bits - 1)

    def codes(first: int, count: int) -> Array:
        return (unpacked(words.read(first, count).view("<u4"), bits, cols) - np.uint8(half)).view(np.int8)

    zeros: Callable[[], Array] | None = None
    if f"{name}_zero_point" in tensors:
        packed = take(tensors, f"{name}_zero_point", "I32")
        count = -(-rows // (32 // bits)) if padded else -(-rows * bits // 32)
        if len(packed.shape) != 2 or packed.shape[0] != count:
            raise ModelFileError(f"{name}: weight_zero_point {packed.shape} does not go with {words.shape}")

        def zeros() -> Array:
            found = unpacked(np.ascontiguousarray(packed.numbers().view("<u4").T), bits, rows)
            return (found - np.uint8(half)).view(np.int8).T

    return _lay_out(tensors, name, (rows, cols), words.nbytes, (-half, half - 1), codes, zeros)


def _width(name: str, words: int, cols: int, widths: list[Any]) -> tuple[int, bool]:
    """Bits of a number where `cols` of them take that many words, and whether words are padded, as they were at first.

    Raises ModelFileError unless one of `widths`, and one alone, fits.
    """
    known = [bits for bits in widths if type(bits) is int and 1 <= bits <= 8]
    dense = {bits: False for bits in known if words == -(-cols * bits // 32)}
    found = {bits: True for bits in known if words == -(-cols // (32 // bits))} | dense
    if len(found) != 1:
        raise ModelFileError(f"{name}: {words} words of {cols} values fit {len(found)} of the config groups, not one")
    return next(iter(found.items()))


def _decode_bytes(tensors: Tensors, module: str) -> StoredTensor:
    """A signed byte a value."""
    name = f"{module}.weight"
    stored = take(tensors, name, "I8")
    if len(stored.shape) != 2:
        raise ModelFileError(f"{name} has the shape {stored.shape} where a matrix is expected")
    rows, cols = stored.shape
    points = take(tensors, f"{name}_zero_point", "I8") if f"{name}_zero_point" in tensors else None

    def codes(first: int, count: int) -> Array:
        return stored.read(first, count).view(np.int8)

    return _lay_out(tensors, name, (rows, cols), stored.nbytes, (-128, 127), codes, points.numbers if points else None)


def _lay_out(
    tensors: Tensors,
    name: str,
    shape: tuple[int, int],
    nbytes: int,
    span: tuple[int, int],
    codes: Callable[[int, int], Array],
    zeros: Callable[[], Array] | None,
) -> StoredTensor:
    """Codes, with the scales and the groups that stand beside them."""
    rows, cols = shape
    scales = take(tensors, f"{name}_scale", "F16", "BF16", "F32")
    high, groups = scales.shape if len(scales.shape) == 2 else (scales.shape[0], 1)
    fits = len(scales.shape) < 3 and high in (1, rows) and (zeros is None or zeros().size in (groups, rows * groups))
    order = group_columns(cols, groups)
    if f"{name}_g_idx" in tensors:
        order = take(tensors, f"{name}_g_idx", "I32", "I64").numbers()
    if not fits or order.shape != (cols,) or not 0 <= order.min() <= order.max() < groups:
        raise ModelFileError(f"{name} has the shape {shape}, and its scales {scales.shape}")

    def scale_rows(first: int, count: int) -> Array:
        return np.broadcast_to(scales.array().reshape(high, groups), (rows, groups))[first : first + count]

    def zero_rows(first: int, count: int) -> Array:
        assert zeros is not None
        return np.broadcast_to(zeros().reshape(-1, groups), (rows, groups))[first : first + count]

    return lay_out(
        IntegerMatrix(
            name, "compressed-tensors", shape, nbytes + scales.nbytes, *span, order, codes, scale_rows,
            zero_rows if zeros is not None else None,
        )
    )  # fmt: skip


def _decode_fp4(tensors: Tensors, module: str) -> StoredTensor:
    """MXFP4 if its scales are powers of two, NVFP4 if they are FP8; the scale of the whole matrix divides."""
    name = f"{module}.weight"
    codes, scales = take(tensors, f"{name}_packed", "U8"), take(tensors, f"{name}_scale", "U8", "F8_E8M0", "F8_E4M3")
    if scales.quant_type != "F8_E4M3":
        return fp4.mxfp4(name, codes, scales)
    return fp4.nvfp4(name, codes, scales, 1 / fp4.single(take(tensors, f"{name}_global_scale", "F32")))
