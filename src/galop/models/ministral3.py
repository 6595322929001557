"""Ministral 3: Mistral with YaRN, and queries that grow with the length of a context (Mistral AI, 2025)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.gguf_mapping import KEYS, ConfigDict, GGUFMapping, Key
from galop.models.gguf_rope import unpermute_queries_and_keys
from galop.models.mistral import Mistral, MistralConfig
from galop.ops import Tensor, Vector, position_scale
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """What only this architecture says of its rotation; ggml rotates neighbours."""
    for key, value in (("mscale_all_dim", {"mscale": 1.0}), ("llama_4_scaling_beta", {})):
        if key in config:
            config.setdefault("rope_scaling", {}).update({key: config.pop(key), **value})
    return unpermute_queries_and_keys(tensors, config)


@dataclass(frozen=True)
class Ministral3Config(MistralConfig):
    """Mistral's, with a scale of queries among the keys of its rotation."""

    rope_keys: ClassVar = ("llama_4_scaling_beta",)
    defaults: ClassVar = {**MistralConfig.defaults, "rope_theta": 1e6}

    def validate(self, file: str) -> None:
        """Raises ModelFileError also for a scale that is none, or without the length that it counts in."""
        super().validate(file)
        rotation = self.rope_parameters["full_attention"]
        beta, every = rotation.get("llama_4_scaling_beta", 0), rotation.get("original_max_position_embeddings", 0)
        if type(beta) not in (int, float) or beta < 0 or (beta and (type(every) is not int or every < 1)):
            raise ModelFileError(f"{file}: llama_4_scaling_beta = {str(beta)[:60]} every {str(every)[:60]} tokens")


class Ministral3(Mistral):
    """Mistral with queries scaled by position."""

    model_type = "ministral3"
    other_model_types = ("mistral3",)
    config_class = Ministral3Config
    gguf = GGUFMapping(
        "mistral3",
        keys=(
            *KEYS,
            Key("mscale_all_dim", "rope.scaling.yarn_log_multiplier", float),
            Key("llama_4_scaling_beta", "attention.temperature_scale", float),
        ),
        restore=restore,
    )

    def heads(self, i: int, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries times 1 + beta ln(1 + n), where n is how often the original context lies before them."""
        q, k, v = super().heads(i, x, w)
        rotation = self.config.rope_parameters["full_attention"]
        if beta := rotation.get("llama_4_scaling_beta"):
            every = int(rotation["original_max_position_embeddings"])
            steps = np.arange(math.ceil(self.config.max_position_embeddings / every))
            factors = (1 + beta * np.log1p(steps)).astype(np.float32)
            q = position_scale(q, self.inputs.positions, Vector("query factors", len(factors), factors), every)
        return q, k, v
