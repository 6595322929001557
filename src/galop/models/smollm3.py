"""SmolLM3: Llama, whose every fourth layer does not rotate (Hugging Face, 2025)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.gguf_mapping import GGUFMapping
from galop.models.llama import Llama, restore
from galop.ops import Tensor


def list_rotating_layers(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """A config with `no_rope_layers` in place of an interval: for each layer 1 if it rotates. Raises ModelFileError for
    an interval that is none."""
    raw = dict(raw)
    every, layers = raw.pop("no_rope_layer_interval"), raw.get("num_hidden_layers")
    if type(every) is not int or every < 1:
        raise ModelFileError(f"{file}: no_rope_layer_interval = {str(every)[:60]} is not a sensible number")
    if type(layers) is int and 0 < layers < 1 << 16 and not raw.get("no_rope_layers"):
        raw["no_rope_layers"] = [int((i + 1) % every != 0) for i in range(layers)]
    return raw


@dataclass(frozen=True)
class SmolLM3Config(Config):
    """Llama's, and an entry for each layer: 1 if it rotates."""

    no_rope_layers: list[int] = field(default_factory=list)
    tie_word_embeddings: bool = True

    defaults: ClassVar = {"rope_theta": 2e6, "no_rope_layer_interval": 4}

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the list that follows from an interval. Raises ModelFileError where that is none."""
        return list_rotating_layers(super().normalise(raw, file), file)

    def validate(self, file: str) -> None:
        """Raises ModelFileError also if the list is too short."""
        super().validate(file)
        if len(self.no_rope_layers) < self.num_hidden_layers:
            raise ModelFileError(f"{file}: no_rope_layers has {len(self.no_rope_layers)} entries")


class SmolLM3(Llama):
    """Llama with layers that do not rotate; ggml knows only the interval of 4."""

    model_type = "smollm3"
    config_class = SmolLM3Config
    gguf = GGUFMapping("smollm3", restore=restore)
    config: SmolLM3Config

    def rotate(self, i: int, x: Tensor) -> Tensor:
        """As Llama, or not at all."""
        return super().rotate(i, x) if self.config.no_rope_layers[i] else x
