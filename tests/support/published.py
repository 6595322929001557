"""The config.json of the catalogue's families as they are published, and keys that other programs leave in them."""

from __future__ import annotations

from typing import Any

from published_dense import DENSE
from published_latent import LATENT
from published_recurrent import RECURRENT

_QWEN = {
    "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645, "hidden_act": "silu",
    "initializer_range": 0.02, "rms_norm_eps": 1e-06, "torch_dtype": "bfloat16", "use_cache": True,
    "use_sliding_window": False, "vocab_size": 151936,
}  # fmt: skip
_QWEN2 = {**_QWEN, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "transformers_version": "4.43.1"}
_QWEN3 = {
    **_QWEN, "architectures": ["Qwen3ForCausalLM"], "attention_bias": False, "head_dim": 128, "model_type": "qwen3",
    "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None, "max_position_embeddings": 40960,
    "transformers_version": "4.51.0",
}  # fmt: skip
_LLAMA3 = {
    "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu", "initializer_range": 0.02,
    "max_position_embeddings": 131072, "mlp_bias": False, "model_type": "llama", "pretraining_tp": 1,
    "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "torch_dtype": "bfloat16", "transformers_version": "4.45.0.dev0",
    "use_cache": True, "vocab_size": 128256,
    "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "rope_type": "llama3",
                     "original_max_position_embeddings": 8192},
}  # fmt: skip


def shape(hidden: int, layers: int, heads: int, kv: int, inner: int) -> dict[str, int]:
    """The sizes of a config."""
    return {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
        "intermediate_size": inner,
    }  # fmt: skip


