"""The tower of Llama 4: tiles of a picture on a canvas, and all of it as one; patches with positions learned and turned
by column and row, and a token that sums up; four neighbours to a token (Meta, 2025)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.vision.blocks import (
    attend,
    feed_forward,
    fit_feed_forward,
    fit_heads,
    flatten_patches,
    norm,
    rotation,
)
from galop.models.vision.config import VisionConfig
from galop.models.vision.family import Layout, Patches, VisionFamily, VisionMapping
from galop.models.vision.pictures import Filter, cut, grid, pad, padded, resize
from galop.ops import Inputs, Tensor, embed_positions, gelu, linear, merge, patches
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import StoredTensor, Tensors
from galop.weights.tree import Tree

TILES = 64  # at most


@dataclass(frozen=True)
class Llama4VisionConfig(VisionConfig):
    """The side of a tile, how many there may be, and by how much neighbours are drawn together along a side."""

    image_size: int = 448
    max_patches: int = 16
    pixel_shuffle_ratio: float = 0.5
    rope_theta: float = 1e4

    spellings: ClassVar = {"norm_eps": "layer_norm_eps"}
    defaults: ClassVar = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "layer_norm_eps": 1e-5}
    supported_values: ClassVar = {
        "hidden_act": ("gelu",), "multi_modal_projector_bias": (False,), "vision_feature_layer": (-1,),
        "vision_feature_select_strategy": ("default",), "resize_to_max_canvas": (False,),
    }  # fmt: skip
    ignored: ClassVar = VisionConfig.ignored | {
        "vision_output_dim", "projector_input_dim", "projector_output_dim", "projector_dropout",
    }  # fmt: skip

    def check(self, file: str) -> None:
        """Raises ModelFileError for tiles that are not whole tokens, or too many, too."""
        super().check(file)
        if not 0 < self.pixel_shuffle_ratio <= 1 or not 0 < self.max_patches <= TILES:
            raise ModelFileError(f"{file}: {self.max_patches} tiles are not what a vision tower sees")
        if not self.image_size or self.image_size % (self.patch_size * self.factor):
            raise ModelFileError(f"{file}: tiles of {self.image_size} pixels are not whole tokens of the vision tower")

    @property
    def factor(self) -> int:
        """Patches along a side of a token."""
        return round(1 / self.pixel_shuffle_ratio)

    @property
    def side(self) -> int:
        """Patches along a side of a tile."""
        return self.image_size // self.patch_size


class Llama4Vision(VisionFamily):
    """Tiles row by row, then the whole picture as one more."""

    model_types = ("llama4", "llama4_vision_model")
    text_types = ("llama4_text",)
    marker = "<|image|>"
    config_class = Llama4VisionConfig
    mmproj = VisionMapping(
        projectors=("llama4",),
        names={
            "v.patch_embd": "patch_embedding.linear", "v.class_embd": "class_embedding",
            "v.position_embd.weight": "positional_embedding_vlm", "v.pre_ln": "layernorm_pre",
            "v.post_ln": "layernorm_post", "v.blk.*.ln1": "model.layers.*.input_layernorm",
            "v.blk.*.ln2": "model.layers.*.post_attention_layernorm",
            "v.blk.*.attn_post_norm": "model.layers.*.post_attention_layernorm",  # what the package calls it since 2026
            **{f"v.blk.*.attn_{part}": f"model.layers.*.self_attn.{part}_proj" for part in "qkv"},
            "v.blk.*.attn_out": "model.layers.*.self_attn.o_proj", "v.blk.*.ffn_up": "model.layers.*.mlp.fc1",
            "v.blk.*.ffn_down": "model.layers.*.mlp.fc2", "mm.model.mlp.1": "vision_adapter.mlp.fc1",
            "mm.model.mlp.2": "vision_adapter.mlp.fc2", "mm.model.fc": "multi_modal_projector.linear_1",
        },
        keys={"image_size": "image_size"},
    )  # fmt: skip
    config: Llama4VisionConfig

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """With the number of tiles, which the processor decides. Raises ModelFileError for tiles of another size than
        the tower's."""
        config = super().read_config(raw, vision, processor)
        size = processor.get("size")
        if isinstance(size, dict) and {size.get("height"), size.get("width")} != {vision.get("image_size", 448)}:
            raise ModelFileError(f"size = {str(size)[:60]} of the image processor is not that of the vision tower")
        return {
            **config,
            **{key: processor[key] for key in ("max_patches", "resize_to_max_canvas") if key in processor},
        }

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """With the share of a token's side that a patch has."""
        factor = header.get("clip.vision.projector.scale_factor", int) or 2
        return {**config, "pixel_shuffle_ratio": 1 / max(1, factor)}

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With the token that sums up as the last of the positions. Raises ModelFileError for shapes that are not the
        config's."""
        c = cls.config_class.parse(config, "vision_config")
        sane: Tensors = {}
        summary = tensors.get("class_embedding")
        for name, tensor in tensors.items():
            name = name.replace(".o_proj.", ".out_proj.")
            if name == "positional_embedding_vlm":
                if tensor.shape != (c.side**2 + 1, c.hidden_size) or not summary or summary.shape != (c.hidden_size,):
                    raise ModelFileError(f"{tensor.name} has the shape {tensor.shape}, not that of {c.side**2} patches")
                sane["positions.weight"] = add_to_last(tensor, summary)
            elif name == "patch_embedding.linear.weight":
                sane[name] = flatten_patches(tensor)
            elif name != "class_embedding":
                sane[name] = tensor
        return fit_heads(fit_feed_forward(sane), c.num_attention_heads, c.head_dim)

    @property
    def merged(self) -> int:
        """A square of neighbours."""
        return self.config.factor**2

    @property
    def tile_tokens(self) -> int:
        """Tokens of a tile."""
        return self.config.side**2 // self.merged

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Neighbouring patches, through two layers and projected. Raises ModelFileError where `w` does not fit the
        config."""
        c, eps = self.config, self.config.layer_norm_eps
        x = linear(patches(inputs, padded(3 * c.patch_size**2)), w.patch_embedding.linear)
        x = norm(x + embed_positions(inputs.positions, w.positions, axis=3), w.layernorm_pre, eps)
        turn = rotation(inputs, c.head_dim, c.rope_theta)
        for i in range(c.num_hidden_layers):
            block = w.model.layers[i]
            x = x + attend(inputs, norm(x, block.input_layernorm, eps), block.self_attn, c, turn, interleaved=True)
            x = x + feed_forward(norm(x, block.post_attention_layernorm, eps), block.mlp, exact=True)
        joined, mlp = merge(norm(x, w.layernorm_post, eps), inputs.rows, self.merged), w.vision_adapter.mlp
        return linear(gelu(linear(gelu(linear(joined, mlp.fc1)), mlp.fc2)), w.multi_modal_projector.linear_1)

    def canvas(self, height: int, width: int) -> tuple[int, int]:
        """The rows and columns of tiles that a picture is laid on: those on which it is scaled up least, or else down
        least, of several the smallest."""
        c = self.config
        shapes = sorted(
            (rows, columns) for rows in range(1, c.max_patches + 1) for columns in range(1, c.max_patches // rows + 1)
        )
        sides = np.array(shapes, np.float32) * np.float32(c.image_size)
        scales = (sides / np.array([height, width], np.float32)).min(axis=1)
        up = scales[scales >= 1]
        chosen = up.min() if len(up) else scales.max()
        fit = [shape for shape, one in zip(shapes, scales, strict=True) if one == chosen]
        return min(fit, key=lambda shape: shape[0] * shape[1])

    def lay_out(self, height: int, width: int) -> Layout:
        """Tiles with what separates them, then the whole."""
        rows, columns = self.canvas(height, width)
        pieces: list[str | int] = ["<|image_start|>"]
        if rows * columns > 1:
            for _ in range(rows):
                pieces += [self.tile_tokens, "<|tile_x_separator|>"] * (columns - 1)
                pieces += [self.tile_tokens, "<|tile_y_separator|>"]
        return Layout((*pieces, "<|image|>", self.tile_tokens, "<|image_end|>"))

    def prepare(self, pixels: Array) -> list[Patches]:
        """Patches of each tile, and of the whole."""
        tile = self.config.image_size
        height, width = pixels.shape[:2]
        rows, columns = self.canvas(height, width)
        most = [min(max(side, tile), n * tile) for side, n in ((height, rows), (width, columns))]
        by_height, by_width = most[0] / height, most[1] / width
        if by_width < by_height:
            size = min(math.floor(height * by_width), most[0]), most[1]
        else:
            size = most[0], min(math.floor(width * by_height), most[1])
        laid = np.zeros((rows * tile, columns * tile, 3), np.uint8)
        scaled = resize(pixels, max(1, size[0]), max(1, size[1]), Filter.BILINEAR)
        laid[: scaled.shape[0], : scaled.shape[1]] = scaled
        tiles = laid.reshape(rows, tile, columns, tile, 3).swapaxes(1, 2).reshape(-1, tile, tile, 3)
        whole = [resize(pixels, tile, tile, Filter.BILINEAR)] if rows * columns > 1 else []
        return [self._patches(one) for one in [*tiles, *whole]]

    def _patches(self, tile: Array) -> Patches:
        """Those of a tile, and the token that sums up."""
        c = self.config
        levels = np.stack([brighten(mean, std) for mean, std in zip(c.image_mean, c.image_std, strict=True)], axis=1)
        values = pad(cut(levels[tile, np.arange(3)], c.patch_size, c.factor), padded(3 * c.patch_size**2))
        row, column = grid(c.side, c.side, c.factor)
        at = np.stack([column + 1, row + 1, row * c.side + column])
        last = np.array([[0], [0], [c.side**2]], np.int32)
        return Patches(np.pad(values, ((0, 1), (0, 0))), np.concatenate([at, last], axis=1), extra=1)


def brighten(mean: float, std: float) -> Array:
    """What each of 256 levels of a colour becomes, float32: (level / 255 - mean) / std, rounded to bfloat16 at each
    step as in training."""
    shares = round_to_bfloat16(np.arange(256, dtype=np.float32) * np.float32(1 / 255))
    at, by = round_to_bfloat16(np.array([mean, std], np.float32))
    return round_to_bfloat16(round_to_bfloat16(shares - at) / by)


def round_to_bfloat16(values: Array) -> Array:
    """The nearest float32 values of 8 significant bits."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).astype(np.uint32).view(np.float32)


def add_to_last(table: StoredTensor, vector: StoredTensor) -> StoredTensor:
    """A table with a vector added to its last row, in float32."""

    def read(first: int, count: int) -> Array:
        values = np.array(table.values(first, count), np.float32)
        if first + count == table.rows:
            values[-1] += vector.array()
        return values.view(np.uint8).reshape(count, -1)

    return replace(table.dequantise(), read=read)
