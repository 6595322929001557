"""The tower of Gemma 3: SigLIP over a square of 896 pixels, of which each 4 x 4 patches are averaged to a token; the
tokens of a picture see each other (Gemma team, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.vision.family import Layout, Patches, VisionFamily, VisionMapping
from galop.models.vision.pictures import Filter, cut, grid, normalise, pad, padded, resize
from galop.models.vision.siglip import SIGLIP_NAMES, SiglipConfig, encode, fit_encoder
from galop.ops import Inputs, Tensor, linear, merge_mean, rms_norm
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

PROJECTOR = "multi_modal_projector."


@dataclass(frozen=True)
class Gemma3VisionConfig(SiglipConfig):
    """SigLIP's, and the tokens of a picture."""

    image_size: int = 896
    mm_tokens_per_image: int = 256

    defaults: ClassVar = {
        **SiglipConfig.defaults, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
        "num_attention_heads": 12, "patch_size": 16,
    }  # fmt: skip

    def check(self, file: str) -> None:
        """Raises ModelFileError for tokens that are not those of a square, too."""
        super().check(file)
        tokens = isqrt(self.mm_tokens_per_image)
        if not tokens or tokens**2 != self.mm_tokens_per_image or self.image_size % (self.patch_size * tokens):
            raise ModelFileError(
                f"{file}: a picture of {self.side} x {self.side} patches does not make "
                f"{self.mm_tokens_per_image} tokens"
            )


class Gemma3Vision(VisionFamily):
    """Any picture becomes a square, whatever its shape."""

    model_types = ("gemma3", "siglip_vision_model")
    text_types = ("gemma3_text",)
    marker = "<start_of_image>"
    config_class = Gemma3VisionConfig
    mmproj = VisionMapping(
        projectors=("gemma3",),
        names={
            **SIGLIP_NAMES,
            "mm.input_projection": f"{PROJECTOR}projection", "mm.soft_emb_norm": f"{PROJECTOR}norm",
        },
        keys={"image_size": "image_size"},
    )  # fmt: skip
    config: Gemma3VisionConfig

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """With the number of tokens, which stands beside."""
        config = super().read_config(raw, vision, processor)
        return {**config, **{key: raw[key] for key in ("mm_tokens_per_image",) if key in raw}}

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """With the number of tokens: of 4 x 4 patches each, if the file says nothing else."""
        factor, patch = header.get("clip.vision.projector.scale_factor", int) or 4, config.get("patch_size")
        if patch and factor > 0 and isinstance(config.get("image_size"), int):
            config["mm_tokens_per_image"] = (config["image_size"] // patch // factor) ** 2
        return config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With the projection as [out, in] and its norm whole, which a checkpoint keeps less 1, and turned. Raises
        ModelFileError for shapes that are not the config's."""
        sane: Tensors = {}
        for name, tensor in tensors.items():
            if name in (f"{PROJECTOR}mm_input_projection_weight", f"{PROJECTOR}projection.weight"):
                sane[f"{PROJECTOR}projection.weight"] = tensor.transpose()
            elif name == f"{PROJECTOR}mm_soft_emb_norm.weight":
                sane[f"{PROJECTOR}norm.weight"] = tensor.map(lambda values: values + 1)
            else:
                sane[name] = tensor
        return fit_encoder(sane, cls.config_class.parse(config, "vision_config"))

    @property
    def merged(self) -> int:
        """A square of patches."""
        return self.config.side**2 // self.config.mm_tokens_per_image

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Averages of patches, normalised and projected. Raises ModelFileError where `w` does not fit the config."""
        c, projector = self.config, w.multi_modal_projector
        pooled = merge_mean(encode(inputs, w, c), inputs.rows, self.merged)
        return linear(rms_norm(pooled, projector.norm.of(c.hidden_size), c.layer_norm_eps), projector.projection)

    def lay_out(self, height: int, width: int) -> Layout:
        """As many tokens whatever its size."""
        pieces = ("\n\n<start_of_image>", self.config.mm_tokens_per_image, "<end_of_image>\n\n")
        return Layout(pieces, together=True)

    def prepare(self, pixels: Array) -> list[Patches]:
        """Patches of the picture as a square."""
        c, block = self.config, isqrt(self.merged)
        square = normalise(resize(pixels, c.image_size, c.image_size, Filter.BILINEAR), c.image_mean, c.image_std)
        row, column = grid(c.side, c.side, block)
        patches = pad(cut(square, c.patch_size, block), padded(3 * c.patch_size**2))
        return [Patches(patches, (row * c.side + column)[None])]
