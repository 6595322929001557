"""Layers that predict tokens after the next one (multi-token prediction), which some checkpoints have behind the
others: left out, since they change nothing of the next token."""

from __future__ import annotations

import re
from typing import Any

from galop.models.gguf_mapping import Key
from galop.weights.stored_tensor import Tensors

NEXT_TOKEN_KEYS = (Key("num_nextn_predict_layers", "nextn_predict_layers", int, least=0),)
NEXT_TOKEN_NAMES = {
    f"nextn.{part}": f"nextn.{part}"
    for part in ("eh_proj", "embed_tokens", "enorm", "hnorm", "shared_head_head", "shared_head_norm")
}


def count_layers(config: dict[str, Any]) -> None:
    """Makes `num_hidden_layers`, which in a GGUF file counts these layers too, that of the others."""
    config["num_hidden_layers"] -= config.get("num_nextn_predict_layers", 0)


def drop_next_tokens(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """The tensors of the layers that `num_hidden_layers` counts, and of none behind them."""
    layers = config.get("num_hidden_layers")

    def is_behind(name: str) -> bool:
        match = re.match(r"model\.layers\.(\d{1,9})\.", name)
        return match is not None and type(layers) is int and int(match[1]) >= layers

    return {name: tensor for name, tensor in tensors.items() if not is_behind(name) and not name.startswith("mtp.")}
