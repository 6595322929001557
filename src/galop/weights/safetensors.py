"""Safetensors directories as Hugging Face writes them: config.json, one file or shards, tokenizer.json.

A file is untrusted; the header rules are those of the reference implementation, plus no repeated keys.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import flat, given
from galop.tokenizers.stops import integers, stop_ids
from galop.tokenizers.tokenizer_json import checked, token_ids
from galop.weights.checkpoint import Checkpoint, File, StoredTensor, split_experts

MAX_HEADER = 32 << 20
MAX_TENSORS = 262_144
MAX_JSON = 64 << 20
MAX_VALUES = 4_000_000
MAX_DEPTH = 64
MAX_TEMPLATE = 1 << 20
MAX_SHARDS = 10_000
LONG_INTEGER = re.compile(rb"\d{19}")
HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
DTYPES = {"F32": 4, "F16": 2, "BF16": 2}


def read_file(path: Path) -> dict[str, StoredTensor]:
    """The tensors of one .safetensors file, by where they stand. Raises ModelFileError."""
    file = File(path)
    size = file.size
    if size < 8:
        raise ModelFileError(f"{path.name}: truncated, only {size} bytes; download it again")
    length = int.from_bytes(file.read(0, 8).tobytes(), "little")
    if length > MAX_HEADER or 8 + length > size:
        raise ModelFileError(f"{path.name}: a header of {length} bytes in a file of {size}: damaged or not safetensors")
    header = parse_json(file.read(8, length).tobytes(), path.name)
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
        if not all(type(n) is int and 0 <= n < 1 << 50 for n in whole) or len(shape) > 4:
            raise ModelFileError(f"{path.name}: the shape or offsets of {name} are not sensible numbers")
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ModelFileError(f"{path.name}: {name} is in {dtype!r}, which is not supported; take F32, F16 or BF16")
        if end - begin != int(np.prod([*shape, DTYPES[dtype]], dtype=object)):
            raise ModelFileError(f"{path.name}: {name} has {end - begin} bytes, its shape {shape} needs another number")
        spans.append((begin, end, name, dtype, shape))
    tensors: dict[str, StoredTensor] = {}
    at = 0
    for begin, end, name, dtype, shape in sorted(spans):
        if begin != at:
            raise ModelFileError(f"{path.name}: {name} begins at {begin} where {at} is due: a hole or an overlap")
        at = end
        if 8 + length + end > size:
            raise ModelFileError(f"{path.name}: {name} ends past the file: it is truncated; download it again")
        if 0 in shape:
            raise ModelFileError(f"{path.name}: {name} is empty")
        tensors[name] = StoredTensor(dtype, shape or (1,), file, 8 + length + begin, end - begin)
    if 8 + length + at != size:
        raise ModelFileError(f"{path.name}: {size - 8 - length - at} bytes follow the last tensor")
    return tensors


def parse_json(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object. Raises ModelFileError if it is none, repeats a key, or is nested too deeply."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise ModelFileError(f"{name}: a key appears twice")
        return result

    if len(data) > MAX_JSON or data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:
        raise ModelFileError(f"{name}: more than {MAX_JSON >> 20} MiB or {MAX_VALUES} values, which is no model's")
    try:
        # Integers beyond 64 bits, such as the 1e30 that stands for no limit, are read as the numbers they are near.
        parse_int = _integer if LONG_INTEGER.search(data) else None
        parsed = json.loads(data.decode(), object_pairs_hook=unique, parse_int=parse_int)
        if HALF_PAIR.search(data):
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name}: not valid JSON ({str(error)[:80]})") from None
    if not isinstance(parsed, dict):
        raise ModelFileError(f"{name}: not a JSON object")
    level: list[Any] = [parsed]
    for _ in range(MAX_DEPTH):
        level = [
            inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]  # fmt: skip
        if not level:
            return parsed
    raise ModelFileError(f"{name}: its values are nested more than {MAX_DEPTH} deep")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a model directory; empty where there is none."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return parse_json(file.read(MAX_JSON + 1), path.name)


def read_text(path: Path) -> str:
    """Raises ModelFileError if the file is not UTF-8 or too long for a template."""
    if path.stat().st_size > MAX_TEMPLATE:
        raise ModelFileError(f"{path.name}: a template of more than {MAX_TEMPLATE >> 20} MiB is not supported")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ModelFileError(f"{path}: not UTF-8") from None


def load(directory: Path) -> Checkpoint:
    """A model directory as a checkpoint. Raises ModelFileError."""
    config = flat(read_json(directory / "config.json"), "config.json")
    if not config:
        raise ModelFileError(
            f"{directory}: there is no config.json; give a GGUF file or a Hugging Face model directory"
        )
    index = read_json(directory / "model.safetensors.index.json").get("weight_map")
    if isinstance(index, dict):
        names = sorted({str(name) for name in index.values()})
    else:
        names = ["model.safetensors"]
        if not (directory / names[0]).is_file():
            pickles = [p.name for p in directory.iterdir() if p.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}]
            hint = f" ({pickles[0]} is a pickle, which may run code and is never opened)" if pickles else ""
            raise ModelFileError(f"{directory}: there is no model.safetensors{hint}")
    if len(names) > MAX_SHARDS:
        raise ModelFileError(f"model.safetensors.index.json: {len(names)} files are more than the {MAX_SHARDS} allowed")
    tensors: dict[str, StoredTensor] = {}
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelFileError(f"model.safetensors.index.json: {name!r} is not the name of a file beside it")
    for name in names:
        path = directory / name
        if not path.is_file():
            raise ModelFileError(f"{name}: this part of the model is missing; download it beside the others")
        for key, tensor in read_file(path).items():
            if key in tensors:
                raise ModelFileError(f"{name}: tensor {key} is in an earlier part too")
            tensors[key] = tensor
    if config.get("tie_word_embeddings"):
        tensors.pop("lm_head.weight", None)  # a redundant copy that some tied checkpoints carry
    elif "lm_head.weight" not in tensors:
        raise ModelFileError(f"{directory}: the tensor lm_head.weight is missing and the embeddings are not tied")

    if not (directory / "tokenizer.json").is_file():
        raise ModelFileError(f"{directory}: there is no tokenizer.json")
    embedding = tensors.get("model.embed_tokens.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise ModelFileError(f"{directory}: the tensor model.embed_tokens.weight is missing or no matrix")
    rows = embedding.shape[0]
    description = read_json(directory / "tokenizer.json")
    specials = read_json(directory / "special_tokens_map.json")
    settings = {**specials, **given(read_json(directory / "tokenizer_config.json"))}
    generation = read_json(directory / "generation_config.json")
    template_file = directory / "chat_template.jinja"
    template = read_text(template_file) if template_file.is_file() else settings.get("chat_template")
    if isinstance(template, list):  # several named templates
        named = {str(t.get("name")): t.get("template") for t in template if isinstance(t, dict)}
        template = named.get("default")
    if isinstance(template, str) and len(template) > MAX_TEMPLATE:
        raise ModelFileError(
            f"tokenizer_config.json: a template of more than {MAX_TEMPLATE >> 20} MiB is not supported"
        )
    bos, eos = _token(settings.get("bos_token")), _token(settings.get("eos_token"))
    said = [generation.get("eos_token_id"), config.get("eos_token_id")]
    nowhere = sorted({i for i in integers(said) if not 0 <= i < rows})
    notes = (
        [f"{directory.name}: eos_token_id {nowhere[0]} is none of its {rows} tokens and is ignored"] if nowhere else []
    )
    return Checkpoint(
        path=directory,
        config=config,
        tensors=split_experts(tensors),
        tokenizer_json=checked(description, rows),
        chat_template=template if isinstance(template, str) else None,
        bos_token=bos,
        eos_token=eos,
        add_bos=settings.get("add_bos_token", _adds(description, bos)) is True,
        stop_ids=stop_ids(said, eos, token_ids(description, eos), rows),
        notes=notes,
        generation=generation,
        name=directory.name,
    )


def _token(value: Any) -> str:
    """A special token as tokenizer_config.json writes it: a string, or an object with its content."""
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) else ""


def _adds(description: dict[str, Any], bos: str) -> bool:
    """Whether a tokenizer.json puts `bos` before every text: Llama 3 says so nowhere else."""
    return bool(bos) and json.dumps(bos) in json.dumps(description.get("post_processor"))
