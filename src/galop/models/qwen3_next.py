"""Qwen3-Next: what became Qwen3.5, with projections that are fused by key head (Qwen team, 2025)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.gguf_mapping import GGUFMapping
from galop.models.qwen3_5_moe import Qwen3_5Moe, Qwen3_5MoeConfig
from galop.weights.stored_tensor import Tensors


class Qwen3Next(Qwen3_5Moe):
    """Qwen3.5 with mixtures of experts under other names."""

    model_type = "qwen3_next"
    other_model_types: ClassVar[tuple[str, ...]] = ()
    gguf = GGUFMapping(
        "qwen3next",
        names={
            **{ours: theirs for ours, theirs in Qwen3_5Moe.gguf.names.items() if ours not in ("ssm_alpha", "ssm_beta")},
            "ssm_ba": "linear_attn.in_proj_ba",
            "ssm_in": "linear_attn.in_proj_qkvz",
        },
        keys=Qwen3_5Moe.gguf.keys,
        checks=Qwen3_5Moe.gguf.checks,
        restore=Qwen3_5Moe.gguf.restore,
        pre_tokenizer="qwen2",
    )

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """`in_proj_qkvz` and `in_proj_ba`, which hold a part of each key head after the other, as Qwen3.5 has them.

        Raises ModelFileError where their rows are not those of the heads.
        """
        c = cls.config_class.parse(config, "config.json")
        assert isinstance(c, Qwen3_5MoeConfig)
        keys, shared = c.linear_num_key_heads, c.linear_num_value_heads // c.linear_num_key_heads
        values = shared * c.linear_value_head_dim
        parts = {
            "in_proj_qkvz": {"in_proj_qkv": 2 * c.linear_key_head_dim + values, "in_proj_z": values},
            "in_proj_ba": {"in_proj_b": shared, "in_proj_a": shared},
        }
        split: Tensors = {}
        for name, tensor in tensors.items():
            base, _, leaf = name.partition(".linear_attn.")
            sizes = parts.get(leaf.removesuffix(".weight"))
            if not sizes:
                split[name] = tensor
                continue
            if tensor.shape[0] != keys * sum(sizes.values()):
                raise ModelFileError(f"the weights do not fit the configuration: {name} has {tensor.shape[0]} rows")
            rows, at = np.arange(tensor.shape[0]).reshape(keys, -1), 0
            for part, size in sizes.items():
                of_key_heads = rows[:, at : at + size]
                cuts = (
                    [0, c.linear_key_head_dim, 2 * c.linear_key_head_dim, size] if part == "in_proj_qkv" else [0, size]
                )
                order = [of_key_heads[:, i:j].reshape(-1) for i, j in pairwise(cuts)]
                split[f"{base}.linear_attn.{part}.weight"] = tensor.reorder(np.concatenate(order))
                at += size
        return super().sanitize(split, config)
