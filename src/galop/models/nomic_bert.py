"""Nomic's BERT: BERT with rotations in place of learned positions, SwiGLU and no biases (Nussbaum et al., 2024)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.bert import Bert, BertConfig
from galop.models.config_layers import FULL
from galop.models.gguf_mapping import GGUFMapping, Key
from galop.models.rotary import inverse_frequencies
from galop.models.sentence_files import pool_by, unit_vectors
from galop.ops import Inputs, Tensor, Vector, attention, embed, linear, linears, rope, rope_table, swiglu
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

# Names of the hub's checkpoints, and of transformers', within a layer and outside.
RENAMED = {
    "embeddings.word_embeddings": "model.embed_tokens", "embeddings.token_type_embeddings": "model.embed_types",
    "embeddings.LayerNorm": "model.embed_norm", "emb_ln": "model.embed_norm", "attn.Wqkv": "self_attn.qkv_proj",
    "attn.out_proj": "self_attn.o_proj", "mlp.fc11": "mlp.up_proj", "mlp.fc12": "mlp.gate_proj",
    "mlp.fc2": "mlp.down_proj", "norm1": "self_attn_norm", "norm2": "mlp_norm",
    "post_attention_layernorm": "self_attn_norm", "post_mlp_layernorm": "mlp_norm",
}  # fmt: skip


@dataclass(frozen=True)
class NomicBertConfig(BertConfig):
    """BERT's, under the names of GPT-2 as well."""

    spellings: ClassVar = {
        **BertConfig.spellings, "layer_norm_epsilon": "rms_norm_eps", "n_embd": "hidden_size",
        "n_layer": "num_hidden_layers", "n_head": "num_attention_heads", "n_inner": "intermediate_size",
        "n_positions": "max_position_embeddings", "rotary_emb_base": "rope_theta",
    }  # fmt: skip
    defaults: ClassVar = {"rope_theta": 1000.0}
    supported_values: ClassVar = {
        "hidden_act": ("silu",), "activation_function": ("swiglu",), "prenorm": (False,), "use_rms_norm": (False,),
        "causal": (False,), "rotary_emb_fraction": (1.0,),
    }  # fmt: skip


class NomicBert(Bert):
    """BERT with rotations."""

    model_type = "nomic_bert"
    other_model_types: ClassVar[tuple[str, ...]] = ()
    config_class = NomicBertConfig
    gguf = GGUFMapping(
        "nomic-bert",
        names={**Bert.gguf.names, "attn_qkv": "self_attn.qkv_proj", "ffn_gate": "mlp.gate_proj"},
        keys=(
            *Bert.gguf.keys, Key("rope_theta", "rope.freq_base", float),
            Key("num_key_value_heads", "attention.head_count", int),
        ),
        checks=Bert.gguf.checks,
    )  # fmt: skip

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Under the names that decoders have, projections apart, the first token type added to the embeddings.

        Raises ModelFileError where a tensor does not fit.
        """
        renamed: Tensors = {}
        for name, tensor in tensors.items():
            new = name if name.startswith("model.") else _rename(name)
            if new.endswith(".self_attn.qkv_proj.weight"):
                third = tensor.shape[0] // 3
                for i, part in enumerate(("q_proj", "k_proj", "v_proj")):
                    renamed[new.replace("qkv_proj", part)] = tensor.part(i * third, third)
            elif new:
                renamed[new] = tensor
        words, types = renamed.get("model.embed_tokens.weight"), renamed.pop("model.embed_types.weight", None)
        if words is not None and types is not None:
            first = types.entry(0) if len(types.shape) > 1 else types
            if first.shape != words.shape[1:]:
                raise ModelFileError(f"the tensor {types.name} has the shape {types.shape}")
            renamed["model.embed_tokens.weight"] = words.map(lambda values: values + first.array())
        return renamed

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """The vector of each sequence, of length 1. Raises ModelFileError if the embeddings are not of the config's
        width."""
        c = self.config
        x = embed(inputs, w.model.embed_tokens)
        if x.width != c.hidden_size:
            raise ModelFileError(f"the embeddings have {x.width} values, hidden_size is {c.hidden_size}")
        frequencies, factor = inverse_frequencies(c, FULL, c.head_dim)
        self.rotation = rope_table(inputs.positions, Vector("inv_freq", len(frequencies), frequencies), factor)
        x = self.norm(x, w.model.embed_norm)
        for i in range(c.num_hidden_layers):
            layer = w.model.layers[i]
            x = self.norm(x + self.attend(inputs, i, x, layer.self_attn), layer.self_attn_norm)
            gate, up = linears(x, [layer.mlp.gate_proj, layer.mlp.up_proj], [None, None])
            x = self.norm(x + linear(swiglu(gate, up), layer.mlp.down_proj), layer.mlp_norm)
        return unit_vectors(pool_by(inputs, x, c.pooling))

    def attend(self, inputs: Inputs, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of all tokens to all, rotated."""
        c, heads = self.config, self.config.num_attention_heads
        q, k, v = linears(x, [w.q_proj, w.k_proj, w.v_proj], [None] * 3)
        q, k = (rope(part, *self.rotation, c.head_dim, False) for part in (q, k))
        return linear(attention(inputs, q, k, v, i, heads, heads, c.head_dim, c.head_dim**-0.5, causal=False), w.o_proj)


def _rename(name: str) -> str:
    """A checkpoint's name as decoders have it; empty for what makes no vectors."""
    name = re.sub(r"^(?:bert|0\.auto_model)\.", "", name)
    match = re.fullmatch(r"(?:(?:encoder\.)?layers\.(\d+)\.)?(.+)\.(weight|bias)", name)
    if not match or name.startswith(("pooler.", "cls.", "lm_head.")):
        return ""
    new = RENAMED.get(match[2], match[2])
    return f"model.layers.{match[1]}.{new}.{match[3]}" if match[1] else f"{new}.{match[3]}"
