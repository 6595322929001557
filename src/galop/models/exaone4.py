"""EXAONE 4.0: OLMo 2's norms, heads of queries and keys normalised one by one, and no rotation in the full layers of
the models with windows (LG AI Research, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.gguf_mapping import KEYS, WINDOW_KEYS, ConfigDict, GGUFMapping
from galop.models.gguf_rope import restore_divisors
from galop.models.llama import Llama
from galop.models.olmo import Olmo3
from galop.ops import Tensor
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

LARGEST = 64  # layers of the 32B, the one that has windows


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """Llama 3's scaling is a tensor, and files that say nothing of windows have them in the largest model alone."""
    config.setdefault("sliding_window", 4096 if config["num_hidden_layers"] == LARGEST else 0)
    return restore_divisors(tensors, config, file)


@dataclass(frozen=True)
class Exaone4Config(Config):
    """Llama's, and windows."""

    supported_layers: ClassVar = (FULL, SLIDING)
    supported_values: ClassVar = {"reorder_qk_norm": (True,)}
    defaults: ClassVar = {"sliding_window": 4096, "sliding_window_pattern": 4}


class Exaone4(Olmo3):
    """OLMo 3 with other norms of queries and keys."""

    model_type = "exaone4"
    config_class = Exaone4Config
    gguf = GGUFMapping(
        "exaone4",
        names={**Olmo3.gguf.names, "rope_freqs": "rope_freqs"},
        keys=KEYS + WINDOW_KEYS,
        restore=restore,
    )

    def project(self, x: Tensor, w: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, each head normalised, and values."""
        q, k, v = Llama.project(self, x, w)
        return self.norm_heads(q, w.q_norm), self.norm_heads(k, w.k_norm), v

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """As Llama; not in full layers beside those with a window."""
        return super().rotate(i, x) if self.config.layer_type(i) == SLIDING or not self.config.layer_types else x
