"""Pack files: a model in kernel layout with its tokenizer and template, mapped at the next start.

A pack is content-addressed by the identity of its source files (device, inode, size, time of change: nothing is
rehashed) and the layout version. It is written whole under a temporary name and then renamed; where the disk is full
or the cache cannot be written the model is packed in memory instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from galop import _native
from galop.errors import ModelFileError
from galop.ops.plan import Array, Plan
from galop.weights.blocks import quantise_q8_0, scales_are_finite
from galop.weights.checkpoint import Checkpoint, StoredTensor

LAYOUT = 1
MAGIC = b"GALOPPK1"
ALIGN = 64
PAGE = 4096
READ_BYTES = 1 << 30

Progress = Callable[[str, int, int], None]  # what is done, how far, of how much


@dataclass(frozen=True)
class PackedMatrix:
    kind: str
    rows: int
    cols: int
    offset: int
    nbytes: int
    crc: int


@dataclass(frozen=True)
class Card:
    """What is known of the model besides its weights; kept in the pack's header."""

    name: str
    source: str
    files: list[list[Any]]
    config: dict[str, Any]
    chat_template: str | None
    bos_token: str
    eos_token: str
    add_bos: bool
    stop_ids: list[int]
    generation: dict[str, Any]
    licence: str
    kinds: dict[str, int]
    parameters: int
    source_bytes: int
    fim: dict[str, int] = field(default_factory=dict)  # tokens for filling in the middle, where the file names them


@dataclass
class Pack:
    card: Card
    tokenizer_json: str
    matrices: dict[str, PackedMatrix]
    vectors: dict[str, Array]
    data: Array  # uint8, what offsets count from
    path: Path | None = None

    def array(self, name: str) -> Array:
        """A matrix or vector as float32."""
        if name in self.vectors:
            return self.vectors[name]
        m = self.matrices[name]
        out = np.empty(m.rows * m.cols, np.float32)
        _native.unpack(m.kind, self.data[m.offset : m.offset + m.nbytes], m.rows, m.cols, out)
        return out.reshape(m.rows, m.cols)

    def damaged(self) -> list[str]:
        """Names of the matrices whose checksum does not match."""
        return [
            name for name, m in self.matrices.items()
            if zlib.crc32(self.data[m.offset : m.offset + m.nbytes].data) != m.crc
        ]  # fmt: skip


def identity(files: list[Path]) -> list[list[Any]]:
    """What tells a file from its successor without reading it."""
    stats = [(f.name, f.stat()) for f in files]
    return [[name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns] for name, s in stats]


def pack_path(cache: Path, files: list[Path]) -> Path:
    key = hashlib.sha256(json.dumps([LAYOUT, identity(files)]).encode()).hexdigest()[:32]
    return cache / f"{key}.v{LAYOUT}.pack"


def _target_kind(tensor: StoredTensor, exact: bool) -> str:
    """The layout a matrix is packed in: float weights go to 8 bits, what must stay exact and odd widths to float32."""
    if exact:
        return "F32"
    if tensor.kind not in ("F32", "F16", "BF16"):
        return tensor.kind
    return "F32" if tensor.shape[1] % 32 else "Q8_0"


