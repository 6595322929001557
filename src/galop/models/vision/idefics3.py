"""The tower of Idefics3 and SmolVLM: SigLIP over tiles of a picture and over all of it, of each of which neighbouring
patches are laid behind each other and projected to a token (Laurençon et al., 2024; Marafioti et al., 2025)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.vision.family import Layout, Patches, VisionFamily, VisionMapping
from galop.models.vision.pictures import Filter, cut, grid, normalise, pad, padded, resize
from galop.models.vision.siglip import SIGLIP_NAMES, SiglipConfig, encode, fit_encoder
from galop.ops import Inputs, Tensor, linear, merge
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

LONGEST_EDGE = 4096  # of a picture, whatever the config says
PROJECTION = "connector.modality_projection"


@dataclass(frozen=True)
class Idefics3VisionConfig(SiglipConfig):
    """SigLIP's, the patches along a side of a token, and to how many pixels a picture and its tiles are resized."""

    scale_factor: int = 2
    longest_edge: int = 1456
    tile_size: int = 364
    do_image_splitting: bool = True

    ignored: ClassVar = SiglipConfig.ignored | {"size", "max_image_size", "use_base_siglip", "tie_word_embeddings"}

    def check(self, file: str) -> None:
        """Raises ModelFileError for tiles that are not whole tokens, or none, too."""
        super().check(file)
        if not self.scale_factor or not self.tile_size or self.tile_size % (self.patch_size * self.scale_factor):
            raise ModelFileError(f"{file}: tiles of {self.tile_size} pixels are not whole tokens of the vision tower")
        if self.tile_size > self.image_size or not self.tile_size <= self.longest_edge <= 16 * self.tile_size:
            raise ModelFileError(
                f"{file}: pictures of {self.longest_edge} pixels in tiles of {self.tile_size} are not "
                f"what a vision tower of {self.image_size} sees"
            )


class Idefics3Vision(VisionFamily):
    """Tiles row by row, then the whole picture at the size of a tile."""

    model_types = ("idefics3", "idefics3_vision", "smolvlm", "smolvlm_vision")
    text_types = ("llama",)
    marker = "<image>"
    config_class = Idefics3VisionConfig
    mmproj = VisionMapping(
        projectors=("idefics3",),
        names={**SIGLIP_NAMES, "mm.model.fc": PROJECTION},
        keys={"image_size": "image_size", "projector.scale_factor": "scale_factor",
              "preproc_image_size": "longest_edge"},
    )  # fmt: skip
    config: Idefics3VisionConfig

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """With the sizes that the processor resizes to. The towers' own configs may leave out what SigLIP's usual sizes
        are."""
        config = {**USUAL, **super().read_config(raw, vision, processor)}
        for ours, key in (("longest_edge", "size"), ("tile_size", "max_image_size")):
            size = processor.get(key)
            if isinstance(size, dict) and size.get("longest_edge"):
                config[ours] = size["longest_edge"]
        config["scale_factor"] = raw.get("scale_factor", 2)
        config["tile_size"] = config.get("tile_size", config.get("image_size"))
        config["longest_edge"] = config.get("longest_edge", 4 * config["tile_size"])
        if "do_image_splitting" in processor:
            config["do_image_splitting"] = processor["do_image_splitting"]
        return config

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """Tiles are of the tower's size."""
        config["tile_size"] = config.get("image_size")
        return {"longest_edge": 4 * config.get("image_size", 0), **config}

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Raises ModelFileError for shapes that are not the config's."""
        renamed = {name.replace(f"{PROJECTION}.proj.", f"{PROJECTION}."): tensor for name, tensor in tensors.items()}
        return fit_encoder(renamed, cls.config_class.parse(config, "vision_config"))

    @property
    def merged(self) -> int:
        """A square of patches."""
        return self.config.scale_factor**2

    @property
    def tile_tokens(self) -> int:
        """Tokens of a tile."""
        return (self.config.tile_size // self.config.patch_size // self.config.scale_factor) ** 2

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Neighbouring patches, projected. Raises ModelFileError where `w` does not fit the config."""
        encoded = encode(inputs, w, self.config)
        return linear(merge(encoded, inputs.rows, self.merged), w.connector.modality_projection)

    def sizes(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """The height and width of a picture in its shape, and those of its tiles together."""
        c = self.config
        shape, edge = width / height, min(c.longest_edge, LONGEST_EDGE)
        if width >= height:
            width, height = edge, int(edge / shape)
            height += height % 2
        else:
            height, width = edge, int(edge * shape)
            width += width % 2
        first = max(height, 1), max(width, 1)
        shape, tile = first[1] / first[0], c.tile_size
        if first[1] >= first[0]:
            width = math.ceil(first[1] / tile) * tile
            height = math.ceil(int(width / shape) / tile) * tile
        else:
            height = math.ceil(first[0] / tile) * tile
            width = math.ceil(int(height * shape) / tile) * tile
        return first, (max(height, tile), max(width, tile))

    def lay_out(self, height: int, width: int) -> Layout:
        """Each tile behind its row and column, then the whole."""
        n, pieces = self.tile_tokens, list[str | int]()
        rows, columns = self.tiles(height, width)
        for row in range(rows):
            for column in range(columns):
                pieces += [f"<fake_token_around_image><row_{row + 1}_col_{column + 1}>", n]
            pieces.append("\n")
        pieces += ["\n" * (rows > 0) + "<fake_token_around_image><global-img>", n, "<fake_token_around_image>"]
        return Layout(tuple(pieces))

    def tiles(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of tiles; none where the picture is no larger than one."""
        if not self.config.do_image_splitting:
            return 0, 0
        rows, columns = (side // self.config.tile_size for side in self.sizes(height, width)[1])
        return (0, 0) if rows == columns == 1 else (rows, columns)

    def prepare(self, pixels: Array) -> list[Patches]:
        """Patches of each tile, and of the whole."""
        c, tile = self.config, self.config.tile_size
        first, second = self.sizes(*pixels.shape[:2])
        whole = resize(pixels, *first, Filter.LANCZOS)
        rows, columns = self.tiles(*pixels.shape[:2])
        if c.do_image_splitting:
            whole = resize(whole, *second, Filter.LANCZOS)
        parts = [
            whole[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
            for row in range(rows)
            for column in range(columns)
        ]
        side = tile // c.patch_size
        row, column = grid(side, side, c.scale_factor)
        known = self.buckets(side)
        at = (known[row] * c.side + known[column])[None].astype(np.int32)
        return [
            Patches(
                pad(
                    cut(normalise(part, c.image_mean, c.image_std), c.patch_size, c.scale_factor),
                    padded(3 * c.patch_size**2),
                ),
                at,
            )
            for part in [*parts, resize(whole, tile, tile, Filter.LANCZOS)]
        ]

    def buckets(self, side: int) -> Array:
        """In which of the positions along a side of the tower's square each of `side` patches lies: [side]."""
        borders = (np.arange(1, self.config.side) / self.config.side).astype(np.float32)
        shares = np.arange(side, dtype=np.float32) * np.float32(1 / side)
        found: Array = np.searchsorted(borders, np.minimum(shares, np.float32(1 - 1e-6)), side="right")
        return found


USUAL = {"hidden_size": 1152, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 16,
         "image_size": 224, "patch_size": 32, "layer_norm_eps": 1e-6}  # fmt: skip
