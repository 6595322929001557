"""gpt-oss: mixtures of experts with biases, attention with sinks, every second layer with a window (OpenAI, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.config_layers import FULL, SLIDING
from galop.models.experts import EXPERT_KEYS, EXPERT_NAMES, MixtureConfig, mix_experts, score_experts, split_experts
from galop.models.gguf_mapping import KEYS, NAMES, WINDOW_KEYS, ConfigDict, GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor, attention, linear, route
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """YaRN's bounds are not rounded, which no key says; nor does Ollama that it is YaRN."""
    if scaling := config.get("rope_scaling"):
        if scaling["rope_type"] == "linear":
            scaling.update(rope_type="yarn", original_max_position_embeddings=4096, beta_fast=32.0, beta_slow=1.0)
        scaling["truncate"] = False
    return tensors


@dataclass(frozen=True)
class GptOssConfig(MixtureConfig):
    """A mixture's, layers with a window, and the limits of the experts' activation."""

    swiglu_alpha: float = 1.702
    swiglu_limit: float = 7.0

    supported_layers: ClassVar = (FULL, SLIDING)
    defaults: ClassVar = {
        "attention_bias": True, "head_dim": 64, "rope_theta": 150000.0, "sliding_window": 128,
        "sliding_window_pattern": 2,
    }  # fmt: skip
    spellings: ClassVar = {**MixtureConfig.spellings, "experts_per_token": "num_experts_per_tok"}


class GptOss(Llama):
    """Llama with sinks, windows, biases and mixtures of experts."""

    model_type = "gpt_oss"
    config_class = GptOssConfig
    gguf = GGUFMapping(
        "gpt-oss",
        names={
            **NAMES, **EXPERT_NAMES, "ffn_gate_inp": "mlp.router", "attn_sinks.weight": "self_attn.sinks",
            "post_attention_norm": "post_attention_layernorm",
            "attn_out": "self_attn.o_proj", "attn_sinks": "self_attn.sinks",  # in Ollama's files
        },
        other_architectures=("gptoss",),
        keys=(*KEYS, *EXPERT_KEYS, *WINDOW_KEYS),
        restore=restore,
    )  # fmt: skip
    config: GptOssConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With matrices for each expert: its checkpoints take turns between rows of a gate and its pair."""
        return split_experts(super().sanitize(tensors, config), interleaved=True, transposed=True)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention whose heads may attend to nothing."""
        c = self.config
        heads = (c.num_attention_heads, c.num_key_value_heads, c.head_dim)
        q, k, v = self.heads(i, x, w)
        out = attention(self.inputs, q, k, v, i, *heads, self.attention_scale(), w.sinks, c.window(i))
        return linear(out, w.o_proj, w.o_proj.bias if c.attention_bias else None)

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """The weighted sum of the experts that a token is routed to."""
        c = self.config
        scores = score_experts(x, w.router, c.num_experts, w.router.bias)
        chosen, weights = route(scores, None, None, c.num_experts_per_tok, sigmoid=False, normalise=True)
        activation = {"alpha": c.swiglu_alpha, "limit": c.swiglu_limit, "offset": 1.0}
        return mix_experts(x, chosen, weights, w.experts, c.num_experts, **activation)
