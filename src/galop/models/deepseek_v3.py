"""DeepSeek-V3 and R1: attention to one short row for each token, from which all heads make their keys and values, and
DeepSeek's mixture of experts (DeepSeek-AI, 2024)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.models.config_layers import FULL
from galop.models.deepseek_mixture import MIXTURE_KEYS, MIXTURE_NAMES, DeepSeekMixture, DeepSeekMixtureConfig
from galop.models.gguf_mapping import CHECKS, KEYS, NAMES, ConfigDict, GGUFMapping, Key
from galop.models.next_tokens import NEXT_TOKEN_KEYS, NEXT_TOKEN_NAMES, count_layers, drop_next_tokens
from galop.ops import Tensor, head_linear, latent_attention, linear, linears, rms_norm, split
from galop.weights.stored_tensor import StoredTensor, Tensors
from galop.weights.tree import Tree

LATENT_EPS = 1e-6  # of the norms of compressed values, whatever that of the others is

LATENT_NAMES = {
    "attn_q_a": "self_attn.q_a_proj",
    "attn_q_a_norm": "self_attn.q_a_layernorm",
    "attn_q_b": "self_attn.q_b_proj",
    "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm",
    "attn_kv_b": "self_attn.kv_b_proj",
    "attn_k_b": "self_attn.k_b_proj",
    "attn_v_b": "self_attn.v_b_proj",
}
LATENT_KEYS = (
    *(key for key in KEYS if key.config not in ("num_key_value_heads", "head_dim")),
    Key("q_lora_rank", "attention.q_lora_rank", int, least=0),
    Key("kv_lora_rank", "attention.kv_lora_rank", int, required=True),
    Key("qk_rope_head_dim", "rope.dimension_count", int, required=True),
    Key("qk_head_dim", "attention.key_length", int),  # of files that keep keys and values of each head
    Key("qk_head_dim", "attention.key_length_mla", int),
    Key("v_head_dim", "attention.value_length", int),
    Key("v_head_dim", "attention.value_length_mla", int),
    Key("scoring_func", "expert_gating_func", int, least=0),
    Key("mscale_all_dim", "rope.scaling.yarn_log_multiplier", float),
)


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """What a reader has to know of this architecture's files, above all of older ones: which router they mean, in how
    many groups, and that YaRN's multiplier is a tenth of the config's."""
    count_layers(config)
    rotation = config.setdefault("rope_scaling", {})
    if multiplier := config.pop("mscale_all_dim", 0):
        rotation.update(mscale=10 * multiplier, mscale_all_dim=10 * multiplier)
    if beta := config.pop("llama_4_scaling_beta", 0):
        rotation["llama_4_scaling_beta"] = beta
    corrected = any(name.endswith("e_score_correction_bias") for name in tensors)
    gating = config.pop("scoring_func", 0) or (2 if corrected else 1)
    config["scoring_func"] = {1: "softmax", 2: "sigmoid"}.get(gating, str(gating))
    config.setdefault("topk_method", "noaux_tc" if corrected else "group_limited_greedy")
    config.setdefault("norm_topk_prob", False)
    if (config["num_hidden_layers"], config.get("num_experts")) == (61, 256):
        config.update(n_group=config.get("n_group", 8), topk_group=config.get("topk_group", 4))
    return tensors


@dataclass(frozen=True)
class DeepSeekV3Config(DeepSeekMixtureConfig):
    """The mixture's, and the ranks and widths of latent attention."""

    kv_lora_rank: int = 512
    q_lora_rank: int = 0
    qk_rope_head_dim: int = 64
    qk_nope_head_dim: int = 128
    v_head_dim: int = 128
    qk_head_dim: int = 0  # both parts of a query's together
    num_nextn_predict_layers: int = 0

    spellings: ClassVar = {**DeepSeekMixtureConfig.spellings, "num_mtp_layers": "num_nextn_predict_layers"}
    supported_values: ClassVar = {"rope_interleave": (True,), "mlp_bias": (False,)}

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """A head is what is rotated of it, and there are as many of keys as of queries. Raises ModelFileError as that
        of Config does."""
        raw = super().respell(raw, file)
        raw["head_dim"] = raw.get("qk_rope_head_dim", cls.qk_rope_head_dim)
        raw["num_key_value_heads"] = raw.get("num_attention_heads")
        raw.pop("mlp_layer_types", None)  # tensors say it
        if "qk_nope_head_dim" not in raw and type(raw.get("qk_head_dim")) is int:
            raw["qk_nope_head_dim"] = raw["qk_head_dim"] - raw["head_dim"]
        return raw


