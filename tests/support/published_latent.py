"""The config.json of Gemma 3 and 4 and of families with latent attention, as they are published."""

from __future__ import annotations

from typing import Any

_SIGLIP = {
    "attention_dropout": 0.0, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 1152, "image_size": 896,
    "intermediate_size": 4304, "layer_norm_eps": 1e-06, "model_type": "siglip_vision_model", "num_attention_heads": 16,
    "num_channels": 3, "num_hidden_layers": 27, "patch_size": 14, "vision_use_head": False,
}  # fmt: skip
_GEMMA3_1B = {
    "architectures": ["Gemma3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
    "attn_logit_softcapping": None, "bos_token_id": 2, "cache_implementation": "hybrid", "eos_token_id": [1, 106],
    "final_logit_softcapping": None, "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 1152,
    "initializer_range": 0.02, "intermediate_size": 6912, "max_position_embeddings": 32768,
    "model_type": "gemma3_text", "num_attention_heads": 4, "num_hidden_layers": 26, "num_key_value_heads": 1,
    "pad_token_id": 0, "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000,
    "rope_scaling": None, "rope_theta": 1000000, "sliding_window": 512, "sliding_window_pattern": 6,
    "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0", "use_cache": True, "vocab_size": 262144,
}  # fmt: skip
_GEMMA3 = {
    "architectures": ["Gemma3ForConditionalGeneration"], "boi_token_index": 255999, "eoi_token_index": 256000,
    "eos_token_id": [1, 106], "image_token_index": 262144, "initializer_range": 0.02, "mm_tokens_per_image": 256,
    "model_type": "gemma3", "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0", "vision_config": _SIGLIP,
}  # fmt: skip


def _gemma4(every: int, layers: int, **text: Any) -> dict[str, Any]:
    kinds = ["full_attention" if (i + 1) % every == 0 else "sliding_attention" for i in range(layers)]
    return {
        "architectures": ["Gemma4ForConditionalGeneration"], "audio_config": None, "audio_token_id": 258881,
        "boa_token_id": 256000, "boi_token_id": 255999, "dtype": "bfloat16", "eoa_token_id": 258883,
        "eoa_token_index": 258883, "eoi_token_id": 258882, "eos_token_id": [1, 106], "image_token_id": 258880,
        "initializer_range": 0.02, "model_type": "gemma4", "tie_word_embeddings": True, "video_token_id": 258884,
        "vision_soft_tokens_per_image": 280, "vision_config": {"model_type": "gemma4_vision", "hidden_size": 1152},
        "transformers_version": "5.5.0.dev0",
        "text_config": {
            "attention_bias": False, "attention_dropout": 0.0, "attention_k_eq_v": False, "bos_token_id": 2,
            "dtype": "bfloat16", "enable_moe_block": False, "eos_token_id": 1, "expert_intermediate_size": None,
            "final_logit_softcapping": 30.0, "global_head_dim": 512, "head_dim": 256,
            "hidden_activation": "gelu_pytorch_tanh", "hidden_size_per_layer_input": 0, "initializer_range": 0.02,
            "layer_types": kinds, "max_position_embeddings": 262144, "model_type": "gemma4_text",
            "moe_intermediate_size": None, "num_experts": None, "num_global_key_value_heads": None,
            "num_hidden_layers": layers, "num_kv_shared_layers": 0, "pad_token_id": 0, "rms_norm_eps": 1e-06,
            "rope_parameters": {
                "full_attention": {
                    "partial_rotary_factor": 0.25, "rope_theta": 1000000.0, "rope_type": "proportional",
                },
                "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
            },
            "sliding_window": 1024, "tie_word_embeddings": True, "top_k_experts": None,
            "use_bidirectional_attention": "vision", "use_cache": True, "use_double_wide_mlp": False,
            "vocab_size": 262144, "vocab_size_per_layer_input": 262144, **text,
        },
    }  # fmt: skip


_DEEPSEEK = {
    "attention_bias": False, "attention_dropout": 0.0, "hidden_act": "silu", "initializer_range": 0.02,
    "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06, "rope_theta": 10000,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16", "use_cache": True, "v_head_dim": 128,
}  # fmt: skip
_V3 = {
    **_DEEPSEEK, "architectures": ["DeepseekV3ForCausalLM"], "aux_loss_alpha": 0.001, "bos_token_id": 0,
    "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}, "eos_token_id": 1, "ep_size": 1,
    "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432, "max_position_embeddings": 163840,
    "model_type": "deepseek_v3", "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8,
    "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": True, "num_attention_heads": 128,
    "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1,
    "pretraining_tp": 1, "q_lora_rank": 1536, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid",
    "rope_scaling": {
        "beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0,
        "original_max_position_embeddings": 4096, "type": "yarn",
    },
    "seq_aux": True, "topk_group": 4, "topk_method": "noaux_tc", "transformers_version": "4.33.1",
    "vocab_size": 129280,
}  # fmt: skip

LATENT: dict[str, dict[str, Any]] = {
    "gemma-3-270m": _GEMMA3_1B | {
        "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "_sliding_window_pattern": 6,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 3, "sliding_window_pattern": None,
        "use_bidirectional_attention": False, "transformers_version": "4.55.0.dev0"},
    "gemma-3-1b-it": _GEMMA3_1B,
    "gemma-3-4b-it": _GEMMA3 | {"text_config": {
        "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}},
    "gemma-3-27b-it": _GEMMA3 | {"text_config": {
        "head_dim": 128, "hidden_size": 5376, "intermediate_size": 21504, "model_type": "gemma3_text",
        "num_attention_heads": 32, "num_hidden_layers": 62, "num_key_value_heads": 16, "query_pre_attn_scalar": 168,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}},
    "gemma-4-E2B-it": _gemma4(
        5, 35, hidden_size=1536, intermediate_size=6144, num_attention_heads=8, num_key_value_heads=1,
        sliding_window=512, hidden_size_per_layer_input=256, num_kv_shared_layers=20, use_double_wide_mlp=True,
        use_bidirectional_attention=None, max_position_embeddings=131072),
    "gemma-4-26B-A4B-it": _gemma4(
        6, 30, hidden_size=2816, intermediate_size=2112, num_attention_heads=16, num_key_value_heads=8,
        num_global_key_value_heads=2, attention_k_eq_v=True, enable_moe_block=True, num_experts=128, top_k_experts=8,
        moe_intermediate_size=704),
    "gemma-4-31B-it": _gemma4(
        6, 60, hidden_size=5376, intermediate_size=21504, num_attention_heads=32, num_key_value_heads=16,
        num_global_key_value_heads=4, attention_k_eq_v=True),
    "DeepSeek-V3": _V3,
    "DeepSeek-V3.2": {k: v for k, v in _V3.items() if k != "auto_map"} | {
        "architectures": ["DeepseekV32ForCausalLM"], "model_type": "deepseek_v32", "index_head_dim": 128,
        "index_n_heads": 64, "index_topk": 2048},
    "Kimi-K2-Instruct": _V3 | {
        "model_type": "kimi_k2", "first_k_dense_replace": 1, "max_position_embeddings": 131072, "n_group": 1,
        "topk_group": 1, "n_routed_experts": 384, "num_attention_heads": 64, "num_key_value_heads": 64,
        "routed_scaling_factor": 2.827, "rope_theta": 50000.0, "vocab_size": 163840, "eos_token_id": 163586,
        "num_nextn_predict_layers": 0},
    "DeepSeek-V2-Lite": _DEEPSEEK | {
        "architectures": ["DeepseekV2ForCausalLM"], "aux_loss_alpha": 0.001, "bos_token_id": 100000,
        "eos_token_id": 100001, "first_k_dense_replace": 1, "hidden_size": 2048, "intermediate_size": 10944,
        "max_position_embeddings": 163840, "model_type": "deepseek_v2", "moe_intermediate_size": 1408,
        "moe_layer_freq": 1, "n_group": 1, "n_routed_experts": 64, "n_shared_experts": 2, "norm_topk_prob": False,
        "num_attention_heads": 16, "num_experts_per_tok": 6, "num_hidden_layers": 27, "num_key_value_heads": 16,
        "pretraining_tp": 1, "q_lora_rank": None, "routed_scaling_factor": 1.0, "scoring_func": "softmax",
        "seq_aux": True, "topk_group": 1, "topk_method": "greedy", "transformers_version": "4.33.1",
        "rope_scaling": {**_V3["rope_scaling"], "mscale": 0.707, "mscale_all_dim": 0.707}, "vocab_size": 102400},
    "GLM-4.7-Flash": {k: v for k, v in _DEEPSEEK.items() if k != "torch_dtype"} | {
        "architectures": ["Glm4MoeLiteForCausalLM"], "dtype": "bfloat16", "eos_token_id": [154820, 154827, 154829],
        "first_k_dense_replace": 1, "hidden_size": 2048, "intermediate_size": 10240, "max_position_embeddings": 202752,
        "model_type": "glm4_moe_lite", "moe_intermediate_size": 1536, "n_group": 1, "n_routed_experts": 64,
        "n_shared_experts": 1, "norm_topk_prob": True, "num_attention_heads": 20, "num_experts_per_tok": 4,
        "num_hidden_layers": 47, "num_key_value_heads": 20, "num_nextn_predict_layers": 1, "pad_token_id": 154820,
        "partial_rotary_factor": 1.0, "q_lora_rank": 768, "qk_nope_head_dim": 192, "rms_norm_eps": 1e-05,
        "rope_scaling": None, "rope_theta": 1000000, "routed_scaling_factor": 1.8, "topk_group": 1,
        "topk_method": "noaux_tc", "transformers_version": "5.0.0rc0", "v_head_dim": 256, "vocab_size": 154880},
}  # fmt: skip
