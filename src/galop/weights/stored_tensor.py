"""A tensor as it lies in a file: where, in which shape and quant type; its bytes are read when they are asked for."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quant_types import QUANT_TYPES, dequantise

MAX_READ = 1 << 30  # bytes of one system call


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
    """`nbytes` bytes at `offset` of a file: `shape` values of a quant type, in another order of rows if `order`."""

    quant_type: str
    shape: tuple[int, ...]
    file: TensorFile
    offset: int
    nbytes: int
    order: Array | None = None

    @property
    def data(self) -> Array:
        """The bytes, read. Raises ModelFileError if the file has become too short."""
        data = self.file.pread(self.offset, self.nbytes)
        return data if self.order is None else data.reshape(self.shape[0], -1)[self.order].reshape(-1)

    def array(self) -> Array:
        """The values as float32 [shape]. Raises ModelFileError as `data` does."""
        return dequantise(self.quant_type, self.data, self.shape)

    def part(self, first: int, count: int) -> StoredTensor:
        """Rows [first, first + count) of the leading axis."""
        assert self.order is None  # rows that were moved lie elsewhere
        row_bytes = self.nbytes // self.shape[0]
        return replace(
            self, shape=(count, *self.shape[1:]), offset=self.offset + first * row_bytes, nbytes=count * row_bytes
        )

    def entry(self, index: int) -> StoredTensor:
        """One entry of the leading axis, without that axis."""
        return replace(self.part(index, 1), shape=self.shape[1:])


Tensors = dict[str, StoredTensor]  # by name


def tensor_bytes(quant_type: str, shape: tuple[int, ...], where: str) -> int:
    """Bytes of a tensor. Raises ModelFileError where a row is not a whole number of blocks."""
    row = QUANT_TYPES[quant_type]
    if shape[-1] % row.block:
        raise ModelFileError(f"{where}: rows of {shape[-1]} values are not a multiple of the {row.block} of {row.name}")
    return int(np.prod([int(n) for n in shape], dtype=object)) // row.block * row.nbytes
