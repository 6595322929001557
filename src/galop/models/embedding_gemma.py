"""EmbeddingGemma: Gemma 3 as an encoder, whose tokens see both sides, with dense layers behind the pooling (Google
DeepMind, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.gemma3 import Gemma3, Gemma3Config
from galop.models.gguf_mapping import CHECKS, GGUFMapping, Key
from galop.models.sentence_files import POOLINGS, pool_by, pooling_named, unit_vectors
from galop.ops import Inputs, Tensor, attention, linear
from galop.weights.tree import Tree

DENSE = ("dense_2", "dense_3")  # as GGUF has them


@dataclass(frozen=True)
class EmbeddingGemmaConfig(Gemma3Config):
    """Gemma 3's, and how a text's vector is made of its tokens'."""

    pooling: str = POOLINGS[0]

    supported_values: ClassVar = {**Gemma3Config.supported_values, "use_bidirectional_attention": (True,)}

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the pooling by name. Raises ModelFileError."""
        return pooling_named(super().normalise(raw, file), file)


class EmbeddingGemma(Gemma3):
    """Gemma 3 with attention to both sides, half a window to each."""

    model_type = "gemma3_encoder"
    other_model_types = ()
    config_class = EmbeddingGemmaConfig
    gguf = GGUFMapping(
        "gemma-embedding",
        names={**Gemma3.gguf.names, **{name: f"dense.{i}" for i, name in enumerate(DENSE)}},
        keys=(*Gemma3.gguf.keys, Key("pooling", "pooling_type", int)),
        # The widths of dense layers are those of their tensors.
        checks={
            **CHECKS, "attention.causal": lambda config, value: value is False,
            **{f"{name}_feat_{end}": lambda config, value: True for name in DENSE for end in ("in", "out")},
        },
        restore=Gemma3.gguf.restore,
    )  # fmt: skip
    config: EmbeddingGemmaConfig

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """The vector of each sequence, of length 1. Raises ModelFileError if the embeddings are not of the config's
        width."""
        self.inputs = inputs
        self.rotations = {}
        x = self.embed(w)
        for i in range(self.config.num_hidden_layers):
            x = self.layer(i, x, w.model.layers[i])
        x = pool_by(inputs, self.norm(x, w.model.norm), self.config.pooling)
        for i in range(len(DENSE)):
            if w.dense[i]:
                x = linear(x, w.dense[i])
        return unit_vectors(x)

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention of layer `i` to all tokens, or to those within half a window."""
        c = self.config
        q, k, v = self.heads(i, x, w)
        heads = (c.num_attention_heads, c.num_key_value_heads, c.head_dim)
        window = c.window(i) // 2 + 1 if c.window(i) else 0
        out = attention(self.inputs, q, k, v, i, *heads, self.attention_scale(), window=window, causal=False)
        return linear(out, w.o_proj)
