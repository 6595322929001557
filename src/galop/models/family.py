"""What a family of models consists of: a config, a mapping of its GGUF files, a forward pass; each has its own file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import GGUFMapping
from galop.ops import Inputs, Tensor
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


class Family(ABC):
    """A family, whose instances are models of it: a config, and the pass over it that `trace` writes down as a plan."""

    model_type: ClassVar[str]  # in config.json
    other_model_types: ClassVar[tuple[str, ...]] = ()  # by which its configs may go too
    # Endings of the norms whose weights its checkpoints keep less 1; GGUF files, and `forward`, have them whole.
    centred_norms: ClassVar[tuple[str, ...]] = ()
    config_class: ClassVar[type[Config]]
    gguf: ClassVar[GGUFMapping]

    def __init__(self, config: Config) -> None:
        self.config = config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """The tensors that `forward` asks for, from those of a checkpoint: renamed, split, merged or dropped.

        `tensors` come from a safetensors checkpoint of any age or, through `gguf`, from a GGUF file; `config` has the
        keys of config.json. Raises ModelFileError.
        """
        return tensors

    @abstractmethod
    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Logits [R, vocabulary] of the tokens whose logits are wanted. Raises ModelFileError where `w` does not fit
        the config."""

    def draft(self, inputs: Inputs, w: Tree) -> Tensor | None:
        """Logits of the token after the next one, by layers for that, if the checkpoint has them: a pass whose states
        are the last of those of `forward`. Raises ModelFileError as that does."""
        return None
