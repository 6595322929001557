"""SigLIP's encoder, as the towers of Gemma 3 and of SmolVLM have it (Zhai et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from galop.models.vision.blocks import attend, feed_forward, fit_feed_forward, fit_heads, flatten_patches, norm
from galop.models.vision.config import GELU, VisionConfig
from galop.models.vision.pictures import padded
from galop.ops import Inputs, Tensor, embed_positions, linear, patches
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

SIGLIP_NAMES = {
    "v.patch_embd": "embeddings.patch_embedding", "v.position_embd": "embeddings.position_embedding",
    "v.post_ln": "post_layernorm", "v.blk.*.ln1": "encoder.layers.*.layer_norm1",
    "v.blk.*.ln2": "encoder.layers.*.layer_norm2", "v.blk.*.attn_q": "encoder.layers.*.self_attn.q_proj",
    "v.blk.*.attn_k": "encoder.layers.*.self_attn.k_proj", "v.blk.*.attn_v": "encoder.layers.*.self_attn.v_proj",
    "v.blk.*.attn_out": "encoder.layers.*.self_attn.out_proj", "v.blk.*.ffn_up": "encoder.layers.*.mlp.fc1",
    "v.blk.*.ffn_down": "encoder.layers.*.mlp.fc2",
}  # fmt: skip


@dataclass(frozen=True)
class SiglipConfig(VisionConfig):
    """A square of `image_size` pixels, each patch of which has a position that was learned."""

    image_size: int = 224

    defaults: ClassVar = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    supported_values: ClassVar = {"hidden_act": GELU, "vision_use_head": (False, True)}

    @property
    def side(self) -> int:
        """Patches along a side of the square."""
        return self.image_size // self.patch_size


def encode(inputs: Inputs, w: Tree, config: SiglipConfig) -> Tensor:
    """Patches after all blocks, normalised; on axis 1 of their positions is the place of each in the table of those
    that were learned."""
    eps, table = config.layer_norm_eps, w.embeddings
    x = linear(patches(inputs, padded(3 * config.patch_size**2)), table.patch_embedding, table.patch_embedding.bias)
    x = x + embed_positions(inputs.positions, table.position_embedding, axis=1)
    for i in range(config.num_hidden_layers):
        block = w.encoder.layers[i]
        x = x + attend(inputs, norm(x, block.layer_norm1, eps), block.self_attn, config)
        x = x + feed_forward(norm(x, block.layer_norm2, eps), block.mlp)
    return norm(x, w.post_layernorm, eps)


def fit_encoder(tensors: Tensors, config: SiglipConfig) -> Tensors:
    """The tensors of an encoder as `encode` takes them, without its head. Raises ModelFileError for shapes that are not
    the config's.

    Old mmproj files have the two layers of the feed-forward exchanged.
    """
    sane: Tensors = {}
    for name, tensor in tensors.items():
        if name.startswith("head.") or name == "embeddings.position_ids":
            continue
        stem, _, ending = name.rpartition(".mlp.")
        if ending.startswith(("fc1.", "fc2.")):
            down = tensors.get(f"{stem}.mlp.fc2.weight")
            if down is not None and down.width == config.hidden_size != config.intermediate_size:
                name = f"{stem}.mlp.{'fc2' if ending.startswith('fc1') else 'fc1'}.{ending[4:]}"
        sane[name] = flatten_patches(tensor) if name == "embeddings.patch_embedding.weight" else tensor
    return fit_heads(fit_feed_forward(sane), config.num_attention_heads, config.head_dim)
