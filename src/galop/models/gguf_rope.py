"""Rotary position embeddings in GGUF files: how metadata and tensors stretch them, and the order of their rows."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.weights.gguf import Header
from galop.weights.stored_tensor import StoredTensor, Tensors

# What llama.cpp's readers take of `rope.scaling.*`; `rope.scale_linear` is what the first files called the factor.
ROPE_SCALING = {
    "rope.scale_linear": "factor",
    "rope.scaling.factor": "factor",
    "rope.scaling.original_context_length": "original_max_position_embeddings",
    "rope.scaling.attn_factor": "attn_factor",
    "rope.scaling.yarn_attn_factor": "attn_factor",
    "rope.scaling.yarn_beta_fast": "beta_fast",
    "rope.scaling.yarn_beta_slow": "beta_slow",
}


def parse_rope_scaling(header: Header, architecture: str, others: Collection[str] = ()) -> dict[str, Any] | None:
    """`rope_scaling` as llama.cpp reads it: without a type, a factor is a linear one.

    `others` are keys that are read elsewhere. Raises ModelFileError.
    """
    found: dict[str, Any] = {}
    for suffix, key in ROPE_SCALING.items():
        if suffix not in others and (value := header.get(f"{architecture}.{suffix}", float)) is not None:
            found[key] = value
    kind = header.get(f"{architecture}.rope.scaling.type", str)
    for key, value in header.metadata.items():
        suffix = key.removeprefix(f"{architecture}.")
        known = suffix in ROPE_SCALING or suffix in others or suffix.endswith((".type", ".finetuned"))
        if known or not suffix.startswith("rope.scaling."):
            continue
        neutral = (
            (0, 1, -1) if suffix.endswith("ext_factor") and kind == "yarn" else (0, -1) if "ext_" in suffix else (0,)
        )
        if not isinstance(value, int | float) or value not in neutral:
            raise ModelFileError(
                f"{header.file}: {key} = {str(value)[:40]} is not understood and may change the arithmetic"
            )
    found["factor"] = found.get("factor") or 1.0  # 0 says the same
    if kind == "none":
        return None
    if kind in (None, "linear"):
        if found.get("attn_factor", 1) not in (0, 1):
            raise ModelFileError(
                f"{header.file}: {architecture}.rope.scaling.attn_factor is not supported without YaRN"
            )
        return None if found["factor"] == 1 else {"rope_type": "linear", "factor": found["factor"]}
    if kind != "yarn":
        raise ModelFileError(f"{header.file}: {architecture}.rope.scaling.type = {kind[:40]!r} is not supported")
    if found.get("attn_factor") == 0:
        del found["attn_factor"]
    return {"rope_type": kind, **found}


def restore_divisors(tensors: Tensors, config: dict[str, Any], file: str) -> Tensors:
    """`rope_freqs`, which is Llama 3's scaling, as `rope_scaling` of the config. Raises ModelFileError as
    `rope_divisors` does."""
    if divisors := tensors.pop("rope_freqs.weight", None):
        head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        config["rope_scaling"] = rope_divisors(divisors, config.get("rope_scaling"), int(head_dim), file)
    return tensors


def rope_divisors(tensor: StoredTensor, scaling: dict[str, Any] | None, head_dim: int, file: str) -> dict[str, Any]:
    """`rope_scaling` of a file with a tensor of divisors (rope_freqs), which come on top of a linear scaling.

    Raises ModelFileError if it is of another shape than [head_dim / 2], or on top of anything else.
    """
    scaling = scaling or {"rope_type": "linear", "factor": 1.0}
    if tensor.shape != (head_dim // 2,):
        raise ModelFileError(f"{file}: rope_freqs.weight has the shape {tensor.shape}, not ({head_dim // 2},)")
    if scaling["rope_type"] != "linear":
        raise ModelFileError(f"{file}: rope_freqs.weight with rope.scaling.type = yarn is not supported")
    return {"rope_type": "divisors", "divisors": (tensor.array() * scaling["factor"]).tolist()}


def unpermute_queries_and_keys(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """The rows of queries and keys in Hugging Face's order, pairs (i, i + half).

    For architectures that ggml rotates in pairs (2i, 2i + 1) the converter interleaves them; blocks lie within rows, so
    moving rows is exact. Raises ModelFileError where the rows are not those of the heads.
    """
    heads = config["num_attention_heads"]
    restored = dict(tensors)
    for name, tensor in tensors.items():
        match = re.fullmatch(r"model\.layers\.\d+\.self_attn\.([qk])_proj\.(?:weight|bias)", name)
        if not match:
            continue
        count = heads if match[1] == "q" else config.get("num_key_value_heads", heads)
        if tensor.shape[0] % (2 * count) or len(tensor.shape) > 2:
            raise ModelFileError(
                f"the weights do not fit the configuration: {name} has {tensor.shape[0]} rows for {count} heads"
            )
        order = np.arange(tensor.shape[0]).reshape(count, -1, 2).swapaxes(1, 2).reshape(-1)
        restored[name] = tensor.reorder(order)
    return restored
