"""The tower of Qwen3-VL and Qwen3.5: patches of 16, positions learned and rotated, four neighbours to a token; of
Qwen3-VL's also features of earlier blocks for the text's first layers (Qwen team, 2025)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError, PictureError
from galop.models.vision.blocks import (
    attend,
    feed_forward,
    fit_feed_forward,
    fit_heads,
    flatten_patches,
    norm,
    rotation,
)
from galop.models.vision.config import GELU, VisionConfig
from galop.models.vision.family import Layout, Patches, VisionFamily, VisionMapping
from galop.models.vision.pictures import Filter, cut, grid, normalise, pad, padded, resize
from galop.ops import Inputs, Tensor, concat, linear, merge, patches, resample_positions
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import StoredTensor, Tensors
from galop.weights.tree import Tree

LONGEST_SIDES = 200  # times the shorter side


@dataclass(frozen=True)
class Qwen3VLVisionConfig(VisionConfig):
    """Numbers of pixels between which pictures are resized, and the blocks whose features go to the text's layers."""

    spatial_merge_size: int = 2
    temporal_patch_size: int = 2
    out_hidden_size: int = 0
    num_position_embeddings: int = 2304
    deepstack_visual_indexes: list[int] = field(default_factory=list)
    min_pixels: int = 65536
    max_pixels: int = 16777216
    rope_theta: float = 1e4

    spellings: ClassVar = {"depth": "num_hidden_layers", "num_heads": "num_attention_heads"}
    defaults: ClassVar = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    supported_values: ClassVar = {"hidden_act": GELU, "temporal_patch_size": (2,)}

    def check(self, file: str) -> None:
        """Raises ModelFileError for features of blocks that there are not, and tokens that are none, too."""
        super().check(file)
        if not all(0 <= one < self.num_hidden_layers for one in self.deepstack_visual_indexes):
            raise ModelFileError(
                f"{file}: the vision tower has {self.num_hidden_layers} blocks, not all that are named"
            )
        token = self.patch_size * self.spatial_merge_size
        if not 0 < self.spatial_merge_size <= 16 or not token**2 <= self.min_pixels <= self.max_pixels:
            raise ModelFileError(f"{file}: pictures of {self.min_pixels} pixels are no tokens of the vision tower")


