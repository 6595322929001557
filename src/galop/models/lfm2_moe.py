"""LFM2-8B-A1B: LFM2 with DeepSeek's mixture of experts behind its first layers (Liquid AI, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.deepseek_mixture import MIXTURE_CHECKS, DeepSeekMixture, DeepSeekMixtureConfig
from galop.models.experts import EXPERT_KEYS, EXPERT_NAMES
from galop.models.gguf_mapping import GGUFMapping, Key
from galop.models.lfm2 import LFM2_KEYS, Lfm2, Lfm2Config


@dataclass(frozen=True)
class Lfm2MoeConfig(Lfm2Config, DeepSeekMixtureConfig):
    """LFM2's, its experts, and behind how many layers they begin."""

    num_experts: int = 32
    num_experts_per_tok: int = 4
    moe_intermediate_size: int = 1792

    spellings: ClassVar = {
        **DeepSeekMixtureConfig.spellings, **Lfm2Config.spellings, "num_dense_layers": "first_k_dense_replace",
    }  # fmt: skip
    supported_values: ClassVar = {**Lfm2Config.supported_values, "use_expert_bias": (True,)}


class Lfm2Moe(DeepSeekMixture, Lfm2):
    """LFM2 with mixtures of experts."""

    model_type = "lfm2_moe"
    config_class = Lfm2MoeConfig
    gguf = GGUFMapping(
        "lfm2moe",
        names={**Lfm2.gguf.names, **EXPERT_NAMES, "exp_probs_b.bias": "mlp.gate.e_score_correction_bias"},
        keys=(
            *LFM2_KEYS, *EXPERT_KEYS, Key("first_k_dense_replace", "leading_dense_block_count", int, least=0),
        ),
        checks=MIXTURE_CHECKS,
        restore=Lfm2.gguf.restore,
        pre_tokenizer="lfm2",
    )  # fmt: skip
    config: Lfm2MoeConfig
