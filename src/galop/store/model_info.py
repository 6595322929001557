"""What a model says of itself, read from the headers of its files alone: nothing is loaded, no weight is looked at."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from galop.errors import ModelFileError
from galop.models import ALL, ENCODERS, other_model_types
from galop.models.config import flatten
from galop.models.experts import EXPERT_KEYS
from galop.models.gguf_mapping import KEYS
from galop.models.vision import find_tower
from galop.models.vision.from_file import find_mmproj, holds_tower, knows_mmproj
from galop.store.source import Source
from galop.tokenizers import fim
from galop.weights import gguf, safetensors
from galop.weights.files import may_see, source_files, weight_bytes
from galop.weights.json_files import load_bytes, load_json, load_text
from galop.weights.pack import identity
from galop.weights.quantized.decode import count_values, name_quantisation, take_quantization
from galop.weights.stored_tensor import StoredTensor

# llama.cpp's llama_ftype, as `general.file_type` holds it.
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4", 39: "NVFP4", 40: "Q1_0",
}  # fmt: skip


@dataclass(frozen=True)
class ModelInfo:
    """A model's own account of itself; what a file does not say, or hides, is empty or 0.

    `metadata` has GGUF's keys, whatever the format.
    """

    format: Literal["gguf", "safetensors"]
    bytes: int
    digest: str  # 64 hex digits: of the weights where that is known, else of what tells these files from others
    modified: float  # seconds since 1970
    metadata: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    template: str = ""
    parameters: int = 0
    quantisation: str = ""
    infills: bool = False  # what belongs between two texts
    sees: bool = False  # pictures
    generation: dict[str, Any] = field(default_factory=dict)

    @property
    def architecture(self) -> str:
        """By GGUF's name; empty if it is not known."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def only_embeds(self) -> bool:
        """Whether it was made for vectors of texts and nothing else, as encoders are and decoders that pool."""
        encoders = {family.gguf.architecture for family in ENCODERS.values()}
        return self.architecture in encoders or f"{self.architecture}.pooling_type" in self.metadata

    def number(self, name: str) -> int:
        """Of the architecture, such as context_length; 0 if it is not given."""
        value = self.metadata.get(f"{self.architecture}.{name}")
        return value if isinstance(value, int) else 0


def get_info(source: Source) -> ModelInfo:
    """Without arrays and tensors. Cached for as long as the files are the same. Raises ModelFileError."""
    assert source.path
    entry = source.entry
    sha256 = entry.packages.sha256 if source.from_packages and entry and entry.packages else ""
    try:
        info = _get_cached(source.path, json.dumps(identity(source_files(source.path))), sha256)
        return replace(info, sees=True) if source.mmproj else info
    except OSError as error:
        raise ModelFileError(f"{source.name}: {error.strerror}") from None


def find_info(source: Source) -> ModelInfo:
    """For a list: empty for a file that is gone, such as one of a model that is in memory."""
    try:
        return get_info(source)
    except ModelFileError:
        return ModelInfo("gguf", 0, hashlib.sha256(source.name.encode()).hexdigest(), 0.0)


@lru_cache(maxsize=256)
def _get_cached(path: Path, files: str, sha256: str) -> ModelInfo:
    whole = parse_info(path, files, sha256)
    scalars = {key: value for key, value in whole.metadata.items() if isinstance(value, (str, int, float))}
    return ModelInfo(**{**vars(whole), "metadata": scalars, "tensors": {}})


def parse_info(path: Path, files: str = "", sha256: str = "") -> ModelInfo:
    """All of it; of a file that cannot be understood, what any file has.

    Raises OSError or ModelFileError if it is gone.
    """
    named = re.fullmatch(r"(?:sha256-)?([0-9a-f]{64})", path.resolve().name)  # blobs of Ollama and of the hub's cache
    digest = sha256 or (named[1] if named else hashlib.sha256(files.encode()).hexdigest())
    directory = path if path.is_dir() else path.parent if path.suffix == ".safetensors" else None
    common: dict[str, Any] = {
        "format": "safetensors" if directory else "gguf", "bytes": weight_bytes(path), "digest": digest,
        "modified": path.stat().st_mtime, "sees": may_see(path) and _knows_tower(path),
    }  # fmt: skip
    try:
        return ModelInfo(**common | (_parse_directory(directory) if directory else _parse_gguf(path)))
    except ModelFileError:
        return ModelInfo(**common)


