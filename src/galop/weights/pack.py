"""Pack files: a model in kernel layout with its tokenizer and template, mapped at the next start.

A pack is content-addressed by the identity of its source files (device, inode, size, times of change: nothing is
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
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from galop import native
from galop.errors import ModelFileError
from galop.ops.plan import Array, Plan
from galop.tokenizers.dummy_space import DummySpace
from galop.weights.checkpoint import Checkpoint
from galop.weights.quant_types import QUANT_TYPES, has_finite_scales, quantise_q8_0
from galop.weights.stored_tensor import StoredTensor, Tensors

LAYOUT = 3
MAGIC = b"GALOPPK1"
ALIGN = 64
PAGE = 4096
MAX_READ = 256 << 20
PANEL_ROWS = 16
PART_VALUES = 1 << 20  # of a matrix that are laid out at once: what fits a cache
AHEAD_BYTES = 64 << 20  # of matrices that are packed while earlier ones are written

Progress = Callable[[str, int, int], None]  # what is done, how far, of how much


@dataclass(frozen=True)
class PackedMatrix:
    """A matrix in panels: `nbytes` at `offset` of the pack's data, with their checksum."""

    quant_type: str
    rows: int
    cols: int
    offset: int
    nbytes: int
    crc: int


@dataclass(frozen=True)
class ModelCard:
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
    kinds: dict[str, int]  # tensors by quant type
    parameters: int
    source_bytes: int
    dummy_space: DummySpace = ""  # see tokenizers/tokenizer.py
    fim: dict[str, int] = field(default_factory=dict)  # tokens for filling in the middle, where the file names them
    notes: list[str] = field(default_factory=list)


def card_of(checkpoint: Checkpoint) -> ModelCard:
    """What a checkpoint says besides its weights; which files it is in, and what became of its tensors, is left out."""
    return ModelCard(
        name=checkpoint.name,
        source=str(checkpoint.path),
        files=[],
        config=checkpoint.config,
        chat_template=checkpoint.chat_template,
        bos_token=checkpoint.bos_token,
        eos_token=checkpoint.eos_token,
        add_bos=checkpoint.add_bos,
        dummy_space=checkpoint.dummy_space,
        stop_ids=checkpoint.stop_ids,
        generation=checkpoint.generation,
        licence=checkpoint.licence,
        notes=checkpoint.notes,
        kinds={},
        parameters=sum(int(np.prod(t.shape)) for t in checkpoint.tensors.values()),
        fim=checkpoint.fim,
        source_bytes=sum(t.nbytes for t in checkpoint.tensors.values()),
    )


@dataclass
class Pack:
    """A model ready to run: matrices in panels, vectors in float32, and what else its files say."""

    card: ModelCard
    tokenizer_json: str
    matrices: dict[str, PackedMatrix]
    vectors: dict[str, Array]
    data: Array  # uint8, what offsets count from
    path: Path | None = None

    def checksums(self) -> list[tuple[str, int]]:
        """Names and checksums of the matrices, by name: what tells one model's weights from another's."""
        return sorted((name, m.crc) for name, m in self.matrices.items())

    def array(self, name: str) -> Array:
        """A matrix or vector as float32."""
        if name in self.vectors:
            return self.vectors[name]
        m = self.matrices[name]
        out = np.empty(m.rows * m.cols, np.float32)
        native.unpack(m.quant_type, self.data[m.offset : m.offset + m.nbytes], m.rows, m.cols, out)
        return out.reshape(m.rows, m.cols)

    def find_damage(self, pool: ThreadPoolExecutor | None = None) -> list[str]:
        """Names of the matrices whose checksum does not match."""

        def differs(m: PackedMatrix) -> bool:
            return checksum(self.data[m.offset : m.offset + m.nbytes]) != m.crc

        found = (pool.map if pool else map)(differs, self.matrices.values())
        return [name for name, wrong in zip(self.matrices, found, strict=True) if wrong]


