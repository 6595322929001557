"""bitsandbytes checkpoints: LLM.int8 (Dettmers et al., 2022), and 4-bit codes of a table in blocks of the flattened
matrix, whose scales may be quantised themselves (QLoRA; Dettmers et al., 2023)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.json_files import parse_json
from galop.weights.quantized.integers import IntegerMatrix, lay_out
from galop.weights.quantized.modules import EIGHT_BITS, Settings, check_keys, find_modules, take
from galop.weights.stored_tensor import StoredTensor, Tensors

HARMLESS = frozenset(
    """
    bnb_4bit_compute_dtype bnb_4bit_use_double_quant llm_int8_enable_fp32_cpu_offload llm_int8_has_fp16_weight
    llm_int8_skip_modules llm_int8_threshold load_in_4bit load_in_8bit _load_in_4bit _load_in_8bit
    """.split()
)
VALUES = {"bnb_4bit_quant_type": ("nf4", "fp4"), "bnb_4bit_quant_storage": ("uint8",)}
STATES = (".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4")


def decode_bitsandbytes(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [out, in]. Raises ModelFileError."""
    check_keys(settings, HARMLESS, VALUES)
    decoded = dict(tensors)
    for module in find_modules(tensors, ".SCB"):
        decoded.pop(f"{module}.weight_format", None)
        decoded[f"{module}.weight"] = _decode_int8(decoded, module)
    for state in STATES:
        for name in find_modules(tensors, state):
            decoded[name] = _decode_4bit(decoded, name, state)
    return decoded


def _decode_int8(tensors: Tensors, module: str) -> StoredTensor:
    codes, scales = take(tensors, f"{module}.weight", "I8"), take(tensors, f"{module}.SCB", "F32")
    rows, cols = (*codes.shape, 0)[:2]
    if len(codes.shape) != 2 or scales.shape != (rows,):
        raise ModelFileError(f"{module}: weight {codes.shape} and SCB {scales.shape} do not go together")
    return lay_out(
        IntegerMatrix(
            f"{module}.weight", "bitsandbytes", (rows, cols), codes.nbytes + scales.nbytes, -128, 127,
            np.zeros(cols, np.int64),
            codes=lambda first, count: codes.read(first, count).view(np.int8),
            scales=lambda first, count: scales.values(first, count) / np.float32(127),
        )
    )  # fmt: skip


def _decode_4bit(tensors: Tensors, name: str, state: str) -> StoredTensor:
    said = parse_json(take(tensors, name + state, "U8").numbers().tobytes(), name + state)
    codes, table = take(tensors, name, "U8"), take(tensors, f"{name}.quant_map", "F32")
    scales = take(tensors, f"{name}.absmax", "F32", "U8")
    shape, block = said.get("shape"), said.get("blocksize")
    if (
        not (isinstance(shape, list) and len(shape) == 2 and all(type(n) is int and n > 0 for n in shape))
        or not (type(block) is int and 2 <= block <= 1 << 16 and block % 2 == 0 and shape[1] % block == 0)
        or math.prod(codes.shape) * 2 != math.prod(shape)
        or scales.shape != (math.prod(shape) // block,)
        or table.shape != (16,)
    ):
        raise ModelFileError(f"{name}: {codes.shape} in blocks of {str(block)[:20]} are not {str(shape)[:60]} values")
    each = shape[1] // block
    factors = _nested(tensors, name, said, scales) if scales.quant_type == "U8" else scales.values
    flat, values = codes.reshape(shape[0], shape[1] // 2), table.array()

    def read(first: int, count: int) -> Array:
        data = flat.read(first, count)
        found = values[np.stack([data >> 4, data & 15], axis=-1).reshape(count, each, block)]
        mine = factors(first * each, count * each)
        return (found * mine.reshape(count, each, 1)).astype(np.float32).reshape(count, -1).view(np.uint8)

    return StoredTensor(
        name, "F32", (shape[0], shape[1]), read, codes.nbytes + scales.nbytes, "bitsandbytes", loss=EIGHT_BITS
    )


def _nested(tensors: Tensors, name: str, said: dict[str, object], scales: StoredTensor) -> Callable[[int, int], Array]:
    """Some of the scales that are 8-bit codes of a table, in blocks with scales of their own, above an offset."""
    table, outer = take(tensors, f"{name}.nested_quant_map", "F32"), take(tensors, f"{name}.nested_absmax", "F32")
    block, offset = said.get("nested_blocksize"), said.get("nested_offset")
    if type(block) is not int or block < 1 or table.shape != (256,) or outer.shape != (-(-scales.shape[0] // block),):
        raise ModelFileError(f"{name}: nested scales {outer.shape} in blocks of {str(block)[:20]} are not supported")
    if not isinstance(offset, int | float) or not math.isfinite(offset):
        raise ModelFileError(f"{name}: nested_offset = {str(offset)[:20]} is not a number")
    values, factors = table.array(), outer.array()

    def read(first: int, count: int) -> Array:
        found = values[scales.read(first, count)[:, 0]] * factors[np.arange(first, first + count) // block]
        return (found + np.float32(offset)).astype(np.float32)

    return read
