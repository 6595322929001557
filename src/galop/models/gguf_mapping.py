"""How a family's GGUF files map to its config.json and to the tensor names of its Hugging Face checkpoints.

Each family's file holds a GGUFMapping with what is its own; what most families share stands here. The names are those
of gguf-py (gguf/constants.py), the meanings those of llama.cpp's readers.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from galop.errors import ModelFileError
from galop.models.config_keys import is_harmless
from galop.models.gguf_rope import ROPE_SCALING, parse_rope_scaling
from galop.weights.gguf import Header, SkippedArray
from galop.weights.stored_tensor import Tensors

# GGUF name -> checkpoint name, without ".weight" and ".bias"; within a layer without "blk.N." and "model.layers.N.".
NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_qkv": "self_attn.qkv_proj",  # of files that keep all three together
}
# What a file of text and images, as Ollama makes them, holds beside the text, by how keys and tensors begin.
OTHER_KEYS = ("vision.", "audio.", "mm.")
OTHER_TENSORS = ("v.", "a.", "mm.")
QK_NORM_NAMES = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}


class Key(NamedTuple):
    """A key of config.json and the GGUF key, after the architecture and a dot, that holds its value.

    `kind` is the value's type; `list` is one with an entry for each layer, which otherwise have to be all the same. A
    whole number is at least `least`.
    """

    config: str
    gguf: str
    kind: type
    required: bool = False
    least: int = 1


KEYS = (
    Key("hidden_size", "embedding_length", int, required=True),
    Key("num_hidden_layers", "block_count", int, required=True),
    Key("num_attention_heads", "attention.head_count", int, required=True),
    Key("num_key_value_heads", "attention.head_count_kv", int),
    Key("head_dim", "attention.key_length", int),
    Key("intermediate_size", "feed_forward_length", int, required=True),
    Key("rms_norm_eps", "attention.layer_norm_rms_epsilon", float, required=True),
    Key("rope_theta", "rope.freq_base", float),
    Key("max_position_embeddings", "context_length", int, required=True),
)

LAYER_NORM_KEYS = (
    *(key for key in KEYS if key.config != "rms_norm_eps"),
    Key("rms_norm_eps", "attention.layer_norm_epsilon", float, required=True),
)

# Of families that rotate parts of heads, of those whose layers have windows, and of those whose windowed layers rotate
# in a way of their own.
PARTIAL_KEYS = (Key("rotary_dim", "rope.dimension_count", int),)
WINDOW_KEYS = (
    Key("sliding_window", "attention.sliding_window", int, least=0),
    Key("sliding_window_pattern", "attention.sliding_window_pattern", list),
)
# How frequencies are shared among axes of positions: by the names of Ollama's files, and by the one that counts.
SECTION_KEYS = tuple(
    Key("mrope_section", name, list) for name in ("mrope_sections", "rope.mrope_section", "rope.dimension_sections")
)
LOCAL_ROPE_KEYS = (Key("rope_local_base_freq", "rope.freq_base_swa", float),)
# Multipliers as Granite has them.
SCALE_KEYS = (
    Key("attention_multiplier", "attention.scale", float),
    Key("embedding_multiplier", "embedding_scale", float),
    Key("residual_multiplier", "residual_scale", float),
    Key("logits_scaling", "logit_scale", float),
)

ConfigDict = dict[str, Any]
Check = Callable[[ConfigDict, Any], bool]


def head_dim(config: ConfigDict) -> int:
    """The width of a head, given or implied."""
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


# Keys that are not read, because they add nothing to those above if they have the value that is checked here.
CHECKS: dict[str, Check] = {
    "vocab_size": lambda config, value: True,
    "tensor_data_layout": lambda config, value: True,
    "pooling_type": lambda config, value: True,  # what embeddings are made of, after the layers
    "attention.value_length": lambda config, value: value == head_dim(config),
    "attention.layer_norm_epsilon": lambda config, value: value == config["rms_norm_eps"],
    "attention.causal": lambda config, value: value is True,
    "attention.scale": lambda config, value: value == 0 or math.isclose(value, head_dim(config) ** -0.5, rel_tol=1e-6),
    "attention.sliding_window": lambda config, value: value == 0 or value >= config["max_position_embeddings"],
    "rope.dimension_count": lambda config, value: value == head_dim(config),
    "expert_weights_norm": lambda config, value: value is True,
    "expert_gating_func": lambda config, value: value in (0, 1),
    "expert_weights_scale": lambda config, value: value in (0, 1),
    "embedding_scale": lambda config, value: value in (0, 1),
    "residual_scale": lambda config, value: value in (0, 1),
    "logit_scale": lambda config, value: value in (0, 1),
}


def keep(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """The `restore` of a family whose tensors are in GGUF what they are in its checkpoints."""
    return tensors


@dataclass(frozen=True)
class GGUFMapping:
    """What a family's GGUF files are called and hold.

    Files of `other_architectures` are alike. `names` and `keys` are the tables above, or the family's own. `implied`
    are config.json keys that follow from the architecture where a file does not have them. `restore(tensors, config,
    file)` undoes what llama.cpp's converter does to tensors, which by then have their checkpoint names: it may reorder,
    merge and consume them, and add to the config what only tensors say. `pre_tokenizer` splits the text of files too
    old to name one.
    """

    architecture: str
    other_architectures: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=lambda: NAMES)
    keys: tuple[Key, ...] = KEYS
    implied: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=lambda: CHECKS)
    restore: Callable[[Tensors, ConfigDict, str], Tensors] = keep
    pre_tokenizer: str = ""

    def parse_config(self, header: Header, model_type: str) -> ConfigDict:
        """The metadata as the contents of a config.json. Raises ModelFileError naming what is missing, of the wrong
        type, or not understood and able to change the arithmetic."""
        config: ConfigDict = {"model_type": model_type, **self.implied}
        for name, suffix, kind, required, least in self.keys:
            key = f"{self.architecture}.{suffix}"
            value = header.get(key, kind)
            if value is None:
                if required and name not in self.implied:
                    raise ModelFileError(f"{header.file}: the metadata key {key} is missing")
                continue
            if kind is int and not least <= value < 1 << 31:
                raise ModelFileError(f"{header.file}: {key} = {value} is not a sensible size")
            config[name] = value
        if scaling := parse_rope_scaling(header, self.architecture, {key.gguf for key in self.keys}):
            config["rope_scaling"] = scaling
        self._check_rest(header, config)
        return config

    def _check_rest(self, header: Header, config: ConfigDict) -> None:
        """Raises ModelFileError for a key of the architecture that is not read and may change the arithmetic."""
        own = f"{self.architecture}."
        rest = {key.removeprefix(own): value for key, value in header.metadata.items() if key.startswith(own)}
        used = {key.gguf for key in self.keys}
        if rest.get("expert_count") and "expert_count" not in used:
            raise ModelFileError(
                f"{header.file}: experts under the architecture {self.architecture} (Mixtral) are not supported"
            )
        for suffix, value in rest.items():
            if suffix in used or suffix.startswith(("rope.scaling.", *OTHER_KEYS)) or suffix in ROPE_SCALING:
                continue
            check = self.checks.get(suffix) if isinstance(value, int | float) else None
            if not (check(config, value) if check else _is_neutral(suffix, value)):
                raise ModelFileError(
                    f"{header.file}: {own}{suffix} = {str(value)[:40]} is not understood and may change the arithmetic"
                )

    def rename(self, tensors: Tensors, file: str) -> Tensors:
        """The tensors under their checkpoint names, but for those for images and sound. Raises ModelFileError for one
        that the architecture has not."""
        renamed: Tensors = {}
        for name, tensor in tensors.items():
            new = self.checkpoint_name(name)
            if new is None and name.startswith(OTHER_TENSORS):
                continue
            if new is None:
                raise ModelFileError(f"{file}: the tensor {name} is not part of the architecture {self.architecture}")
            renamed[new] = tensor
        return renamed

    def checkpoint_name(self, name: str) -> str | None:
        """`blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`; None for a name that is not known.

        A whole name in the table, such as "ssm_dt.bias", goes before one without its ending.
        """
        match = re.fullmatch(r"(?:blk\.(\d+)\.)?(.+)", name)
        if not match:
            return None
        layer = f"model.layers.{match[1]}." if match[1] else ""
        stem, _, ending = match[2].rpartition(".")
        if match[2] in self.names:
            return layer + self.names[match[2]]
        return f"{layer}{self.names[stem]}.{ending}" if stem in self.names and ending in ("weight", "bias") else None


def _is_neutral(suffix: str, value: Any) -> bool:
    """Whether a key of the architecture that is not read leaves the arithmetic as it is."""
    if isinstance(value, array):
        return is_harmless(suffix, [one for one in value if one], {})
    return is_harmless(suffix, [value] if isinstance(value, SkippedArray) else value, {})
