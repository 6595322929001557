"""What checkpoints of several families keep in other ways than `forward` has it: projections in one tensor, norms less
1, text beside images, a model without its head."""

from __future__ import annotations

import re
from typing import Any

from galop.errors import ModelFileError
from galop.weights.stored_tensor import Tensors

# Where a model of texts and images keeps its language model, and what else it holds.
TEXT_PREFIXES = ("model.language_model.", "language_model.model.", "model.text_model.")
CONVOLUTIONS = (".conv1d.weight", ".conv.conv.weight")
OTHER_TOWERS = re.compile(
    r"(?:model\.)?(?:vision|visual|audio|multi_modal|multimodal|mm|connector|embed_vision|embed_audio)[a-z_]*\."
)


def split_fused(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """`qkv_proj` as q_proj, k_proj and v_proj, and `gate_up_proj` as gate_proj and up_proj: rows of any quant type.

    Raises ModelFileError where the rows are not those of the config's heads.
    """
    split: Tensors = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"(.+\.)(qkv_proj|gate_up_proj)\.(weight|bias)", name)
        if not match or len(tensor.shape) > (2 if match[3] == "weight" else 1):  # stacked experts have their own way
            split[name] = tensor
            continue
        rows = tensor.shape[0]
        if match[2] == "qkv_proj":
            sizes = [config.get(key) for key in ("num_attention_heads", "num_key_value_heads", "hidden_size")]
            heads, kv_heads, hidden = (size if type(size) is int and size > 0 else 1 for size in sizes)
            head_dim = config.get("head_dim") or hidden // heads
            parts = {"q_proj": heads * head_dim, "k_proj": kv_heads * head_dim, "v_proj": kv_heads * head_dim}
        else:
            parts = {"gate_proj": rows // 2, "up_proj": rows // 2}
        if sum(parts.values()) != rows or not all(parts.values()):
            raise ModelFileError(f"the weights do not fit the configuration: {name} has {rows} rows")
        at = 0
        for part, count in parts.items():
            split[f"{match[1]}{part}.{match[3]}"] = tensor.part(at, count)
            at += count
    return split


def name_whole(tensors: Tensors) -> Tensors:
    """The tensors as those of a model with a head, of a checkpoint that was saved without: embeddings are."""
    if "embed_tokens.weight" not in tensors:
        return tensors
    return {name if name.startswith("lm_head.") else f"model.{name}": tensor for name, tensor in tensors.items()}


def add_one(tensors: Tensors, endings: tuple[str, ...]) -> Tensors:
    """The tensors, 1 more where the name has one of the endings."""
    if not endings:
        return tensors
    return {name: t.map(lambda values: values + 1) if name.endswith(endings) else t for name, t in tensors.items()}


def keep_text(tensors: Tensors) -> Tensors:
    """The tensors of the language model in a checkpoint that may hold towers for images and sound besides."""
    kept: Tensors = {}
    for name, tensor in tensors.items():
        if OTHER_TOWERS.match(name):
            continue
        for prefix in TEXT_PREFIXES:
            if name.startswith(prefix):
                name = "model." + name.removeprefix(prefix)
        kept[name.removeprefix("language_model.")] = tensor
    return kept


def undo_mlx(tensors: Tensors) -> tuple[Tensors, bool]:
    """The tensors as transformers has them, from those that MLX writes, which turns convolutions to [channels, taps, 1]
    and calls stacked experts `switch_mlp`; and whether there were such convolutions: it has then added 1 to norms too.
    """
    undone: Tensors = {}
    turned = False
    for name, tensor in tensors.items():
        if name.endswith(CONVOLUTIONS) and len(tensor.shape) == 3 and tensor.shape[2] == 1 < tensor.shape[1]:
            tensor, turned = tensor.transpose(), True
        undone[name.replace(".switch_mlp.", ".experts.")] = tensor
    return undone, turned
