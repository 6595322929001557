"""The tower of Gemma 4: patches of a picture in its own shape, positions learned and turned by column and row, matrices
between learned limits, each 3 x 3 patches averaged to a token (Gemma team, 2026)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.vision.blocks import fit_feed_forward, fit_heads, narrowing, rotation, wide_head, widen
from galop.models.vision.config import GELU, VisionConfig
from galop.models.vision.family import Layout, Patches, VisionFamily, VisionMapping
from galop.models.vision.pictures import Filter, cut, grid, normalise, pad, padded, resize
from galop.ops import (
    Inputs,
    Tensor,
    Vector,
    clamp,
    embed_positions,
    full_attention,
    geglu,
    linear,
    merge_mean,
    ones,
    patches,
    rms_norm,
    rope,
    scale,
    shift,
    weigh,
)
from galop.ops.plan import Array
from galop.weights.gguf import Header
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

PROJECTION = "embed_vision.embedding_projection"
LIMITS = ("input_min", "input_max", "output_min", "output_max")
TOKENS = (70, 140, 280, 560, 1120)  # at most of a picture


@dataclass(frozen=True)
class Gemma4VisionConfig(VisionConfig):
    """Tokens of a picture and patches along a side of each; `together` says that a picture's tokens see each other."""

    pooling_kernel_size: int = 3
    max_soft_tokens: int = 280
    position_embedding_size: int = 10240
    rope_theta: float = 100.0
    use_clipped_linears: bool = False
    standardize: bool = False
    together: bool = False

    spellings: ClassVar = {"rms_norm_eps": "layer_norm_eps"}
    defaults: ClassVar = {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}
    supported_values: ClassVar = {"hidden_activation": GELU, "attention_bias": (False,)}
    ignored: ClassVar = VisionConfig.ignored | {
        "default_output_length", "global_head_dim", "max_position_embeddings", "image_size",
    }  # fmt: skip

    def check(self, file: str) -> None:
        """Raises ModelFileError for numbers of tokens that the tower has not, too."""
        super().check(file)
        if self.max_soft_tokens not in TOKENS or not 0 < self.pooling_kernel_size <= 16 or not self.longest:
            raise ModelFileError(f"{file}: {self.max_soft_tokens} tokens are not what this vision tower makes")

    @property
    def longest(self) -> int:
        """Tokens along the longest side that a picture is resized to."""
        return min(self.max_soft_tokens, self.position_embedding_size // self.pooling_kernel_size)


class Gemma4Vision(VisionFamily):
    """Pictures keep their shape, and all become about as many tokens."""

    model_types = ("gemma4", "gemma4_vision")
    text_types = ("gemma4_text",)
    marker = "<|image|>"
    config_class = Gemma4VisionConfig
    mmproj = VisionMapping(
        projectors=("gemma4v",),
        names={
            "v.patch_embd": "patch_embedder.input_proj",
            "v.position_embd.weight": "patch_embedder.position_embedding_table",
            "v.blk.*.ln1": "encoder.layers.*.input_layernorm",
            "v.blk.*.attn_post_norm": "encoder.layers.*.post_attention_layernorm",
            "v.blk.*.ln2": "encoder.layers.*.pre_feedforward_layernorm",
            "v.blk.*.ffn_post_norm": "encoder.layers.*.post_feedforward_layernorm",
            **{f"v.blk.*.attn_{part}": f"encoder.layers.*.self_attn.{part}_proj" for part in "qkv"},
            "v.blk.*.attn_out": "encoder.layers.*.self_attn.o_proj",
            "v.blk.*.attn_q_norm": "encoder.layers.*.self_attn.q_norm",
            "v.blk.*.attn_k_norm": "encoder.layers.*.self_attn.k_norm",
            **{f"v.blk.*.ffn_{part}": f"encoder.layers.*.mlp.{part}_proj" for part in ("gate", "up", "down")},
            "v.std_bias": "std_bias", "v.std_scale": "std_scale", "mm.input_projection": PROJECTION,
        },
        keys={"projector.scale_factor": "pooling_kernel_size"},
        endings=("weight", *LIMITS),
    )  # fmt: skip
    config: Gemma4VisionConfig

    @classmethod
    def read_config(cls, raw: dict[str, Any], vision: dict[str, Any], processor: dict[str, Any]) -> dict[str, Any]:
        """With the number of tokens, which the processor decides."""
        config = super().read_config(raw, vision, processor)
        tokens = processor.get("max_soft_tokens") or raw.get("vision_soft_tokens_per_image")
        return {**config, **({"max_soft_tokens": tokens} if tokens else {})}

    @classmethod
    def adapt_mmproj(cls, config: dict[str, Any], header: Header) -> dict[str, Any]:
        """A file says by its tensors what there is."""
        table = header.tensors.get("v.position_embd.weight")
        config["position_embedding_size"] = table.shape[-2] if table and len(table.shape) == 3 else 0
        return {**config, "use_clipped_linears": True, "standardize": "v.std_scale" in header.tensors}

    @classmethod
    def adapt_text(cls, config: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
        """Whether tokens see each other is said of the text."""
        return {**config, "together": text.get("use_bidirectional_attention") == "vision"}

    @classmethod
    def restore(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With patches as [row, column, channel]. Raises ModelFileError for a weight that is not of patches."""
        name = "patch_embedder.input_proj.weight"
        if len(shape := tensors[name].shape if name in tensors else ()) == 4:
            flat = tensors[name].reshape(shape[0], math.prod(shape[1:]))
            tensors = {**tensors, name: flat.columns(np.arange(flat.width).reshape(shape[1], -1).T.reshape(-1))}
        return tensors

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With tables of positions for columns and rows, no longer than a picture is, and the pairs of a head that are
        turned by columns before those by rows. Raises ModelFileError for shapes that are not the config's."""
        c = cls.config_class.parse(config, "vision_config")
        sane, longest = Tensors(), c.longest * c.pooling_kernel_size
        for name, tensor in tensors.items():
            name = name.replace(".linear.weight", ".weight").replace(".o_proj.", ".out_proj.")
            if name == "patch_embedder.position_embedding_table":
                if len(tensor.shape) != 3 or tensor.shape[0] != 2 or tensor.shape[1] < longest:
                    raise ModelFileError(f"{tensor.name} has the shape {tensor.shape}, not (2, {longest}, ...)")
                for axis, part in enumerate(("columns", "rows")):
                    sane[f"patch_embedder.{part}.weight"] = tensor.entry(axis).part(0, longest)
            elif name == "patch_embedder.input_proj.weight":
                sane[name] = widen(tensor, padded(tensor.width))
            elif name == "std_bias":
                sane[name] = tensor.map(lambda values: -values)
            elif c.use_clipped_linears or not name.endswith(LIMITS):
                sane[name] = tensor
        halves = np.arange(c.head_dim).reshape(2, 2, -1).swapaxes(0, 1).reshape(-1)
        return fit_heads(fit_feed_forward(sane), c.num_attention_heads, c.head_dim, halves)

    @property
    def merged(self) -> int:
        """A square of patches."""
        return self.config.pooling_kernel_size**2

    def forward(self, inputs: Inputs, w: Tree) -> Tensor:
        """Averages of patches, normalised and projected. Raises ModelFileError where `w` does not fit the config."""
        c, table, eps = self.config, w.patch_embedder, self.config.layer_norm_eps
        x = linear(patches(inputs, padded(3 * c.patch_size**2)), table.input_proj)
        x = x + embed_positions(inputs.positions, table.columns, axis=1)
        x = x + embed_positions(inputs.positions, table.rows, axis=2)
        turn = rotation(inputs, c.head_dim, c.rope_theta)
        for i in range(c.num_hidden_layers):
            block = w.encoder.layers[i]

            def norm(x: Tensor, w: Tree) -> Tensor:
                normed: Tensor = rms_norm(x, w.of(c.hidden_size), eps)
                return normed

            part = self.attend(inputs, norm(x, block.input_layernorm), block.self_attn, turn)
            x = x + norm(part, block.post_attention_layernorm)
            part, mlp = norm(x, block.pre_feedforward_layernorm), block.mlp
            part = project(geglu(project(part, mlp.gate_proj), project(part, mlp.up_proj)), mlp.down_proj)
            x = x + norm(part, block.post_feedforward_layernorm)
        x = scale(merge_mean(x, inputs.rows, self.merged), c.hidden_size**0.5)
        if c.standardize:
            x = weigh(shift(x, w.std_bias), w.std_scale.of(c.hidden_size))
        return linear(rms_norm(x, ones(c.hidden_size), eps), w.embed_vision.embedding_projection)

    def attend(self, inputs: Inputs, x: Tensor, w: Tree, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Attention of all patches to each other, with queries, keys and values normalised and not scaled."""
        c, dim = self.config, wide_head(self.config.head_dim)
        share = narrowing(c.head_dim)
        eps = c.layer_norm_eps * share**2
        whole = ones(dim) if share == 1 else Vector("narrowed", dim, np.full(dim, share, np.float32))
        q, k, v = (project(x, one) for one in (w.q_proj, w.k_proj, w.v_proj))
        q, k = (rope(rms_norm(one, norm.of(dim), eps), *turn, dim) for one, norm in ((q, w.q_norm), (k, w.k_norm)))
        out = full_attention(inputs, q, k, rms_norm(v, whole, eps), c.num_attention_heads, dim, 1.0)
        return project(out, w.out_proj)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The height and width to which a picture is resized: whole tokens, as many as there may be at most, in its
        shape."""
        c = self.config
        token = c.patch_size * c.pooling_kernel_size
        factor = math.sqrt(c.max_soft_tokens * token**2 / (height * width))
        rows, columns = (math.floor(factor * side / token) for side in (height, width))
        if not rows:
            rows, columns = 1, width // height
        elif not columns:
            rows, columns = height // width, 1
        return min(rows, c.longest) * token, min(columns, c.longest) * token

    def lay_out(self, height: int, width: int) -> Layout:
        """A token for each square of patches."""
        token = self.config.patch_size * self.config.pooling_kernel_size
        rows, columns = (side // token for side in self.size(height, width))
        return Layout(("<|image>", rows * columns, "<image|>"), together=self.config.together)

    def prepare(self, pixels: Array) -> list[Patches]:
        """Patches of a picture resized in its shape."""
        c = self.config
        resized = resize(pixels, *self.size(*pixels.shape[:2]), Filter.BICUBIC)
        values = cut(normalise(resized, [0.5] * 3, [0.5] * 3), c.patch_size, c.pooling_kernel_size, channels_last=True)
        rows, columns = (side // c.patch_size for side in resized.shape[:2])
        at = grid(rows, columns, c.pooling_kernel_size)[::-1]
        return [Patches(pad(values, padded(3 * c.patch_size**2)), np.ascontiguousarray(at))]


def project(x: Tensor, w: Tree) -> Tensor:
    """A matrix product whose inputs and results are kept between limits, where there are such."""
    if w.input_min:
        x = clamp(x, w.input_min, w.input_max)
    out = linear(x, w)
    return clamp(out, w.output_min, w.output_max) if w.output_min else out