class DeepSeekV3(DeepSeekMixture):
    """DeepSeek's mixture with latent attention."""

    model_type = "deepseek_v3"
    other_model_types = ("kimi_k2",)
    config_class = DeepSeekV3Config
    gguf = GGUFMapping(
        "deepseek2",
        names={**NAMES, **LATENT_NAMES, **MIXTURE_NAMES, **NEXT_TOKEN_NAMES},
        keys=(*LATENT_KEYS, *MIXTURE_KEYS, *NEXT_TOKEN_KEYS),
        checks={**CHECKS, "attention.head_count_kv": lambda config, value: True},
        restore=restore,
    )
    interleaved = True
    config: DeepSeekV3Config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With the matrix that expands rows taken apart, and without layers for later tokens."""
        kept: Tensors = {}
        for name, tensor in drop_next_tokens(tensors, config).items():
            if name.endswith(".kv_b_proj.weight"):
                kept |= split_expansion(tensor, name.removesuffix("kv_b_proj.weight"), config)
            elif name.endswith((".k_b_proj.weight", ".v_b_proj.weight")):
                kept[name] = tensor.reshape(tensor.rows, tensor.width)
            else:
                kept[name] = tensor
        return super().sanitize(kept, config)

    def attention_scale(self) -> float:
        """That of whole heads, and a sharper one for contexts that YaRN stretches."""
        c, rotation = self.config, self.config.rope_parameters[FULL]
        factor, sharper = float(rotation.get("factor", 1)), float(rotation.get("mscale_all_dim") or 0)
        magnitude = 0.1 * sharper * math.log(factor) + 1 if factor > 1 else 1.0
        return float((c.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5 * magnitude**2)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention to one row for each token: what would make keys and values of it is applied to queries and results
        instead."""
        c, heads = self.config, self.config.num_attention_heads
        compress = [w.q_a_proj if c.q_lora_rank else w.q_proj, w.kv_a_proj_with_mqa]
        q, row = linears(x, compress, [p.bias if p.bias else None for p in compress])
        if c.q_lora_rank:
            q = linear(rms_norm(q, w.q_a_layernorm.of(c.q_lora_rank), LATENT_EPS), w.q_b_proj)
        q, q_rotated = split(self.scale_queries(q), [c.qk_nope_head_dim, c.qk_rope_head_dim], heads)
        latent, rotated = split(row, [c.kv_lora_rank, c.qk_rope_head_dim])
        out = latent_attention(
            self.inputs,
            head_linear(q, w.k_b_proj, heads),
            self.rotate(i, q_rotated),
            rms_norm(latent, w.kv_a_layernorm.of(c.kv_lora_rank), LATENT_EPS),
            self.rotate(i, rotated),
            i,
            heads,
            self.attention_scale(),
        )
        return linear(head_linear(out, w.v_b_proj, heads), w.o_proj, w.o_proj.bias if w.o_proj.bias else None)

    def scale_queries(self, q: Tensor) -> Tensor:
        """Queries as they are."""
        return q


def split_expansion(tensor: StoredTensor, at: str, config: dict[str, Any]) -> Tensors:
    """`kv_b_proj`, whose rows are each head's for keys and then its for values, as `k_b_proj` [heads * rank, width],
    transposed in each head, and `v_b_proj` [heads * width, rank]. Raises ModelFileError where the shapes differ."""
    config = DeepSeekV3Config.respell(config, tensor.name)
    heads, keys = config["num_attention_heads"], config.get("qk_nope_head_dim", DeepSeekV3Config.qk_nope_head_dim)
    rank, each = tensor.shape[-1], tensor.shape[0] // heads
    rows = np.arange(heads * each).reshape(heads, each)
    k = tensor.reorder(rows[:, :keys].reshape(-1)).reshape(heads, keys, rank).transpose()
    return {
        f"{at}k_b_proj.weight": k.reshape(heads * rank, keys),
        f"{at}v_b_proj.weight": tensor.reorder(rows[:, keys:].reshape(-1)),
    }
