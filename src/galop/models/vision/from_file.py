"""From a model's files to its tower: the tensors for images of a checkpoint, of an mmproj file beside a GGUF file, or
of a GGUF file that holds both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from galop.errors import ModelFileError
from galop.models.vision import find_tower, trace_tower
from galop.models.vision.family import VisionFamily
from galop.models.vision.single_file import as_mmproj
from galop.ops.plan import Plan
from galop.weights import gguf, safetensors
from galop.weights.checkpoint import Checkpoint
from galop.weights.gguf import Header
from galop.weights.json_files import load_json
from galop.weights.quantized.decode import decode, take_quantization
from galop.weights.stored_tensor import Tensors

PREFIX = re.compile(
    r"(?:model\.)?(?:(?:visual|vision_tower(?:\.vision_model)?|vision_model|vision_encoder)\."
    r"|(?=(?:multi_modal_projector|connector|embed_vision|patch_merger|vision_language_adapter)\.))"
)
CLIP_KEYS = {
    "embedding_length": "hidden_size", "feed_forward_length": "intermediate_size", "block_count": "num_hidden_layers",
    "attention.head_count": "num_attention_heads", "attention.layer_norm_epsilon": "layer_norm_eps",
    "patch_size": "patch_size", "image_mean": "image_mean", "image_std": "image_std",
}  # fmt: skip


def is_mmproj(header: Header) -> bool:
    """Whether a GGUF file holds the part of a model that sees or hears."""
    return header.metadata.get("general.architecture") in ("clip", "mmproj")


def knows_mmproj(path: Path) -> bool:
    """Whether a GGUF file holds a tower that runs here. Raises ModelFileError, OSError."""
    header = gguf.parse(path)
    keys = ("clip.projector_type", "clip.vision.projector_type")
    return is_mmproj(header) and any(find_tower(projector=str(header.metadata.get(key))) for key in keys)


def holds_tower(header: Header) -> bool:
    """Whether a GGUF file holds a tower that runs here beside its text."""
    try:
        return as_mmproj(header) is not None
    except ModelFileError:
        return False


def find_mmproj(path: Path) -> Path | None:
    """The mmproj file in the folder of a GGUF file, of several the one with the finest weights; None where there is
    none."""
    if path.suffix != ".gguf":
        return None
    beside = [p for p in sorted(path.parent.glob("*.gguf")) if "mmproj" in p.name.lower() and p != path]
    order = ("f32", "f16", "bf16", "q8_0")
    return min(
        beside,
        key=lambda p: next((i for i, kind in enumerate(order) if kind in p.name.lower()), len(order)),
        default=None,
    )


def open_tower(path: Path, text: dict[str, Any], mmproj: Path | None = None) -> Checkpoint | None:
    """The tower of the model whose file or directory is `path` and whose text has the config `text`, from `mmproj`
    where one is given; None where there is none, or none that is known.

    The config says as "family" which it is. Raises ModelFileError, also for one that is not this model's, and OSError.
    """
    if mmproj is None and not path.is_dir() and path.suffix != ".safetensors":
        mmproj = find_mmproj(path)
    if mmproj is not None:
        family, config, tensors = _read_mmproj(_parse_mmproj(mmproj))
        where = mmproj
    elif path.is_dir() or path.suffix == ".safetensors":
        where = path if path.is_dir() else path.parent
        found = _open_directory(where)
        if found is None:
            return None
        family, config, tensors = found
    elif header := as_mmproj(gguf.parse(path)):
        family, config, tensors = _read_mmproj(header)
        where = path
    else:
        return None
    config = family.adapt_text(config, text)
    tensors = family.sanitize(tensors, config)
    tower = family(family.config_class.parse(config, where.name))
    plan = trace_tower(tower, {name: tensor.shape for name, tensor in tensors.items()})
    require_fit(tower, plan, where.name, text, path.name)
    return Checkpoint(
        path=where, config={**config, "family": family.__name__}, tensors=tensors, tokenizer_json="", name=where.stem
    )


def require_fit(tower: VisionFamily, plan: Plan, file: str, text: dict[str, Any], name: str) -> None:
    """Raises ModelFileError where the tower in `file`, whose forward pass is `plan`, is not that of the text of the
    model `name`, which has the config `text`."""
    width = plan.widths[plan.steps[-1].outputs[-1]] // tower.parts
    kind = text.get("model_type")
    vision = text.get("vision_config")
    blocks = vision.get("deepstack_visual_indexes") if isinstance(vision, dict) else None
    known = text.get("deepstack_layers", len(blocks) if isinstance(blocks, list) else tower.parts - 1)
    deep = known if kind in tower.deep_text_types else 0
    if kind not in tower.text_types or (width, tower.parts) != (text["hidden_size"], 1 + deep):
        raise ModelFileError(
            f"{file} is the vision tower of another model: it makes {width} values a token for "
            f"{' or '.join(tower.text_types)}; {name} is {text.get('model_type')} and reads {text['hidden_size']}"
        )


def _open_directory(directory: Path) -> tuple[type[VisionFamily], dict[str, Any], Tensors] | None:
    raw = load_json(directory / "config.json")
    vision = raw.get("vision_config")
    if not isinstance(vision, dict):
        return None
    family = find_tower(str(vision.get("model_type"))) or find_tower(str(raw.get("model_type")))
    if family is None:
        return None
    quantization = take_quantization(raw, directory)
    stored = safetensors.parse_directory(directory)
    stored = decode(stored, quantization, "config.json") if quantization else stored
    tensors = {name[match.end() :]: t for name, t in stored.items() if (match := PREFIX.match(name))}
    if not tensors:
        return None
    processor = load_json(directory / "processor_config.json").get("image_processor") or {}
    processor = {**processor, **load_json(directory / "preprocessor_config.json")}
    return family, family.read_config(raw, vision, processor), tensors


def _parse_mmproj(path: Path) -> Header:
    """The header of an mmproj file, or of a single file as one. Raises ModelFileError."""
    header = gguf.parse(path)
    if is_mmproj(header):
        return header
    if single := as_mmproj(header):
        return single
    raise ModelFileError(f"{path.name} holds no vision tower (mmproj): it is a model of texts")


def _read_mmproj(header: Header) -> tuple[type[VisionFamily], dict[str, Any], Tensors]:
    projector = header.get("clip.projector_type", str) or header.get("clip.vision.projector_type", str)
    family = find_tower(projector=str(projector))
    if family is None:
        raise ModelFileError(f"{header.file}: the vision tower {str(projector)[:60]!r} is not supported")
    config: dict[str, Any] = {}
    for key, name in {**CLIP_KEYS, **family.mmproj.keys}.items():
        if (value := header.metadata.get(f"clip.vision.{key}")) is not None:
            config[name] = list(value) if hasattr(value, "tolist") else value
    tensors: Tensors = {}
    for name, tensor in header.tensors.items():
        if name.startswith(("v.", "mm.")) and not name.startswith("mm.a."):
            if (new := _checkpoint_name(name, family)) is None:
                raise ModelFileError(f"{header.file}: the tensor {name} is not part of the vision tower {projector}")
            tensors[new] = tensor
    config = family.adapt_mmproj(config, header)
    return family, config, family.restore(tensors, config)


def _checkpoint_name(name: str, family: type[VisionFamily]) -> str | None:
    """`v.blk.3.ln1.weight` -> `blocks.3.norm1.weight`; None for a name that is not known."""
    number = re.search(r"\.(\d+)\.", name)
    general = re.sub(r"\.\d+\.", ".*.", name, count=1)
    for candidate, index in ((name, ""), (general, number[1] if number else "")):
        stem, _, ending = candidate.rpartition(".")
        if candidate in family.mmproj.names:
            return family.mmproj.names[candidate].replace("*", index)
        if stem in family.mmproj.names and ending in family.mmproj.endings:
            return f"{family.mmproj.names[stem]}.{ending}".replace("*", index)
    return None
