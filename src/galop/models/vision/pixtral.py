"""The tower of Pixtral, Mistral Small 3.1 and Ministral 3: patches of a picture in its own shape, turned by row and
column, four neighbours to a token, rows of tokens apart (Agrawal et al., 2024)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.vision.blocks import attend, fit_feed_forward, fit_heads, flatten_patches, rotation
from galop.models.vision.config import VisionConfig
from galop.models.vision.family import Layout, Patches, VisionFamily, VisionMapping
from galop.models.vision.pictures import Filter, cut, grid, normalise, pad, padded, resize
from galop.ops import Inputs, Tensor, gelu, linear, linears, merge, patches, rms_norm, swiglu
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

PROJECTOR = "multi_modal_projector."
LONGEST_EDGE = 4096  # of a picture, whatever the config says


@dataclass(frozen=True)
class PixtralConfig(VisionConfig):
    """To how many pixels pictures are resized at most, patches along a side of a token, and what the projector has."""

    spatial_merge_size: int = 1
    longest_edge: int = 1024
    rope_theta: float = 1e4
    hidden_act: str = "gelu"
    projector_norm_eps: float = 1e-5

    defaults: ClassVar = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
        "patch_size": 16, "layer_norm_eps": 1e-5,
    }  # fmt: skip
    supported_values: ClassVar = {"projector_hidden_act": ("gelu",), "vision_feature_layer": (-1,)}
    ignored: ClassVar = VisionConfig.ignored | {"image_size", "vocab_size"}

    def check(self, file: str) -> None:
        """Raises ModelFileError for an activation that is not here, and for tokens larger than pictures, too."""
        super().check(file)
        if self.hidden_act not in ("gelu", "silu"):
            raise ModelFileError(f"{file}: hidden_act = {self.hidden_act[:40]!r} of the vision tower is not supported")
        if not 0 < self.patch_size * self.spatial_merge_size <= self.longest_edge:
            raise ModelFileError(f"{file}: pictures of {self.longest_edge} pixels are no tokens of the vision tower")

    @property
    def token(self) -> int:
        """Pixels along a side of a token."""
        return self.patch_size * self.spatial_merge_size


class Pixtral(VisionFamily):
    """The end of a row of tokens is a token of its own, that of the last one another."""

    model_types = ("pixtral", "mistral3")
    text_types = ("mistral", "ministral3", "mistral4", "llama")
    marker = "[IMG]"
    config_class = PixtralConfig
    mmproj = VisionMapping(
        projectors=("pixtral",),
        names={
            "v.patch_embd": "patch_conv", "v.pre_ln": "ln_pre", "v.token_embd.img_break": "img_break",
            "v.blk.*.ln1": "transformer.layers.*.attention_norm", "v.blk.*.ln2": "transformer.layers.*.ffn_norm",
            **{f"v.blk.*.attn_{part}": f"transformer.layers.*.attention.{part}_proj" for part in "qkv"},
            "v.blk.*.attn_out": "transformer.layers.*.attention.o_proj",
            **{f"v.blk.*.ffn_{p}": f"transformer.layers.*.feed_forward.{p}_proj" for p in ("gate", "up", "down")},
            "mm.input_norm": f"{PROJECTOR}norm", "mm.patch_merger": f"{PROJECTOR}patch_merger.merging_layer",
            "mm.1": f"{PROJECTOR}linear_1", "mm.2": f"{PROJECTOR}linear_2",
        },
        keys={"spatial_merge_size": "spatial_merge_size", "image_size": "longest_edge"},
    )  # fmt: skip
    config: PixtralConfig

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """With what stands beside, and the longest edge, which the processor decides."""
        config = super().read_config(raw, vision, processor)
        for key in ("spatial_merge_size", "projector_hidden_act", "vision_feature_layer"):
            if key in raw:
                config[key] = raw[key]
        size, text = processor.get("size"), raw.get("text_config")
        if isinstance(size, dict) and size.get("longest_edge"):
            config["longest_edge"] = size["longest_edge"]
        if isinstance(text, dict):
            config["projector_norm_eps"] = text.get("rms_norm_eps", 1e-6)
        return config

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """Both norms have the same eps."""
        act = "silu" if header.get("clip.use_silu", bool) else "gelu"
        return {**config, "hidden_act": act, "projector_norm_eps": config.get("layer_norm_eps", 1e-5)}

    @classmethod
    def restore(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With pairs (i, i + half) in a head, which ggml has as neighbours. Raises ModelFileError for rows that are not
        those of heads."""
        heads = config.get("num_attention_heads") or 1
        restored = {name: tensor for name, tensor in tensors.items() if name != "img_break"}
        for name, tensor in restored.items():
            if name.endswith((".q_proj.weight", ".k_proj.weight")):
                if tensor.shape[0] % (2 * heads):
                    raise ModelFileError(f"{tensor.name} has {tensor.shape[0]} rows, not those of {heads} heads")
                order = np.arange(tensor.shape[0]).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)
                restored[name] = tensor.reorder(order)
        return restored

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With the values of a patch beside each other where patches are merged. Raises ModelFileError for shapes that
        are not the config's."""
        c = cls.config_class.parse(config, "vision_config")
        sane: Tensors = {}
        for name, tensor in tensors.items():
            name = name.replace(".o_proj.", ".out_proj.")
            if name == "patch_conv.weight":
                tensor = flatten_patches(tensor)
            elif name == f"{PROJECTOR}patch_merger.merging_layer.weight":
                wide = np.arange(c.hidden_size * c.spatial_merge_size**2)
                tensor = tensor.columns(wide.reshape(c.hidden_size, -1).T.reshape(-1))
            sane[name] = tensor
        return fit_heads(fit_feed_forward(sane), c.num_attention_heads, c.head_dim)

    @property
    def merged(self) -> int:
        """A square of neighbours."""
        return self.config.spatial_merge_size**2

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Neighbouring patches, normalised, merged and projected. Raises ModelFileError where `w` does not fit the
        config."""
        c = self.config
        x = self.norm(linear(patches(inputs, padded(3 * c.patch_size**2)), w.patch_conv), w.ln_pre)
        turn = rotation(inputs, c.head_dim, c.rope_theta, between=True)
        for i in range(c.num_hidden_layers):
            block = w.transformer.layers[i]
            x = x + attend(inputs, self.norm(x, block.attention_norm), block.attention, c, turn, biased=False)
            x = x + self.feed_forward(self.norm(x, block.ffn_norm), block.feed_forward)
        projector = w.multi_modal_projector
        if projector.norm:
            x = rms_norm(x, projector.norm.of(c.hidden_size), c.projector_norm_eps)
        x = merge(x, inputs.rows, self.merged)
        if projector.patch_merger.merging_layer:
            x = linear(x, projector.patch_merger.merging_layer)
        first, second = projector.linear_1, projector.linear_2
        x = gelu(linear(x, first, first.bias if first.bias else None))
        return linear(x, second, second.bias if second.bias else None)

    def norm(self, x: Tensor, w: Tree) -> Tensor:
        """All values of a patch, normalised together."""
        normed: Tensor = rms_norm(x, w.of(x.width), self.config.layer_norm_eps)
        return normed

    def feed_forward(self, x: Tensor, w: Tree) -> Tensor:
        """A gated linear unit, with the activation that the config names."""
        gate, up = linears(x, [w.gate_proj, w.up_proj], [None, None])
        return linear(swiglu(gate, up) if self.config.hidden_act == "silu" else gelu(gate) * up, w.down_proj)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The height and width to which a picture is resized: whole tokens around its size, or around that with the
        longest edge that there may be."""
        c = self.config
        longest = min(c.longest_edge, LONGEST_EDGE)
        ratio = max(height / longest, width / longest)
        if ratio > 1:
            height, width = max(1, math.floor(height / ratio)), max(1, math.floor(width / ratio))
        return -(-height // c.token) * c.token, -(-width // c.token) * c.token

    def lay_out(self, height: int, width: int) -> Layout:
        """Rows of tokens, and what ends each."""
        rows, columns = (side // self.config.token for side in self.size(height, width))
        return Layout((columns, "[IMG_BREAK]") * (rows - 1) + (columns, "[IMG_END]"))

    def prepare(self, pixels: Array) -> list[Patches]:
        """Patches of a picture resized in its shape."""
        c = self.config
        resized = resize(pixels, *self.size(*pixels.shape[:2]), Filter.BICUBIC)
        values = cut(normalise(resized, c.image_mean, c.image_std), c.patch_size, c.spatial_merge_size)
        rows, columns = (side // c.patch_size for side in resized.shape[:2])
        at = grid(rows, columns, c.spatial_merge_size)
        return [Patches(pad(values, padded(3 * c.patch_size**2)), at)]
