"""A tensor as a lazy value: where its bytes lie in a file, and what is done to them whenever they are read.

A file's tensors are put in another shape, taken apart and joined without being read: rows that only move keep the
blocks they are quantised in, everything else is computed in float32 when it is packed, a part at a time.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quant_types import QUANT_TYPES, dequantise

MAX_READ = 1 << 30  # bytes of one system call
# What files hold besides values of a quant type: numbers whose meaning others give, as NumPy reads them.
RAW_TYPES = {
    "I8": "i1",
    "U8": "u1",
    "I16": "<i2",
    "I32": "<i4",
    "U32": "<u4",
    "I64": "<i8",
    "F8_E4M3": "u1",
    "F8_E8M0": "u1",
}


class TensorFile:
    """A file that is read in pieces, never mapped: one that another program cuts short ends in an error, not in a
    signal to the whole process. Raises ModelFileError for what is no file."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        if not path.is_file():  # opening a pipe would wait for ever
            raise ModelFileError(f"{path.name} is not a file that can be read")
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        self._lock = threading.Lock()  # for systems without a read at an offset

    def pread(self, offset: int, nbytes: int) -> Array:
        """`nbytes` bytes from `offset` on, as uint8. Raises ModelFileError if the file has become too short."""
        out = np.empty(nbytes, np.uint8)
        view, done = out.data, 0
        while done < nbytes:
            if hasattr(os, "preadv"):
                count = os.preadv(self._file.fileno(), [view[done : done + MAX_READ]], offset + done)
            else:
                with self._lock:
                    self._file.seek(offset + done)
                    count = self._file.readinto(view[done : done + MAX_READ])
            if not count:
                raise ModelFileError(f"{self.name} was cut short while it was read; download it again")
            done += count
        return out


