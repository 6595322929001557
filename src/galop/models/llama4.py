"""Llama 4, its language model: mixtures of experts whose inputs are weighed, attention within chunks on layers that
rotate, and over everything on those that do not (Meta, 2025)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.config_layers import FULL
from galop.models.experts import (
    EXPERT_KEYS,
    EXPERT_NAMES,
    MixtureConfig,
    mix_experts,
    name_shared_expert,
    score_experts,
    split_experts,
)
from galop.models.gguf_mapping import KEYS, NAMES, ConfigDict, GGUFMapping, Key
from galop.models.gguf_rope import restore_divisors
from galop.models.llama import Llama
from galop.models.smollm3 import list_rotating_layers
from galop.ops import Tensor, Vector, attention, linear, ones, position_scale, rms_norm, route
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

CHUNKED = "chunked_attention"
MAX_SCALES = 1 << 20


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """What llama.cpp has built in: chunks unless a window of 0 says that there are none, and norms by size."""
    if config.pop("attention_chunk_size", 1):
        config["attention_chunk_size"] = 8192
    else:
        config["no_rope_layer_interval"] = config["num_hidden_layers"] + 1
    config["use_qk_norm"] = config.get("num_experts") != 128
    return restore_divisors(tensors, config, file)


@dataclass(frozen=True)
class Llama4Config(MixtureConfig):
    """A mixture's, which layers rotate, chunks, and how queries grow with the context."""

    intermediate_size_mlp: int = 16384
    interleave_moe_layer_step: int = 1
    moe_layers: list[int] = field(default_factory=list)  # as the step, said by tensors too
    no_rope_layers: list[int] = field(default_factory=list)
    attention_chunk_size: int = 0
    use_qk_norm: bool = True
    attn_temperature_tuning: bool = True
    floor_scale: int = 8192
    attn_scale: float = 0.1

    supported_layers: ClassVar = (FULL, CHUNKED)
    defaults: ClassVar = {"no_rope_layer_interval": 4, "rope_theta": 500000.0, "num_experts_per_tok": 1}
    multimodal: ClassVar = True

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With lists of the layers that rotate, and of those with chunks. Raises ModelFileError where they are none."""
        raw = list_rotating_layers(super().normalise(raw, file), file)
        if isinstance(raw.get("attn_temperature_tuning"), int):  # 4, in the first files
            raw["attn_temperature_tuning"] = bool(raw["attn_temperature_tuning"])
        rotate = raw.get("no_rope_layers")
        if "layer_types" not in raw and raw.get("attention_chunk_size") and isinstance(rotate, list):
            raw["layer_types"] = [CHUNKED if one else FULL for one in rotate]
        return raw

    def validate(self, file: str) -> None:
        """Raises ModelFileError also for layers that are not listed, and steps that are too many."""
        super().validate(file)
        if len(self.no_rope_layers) < self.num_hidden_layers:
            raise ModelFileError(f"{file}: no_rope_layers has {len(self.no_rope_layers)} entries")
        if self.max_position_embeddings // self.floor_scale > MAX_SCALES:
            raise ModelFileError(f"{file}: floor_scale = {self.floor_scale} makes too many steps of the context")


class Llama4(Llama):
    """Llama with mixtures, chunks, and layers that do not rotate."""

    model_type = "llama4_text"
    other_model_types = ("llama4",)
    config_class = Llama4Config
    gguf = GGUFMapping(
        "llama4",
        names={
            **NAMES, **EXPERT_NAMES, **name_shared_expert("mlp.shared_expert"), "ffn_gate_inp": "mlp.router",
            "rope_freqs": "rope_freqs",
        },
        keys=(
            *KEYS, *EXPERT_KEYS, Key("interleave_moe_layer_step", "interleave_moe_layer_step", int),
            Key("attention_chunk_size", "attention.sliding_window", int, least=0),
        ),
        restore=restore,
        pre_tokenizer="llama4",
    )  # fmt: skip
    interleaved = True
    config: Llama4Config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With matrices for each expert, and the usual name for what follows attention."""
        renamed = {name.replace(".feed_forward.", ".mlp."): tensor for name, tensor in tensors.items()}
        return split_experts(super().sanitize(renamed, config), transposed=True)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of layer `i` to its chunk, or to everything."""
        c = self.config
        q, k, v = self.heads(i, x, w)
        chunk = c.attention_chunk_size if c.layer_type(i) == CHUNKED else 0
        chunk = chunk if chunk < c.max_position_embeddings else 0
        heads = (c.num_attention_heads, c.num_key_value_heads, c.head_dim)
        out = attention(self.inputs, q, k, v, i, *heads, self.attention_scale(), chunk=chunk)
        return linear(out, w.o_proj, w.o_proj.bias if c.attention_bias else None)

    def heads(self, i: int, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, rotated and then normalised; or neither, and queries larger with every so many tokens."""
        c = self.config
        q, k, v = self.project(x, w)
        if c.no_rope_layers[i]:
            q, k = self.rotate(i, q), self.rotate(i, k)
            if c.use_qk_norm:
                q, k = (rms_norm(one, ones(c.head_dim), c.rms_norm_eps) for one in (q, k))
        elif c.attn_temperature_tuning:
            steps = np.arange(c.max_position_embeddings // c.floor_scale + 1)
            scales = (1 + c.attn_scale * np.log1p(steps)).astype(np.float32)
            q = position_scale(q, self.inputs.positions, Vector("query scales", len(scales), scales), c.floor_scale, 1)
        return q, k, v

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """The expert that a token is routed to, its input weighed, and the shared one."""
        c = self.config
        if not w.router:
            return super().feed_forward(x, w)
        scores = score_experts(x, w.router, c.num_experts)
        chosen, weights = route(scores, None, None, c.num_experts_per_tok, sigmoid=True, normalise=False)
        mixed = mix_experts(x, chosen, weights, w.experts, c.num_experts, weigh_inputs=True)
        return mixed + super().feed_forward(x, w.shared_expert)
