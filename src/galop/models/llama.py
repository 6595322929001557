"""Llama 2 and 3 and what shares their layers: SmolLM2, R1-Distill-Llama (Touvron et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.family import Family
from galop.models.gguf_mapping import NAMES, ConfigDict, GGUFMapping
from galop.models.gguf_rope import restore_divisors, unpermute_queries_and_keys
from galop.models.rotary import inverse_frequencies, position_axes
from galop.ops import (
    Inputs,
    Tensor,
    Vector,
    attention,
    embed,
    linear,
    linears,
    rms_norm,
    rope,
    rope_table,
    rows,
    swiglu,
)
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


@dataclass(frozen=True)
class LlamaConfig(Config):
    """The shared keys, of checkpoints that may hold a vision tower too: Idefics3's and SmolVLM's."""

    multimodal: ClassVar = True

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """Without what stands beside a vision_config and is of the tower. Raises ModelFileError."""
        beside = ("scale_factor",) if raw.get("vision_config") else ()
        return super().respell({key: value for key, value in raw.items() if key not in beside}, file)


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """Llama 3's own scaling is a tensor, and ggml rotates neighbours."""
    return unpermute_queries_and_keys(restore_divisors(tensors, config, file), config)


class Llama(Family):
    """The forward pass of Llama. A sibling overrides the part in which it differs."""

    model_type = "llama"
    config_class: ClassVar[type[Config]] = LlamaConfig
    gguf = GGUFMapping("llama", ("internlm2",), names={**NAMES, "rope_freqs": "rope_freqs"}, restore=restore)
    interleaved: ClassVar[bool] = False  # whether a rotation turns neighbours, (2i, 2i + 1), or (i, i + half)
    output_bias: ClassVar[bool] = True  # whether attention_bias means the output too
    interleaved_sections: ClassVar[bool] = False  # whether frequencies go to the axes of positions in turn
    until: ClassVar[int] = (
        0  # the axis of positions that says until where tokens see, where those of pictures see ahead
    )

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Raises ModelFileError if the embeddings are not of the config's width, or the head has not their shape."""
        self.inputs = inputs
        self.rotations: dict[str, tuple[Tensor, Tensor]] = {}
        x = self.embed(w)
        for i in range(self.config.num_hidden_layers):
            x = self.layer(i, x, w.model.layers[i])
        return self.head(self.last(x, w), w)

    def last(self, x: Tensor, w: Tree) -> Tensor:
        """What the head makes logits from: the residual stream after all layers, normalised, where they are wanted."""
        return self.norm(rows(x, self.inputs.rows), w.model.norm)

    def embed(self, w: Tree) -> Tensor:
        """The residual stream before the first layer. Raises ModelFileError if it is not of the config's width."""
        x: Tensor = embed(self.inputs, w.model.embed_tokens)
        if x.width != self.config.hidden_size:
            raise ModelFileError(f"the embeddings have {x.width} values, hidden_size is {self.config.hidden_size}")
        return x

    def head(self, x: Tensor, w: Tree) -> Tensor:
        """Logits, of a head of its own or of the embeddings. Raises ModelFileError if it has not their shape."""
        embeddings = w.model.embed_tokens
        if w.lm_head and w.lm_head.shape != embeddings.shape:
            raise ModelFileError(f"lm_head has the shape {w.lm_head.shape}, the embeddings have {embeddings.shape}")
        return linear(x, w.lm_head or embeddings)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: attention and feed-forward read it normalised and add to it."""
        x = x + self.attend(i, self.norm(x, w.input_layernorm), w.self_attn)
        return x + self.feed_forward(self.norm(x, w.post_attention_layernorm), w.mlp)

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """All values of a token, normalised together."""
        return rms_norm(x, w.of(x.width), self.config.rms_norm_eps)

    def norm_heads(self, x: Tensor, w: Tree) -> Tensor:
        """Each head by itself, all with the same weights."""
        return rms_norm(x, w.of(self.config.head_dim), self.config.rms_norm_eps)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of layer `i` over its inputs."""
        c = self.config
        q, k, v = self.heads(i, x, w)
        state, heads = self.inputs.next_state, (c.num_attention_heads, c.num_key_value_heads, c.head_dim)
        scale, cap = self.attention_scale(), self.score_cap()
        out = attention(self.inputs, q, k, v, state, *heads, scale, window=c.window(i), softcap=cap, until=self.until)
        return linear(out, w.o_proj, w.o_proj.bias if c.attention_bias and self.output_bias else None)

    def attention_scale(self) -> float:
        """By what the products of queries and keys are multiplied."""
        return float(self.config.head_dim**-0.5)

    def score_cap(self) -> float:
        """What scores of attention are kept below; 0 for nothing."""
        return 0.0

    def heads(self, i: int, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values as the attention of layer `i` takes them."""
        q, k, v = self.project(x, w)
        return self.rotate(i, q), self.rotate(i, k), v

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values before they are rotated."""
        projections = [w.q_proj, w.k_proj, w.v_proj]
        q, k, v = linears(x, projections, [p.bias if self.config.attention_bias else None for p in projections])
        return q, k, v

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """Queries or keys of layer `i`, rotated as its type of layer is."""
        kind = self.config.layer_type(i)
        kind = kind if kind in self.config.rope_parameters else "full_attention"
        if kind not in self.rotations:
            inv_freq, factor = inverse_frequencies(self.config, kind, self.head_dim(i))
            vector = Vector(f"inv_freq {kind}", len(inv_freq), inv_freq)
            axes = position_axes(self.config, kind, len(inv_freq), self.interleaved_sections)
            chosen = None if axes is None else Vector(f"axes {kind}", len(axes), axes)
            cosine, sine = rope_table(self.inputs.positions, vector, factor, chosen)
            self.rotations[kind] = (cosine, sine)
        return rope(x, *self.rotations[kind], self.head_dim(i), self.interleaved)

    def head_dim(self, i: int) -> int:
        """Values in a head of queries or keys of layer `i`, all layers of one type having as many."""
        return self.config.head_dim

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """SwiGLU (Shazeer, 2020) over its inputs."""
        gate, up = linears(x, [w.gate_proj, w.up_proj], [None, None])
        return linear(swiglu(gate, up), w.down_proj)
