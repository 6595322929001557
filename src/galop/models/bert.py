"""BERT and what shares its layers: MiniLM, BGE, E5, and in XLM-RoBERTa's form their multilingual ones (Devlin et al.,
2018). Encoders: each token sees all others, and what a text gives is a vector."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.family import Family
from galop.models.gguf_mapping import CHECKS, GGUFMapping, Key
from galop.models.sentence_files import POOLINGS, pool_by, pooling_named, unit_vectors
from galop.ops import Inputs, Tensor, attention, embed, embed_positions, gelu, layer_norm, linear, linears
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

PADDING = 2  # positions that RoBERTa's table has for padding, before the first token's
NAMES = {
    "embeddings.word_embeddings": "model.embed_tokens",
    "embeddings.position_embeddings": "model.embed_positions",
    "embeddings.token_type_embeddings": "model.embed_types",
    "embeddings.LayerNorm": "model.embed_norm",
    "attention.self.query": "self_attn.q_proj",
    "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj",
    "attention.output.dense": "self_attn.o_proj",
    "attention.output.LayerNorm": "self_attn_norm",
    "intermediate.dense": "mlp.up_proj",
    "output.dense": "mlp.down_proj",
    "output.LayerNorm": "mlp_norm",
}


@dataclass(frozen=True)
class BertConfig(Config):
    """The shared keys, and how a text's vector is made of its tokens'."""

    tie_word_embeddings: bool = True
    pooling: str = POOLINGS[0]
    type_vocab_size: int = 0

    spellings: ClassVar = {"layer_norm_eps": "rms_norm_eps"}
    supported_values: ClassVar = {"hidden_act": ("gelu",), "position_embedding_type": ("absolute",)}

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the pooling by name. Raises ModelFileError."""
        return pooling_named(super().normalise(raw, file), file)


class Bert(Family):
    """Norms after each part of a layer, learned positions, biases everywhere."""

    model_type = "bert"
    other_model_types: ClassVar[tuple[str, ...]] = ("xlm-roberta", "roberta")
    config_class = BertConfig
    gguf = GGUFMapping(
        "bert",
        names={
            "token_embd": "model.embed_tokens", "position_embd": "model.embed_positions",
            "token_types": "model.embed_types", "token_embd_norm": "model.embed_norm",
            "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj", "attn_output_norm": "self_attn_norm", "ffn_up": "mlp.up_proj",
            "ffn_down": "mlp.down_proj", "layer_output_norm": "mlp_norm",
        },
        keys=(
            Key("hidden_size", "embedding_length", int, required=True),
            Key("num_hidden_layers", "block_count", int, required=True),
            Key("num_attention_heads", "attention.head_count", int, required=True),
            Key("intermediate_size", "feed_forward_length", int, required=True),
            Key("rms_norm_eps", "attention.layer_norm_epsilon", float, required=True),
            Key("max_position_embeddings", "context_length", int, required=True),
            Key("pooling", "pooling_type", int),
        ),
        checks={**CHECKS, "attention.causal": lambda config, value: value is False},
    )  # fmt: skip
    config: BertConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Under the names that decoders have, with one table of positions, to which the first token type is added.

        Raises ModelFileError where a tensor is missing or does not fit.
        """
        if any(name.startswith(("model.embed_tokens", "model.layers.")) for name in tensors):  # of a GGUF file
            renamed = dict(tensors)
        else:
            renamed = {new: tensor for name, tensor in tensors.items() if (new := _rename(name))}
        positions = renamed.get("model.embed_positions.weight")
        if positions is not None and config.get("model_type") in cls.other_model_types:
            positions = positions.part(PADDING, positions.shape[0] - PADDING)
            config["max_position_embeddings"] = positions.shape[0]
        if positions is not None and (types := renamed.pop("model.embed_types.weight", None)):
            first = types.entry(0) if len(types.shape) > 1 else types
            if first.shape != positions.shape[1:]:
                raise ModelFileError(f"the tensor {types.name} has the shape {types.shape}")
            positions = positions.map(lambda values: values + first.array())
        return renamed if positions is None else renamed | {"model.embed_positions.weight": positions}

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """The vector of each sequence, of length 1. Raises ModelFileError if the embeddings are not of the config's
        width."""
        c = self.config
        x = embed(inputs, w.model.embed_tokens)
        if x.width != c.hidden_size:
            raise ModelFileError(f"the embeddings have {x.width} values, hidden_size is {c.hidden_size}")
        x = self.norm(x + embed_positions(inputs.positions, w.model.embed_positions), w.model.embed_norm)
        for i in range(c.num_hidden_layers):
            layer = w.model.layers[i]
            x = self.norm(x + self.attend(inputs, i, x, layer.self_attn), layer.self_attn_norm)
            up = linear(x, layer.mlp.up_proj, layer.mlp.up_proj.bias)
            x = self.norm(x + linear(gelu(up), layer.mlp.down_proj, layer.mlp.down_proj.bias), layer.mlp_norm)
        return unit_vectors(pool_by(inputs, x, c.pooling))

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """All values of a token, centred and normalised together."""
        normed: Tensor = layer_norm(x, w.of(x.width), w.bias, self.config.rms_norm_eps)
        return normed

    def attend(self, inputs: Inputs, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of all tokens to all."""
        c = self.config
        projections = [w.q_proj, w.k_proj, w.v_proj]
        q, k, v = linears(x, projections, [p.bias for p in projections])
        heads = c.num_attention_heads
        out = attention(inputs, q, k, v, i, heads, heads, c.head_dim, c.head_dim**-0.5, causal=False)
        return linear(out, w.o_proj, w.o_proj.bias)


def _rename(name: str) -> str:
    """A checkpoint's name as decoders have it; empty for what makes no vectors (the pooler and heads of training)."""
    name = re.sub(r"^(?:bert|roberta|model|0\.auto_model)\.", "", name)
    name = name.replace(".gamma", ".weight").replace(".beta", ".bias")
    if name.startswith(("pooler.", "lm_head.")) or name.endswith("position_ids"):
        return ""
    match = re.fullmatch(r"(?:encoder\.layer\.(\d+)\.)?(.+)\.(weight|bias)", name)
    if not match or match[2] not in NAMES:
        return name
    return f"model.layers.{match[1]}.{NAMES[match[2]]}.{match[3]}" if match[1] else f"{NAMES[match[2]]}.{match[3]}"
