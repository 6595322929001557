"""The config.json of dense families that differ little from Llama, as they are published."""

from __future__ import annotations

from typing import Any

_SAID = {
    "attention_bias": False, "attention_dropout": 0.0, "hidden_act": "silu", "initializer_range": 0.02,
    "torch_dtype": "bfloat16", "use_cache": True,
}  # fmt: skip
_PIXTRAL = {
    "attention_dropout": 0.0, "head_dim": 64, "hidden_act": "gelu", "hidden_size": 1024, "image_size": 1540,
    "initializer_range": 0.02, "intermediate_size": 4096, "model_type": "pixtral", "num_attention_heads": 16,
    "num_channels": 3, "num_hidden_layers": 24, "patch_size": 14, "rope_theta": 10000.0,
}  # fmt: skip
_MISTRAL3 = {
    "architectures": ["Mistral3ForConditionalGeneration"], "image_token_index": 10, "model_type": "mistral3",
    "multimodal_projector_bias": False, "projector_hidden_act": "gelu", "spatial_merge_size": 2,
    "torch_dtype": "bfloat16", "transformers_version": "4.50.0.dev0", "vision_config": _PIXTRAL,
    "vision_feature_layer": -1,
}  # fmt: skip
_MISTRAL = {
    "architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
    "hidden_act": "silu", "initializer_range": 0.02, "model_type": "mistral", "rms_norm_eps": 1e-05,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16", "use_cache": True,
}  # fmt: skip
_PHI = {
    **_SAID, "architectures": ["Phi3ForCausalLM"], "embd_pdrop": 0.0, "model_type": "phi3", "resid_pdrop": 0.0,
    "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "num_hidden_layers": 32,
    "auto_map": {"AutoConfig": "configuration_phi3.Phi3Config", "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"},
}  # fmt: skip
# Phi-4-mini's, rounded.
_LONG = [
    *(1.0, 1.118320672, 1.250641126, 1.398617824, 1.564103225, 1.74916897, 1.956131817, 2.187582649, 2.446418898),
    *(2.735880826, 3.059592084, 3.421605075, 3.826451687, 4.279200023, 4.785517845, 5.351743533, 5.984965424),
    *(6.693110555, 7.485043894, 8.370679318, 9.36110372, 10.4687158, 11.70738129, 13.09260651, 14.64173252),
    *(16.37415215, 18.31155283, 20.47818807, 22.90118105, 25.61086418, 28.64115884, 32.03, 32.1, 32.13, 32.23, 32.6),
    *(32.61, 32.64, 32.66, 32.7, 32.71, 32.93, 32.97, 33.28, 33.49, 33.5, 44.16, 47.77),
]
_OLMO3_YARN = {
    "attention_factor": 1.2079441541679836, "beta_fast": 32.0, "beta_slow": 1.0, "factor": 8.0,
    "original_max_position_embeddings": 8192, "rope_type": "yarn",
}  # fmt: skip
_LLLG = ["sliding_attention"] * 3 + ["full_attention"]
_EXAONE = {
    "architectures": ["Exaone4ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 361,
    "head_dim": 128, "hidden_act": "silu", "initializer_range": 0.02, "model_type": "exaone4", "pad_token_id": 0,
    "rms_norm_eps": 1e-05, "rope_theta": 1000000, "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": 102400,
    "transformers_version": "4.54.0.dev0",
    "rope_scaling": {"factor": 16.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "rope_type": "llama3",
                     "original_max_position_embeddings": 8192},
}  # fmt: skip


def _shape(hidden: int, layers: int, heads: int, kv: int, inner: int) -> dict[str, int]:
    return {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
        "intermediate_size": inner,
    }  # fmt: skip


DENSE: dict[str, dict[str, Any]] = {
    "Mistral-7B-v0.1": _MISTRAL | _shape(4096, 32, 32, 8, 14336) | {
        "max_position_embeddings": 32768, "rope_theta": 10000.0, "sliding_window": 4096, "vocab_size": 32000},
    "Mistral-7B-Instruct-v0.3": _MISTRAL | _shape(4096, 32, 32, 8, 14336) | {
        "max_position_embeddings": 32768, "rope_theta": 1000000.0, "sliding_window": None, "vocab_size": 32768},
    "Mistral-Nemo-Instruct-2407": _MISTRAL | _shape(5120, 40, 32, 8, 14336) | {
        "head_dim": 128, "max_position_embeddings": 1024000, "rope_theta": 1000000.0, "sliding_window": None,
        "vocab_size": 131072},
    "Mistral-Small-3.1-24B-Instruct-2503": _MISTRAL3 | {"text_config": _shape(5120, 40, 32, 8, 32768) | {
        "attention_dropout": 0.0, "head_dim": 128, "hidden_act": "silu", "initializer_range": 0.02,
        "max_position_embeddings": 131072, "model_type": "mistral", "rms_norm_eps": 1e-05,
        "rope_theta": 1000000000.0, "sliding_window": None, "use_cache": True, "vocab_size": 131072}},
    "Ministral-3-8B-Instruct-2512": _MISTRAL3 | {"dtype": "bfloat16", "transformers_version": "5.0.0.dev0",
        "text_config": _shape(4096, 34, 32, 8, 14336) | {
            "attention_dropout": 0.0, "bos_token_id": 1, "dtype": "bfloat16", "eos_token_id": 2, "head_dim": 128,
            "hidden_act": "silu", "initializer_range": 0.02, "max_position_embeddings": 262144,
            "model_type": "ministral3", "pad_token_id": 11, "rms_norm_eps": 1e-05, "sliding_window": None,
            "tie_word_embeddings": False, "use_cache": True, "vocab_size": 131072,
            "rope_parameters": {
                "beta_fast": 32.0, "beta_slow": 1.0, "factor": 16.0, "llama_4_scaling_beta": 0.1, "mscale": 1.0,
                "mscale_all_dim": 1.0, "original_max_position_embeddings": 16384, "rope_theta": 1000000.0,
                "rope_type": "yarn", "type": "yarn", "max_position_embeddings": 262144}}},
    "SmolLM3-3B": _SAID | _shape(2048, 36, 16, 4, 11008) | {
        "architectures": ["SmolLM3ForCausalLM"], "bos_token_id": None, "eos_token_id": 128012,
        "layer_types": ["full_attention"] * 36, "max_position_embeddings": 65536, "max_window_layers": 28,
        "mlp_bias": False, "model_type": "smollm3", "no_rope_layer_interval": 4,
        "no_rope_layers": [1, 1, 1, 0] * 9, "pad_token_id": 128004, "pretraining_tp": 2, "rms_norm_eps": 1e-06,
        "rope_scaling": None, "rope_theta": 5000000.0, "sliding_window": None, "use_sliding_window": False,
        "vocab_size": 128256, "transformers_version": "4.54.0.dev0"},
    "OLMo-2-1124-7B": _SAID | _shape(4096, 32, 32, 32, 11008) | {
        "architectures": ["Olmo2ForCausalLM"], "eos_token_id": 100257, "max_position_embeddings": 4096,
        "model_type": "olmo2", "pad_token_id": 100277, "rms_norm_eps": 1e-06, "rope_scaling": None,
        "rope_theta": 500000, "tie_word_embeddings": False, "vocab_size": 100352},
    "Olmo-3-7B-Instruct": _SAID | _shape(4096, 32, 32, 32, 11008) | {
        "architectures": ["Olmo3ForCausalLM"], "eos_token_id": 100257, "layer_types": _LLLG * 8,
        "max_position_embeddings": 65536, "model_type": "olmo3", "pad_token_id": 100277, "rms_norm_eps": 1e-06,
        "rope_scaling": _OLMO3_YARN, "rope_theta": 500000, "sliding_window": 4096, "tie_word_embeddings": False,
        "vocab_size": 100278},
    "Phi-3-mini-4k-instruct": _PHI | _shape(3072, 32, 32, 32, 8192) | {
        "bos_token_id": 1, "eos_token_id": 32000, "max_position_embeddings": 4096,
        "original_max_position_embeddings": 4096, "pad_token_id": 32000, "rope_scaling": None, "sliding_window": 2047,
        "tie_word_embeddings": False, "vocab_size": 32064},
    "Phi-3.5-mini-instruct": _PHI | _shape(3072, 32, 32, 32, 8192) | {
        "bos_token_id": 1, "eos_token_id": 32000, "max_position_embeddings": 131072,
        "original_max_position_embeddings": 4096, "pad_token_id": 32000, "sliding_window": 262144,
        "tie_word_embeddings": False, "vocab_size": 32064,
        "rope_scaling": {"long_factor": _LONG, "short_factor": [1.1] * 48, "type": "longrope"}},
    "Phi-4": _PHI | _shape(5120, 40, 40, 10, 17920) | {
        "bos_token_id": 100257, "eos_token_id": 100265, "max_position_embeddings": 16384,
        "original_max_position_embeddings": 16384, "pad_token_id": 100349, "rope_scaling": None,
        "rope_theta": 250000, "sliding_window": None, "tie_word_embeddings": False, "vocab_size": 100352},
    "Phi-4-mini-instruct": _PHI | _shape(3072, 32, 24, 8, 8192) | {
        "bos_token_id": 199999, "eos_token_id": 199999, "full_attn_mod": 1, "interpolate_factor": 1,
        "lm_head_bias": False, "max_position_embeddings": 131072, "mlp_bias": False,
        "original_max_position_embeddings": 4096, "pad_token_id": 199999, "partial_rotary_factor": 0.75,
        "sliding_window": 262144, "tie_word_embeddings": True, "vocab_size": 200064,
        "rope_scaling": {"long_factor": _LONG, "short_factor": [1.0] * 48, "type": "longrope"}},
    "GLM-4-9B-0414": _SAID | _shape(4096, 40, 32, 2, 13696) | {
        "architectures": ["Glm4ForCausalLM"], "attention_bias": True, "head_dim": 128,
        "eos_token_id": [151329, 151336, 151338], "max_position_embeddings": 32768, "model_type": "glm4",
        "pad_token_id": 151329, "partial_rotary_factor": 0.5, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
        "tie_word_embeddings": False, "vocab_size": 151552},
    "GLM-4-32B-0414": _SAID | _shape(6144, 61, 48, 2, 23040) | {
        "architectures": ["Glm4ForCausalLM"], "head_dim": 128, "eos_token_id": [151329, 151336, 151338],
        "max_position_embeddings": 32768, "model_type": "glm4", "pad_token_id": 151329, "partial_rotary_factor": 0.5,
        "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "tie_word_embeddings": False, "vocab_size": 151552},
    "granite-3.3-8b-instruct": _SAID | _shape(4096, 40, 32, 8, 12800) | {
        "architectures": ["GraniteForCausalLM"], "attention_multiplier": 0.0078125, "bos_token_id": 0,
        "embedding_multiplier": 12.0, "eos_token_id": 0, "logits_scaling": 16.0, "max_position_embeddings": 131072,
        "mlp_bias": False, "model_type": "granite", "pad_token_id": 0, "residual_multiplier": 0.22,
        "rms_norm_eps": 1e-05, "rope_scaling": None, "rope_theta": 10000000.0, "tie_word_embeddings": True,
        "vocab_size": 49159},
    "ERNIE-4.5-0.3B-PT": _shape(1024, 18, 16, 2, 3072) | {
        "architectures": ["Ernie4_5_ForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "head_dim": 128,
        "hidden_act": "silu", "max_position_embeddings": 131072, "model_type": "ernie4_5", "pad_token_id": 0,
        "rms_norm_eps": 1e-05, "use_cache": False, "vocab_size": 103424, "rope_theta": 500000, "use_bias": False,
        "tie_word_embeddings": True, "torch_dtype": "bfloat16",
        "auto_map": {"AutoConfig": "configuration_ernie4_5.Ernie4_5_Config"}},
    "Hunyuan-MT-7B": _SAID | _shape(4096, 32, 32, 8, 14336) | {
        "add_classification_head": False, "architectures": ["HunYuanDenseV1ForCausalLM"], "attention_head_dim": 128,
        "bos_token_id": 1, "head_dim": 128, "max_position_embeddings": 32768, "mlp_bias": False,
        "model_type": "hunyuan_v1_dense", "pad_token_id": 0, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
        "tie_word_embeddings": True, "use_qk_norm": True, "use_rotary_pos_emb": True, "vocab_size": 128256,
        "rope_scaling": {"alpha": 100000.0, "beta_fast": 32, "beta_slow": 1, "factor": 1.0, "mscale": 1.0,
                         "mscale_all_dim": 1.0, "type": "dynamic"}},
    "Seed-OSS-36B-Instruct": _SAID | _shape(5120, 64, 80, 8, 27648) | {
        "architectures": ["SeedOssForCausalLM"], "attention_bias": True, "attention_dropout": 0.1,
        "attention_out_bias": False, "bos_token_id": 0, "eos_token_id": 2, "head_dim": 128,
        "max_position_embeddings": 524288, "mlp_bias": False, "model_type": "seed_oss", "pad_token_id": 1,
        "residual_dropout": 0.1, "rms_norm_eps": 1e-06, "rope_scaling": {"rope_type": "default"},
        "rope_theta": 10000000.0, "tie_word_embeddings": False, "vocab_size": 155136},
    "starcoder2-15b": _shape(6144, 40, 48, 4, 24576) | {
        "_name_or_path": "/aot/checkpoints/15b/config.json", "architectures": ["Starcoder2ForCausalLM"],
        "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "gelu_pytorch_tanh",
        "initializer_range": 0.01275, "max_position_embeddings": 16384, "mlp_type": "default",
        "model_type": "starcoder2", "norm_epsilon": 1e-05, "norm_type": "layer_norm", "rms_norm_eps": 1e-05,
        "rope_theta": 100000, "sliding_window": 4096, "tie_word_embeddings": False, "torch_dtype": "float32",
        "transformers_version": "4.37.0.dev0", "use_bias": True, "use_cache": True, "vocab_size": 49152},
    "Muse-Glimmer-30B": {
        "architectures": ["MuseGlimmerForConditionalGeneration"], "dtype": "bfloat16", "image_token_id": 200092,
        "model_type": "muse_glimmer", "out_hidden_size": 6144, "projector_hidden_act": "gelu",
        "projector_hidden_size": 4096, "transformers_version": "5.15.0.dev0", "video_token_id": 200091,
        "vision_config": {"model_type": "muse_glimmer_vision"},
        "text_config": _shape(6656, 52, 32, 2, 19968) | {
            "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 200000, "eos_token_id": 200001,
            "final_logit_softcapping": 20.0, "head_dim": 128, "hidden_activation": "silu",
            "layer_rope_theta": [500000.0, 500000.0, 500000.0, 0] * 13, "layer_types": _LLLG * 13,
            "max_position_embeddings": 131072, "mlp_bias": False, "model_type": "muse_glimmer_text",
            "output_multiplier": 0.19611613513818404, "post_norm_eps": 1e-08, "qk_scale_factor": 3.87,
            "rms_norm_eps": 1e-05, "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"},
            "sliding_window": 2048, "tie_word_embeddings": False, "vocab_size": 202048}},
    "phi-2": _shape(2560, 32, 32, 32, 10240) | {
        "_name_or_path": "microsoft/phi-2", "architectures": ["PhiForCausalLM"], "attention_dropout": 0.0,
        "bos_token_id": 50256, "embd_pdrop": 0.0, "eos_token_id": 50256, "hidden_act": "gelu_new",
        "initializer_range": 0.02, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "model_type": "phi",
        "partial_rotary_factor": 0.4, "qk_layernorm": False, "resid_pdrop": 0.1, "rope_scaling": None,
        "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float16",
        "transformers_version": "4.37.0", "use_cache": True, "vocab_size": 51200},
    "stablelm-2-zephyr-1_6b": _shape(2048, 24, 32, 32, 5632) | {
        "architectures": ["StableLmForCausalLM"], "bos_token_id": 100257, "eos_token_id": 100257, "hidden_act": "silu",
        "initializer_range": 0.02, "layer_norm_eps": 1e-05, "max_position_embeddings": 4096, "model_type": "stablelm",
        "partial_rotary_factor": 0.25, "rope_theta": 10000, "tie_word_embeddings": False, "torch_dtype": "float16",
        "transformers_version": "4.38.0", "use_cache": True, "use_qkv_bias": True, "vocab_size": 100352},
    "Nemotron-Mini-4B-Instruct": _shape(3072, 32, 24, 8, 9216) | {
        "architectures": ["NemotronForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 2,
        "eos_token_id": 3, "head_dim": 128, "hidden_act": "relu2", "initializer_range": 0.0134,
        "max_position_embeddings": 4096, "mlp_bias": False, "model_type": "nemotron", "norm_eps": 1e-05,
        "partial_rotary_factor": 0.5, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "transformers_version": "4.32.0.dev0", "use_cache": True, "vocab_size": 256000},
    "gemma-2b": _shape(2048, 18, 8, 1, 16384) | {
        "architectures": ["GemmaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 2,
        "eos_token_id": 1, "head_dim": 256, "hidden_act": "gelu", "hidden_activation": None,
        "initializer_range": 0.02, "max_position_embeddings": 8192, "model_type": "gemma", "pad_token_id": 0,
        "rms_norm_eps": 1e-06, "rope_scaling": None, "rope_theta": 10000.0, "torch_dtype": "bfloat16",
        "transformers_version": "4.38.0.dev0", "use_cache": True, "vocab_size": 256000},
    "c4ai-command-r7b-12-2024": _shape(4096, 32, 32, 8, 14336) | {
        "architectures": ["Cohere2ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 5,
        "cache_implementation": "hybrid", "eos_token_id": 255001, "head_dim": 128, "hidden_act": "silu",
        "initializer_range": 0.02, "layer_norm_eps": 1e-05, "layer_switch": 4, "logit_scale": 0.25,
        "max_position_embeddings": 132096, "model_type": "cohere2", "order_of_interleaved_layers": "local_attn_first",
        "pad_token_id": 0, "position_embedding_type": "rope_gptj", "rope_scaling": None, "rope_theta": 50000,
        "rotary_pct": 1.0, "sliding_window": 4096, "sliding_window_pattern": 4, "torch_dtype": "bfloat16",
        "transformers_version": "4.48.0.dev0", "use_cache": True, "use_embedding_sharing": True,
        "use_gated_activation": True, "use_parallel_block": True, "use_parallel_embedding": True,
        "vocab_size": 256000},
    "aya-expanse-8b": _shape(4096, 32, 32, 8, 14336) | {
        "architectures": ["CohereForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 5,
        "eos_token_id": 255001, "hidden_act": "silu", "initializer_range": 0.02, "layer_norm_eps": 1e-05,
        "logit_scale": 0.125, "max_position_embeddings": 8192, "model_type": "cohere", "model_max_length": 8192,
        "pad_token_id": 0, "rope_scaling": None, "rope_theta": 10000, "torch_dtype": "float16",
        "transformers_version": "4.44.0", "use_cache": True, "use_qk_norm": False, "vocab_size": 256000},
    "EXAONE-3.5-2.4B-Instruct": {
        "activation_function": "silu", "architectures": ["ExaoneForCausalLM"], "attention_dropout": 0.0,
        "auto_map": {"AutoConfig": "configuration_exaone.ExaoneConfig"}, "bos_token_id": 1, "embed_dropout": 0.0,
        "eos_token_id": 361, "head_dim": 80, "hidden_size": 2560, "initializer_range": 0.02, "intermediate_size": 7168,
        "layer_norm_epsilon": 1e-05, "max_position_embeddings": 32768, "model_type": "exaone",
        "num_attention_heads": 32, "num_key_value_heads": 8, "num_layers": 30, "pad_token_id": 0,
        "rope_scaling": {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
        "rope_theta": 1000000, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
        "transformers_version": "4.43.0", "use_cache": True, "vocab_size": 102400},
    "gemma-2-2b-it": _shape(2304, 26, 8, 4, 9216) | {
        "architectures": ["Gemma2ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
        "attn_logit_softcapping": 50.0, "bos_token_id": 2, "cache_implementation": "hybrid", "eos_token_id": [1, 107],
        "final_logit_softcapping": 30.0, "head_dim": 256, "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh", "initializer_range": 0.02, "max_position_embeddings": 8192,
        "model_type": "gemma2", "pad_token_id": 0, "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06,
        "rope_theta": 10000.0, "sliding_window": 4096, "torch_dtype": "bfloat16", "transformers_version": "4.42.4",
        "use_cache": True, "vocab_size": 256000},
    "EXAONE-4.0-1.2B": _EXAONE | _shape(2048, 30, 32, 8, 4096) | {
        "head_dim": 64, "layer_types": ["full_attention"] * 30, "max_position_embeddings": 65536,
        "sliding_window": None, "sliding_window_pattern": None, "tie_word_embeddings": True},
    "EXAONE-4.0-32B": _EXAONE | _shape(5120, 64, 40, 8, 27392) | {
        "layer_types": _LLLG * 16, "max_position_embeddings": 131072, "reorder_qk_norm": True,
        "sliding_window": 4096, "sliding_window_pattern": "LLLG", "tie_word_embeddings": False},
}  # fmt: skip
