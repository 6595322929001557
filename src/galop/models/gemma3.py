"""Gemma 3, the text model of every size: five layers of six have a window, and every part is normalised before it is
added too (Gemma team, 2025)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.gguf_mapping import (
    KEYS,
    LOCAL_ROPE_KEYS,
    NAMES,
    QK_NORM_NAMES,
    WINDOW_KEYS,
    ConfigDict,
    GGUFMapping,
    Key,
)
from galop.models.llama import Llama
from galop.ops import Tensor, embed, geglu, linear, linears, softcap
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

GEMMA_NAMES = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


@dataclass(frozen=True)
class Gemma3Config(Config):
    """Llama's, with a scale of attention that is not a head's, and a cap of logits."""

    query_pre_attn_scalar: float = 256.0
    final_logit_softcapping: float = 0.0
    attn_logit_softcapping: float = 0.0

    supported_layers: ClassVar[tuple[str, ...]] = (FULL, SLIDING)
    rope_by_layer_type: ClassVar = True
    multimodal: ClassVar = True
    defaults: ClassVar = {
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "rms_norm_eps": 1e-6,
        "max_position_embeddings": 131072, "sliding_window": 4096, "sliding_window_pattern": 6, "rope_theta": 1e6,
        "rope_local_base_freq": 1e4, "tie_word_embeddings": True,
    }  # fmt: skip
    supported_values: ClassVar = {
        "hidden_activation": ("gelu_pytorch_tanh",),
        "hidden_act": ("gelu_pytorch_tanh",),
        "use_bidirectional_attention": (False,),
    }


def restore_scale(layers: int) -> Callable[[Tensors, ConfigDict, str], Tensors]:
    """The `restore` of a family whose largest model, the one of so many layers, has the scale of its width rather than
    of its heads, which no key says. Files with a part that sees are Ollama's, which leave out that full layers of these
    models are stretched."""

    def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
        largest = config["num_hidden_layers"] == layers
        scalar = config["hidden_size"] / config["num_attention_heads"] if largest else config["head_dim"]
        config["query_pre_attn_scalar"] = float(scalar)
        if config.pop("vision_layers", 0):
            config.setdefault("rope_scaling", {"rope_type": "linear", "factor": 8.0})
        return tensors

    return restore


class Gemma3(Llama):
    """Llama between norms, with those of Qwen3's heads, and GELU for SiLU."""

    model_type = "gemma3_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("gemma3",)
    centred_norms: ClassVar[tuple[str, ...]] = ("norm.weight",)
    config_class = Gemma3Config
    gguf = GGUFMapping(
        "gemma3",
        names=NAMES | QK_NORM_NAMES | GEMMA_NAMES,
        keys=(
            *KEYS, *WINDOW_KEYS, *LOCAL_ROPE_KEYS,
            Key("final_logit_softcapping", "final_logit_softcapping", float),
            # Of Ollama's files.
            Key("rope_theta", "rope.global.freq_base", float),
            Key("rope_local_base_freq", "rope.local.freq_base", float),
            Key("vision_layers", "vision.block_count", int),
        ),
        implied={"rms_norm_eps": 1e-6},
        restore=restore_scale(62),
    )  # fmt: skip
    until = 1  # tokens of a picture see each other
    config: Gemma3Config

    def embed(self, w: Tree) -> Tensor:
        """Embeddings times the root of their width."""
        x: Tensor = embed(self.inputs, w.model.embed_tokens, scale=self.config.hidden_size**0.5)
        return x

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention and feed-forward, each normalised before and after."""
        part = self.attend(i, self.norm(x, w.input_layernorm), w.self_attn)
        x = x + self.norm(part, w.post_attention_layernorm)
        part = self.feed_forward(self.norm(x, w.pre_feedforward_layernorm), w.mlp)
        return x + self.norm(part, w.post_feedforward_layernorm)

    def attention_scale(self) -> float:
        """That of a width of its own."""
        return float(self.config.query_pre_attn_scalar**-0.5)

    def score_cap(self) -> float:
        """What the config says."""
        return self.config.attn_logit_softcapping

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, each head normalised, and values."""
        q, k, v = super().project(x, w)
        return self.norm_heads(q, w.q_norm), self.norm_heads(k, w.k_norm), v

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """A gated linear unit with GELU (Shazeer, 2020)."""
        gate, up = linears(x, [w.gate_proj, w.up_proj], [None, None])
        return linear(geglu(gate, up), w.down_proj)

    def head(self, x: Tensor, w: Tree) -> Tensor:
        """Logits, capped where the config says so."""
        logits = super().head(x, w)
        cap = self.config.final_logit_softcapping
        return softcap(logits, cap) if cap else logits
