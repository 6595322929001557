"""GLM-4.7-Flash: DeepSeek-V3's architecture in another size (Z.ai, 2026)."""

from __future__ import annotations

from galop.models.deepseek_v3 import DeepSeekV3


class Glm4MoeLite(DeepSeekV3):
    """DeepSeek-V3's layers; its GGUF files are of that architecture."""

    model_type = "glm4_moe_lite"
