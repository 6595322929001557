"""Matrices of small integers that share a scale in groups of a row: the quant type whose blocks hold them exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quantized.modules import EIGHT_BITS, HALF_SCALES
from galop.weights.stored_tensor import StoredTensor

BLOCK = 32
# What the codes of each type stand for, least to most, in the order of their size.
SIGNED = (("Q4_0", -8, 7), ("Q5_0", -16, 15), ("Q8_0", -128, 127))
LIFTS = {"Q4_0": 8, "Q5_0": 16}
UNSIGNED = (("Q4_1", 0, 15), ("Q5_1", 0, 31))


@dataclass(frozen=True)
class IntegerMatrix:
    """Values [rows, cols]: `scale * (code - zero)`, or `scale * code + minimum` where there are minima.

    `codes(first, count)` gives bytes [count, cols] of some rows, signed or not, from `least` to `most`; `scales` and
    `minima` float32, `zeros` integers [count, groups]; `groups` [cols] is the group of each column.
    """

    name: str
    source: str
    shape: tuple[int, int]
    nbytes: int
    least: int
    most: int
    groups: Array
    codes: Callable[[int, int], Array]
    scales: Callable[[int, int], Array]
    zeros: Callable[[int, int], Array] | None = None
    minima: Callable[[int, int], Array] | None = None
    step: int = 1

    def values(self, first: int, count: int) -> Array:
        """Some rows in float32."""
        values = self.codes(first, count).astype(np.float32)
        if self.zeros:
            values -= self.zeros(first, count).astype(np.float32)[:, self.groups]
        values *= self.scales(first, count)[:, self.groups]
        if self.minima:
            values += self.minima(first, count)[:, self.groups]
        return values

    def blocks(self, kind: str, first: int, count: int) -> Array:
        """Some rows in blocks of a type, uint8 [count, bytes of a row]."""
        group = self.groups[::BLOCK]
        fields = [self.scales(first, count)[:, group]]
        if self.minima:
            fields.append(self.minima(first, count)[:, group])
        head = np.stack(fields, axis=-1).astype(np.float16).view(np.uint8).reshape(-1, 2 * len(fields))
        codes = self.codes(first, count).view(np.uint8).reshape(count, -1, BLOCK)
        lift: Any = np.uint8(LIFTS.get(kind, 0))  # what it takes to the codes of the type; bytes wrap around
        if self.zeros:
            lift = lift - self.zeros(first, count)[:, group, None].astype(np.uint8)
        return _encode(kind, head, (codes + lift).reshape(-1, BLOCK)).reshape(count, -1)


def lay_out(matrix: IntegerMatrix) -> StoredTensor:
    """The matrix in the smallest type that holds its codes, or in float32 where none does.

    Scales and zeros are read for it. Raises ModelFileError if a scale is not a number.
    """
    rows, cols = matrix.shape
    factors = [matrix.scales(0, rows), *([matrix.minima(0, rows)] if matrix.minima else [])]
    if not all(np.isfinite(factor).all() for factor in factors):
        raise ModelFileError(f"{matrix.name}: a scale is not a finite number")
    least, most = matrix.least, matrix.most
    if matrix.zeros is not None:
        zeros = matrix.zeros(0, rows)
        least, most = least - int(zeros.max()), most - int(zeros.min())
    kinds = UNSIGNED if matrix.minima else SIGNED
    kind = next((kind for kind, low, high in kinds if low <= least and most <= high), "F32")
    error = max(_half_error(factor) for factor in factors)
    whole = cols % BLOCK == 0 and (matrix.groups.reshape(-1, BLOCK) == matrix.groups[::BLOCK, None]).all()
    if kind == "F32" or not whole or error > 2**-11:
        kind, read, loss = "F32", lambda first, count: _bytes(matrix.values(first, count)), EIGHT_BITS
    else:
        read, loss = lambda first, count: matrix.blocks(kind, first, count), HALF_SCALES if error else ""
    return StoredTensor(matrix.name, kind, matrix.shape, read, matrix.nbytes, matrix.source, matrix.step, loss)


def _bytes(values: Array) -> Array:
    return np.ascontiguousarray(values, np.float32).view(np.uint8)


def _half_error(values: Array) -> float:
    """By how much of itself rounding to fp16 moves a value, at most."""
    with np.errstate(over="ignore"):
        moved = np.abs(values.astype(np.float16).astype(np.float32) - values)
    return float((moved[values != 0] / np.abs(values[values != 0])).max(initial=0))


def _encode(kind: str, head: Array, codes: Array) -> Array:
    """ggml's blocks of codes (uint8 [n, 32]) under their fp16 fields [n, bytes]."""
    if kind == "Q8_0":
        return np.concatenate([head, codes], axis=1)
    low = codes & 15
    fields = [head, low[:, :16] | (low[:, 16:] << 4)]
    if kind in ("Q5_0", "Q5_1"):
        fields.insert(1, np.packbits((codes >> 4).reshape(-1), bitorder="little").reshape(-1, 4))
    return np.concatenate(fields, axis=1)