CONFIGS: dict[str, dict[str, Any]] = {
    "Qwen2.5-Coder-0.5B-Instruct": _QWEN2 | shape(896, 24, 14, 2, 4864) | {
        "max_position_embeddings": 32768, "max_window_layers": 24, "rope_theta": 1000000.0, "sliding_window": 32768,
        "tie_word_embeddings": True},
    "Qwen2.5-0.5B": _QWEN2 | shape(896, 24, 14, 2, 4864) | {
        "max_position_embeddings": 32768, "max_window_layers": 24, "rope_theta": 1000000.0, "sliding_window": 32768,
        "tie_word_embeddings": True, "use_mrope": False},
    "Qwen2.5-7B-Instruct-1M": _QWEN2 | shape(3584, 28, 28, 4, 18944) | {
        "max_position_embeddings": 1010000, "max_window_layers": 28, "rope_theta": 10000000.0, "sliding_window": 32768,
        "tie_word_embeddings": False, "vocab_size": 152064},
    "Qwen2.5-14B-Instruct-1M": _QWEN2 | shape(5120, 48, 40, 8, 13824) | {
        "max_position_embeddings": 1010000, "max_window_layers": 48, "rope_theta": 10000000.0,
        "sliding_window": 1010000, "tie_word_embeddings": False, "vocab_size": 152064,
        "dual_chunk_attention_config": {"chunk_size": 262144, "local_size": 8192,
                                        "original_max_position_embeddings": 262144}},
    "Qwen2.5-32B with YaRN": _QWEN2 | shape(5120, 64, 40, 8, 27648) | {
        "max_position_embeddings": 32768, "max_window_layers": 64, "rope_theta": 1000000.0, "sliding_window": 131072,
        "tie_word_embeddings": False,
        "rope_scaling": {"factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn"}},
    "DeepSeek-R1-Distill-Qwen-1.5B": _QWEN2 | shape(1536, 28, 12, 2, 8960) | {
        "eos_token_id": 151643, "max_position_embeddings": 131072, "max_window_layers": 21, "rope_theta": 10000,
        "sliding_window": 4096, "tie_word_embeddings": False, "use_mrope": False, "transformers_version": "4.44.0"},
    "Qwen3-0.6B": _QWEN3 | shape(1024, 28, 16, 8, 3072) | {"max_window_layers": 28, "tie_word_embeddings": True},
    "Qwen3-32B": _QWEN3 | shape(5120, 64, 64, 8, 25600) | {"max_window_layers": 64, "tie_word_embeddings": False},
    "DeepSeek-R1-0528-Qwen3-8B": _QWEN3 | shape(4096, 36, 32, 8, 12288) | {
        "max_position_embeddings": 131072, "max_window_layers": 36, "tie_word_embeddings": False,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768,
                         "attn_factor": 0.8782488562869419}},
    "Qwen3-4B of transformers 5": {
        **{k: v for k, v in _QWEN3.items() if k not in ("rope_theta", "rope_scaling", "torch_dtype")},
        **shape(2560, 36, 32, 8, 9728), "dtype": "bfloat16", "layer_types": ["full_attention"] * 36,
        "max_window_layers": 36, "pad_token_id": None, "tie_word_embeddings": True, "transformers_version": "5.17.0",
        "rope_parameters": {"rope_theta": 5000000, "rope_type": "default"}},
    "Qwen3-30B-A3B": _QWEN3 | shape(2048, 48, 32, 4, 6144) | {
        "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "decoder_sparse_step": 1,
        "max_window_layers": 48, "mlp_only_layers": [], "moe_intermediate_size": 768, "norm_topk_prob": True,
        "num_experts": 128, "num_experts_per_tok": 8, "output_router_logits": False, "router_aux_loss_coef": 0.001,
        "tie_word_embeddings": False},
    "Qwen3-Coder-480B-A35B": {k: v for k, v in _QWEN3.items() if k not in ("attention_bias", "bos_token_id")}
    | shape(6144, 62, 96, 8, 8192) | {
        "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "decoder_sparse_step": 1,
        "max_position_embeddings": 262144, "max_window_layers": 62, "mlp_only_layers": [],
        "moe_intermediate_size": 2560, "norm_topk_prob": True, "num_experts": 160, "num_experts_per_tok": 8,
        "output_router_logits": False, "qkv_bias": False, "router_aux_loss_coef": 0.0,
        "shared_expert_intermediate_size": 0, "tie_word_embeddings": False, "use_qk_norm": True},
    "Llama-3.2-1B-Instruct": _LLAMA3 | shape(2048, 16, 32, 8, 8192) | {"head_dim": 64, "tie_word_embeddings": True},
    "Llama-3.1-8B": _LLAMA3 | shape(4096, 32, 32, 8, 14336) | {
        "eos_token_id": 128001, "tie_word_embeddings": False,
        "rope_scaling": {**_LLAMA3["rope_scaling"], "factor": 8.0}},
    "DeepSeek-R1-Distill-Llama-8B": _LLAMA3 | shape(4096, 32, 32, 8, 14336) | {
        "eos_token_id": 128001, "tie_word_embeddings": False, "rope_scaling": {**_LLAMA3["rope_scaling"], "factor": 8.0},
        "pad_token_id": 128004, "unsloth_fixed": True},
    "SmolLM2-135M-Instruct": shape(576, 30, 9, 3, 1536) | {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 1,
        "eos_token_id": 2, "hidden_act": "silu", "initializer_range": 0.041666666666666664, "is_llama_config": True,
        "max_position_embeddings": 8192, "mlp_bias": False, "model_type": "llama", "pad_token_id": 2,
        "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": False, "rope_scaling": None,
        "rope_theta": 100000, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
        "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "transformers_version": "4.42.3",
        "use_cache": True, "vocab_size": 49152},
    "gpt-oss-20b": shape(2880, 24, 64, 8, 2880) | {
        "architectures": ["GptOssForCausalLM"], "attention_bias": True, "attention_dropout": 0.0,
        "eos_token_id": 200002, "experts_per_token": 4, "head_dim": 64, "hidden_act": "silu",
        "initial_context_length": 4096, "initializer_range": 0.02,
        "layer_types": ["sliding_attention", "full_attention"] * 12, "max_position_embeddings": 131072,
        "model_type": "gpt_oss", "num_experts_per_tok": 4, "num_local_experts": 32, "output_router_logits": False,
        "pad_token_id": 199999, "rms_norm_eps": 1e-05,
        "rope_scaling": {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0, "rope_type": "yarn", "truncate": False,
                         "original_max_position_embeddings": 4096},
        "rope_theta": 150000, "router_aux_loss_coef": 0.9, "sliding_window": 128, "swiglu_limit": 7.0,
        "tie_word_embeddings": False, "transformers_version": "4.55.0.dev0", "use_cache": True, "vocab_size": 201088},
    "GLM-4.5-Air": shape(4096, 46, 96, 8, 10944) | {
        "architectures": ["Glm4MoeForCausalLM"], "attention_bias": True, "attention_dropout": 0.0,
        "pad_token_id": 151329, "eos_token_id": [151329, 151336, 151338], "head_dim": 128, "hidden_act": "silu",
        "partial_rotary_factor": 0.5, "initializer_range": 0.02, "max_position_embeddings": 131072,
        "model_type": "glm4_moe", "moe_intermediate_size": 1408, "norm_topk_prob": True, "n_group": 1, "topk_group": 1,
        "n_routed_experts": 128, "n_shared_experts": 1, "routed_scaling_factor": 1.0, "num_experts_per_tok": 8,
        "first_k_dense_replace": 1, "num_nextn_predict_layers": 1, "rms_norm_eps": 1e-05, "rope_scaling": None,
        "rope_theta": 1000000, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "transformers_version": "4.54.0", "use_cache": True, "use_qk_norm": False, "vocab_size": 151552},
    "Llama-4-Scout-17B-16E-Instruct": shape(5120, 48, 40, 8, 8192) | {
        "attention_bias": False, "attention_chunk_size": 8192, "attention_dropout": 0.0, "bos_token_id": 200000,
        "eos_token_id": [200001, 200007, 200008], "for_llm_compressor": False, "head_dim": 128, "hidden_act": "silu",
        "initializer_range": 0.02, "interleave_moe_layer_step": 1, "intermediate_size_mlp": 16384,
        "max_position_embeddings": 10485760, "model_type": "llama4_text", "no_rope_layers": [],
        "num_experts_per_tok": 1, "num_local_experts": 16, "output_router_logits": False, "pad_token_id": 200018,
        "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "router_aux_loss_coef": 0.001, "router_jitter_noise": 0.0,
        "rope_scaling": {"factor": 16.0, "high_freq_factor": 1.0, "low_freq_factor": 1.0, "rope_type": "llama3",
                         "original_max_position_embeddings": 8192},
        "attn_temperature_tuning": True, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "use_cache": True,
        "use_qk_norm": True, "vocab_size": 202048},
    "Llama-2-7b, no key-value heads said": {k: v for k, v in _LLAMA3.items() if k != "rope_theta"}
    | shape(4096, 32, 32, 32, 11008) | {
        "num_key_value_heads": None, "rope_scaling": None, "max_position_embeddings": 4096, "head_dim": None,
        "quantization_config": None, "vocab_size": 32000},
}  # fmt: skip

