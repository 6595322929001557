"""The language models of Qwen2-VL, 2.5-VL and 3-VL: those of Qwen2, Qwen3 and its mixtures, whose rotations read
positions on three axes; in 3-VL features of pictures are added after the first layers (Qwen team, 2024, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.experts import split_experts
from galop.models.gguf_mapping import SECTION_KEYS, ConfigDict, GGUFMapping, Key
from galop.models.qwen2 import Qwen2, Qwen2Config
from galop.models.qwen3 import Qwen3, Qwen3Config
from galop.models.qwen3_moe import Qwen3Moe, Qwen3MoeConfig
from galop.ops import Tensor, add_embedding
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

SECTIONS = ("mrope_section", "mrope_interleaved")
# For how many of the first layers pictures bring features; Ollama's files list the tower's blocks that they are of.
DEEPSTACK_KEYS = (
    Key("deepstack_layers", "n_deepstack_layers", int, least=0),
    Key("deepstack_blocks", "vision.deepstack_visual_indexes", list),
)
SECTIONS_OF_128 = [24, 20, 20]  # of heads of 128 values, where a file says nothing


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """The sections of a rotation as its own, without a fourth that is empty."""
    if blocks := config.pop("deepstack_blocks", None):
        config.setdefault("deepstack_layers", len(blocks) if isinstance(blocks, list) else 1)
        if config.get("head_dim") == 128:
            config.setdefault("mrope_section", SECTIONS_OF_128)
    if sections := config.pop("mrope_section", None):
        config["rope_parameters"] = {"mrope_section": list(sections)[:3] if isinstance(sections, list) else sections}
    return tensors


def count_deepstack(raw: dict[str, Any], respelled: dict[str, Any]) -> dict[str, Any]:
    """The config `respelled` with the number of blocks whose features go to the text, as the vision_config of the one
    that was given lists them."""
    vision = raw.get("vision_config")
    blocks = vision.get("deepstack_visual_indexes") if isinstance(vision, dict) else None
    return {"deepstack_layers": len(blocks), **respelled} if isinstance(blocks, list) else respelled


@dataclass(frozen=True)
class Qwen2VLConfig(Qwen2Config):
    """Qwen2's, in a text_config beside that of images, or with it."""

    multimodal: ClassVar = True
    rope_keys: ClassVar = SECTIONS


class Qwen2VL(Qwen2):
    """Qwen2, for text."""

    model_type = "qwen2_5_vl_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("qwen2_5_vl", "qwen2_vl", "qwen2_vl_text")
    config_class = Qwen2VLConfig
    gguf = GGUFMapping(
        "qwen2vl",
        other_architectures=("qwen25vl",),
        keys=Qwen2.gguf.keys + SECTION_KEYS,
        restore=restore,
        pre_tokenizer="qwen2",
    )


@dataclass(frozen=True)
class Qwen3VLConfig(Qwen3Config):
    """Qwen3's beside a config of images."""

    deepstack_layers: int = 0

    multimodal: ClassVar = True
    rope_keys: ClassVar = SECTIONS

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the number of layers after which features of pictures are added. Raises ModelFileError."""
        return count_deepstack(raw, super().respell(raw, file))


class Qwen3VL(Qwen3):
    """Qwen3, with pictures."""

    model_type = "qwen3_vl_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("qwen3_vl",)
    config_class = Qwen3VLConfig
    gguf = GGUFMapping(
        "qwen3vl",
        names=Qwen3.gguf.names,
        keys=Qwen3.gguf.keys + SECTION_KEYS + DEEPSTACK_KEYS,
        restore=restore,
        pre_tokenizer="qwen2",
    )
    interleaved_sections = True
    config: Qwen3VLConfig

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """After the first layers with what a picture brings for them."""
        x = super().layer(i, x, w)
        return add_embedding(self.inputs, x, i + 1) if i < self.config.deepstack_layers else x


@dataclass(frozen=True)
class Qwen3VLMoeConfig(Qwen3MoeConfig):
    """Qwen3-MoE's beside a config of images."""

    deepstack_layers: int = 0

    multimodal: ClassVar = True
    rope_keys: ClassVar = SECTIONS
    defaults: ClassVar = {"norm_topk_prob": True}

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the number of layers after which features of pictures are added. Raises ModelFileError."""
        return count_deepstack(raw, super().respell(raw, file))


class Qwen3VLMoe(Qwen3Moe):
    """Qwen3-MoE, with pictures."""

    model_type = "qwen3_vl_moe_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("qwen3_vl_moe",)
    config_class = Qwen3VLMoeConfig
    gguf = GGUFMapping(
        "qwen3vlmoe",
        names=Qwen3Moe.gguf.names,
        keys=Qwen3Moe.gguf.keys + SECTION_KEYS + DEEPSTACK_KEYS,
        implied=Qwen3Moe.gguf.implied,
        restore=restore,
        pre_tokenizer="qwen2",
    )
    interleaved_sections = True
    config: Qwen3VLMoeConfig

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With a matrix for each expert: those of the hub are stacked and [in, out], newer ones [out, in]."""
        transposed = any(
            name.endswith(".experts.down_proj") and tensor.shape[1:2] != (config.get("hidden_size"),)
            for name, tensor in tensors.items()
        )
        return super().sanitize(split_experts(tensors, transposed=transposed), config)

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """After the first layers with what a picture brings for them."""
        x = super().layer(i, x, w)
        return add_embedding(self.inputs, x, i + 1) if i < self.config.deepstack_layers else x
