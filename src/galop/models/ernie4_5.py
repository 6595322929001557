"""ERNIE 4.5, dense: Llama with a rotation of neighbours (Baidu, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import GGUFMapping
from galop.models.llama import Llama


@dataclass(frozen=True)
class Ernie4_5Config(Config):
    """Llama's, with other defaults."""

    tie_word_embeddings: bool = True

    defaults: ClassVar = {"rope_theta": 500000.0, "head_dim": 128}


class Ernie4_5(Llama):
    """Llama that rotates neighbours."""

    model_type = "ernie4_5"
    config_class = Ernie4_5Config
    gguf = GGUFMapping("ernie4_5")
    interleaved = True