def _prepare(tensor: StoredTensor, kind: str) -> Array:
    """The bytes of a matrix in `kind`. Raises ModelFileError if a value is not a number."""
    if tensor.kind == kind and kind != "F32":
        if not scales_are_finite(kind, tensor.data):
            raise ModelFileError("a block's scale is not a finite number")
        return np.ascontiguousarray(tensor.data)
    values = tensor.array()
    if not np.isfinite(values).all():
        raise ModelFileError("it holds values that are not finite numbers")
    return quantise_q8_0(values) if kind == "Q8_0" else np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def build(
    checkpoint: Checkpoint,
    plan: Plan,
    files: list[Path],
    path: Path | None,
    threads: int,
    progress: Progress | None = None,
) -> Pack:
    """Packs what `plan` uses. Writes `path` if it can be written, otherwise packs in memory.

    Raises ModelFileError if a vector holds values that are not numbers.
    """
    exact = plan.float_matrices()
    kinds: dict[str, int] = {}
    for tensor in checkpoint.tensors.values():
        kinds[tensor.kind] = kinds.get(tensor.kind, 0) + 1
    matrices: dict[str, PackedMatrix] = {}
    offset = 0
    for name, m in plan.matrices().items():
        kind = _target_kind(checkpoint.tensors[name], name in exact)
        nbytes = _native.packed_bytes(kind, m.rows, m.cols)
        matrices[name] = PackedMatrix(kind, m.rows, m.cols, offset, nbytes, 0)
        offset += -(-nbytes // ALIGN) * ALIGN
    vectors: dict[str, Array] = {}
    for name, vector in plan.vectors().items():
        if vector.value is None:
            values = checkpoint.tensors[name].array()
            if not np.isfinite(values).all():
                raise ModelFileError(f"{checkpoint.path.name}: {name} holds values that are not finite numbers")
            vectors[name] = np.ascontiguousarray(values, np.float32)
    card = Card(
        name=checkpoint.name,
        source=str(checkpoint.path),
        files=identity(files),
        config=checkpoint.config,
        chat_template=checkpoint.chat_template,
        bos_token=checkpoint.bos_token,
        eos_token=checkpoint.eos_token,
        add_bos=checkpoint.add_bos,
        stop_ids=checkpoint.stop_ids,
        generation=checkpoint.generation,
        licence=checkpoint.licence,
        kinds=kinds,
        parameters=sum(int(np.prod(t.shape)) for t in checkpoint.tensors.values()),
        source_bytes=sum(len(t.data) for t in checkpoint.tensors.values()),
        fim=checkpoint.fim,
    )

    def fill(write: Callable[[str, Array], None]) -> None:
        for i, (name, m) in enumerate(matrices.items()):
            tensor = checkpoint.tensors[name]
            try:
                source = _prepare(tensor, m.kind)
            except ModelFileError as error:
                raise ModelFileError(f"{checkpoint.path.name}: {name}: {error}") from None
            out = np.empty(m.nbytes, np.uint8)
            _native.pack(m.kind, source, m.rows, m.cols, out, threads)
            matrices[name] = replace(m, crc=zlib.crc32(out.data))
            write(name, out)
            _forget(tensor.data)
            if progress:
                progress("packing", i + 1, len(matrices))

    if path is not None:
        try:
            return _write(path, card, checkpoint.tokenizer_json, matrices, vectors, offset, fill)
        except OSError:
            pass  # a full or read-only disk: the model still runs, packed in memory
    data = np.zeros(max(offset, 1), np.uint8)

    def keep(name: str, packed: Array) -> None:
        m = matrices[name]
        data[m.offset : m.offset + m.nbytes] = packed

    fill(keep)
    return Pack(card, checkpoint.tokenizer_json, matrices, vectors, data)


def _forget(data: Array) -> None:
    """Lets go of the pages of a mapped source that has been packed, so that both need not fit in memory at once."""
    base: Any = data
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        page = mmap.PAGESIZE
        start = data.__array_interface__["data"][0] - np.frombuffer(base, np.uint8).__array_interface__["data"][0]
        first = -(-start // page) * page
        length = (start + data.nbytes - first) // page * page
        if length > 0:
            with contextlib.suppress(OSError):
                base.madvise(mmap.MADV_DONTNEED, first, length)


def _write(
    path: Path,
    card: Card,
    tokenizer_json: str,
    matrices: dict[str, PackedMatrix],
    vectors: dict[str, Array],
    size: int,
    fill: Callable[[Callable[[str, Array], None]], None],
) -> Pack:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".incomplete", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:

            def write(name: str, packed: Array) -> None:
                file.seek(PAGE + matrices[name].offset)
                file.write(packed.data)

            fill(write)
            tail = PAGE + size
            file.seek(tail)
            tokenizer = tokenizer_json.encode()
            file.write(tokenizer)
            placed: dict[str, list[int]] = {}
            at = len(tokenizer)
            for name, values in vectors.items():
                placed[name] = [at, len(values)]
                file.write(values.tobytes())
                at += values.nbytes
            header = json.dumps(
                {
                    "card": asdict(card),
                    "matrices": {name: list(asdict(m).values()) for name, m in matrices.items()},
                    "tokenizer": len(tokenizer),
                    "vectors": placed,
                }
            ).encode()
            file.write(header)
            whole = [tail, at, len(header), zlib.crc32(header)]
            file.seek(0)
            file.write(MAGIC + b"".join(n.to_bytes(8, "little") for n in whole))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    pack = read(path)
    if pack is None:
        raise OSError(f"{path} could not be read back")
    return pack


def resident(
    pack: Pack, threads: int, meanwhile: Callable[[], Any], progress: Progress | None = None
) -> tuple[Pack, Any]:
    """The same pack in memory of its own, which the system backs with 2 MiB pages; and what `meanwhile` gives.

    Reading 4 KiB pages of a mapped file costs a virtual machine a walk through two page tables each: decoding from the
    map reached 74 % of the speed. What the system keeps of the file besides gives way when memory is wanted.
    """
    if pack.path is None or not hasattr(os, "preadv"):
        return pack, meanwhile()
    size = pack.data.nbytes
    memory = np.empty(size + PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE
    data = memory[start : start + size]
    # Few long reads: a system call runs beside a tokenizer's parser, which keeps Python's lock, and the code between
    # two calls does not.
    part = min(-(-size // threads), READ_BYTES)
    begins = range(0, size, part)
    under_way = threading.Barrier(min(threads, len(begins)) + 1)
    with pack.path.open("rb", buffering=0) as file, ThreadPoolExecutor(threads) as pool:

        def fill(begin: int) -> None:
            view = data[begin : begin + part].data
            if begin // part < under_way.parties - 1:
                under_way.wait()
            done = 0
            while done < len(view):
                count = os.preadv(file.fileno(), [view[done:]], PAGE + begin + done)
                if not count:
                    raise ModelFileError(f"{pack.path}: shorter than it was; run it again")
                done += count

        reads = [pool.submit(fill, begin) for begin in begins]
        under_way.wait()
        time.sleep(0.002)  # until they are inside their system calls
        result = meanwhile()
        for i, read in enumerate(reads):
            read.result()
            if progress:
                progress(f"reading {pack.card.name}", i + 1, len(reads))
    return replace(pack, data=data), result


def read(path: Path) -> Pack | None:
    """Maps a pack; None where there is none or it is damaged (it is then removed, to be made anew)."""
    try:
        with path.open("rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    try:
        if mapping[:8] != MAGIC:
            raise ValueError("magic")
        tail, length, header_bytes, crc = (int.from_bytes(mapping[i : i + 8], "little") for i in range(8, 40, 8))
        if tail + length + header_bytes != len(mapping):
            raise ValueError("length")
        raw = mapping[tail + length :]
        if zlib.crc32(raw) != crc:
            raise ValueError("checksum")
        header = json.loads(raw)
        tokenizer = mapping[tail : tail + header["tokenizer"]].decode()
        vectors = {
            name: np.frombuffer(mapping[tail + at : tail + at + 4 * count], np.float32)
            for name, (at, count) in header["vectors"].items()
        }
        matrices = {name: PackedMatrix(*values) for name, values in header["matrices"].items()}
        data = np.frombuffer(mapping, np.uint8, tail - PAGE, PAGE)
        with contextlib.suppress(OSError):  # a cache that only may be read
            os.utime(path)  # least recently used packs go first
        return Pack(Card(**header["card"]), tokenizer, matrices, vectors, data, path)
    except (ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return None
