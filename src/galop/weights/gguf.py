"""GGUF files, versions 2 and 3, single or split: their metadata and tensors, under the file's own names.

A file is untrusted: every count is bounded before it is used. Specification: ggml's docs/gguf.md.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.weights.quant_types import QUANT_TYPES
from galop.weights.stored_tensor import TensorFile, Tensors, stored_tensor, tensor_bytes

MAX_KEYS = 65_536
MAX_TENSORS = 262_144
MAX_STRING = 64 << 20
MAX_ARRAY = 1 << 24
MAX_STRINGS = 1 << 21
MAX_NAME = 256

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9
GGML_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    41: "Q1_0", 42: "Q2_0",
}  # fmt: skip


SHORT_ARRAY = 1024
BUFFER_BYTES = 1 << 20
# The arrays longer than SHORT_ARRAY that are read.
LONG_ARRAYS = frozenset(
    f"tokenizer.ggml.{key}" for key in ("tokens", "merges", "token_type", "scores", "precompiled_charsmap")
)


@dataclass(frozen=True)
class SkippedArray:
    """A long array that nothing here needs."""

    count: int


@dataclass
class Header:
    """What a file says before its weights, whose bytes are not read."""

    file: str
    metadata: dict[str, Any]
    tensors: Tensors

    def get(self, key: str, kind: type) -> Any:
        """The value of a metadata key, None where there is none; of a list with an entry for each layer, all the same,
        the entry, unless `kind` is list, which a number for all layers may stand for. Raises ModelFileError if it is of
        another type."""
        value = self.metadata.get(key)
        if isinstance(value, array) and len(value):
            if kind is list:
                return value.tolist()
            if all(entry == value[0] for entry in value):
                value = value[0]
        accepted = {float: (int, float), list: (list, int)}.get(kind, kind)
        if value is not None and (not isinstance(value, accepted) or (kind is int and isinstance(value, bool))):
            raise ModelFileError(f"{self.file}: {key} = {str(value)[:60]!r} should be of type {kind.__name__}")
        return value


class _Reader:
    """Reads forward through a file; every read is checked against its end."""

    def __init__(self, file: TensorFile) -> None:
        self.file = file
        self.size = file.size
        self.at = 0
        self.name = file.name
        self._begin, self._buffer = 0, b""  # bytes of the file and where they begin

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        if self.size - self.at < count:
            raise self.fail(f"truncated at byte {self.at}; download it again")
        if self.at < self._begin or self.at + count > self._begin + len(self._buffer):
            self._begin = self.at
            self._buffer = self.file.pread(self.at, min(max(count, BUFFER_BYTES), self.size - self.at)).tobytes()
        begin = self.at - self._begin
        self.at += count
        return memoryview(self._buffer)[begin : begin + count]

    def fail(self, reason: str) -> ModelFileError:
        return ModelFileError(f"{self.name}: {reason}")

    def scalar(self, form: str) -> Any:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value

    def string(self, limit: int = MAX_STRING) -> str:
        length = self.scalar("<Q")
        if length > limit:
            raise self.fail(f"a string of {length} bytes at byte {self.at} is longer than the {limit} allowed")
        text = bytes(self.take(length))
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise self.fail(f"a string at byte {self.at - length} is not UTF-8") from None

    def strings(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            found.append(self.string())
            buffer, at = self._buffer, self.at - self._begin
            while len(found) < count and at + 8 <= len(buffer):  # those in the buffer, without three calls each
                end = at + 8 + int.from_bytes(buffer[at : at + 8], "little")
                if end > len(buffer):
                    break
                try:
                    found.append(buffer[at + 8 : end].decode())
                except UnicodeDecodeError:
                    raise self.fail(f"a string at byte {self._begin + at + 8} is not UTF-8") from None
                at = end
            self.at = self._begin + at
        return found

    def skip(self, count: int) -> None:
        if self.size - self.at < count:
            raise self.fail(f"truncated at byte {self.at}; download it again")
        self.at += count

    def value(self, kind: int, key: str) -> Any:
        """Of a metadata key; of the long arrays only LONG_ARRAYS are read."""
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            if kind not in SCALARS:
                raise self.fail(f"metadata value type {kind} at byte {self.at} does not exist")
            return self.scalar(SCALARS[kind])
        element, count = self.scalar("<I"), self.scalar("<Q")
        if count > MAX_ARRAY:
            raise self.fail(f"an array of {count} elements at byte {self.at} is longer than the {MAX_ARRAY} allowed")
        wanted = key in LONG_ARRAYS or count <= SHORT_ARRAY
        if element == STRING:
            if count > MAX_STRINGS:
                raise self.fail(f"{count} strings at byte {self.at} are more than the {MAX_STRINGS} allowed")
            if wanted:
                return self.strings(count)
            for _ in range(count):
                self.skip(self.scalar("<Q"))
            return SkippedArray(count)
        if element not in SCALARS:
            raise self.fail(f"an array of type {element} at byte {self.at} is not supported")
        nbytes = count * struct.calcsize(SCALARS[element])
        if not wanted:
            self.skip(nbytes)
            return SkippedArray(count)
        numbers = array(SCALARS[element][1].replace("?", "B"), bytes(self.take(nbytes)))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers


def parse_header(path: Path) -> Header:
    """Metadata and tensors of one file, the tensors by where they stand. Raises ModelFileError."""
    file = TensorFile(path)
    if not (size := file.size):
        raise ModelFileError(f"{path.name}: the file is empty; download it again")
    reader = _Reader(file)
    if (magic := bytes(reader.take(min(4, size)))) != b"GGUF":
        raise reader.fail(f"not a GGUF file: it begins with {magic!r}")
    version = reader.scalar("<I")
    if version not in (2, 3):
        hint = " (a big-endian file)" if version in (0x02000000, 0x03000000) else ""
        raise reader.fail(f"GGUF version {version}{hint} is not supported, only 2 and 3")
    tensor_count, key_count = reader.scalar("<Q"), reader.scalar("<Q")
    if tensor_count > MAX_TENSORS:
        raise reader.fail(f"{tensor_count} tensors are more than the {MAX_TENSORS} allowed")
    if key_count > MAX_KEYS:
        raise reader.fail(f"{key_count} metadata keys are more than the {MAX_KEYS} allowed")

    metadata: dict[str, Any] = {}
    for _ in range(key_count):
        key = reader.string(limit=65_535)
        if not key or key in metadata:
            raise reader.fail(f"the metadata key {key!r} is {'repeated' if key else 'empty'}")
        metadata[key] = reader.value(reader.scalar("<I"), key)

    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        raise reader.fail(f"general.alignment = {alignment!r} is not a power of two from 8 to 2^20")

    described: list[tuple[str, str, tuple[int, ...], int]] = []
    names: set[str] = set()
    for _ in range(tensor_count):
        name = reader.string(limit=MAX_NAME)
        if not name or name in names:
            raise reader.fail(f"the tensor name {name!r} is {'repeated' if name else 'empty'}")
        names.add(name)
        dims = reader.scalar("<I")
        if not 1 <= dims <= 4:
            raise reader.fail(f"tensor {name} has {dims} dimensions, not 1 to 4")
        shape = tuple(reversed([reader.scalar("<Q") for _ in range(dims)]))
        if any(not 0 < n < 1 << 40 for n in shape) or int(np.prod(shape, dtype=object)) >= 1 << 50:
            raise reader.fail(f"tensor {name} has the impossible shape {shape}")
        kind, offset = reader.scalar("<I"), reader.scalar("<Q")
        if kind not in GGML_TYPES:
            raise reader.fail(f"tensor {name} has the unknown type {kind}")
        if GGML_TYPES[kind] not in QUANT_TYPES:
            raise reader.fail(
                f"tensor {name} is in {GGML_TYPES[kind]}, which is not supported; "
                "take a Q4_0, Q4_K_M, Q5_K_M, Q6_K, Q8_0, F16 or BF16 file of the same model"
            )
        described.append((name, GGML_TYPES[kind], shape, offset))

    start = -(-reader.at // alignment) * alignment
    tensors: Tensors = {}
    end = 0
    for name, kind_name, shape, offset in sorted(described, key=lambda d: d[3]):
        nbytes = tensor_bytes(kind_name, shape, f"{path.name}: tensor {name}")
        if offset % alignment:
            raise reader.fail(f"tensor {name} starts at the unaligned offset {offset}")
        if offset < end:
            raise reader.fail(f"tensor {name} overlaps the one before it")
        end = offset + nbytes
        if start + end > size:
            raise reader.fail(
                f"tensor {name} ends at byte {start + end} of a file of {size}: it is truncated; download it again"
            )
        tensors[name] = stored_tensor(name, kind_name, shape, file, start + offset)
    return Header(path.name, metadata, tensors)


SPLIT = re.compile(r"^(.*)-(\d{5})-of-(\d{5})\.gguf$")


def parse(path: Path) -> Header:
    """The header of a file, or of all parts of a split one. Raises ModelFileError."""
    header = parse_header(path)
    match = SPLIT.match(path.name)
    count = header.metadata.get("split.count", int(match[3]) if match else 1)
    if not isinstance(count, int) or not 1 <= count <= 10_000:
        raise ModelFileError(f"{path.name}: split.count = {count!r} is not a sensible number of parts")
    if count == 1:
        return header
    if not match or int(match[3]) != count:
        raise ModelFileError(
            f"{path.name}: one of {count} parts, but its name does not end in -00001-of-{count:05}.gguf"
        )
    parts = [path.with_name(f"{match[1]}-{i:05}-of-{count:05}.gguf") for i in range(1, count + 1)]
    whole = Header(path.name, {}, {})
    for i, part in enumerate(parts):
        if not part.exists():
            raise ModelFileError(f"{part.name}: this part of the model is missing; download it beside the others")
        one = header if part == path else parse_header(part)
        if one.metadata.get("split.count") != count or one.metadata.get("split.no") != i:
            raise ModelFileError(f"{part.name}: its split.no and split.count do not say part {i + 1} of {count}")
        if twice := whole.tensors.keys() & one.tensors.keys():
            raise ModelFileError(f"{part.name}: tensor {min(twice)} is in an earlier part too")
        whole.metadata = whole.metadata or one.metadata
        whole.tensors.update(one.tensors)
    expected = whole.metadata.get("split.tensors.count", len(whole.tensors))
    if expected != len(whole.tensors):
        raise ModelFileError(
            f"{path.name}: {len(whole.tensors)} tensors in all parts, split.tensors.count says {expected}"
        )
    return whole
