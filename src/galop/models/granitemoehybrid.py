"""Granite 4: Mamba-2 on most layers and attention without positions on the others, with or without experts beside the
shared feed-forward part (IBM, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.checkpoint_forms import split_fused
from galop.models.config_layers import FULL, LINEAR
from galop.models.experts import (
    EXPERT_KEYS,
    EXPERT_NAMES,
    MixtureConfig,
    mix_experts,
    score_experts,
    split_experts,
)
from galop.models.gguf_mapping import KEYS, SCALE_KEYS, ConfigDict, GGUFMapping, Key
from galop.models.granite import Granite, GraniteConfig
from galop.models.granitemoe import rename_experts
from galop.models.llama import Llama
from galop.models.recurrent import (
    MAMBA_KEYS,
    MAMBA_NAMES,
    NO_LIMITS,
    MambaConfig,
    mamba2,
    prepare_recurrent,
    split_mamba,
)
from galop.ops import Tensor, route, scale
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

FEED_FORWARD = {
    f"ffn_{part}{kind}": f"mlp.shared_expert.{part}_proj" for part in ("gate", "up", "down") for kind in ("", "_shexp")
}


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """Layers without key heads are those with a recurrence, whose heads' width is given as that of all together.

    Queries and keys may stay in ggml's order: they are not rotated, and their products are the same.
    """
    heads = config.pop("layer_types")
    config["layer_types"] = [FULL if count else LINEAR for count in heads]
    config["num_key_value_heads"] = max(heads)
    config["mamba_d_head"] //= config["mamba_n_heads"]
    return tensors


@dataclass(frozen=True)
class GraniteHybridConfig(GraniteConfig, MixtureConfig, MambaConfig):
    """Granite's, the sizes of Mamba-2, and those of experts if there are any."""

    position_embedding_type: str = ""
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    shared_intermediate_size: int = 0

    supported_layers: ClassVar = (FULL, LINEAR)
    supported_values: ClassVar = {
        "normalization_function": ("rmsnorm",), "mamba_conv_bias": (True,), "mamba_proj_bias": (False,),
        "time_step_limit": NO_LIMITS,
    }  # fmt: skip

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """Without what follows from other keys. Raises ModelFileError as that of all families."""
        raw = super().respell(raw, file)
        inner = raw.pop("mamba_expand", 2) * raw.get("hidden_size", 0)
        if raw.get("mamba_d_head", "auto") == "auto" and raw.get("mamba_n_heads"):
            raw["mamba_d_head"] = inner // raw["mamba_n_heads"]
        if not raw.get("num_experts"):
            raw["num_experts_per_tok"] = 0
        raw.pop("mamba_chunk_size", None)
        return raw


class GraniteHybrid(Granite):
    """Granite with Mamba-2."""

    model_type = "granitemoehybrid"
    config_class = GraniteHybridConfig
    gguf = GGUFMapping(
        "granitehybrid",
        names={**Granite.gguf.names, **EXPERT_NAMES, **FEED_FORWARD, **MAMBA_NAMES},
        keys=(
            *(key for key in KEYS if key.config != "num_key_value_heads"), *SCALE_KEYS, *EXPERT_KEYS, *MAMBA_KEYS,
            Key("shared_intermediate_size", "expert_shared_feed_forward_length", int),
            Key("layer_types", "attention.head_count_kv", list, required=True),
        ),
        restore=restore,
    )  # fmt: skip
    config: GraniteHybridConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Experts and projections apart, under the names of other families."""
        renamed = rename_experts(super().sanitize(tensors, config))
        c = cls.config_class.parse(config, "config.json")
        assert isinstance(c, GraniteHybridConfig)
        return split_mamba(prepare_recurrent(split_experts(split_fused(renamed, config))), c)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`, which attends to earlier tokens or remembers them."""
        c, normed = self.config, self.norm(x, w.input_layernorm)
        if c.layer_type(i) == FULL:
            x = x + self.attend(i, normed, w.self_attn)
        else:
            x = x + scale(mamba2(self.inputs, normed, w.mamba, c), c.residual_multiplier)
        return x + self.feed_forward(self.norm(x, w.post_attention_layernorm), w.mlp)

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """As Llama, where positions are embedded at all."""
        return super().rotate(i, x) if self.config.position_embedding_type == "rope" else x

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """What all tokens have, and the experts that one is routed to, multiplied."""
        c, fed = self.config, Llama.feed_forward(self, x, w.shared_expert)
        if c.num_experts:
            scores = score_experts(x, w.gate, c.num_experts)
            chosen, weights = route(scores, None, None, c.num_experts_per_tok, sigmoid=False, normalise=True)
            fed = fed + mix_experts(x, chosen, weights, w.experts, c.num_experts)
        return scale(fed, c.residual_multiplier)