def _knows_tower(path: Path) -> bool:
    """Whether the vision tower in or beside a model's files is one that runs here."""
    try:
        if path.is_dir() or path.suffix == ".safetensors":
            raw = load_json((path if path.is_dir() else path.parent) / "config.json")
            vision = raw.get("vision_config")
            kinds = [str(vision.get("model_type")) if isinstance(vision, dict) else "", str(raw.get("model_type"))]
            return any(find_tower(kind) for kind in kinds)
        mmproj = find_mmproj(path)
        return mmproj is not None and knows_mmproj(mmproj)
    except (ModelFileError, OSError):
        return False


def _parse_gguf(path: Path) -> dict[str, Any]:
    header = gguf.parse(path)
    kind = header.metadata.get("general.file_type")
    listed = header.metadata.get("tokenizer.ggml.tokens")
    tokens = set(listed) if isinstance(listed, list) else set()
    return {
        "metadata": header.metadata,
        "tensors": header.tensors,
        "template": str(header.metadata.get("tokenizer.chat_template", "")),
        "parameters": _count_parameters(header.tensors),
        "quantisation": FILE_TYPES.get(kind, "") if isinstance(kind, int) else _main_quant_type(header.tensors),
        "infills": "tokenizer.ggml.fim_mid_token_id" in header.metadata
        or any(tokens.issuperset(n) for n in fim.FIM_TOKENS),
        **({"sees": True} if holds_tower(header) else {}),
    }


def _parse_directory(directory: Path) -> dict[str, Any]:
    raw = load_json(directory / "config.json")
    quantization = take_quantization(raw, directory)
    config = flatten(raw, "config.json")
    model_type = str(config.get("model_type", ""))
    family = ALL.get(model_type) or other_model_types().get(model_type)
    architecture = family.gguf.architecture if family else model_type
    metadata: dict[str, Any] = {"general.architecture": architecture}
    for key in family.gguf.keys if family else KEYS + EXPERT_KEYS:
        if isinstance(value := config.get(key.config), key.kind):
            metadata[f"{architecture}.{key.gguf}"] = value
    tensors: dict[str, StoredTensor] = {}
    for file in sorted(directory.glob("*.safetensors")):
        tensors |= safetensors.parse_file(file)
    settings = load_json(directory / "tokenizer_config.json")
    template: Any = settings.get("chat_template")
    if (own := directory / "chat_template.jinja").is_file():
        template = load_text(own)
    tokenizer = load_bytes(file).decode(errors="replace") if (file := directory / "tokenizer.json").is_file() else ""
    return {
        "metadata": metadata,
        "tensors": tensors,
        "template": template if isinstance(template, str) else "",
        "parameters": count_values(tensors, quantization) if quantization else _count_parameters(tensors),
        "quantisation": name_quantisation(quantization) if quantization else _main_quant_type(tensors),
        "infills": any(all(json.dumps(n, ensure_ascii=False) in tokenizer for n in names) for names in fim.FIM_TOKENS),
        "generation": load_json(directory / "generation_config.json"),
    }


def _count_parameters(tensors: dict[str, StoredTensor]) -> int:
    return sum(math.prod(tensor.shape) for tensor in tensors.values())


def _main_quant_type(tensors: dict[str, StoredTensor]) -> str:
    """The type of most of the weights."""
    counted: Counter[str] = Counter()
    for tensor in tensors.values():
        counted[tensor.quant_type] += math.prod(tensor.shape)
    return counted.most_common(1)[0][0] if counted else ""
