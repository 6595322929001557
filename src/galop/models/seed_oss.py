"""Seed-OSS: Llama with biases on queries, keys and values (ByteDance, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import NAMES, GGUFMapping
from galop.models.llama import Llama


@dataclass(frozen=True)
class SeedOssConfig(Config):
    """Llama's, with biases where nothing is said."""

    supported_values: ClassVar = {"attention_out_bias": (False,)}
    defaults: ClassVar = {"attention_bias": True, "head_dim": 128}


class SeedOss(Llama):
    """Llama with biases, and another name in GGUF files for its second norm."""

    model_type = "seed_oss"
    config_class = SeedOssConfig
    gguf = GGUFMapping(
        "seed_oss",
        names={**NAMES, "post_attention_norm": "post_attention_layernorm"},
    )
    output_bias = False
