"""The config.json of the catalogue's models, by their names there: as published, or a published one with other sizes.

Shapes that no config.json at hand says are from their families' source, other programs' tables of shapes, or the heads
of GGUF files; a total of parameters that fits the model's name, and its card's where that is known, holds them.
"""

from __future__ import annotations

import copy
from typing import Any

from published import CONFIGS
from published_recurrent import delta_layers


def change(published: str, **settings: Any) -> dict[str, Any]:
    """A published config whose language model has these settings instead."""
    config = copy.deepcopy(CONFIGS[published])
    config.get("text_config", config).update(settings)
    if "tie_word_embeddings" in settings and "tie_word_embeddings" in config:
        config["tie_word_embeddings"] = settings["tie_word_embeddings"]
    return config


def _qwen3_5(hidden: int, inner: int, layers: int, heads: int, kv: int, values: int, tie: bool) -> dict[str, Any]:
    return change(
        "Qwen3.5-0.8B", hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=kv, linear_num_value_heads=values,
        layer_types=delta_layers(layers), tie_word_embeddings=tie)  # fmt: skip


def _lfm2(hidden: int, inner: int, heads: int, layers: int = 16, **settings: Any) -> dict[str, Any]:
    return change(
        "LFM2-1.2B", hidden_size=hidden, intermediate_size=inner, block_ff_dim=inner, block_dim=hidden, conv_dim=hidden,
        conv_dim_out=hidden, num_attention_heads=heads, num_heads=heads, num_hidden_layers=layers, **settings)  # fmt: skip


def _granite(hidden: int, layers: int, attends: tuple[int, ...], heads: int, kv: int, mamba: int, **more: Any) -> Any:
    kinds = ["attention" if i in attends else "mamba" for i in range(layers)]
    return change(
        "granite-4.0-h-tiny", hidden_size=hidden, num_hidden_layers=layers, layer_types=kinds,
        num_attention_heads=heads, num_key_value_heads=kv, mamba_n_heads=mamba, **more)  # fmt: skip


_DENSE = {"num_local_experts": 0, "num_experts_per_tok": 0}
_SLIDING = ["sliding_attention"] * 5 + ["full_attention"]
_QWEN_27B = _qwen3_5(5120, 17408, 64, 24, 4, 48, tie=False)
_QWEN_35B = CONFIGS["Qwen3.6-35B-A3B"]

