"""The config.json of families with recurrent layers, as they are published."""

from __future__ import annotations

from typing import Any

_SAID = {"attention_dropout": 0.0, "initializer_range": 0.02, "torch_dtype": "bfloat16", "use_cache": True}
_DELTA = {
    "attention_bias": False, "full_attention_interval": 4, "head_dim": 256, "hidden_act": "silu",
    "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": 16, "linear_value_head_dim": 128,
    "max_position_embeddings": 262144, "rms_norm_eps": 1e-06,
}  # fmt: skip
_QUARTER = {
    "mrope_interleaved": True, "mrope_section": [11, 11, 10], "partial_rotary_factor": 0.25, "rope_theta": 10000000,
    "rope_type": "default",
}  # fmt: skip
_QWEN3_5 = {
    **_DELTA, "attn_output_gate": True, "dtype": "bfloat16", "eos_token_id": 248044, "initializer_range": 0.02,
    "mamba_ssm_dtype": "float32", "mtp_num_hidden_layers": 1, "mtp_use_dedicated_embeddings": False,
    "rope_parameters": _QUARTER, "use_cache": True, "vocab_size": 248320,
}  # fmt: skip
_TOWER = {
    "depth": 12, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 768, "in_channels": 3, "intermediate_size": 3072,
    "num_heads": 12, "num_position_embeddings": 2304, "out_hidden_size": 1024, "patch_size": 16,
    "spatial_merge_size": 2, "temporal_patch_size": 2,
}  # fmt: skip
_IMAGES = {
    "image_token_id": 248056, "video_token_id": 248057, "vision_end_token_id": 248054, "vision_start_token_id": 248053,
    "transformers_version": "4.57.0.dev0",
}  # fmt: skip


def delta_layers(count: int) -> list[str]:
    """Every fourth layer attends."""
    return ["linear_attention" if (i + 1) % 4 else "full_attention" for i in range(count)]


