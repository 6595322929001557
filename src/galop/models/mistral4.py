"""Mistral 4: DeepSeek-V3's layers with a softmax for its router, and queries that grow with the context (Mistral AI,
2026)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from galop.models.config_layers import FULL
from galop.models.deepseek_v3 import DeepSeekV3, DeepSeekV3Config
from galop.models.gguf_mapping import Key
from galop.ops import Tensor, Vector, position_scale


@dataclass(frozen=True)
class Mistral4Config(DeepSeekV3Config):
    """DeepSeek-V3's, with a scale of queries among the keys of its rotation."""

    rope_keys: ClassVar = ("llama_4_scaling_beta",)
    defaults: ClassVar = {"scoring_func": "softmax"}
    multimodal: ClassVar = True

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """Without what the rotation says twice. Raises ModelFileError as that of Config."""
        raw = super().respell(raw, file)
        rotation = raw.get("rope_parameters")
        if isinstance(rotation, dict):
            twice = ("partial_rotary_factor", "max_position_embeddings")
            raw["rope_parameters"] = {key: value for key, value in rotation.items() if key not in twice}
        return raw


class Mistral4(DeepSeekV3):
    """DeepSeek-V3's layers with queries scaled by position."""

    model_type = "mistral4"
    config_class = Mistral4Config
    gguf = replace(
        DeepSeekV3.gguf,
        architecture="mistral4",
        keys=(*DeepSeekV3.gguf.keys, Key("llama_4_scaling_beta", "attention.temperature_scale", float)),
        implied={"topk_method": "noaux_tc"},
        pre_tokenizer="tekken",
    )

    def scale_queries(self, q: Tensor) -> Tensor:
        """Queries times 1 + beta ln(1 + n), where n is how often the original context lies before them."""
        rotation = self.config.rope_parameters[FULL]
        beta, every = rotation.get("llama_4_scaling_beta"), int(rotation["original_max_position_embeddings"])
        if not beta:
            return q
        steps = np.arange(math.ceil(self.config.max_position_embeddings / every))
        factors = (1 + beta * np.log1p(steps)).astype(np.float32)
        scaled: Tensor = position_scale(q, self.inputs.positions, Vector("query factors", len(factors), factors), every)
        return scaled
