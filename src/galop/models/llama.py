"""Llama 2 and 3 and what shares their layers: SmolLM2, R1-Distill-Llama (Touvron et al., 2023)."""

from __future__ import annotations

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.family import Family
from galop.models.gguf_mapping import NAMES, ConfigDict, GGUFMapping, head_dim
from galop.models.gguf_rope import rope_divisors, unpermute_queries_and_keys
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
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """Llama 3's own scaling is a tensor, biases are known by theirs, and ggml rotates neighbours."""
    if divisors := tensors.pop("rope_freqs.weight", None):
        config["rope_scaling"] = rope_divisors(divisors, config.get("rope_scaling"), head_dim(config), file)
    config["attention_bias"] = "model.layers.0.self_attn.q_proj.bias" in tensors
    return unpermute_queries_and_keys(tensors, config)


class Llama(Family):
    """The forward pass of Llama. A sibling overrides the part in which it differs."""

    model_type = "llama"
    config_class = Config
    gguf = GGUFMapping("llama", names={**NAMES, "rope_freqs": "rope_freqs"}, restore=restore)

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Raises ModelFileError if the embeddings are not of the config's width, or the head has not their shape."""
        eps = self.config.rms_norm_eps
        self.inputs = inputs
        inv_freq, factor = inverse_frequencies(self.config)
        self.cosine, self.sine = rope_table(inputs.positions, Vector("inv_freq", len(inv_freq), inv_freq), factor)

        x = embed(inputs, w.model.embed_tokens)
        if x.width != self.config.hidden_size:
            raise ModelFileError(f"the embeddings have {x.width} values, hidden_size is {self.config.hidden_size}")
        for i in range(self.config.num_hidden_layers):
            x = self.layer(i, x, w.model.layers[i])
        x = rms_norm(rows(x, inputs.rows), w.model.norm.of(x.width), eps)
        embeddings = w.model.embed_tokens
        if w.lm_head and w.lm_head.shape != embeddings.shape:
            raise ModelFileError(f"lm_head has the shape {w.lm_head.shape}, the embeddings have {embeddings.shape}")
        return linear(x, w.lm_head or embeddings)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`: attention and feed-forward read it normalised and add to it."""
        eps = self.config.rms_norm_eps
        x = x + self.attend(i, rms_norm(x, w.input_layernorm.of(x.width), eps), w.self_attn)
        return x + self.feed_forward(rms_norm(x, w.post_attention_layernorm.of(x.width), eps), w.mlp)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of layer `i` over normalised inputs."""
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
        """SwiGLU (Shazeer, 2020) over normalised inputs."""
        gate, up = linears(x, [w.gate_proj, w.up_proj], [None, None])
        return linear(swiglu(gate, up), w.down_proj)