MODELS: dict[str, dict[str, Any]] = {
    "qwen3.5:0.8b": CONFIGS["Qwen3.5-0.8B"],
    "qwen3.5:2b": _qwen3_5(2048, 6144, 24, 8, 2, 16, tie=True),
    "qwen3.5:4b": _qwen3_5(2560, 9216, 32, 16, 4, 32, tie=True),
    "qwen3.5:9b": _qwen3_5(4096, 12288, 32, 16, 4, 32, tie=False),
    "qwen3.5:27b": _QWEN_27B,
    "qwen3.6:27b": _QWEN_27B,
    "qwen3.8:27b": _QWEN_27B,
    "qwen3.5:35b-a3b": _QWEN_35B,
    "qwen3.6:35b-a3b": _QWEN_35B,
    "qwen3-next:80b-a3b": CONFIGS["Qwen3-Next-80B-A3B"],
    "qwen3-coder:30b-a3b": CONFIGS["Qwen3-30B-A3B"],
    "gemma3:270m": CONFIGS["gemma-3-270m"],
    "gemma3:1b": CONFIGS["gemma-3-1b-it"],
    "gemma3:4b": CONFIGS["gemma-3-4b-it"],
    "gemma3:12b": change(
        "gemma-3-4b-it", hidden_size=3840, intermediate_size=15360, num_hidden_layers=48, num_attention_heads=16,
        num_key_value_heads=8),
    "gemma3:27b": CONFIGS["gemma-3-27b-it"],
    "gemma4:e2b": CONFIGS["gemma-4-E2B-it"],
    "gemma4:e4b": change(
        "gemma-4-E2B-it", hidden_size=2560, intermediate_size=10240, num_hidden_layers=42, layer_types=_SLIDING * 7,
        num_key_value_heads=2, num_kv_shared_layers=18, use_double_wide_mlp=False),
    "gemma4:12b": change(
        "gemma-4-31B-it", hidden_size=3840, intermediate_size=15360, num_hidden_layers=48, layer_types=_SLIDING * 8,
        num_attention_heads=16, num_key_value_heads=8, num_global_key_value_heads=1),
    "gemma4:26b-a4b": CONFIGS["gemma-4-26B-A4B-it"],
    "gemma4:31b": CONFIGS["gemma-4-31B-it"],
    "lfm2:350m": _lfm2(1024, 6656, 16),
    "lfm2:700m": _lfm2(1536, 10240, 24),
    "lfm2:1.2b": CONFIGS["LFM2-1.2B"],
    "lfm2.5:1.2b": CONFIGS["LFM2-1.2B"],
    "lfm2:2.6b": _lfm2(
        2048, 10752, 32, 30, block_auto_adjust_ff_dim=False, full_attn_idxs=[2, 6, 9, 13, 17, 21, 24, 27]),
    "lfm2:8b-a1b": CONFIGS["LFM2-8B-A1B"],
    "gpt-oss:20b": CONFIGS["gpt-oss-20b"],
    "gpt-oss:120b": change(
        "gpt-oss-20b", num_hidden_layers=36, num_local_experts=128,
        layer_types=["sliding_attention", "full_attention"] * 18),
    "ministral-3:3b": change(
        "Ministral-3-8B-Instruct-2512", hidden_size=3072, intermediate_size=9216, num_hidden_layers=26,
        tie_word_embeddings=True),
    "ministral-3:8b": CONFIGS["Ministral-3-8B-Instruct-2512"],
    "ministral-3:14b": change(
        "Ministral-3-8B-Instruct-2512", hidden_size=5120, intermediate_size=16384, num_hidden_layers=40),
    "mistral-small:24b": CONFIGS["Mistral-Small-3.1-24B-Instruct-2503"],
    "granite4:h-350m": _granite(
        768, 32, (10, 13, 17, 27), 12, 4, 48, mamba_d_head=32, shared_intermediate_size=2048, **_DENSE),
    "granite4:h-1b": _granite(1536, 40, (5, 15, 25, 35), 12, 4, 48, shared_intermediate_size=4096, **_DENSE),
    "granite4:h-tiny": CONFIGS["granite-4.0-h-tiny"],
    "granite4:h-small": _granite(
        4096, 40, (5, 15, 25, 35), 32, 8, 128, num_local_experts=72, num_experts_per_tok=10, intermediate_size=768,
        shared_intermediate_size=1536),
    "granite4:micro": change(
        "granite-3.3-8b-instruct", hidden_size=2560, intermediate_size=8192, num_attention_heads=40,
        num_key_value_heads=8, vocab_size=100352),
    "nemotron-nano:9b": CONFIGS["NVIDIA-Nemotron-Nano-9B-v2"],
    "nemotron3-nano:30b-a3b": change(
        "NVIDIA-Nemotron-Nano-9B-v2", hidden_size=2688, intermediate_size=1856, num_hidden_layers=52, mamba_head_dim=64,
        hybrid_override_pattern="MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", mamba_num_heads=64,
        moe_intermediate_size=1856, moe_shared_expert_intermediate_size=3712, n_group=1, n_routed_experts=128,
        n_shared_experts=1, norm_topk_prob=True, num_attention_heads=32, num_experts_per_tok=6, num_key_value_heads=2,
        routed_scaling_factor=2.5, topk_group=1),
    "deepseek-v2-lite:16b": CONFIGS["DeepSeek-V2-Lite"],
    "deepseek-coder-v2-lite:16b": CONFIGS["DeepSeek-V2-Lite"],
    "deepseek-r1:671b": CONFIGS["DeepSeek-V3"],
    "glm-4.7-flash:30b-a3b": CONFIGS["GLM-4.7-Flash"],
    "glm4:9b": CONFIGS["GLM-4-9B-0414"],
    "glm4:32b": CONFIGS["GLM-4-32B-0414"],
    "smollm3:3b": change("SmolLM3-3B", tie_word_embeddings=True),
    "olmo2:1b": change(
        "OLMo-2-1124-7B", hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=16,
        num_key_value_heads=16),
    "olmo2:7b": CONFIGS["OLMo-2-1124-7B"],
    "olmo3:7b": CONFIGS["Olmo-3-7B-Instruct"],
    "olmo3:32b": change(
        "Olmo-3-7B-Instruct", hidden_size=5120, intermediate_size=27648, num_hidden_layers=64, num_attention_heads=40,
        num_key_value_heads=8, layer_types=(["sliding_attention"] * 3 + ["full_attention"]) * 16),
    "phi4-mini:3.8b": CONFIGS["Phi-4-mini-instruct"],
    "phi4:14b": CONFIGS["Phi-4"],
    "ernie4.5:0.3b": CONFIGS["ERNIE-4.5-0.3B-PT"],
    "hunyuan:0.5b": change(
        "Hunyuan-MT-7B", hidden_size=1024, intermediate_size=3584, num_hidden_layers=24, num_attention_heads=16,
        vocab_size=120818),
    "hunyuan:7b": CONFIGS["Hunyuan-MT-7B"],
    "seed-oss:36b": CONFIGS["Seed-OSS-36B-Instruct"],
    "exaone4:1.2b": CONFIGS["EXAONE-4.0-1.2B"],
    "exaone4:32b": CONFIGS["EXAONE-4.0-32B"],
    "starcoder2:3b": change(
        "starcoder2-15b", hidden_size=3072, intermediate_size=12288, num_hidden_layers=30, num_attention_heads=24,
        num_key_value_heads=2, tie_word_embeddings=True),
    "starcoder2:15b": CONFIGS["starcoder2-15b"],
    "llama4:scout": CONFIGS["Llama-4-Scout-17B-16E-Instruct"],
}  # fmt: skip
