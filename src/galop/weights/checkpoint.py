"""A model as its files hold it: configuration, tensors under their Hugging Face names, tokenizer and template."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galop.tokenizers.dummy_space import DummySpace
from galop.weights.stored_tensor import Tensors


@dataclass
class Checkpoint:
    """What a GGUF file or a safetensors directory says; `config` has the keys of a config.json."""

    path: Path
    config: dict[str, Any]
    tensors: Tensors
    tokenizer_json: str
    chat_template: str | None = None
    bos_token: str = ""
    eos_token: str = ""
    add_bos: bool = False
    dummy_space: DummySpace = ""
    stop_ids: list[int] = field(default_factory=list)
    fim: dict[str, int] = field(default_factory=dict)  # tokens for filling in the middle (see tokenizers/fim.py)
    generation: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    licence: str = ""
    notes: list[str] = field(default_factory=list)  # what a user should know before trusting it

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of every tensor, by name."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    def describe_losses(self) -> list[str]:
        """What became of weights that are not run as they are stored, in a sentence for each way."""
        counts: dict[tuple[str, str], int] = {}
        for tensor in self.tensors.values():
            if tensor.loss:
                counts[tensor.source, tensor.loss] = counts.get((tensor.source, tensor.loss), 0) + 1
        return [f"{count} of its weights are in {source} and run {loss}" for (source, loss), count in counts.items()]