CONFIGS |= DENSE | LATENT | RECURRENT
CONFIGS |= {
    "Qwen2.5-VL-7B-Instruct": {
        **_QWEN2, "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
        "hidden_size": 3584, "image_token_id": 151655, "intermediate_size": 18944, "max_position_embeddings": 128000,
        "max_window_layers": 28, "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
        "rope_scaling": {"mrope_section": [16, 24, 24], "type": "mrope"}, "rope_theta": 1000000.0,
        "sliding_window": 32768, "tie_word_embeddings": False, "vocab_size": 152064,
        "vision_config": {"depth": 32, "hidden_size": 1280, "num_heads": 16, "out_hidden_size": 3584},
    },
    "Qwen3-VL-4B-Instruct": {
        "architectures": ["Qwen3VLForConditionalGeneration"], "image_token_id": 151655, "model_type": "qwen3_vl",
        "text_config": {
            "attention_bias": False, "attention_dropout": 0.0, "dtype": "bfloat16", "eos_token_id": 151645,
            "head_dim": 128, "hidden_act": "silu", "hidden_size": 2560, "intermediate_size": 9728,
            "max_position_embeddings": 262144, "model_type": "qwen3_vl_text", "num_attention_heads": 32,
            "num_hidden_layers": 36, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
            "rope_scaling": {"mrope_interleaved": True, "mrope_section": [24, 20, 20], "rope_type": "default"},
            "rope_theta": 5000000, "tie_word_embeddings": True, "use_cache": True, "vocab_size": 151936,
        },
        "tie_word_embeddings": True, "transformers_version": "4.57.0.dev0", "video_token_id": 151656,
        "vision_config": {"deepstack_visual_indexes": [5, 11, 17], "depth": 24, "hidden_size": 1024},
    },
}  # fmt: skip

