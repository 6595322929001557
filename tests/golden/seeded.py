"""Golden cases whose weights follow from their names: for each the family's settings, and values known from elsewhere.

`python tests/golden/make.py NAME` writes NAME.json (config, names, shapes) and NAME.npy (transformers' logits).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BASE = {
    "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "pad_token_id": None, "bos_token_id": 0,
    "eos_token_id": 255,
}  # fmt: skip
GOLD_IDS = [(7 * i + 3) % 96 for i in range(1, 13)]


@dataclass(frozen=True)
class Gold:
    """Logits of GOLD_IDS over the first 96 tokens, computed apart from this project: those of tokens 0, 1, ... after the
    last id and after the first, the mean of their absolute values, and the largest after each id."""

    last: list[float]
    mean: float
    first: list[float] = field(default_factory=list)
    largest: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Seeded:
    """A model_type of transformers with settings beside, or in place of, those of BASE; in a text_config beside
    `around`, if it is a model of more than texts."""

    model_type: str
    settings: dict[str, Any] = field(default_factory=dict)
    gold: Gold | None = None
    around: dict[str, Any] = field(default_factory=dict)
    model_class: str = ""  # transformers' own, where AutoModelForCausalLM does not know it


LATENT = {
    "num_key_value_heads": 4, "kv_lora_rank": 32, "q_lora_rank": 48, "qk_rope_head_dim": 16, "qk_nope_head_dim": 24,
    "v_head_dim": 32, "moe_intermediate_size": 32, "n_routed_experts": 8, "num_experts_per_tok": 2,
}  # fmt: skip
DEEPSEEK_YARN = {
    "rope_type": "yarn", "factor": 40.0, "original_max_position_embeddings": 16, "beta_fast": 32, "beta_slow": 1,
    "mscale": 0.707, "mscale_all_dim": 0.707,
}  # fmt: skip
GEMMA4_ROPE = {
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
}  # fmt: skip
GEMMA4 = {
    "head_dim": 32, "global_head_dim": 64, "sliding_window": 4, "final_logit_softcapping": 30.0,
    "rope_parameters": GEMMA4_ROPE,
}  # fmt: skip
LONG_DIVISORS = [1.0, 1.5, 2.0, 4.0, 8.0, 16.0]
MINISTRAL_ROPE = {
    "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 8, "beta_fast": 32.0,
    "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
}  # fmt: skip
QUARTER = {"rope_type": "default", "partial_rotary_factor": 0.25}
B5_EXPERTS = {
    "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32,
}  # fmt: skip
B5 = {
    "layer_types": [*3 * ["linear_attention"], "full_attention"], "head_dim": 64, "linear_key_head_dim": 16,
    "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "rope_parameters": {**QUARTER, "rope_theta": 1e7, "mrope_section": [3, 3, 2], "mrope_interleaved": True},
}  # fmt: skip
QWEN3_VL = {
    "num_hidden_layers": 2, "head_dim": 32, "rms_norm_eps": 1e-6,
    "rope_parameters": {
        "rope_type": "default", "rope_theta": 5e6, "mrope_section": [6, 5, 5], "mrope_interleaved": True,
    },
}  # fmt: skip
QWEN3_VISION = {
    "depth": 1, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64, "patch_size": 2,
    "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
}  # fmt: skip
SEEDED: dict[str, Seeded] = {
    "mistral": Seeded("mistral", {"head_dim": 32, "sliding_window": None}),
    "smollm3": Seeded("smollm3", {}, Gold([0.58658, 0.4332], 0.532763)),
    "phi3": Seeded(
        "phi3",
        {
            "original_max_position_embeddings": 512, "partial_rotary_factor": 0.75,
            "rope_scaling": {
                "type": "longrope", "attention_factor": 1.0690449676496976,  # of a factor 2 beyond 128
                "short_factor": [1.0] * 6, "long_factor": LONG_DIVISORS,
            },
        },
        Gold([-0.38831, -0.09541], 0.576837),
    ),
    "phi3_long": Seeded(
        "phi3",
        {
            "original_max_position_embeddings": 8, "partial_rotary_factor": 0.75,
            "sliding_window": 1024,
            "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 6, "long_factor": LONG_DIVISORS},
        },
    ),
    "glm4": Seeded("glm4", {"head_dim": 32}, Gold([-0.47709, -0.72876], 0.523289)),
    "ernie4_5": Seeded("ernie4_5", {"head_dim": 32}, Gold([-0.05269, -0.49803], 0.458175)),
    "hunyuan_v1_dense": Seeded("hunyuan_v1_dense", {"head_dim": 32}, Gold([0.75013, -0.51127], 0.505927)),
    "hunyuan_v1_dense_alpha": Seeded(
        "hunyuan_v1_dense",
        {
            "head_dim": 32, "tie_word_embeddings": True,
            "rope_scaling": {
                "type": "dynamic", "alpha": 1000.0, "factor": 1.0, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
                "mscale_all_dim": 1.0,
            },
        },
    ),
    "glm4_moe": Seeded(
        "glm4_moe",
        {
            "head_dim": 32, "attention_bias": True, "use_qk_norm": True, "rope_theta": 1e6, "n_routed_experts": 8,
            "num_experts_per_tok": 2, "moe_intermediate_size": 32, "first_k_dense_replace": 1,
        },
        Gold([1.01077, -0.31103], 0.539859),
    ),
    "glm4_moe_groups": Seeded(
        "glm4_moe",
        {
            "num_hidden_layers": 2, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_group": 4, "topk_group": 2,
            "moe_intermediate_size": 32, "n_shared_experts": 2, "routed_scaling_factor": 2.5,
        },
    ),
    "qwen2_5_vl_text": Seeded(
        "qwen2_5_vl",
        {
            "num_hidden_layers": 2, "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        },
        around={
            "vision_config": {
                "depth": 1, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
                "patch_size": 2, "fullatt_block_indexes": [0],
            },
        },
    ),
    "qwen3_vl_text": Seeded("qwen3_vl", QWEN3_VL, around={"vision_config": QWEN3_VISION}),
    "qwen3_vl_moe_text": Seeded(
        "qwen3_vl_moe",
        {
            **QWEN3_VL, "num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32, "mlp_only_layers": [],
        },
        around={"vision_config": QWEN3_VISION},
    ),
    "starcoder2": Seeded("starcoder2", {"sliding_window": None}),
    "stablelm": Seeded("stablelm", {"use_qkv_bias": True, "head_dim": 32, "hidden_size": 128}),
    "phi": Seeded("phi", {"partial_rotary_factor": 0.5}),
    "nemotron": Seeded("nemotron", {"head_dim": 16}),
    "muse_glimmer": Seeded(
        "muse_glimmer",
        {"sliding_window": 4, "head_dim": 64},
        around={
            "vision_config": {
                "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
                "pos_emb_height": 4, "pos_emb_width": 4, "patch_size": 2,
            },
            "out_hidden_size": 64, "projector_hidden_size": 24,
        },
    ),
    "gpt_oss": Seeded(
        "gpt_oss",
        {
            "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 32, "num_local_experts": 8,
            "num_experts_per_tok": 2, "sliding_window": 4,
        },
        Gold([0.75161, 1.56525, -1.31929, 0.51178], 0.499796, [0.61683, 0.90184]),
    ),
    "gpt_oss_quantised": Seeded(
        "gpt_oss",
        {
            "num_hidden_layers": 3, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 6,
            "swiglu_limit": 0.5, "rms_norm_eps": 1e-6,
        },
    ),
    "llama4_text": Seeded(
        "llama4_text",
        {
            "num_local_experts": 4, "intermediate_size_mlp": 128, "interleave_moe_layer_step": 2, "head_dim": 32,
        },
    ),
    "llama4_chunks": Seeded(
        "llama4_text",
        {
            "num_hidden_layers": 3, "num_local_experts": 4, "num_experts_per_tok": 2, "use_qk_norm": False,
            "no_rope_layers": [1, 0, 1], "attention_chunk_size": 8, "floor_scale": 4,
            "rope_scaling": {
                "rope_type": "llama3", "factor": 16.0, "low_freq_factor": 1.0, "high_freq_factor": 1.0,
                "original_max_position_embeddings": 64,
            },
        },
    ),
    "glm4_moe_lite": Seeded("glm4_moe_lite", LATENT, Gold([-0.11731, -1.19623], 0.492986)),
    "deepseek_v3": Seeded(
        "deepseek_v3",
        {
            **LATENT, "num_hidden_layers": 2, "n_group": 4, "topk_group": 2, "first_k_dense_replace": 1, "rope_scaling": DEEPSEEK_YARN,
            "rope_theta": 10000.0,
        },
    ),
    "deepseek_v2_lite": Seeded(
        "deepseek_v2",
        {
            **LATENT, "num_hidden_layers": 2, "q_lora_rank": None, "first_k_dense_replace": 1, "n_shared_experts": 2,
            "rope_scaling": DEEPSEEK_YARN, "rope_theta": 10000.0,
        },
    ),
    "deepseek_v2": Seeded(
        "deepseek_v2",
        {
            **LATENT, "num_hidden_layers": 2, "qk_nope_head_dim": 32, "topk_method": "group_limited_greedy", "n_group": 4,
            "topk_group": 2, "routed_scaling_factor": 2.0,
        },
    ),
    "deepseek_v32": Seeded("deepseek_v32", {**LATENT, "num_hidden_layers": 2, "index_topk": 256, "n_group": 1, "topk_group": 1}),
    "mistral4": Seeded(
        "mistral4",
        {
            **LATENT, "num_hidden_layers": 2, "rope_parameters": {
                **DEEPSEEK_YARN, "rope_theta": 10000.0, "llama_4_scaling_beta": 0.1, "mscale": 1.0, "mscale_all_dim": 1.0,
            },
        },
        model_class="Mistral4ForCausalLM",
    ),
    "gemma3_text": Seeded(
        "gemma3_text",
        {
            "num_hidden_layers": 6, "num_key_value_heads": 1, "head_dim": 32, "query_pre_attn_scalar": 32,
            "sliding_window": 4, "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        },
        Gold([0.64094, -0.04878, 0.90571, -0.25117], 0.485482, [-0.1244, -0.36965]),
    ),
    "gemma4_text": Seeded(
        "gemma4_text",
        {
            **GEMMA4, "num_hidden_layers": 6, "num_key_value_heads": 1, "num_kv_shared_layers": 3,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2,
            "hidden_size_per_layer_input": 16, "vocab_size_per_layer_input": 256, "use_double_wide_mlp": True,
        },
        Gold([0.48534, 0.25812, -0.09708, -0.48336], 0.524009),
    ),
    "gemma4_mixture": Seeded(
        "gemma4_text",
        {
            **GEMMA4, "num_hidden_layers": 3, "num_global_key_value_heads": 1, "attention_k_eq_v": True,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
            "hidden_size_per_layer_input": 0, "enable_moe_block": True, "num_experts": 8, "top_k_experts": 2,
            "moe_intermediate_size": 32,
        },
        Gold([0.77915, 0.84768, -0.0696, -0.94187], 0.528482),
    ),
    "gemma2": Seeded(
        "gemma2",
        {
            "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 4, "attn_logit_softcapping": 2.0,
            "final_logit_softcapping": 3.0,
        },
    ),
    "gemma": Seeded("gemma", {"head_dim": 32}),
    "cohere2": Seeded("cohere2", {"sliding_window": 4, "logit_scale": 0.25}),
    "cohere": Seeded("cohere", {"logit_scale": 0.25}),
    "exaone": Seeded(
        "exaone",
        {
            "rope_scaling": {
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        },
    ),
    "qwen3_5_text": Seeded(
        "qwen3_5_text",
        {**B5, "intermediate_size": 96},
        Gold(
            [-0.3836, -0.74843, 0.06024, 1.01077],
            0.550775,
            [0.00397, 0.22933],
            [8, 36, 41, 57, 84, 79, 43, 59, 50, 7, 78, 84],
        ),
    ),
    "qwen3_5_moe_text": Seeded(
        "qwen3_5_moe_text",
        {**B5, **B5_EXPERTS},
        Gold(
            [-0.47547, 0.58496, -0.44703, 0.40313],
            0.534950,
            largest=[88, 41, 81, 36, 48, 7, 61, 72, 31, 37, 26, 44],
        ),
    ),
    "qwen3_next": Seeded(
        "qwen3_next",
        {**B5, **B5_EXPERTS, "rope_parameters": {**QUARTER, "rope_theta": 1e7}},
        Gold(
            [0.37228, 0.53544, -0.5444, 0.36359],
            0.523940,
            [1.16112, -0.00365],
            [38, 70, 75, 78, 75, 53, 53, 10, 68, 91, 2, 89],
        ),
    ),
    "granitemoe": Seeded(
        "granitemoe",
        {
            "num_hidden_layers": 2, "intermediate_size": 32, "num_local_experts": 8, "num_experts_per_tok": 3,
            "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.0625,
            "logits_scaling": 6.0, "tie_word_embeddings": True,
        },
    ),
    "granitemoehybrid": Seeded(
        "granitemoehybrid",
        {
            "num_hidden_layers": 3, "layer_types": ["linear_attention", "linear_attention", "full_attention"],
            "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 48,
            "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.0625,
            "logits_scaling": 3.0, "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_n_groups": 1,
        },
        Gold([0.02473, 0.05473], 0.176556),
    ),
    "granitemoehybrid_dense": Seeded(
        "granitemoehybrid",
        {
            "num_hidden_layers": 2, "layer_types": ["full_attention", "linear_attention"], "num_local_experts": 0,
            "num_experts_per_tok": 0, "shared_intermediate_size": 48, "position_embedding_type": "rope",
            "mamba_n_heads": 4, "mamba_d_head": 32, "mamba_d_state": 16, "mamba_n_groups": 2,
            "tie_word_embeddings": True,
        },
    ),
    "nemotron_h": Seeded(
        "nemotron_h",
        {
            "layers_block_type": ["linear_attention", "moe", "full_attention", "moe", "linear_attention"],
            "head_dim": 32, "ssm_state_size": 16, "mamba_num_heads": 8, "mamba_head_dim": 16, "n_groups": 2,
            "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "routed_scaling_factor": 2.5,
            "moe_shared_expert_intermediate_size": 48,
        },
    ),
    "nemotron_h_latent": Seeded(
        "nemotron_h",
        {
            "layers_block_type": ["linear_attention", "mlp", "full_attention", "moe"], "head_dim": 32,
            "ssm_state_size": 24, "mamba_num_heads": 4, "mamba_head_dim": 32, "n_groups": 1, "n_routed_experts": 8,
            "num_experts_per_tok": 2, "moe_intermediate_size": 32, "moe_latent_size": 32,
            "moe_shared_expert_intermediate_size": 48, "n_group": 2, "topk_group": 1,
        },
    ),
    "lfm2_moe": Seeded(
        "lfm2_moe",
        {
            "layer_types": ["conv", "conv", "full_attention", "conv"], "num_dense_layers": 1, "num_experts": 8,
            "num_experts_per_tok": 2, "moe_intermediate_size": 32, "norm_eps": 1e-5, "rope_theta": 1e6,
        },
    ),
    "lfm2": Seeded(
        "lfm2",
        {
            "layer_types": ["conv", "conv", "full_attention", "conv"], "block_auto_adjust_ff_dim": False,
            "norm_eps": 1e-5, "rope_theta": 1e6,
        },
        Gold([1.036, 1.07648], 0.516810),
    ),
    "seed_oss": Seeded("seed_oss", {"head_dim": 32}, Gold([1.17231, -0.11962], 0.515996)),
    "mistral_window": Seeded(
        "mistral", {"head_dim": 32, "sliding_window": 4}, Gold([0.97656, -0.10957], 0.496694)
    ),
    "ministral3": Seeded(
        "ministral3", {"head_dim": 32, "rope_parameters": MINISTRAL_ROPE},
        Gold([0.32961, -0.63054], 0.499099),
    ),
    "olmo3": Seeded("olmo3", {"sliding_window": 4}, Gold([0.20249, -0.43323], 0.523919)),
    "olmo3_yarn": Seeded(
        "olmo3",
        {
            "sliding_window": 4, "rope_theta": 500000.0,
            "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64},
        },
    ),
    "granite": Seeded(
        "granite",
        {
            "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.0625,
            "logits_scaling": 3.0, "tie_word_embeddings": True,
        },
    ),
    "exaone4": Seeded("exaone4", {"sliding_window": 4, "head_dim": 32}),
    "exaone4_full": Seeded(
        "exaone4",
        {
            "sliding_window": None, "layer_types": ["full_attention"] * 4, "tie_word_embeddings": True,
            "rope_scaling": {
                "rope_type": "llama3", "factor": 16.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        },
    ),

    "olmo2": Seeded("olmo2", {}, Gold([-0.13718, -0.69246], 0.544341)),
}  # fmt: skip
