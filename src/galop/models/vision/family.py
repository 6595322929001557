"""What a family of vision towers consists of: a config, the names of its tensors, a forward pass over patches, how
pictures become patches, and how what comes out stands in a prompt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from galop.models.vision.config import VisionConfig
from galop.ops import Inputs, Tensor
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Patches:
    """Patches that attend to each other: a picture, or a tile of one.

    `values` are float32 [patches, width], those that become one token together being neighbours; `axes` int32
    [axes, patches] their positions on axis 1 and up (on axis 0 is their place). The last `extra` of them are seen by
    the others and become no token.
    """

    values: Array
    axes: Array
    extra: int = 0


@dataclass(frozen=True)
class Layout:
    """How a picture stands in a prompt, in place of the family's `marker`.

    `pieces` are control tokens by name, plain text, and numbers of soft tokens, whose embeddings are the tower's, in
    order. `positions`, int32 [3, soft tokens], are those of the soft tokens on the axes of time, height and width,
    counted from the first one's; None where a token's position is its place. `advance` is by how much positions go on
    behind them, `together` says that tokens of a run see each other.
    """

    pieces: tuple[str | int, ...]
    positions: Array | None = None
    advance: int = 0
    together: bool = False

    @property
    def tokens(self) -> int:
        """How many soft tokens there are."""
        return sum(piece for piece in self.pieces if isinstance(piece, int))


@dataclass(frozen=True)
class VisionMapping:
    """How an mmproj file holds a tower: `projectors` are its values of clip.projector_type, `names` the checkpoint's
    names by GGUF's, as in `GGUFMapping`, with these `endings`, `keys` config keys by metadata keys after
    "clip.vision."."""

    projectors: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    endings: tuple[str, ...] = ("weight", "bias")


class VisionFamily(ABC):
    """A family of towers, whose instances are towers of it."""

    # Values of model_type in a vision_config; those of the whole model where a vision_config's says too little.
    model_types: ClassVar[tuple[str, ...]]
    mmproj: ClassVar[VisionMapping]
    text_types: ClassVar[tuple[str, ...]]  # model types of texts that it sees for
    deep_text_types: ClassVar[tuple[str, ...]] = ()  # of those whose first layers take features, too
    marker: ClassVar[str]  # what a chat template writes for a picture
    config_class: ClassVar[type[VisionConfig]]

    def __init__(self, config: Any) -> None:
        self.config = config

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """The tower's config from a config.json, the vision_config in it, and what a processor's config says of
        images: the keys of the second, with those of the others that count."""
        return {**vision, **{key: processor[key] for key in ("image_mean", "image_std") if processor.get(key)}}

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """The config, made of the keys of an mmproj file, with what else the file says."""
        return config

    @classmethod
    def restore(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Those of an mmproj file as a checkpoint has them, under its names: what llama.cpp's converter does to them is
        undone. Raises ModelFileError."""
        return tensors

    @classmethod
    def adapt_text(cls, config: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
        """The config, with what the config of the text that it sees for says."""
        return config

    @classmethod
    @abstractmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """The tensors that `forward` asks for, from those of a checkpoint. Raises ModelFileError."""

    @abstractmethod
    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """The embeddings of soft tokens, [R, width of the text, or of its parts one behind the other], of a step whose
        rows are the first patches of each. Raises ModelFileError where `w` does not fit the config."""

    @property
    @abstractmethod
    def merged(self) -> int:
        """How many patches become a token."""

    @property
    def parts(self) -> int:
        """How many rows of the text's width `forward` gives for a token, one behind the other."""
        return 1

    @abstractmethod
    def lay_out(self, height: int, width: int) -> Layout:
        """How a picture of so many pixels stands in a prompt. Raises PictureError for one that cannot be looked at."""

    @abstractmethod
    def prepare(self, pixels: Array) -> list[Patches]:
        """A picture's patches, from uint8 RGB [height, width, 3]; several where it is looked at in tiles, in the order
        of its soft tokens. Raises PictureError as `lay_out` does."""
