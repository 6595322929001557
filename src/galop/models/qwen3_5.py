"""Qwen3.5 and Qwen3.6: of four layers three remember by the gated delta rule, the fourth by attention with a gate on
what it gives (Qwen team, 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.config_layers import FULL, LINEAR
from galop.models.gguf_mapping import (
    CHECKS,
    KEYS,
    NAMES,
    PARTIAL_KEYS,
    QK_NORM_NAMES,
    SECTION_KEYS,
    ConfigDict,
    GGUFMapping,
    Key,
)
from galop.models.next_tokens import NEXT_TOKEN_KEYS, NEXT_TOKEN_NAMES, count_layers, take_next_tokens
from galop.models.qwen3 import Qwen3
from galop.models.recurrent import prepare_recurrent
from galop.ops import (
    Inputs,
    Tensor,
    attention,
    causal_conv,
    concat,
    gated_delta,
    linear,
    linears,
    rms_norm,
    rows,
    sigmoid_gate,
    swiglu,
)
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

DELTA_NAMES = {
    "post_attention_norm": "post_attention_layernorm",
    "attn_qkv": "linear_attn.in_proj_qkv",
    "attn_gate": "linear_attn.in_proj_z",
    "ssm_alpha": "linear_attn.in_proj_a",
    "ssm_beta": "linear_attn.in_proj_b",
    "ssm_conv1d": "linear_attn.conv1d",
    "ssm_dt": "linear_attn.dt",
    "ssm_a": "linear_attn.decay",
    "ssm_norm": "linear_attn.norm",
    "ssm_out": "linear_attn.out_proj",
}
DELTA_KEYS = (
    Key("linear_conv_kernel_dim", "ssm.conv_kernel", int, required=True),
    Key("linear_key_head_dim", "ssm.state_size", int, required=True),
    Key("linear_num_key_heads", "ssm.group_count", int, required=True),
    Key("linear_num_value_heads", "ssm.time_step_rank", int, required=True),
    Key("linear_value_head_dim", "ssm.inner_size", int, required=True),  # of all heads together
    Key("full_attention_interval", "full_attention_interval", int),
    Key("layer_types", "attention.recurrent_layers", list),
    *NEXT_TOKEN_KEYS,
    Key("num_key_value_heads", "attention.head_count_kv", list),
    *SECTION_KEYS,
)
# What Ollama's files say of themselves beside that.
DELTA_CHECKS = {**CHECKS, **dict.fromkeys(
    ("norm_top_k_prob", "ssm.v_head_reordered", "rope.mrope_interleaved"), lambda config, value: value is True
)}  # fmt: skip


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """Widths are those of all value heads together, and layers for later tokens are counted with the others."""
    count_layers(config)
    heads = config.get("num_key_value_heads")
    if isinstance(heads, list):  # none in layers that do not attend
        config["num_key_value_heads"] = max(heads)
        if 0 in heads:
            config.setdefault("layer_types", [not count for count in heads])
    config["linear_value_head_dim"] //= config["linear_num_value_heads"]
    if recurrent := config.pop("layer_types", None):
        config["layer_types"] = [LINEAR if one else FULL for one in recurrent[: config["num_hidden_layers"]]]
    if sections := config.pop("mrope_section", None):
        config["rope_parameters"] = {"mrope_section": list(sections)[:3]}
    return tensors


@dataclass(frozen=True)
class Qwen3_5Config(Config):
    """Llama's, and the heads of linear attention."""

    linear_conv_kernel_dim: int = 4
    linear_key_head_dim: int = 128
    linear_value_head_dim: int = 128
    linear_num_key_heads: int = 16
    linear_num_value_heads: int = 32
    tiled_value_heads: bool = False  # as in GGUF files: value head h has the key head h % linear_num_key_heads
    num_nextn_predict_layers: int = 0

    supported_layers: ClassVar = (FULL, LINEAR)
    rope_keys: ClassVar = ("partial_rotary_factor", "mrope_section", "mrope_interleaved")
    spellings: ClassVar = {"mtp_num_hidden_layers": "num_nextn_predict_layers"}
    multimodal: ClassVar = True
    defaults: ClassVar = {
        "head_dim": 256, "rms_norm_eps": 1e-6, "partial_rotary_factor": 0.25, "full_attention_interval": 4,
    }  # fmt: skip
    supported_values: ClassVar = {
        "attn_output_gate": (True,),
        "output_gate_type": ("swish", "silu"),
        "mamba_ssm_dtype": ("float32",),
        "mtp_use_dedicated_embeddings": (False,),
    }


