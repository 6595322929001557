"""Qwen3.5 and Qwen3.6 with mixtures of experts, beside one for all tokens (Qwen team, 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.experts import EXPERT_KEYS, EXPERT_NAMES, MixtureConfig, name_shared_expert
from galop.models.gguf_mapping import GGUFMapping, Key
from galop.models.qwen3_5 import Qwen3_5, Qwen3_5Config
from galop.models.qwen3_moe import QwenMixture, QwenMixtureConfig

MIXTURE_NAMES = {
    **EXPERT_NAMES, **name_shared_expert("mlp.shared_expert"), "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
}  # fmt: skip


@dataclass(frozen=True)
class Qwen3_5MoeConfig(Qwen3_5Config, QwenMixtureConfig):
    """Qwen3.5's with those of a mixture."""

    num_experts: int = 256
    moe_intermediate_size: int = 512
    shared_expert_intermediate_size: int = 512
    norm_topk_prob: bool = True

    spellings: ClassVar = {**MixtureConfig.spellings, **Qwen3_5Config.spellings}
    # No layer has a feed-forward part of this width.
    defaults: ClassVar = {**Qwen3_5Config.defaults, "intermediate_size": 1}


class Qwen3_5Moe(QwenMixture, Qwen3_5):
    """Qwen3.5 with mixtures of experts."""

    model_type = "qwen3_5_moe_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("qwen3_5_moe",)
    config_class = Qwen3_5MoeConfig
    gguf = GGUFMapping(
        "qwen35moe",
        names={**Qwen3_5.gguf.names, **MIXTURE_NAMES},
        keys=(
            *(key for key in Qwen3_5.gguf.keys if key.config != "intermediate_size"), *EXPERT_KEYS,
            Key("shared_expert_intermediate_size", "expert_shared_feed_forward_length", int),
        ),
        checks=Qwen3_5.gguf.checks,
        implied=Qwen3_5.gguf.implied,
        restore=Qwen3_5.gguf.restore,
        pre_tokenizer="qwen35",
    )  # fmt: skip
    config: Qwen3_5MoeConfig
