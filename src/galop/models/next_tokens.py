"""Layers that predict the token after the next one (multi-token prediction: Gloeckle et al., 2024), which some
checkpoints have behind the others. They change nothing of the next token: a family that has a `draft` drafts with them,
from the others they are left out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from galop.models.gguf_mapping import Key
from galop.ops.plan import Array
from galop.weights.stored_tensor import StoredTensor, Tensors

NEXT_TOKEN_KEYS = (Key("num_nextn_predict_layers", "nextn_predict_layers", int, least=0),)
NEXT_TOKEN_NAMES = {
    f"nextn.{part}": f"nextn.{part}"
    for part in ("eh_proj", "embed_tokens", "enorm", "hnorm", "shared_head_head", "shared_head_norm")
}
# What stands beside the layer, in GGUF files and in Qwen's checkpoints.
BESIDE = {
    "nextn.eh_proj": "fc", "nextn.enorm": "pre_fc_norm_embedding", "nextn.hnorm": "pre_fc_norm_hidden",
    "nextn.shared_head_norm": "norm",
}  # fmt: skip


def count_layers(config: dict[str, Any]) -> None:
    """Makes `num_hidden_layers`, which in a GGUF file counts these layers too, that of the others."""
    config["num_hidden_layers"] -= config.get("num_nextn_predict_layers", 0)


def drop_next_tokens(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """The tensors of the layers that `num_hidden_layers` counts, and of none behind them."""
    return {
        name: tensor
        for name, tensor in tensors.items()
        if _behind(name, config) is None and not name.startswith("mtp.")
    }


def take_next_tokens(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """With the one layer for the token after the next as `mtp`, and a matrix that makes of hidden states those of the
    token before; without it where it is not all there, or has embeddings or a head of its own."""
    found: Tensors = {}
    for name, tensor in tensors.items():
        if name.startswith("mtp."):
            found[name] = tensor
        elif (rest := _behind(name, config)) is not None:
            stem, _, ending = rest.rpartition(".")
            found[f"mtp.{BESIDE[stem]}.{ending}" if stem in BESIDE else f"mtp.layers.0.{rest}"] = tensor
    wanted = {f"mtp.{part}.weight" for part in BESIDE.values()} | {"mtp.layers.0.self_attn.q_proj.weight"}
    others = [name for name in found if name not in wanted and not name.startswith("mtp.layers.0.")]
    dedicated = any(".nextn." in name for name in found)
    kept = drop_next_tokens(tensors, config)
    if not wanted <= found.keys() or others or dedicated:
        return kept
    return kept | found | {"mtp.before.weight": _taps(found["mtp.norm.weight"].rows)}


def _behind(name: str, config: dict[str, Any]) -> str | None:
    """The rest of the name of a tensor behind the layers that count; None for another."""
    match, layers = re.fullmatch(r"model\.layers\.(\d{1,9})\.(.+)", name), config.get("num_hidden_layers")
    return match[2] if match and type(layers) is int and int(match[1]) >= layers else None


def _taps(width: int) -> StoredTensor:
    """A convolution [width, 2] that gives what the token before had."""
    taps = np.tile(np.array([1, 0], np.float32), (width, 1)).view(np.uint8)

    def read(first: int, count: int) -> Array:
        return taps[first : first + count]

    return StoredTensor("mtp.before", "F32", (width, 2), read, taps.nbytes, "F32")
