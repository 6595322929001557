"""What the readers of all schemes share: finding the tensors of a module, taking the bits of words apart, and the keys
of a quantization_config."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.stored_tensor import StoredTensor, Tensors

Settings = Mapping[str, Any]

# What a loss may be, as a model's notes tell it.
EIGHT_BITS = "in 8 bits, which moves a value by at most 0.5 % of the largest of its 32"
HALF_SCALES = "with scales in fp16, which moves a value by at most 0.05 %"

# What is said of the tensors that are quantised, which each of them shows: a module that is left out has plain weights.
MODULES = frozenset("quant_method modules_to_not_convert ignored_layers ignore exclude_modules kv_cache_scheme".split())


def check_keys(settings: Settings, harmless: Collection[str], values: Mapping[str, tuple[Any, ...]]) -> None:
    """Raises ModelFileError for a key that asks for something and is in neither, or for a value that is not there."""
    for key, value in settings.items():
        if key in values and value is not None and value not in values[key]:
            raise ModelFileError(
                f"quantization_config.{key} = {str(value)[:60]!r} is not supported, only {values[key][0]!r}"
            )
        if key not in values and key not in harmless and key not in MODULES and value and value != "none":
            raise ModelFileError(
                f"quantization_config.{key} = {str(value)[:60]} is not understood and may change the arithmetic"
            )


def find_modules(tensors: Tensors, ending: str) -> list[str]:
    """The names before `ending`, of the tensors that have it."""
    return [name.removesuffix(ending) for name in tensors if name.endswith(ending)]


def take(tensors: Tensors, name: str, *types: str) -> StoredTensor:
    """Removes a tensor of one of these types. Raises ModelFileError if there is none, or it is of another."""
    tensor = tensors.pop(name, None)
    if tensor is None:
        raise ModelFileError(f"the tensor {name} is missing; the file is incomplete or quantised in another way")
    if tensor.quant_type not in types:
        raise ModelFileError(f"the tensor {name} is in {tensor.quant_type} where {types[0]} is expected")
    return tensor


def unpack(words: Array, bits: int, count: int) -> Array:
    """The first `count` numbers of `bits` bits in each row of 32-bit words, lowest bits first, as uint8."""
    data = np.ascontiguousarray(words).view(np.uint8)
    if bits in (1, 2, 4, 8):
        parts = [(data >> np.uint8(shift)) & np.uint8((1 << bits) - 1) for shift in range(0, 8, bits)]
        return np.stack(parts, axis=-1).reshape(len(data), -1)[:, :count]
    planes = np.unpackbits(data, axis=1, bitorder="little")[:, : count * bits].reshape(len(data), count, bits)
    return np.packbits(planes, axis=2, bitorder="little")[:, :, 0]


def unpack_padded(words: Array, bits: int, count: int) -> Array:
    """As `unpack`, of words that begin with a whole number each and whose highest bits hold none."""
    shifts = np.arange(0, 32 // bits * bits, bits, dtype=np.uint32)
    found = (words.view(np.uint32)[:, :, None] >> shifts) & np.uint32((1 << bits) - 1)
    return found.reshape(len(words), -1)[:, :count].astype(np.uint8)