RECURRENT: dict[str, dict[str, Any]] = {
    "Qwen3.5-0.8B": {
        **_IMAGES, "architectures": ["Qwen3_5ForConditionalGeneration"], "model_type": "qwen3_5",
        "tie_word_embeddings": True, "vision_config": {**_TOWER, "model_type": "qwen3_5"},
        "text_config": {
            **_QWEN3_5, "model_type": "qwen3_5_text", "hidden_size": 1024, "intermediate_size": 3584,
            "num_hidden_layers": 24, "num_attention_heads": 8, "num_key_value_heads": 2, "linear_num_value_heads": 16,
            "layer_types": delta_layers(24), "tie_word_embeddings": True,
        },
    },
    "Qwen3.6-35B-A3B": {
        **_IMAGES, "architectures": ["Qwen3_5MoeForConditionalGeneration"], "model_type": "qwen3_5_moe",
        "tie_word_embeddings": False, "vision_config": {**_TOWER, "model_type": "qwen3_5_moe"},
        "text_config": {
            **_QWEN3_5, "model_type": "qwen3_5_moe_text", "hidden_size": 2048, "num_hidden_layers": 40,
            "num_attention_heads": 16, "num_key_value_heads": 2, "linear_num_value_heads": 32, "num_experts": 256,
            "num_experts_per_tok": 8, "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512,
            "router_aux_loss_coef": 0.001, "layer_types": delta_layers(40), "output_gate_type": "swish",
        },
    },
    "Qwen3-Next-80B-A3B": {
        **_SAID, **_DELTA, "architectures": ["Qwen3NextForCausalLM"], "bos_token_id": 151643, "eos_token_id": 151645,
        "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 5120, "linear_num_value_heads": 32,
        "mlp_only_layers": [], "model_type": "qwen3_next", "moe_intermediate_size": 512, "norm_topk_prob": True,
        "num_attention_heads": 16, "num_experts": 512, "num_experts_per_tok": 10, "num_hidden_layers": 48,
        "num_key_value_heads": 2, "output_router_logits": False, "partial_rotary_factor": 0.25, "rope_scaling": None,
        "rope_theta": 10000000, "router_aux_loss_coef": 0.001, "shared_expert_intermediate_size": 512,
        "tie_word_embeddings": False, "transformers_version": "4.57.0.dev0", "use_sliding_window": False,
        "vocab_size": 151936,
    },
    "LFM2-1.2B": {
        "architectures": ["Lfm2ForCausalLM"], "block_auto_adjust_ff_dim": True, "block_dim": 2048,
        "block_ff_dim": 12288, "block_ffn_dim_multiplier": 1.0, "block_mlp_init_scale": 1.0, "block_multiple_of": 256,
        "block_norm_eps": 1e-05, "block_out_init_scale": 1.0, "block_use_swiglu": True, "block_use_xavier_init": True,
        "bos_token_id": 1, "conv_L_cache": 3, "conv_bias": False, "conv_dim": 2048, "conv_dim_out": 2048,
        "conv_use_xavier_init": True, "eos_token_id": 7, "full_attn_idxs": [2, 5, 8, 10, 12, 14], "hidden_size": 2048,
        "initializer_range": 0.02, "intermediate_size": 12288, "max_position_embeddings": 128000, "model_type": "lfm2",
        "norm_eps": 1e-05, "num_attention_heads": 32, "num_heads": 32, "num_hidden_layers": 16,
        "num_key_value_heads": 8, "pad_token_id": 0, "rope_theta": 1000000.0, "torch_dtype": "bfloat16",
        "transformers_version": "4.54.0.dev0", "use_cache": True, "use_pos_enc": True, "vocab_size": 65536,
    },
    "LFM2-8B-A1B": {
        "architectures": ["Lfm2MoeForCausalLM"], "bos_token_id": 1, "conv_L_cache": 3, "conv_bias": False,
        "dtype": "bfloat16", "eos_token_id": 7, "hidden_size": 2048, "initializer_range": 0.02,
        "intermediate_size": 7168, "max_position_embeddings": 128000, "model_type": "lfm2_moe",
        "layer_types": ["full_attention" if i in (2, 6, 10, 14, 18, 21) else "conv" for i in range(24)],
        "moe_intermediate_size": 1792, "norm_eps": 1e-05, "norm_topk_prob": True, "num_attention_heads": 32,
        "num_dense_layers": 2, "num_experts": 32, "num_experts_per_tok": 4, "num_hidden_layers": 24,
        "num_key_value_heads": 8, "pad_token_id": 0, "rope_theta": 1000000.0, "routed_scaling_factor": 1.0,
        "transformers_version": "4.57.0.dev0", "use_cache": True, "use_expert_bias": True, "vocab_size": 65536,
    },
    "granite-4.0-h-tiny": {
        **_SAID, "architectures": ["GraniteMoeHybridForCausalLM"], "attention_bias": False,
        "attention_multiplier": 0.0078125, "bos_token_id": 100257, "embedding_multiplier": 12, "eos_token_id": 100257,
        "hidden_act": "silu", "hidden_size": 1536, "init_method": "mup", "intermediate_size": 512,
        "layer_types": ["attention" if i in (5, 15, 25, 35) else "mamba" for i in range(40)], "logits_scaling": 6,
        "mamba_chunk_size": 256, "mamba_conv_bias": True, "mamba_d_conv": 4, "mamba_d_head": 64, "mamba_d_state": 128,
        "mamba_expand": 2, "mamba_n_groups": 1, "mamba_n_heads": 48, "mamba_proj_bias": False,
        "max_position_embeddings": 131072, "model_type": "granitemoehybrid", "normalization_function": "rmsnorm",
        "num_attention_heads": 12, "num_experts_per_tok": 6, "num_hidden_layers": 40, "num_key_value_heads": 4,
        "num_local_experts": 64, "output_router_logits": False, "pad_token_id": 100256,
        "position_embedding_type": "nope", "residual_multiplier": 0.22, "rms_norm_eps": 1e-05, "rope_scaling": None,
        "rope_theta": 10000, "router_aux_loss_coef": 0.0001, "shared_intermediate_size": 1024,
        "tie_word_embeddings": True, "transformers_version": "4.56.0", "vocab_size": 100352,
    },
    "NVIDIA-Nemotron-Nano-9B-v2": {
        **_SAID, "architectures": ["NemotronHForCausalLM"], "attention_bias": False, "bos_token_id": 1,
        "auto_map": {"AutoConfig": "configuration_nemotron_h.NemotronHConfig"}, "chunk_size": 128, "conv_kernel": 4,
        "eos_token_id": 12, "expand": 2, "head_dim": 128, "hidden_dropout": 0.0, "hidden_size": 4480,
        "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
        "intermediate_size": 15680, "layer_norm_epsilon": 1e-05, "mamba_head_dim": 80, "mamba_hidden_act": "silu",
        "mamba_num_heads": 128, "mamba_proj_bias": False, "max_position_embeddings": 131072, "mlp_bias": False,
        "mlp_hidden_act": "relu2", "model_type": "nemotron_h", "n_groups": 8, "num_attention_heads": 40,
        "num_hidden_layers": 56, "num_key_value_heads": 8, "num_logits_to_keep": 1, "pad_token_id": 0,
        "rescale_prenorm_residual": True, "residual_in_fp32": False, "rms_norm_eps": 1e-05, "sliding_window": None,
        "ssm_state_size": 128, "tie_word_embeddings": False, "time_step_floor": 0.0001,
        "time_step_limit": [0.0, float("inf")], "time_step_max": 0.1, "time_step_min": 0.001,
        "transformers_version": "4.51.3", "use_bias": False, "use_conv_bias": True, "use_mamba_kernels": True,
        "vocab_size": 131072,
    },
}  # fmt: skip