# Nothing of these is computed.
HARMLESS: dict[str, Any] = {
    "gradient_checkpointing": True, "_attn_implementation_autoset": True, "_name_or_path": "x", "_commit_hash": "y",
    "_flash_attn_2_enabled": False, "attn_implementation": "sdpa", "use_flash_attn": True, "temperature": 0.7,
    "top_p": 0.8, "top_k": 20, "do_sample": True, "repetition_penalty": 1.05, "max_length": 20, "min_length": 0,
    "num_beams": 1, "num_beam_groups": 1, "no_repeat_ngram_size": 0, "suppress_tokens": None, "bad_words_ids": None,
    "forced_eos_token_id": 2, "image_token_id": 5, "vision_start_token_id": 6, "tokenizer_class": "T",
    "auto_map": {"AutoConfig": "a.B"}, "id2label": {"0": "LABEL_0"}, "torchscript": False, "return_dict": True,
    "output_attentions": False, "pruned_heads": {}, "chunk_size_feed_forward": 0, "resid_pdrop": 0.1,
    "embd_pdrop": 0.1, "classifier_dropout": None, "hidden_dropout_prob": 0.1, "layerdrop": 0.0, "fp16": False,
    "bf16": True, "attention_softmax_in_fp32": True, "neftune_noise_alpha": 5, "router_z_loss_coef": 0.001,
    "router_jitter_noise": 0.0, "model_max_length": 32768, "seq_length": 4096, "pad_vocab_size_multiple": 64,
    "lora_r": 8, "unsloth_version": "2025.3.1", "language": ["en"], "license": "mit", "use_liger_kernel": True,
    "global_step": 1000, "base_model_name_or_path": "a/b", "alibi": False, "use_bias": False, "mup_scale": None,
    "logit_scale": 1.0, "final_logit_softcapping": None, "num_shared_experts": 0, "rope_interleaved": False,
    "hidden_activation": "silu", "is_causal": True, "norm_type": "rms_norm", "quantization": None,
}  # fmt: skip

# All of these are.
COMPUTED: dict[str, Any] = {
    "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "query_pre_attn_scalar": 256,
    "logit_scale": 0.0625, "logits_scaling": 8.0, "embedding_multiplier": 12.0, "attention_multiplier": 0.0078125,
    "scale_emb": 12, "scale_depth": 1.4, "clip_qkv": 8.0, "alibi": True, "use_bias": True, "mlp_bias": True,
    "no_rope_layers": [1, 1, 1, 0], "attn_temperature_tuning": True, "attention_chunk_size": 8192,
    "num_shared_experts": 1, "shared_expert_intermediate_size": 512, "first_k_dense_replace": 1, "kv_lora_rank": 512,
    "q_lora_rank": 1536, "topk_group": 4, "n_group": 8, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid",
    "moe_layer_freq": 2, "full_attention_interval": 4, "rotary_pct": 0.25, "rotary_dim": 32, "n_heads": 3,
    "partial_rotary_factor": 0.5, "rope_local_base_freq": 10000.0, "use_mrope": True, "rope_interleaved": True,
    "norm_type": "layer_norm", "hidden_act": "relu2", "hidden_activation": "gelu", "position_embedding_type": "alibi",
    "use_parallel_residual": True, "use_sandwich_norm": True, "conv_kernel_size": 4, "ssm_state_size": 16,
    "attn_output_gate": True, "layer_scale_init_value": 1e-5, "num_kv_shared_layers": 2, "is_causal": False,
    "use_bidirectional_attention": True, "attn\nscale": 2.0, "dual_chunk_attention_config": {"chunk_size": 8}, "lm_head_multiplier": 0.2, "quantization": {"bits": 4}, "swiglu_limit": 7.0,
    "rope_scaling": {"rope_type": "xdrope", "factor": 2.0}, "vision_config": {"depth": 27}, "use_rope": False,
}  # fmt: skip
