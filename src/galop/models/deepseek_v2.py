"""DeepSeek-V2 and V2-Lite: V3 with a softmax for its router (DeepSeek-AI, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.deepseek_v3 import DeepSeekV3, DeepSeekV3Config


@dataclass(frozen=True)
class DeepSeekV2Config(DeepSeekV3Config):
    """V3's, with other values where it says nothing of the router."""

    defaults: ClassVar = {"scoring_func": "softmax", "topk_method": "greedy", "norm_topk_prob": False}


class DeepSeekV2(DeepSeekV3):
    """V3's layers; its GGUF files are of V3's architecture."""

    model_type = "deepseek_v2"
    config_class = DeepSeekV2Config
