"""LFM2 and LFM2.5: short convolutions between gates on most layers, attention on the others (Liquid AI, 2025)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.config_layers import FULL
from galop.models.gguf_mapping import KEYS, NAMES, QK_NORM_NAMES, ConfigDict, GGUFMapping, Key
from galop.models.qwen3 import Qwen3
from galop.models.recurrent import prepare_recurrent
from galop.ops import Tensor, causal_conv, linear, linears, multiply
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

CONV = "conv"
LLAMA_NAMES = {
    "embedding_norm": "norm", "operator_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "feed_forward": "mlp", "w1": "gate_proj", "w2": "down_proj", "w3": "up_proj", "q_layernorm": "q_norm",
    "k_layernorm": "k_norm", "expert_bias": "gate.e_score_correction_bias",
}  # fmt: skip
LFM2_NAMES = {
    "token_embd_norm": "model.norm", "shortconv.conv": "conv.conv", "shortconv.in_proj": "conv.in_proj",
    "shortconv.out_proj": "conv.out_proj",
}  # fmt: skip
LFM2_KEYS = (
    *(key for key in KEYS if key.config != "num_key_value_heads"),
    Key("layer_types", "attention.head_count_kv", list, required=True),
    Key("conv_L_cache", "shortconv.l_cache", int, required=True),
)


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """Layers without key heads are those that convolve."""
    heads = config.pop("layer_types")
    config["layer_types"] = [FULL if count else CONV for count in heads]
    config["num_key_value_heads"] = max(heads)
    return tensors


@dataclass(frozen=True)
class Lfm2Config(Config):
    """Llama's, and how many tokens a convolution spans."""

    conv_L_cache: int = 3
    tie_word_embeddings: bool = True

    supported_layers: ClassVar = (FULL, CONV)
    spellings: ClassVar = {"norm_eps": "rms_norm_eps", "tie_embedding": "tie_word_embeddings"}
    defaults: ClassVar = {"rope_theta": 1e6, "rms_norm_eps": 1e-5, "max_position_embeddings": 128000}
    supported_values: ClassVar = {"conv_bias": (False,), "block_use_swiglu": (True,), "use_pos_enc": (True,)}

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With a type for each layer. Raises ModelFileError as that of all families."""
        raw = super().respell(raw, file)
        full, layers = raw.pop("full_attn_idxs", None), raw.get("num_hidden_layers")
        if isinstance(full, list) and type(layers) is int and 0 < layers < 1 << 16:
            raw.setdefault("layer_types", [FULL if i in full else CONV for i in range(layers)])
        # Other names for widths, and what training began with; the feed-forward part's width follows from its weights.
        idle = re.compile(r"block_(dim|ff.*|auto_.*|multiple_of|norm_eps|.*init.*)|conv_(dim.*|.*init)|num_heads")
        return {key: value for key, value in raw.items() if not idle.fullmatch(key)}


class Lfm2(Qwen3):
    """Qwen3 whose layers mostly convolve."""

    model_type = "lfm2"
    config_class: ClassVar[type[Config]] = Lfm2Config
    gguf = GGUFMapping(
        "lfm2",
        names={**NAMES, **QK_NORM_NAMES, **LFM2_NAMES},
        keys=LFM2_KEYS,
        restore=restore,
        pre_tokenizer="lfm2",
    )
    config: Lfm2Config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Under Llama's names, and what is convolved apart from its gates. Raises ModelFileError for another shape."""
        sane: Tensors = {}
        for name, tensor in prepare_recurrent(super().sanitize(tensors, config)).items():
            name = ".".join(LLAMA_NAMES.get(part, part) for part in name.split("."))
            name = name.replace(".self_attn.out_proj.", ".self_attn.o_proj.")
            if name.endswith(".conv.in_proj.weight"):
                if tensor.shape[0] % 3:
                    raise ModelFileError(f"{name} has {tensor.shape[0]} rows, which are not three parts")
                third = tensor.shape[0] // 3
                for part, rows in zip(("b_proj", "c_proj", "x_proj"), tensor.split(third, third, third), strict=True):
                    sane[name.replace("in_proj", part)] = rows
            else:
                sane[name] = tensor
        return sane

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """The residual stream after layer `i`, which attends or convolves."""
        normed = self.norm(x, w.input_layernorm)
        full = self.config.layer_type(i) == FULL
        x = x + (self.attend(i, normed, w.self_attn) if full else self.convolve(normed, w.conv))
        return x + self.feed_forward(self.norm(x, w.post_attention_layernorm), w.mlp)

    def convolve(self, x: Tensor, w: Tree) -> Tensor:
        """A convolution over the last tokens, with a gate before it and one behind it."""
        b, c, u = linears(x, [w.b_proj, w.c_proj, w.x_proj], [None] * 3)
        u = causal_conv(self.inputs, multiply(u, b), w.conv, None, self.inputs.next_state, silu=False)
        return linear(multiply(u, c), w.out_proj)
