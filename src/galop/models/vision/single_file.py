"""GGUF files that hold a tower beside the text, as Ollama's converter makes them: the tower's part under the names of
an mmproj file, so that one reader knows both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.weights.gguf import Header
from galop.weights.stored_tensor import StoredTensor, Tensors

Keys = dict[str, Any]
QWEN_NAMES = {
    "v.patch_embed.": "v.patch_embd.", "v.pos_embed.": "v.position_embd.", "v.merger.norm.": "v.post_ln.",
    "v.merger.linear_fc1.": "mm.0.", "v.merger.linear_fc2.": "mm.2.", ".mlp.linear_fc1.": ".ffn_up.",
    ".mlp.linear_fc2.": ".ffn_down.", ".norm1.": ".ln1.", ".norm2.": ".ln2.",
}  # fmt: skip
BLOCK_NAMES = {".attn_output.": ".attn_out.", ".attn_norm.": ".ln1.", ".ffn_norm.": ".ln2."}
FEED_FORWARD_NAMES = {".mlp.fc1.": ".ffn_up.", ".mlp.fc2.": ".ffn_down."}
LIMITED = ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_gate", "ffn_up", "ffn_down")  # in the order of their limits
LIMITS = ("input_min", "input_max", "output_min", "output_max")


def keep(tensors: Tensors, keys: Keys, header: Header, architecture: str) -> Tensors:
    """Tensors that are what an mmproj file has."""
    return tensors


def adapt_gemma3(tensors: Tensors, keys: Keys, header: Header, architecture: str) -> Tensors:
    """With patches along a side of a token, which follow from the number of tokens."""
    side = isqrt(header.get("gemma3.mm.tokens_per_image", int) or 256)
    image, patch = (header.get(f"gemma3.vision.{key}_size", int) for key in ("image", "patch"))
    if side and image and patch:
        keys["projector.scale_factor"] = image // patch // side
    return tensors


def adapt_gemma4(tensors: Tensors, keys: Keys, header: Header, architecture: str) -> Tensors:
    """With the limits of each matrix, which stand in one vector. Raises ModelFileError for one of another length."""
    limits = tensors.pop("v.clamp_data", None)
    if limits is None:
        return tensors
    blocks = header.get("gemma4.vision.block_count", int) or 0
    matrices = [f"v.blk.{i}.{name}" for i in range(blocks) for name in LIMITED] + ["mm.input_projection"]
    if limits.shape != (len(matrices) * len(LIMITS),):
        raise ModelFileError(f"{limits.name} has the shape {limits.shape}, not limits of {len(matrices)} matrices")
    names = [f"{matrix}.{limit}" for matrix in matrices for limit in LIMITS]
    return tensors | {name: limits.part(i, 1) for i, name in enumerate(names)}


def adapt_llama4(tensors: Tensors, keys: Keys, header: Header, architecture: str) -> Tensors:
    """With patches along a side of a token instead of their share."""
    ratio = header.get("llama4.vision.pixel_shuffle_ratio", float) or 0.5
    keys["projector.scale_factor"] = round(1 / min(max(ratio, 1e-3), 1.0))
    if (eps := header.get("llama4.vision.layer_norm_epsilon", float)) is not None:
        keys["attention.layer_norm_epsilon"] = eps
    return tensors


def adapt_mistral3(tensors: Tensors, keys: Keys, header: Header, architecture: str) -> Tensors:
    """With the pairs of a head's queries and keys as neighbours. Raises ModelFileError for rows that are not those of
    heads."""
    if merge := header.get("mistral3.spatial_merge_size", int):
        keys["spatial_merge_size"] = merge
    heads = header.get("mistral3.vision.attention.head_count", int) or 1
    turned = {}
    for name, tensor in tensors.items():
        if name.endswith((".attn_q.weight", ".attn_k.weight")):
            if tensor.shape[0] % (2 * heads):
                raise ModelFileError(f"{tensor.name} has {tensor.shape[0]} rows, not those of {heads} heads")
            order = np.arange(tensor.shape[0]).reshape(heads, 2, -1).swapaxes(1, 2).reshape(-1)
            turned[name] = tensor.reorder(order)
    return tensors | turned


def adapt_qwen(tensors: Tensors, keys: Keys, header: Header, architecture: str) -> Tensors:
    """With features of earlier blocks under the numbers of these, and the weights of a pair of frames whole. Raises
    ModelFileError for features of no block."""
    prefix, found = f"{architecture}.vision.", Tensors()
    blocks = header.get(f"{prefix}deepstack_visual_indexes", list) or []
    blocks = blocks if isinstance(blocks, list) else [blocks]
    keys["is_deepstack_layers"] = [i in blocks for i in range(header.get(f"{prefix}block_count", int) or 0)]
    for ours, theirs in (("min", "shortest"), ("max", "longest")):
        if pixels := header.get(f"{prefix}{theirs}_edge", int):
            keys[f"image_{ours}_pixels"] = pixels
    for name, tensor in tensors.items():
        if match := re.fullmatch(r"v\.deepstack(?:_merger)?\.(\d+)\.(?:linear_)?(.+)", name):
            if int(match[1]) >= len(blocks):
                raise ModelFileError(f"{tensor.name} is of a block that deepstack_visual_indexes does not name")
            name = f"v.deepstack.{blocks[int(match[1])]}.{match[2]}"
        found[name] = whole_frames(tensor) if name == "v.patch_embd.weight" else tensor
    if (up := found.get("v.blk.0.ffn_up.weight")) is not None:
        keys.setdefault("feed_forward_length", up.shape[0])
    keys.setdefault("attention.layer_norm_epsilon", 1e-6)
    return found


def whole_frames(weight: StoredTensor) -> StoredTensor:
    """[out, channels, 2, patch, patch] of a weight whose first two axes a file of four has as one."""
    shape = weight.shape
    if len(shape) == 4 and shape[1] == 2 and shape[0] % 3 == 0:
        return weight.reshape(shape[0] // 3, 3, *shape[1:])
    return weight


@dataclass(frozen=True)
class Embedded:
    """How the files of an architecture hold a tower: the projector of the same in an mmproj file, parts of its names
    there by those here, what else the architecture implies, and what is different in kind."""

    projector: str
    names: Mapping[str, str] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)
    adapt: Callable[[Tensors, Keys, Header, str], Tensors] = keep


QWEN = Embedded("qwen3vl_merger", QWEN_NAMES, adapt=adapt_qwen)
EMBEDDED = {
    "gemma3": Embedded(
        "gemma3",
        {
            "v.patch_embedding.": "v.patch_embd.", "v.position_embedding.": "v.position_embd.",
            "v.post_layernorm.": "v.post_ln.", ".layer_norm1.": ".ln1.", ".layer_norm2.": ".ln2.",
            "mm.mm_input_projection.": "mm.input_projection.", "mm.mm_soft_emb_norm.": "mm.soft_emb_norm.",
            **BLOCK_NAMES, **FEED_FORWARD_NAMES,
        },
        adapt=adapt_gemma3,
    ),
    "gemma4": Embedded("gemma4v", adapt=adapt_gemma4),
    "llama4": Embedded(
        "llama4",
        {
            "v.vision_adapter.mlp.fc1.": "mm.model.mlp.1.", "v.vision_adapter.mlp.fc2.": "mm.model.mlp.2.",
            "mm.linear_1.": "mm.model.fc.", "v.class_embedding": "v.class_embd", "v.layernorm_post.": "v.post_ln.",
            "v.layernorm_pre.": "v.pre_ln.", "v.patch_embedding.": "v.patch_embd.",
            "v.positional_embedding_vlm": "v.position_embd.weight", **BLOCK_NAMES, **FEED_FORWARD_NAMES,
        },
        adapt=adapt_llama4,
    ),
    "mistral3": Embedded(
        "pixtral",
        {
            "v.patch_conv.": "v.patch_embd.", "v.encoder_norm.": "v.pre_ln.", "mm.linear_1.": "mm.1.",
            "mm.linear_2.": "mm.2.", "mm.patch_merger.merging_layer.": "mm.patch_merger.", "mm.norm.": "mm.input_norm.",
            **BLOCK_NAMES,
        },
        {"clip.use_silu": True, "clip.vision.attention.layer_norm_epsilon": 1e-5},
        adapt_mistral3,
    ),
    **dict.fromkeys(("qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe"), QWEN),
}  # fmt: skip


def as_mmproj(header: Header) -> Header | None:
    """What an mmproj file of the same tower would say; None where the file has none. Raises ModelFileError for one that
    is not known, or does not fit what the file says of it."""
    architecture = str(header.metadata.get("general.architecture"))
    if not any(name.startswith("v.") for name in header.tensors):
        return None
    if (embedded := EMBEDDED.get(architecture)) is None:
        raise ModelFileError(f"{header.file}: the vision tower of {architecture[:60]} is not supported")
    tensors: Tensors = {}
    for name, tensor in header.tensors.items():
        if name.startswith(("v.", "mm.")):
            for theirs, ours in embedded.names.items():
                name = name.replace(theirs, ours)
            tensors[name] = tensor
    prefix = f"{architecture}.vision."
    keys = {key.removeprefix(prefix): value for key, value in header.metadata.items() if key.startswith(prefix)}
    tensors = embedded.adapt(tensors, keys, header, architecture)
    metadata = {**embedded.implied, **{f"clip.vision.{key}": value for key, value in keys.items()}}
    return Header(header.file, {**metadata, "clip.projector_type": embedded.projector}, tensors)
