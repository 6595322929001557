"""Phi-3, Phi-3.5, Phi-4 and Phi-4-mini: Llama with fused projections and LongRoPE (Microsoft, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.checkpoint_forms import split_fused
from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.gguf_mapping import KEYS, NAMES, PARTIAL_KEYS, WINDOW_KEYS, ConfigDict, GGUFMapping, Key
from galop.models.llama import Llama
from galop.weights.stored_tensor import Tensors


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """LongRoPE's divisors are tensors, and ffn_up holds gate and up."""
    original, factor = (config.pop(key, None) for key in ("original_max_position_embeddings", "attention_factor"))
    long, short = (tensors.pop(f"rope_factors_{kind}.weight", None) for kind in ("long", "short"))
    if long and short:
        config["rope_scaling"] = {
            "rope_type": "longrope", "long_factor": long.array().tolist(), "short_factor": short.array().tolist(),
            "original_max_position_embeddings": original, "attention_factor": factor,
        }  # fmt: skip
    return split_fused(tensors, config)


@dataclass(frozen=True)
class Phi3Config(Config):
    """Llama's, a window, and how much of a head is rotated."""

    supported_layers: ClassVar = (FULL, SLIDING)
    rope_keys: ClassVar = ("partial_rotary_factor",)
    supported_values: ClassVar = {"full_attn_mod": (1,), "interpolate_factor": (1,)}
    defaults: ClassVar = {"sliding_window_pattern": "L"}


class Phi3(Llama):
    """Llama with another rotation."""

    model_type = "phi3"
    config_class = Phi3Config
    gguf = GGUFMapping(
        "phi3",
        names={
            **NAMES, "ffn_up": "mlp.gate_up_proj", "rope_factors_long": "rope_factors_long",
            "rope_factors_short": "rope_factors_short",
        },
        keys=(
            *KEYS, *PARTIAL_KEYS, *WINDOW_KEYS,
            Key("original_max_position_embeddings", "rope.scaling.original_context_length", int),
            Key("attention_factor", "rope.scaling.attn_factor", float),
        ),
        restore=restore,
    )  # fmt: skip