class Qwen3_5(Qwen3):
    """Qwen3 with a gate on attention's output, and with linear attention on most layers."""

    model_type = "qwen3_5_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("qwen3_5",)
    config_class: ClassVar[type[Config]] = Qwen3_5Config
    centred_norms = (
        "layernorm.weight", "_norm.weight", "model.norm.weight", "mtp.norm.weight", "pre_fc_norm_embedding.weight",
        "pre_fc_norm_hidden.weight",
    )  # fmt: skip
    gguf = GGUFMapping(
        "qwen35",
        names={**NAMES, **QK_NORM_NAMES, **DELTA_NAMES, **NEXT_TOKEN_NAMES},
        keys=(*(key for key in KEYS if key.config != "num_key_value_heads"), *PARTIAL_KEYS, *DELTA_KEYS),
        checks=DELTA_CHECKS,
        implied={"tiled_value_heads": True},
        restore=restore,
        pre_tokenizer="qwen35",
    )
    interleaved_sections = True
    config: Qwen3_5Config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Queries and their gates apart, constants as ops take them, the layer for the token after the next as `mtp`.

        Raises ModelFileError where the queries' rows are not those of the heads.
        """
        heads = cls.config_class.parse(config, "config.json").num_attention_heads
        sane: Tensors = {}
        tensors = take_next_tokens(super().sanitize(tensors, config), config)
        for name, tensor in prepare_recurrent(tensors).items():
            if name.endswith(".self_attn.q_proj.weight"):
                rows = tensor.shape[0]
                if rows % (2 * heads):
                    raise ModelFileError(f"{name} has {rows} rows for {heads} heads with a gate each")
                halves = np.arange(rows).reshape(heads, 2, -1)
                sane[name] = tensor.reorder(halves[:, 0].reshape(-1))
                sane[name.replace("q_proj", "gate_proj")] = tensor.reorder(halves[:, 1].reshape(-1))
            else:
                sane[name] = tensor
        return sane

    def last(self, x: Tensor, w: Tree) -> Tensor:
        """As Llama; the layer for the token after the next keeps its keys and values of all tokens, which its own pass
        reads: those of a token follow from it and from the hidden state of the one before."""
        if not w.mtp.fc:
            return super().last(x, w)
        normed, layer = self.norm(x, w.model.norm), w.mtp.layers[0]
        joined = self.norm(self.join(self.embed(w), normed, w.mtp), layer.input_layernorm)
        k, v = linears(joined, [layer.self_attn.k_proj, layer.self_attn.v_proj], [None, None])
        k = self.rotate(self.full_layer, self.norm_heads(k, layer.self_attn.k_norm))
        heads = (self.config.num_key_value_heads, self.config.num_key_value_heads, self.config.head_dim)
        # Nobody wants the result, so each query is a key and sees itself.
        attention(self.inputs, k, k, v, self.inputs.next_state, *heads, self.attention_scale(), chunk=1, kept="all")
        return rows(normed, self.inputs.rows)

    def draft(self, inputs: Inputs, w: Tree) -> Tensor | None:
        """Logits of the token after the next one, from a token and the hidden state before it (DeepSeek-V3, 2024)."""
        if not w.mtp.fc:
            return None
        self.inputs, self.rotations = inputs, {}
        embedded = self.embed(w)
        x = self.layer(self.full_layer, self.join(embedded, embedded, w.mtp), w.mtp.layers[0])
        return self.head(self.norm(rows(x, inputs.rows), w.mtp.norm), w)

    def join(self, embedded: Tensor, hidden: Tensor, w: Tree) -> Tensor:
        """What the layer for the token after the next begins with: a token, and the hidden state before it, of which
        the last one is kept. In a pass of its own there is no later one: what `hidden` says is never read."""
        before = causal_conv(self.inputs, hidden, w.before, None, self.inputs.next_state, silu=False)
        parts = [self.norm(embedded, w.pre_fc_norm_embedding), self.norm(before, w.pre_fc_norm_hidden)]
        return linear(concat(parts), w.fc)

    @property
    def full_layer(self) -> int:
        """A layer that attends. Raises ModelFileError where there is none."""
        if FULL not in self.config.layer_types:
            raise ModelFileError("a layer for later tokens attends as none of the others does")
        return self.config.layer_types.index(FULL)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`, which attends to earlier tokens or remembers them."""
        normed = self.norm(x, w.input_layernorm)
        full = self.config.layer_type(i) == FULL
        x = x + (self.attend(i, normed, w.self_attn) if full else self.remember(normed, w.linear_attn))
        return x + self.feed_forward(self.norm(x, w.post_attention_layernorm), w.mlp)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention, whose output goes through a gate before it is projected."""
        c = self.config
        q, gate, k, v = linears(x, [w.q_proj, w.gate_proj, w.k_proj, w.v_proj], [None] * 4)
        q, k = self.rotate(i, self.norm_heads(q, w.q_norm)), self.rotate(i, self.norm_heads(k, w.k_norm))
        state, heads = self.inputs.next_state, (c.num_attention_heads, c.num_key_value_heads, c.head_dim)
        out = attention(self.inputs, q, k, v, state, *heads, self.attention_scale())
        return linear(sigmoid_gate(out, gate), w.o_proj)

    def remember(self, x: Tensor, w: Tree) -> Tensor:
        """Linear attention by the gated delta rule, behind a short convolution (Yang et al., 2024)."""
        c, eps = self.config, self.config.rms_norm_eps
        qkv, z, a, b = linears(x, [w.in_proj_qkv, w.in_proj_z, w.in_proj_a, w.in_proj_b], [None] * 4)
        qkv = causal_conv(self.inputs, qkv, w.conv1d, None, self.inputs.next_state, silu=True)
        out = gated_delta(
            self.inputs, qkv, a, b, w.decay, w.dt.bias, self.inputs.next_state, c.linear_num_key_heads,
            c.linear_key_head_dim, c.tiled_value_heads,
        )  # fmt: skip
        return linear(swiglu(z, rms_norm(out, w.norm.of(c.linear_value_head_dim), eps)), w.out_proj)
