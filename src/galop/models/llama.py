"""Llama 2 and 3 and what shares their layers: SmolLM2, R1-Distill-Llama (Touvron et al., 2023)."""

from __future__ import annotations

from galop.errors import ModelFileError
from galop.models import config
from galop.models.rotary import inverse_frequencies
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
from galop.weights.tree import Tree

Config = config.Config


class Llama:
    """One forward pass. A sibling overrides the part in which it differs."""

    config: Config

    def __init__(self, config: Config) -> None:
        self.config = config

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Logits [R, vocabulary] of the tokens that are asked for."""
        eps = self.config.rms_norm_eps
        self.inputs = inputs
        inv_freq, factor = inverse_frequencies(self.config)
        self.cosine, self.sine = rope_table(inputs, Vector("inv_freq", len(inv_freq), inv_freq), factor)

        x = embed(inputs, w.model.embed_tokens)
        if x.width != self.config.hidden_size:
            raise ModelFileError(f"the embeddings have {x.width} values, hidden_size is {self.config.hidden_size}")
        for i in range(self.config.num_hidden_layers):
            layer = w.model.layers[i]
            x = x + self.attend(i, rms_norm(x, layer.input_layernorm.of(x.width), eps), layer.self_attn)
            x = x + self.feed_forward(rms_norm(x, layer.post_attention_layernorm.of(x.width), eps), layer.mlp)
        x = rms_norm(rows(inputs, x), w.model.norm.of(x.width), eps)
        embeddings = w.model.embed_tokens
        if w.lm_head and w.lm_head.shape != embeddings.shape:
            raise ModelFileError(f"lm_head has the shape {w.lm_head.shape}, the embeddings have {embeddings.shape}")
        return linear(x, w.lm_head or embeddings)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        c = self.config
        q, k, v = self.project(x, w)
        q = rope(q, self.cosine, self.sine, c.head_dim)
        k = rope(k, self.cosine, self.sine, c.head_dim)
        out = attention(
            self.inputs, q, k, v, i, c.num_attention_heads, c.num_key_value_heads, c.head_dim, c.head_dim**-0.5
        )
        return linear(out, w.o_proj, w.o_proj.bias if c.attention_bias else None)

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values."""
        projections = [w.q_proj, w.k_proj, w.v_proj]
        q, k, v = linears(x, projections, [p.bias if self.config.attention_bias else None for p in projections])
        return q, k, v

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        gate, up = linears(x, [w.gate_proj, w.up_proj], [None, None])
        return linear(swiglu(gate, up), w.down_proj)


Model = Llama
