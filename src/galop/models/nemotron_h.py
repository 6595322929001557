"""Nemotron-H and Nemotron 3 Nano: layers of one part each, Mamba-2, attention without positions, squared ReLU or a
mixture of such experts (NVIDIA, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.config import MAX_LAYERS
from galop.models.config_layers import FULL, LINEAR
from galop.models.deepseek_mixture import MIXTURE_KEYS, MIXTURE_NAMES, DeepSeekMixtureConfig
from galop.models.experts import mix_experts, score_experts, split_experts
from galop.models.gguf_mapping import KEYS, NAMES, ConfigDict, GGUFMapping, Key
from galop.models.llama import Llama
from galop.models.next_tokens import NEXT_TOKEN_KEYS, NEXT_TOKEN_NAMES, count_layers, drop_next_tokens
from galop.models.recurrent import (
    MAMBA_KEYS,
    MAMBA_NAMES,
    NO_LIMITS,
    MambaConfig,
    mamba2,
    prepare_recurrent,
    split_mamba,
)
from galop.ops import Tensor, linear, relu_squared, route
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

MLP, MOE = "mlp", "moe"
PATTERN = {"M": LINEAR, "*": FULL, "-": MLP, "E": MOE}
# What other families call what is a mixer here.
PARTS = {LINEAR: "mamba", FULL: "self_attn", MLP: "mlp", MOE: "mlp"}
EXPERTS = {
    name: place
    for name, place in MIXTURE_NAMES.items()
    if not name.startswith(("ffn_gate_exps", "ffn_gate_shexp", "ffn_gate_up"))
}


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """What a layer is follows from its tensors; lists have an entry for each, and Mamba's heads a width together."""
    config["num_key_value_heads"] = max(config.pop("layer_types"))
    config["intermediate_size"] = max(config["intermediate_size"])
    config["mamba_d_head"] //= config["mamba_n_heads"]
    count_layers(config)
    at = "model.layers.{}."
    kinds = {"mamba.in_proj.weight": LINEAR, "self_attn.q_proj.weight": FULL, "mlp.gate.weight": MOE}
    config["layer_types"] = [
        next((kind for name, kind in kinds.items() if f"{at.format(i)}{name}" in tensors), MLP)
        for i in range(min(config["num_hidden_layers"], MAX_LAYERS))
    ]
    return tensors