def checksum(data: Array) -> int:
    """Of bytes that may have rotted: the CRC of the sums of each 4 KiB, at the speed of memory."""
    whole = len(data) // PAGE * PAGE
    sums = np.add.reduce(data[:whole].view(np.uint64).reshape(-1, PAGE // 8), axis=1)
    return zlib.crc32(data[whole:].tobytes(), zlib.crc32(sums.tobytes()))


class DamagedPack(ModelFileError):
    """A pack is not what was written; it has been removed, to be rebuilt."""


def identity(files: list[Path]) -> list[list[Any]]:
    """What tells files from their successors without reading them. Raises OSError if one is not there."""
    stats = [(f.name, f.stat()) for f in files]
    return [[name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns] for name, s in stats]


def pack_path(cache: Path, files: list[Path], part: str = "") -> Path:
    """Where the pack of these files, or of a part of them, is or would be. Raises OSError if one is not there."""
    of = [LAYOUT, identity(files), part] if part else [LAYOUT, identity(files)]
    key = hashlib.sha256(json.dumps(of).encode()).hexdigest()[:32]
    return cache / f"{key}.v{LAYOUT}.pack"


def _target_type(tensor: StoredTensor, exact: bool) -> str:
    """What a matrix is packed in: floats go to 8 bits, what must stay exact and floats of odd widths to float32."""
    if exact:
        return "F32"
    if QUANT_TYPES[tensor.quant_type].block > 1:
        return tensor.quant_type
    return "F32" if tensor.shape[1] % 32 else "Q8_0"


def _prepare(tensor: StoredTensor, quant_type: str, first: int, count: int) -> Array:
    """The bytes of some rows of a matrix in a quant type. Raises ModelFileError if a value is not a number."""
    if tensor.quant_type == quant_type and quant_type != "F32":
        data = np.ascontiguousarray(tensor.read(first, count)).reshape(-1)
        if not has_finite_scales(quant_type, data):
            raise ModelFileError("a block's scale is not a finite number")
        return data
    values = tensor.values(first, count)
    if not np.isfinite(values).all():
        raise ModelFileError("it holds values that are not finite numbers")
    return quantise_q8_0(values) if quant_type == "Q8_0" else np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def pack_matrices(tensors: Tensors, matrices: Mapping[str, PackedMatrix], threads: int) -> Iterator[tuple[str, Array]]:
    """The panels of each matrix, made a few rows at a time: what is in memory are the next of them, and the values of
    a few rows for each thread.

    Raises ModelFileError if a value is not a number.
    """
    under_way: deque[tuple[str, Array, list[Future[None]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for name, m in matrices.items():
            under_way.append((name, *_start_packing(tensors[name], m, pool)))
            while sum(packed.nbytes for _, packed, _ in under_way) > AHEAD_BYTES:
                yield _finish_packing(*under_way.popleft())
        while under_way:
            yield _finish_packing(*under_way.popleft())


def _start_packing(tensor: StoredTensor, m: PackedMatrix, pool: ThreadPoolExecutor) -> tuple[Array, list[Future[None]]]:
    packed = np.empty(m.nbytes, np.uint8)
    panel = native.packed_bytes(m.quant_type, PANEL_ROWS, m.cols)
    step = -(-max(tensor.step, PART_VALUES // m.cols) // PANEL_ROWS) * PANEL_ROWS

    def fill(first: int) -> None:
        count = min(step, m.rows - first)
        source = _prepare(tensor, m.quant_type, first, count)
        at = first // PANEL_ROWS * panel
        native.pack(m.quant_type, source, count, m.cols, packed[at : at + -(-count // PANEL_ROWS) * panel], 1)

    return packed, [pool.submit(fill, first) for first in range(0, m.rows, step)]


def _finish_packing(name: str, packed: Array, parts: list[Future[None]]) -> tuple[str, Array]:
    try:
        for part in parts:
            part.result()
    except ModelFileError as error:
        for part in parts:
            part.cancel()
        raise ModelFileError(f"{name}: {error}") from None
    return name, packed


def describe_larger(checkpoint: Checkpoint, matrices: dict[str, PackedMatrix]) -> list[str]:
    """A sentence for each quant type whose panels are much larger than the file's blocks."""
    sizes: dict[str, list[int]] = {}
    for name, m in matrices.items():
        tensor = checkpoint.tensors[name]
        if m.quant_type == tensor.quant_type != "F32":
            size = sizes.setdefault(m.quant_type, [0, 0])
            size[0] += tensor.nbytes
            size[1] += m.nbytes
    return [
        f"{checkpoint.path.name}: its weights in {kind} take {packed / 1e6:.1f} MB, in the file {stored / 1e6:.1f} MB"
        for kind, (stored, packed) in sizes.items()
        if packed > 1.1 * stored
    ]


def build(
    checkpoint: Checkpoint,
    plan: Plan,
    files: list[Path],
    path: Path | None,
    threads: int,
    progress: Progress | None = None,
) -> Pack:
    """Packs what `plan` uses. Writes `path` if it can be written, otherwise packs in memory.

    Raises ModelFileError if a weight is not a number, or the files were changed meanwhile.
    """
    exact = plan.exact_matrices()
    kinds: dict[str, int] = {}
    for tensor in checkpoint.tensors.values():
        kinds[tensor.source] = kinds.get(tensor.source, 0) + 1
    matrices: dict[str, PackedMatrix] = {}
    offset = 0
    for name, m in plan.matrices().items():
        quant_type = _target_type(checkpoint.tensors[name], name in exact)
        nbytes = native.packed_bytes(quant_type, m.rows, m.cols)
        matrices[name] = PackedMatrix(quant_type, m.rows, m.cols, offset, nbytes, 0)
        offset += -(-nbytes // ALIGN) * ALIGN
    vectors: dict[str, Array] = {}
    for name, vector in plan.vectors().items():
        if vector.value is None:
            values = checkpoint.tensors[name].array()
            if not np.isfinite(values).all():
                raise ModelFileError(f"{checkpoint.path.name}: {name} holds values that are not finite numbers")
            vectors[name] = np.ascontiguousarray(values, np.float32)
    notes = checkpoint.notes + describe_larger(checkpoint, matrices)
    card = replace(card_of(checkpoint), files=identity(files), notes=notes, kinds=kinds)

    def fill(write: Callable[[str, Array], None]) -> None:
        try:
            for i, (name, packed) in enumerate(pack_matrices(checkpoint.tensors, dict(matrices), threads)):
                matrices[name] = replace(matrices[name], crc=checksum(packed))
                write(name, packed)
                if progress:
                    progress("packing", i + 1, len(matrices))
        except ModelFileError as error:
            raise ModelFileError(f"{checkpoint.path.name}: {error}") from None
        if identity(files) != card.files:
            raise ModelFileError(f"{checkpoint.path.name} was changed while it was read; run it again")

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


def _write(
    path: Path,
    card: ModelCard,
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
            rest = bytearray(tokenizer_json.encode())
            header: dict[str, Any] = {
                "card": asdict(card),
                "matrices": {name: list(asdict(m).values()) for name, m in matrices.items()},
                "tokenizer": len(rest),
                "vectors": {},
            }
            for name, values in vectors.items():
                header["vectors"][name] = [len(rest), len(values)]
                rest += values.tobytes()
            at = len(rest)
            rest += json.dumps(header).encode()
            file.seek(tail)
            file.write(rest)
            whole = [tail, at, len(rest) - at, zlib.crc32(rest)]
            file.seek(0)
            file.write(MAGIC + b"".join(n.to_bytes(8, "little") for n in whole))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    pack = load(path)
    if pack is None:
        raise OSError(f"{path} could not be read back")
    return pack


def load_resident(
    pack: Pack, threads: int, meanwhile: Callable[[], Any], progress: Progress | None = None
) -> tuple[Pack, Any]:
    """The same pack in memory of its own, which the system backs with 2 MiB pages; and what `meanwhile` gives.

    Raises DamagedPack, having removed it, if it is not what was written.

    Reading 4 KiB pages of a mapped file costs a virtual machine a walk through two page tables each: decoding from the
    map reached 74 % of the speed. What the system keeps of the file besides gives way when memory is wanted.
    """
    path = pack.path
    if path is None:
        return pack, meanwhile()
    if not hasattr(os, "preadv"):
        return pack if not pack.find_damage() else discard(path), meanwhile()
    size = pack.data.nbytes
    memory = np.empty(size + PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE
    data = memory[start : start + size]
    # Few long reads: a system call runs beside a tokenizer's parser, which keeps Python's lock, and the code between
    # two calls does not.
    part = min(-(-size // threads), 4 * MAX_READ)
    begins = range(0, size, part)
    under_way, unwanted = threading.Barrier(min(threads, len(begins)) + 1), threading.Event()
    with path.open("rb", buffering=0) as file, ThreadPoolExecutor(threads) as pool:

        def fill(begin: int) -> None:
            view = data[begin : begin + part].data
            if begin // part < under_way.parties - 1:
                under_way.wait()
            done = 0
            while done < len(view) and not unwanted.is_set():
                count = os.preadv(file.fileno(), [view[done : done + MAX_READ]], PAGE + begin + done)
                if not count:
                    discard(path)
                done += count

        reads = [pool.submit(fill, begin) for begin in begins]
        under_way.wait()
        time.sleep(0.002)  # until they are inside their system calls
        try:
            result = meanwhile()
        except BaseException:
            unwanted.set()
            raise
        for i, read in enumerate(reads):
            read.result()
            if progress:
                progress(f"reading {pack.card.name}", i + 1, len(reads))
        own = replace(pack, data=data)
        if own.find_damage(pool):
            discard(path)
    return own, result


def load(path: Path) -> Pack | None:
    """Maps a pack; None where there is none. Raises DamagedPack, having removed it, if it is not what was written."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return None
        pack = _map(path)
        with contextlib.suppress(OSError):  # a cache that only may be read
            os.utime(path)  # least recently used packs go first
        return pack
    except OSError:
        return None
    except (ValueError, KeyError, TypeError):
        discard(path)


def _map(path: Path) -> Pack:
    """Raises ValueError, KeyError or TypeError where the file is not what was written."""
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        start = file.read(40)
        if start[:8] != MAGIC:
            raise ValueError("magic")
        tail, length, header_bytes, crc = (int.from_bytes(start[i : i + 8], "little") for i in range(8, 40, 8))
        if tail + length + header_bytes != len(mapping) or tail < PAGE:
            raise ValueError("length")
        file.seek(tail)
        rest = file.read()
    if zlib.crc32(rest) != crc:
        raise ValueError("checksum")
    header = json.loads(rest[length:])
    tokenizer = rest[: header["tokenizer"]].decode()
    vectors = {
        name: np.frombuffer(rest[at : at + 4 * count], np.float32) for name, (at, count) in header["vectors"].items()
    }
    matrices = {name: PackedMatrix(*values) for name, values in header["matrices"].items()}
    data = np.frombuffer(mapping, np.uint8, tail - PAGE, PAGE)
    return Pack(ModelCard(**header["card"]), tokenizer, matrices, vectors, data, path)


def discard(path: Path) -> NoReturn:
    """Removes a damaged pack. Raises DamagedPack."""
    with contextlib.suppress(OSError):  # a cache that only may be read
        path.unlink(missing_ok=True)
    raise DamagedPack(f"{path}: the packed model was damaged and has been removed; run it again")