@dataclass(frozen=True)
class StoredTensor:
    """Values of a quant type, read when they are asked for. `name` is the file's.

    A row is what lies along the last axis; of a vector, each value is one. `read(first, count)` gives the bytes of rows
    [first, first + count), uint8 [count, bytes of a row], and raises ModelFileError if the file has become too short.
    `step` rows at once are as cheap as one. `nbytes` and `source` are its bytes and its type in the file; `loss` says
    what became of values that could not be kept.
    """

    name: str
    quant_type: str
    shape: tuple[int, ...]
    read: Callable[[int, int], Array]
    nbytes: int
    source: str
    step: int = 1
    loss: str = ""

    @property
    def width(self) -> int:
        """Values of a row."""
        return self.shape[-1] if len(self.shape) > 1 else 1

    @property
    def rows(self) -> int:
        """How many there are."""
        return math.prod(self.shape) // self.width

    @property
    def row_bytes(self) -> int:
        """Bytes that `read` gives of each row."""
        block, nbytes = block_bytes(self.quant_type)
        return self.width // block * nbytes

    @property
    def data(self) -> Array:
        """All bytes, in one array. Raises ModelFileError if the file has become too short."""
        return np.ascontiguousarray(self.read(0, self.rows)).reshape(-1)

    def values(self, first: int, count: int) -> Array:
        """Rows [first, first + count) as float32 [count, width]. Raises ModelFileError as `data` does."""
        return dequantise(self.quant_type, self.read(first, count), (count, self.width))

    def array(self) -> Array:
        """All values as float32 [shape]. Raises ModelFileError as `data` does."""
        return self.values(0, self.rows).reshape(self.shape)

    def numbers(self) -> Array:
        """All of a raw type, as NumPy's [shape]. Raises ModelFileError as `data` does."""
        return self.data.view(RAW_TYPES[self.quant_type]).reshape(self.shape)

    def part(self, first: int, count: int) -> StoredTensor:
        """Entries [first, first + count) of the leading axis. Raises ModelFileError if it is shorter."""
        if not 0 <= first < first + count <= self.shape[0]:
            raise ModelFileError(f"{self.name} has the shape {self.shape}, of which {first + count} entries are needed")
        each = self.rows // self.shape[0]
        return replace(
            self,
            shape=(count, *self.shape[1:]),
            read=lambda at, n: self.read(first * each + at, n),
            nbytes=self.nbytes * count // self.shape[0],
            step=min(self.step, count * each),
        )

    def split(self, *sizes: int) -> list[StoredTensor]:
        """Parts of these sizes along the leading axis. Raises ModelFileError if they do not add up to it."""
        if sum(sizes) != self.shape[0]:
            raise ModelFileError(f"{self.name} has the shape {self.shape}, which cannot be split into {sizes}")
        return [self.part(sum(sizes[:i]), size) for i, size in enumerate(sizes)]

    def entry(self, index: int) -> StoredTensor:
        """One entry of the leading axis, without that axis. Raises ModelFileError if there is none."""
        return self.part(index, 1).reshape(*self.shape[1:])

    def reorder(self, order: Array) -> StoredTensor:
        """The entries of the leading axis that `order` names, in its order. Raises ModelFileError if one is none."""
        if not len(order) or order.min() < 0 or order.max() >= self.shape[0]:
            raise ModelFileError(f"{self.name} has the shape {self.shape}, of which {len(order)} entries are needed")
        if np.array_equal(order, np.arange(order[0], order[0] + len(order))):
            return self.part(int(order[0]), len(order))
        each = self.rows // self.shape[0]
        index = order if each == 1 else (order[:, None] * each + np.arange(each)).reshape(-1)

        def read(first: int, count: int) -> Array:
            wanted = index[first : first + count]
            low = int(wanted.min())
            span = int(wanted.max()) + 1 - low
            if span <= 4 * count or self.step > 1:
                return self.read(low, span)[wanted - low]
            runs = np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1)  # far apart: each by itself
            return np.concatenate([self.read(int(run[0]), len(run)) for run in runs])

        return replace(
            self, shape=(len(order), *self.shape[1:]), read=read, nbytes=self.nbytes * len(order) // self.shape[0]
        )

    def reshape(self, *shape: int) -> StoredTensor:
        """The same values in another shape. Raises ModelFileError if that has not as many."""
        if math.prod(shape) != math.prod(self.shape) or min(shape) < 1:
            raise ModelFileError(f"{self.name} has the shape {self.shape}, which does not fit {shape}")
        new = replace(self, shape=shape)
        if new.width == self.width:
            return new
        if new.width % block_bytes(self.quant_type)[0]:
            return self.dequantise().reshape(*shape)
        have, want = self.row_bytes, new.row_bytes

        def read(first: int, count: int) -> Array:
            begin, end = first * want, (first + count) * want
            low = begin // have
            found = self.read(low, -(-end // have) - low).reshape(-1)
            return found[begin - low * have : end - low * have].reshape(count, want)

        return replace(new, read=read, step=max(1, min(self.step * have // want, new.rows)))

    def columns(self, order: Array) -> StoredTensor:
        """The values of each row that `order` names, in its order; whole blocks stay blocks. Raises ModelFileError if
        one is none."""
        if len(self.shape) < 2 or not len(order) or order.min() < 0 or order.max() >= self.width:
            raise ModelFileError(f"{self.name} has the shape {self.shape}, of which {len(order)} columns are needed")
        block, nbytes = block_bytes(self.quant_type)
        starts = order[::block]
        if (starts % block).any() or not np.array_equal((starts[:, None] + np.arange(block)).reshape(-1), order):
            return self.dequantise().columns(order)
        index = starts // block

        def read(first: int, count: int) -> Array:
            return self.read(first, count).reshape(count, -1, nbytes)[:, index].reshape(count, -1)

        shape = (*self.shape[:-1], len(order))
        return replace(self, shape=shape, read=read, nbytes=self.nbytes * len(order) // self.width)

    def transpose(self) -> StoredTensor:
        """The last two axes exchanged. Raises ModelFileError for a vector."""
        if len(self.shape) < 2:
            raise ModelFileError(f"{self.name} has the shape {self.shape} where a matrix is expected")
        block, size = block_bytes(self.quant_type)
        if block > 1:
            return self.dequantise().transpose()
        height, width = self.shape[-2:]

        def read(first: int, count: int) -> Array:
            parts = []
            while count:
                entry, at = divmod(first, width)
                here = min(count, width - at)
                whole = self.read(entry * height, height).reshape(height, width, size)
                parts.append(whole[:, at : at + here].swapaxes(0, 1).reshape(here, -1))
                first, count = first + here, count - here
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        return replace(self, shape=(*self.shape[:-2], width, height), read=read, step=width)

    def map(self, function: Callable[[Array], Array]) -> StoredTensor:
        """`function` of each value, in float32: it is given some rows at a time."""

        def read(first: int, count: int) -> Array:
            return _float_bytes(function(self.values(first, count)))

        return replace(self._as_float(), read=read)

    def multiply(self, factor: float | Array) -> StoredTensor:
        """In float32, by a number, a vector [width] for every row, or an array that is broadcast to the shape."""
        f = np.asarray(factor, np.float32)
        if not f.ndim or (f.ndim == 1 and len(self.shape) > 1):
            return self.map(lambda values: values * f)
        wide = f.shape[-1] if len(self.shape) > 1 else 1
        each = np.broadcast_to(f, (*self.shape[:-1], f.shape[-1])).reshape(self.rows, wide)

        def read(first: int, count: int) -> Array:
            return _float_bytes(self.values(first, count) * each[first : first + count])

        return replace(self._as_float(), read=read)

    def dequantise(self) -> StoredTensor:
        """The same values in float32."""
        return self if self.quant_type == "F32" else self.map(lambda values: values)

    def _as_float(self) -> StoredTensor:
        """Of type float32, whose `read` is to be replaced."""
        apart = "" if block_bytes(self.quant_type)[0] == 1 else "in 8 bits, since their blocks had to be taken apart"
        return replace(self, quant_type="F32", loss=self.loss or apart)


Tensors = dict[str, StoredTensor]  # by name


def block_bytes(quant_type: str) -> tuple[int, int]:
    """Values of a block, and its bytes, of a quant type or a raw one."""
    if kind := QUANT_TYPES.get(quant_type):
        return kind.block, kind.nbytes
    return 1, np.dtype(RAW_TYPES[quant_type]).itemsize


def tensor_bytes(quant_type: str, shape: tuple[int, ...], where: str) -> int:
    """Bytes of a tensor. Raises ModelFileError where a row is not a whole number of blocks."""
    block, nbytes = block_bytes(quant_type)
    if shape[-1] % block:
        raise ModelFileError(f"{where}: rows of {shape[-1]} values are not a multiple of the {block} of {quant_type}")
    return math.prod(shape) // block * nbytes


def stored_tensor(name: str, quant_type: str, shape: tuple[int, ...], file: TensorFile, offset: int) -> StoredTensor:
    """The tensor that lies at `offset` of a file. Raises ModelFileError as `tensor_bytes` does."""
    nbytes = tensor_bytes(quant_type, shape, f"{file.name}: tensor {name}")
    if len(shape) == 1 and block_bytes(quant_type)[0] > 1:  # a vector in blocks
        return stored_tensor(name, quant_type, (1, *shape), file, offset).entry(0)
    rows = shape[0] if len(shape) == 1 else math.prod(shape[:-1])
    row = nbytes // rows

    def read(first: int, count: int) -> Array:
        return file.pread(offset + first * row, count * row).reshape(count, row)

    return StoredTensor(name, quant_type, shape, read, nbytes, quant_type)


def concatenate(tensors: Sequence[StoredTensor]) -> StoredTensor:
    """Joined along the leading axis; of different types, in float32. Raises ModelFileError if they do not fit."""
    first = tensors[0]
    if any(one.shape[1:] != first.shape[1:] for one in tensors):
        raise ModelFileError(f"{first.name} and {tensors[-1].name} differ in shape and cannot be joined")
    if any(one.quant_type != first.quant_type for one in tensors):
        return concatenate([one.dequantise() for one in tensors])
    starts = np.cumsum([0, *(one.rows for one in tensors)]).tolist()

    def read(at: int, count: int) -> Array:
        parts = []
        for one, start in zip(tensors, starts, strict=False):
            low, high = max(at - start, 0), min(at + count - start, one.rows)
            if low < high:
                parts.append(one.read(low, high - low))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return replace(
        first,
        shape=(sum(one.shape[0] for one in tensors), *first.shape[1:]),
        read=read,
        nbytes=sum(one.nbytes for one in tensors),
        step=max(one.step for one in tensors),
        loss=next((one.loss for one in tensors if one.loss), ""),
    )


def stack(tensors: Sequence[StoredTensor]) -> StoredTensor:
    """Joined along a new leading axis. Raises ModelFileError as `concatenate` does."""
    shape = tensors[0].shape
    return concatenate([one.reshape(1, *shape) for one in tensors]).reshape(len(tensors), *shape)


def _float_bytes(values: Array) -> Array:
    return np.ascontiguousarray(values, np.float32).view(np.uint8).reshape(len(values), -1)
