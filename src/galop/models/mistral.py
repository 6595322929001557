"""Mistral 7B to Small 3.2: Llama, in the oldest with a window on every layer (Jiang et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.config import Config
from galop.models.config_layers import FULL, SLIDING
from galop.models.llama import Llama


@dataclass(frozen=True)
class MistralConfig(Config):
    """Llama's, and a window."""

    supported_layers: ClassVar = (FULL, SLIDING)
    defaults: ClassVar = {"sliding_window_pattern": "L"}
    multimodal: ClassVar = True


class Mistral(Llama):
    """Llama with a window; its GGUF files are Llama's, or Ministral 3's."""

    model_type = "mistral"
    config_class = MistralConfig
