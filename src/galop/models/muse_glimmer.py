"""Muse Glimmer: norms before and after each part, and of heads without weights; a gate on what attention gives; and no
rotation in the layers that have no window (Meta, 2026)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.gguf_mapping import KEYS, NAMES, QK_NORM_NAMES, WINDOW_KEYS, ConfigDict, GGUFMapping, Key
from galop.models.gguf_rope import unpermute_queries_and_keys
from galop.models.llama import Llama
from galop.ops import Tensor, Vector, attention, linear, linears, ones, rms_norm, scale, sigmoid_gate, softcap
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """ggml rotates neighbours."""
    return unpermute_queries_and_keys(tensors, config)


@dataclass(frozen=True)
class MuseGlimmerConfig(Config):
    """Llama's, windows, and the factors of queries and logits; a layer does not rotate if its theta is 0."""

    qk_scale_factor: float = 3.87
    output_multiplier: float = 0.19611613513818404
    post_norm_eps: float = 1e-8
    final_logit_softcapping: float = 20.0
    layer_rope_theta: list[float] = field(default_factory=list)

    multimodal: ClassVar = True
    supported_layers: ClassVar = (FULL, SLIDING)
    defaults: ClassVar = {"sliding_window": 2048, "head_dim": 128, "max_position_embeddings": 131072}

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the pattern of windows: every fourth layer from the last has none. Raises ModelFileError as Config's."""
        raw, layers = super().respell(raw, file), raw.get("num_hidden_layers")
        if type(layers) is int and 0 < layers < 1 << 16:
            raw.setdefault("sliding_window_pattern", [(layers - 1 - i) % 4 != 0 for i in range(layers)])
        return raw

    def validate(self, file: str) -> None:
        """Raises ModelFileError also for rotations that are not those of the layers."""
        super().validate(file)
        if len(self.layer_rope_theta) not in (0, self.num_hidden_layers):
            raise ModelFileError(f"{file}: layer_rope_theta has {len(self.layer_rope_theta)} entries")
        theta = self.rope_parameters[FULL]["rope_theta"]
        if other := {*self.layer_rope_theta} - {0, theta}:
            raise ModelFileError(f"{file}: layer_rope_theta = {min(other)} is neither 0 nor rope_theta = {theta}")

    def rotates(self, i: int) -> bool:
        """Whether layer `i` does."""
        return self.layer_rope_theta[i] != 0 if self.layer_rope_theta else self.layer_type(i) == SLIDING


class MuseGlimmer(Llama):
    """Llama with sandwich norms and a gate."""

    model_type = "muse_glimmer"
    other_model_types = ("muse_glimmer_text",)
    centred_norms = ("layernorm.weight",)
    config_class = MuseGlimmerConfig
    gguf = GGUFMapping(
        "muse-glimmer",
        names={
            **NAMES, **QK_NORM_NAMES, "attn_gate": "self_attn.gate_proj", "ffn_norm": "pre_feedforward_layernorm",
            "post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
        },
        keys=(
            *KEYS, *WINDOW_KEYS, Key("output_multiplier", "logit_scale", float),
            Key("final_logit_softcapping", "final_logit_softcapping", float),
        ),
        restore=restore,
    )  # fmt: skip
    config: MuseGlimmerConfig

    def embed(self, w: Tree) -> Tensor:
        """The embeddings, normalised."""
        x = super().embed(w)
        return rms_norm(x, ones(x.width), self.config.rms_norm_eps)

    def head(self, x: Tensor, w: Tree) -> Tensor:
        """Logits, multiplied and capped."""
        logits: Tensor = scale(super().head(x, w), self.config.output_multiplier)
        return softcap(logits, self.config.final_logit_softcapping) if self.config.final_logit_softcapping else logits

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: each part reads it normalised, and what it adds is normalised too."""
        eps = self.config.post_norm_eps
        attended = self.attend(i, self.norm(x, w.input_layernorm), w.self_attn)
        x = x + rms_norm(attended, w.post_attention_layernorm.of(x.width), eps)
        fed = self.feed_forward(self.norm(x, w.pre_feedforward_layernorm), w.mlp)
        return x + rms_norm(fed, w.post_feedforward_layernorm.of(x.width), eps)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of layer `i` over its inputs, gated head by head."""
        c = self.config
        q, k, v, gate = linears(x, [w.q_proj, w.k_proj, w.v_proj, w.gate_proj], [None] * 4)
        factor = Vector("qk_scale_factor", c.head_dim, np.full(c.head_dim, c.qk_scale_factor, np.float32))
        q = rms_norm(q, w.q_norm or factor, c.rms_norm_eps)  # GGUF has the factor as the weights of a norm
        k = rms_norm(k, w.k_norm or ones(c.head_dim), c.rms_norm_eps)
        if c.rotates(i):
            q, k = self.rotate(i, q), self.rotate(i, k)
        out = attention(
            self.inputs, q, k, v, i, c.num_attention_heads, c.num_key_value_heads, c.head_dim, self.attention_scale(),
            window=c.window(i),
        )  # fmt: skip
        return linear(sigmoid_gate(out, gate), w.o_proj)
