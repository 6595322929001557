"""Which keys of a config.json that no forward pass reads are harmless there: by what their names and values say.

Repositories carry keys of every program they passed through. A key whose name speaks of nothing a forward pass computes
is harmless whatever its value; one that does is harmless only with the value that asks for nothing.
"""

from __future__ import annotations

import re
from typing import Any

# Names of what is computed: a key with one of these words may change the arithmetic.
ARITHMETIC = frozenset(
    """
    act activation alibi alpha attention attn beta bias block blocks cap causal clamp clip compression conv cross
    delta dense depth dim divisor embed embedding embeddings encoder expert experts factor feedforward ffn freq
    frequency gate gated gating glu group groups head heads hybrid indexer k key kv lambda latent layer layernorm
    layernorms layers linear logit logits mamba mixer mixture mla mlp moe mrope mtp mu mult multiplier mup nextn
    ngram norm normalization normalize normalized norms pattern pooling position positional positions projection q
    qk qkv quant quantization quantized query recurrent relative residual rms rmsnorm rope rotary routed router
    routing sandwich scalar scale scaled scales scaling score scores scoring shared sink sinks sliding softcap
    softcapping softmax sparse sparsity ssm swiglu swish theta topk truncate v value window yarn
    """.split()
)
# Words that say of such a name that it is about training, about how or how precisely something is computed, or about
# what is given back.
NOT_ARITHMETIC = frozenset(
    """
    aux auxiliary backend bf16 bfloat16 checkpoint checkpointing coef coefficient compile decay drop dropout dtype
    flash fp16 fp32 fp8 freeze frozen fuse fused grad gradient implementation initialization initialize initializer
    jitter labels layerdrop loss lr noise pdrop precision return sdpa std tp train training warmup
    """.split()
)
# Said by transformers of every model, and by older versions of it with generation settings: none of them matters here.
IGNORED = frozenset(
    """
    add_cross_attention architectures chunk_size_feed_forward cross_attention_hidden_size diversity_penalty
    do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty finetuning_task id2label
    is_decoder is_encoder_decoder label2id length_penalty low_memory max_window_layers model_type
    no_repeat_ngram_size num_beam_groups num_beams output_attentions output_hidden_states output_router_logits
    penalty_alpha prefix pretraining_tp problem_type pruned_heads repetition_penalty return_dict
    router_aux_loss_coef sliding_window task_specific_params temperature tf_legacy_loss tie_encoder_decoder top_k
    top_p torchscript typical_p use_bfloat16 use_cache vocab_size
    """.split()
)
# Other programs' names for keys that are read: they may stand beside them and say the same.
SYNONYMS = {
    "n_layer": "num_hidden_layers", "n_layers": "num_hidden_layers", "num_layers": "num_hidden_layers",
    "n_head": "num_attention_heads", "n_heads": "num_attention_heads", "num_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads", "num_kv_heads": "num_key_value_heads", "n_head_kv": "num_key_value_heads",
    "multi_query_group_num": "num_key_value_heads", "num_query_groups": "num_key_value_heads",
    "n_embd": "hidden_size", "embedding_size": "hidden_size",
    "d_model": "hidden_size", "dim": "hidden_size", "hidden_dim": "hidden_size",
    "ffn_dim": "intermediate_size", "d_ff": "intermediate_size", "ffn_hidden_size": "intermediate_size",
    "n_inner": "intermediate_size", "kv_channels": "head_dim", "attention_head_dim": "head_dim", "d_head": "head_dim",
    "rotary_dim": "head_dim", "qk_rope_head_dim": "head_dim", "v_head_dim": "head_dim", "qk_head_dim": "head_dim",
    "rotary_emb_base": "rope_theta", "rotary_base": "rope_theta", "rope_base": "rope_theta",
    "rope_freq_base": "rope_theta", "layer_norm_eps": "rms_norm_eps", "layer_norm_epsilon": "rms_norm_eps",
    "layernorm_epsilon": "rms_norm_eps", "norm_eps": "rms_norm_eps", "norm_epsilon": "rms_norm_eps",
    "n_positions": "max_position_embeddings", "max_position_embedding": "max_position_embeddings",
    "experts_per_token": "num_experts_per_tok", "num_experts_per_token": "num_experts_per_tok",
    "moe_topk": "num_experts_per_tok", "moe_top_k": "num_experts_per_tok", "router_topk": "num_experts_per_tok",
    "n_routed_experts": "num_experts", "moe_num_experts": "num_experts",
    "tie_embeddings": "tie_word_embeddings", "expert_intermediate_size": "moe_intermediate_size",
    "norm_topk": "norm_topk_prob",
}  # fmt: skip
# What the forward passes here do, under the names by which a config may say so; any other value is refused.
SUPPORTED_VALUES: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu", "swish"), "activation": ("silu", "swish", "swiglu"), "hidden_activation": ("silu", "swish"),
    "activation_function": ("silu", "swish", "swiglu"), "mlp_activation": ("silu", "swish"),
    "ffn_act_fn": ("silu", "swish"), "act_fn": ("silu", "swish"),
    "norm_type": ("rms_norm", "rmsnorm", "RMSNorm"), "normalization_type": ("rms_norm", "rmsnorm", "RMSNorm"),
    "use_rms_norm": (True,), "rms_norm": (True,), "normalization": ("rms_norm", "rmsnorm", "RMSNorm"),
    "position_embedding_type": ("rope", "rotary", "absolute"),  # which transformers writes of models with a rotation
    "pos_emb": ("rope",), "use_rope": (True,), "use_rotary": (True,), "rotary": (True,),
    "use_rotary_embeddings": (True,), "use_rotary_position_embeddings": (True,), "use_rotary_pos_emb": (True,),
    "rope": (True,),
    "is_causal": (True,), "causal": (True,), "causal_attention": (True,),
    "use_glu": (True,), "gated_mlp": (True,), "use_gated_mlp": (True,), "glu_mlp": (True,), "swiglu": (True,),
    "scale_attn_weights": (True,), "scale_attention": (True,), "pre_norm": (True,), "prenorm": (True,),
    "no_bias": (True,), "scoring_func": ("softmax",), "router_scoring_func": ("softmax",), "topk_method": ("greedy",),
    "score_function": ("softmax",), "decoder_sparse_step": (1,), "moe_layer_freq": (1,), "first_k_dense_replace": (0,),
    "attention_type": ("full", "full_attention", "gqa", "mha"),
}  # fmt: skip
# Words of keys whose neutral value is 1; that of any other is 0.
NEUTRAL_ONE = frozenset(
    "factor freq frequency group groups interval mult multiplier pct rotary scalar scale scaled scales scaling".split()
)
OFF: tuple[Any, ...] = (None, False, "", "none", "None", "null", "default", "disabled")


def split_words(key: str) -> set[str]:
    """`useSlidingWindow` and `use_sliding_window` are the same three."""
    return set(re.split(r"[\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()))


def names_a_token(key: str) -> bool:
    """Whether a key is a token's number, or those of several."""
    return key.endswith(("_token_id", "_token_ids", "_token_index"))


def is_harmless(key: str, value: Any, known: dict[str, Any]) -> bool:
    """Whether a key that is not read changes nothing, beside the keys `known` that are."""
    if key in SUPPORTED_VALUES:
        return any(type(value) is type(one) and value == one for one in SUPPORTED_VALUES[key]) or value is None
    if key.startswith("_") or key in IGNORED or names_a_token(key):
        return True
    parts = split_words(key)
    if parts & NOT_ARITHMETIC or not parts & ARITHMETIC:
        return not (isinstance(value, dict) and parts & {"vision", "audio", "speech", "image", "video"} and value)
    if key in SYNONYMS and value == known.get(SYNONYMS[key], value):
        return True
    if isinstance(value, list | dict | str) or value is None or value is False:
        return not value or value in OFF
    return bool(value == (1 if parts & NEUTRAL_ONE else 0)) and value is not True
