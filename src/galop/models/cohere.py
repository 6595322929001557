"""Command R and Aya Expanse: Command R7B without windows, every layer rotated (Cohere, 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.cohere2 import COHERE_KEYS, Cohere2, Cohere2Config
from galop.models.config_layers import FULL
from galop.models.gguf_mapping import GGUFMapping
from galop.models.llama import Llama
from galop.ops import Tensor


@dataclass(frozen=True)
class CohereConfig(Cohere2Config):
    """Command R7B's, without windows and, as in all but the largest, without norms of heads."""

    supported_layers: ClassVar = (FULL,)
    spellings: ClassVar = {"layer_norm_eps": "rms_norm_eps"}
    defaults: ClassVar[dict[str, Any]] = {"rms_norm_eps": 1e-5, "tie_word_embeddings": True}
    supported_values: ClassVar = {"use_qk_norm": (False,)}


class Cohere(Cohere2):
    """Command R7B that rotates everywhere."""

    model_type = "cohere"
    config_class = CohereConfig
    gguf = GGUFMapping("command-r", keys=COHERE_KEYS)

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """As Llama."""
        return Llama.rotate(self, i, x)
