"""Quantised weights as the programs that write checkpoints store them, packed a number at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from galop.weights.safetensors import parse_file
from galop.weights.stored_tensor import Tensors

DTYPES = {
    "f4": "F32", "f2": "F16", "i1": "I8", "u1": "U8", "i4": "I32", "u4": "U32", "i8": "I64", "i2": "I16"
}  # fmt: skip
Arrays = Mapping[str, np.ndarray | tuple[str, np.ndarray]]


def write_safetensors(path: Path, arrays: Arrays) -> Path:
    """Writes arrays under their own type, or as pairs of a type and their bytes, which the safetensors package lacks."""
    header: dict[str, Any] = {}
    data = bytearray()
    for name, value in arrays.items():
        dtype, array = value if isinstance(value, tuple) else (DTYPES[value.dtype.str[1:]], value)
        at = len(data)
        data += np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, len(data)]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def store(folder: Path, arrays: Arrays) -> Tensors:
    """The same, read."""
    return parse_file(write_safetensors(folder / "model.safetensors", arrays))


def to_words(codes: np.ndarray, bits: int) -> np.ndarray:
    """Rows of numbers as int32 words, the first in the lowest bits, numbers over the edges of words."""
    rows, count = codes.shape
    words = np.zeros((rows, -(-count * bits // 32)), object)
    for i in range(count):
        at, shift = divmod(i * bits, 32)
        words[:, at] |= codes[:, i].astype(object) << shift
        if shift + bits > 32:
            words[:, at + 1] |= codes[:, i].astype(object) >> (32 - shift)
    return (words & 0xFFFFFFFF).astype("u4").view("i4")


def pack_awq(codes: np.ndarray, zeros: np.ndarray, scales: np.ndarray) -> dict[str, np.ndarray]:
    """codes [out, in], zeros and scales [out, groups]: eight outputs a word, even ones below."""
    order = [0, 2, 4, 6, 1, 3, 5, 7]

    def words(columns: np.ndarray) -> np.ndarray:
        packed = np.zeros((len(columns), columns.shape[1] // 8), "u4")
        for j, column in enumerate(order):
            packed |= columns[:, column::8].astype("u4") << np.uint32(4 * j)
        return packed.view("i4")

    return {"qweight": words(codes.T), "qzeros": words(zeros.T), "scales": scales.T.astype("f2")}


def pack_gptq(
    codes: np.ndarray, zeros: np.ndarray, scales: np.ndarray, groups: np.ndarray, bits: int, less: int
) -> dict[str, np.ndarray]:
    """codes [out, in], zeros and scales [out, groups], the group of each input; zeros are stored `less` lower."""
    lower = (zeros.T.astype(np.int64) - less) % (1 << bits)
    return {
        "qweight": to_words(codes, bits).T.copy(), "qzeros": to_words(lower, bits), "scales": scales.T.astype("f2"),
        "g_idx": groups.astype("i4"),
    }  # fmt: skip


def e4m3(codes: np.ndarray) -> np.ndarray:
    """Values of E4M3 bytes: those of an fp16 with the same bits below its sign, times 2^8."""
    half = ((codes.astype("u2") & 0x80) << 8 | (codes.astype("u2") & 0x7F) << 7).view("f2").astype("f4")
    return np.where(codes & 0x7F == 0x7F, np.float32("nan"), half * 256)
