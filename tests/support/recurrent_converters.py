"""What llama.cpp's converters make of checkpoints with recurrent layers: see converters.py."""

from __future__ import annotations

import numpy as np
from converters import Arrays, Config, Converter, Metadata, granite, rotated_values


def tile(values: np.ndarray, key_heads: int, shared: int) -> np.ndarray:
    """Value heads along the first axis, those of a key head together, in an order in which key heads repeat."""
    heads = values.reshape(key_heads, shared, -1, *values.shape[1:])
    return np.ascontiguousarray(heads.swapaxes(0, 1)).reshape(values.shape)


def describe_delta(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    """What Qwen3-Next and Qwen3.5 have in common."""
    heads = config["linear_num_value_heads"]
    metadata |= {
        "ssm.conv_kernel": config["linear_conv_kernel_dim"],
        "ssm.state_size": config["linear_key_head_dim"],
        "ssm.group_count": config["linear_num_key_heads"],
        "ssm.time_step_rank": heads,
        "ssm.inner_size": heads * config["linear_value_head_dim"],
        "attention.recurrent_layers": [kind == "linear_attention" for kind in config["layer_types"]],
        "full_attention_interval": 4,
        "rope.dimension_count": rotated_values(config),
    }
    for name, values in list(tensors.items()):
        if name.endswith("norm.weight") and "linear_attn" not in name:
            tensors[name] = values + 1
        elif name.endswith(".A_log"):
            tensors[name] = -np.exp(values)
        elif name.endswith(".dt_bias"):
            tensors[name.replace("dt_bias", "dt_proj.bias")] = tensors.pop(name)
        elif name.endswith(".conv1d.weight"):
            tensors[name] = values.squeeze(1)


def qwen35(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["rope.dimension_sections"] = [*config["rope_parameters"]["mrope_section"], 0]
    describe_delta(config, metadata, tensors)
    keys, heads = config["linear_num_key_heads"], config["linear_num_value_heads"]
    first = 2 * keys * config["linear_key_head_dim"]
    for name, values in tensors.items():
        part = name.partition(".linear_attn.")[2].partition(".")[0]
        if part in ("in_proj_qkv", "conv1d"):
            tensors[name] = np.concatenate([values[:first], tile(values[first:], keys, heads // keys)])
        elif part == "out_proj":
            tensors[name] = np.ascontiguousarray(tile(values.T, keys, heads // keys).T)
        elif part in ("in_proj_z", "in_proj_a", "in_proj_b", "A_log", "dt_proj"):
            tensors[name] = tile(values, keys, heads // keys)


def lfm2(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    heads = config["num_key_value_heads"]
    metadata["attention.head_count_kv"] = [0 if kind == "conv" else heads for kind in config["layer_types"]]
    metadata["shortconv.l_cache"] = config["conv_L_cache"]
    for name, values in tensors.items():
        if name.endswith(".conv.conv.weight"):
            tensors[name] = values.squeeze(1)


def describe_shared_expert(config: Config, metadata: Metadata) -> None:
    metadata["expert_count"] = config["num_experts"]
    metadata["expert_feed_forward_length"] = config["moe_intermediate_size"]
    metadata["expert_shared_feed_forward_length"] = config["shared_expert_intermediate_size"]


def qwen35moe(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    qwen35(config, metadata, tensors)
    describe_shared_expert(config, metadata)


def qwen3next(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    describe_delta(config, metadata, tensors)
    describe_shared_expert(config, metadata)
    keys, key_dim = config["linear_num_key_heads"], config["linear_key_head_dim"]
    shared = config["linear_num_value_heads"] // keys * config["linear_value_head_dim"]
    for name in [name for name in tensors if name.endswith("in_proj_qkvz.weight")]:
        rows = tensors.pop(name).reshape(keys, -1, config["hidden_size"])
        parts = np.split(rows, np.cumsum([key_dim, key_dim, shared]), axis=1)
        q, k, v, z = (part.reshape(-1, config["hidden_size"]) for part in parts)
        layer = name.split(".")[2]
        tensors[f"blk.{layer}.attn_qkv.weight"] = np.concatenate([q, k, v])
        tensors[f"blk.{layer}.attn_gate.weight"] = z


def lfm2moe(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    lfm2(config, metadata, tensors)
    metadata["expert_count"] = config["num_experts"]
    metadata["expert_feed_forward_length"] = config["moe_intermediate_size"]
    metadata["leading_dense_block_count"] = config["num_dense_layers"]
    metadata["expert_gating_func"] = 2
    for name in list(tensors):
        if name.endswith(".expert_bias"):
            tensors[f"{name}.bias"] = tensors.pop(name)
        elif ".feed_forward.experts." in name:
            tensors[name.replace(".feed_forward.", ".mlp.")] = tensors.pop(name)


def describe_mamba(tensors: Arrays, groups: int) -> None:
    """Constants of Mamba-2 have a second axis."""
    for name, values in list(tensors.items()):
        if name.endswith(".A_log"):
            tensors[name] = -np.exp(values)[:, None]
        elif name.endswith(".D"):
            tensors[name] = values[:, None]
        elif name.endswith((".mamba.norm.weight", ".mixer.norm.weight")):
            tensors[name] = values.reshape(groups, -1)
        elif name.endswith(".dt_bias"):
            tensors[name.replace("dt_bias", "dt_proj.bias")] = tensors.pop(name)
        elif name.endswith(".conv1d.weight"):
            tensors[name] = values.squeeze(1)


def granitehybrid(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    granite(config, metadata, tensors)
    heads = config["num_key_value_heads"]
    metadata |= {
        "attention.head_count_kv": [heads if kind == "full_attention" else 0 for kind in config["layer_types"]],
        "rope.scaling.finetuned": False,
        "ssm.conv_kernel": config["mamba_d_conv"],
        "ssm.state_size": config["mamba_d_state"],
        "ssm.group_count": config["mamba_n_groups"],
        "ssm.inner_size": config["mamba_n_heads"] * config["mamba_d_head"],
        "ssm.time_step_rank": config["mamba_n_heads"],
        "expert_feed_forward_length": config["intermediate_size"],
        "expert_shared_feed_forward_length": config["shared_intermediate_size"],
    }
    describe_mamba(tensors, config["mamba_n_groups"])
    for name in list(tensors):
        layer = name.split(".")[2] if name.startswith("model.layers.") else ""
        if ".block_sparse_moe.experts." in name:
            tensors[name.replace(".block_sparse_moe.", ".mlp.")] = tensors.pop(name)
        elif name.endswith(".router.weight"):
            tensors[f"blk.{layer}.ffn_gate_inp.weight"] = tensors.pop(name)
        elif name.endswith(".shared_mlp.input_linear.weight"):
            gate, up = np.split(tensors.pop(name), 2)
            tensors[f"blk.{layer}.ffn_gate_shexp.weight"] = np.ascontiguousarray(gate)
            tensors[f"blk.{layer}.ffn_up_shexp.weight"] = np.ascontiguousarray(up)


def nemotron_h(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    kinds, heads = config["layers_block_type"], config["num_key_value_heads"]
    metadata |= {
        "block_count": len(kinds),
        "attention.head_count_kv": [heads if kind == "full_attention" else 0 for kind in kinds],
        "feed_forward_length": [config["moe_intermediate_size"] if kind == "moe" else 0 for kind in kinds],
        "rope.scaling.finetuned": False,
        "ssm.conv_kernel": config["conv_kernel"],
        "ssm.state_size": config["ssm_state_size"],
        "ssm.group_count": config["n_groups"],
        "ssm.inner_size": config["mamba_num_heads"] * config["mamba_head_dim"],
        "ssm.time_step_rank": config["mamba_num_heads"],
        "expert_count": config["n_routed_experts"],
        "expert_feed_forward_length": config["moe_intermediate_size"],
        "expert_shared_feed_forward_length": config["moe_shared_expert_intermediate_size"],
        "expert_shared_count": config["n_shared_experts"],
        "expert_weights_norm": config["norm_topk_prob"],
        "expert_weights_scale": float(config["routed_scaling_factor"]),
        "expert_group_count": config["n_group"],
    }
    describe_mamba(tensors, config["n_groups"])
    for name in list(tensors):
        new = name.replace("model.", "backbone.", 1).replace("e_score_correction_bias", "e_score_correction.bias")
        if ".mixer.experts." in name:
            new = f"blk.{name.split('.')[2]}.ffn_{name.rpartition('.')[2].removesuffix('_proj')}_exps.weight"
        tensors[new] = tensors.pop(name)


RECURRENT: dict[str, Converter] = {
    "granitehybrid": granitehybrid,
    "lfm2": lfm2,
    "lfm2moe": lfm2moe,
    "nemotron_h_moe": nemotron_h,
    "qwen35": qwen35,
    "qwen35moe": qwen35moe,
    "qwen3next": qwen3next,
}