class Qwen3VLVision(VisionFamily):
    """Frames come in pairs; a picture is the same one twice, so that the weights of both are added up."""

    model_types = ("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "qwen3_5_vision")
    text_types = ("qwen3_vl_text", "qwen3_vl_moe_text", "qwen3_5_text", "qwen3_5_moe_text")
    deep_text_types = ("qwen3_vl_text", "qwen3_vl_moe_text")
    marker = "<|image_pad|>"
    config_class = Qwen3VLVisionConfig
    mmproj = VisionMapping(
        projectors=("qwen3vl_merger",),
        names={
            "v.patch_embd": "patch_embed.proj", "v.patch_embd.weight.1": "patch_embed.proj.weight.1",
            "v.position_embd": "pos_embed", "v.post_ln": "merger.norm", "mm.0": "merger.linear_fc1",
            "mm.2": "merger.linear_fc2", "v.blk.*.ln1": "blocks.*.norm1", "v.blk.*.ln2": "blocks.*.norm2",
            "v.blk.*.attn_qkv": "blocks.*.attn.qkv", **{f"v.blk.*.attn_{p}": f"blocks.*.attn.{p}_proj" for p in "qkv"},
            "v.blk.*.attn_out": "blocks.*.attn.proj",
            "v.blk.*.ffn_up": "blocks.*.mlp.linear_fc1", "v.blk.*.ffn_down": "blocks.*.mlp.linear_fc2",
            "v.deepstack.*.norm": "deepstack_of.*.norm", "v.deepstack.*.fc1": "deepstack_of.*.linear_fc1",
            "v.deepstack.*.fc2": "deepstack_of.*.linear_fc2",
        },
        keys={
            "spatial_merge_size": "spatial_merge_size", "image_min_pixels": "min_pixels",
            "image_max_pixels": "max_pixels",
        },
    )  # fmt: skip
    config: Qwen3VLVisionConfig

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """With the numbers of pixels, by any of their names."""
        config = super().read_config(raw, vision, processor)
        size = processor.get("size")
        size = size if isinstance(size, dict) else {}
        for ours, theirs in (("min_pixels", "shortest_edge"), ("max_pixels", "longest_edge")):
            if pixels := processor.get(ours) or size.get(theirs):
                config[ours] = pixels
        return config

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """With the numbers of the blocks whose features go to the text's layers."""
        named = header.get("clip.vision.is_deepstack_layers", list) or []
        config["deepstack_visual_indexes"] = [i for i, one in enumerate(named) if one]
        config["out_hidden_size"] = header.get("clip.vision.projection_dim", int) or 0
        return config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With the weights of both frames in one, queries, keys and values apart, and features of earlier blocks in
        their order. Raises ModelFileError for tensors that do not fit."""
        sane: Tensors = {}
        blocks = config.get("deepstack_visual_indexes") or []
        second = tensors.get("patch_embed.proj.weight.1")
        for name, tensor in tensors.items():
            if match := re.fullmatch(r"deepstack_of\.(\d+)\.(.+)", name):
                if int(match[1]) not in blocks:
                    raise ModelFileError(f"{tensor.name} is of a block that is_deepstack_layers does not name")
                name = f"deepstack.{blocks.index(int(match[1]))}.{match[2]}"
            name = name.replace("linear_fc", "fc").replace("deepstack_merger_list.", "deepstack.")
            name = name.replace(".attn.proj.", ".attn.out_proj.")
            if ".attn.qkv." in name:
                if tensor.shape[0] % 3:
                    raise ModelFileError(f"{tensor.name} has {tensor.shape[0]} rows, not those of three projections")
                for part, one in zip("qkv", tensor.split(*[tensor.shape[0] // 3] * 3), strict=True):
                    sane[name.replace(".qkv.", f".{part}_proj.")] = one
            elif name == "patch_embed.proj.weight":
                sane[name] = flatten_patches(add_frames(tensor, second))
            elif name != "patch_embed.proj.weight.1":
                sane[name] = tensor
        vision = cls.config_class.parse(config, "vision_config")
        return fit_heads(fit_feed_forward(sane), vision.num_attention_heads, vision.head_dim)

    @property
    def merged(self) -> int:
        """A square of neighbours."""
        return self.config.spatial_merge_size**2

    @property
    def parts(self) -> int:
        """An embedding, and features for the text's first layers."""
        return 1 + len(self.config.deepstack_visual_indexes)

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Embeddings, and behind them the features for the text's first layers. Raises ModelFileError where `w` does
        not fit the config."""
        c = self.config
        x = linear(patches(inputs, padded(3 * c.patch_size**2)), w.patch_embed.proj, w.patch_embed.proj.bias)
        x = x + resample_positions(inputs.positions, w.pos_embed)
        turn = rotation(inputs, c.head_dim, c.rope_theta)
        features = {}
        for i in range(c.num_hidden_layers):
            block = w.blocks[i]
            x = x + attend(inputs, norm(x, block.norm1, c.layer_norm_eps), block.attn, c, turn)
            x = x + feed_forward(norm(x, block.norm2, c.layer_norm_eps), block.mlp)
            if i in c.deepstack_visual_indexes:
                joined = merge(x, inputs.rows, self.merged)
                part = w.deepstack[c.deepstack_visual_indexes.index(i)]
                features[i] = feed_forward(norm(joined, part.norm, c.layer_norm_eps), part, exact=True)
        joined = merge(norm(x, w.merger.norm, c.layer_norm_eps), inputs.rows, self.merged)
        embeddings = feed_forward(joined, w.merger, exact=True)
        parts = [embeddings, *(features[i] for i in c.deepstack_visual_indexes)]
        return concat(parts) if len(parts) > 1 else embeddings

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The height and width to which a picture is resized: its shape, in whole tokens, within the config's numbers
        of pixels. Raises PictureError for one that is too long."""
        c = self.config
        token = c.patch_size * c.spatial_merge_size
        if max(height, width) > LONGEST_SIDES * min(height, width):
            raise PictureError(
                f"a picture of {width} x {height} pixels is more than {LONGEST_SIDES} times as long as it is wide"
            )
        rows, columns = round(height / token) * token, round(width / token) * token
        if rows * columns > c.max_pixels:
            shrink = math.sqrt(height * width / c.max_pixels)
            rows, columns = (max(token, math.floor(side / shrink / token) * token) for side in (height, width))
        elif rows * columns < c.min_pixels:
            grow = math.sqrt(c.min_pixels / (height * width))
            rows, columns = (math.ceil(side * grow / token) * token for side in (height, width))
        return rows, columns

    def lay_out(self, height: int, width: int) -> Layout:
        """A token for each square of patches, whose row and column are its positions. Raises PictureError as `size`
        does."""
        token = self.config.patch_size * self.config.spatial_merge_size
        rows, columns = (side // token for side in self.size(height, width))
        at = np.indices((rows, columns), np.int32).reshape(2, -1)
        return Layout((rows * columns,), np.concatenate([0 * at[:1], at]), max(rows, columns))

    def prepare(self, pixels: Array) -> list[Patches]:
        """Patches of a picture resized in its shape. Raises PictureError as `size` does."""
        c = self.config
        resized = resize(pixels, *self.size(*pixels.shape[:2]), Filter.BICUBIC)
        values = cut(normalise(resized, c.image_mean, c.image_std), c.patch_size, c.spatial_merge_size)
        rows, columns = (side // c.patch_size for side in resized.shape[:2])
        at = grid(rows, columns, c.spatial_merge_size)
        return [
            Patches(
                pad(values, padded(3 * c.patch_size**2)), np.concatenate([at, np.full_like(at, [[rows], [columns]])])
            )
        ]


def add_frames(both: StoredTensor, second: StoredTensor | None) -> StoredTensor:
    """The weights of a pair's frames added up, [out, channels, patch, patch], from both in one tensor, [out, channels,
    2, patch, patch], or from one of each. Raises ModelFileError for other shapes."""
    shape = both.shape if second is None else (*both.shape[:2], 2, *both.shape[2:])
    if len(shape) != 5 or shape[2] != 2 or (second is not None and second.shape != both.shape):
        raise ModelFileError(f"{both.name} has the shape {both.shape}, not that of weights for a pair of frames")
    out, channels, _, *patch = shape
    size = patch[0] * patch[1]
    parts = [one.dequantise().reshape(out, one.rows * one.width // out) for one in (both, second) if one]

    def read(at: int, count: int) -> Array:
        values = [part.values(at, count).reshape(count, channels, -1, size) for part in parts]
        total = np.concatenate(values, axis=2).sum(axis=2)
        return np.ascontiguousarray(total, np.float32).view(np.uint8).reshape(count, -1)

    added = replace(parts[0], shape=(out, channels * size), read=read)
    return added.reshape(out, channels, *patch)