@dataclass(frozen=True)
class NemotronHConfig(DeepSeekMixtureConfig, MambaConfig):
    """Llama's, the sizes of Mamba-2, and those of experts if there are any."""

    mamba_n_groups: int = 8
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    moe_shared_expert_intermediate_size: int = 0
    moe_latent_size: int = 0  # of experts that work in a narrower space
    num_nextn_predict_layers: int = 0

    supported_layers: ClassVar = (FULL, LINEAR, MLP, MOE)
    spellings: ClassVar = {
        "layers_block_type": "layer_types", "layer_norm_epsilon": "rms_norm_eps", "attention_head_dim": "head_dim",
        "mamba_num_heads": "mamba_n_heads", "mamba_head_dim": "mamba_d_head", "ssm_state_size": "mamba_d_state",
        "n_groups": "mamba_n_groups", "conv_kernel": "mamba_d_conv", **DeepSeekMixtureConfig.spellings,
    }  # fmt: skip
    defaults: ClassVar = {"head_dim": 128, "rms_norm_eps": 1e-5, "intermediate_size": 1}
    supported_values: ClassVar = {
        "mlp_hidden_act": ("relu2",), "mamba_hidden_act": ("silu",), "use_bias": (False,), "mlp_bias": (False,),
        "use_conv_bias": (True,), "mamba_proj_bias": (False,),
        "time_step_limit": NO_LIMITS,
        "moe_shared_expert_overlap": (True, False), "rescale_prenorm_residual": (True, False),
        "residual_in_fp32": (True, False), "use_mamba_kernels": (True, False),
    }  # fmt: skip

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With a type for each layer, and without what follows from other keys. Raises ModelFileError."""
        raw = dict(raw)
        pattern = raw.pop("hybrid_override_pattern", None)
        if isinstance(pattern, str) and "layers_block_type" not in raw:
            if set(pattern) - set(PATTERN):
                raise ModelFileError(f"{file}: hybrid_override_pattern = {pattern[:60]!r} is not understood")
            raw["layers_block_type"] = [PATTERN[one] for one in pattern]
        raw = super().respell(raw, file)
        if isinstance(raw.get("layer_types"), list):
            raw["num_hidden_layers"] = len(raw["layer_types"])
        # What is of no matter, and of layers for later tokens, which are left out.
        idle = ("expand", "chunk_size", "num_logits_to_keep", "mtp_layers_block_type", "mtp_hybrid_override_pattern")
        return {key: value for key, value in raw.items() if key not in idle}


class NemotronH(Llama):
    """Layers that are one part each."""

    model_type = "nemotron_h"
    config_class = NemotronHConfig
    gguf = GGUFMapping(
        "nemotron_h_moe",
        other_architectures=("nemotron_h",),
        names={
            **NAMES, **MAMBA_NAMES, **EXPERTS, **NEXT_TOKEN_NAMES, "ffn_latent_down": "mlp.fc1_latent_proj",
            "ffn_latent_up": "mlp.fc2_latent_proj",
        },
        keys=(
            Key("rms_norm_eps", "attention.layer_norm_epsilon", float),  # of files without the usual one
            *(key for key in KEYS if key.config not in ("num_key_value_heads", "intermediate_size", "rms_norm_eps")),
            Key("rms_norm_eps", "attention.layer_norm_rms_epsilon", float),
            *MAMBA_KEYS, *MIXTURE_KEYS, *NEXT_TOKEN_KEYS,
            Key("layer_types", "attention.head_count_kv", list, required=True),
            Key("intermediate_size", "feed_forward_length", list, required=True),
            Key("moe_shared_expert_intermediate_size", "expert_shared_feed_forward_length", int),
            Key("moe_latent_size", "moe_latent_size", int),
        ),
        restore=restore,
    )  # fmt: skip
    config: NemotronHConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Under the names of other families. Raises ModelFileError for a layer of no type."""
        c = cls.config_class.parse(config, "config.json")
        assert isinstance(c, NemotronHConfig)
        renamed: Tensors = {}
        for name, tensor in drop_next_tokens(super().sanitize(tensors, config), config).items():
            name = name.replace("backbone.", "model.", 1).replace("model.embeddings.", "model.embed_tokens.")
            name = name.replace("model.norm_f.", "model.norm.")
            parts = name.split(".")
            if parts[:2] == ["model", "layers"] and parts[2].isdecimal():
                if int(parts[2]) >= c.num_hidden_layers:
                    raise ModelFileError(f"{name} is of a layer that the configuration does not have")
                name = name.replace(".mixer.", f".{PARTS[c.layer_type(int(parts[2]))]}.")
                name = name.replace(f"layers.{parts[2]}.norm.", f"layers.{parts[2]}.input_layernorm.")
            renamed[name] = tensor
        return split_mamba(prepare_recurrent(split_experts(renamed)), c)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`."""
        c, normed = self.config, self.norm(x, w.input_layernorm)
        match c.layer_type(i):
            case "full_attention":
                return x + self.attend(i, normed, w.self_attn)
            case "linear_attention":
                return x + mamba2(self.inputs, normed, w.mamba, c)
            case "mlp":
                return x + self.feed_forward(normed, w.mlp)
        return x + self.mix(normed, w.mlp)

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """Positions are not embedded."""
        return x

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """Squared ReLU between two matrices (So et al., 2021)."""
        return linear(relu_squared(linear(x, w.up_proj)), w.down_proj)

    def mix(self, x: Tensor, w: Tree) -> Tensor:
        """The experts that a token is routed to, in a narrower space where there is one, and the one that all have."""
        c = self.config
        chosen, weights = route(
            score_experts(x, w.gate, c.num_experts), w.gate.e_score_correction_bias or None, None,
            c.num_experts_per_tok, True, c.norm_topk_prob, c.routed_scaling_factor, c.n_group, c.topk_group,
            2 if c.n_group > 1 else 1,
        )  # fmt: skip
        inner = linear(x, w.fc1_latent_proj) if w.fc1_latent_proj else x
        mixed = mix_experts(inner, chosen, weights, w.experts, c.num_experts)
        mixed = linear(mixed, w.fc2_latent_proj) if w.fc2_latent_proj else mixed
        return mixed + self.feed_forward(x, w.shared_experts)
