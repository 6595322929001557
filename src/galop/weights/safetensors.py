"""Safetensors files, one or sharded, as Hugging Face writes them.

A file is untrusted; the header rules are those of the reference implementation, plus no repeated keys.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from galop.errors import ModelFileError
from galop.weights.json_files import load_json, parse_json
from galop.weights.stored_tensor import RAW_TYPES, TensorFile, Tensors, block_bytes, stored_tensor

SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors$")
MAX_HEADER = 32 << 20
MAX_TENSORS = 262_144
MAX_AXES = 8  # five are those of a convolution over the frames, rows and columns of images
MAX_SHARDS = 10_000
DTYPES = {name: block_bytes(name)[1] for name in ("F32", "F16", "BF16", *RAW_TYPES)}


def parse_file(path: Path) -> Tensors:
    """The tensors of one .safetensors file, by where they stand. Raises ModelFileError."""
    file = TensorFile(path)
    size = file.size
    if size < 8:
        raise ModelFileError(f"{path.name}: truncated, only {size} bytes; download it again")
    length = int.from_bytes(file.pread(0, 8).tobytes(), "little")
    if length > MAX_HEADER or 8 + length > size:
        raise ModelFileError(f"{path.name}: a header of {length} bytes in a file of {size}: damaged or not safetensors")
    header = parse_json(file.pread(8, length).tobytes(), path.name)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ModelFileError(f"{path.name}: __metadata__ is not an object")
    if len(header) > MAX_TENSORS:
        raise ModelFileError(f"{path.name}: {len(header)} tensors are more than the {MAX_TENSORS} allowed")
    spans: list[tuple[int, int, str, str, tuple[int, ...]]] = []
    for name, entry in header.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        except (KeyError, TypeError, ValueError):
            raise ModelFileError(f"{path.name}: the header entry of {name} is malformed") from None
        whole = (begin, end, *shape)
        if not all(type(n) is int and 0 <= n < 1 << 50 for n in whole) or len(shape) > MAX_AXES:
            raise ModelFileError(f"{path.name}: the shape or offsets of {name} are not sensible numbers")
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ModelFileError(f"{path.name}: {name} is in {dtype!r}, which is not supported; take BF16, or GGUF")
        if end - begin != math.prod(shape) * DTYPES[dtype]:
            raise ModelFileError(f"{path.name}: {name} has {end - begin} bytes, its shape {shape} needs another number")
        spans.append((begin, end, name, dtype, shape))
    tensors: Tensors = {}
    at = 0
    for begin, end, name, dtype, shape in sorted(spans):
        if begin != at:
            raise ModelFileError(f"{path.name}: {name} begins at {begin} where {at} is due: a hole or an overlap")
        at = end
        if 8 + length + end > size:
            raise ModelFileError(f"{path.name}: {name} ends past the file: it is truncated; download it again")
        if 0 in shape:
            raise ModelFileError(f"{path.name}: {name} is empty")
        tensors[name] = stored_tensor(name, dtype, shape or (1,), file, 8 + length + begin)
    if 8 + length + at != size:
        raise ModelFileError(f"{path.name}: {size - 8 - length - at} bytes follow the last tensor")
    return tensors


def parse_directory(directory: Path) -> Tensors:
    """The tensors of a checkpoint's file or shards. Raises ModelFileError if one is missing or a tensor is in two."""
    index = load_json(directory / "model.safetensors.index.json").get("weight_map")
    if isinstance(index, dict):
        names = sorted({str(name) for name in index.values()})
    else:
        names = ["model.safetensors"]
        shards = sorted(p.name for p in directory.iterdir() if SHARD.match(p.name))
        if shards and not (directory / names[0]).exists():
            names = shards
            count = int(shards[0][-17:-12])
            if len(names) != count:
                raise ModelFileError(f"{directory}: {len(names)} of {count} parts are there, and no index of them")
        elif not (directory / names[0]).is_file():
            pickles = [p.name for p in directory.iterdir() if p.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}]
            hint = f" ({pickles[0]} is a pickle, which may run code and is never opened)" if pickles else ""
            raise ModelFileError(f"{directory}: there is no model.safetensors{hint}")
    if len(names) > MAX_SHARDS:
        raise ModelFileError(f"model.safetensors.index.json: {len(names)} files are more than the {MAX_SHARDS} allowed")
    tensors: Tensors = {}
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelFileError(f"model.safetensors.index.json: {name!r} is not the name of a file beside it")
    for name in names:
        path = directory / name
        if not path.is_file():
            raise ModelFileError(f"{name}: this part of the model is missing; download it beside the others")
        for key, tensor in parse_file(path).items():
            if key in tensors:
                raise ModelFileError(f"{name}: tensor {key} is in an earlier part too")
            tensors[key] = tensor
    return tensors
