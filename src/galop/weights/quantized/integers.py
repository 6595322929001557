"""Matrices of small integers that share a scale in groups of a row: the quant type whose blocks hold them exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quant_types import QUANT_TYPES
from galop.weights.quantized.modules import EIGHT_BITS, HALF_SCALES
from galop.weights.stored_tensor import StoredTensor

# What the codes of each type stand for, least to most, in the order of their size.
SIGNED = (("Q2_0", -1, 2), ("Q4_0", -8, 7), ("Q5_0", -16, 15), ("Q8_0", -128, 127))
UNSIGNED = (("Q4_1", 0, 15), ("Q5_1", 0, 31))
LIFTS = {"Q2_0": 1, "Q4_0": 8, "Q5_0": 16}  # what is added to them in blocks


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
        block = QUANT_TYPES[kind].block
        group = self.groups[::block]
        fields = [self.scales(first, count)[:, group]]
        if self.minima:
            fields.append(self.minima(first, count)[:, group])
        head = np.stack(fields, axis=-1).astype(np.float16).view(np.uint8).reshape(-1, 2 * len(fields))
        codes = self.codes(first, count).view(np.uint8).reshape(count, -1, block)
        lift: Any = np.uint8(LIFTS.get(kind, 0))  # what it takes to the codes of the type; bytes wrap around
        if self.zeros:
            lift = lift - self.zeros(first, count)[:, group, None].astype(np.uint8)
        return _encode(kind, head, (codes + lift).reshape(-1, block)).reshape(count, -1)

    def negate(self) -> IntegerMatrix:
        """The same values, of codes and scales that are the negatives of these."""
        zeros = self.zeros
        return replace(
            self,
            least=-self.most,
            most=-self.least,
            codes=lambda first, count: -self.codes(first, count).view(np.int8),
            scales=lambda first, count: -self.scales(first, count),
            zeros=None if zeros is None else lambda first, count: -zeros(first, count).astype(np.int16),
        )

    def fits(self, kind: str, least: int, most: int) -> bool:
        """Whether a type holds codes less their zeros, `least` to `most`, and each of its blocks is of one group."""
        block = QUANT_TYPES[kind].block
        if least > self.least or self.most > most or self.shape[1] % block:
            return False
        return bool((self.groups.reshape(-1, block) == self.groups[::block, None]).all())


@lru_cache(maxsize=256)
def group_columns(cols: int, groups: int) -> Array:
    """The group of each column where each group is as many neighbours: one array for all matrices of a shape."""
    return np.arange(cols) // max(1, cols // groups)


def lay_out(matrix: IntegerMatrix) -> StoredTensor:
    """The matrix in the smallest type that holds its codes, or in float32 where none does.

    Scales and zeros are read for it. Raises ModelFileError if a scale is not a number.
    """
    rows = matrix.shape[0]
    factors = [matrix.scales(0, rows), *([matrix.minima(0, rows)] if matrix.minima else [])]
    if not all(np.isfinite(factor).all() for factor in factors):
        raise ModelFileError(f"{matrix.name}: a scale is not a finite number")
    error = max(_half_error(factor) for factor in factors)
    spread = matrix  # of codes less their zeros
    if matrix.zeros is not None:
        zeros = matrix.zeros(0, rows)
        spread = replace(matrix, least=matrix.least - int(zeros.max()), most=matrix.most - int(zeros.min()))
    kinds = UNSIGNED if matrix.minima else SIGNED
    forms = [spread] if matrix.minima else [spread, spread.negate()]
    fitting = ((kind, form) for kind, *span in kinds for form in forms if form.fits(kind, *span))
    kind, form = next(fitting, ("F32", matrix)) if error <= 2**-11 else ("F32", matrix)

    def read(first: int, count: int) -> Array:
        if kind == "F32":
            return np.ascontiguousarray(matrix.values(first, count), np.float32).view(np.uint8)
        return form.blocks(kind, first, count)

    loss = EIGHT_BITS if kind == "F32" else HALF_SCALES if error else ""
    return StoredTensor(matrix.name, kind, matrix.shape, read, matrix.nbytes, matrix.source, matrix.step, loss)


def _half_error(values: Array) -> float:
    """By how much of itself rounding to fp16 moves a value, at most."""
    with np.errstate(over="ignore"):
        moved = np.abs(values.astype(np.float16).astype(np.float32) - values)
    return float((moved[values != 0] / np.abs(values[values != 0])).max(initial=0))


def _encode(kind: str, head: Array, codes: Array) -> Array:
    """ggml's blocks of codes (uint8 [n, block]) under their fp16 fields [n, bytes]."""
    if kind == "Q8_0":
        return np.concatenate([head, codes], axis=1)
    if kind == "Q2_0":
        q = codes.reshape(len(codes), -1, 4)
        return np.concatenate([head, q[:, :, 0] | (q[:, :, 1] << 2) | (q[:, :, 2] << 4) | (q[:, :, 3] << 6)], axis=1)
    low = codes & 15
    fields = [head, low[:, :16] | (low[:, 16:] << 4)]
    if kind in ("Q5_0", "Q5_1"):
        fields.insert(1, np.packbits((codes >> 4).reshape(-1), bitorder="little").reshape(-1, 4))
    return np.concatenate(fields, axis=1)
