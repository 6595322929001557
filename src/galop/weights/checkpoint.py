"""A model as its files hold it: configuration, tensors under their Hugging Face names, tokenizer and template."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quant_types import QUANT_TYPES, dequantise

MAX_EXPERTS = 4096
READ_BYTES = 1 << 30


class File:
    """A file that is read in pieces, never mapped: one that another program cuts short ends in an error, not in a
    signal to the whole process."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        if not path.is_file():  # opening a pipe would wait for ever
            raise ModelFileError(f"{path.name} is not a file that can be read")
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        self._lock = threading.Lock()  # for systems without a read at an offset

    def read(self, offset: int, nbytes: int) -> Array:
        """Raises ModelFileError if the file has become too short."""
        out = np.empty(nbytes, np.uint8)
        view, done = out.data, 0
        while done < nbytes:
            if hasattr(os, "preadv"):
                count = os.preadv(self._file.fileno(), [view[done : done + READ_BYTES]], offset + done)
            else:
                with self._lock:
                    self._file.seek(offset + done)
                    count = self._file.readinto(view[done : done + READ_BYTES])
            if not count:
                raise ModelFileError(f"{self.name} was cut short while it was read; download it again")
            done += count
        return out


@dataclass(frozen=True)
class StoredTensor:
    """`nbytes` bytes at `offset` of a file: `shape` values in blocks of `kind`, in another order of rows if `order`."""

    kind: str
    shape: tuple[int, ...]
    file: File
    offset: int
    nbytes: int
    order: Array | None = None

    @property
    def data(self) -> Array:
        """The bytes, read. Raises ModelFileError if the file has become too short."""
        data = self.file.read(self.offset, self.nbytes)
        return data if self.order is None else data.reshape(self.shape[0], -1)[self.order].reshape(-1)

    def array(self) -> Array:
        """The values as float32 [shape]."""
        return dequantise(self.kind, self.data, self.shape)

    def part(self, first: int, count: int) -> StoredTensor:
        """Rows [first, first + count) of the leading axis."""
        row_bytes = self.nbytes // self.shape[0]
        return replace(
            self, shape=(count, *self.shape[1:]), offset=self.offset + first * row_bytes, nbytes=count * row_bytes
        )

    def entry(self, index: int) -> StoredTensor:
        """One entry of the leading axis, which is dropped."""
        return replace(self.part(index, 1), shape=self.shape[1:])


@dataclass
class Checkpoint:
    """What a GGUF file or a safetensors directory says; `config` has the keys of a config.json."""

    path: Path
    config: dict[str, Any]
    tensors: dict[str, StoredTensor]
    tokenizer_json: str
    chat_template: str | None = None
    bos_token: str = ""
    eos_token: str = ""
    add_bos: bool = False
    stop_ids: list[int] = field(default_factory=list)
    fim: dict[str, int] = field(default_factory=dict)  # tokens for filling in the middle (see chat/fim.py)
    generation: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    licence: str = ""
    notes: list[str] = field(default_factory=list)  # what a user should know before trusting it

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}


def tensor_bytes(kind: str, shape: tuple[int, ...], where: str) -> int:
    """Bytes of a tensor. Raises ModelFileError where a row is not a whole number of blocks."""
    stored = QUANT_TYPES[kind]
    if shape[-1] % stored.block:
        raise ModelFileError(f"{where}: rows of {shape[-1]} values are not a multiple of the {stored.block} of {kind}")
    return int(np.prod([int(n) for n in shape], dtype=object)) // stored.block * stored.nbytes


def split_experts(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Stacked experts [E, out, in] as one matrix per expert, under the names of the checkpoints that keep them apart.

    Takes `mlp.experts.{gate,up,down}_proj.weight` (GGUF) and `mlp.experts.gate_up_proj`, gate rows first, with
    `mlp.experts.down_proj` (transformers 5).
    """
    split: dict[str, StoredTensor] = {}
    for name, tensor in tensors.items():
        base, found, leaf = name.partition(".mlp.experts.")
        leaf = leaf.removesuffix(".weight")
        if not found or len(tensor.shape) != 3:
            split[name] = tensor
            continue
        if tensor.shape[0] > MAX_EXPERTS:
            raise ModelFileError(f"{name} holds {tensor.shape[0]} experts, more than {MAX_EXPERTS}")
        for e in range(tensor.shape[0]):
            one = tensor.entry(e)
            at = f"{base}.mlp.experts.{e}."
            if leaf == "gate_up_proj":
                half = one.shape[0] // 2
                split[f"{at}gate_proj.weight"] = one.part(0, half)
                split[f"{at}up_proj.weight"] = one.part(half, half)
            else:
                split[f"{at}{leaf}.weight"] = one
    return split
