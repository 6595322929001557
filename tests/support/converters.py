"""What llama.cpp's converters make of a checkpoint: metadata, and tensors under their names in GGUF files.

The common part is that of all models; CONVERTERS has what is particular to an architecture, for a new family to add to.
Names are looked up in the tables of the gguf package rather than in Galop's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import gguf
import numpy as np

Config = dict[str, Any]
Metadata = dict[str, Any]  # keys without the architecture before them
Arrays = dict[str, np.ndarray]
# Changes all three in place, the tensors still under their names in the checkpoint, or as GGUF has them.
Converter = Callable[[Config, Metadata, Arrays], None]


def convert(arch: str, config: Config, tensors: Arrays) -> tuple[Metadata, Arrays]:
    """The metadata of a checkpoint, without the architecture before its keys, and its tensors."""
    metadata, tensors = describe(config), dict(tensors)
    from recurrent_converters import RECURRENT  # which are built on what stands here

    (CONVERTERS | RECURRENT).get(arch, lambda *_: None)(config, metadata, tensors)
    return metadata, rename(tensors, arch, metadata["block_count"])


def describe(config: Config) -> Metadata:
    """What is written of every model."""
    heads, rope = config["num_attention_heads"], config.get("rope_parameters") or {"rope_theta": 10000.0}
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    metadata: Metadata = {
        "block_count": config.get("num_hidden_layers", 0),
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": heads,
        "attention.head_count_kv": config["num_key_value_heads"],
        "attention.key_length": head_dim,
        "attention.value_length": head_dim,
    }
    for key, suffix in EPS.items():
        if key in config:
            metadata[f"attention.{suffix}_epsilon"] = float(config[key])
    if "sliding_attention" in rope:
        metadata["rope.freq_base_swa"] = float(rope["sliding_attention"]["rope_theta"])
        rope = rope["full_attention"]
    metadata["rope.freq_base"] = float(rope["rope_theta"])
    if rope.get("rope_type") in ("linear", "yarn"):
        metadata["rope.scaling.type"] = rope["rope_type"]
        for suffix, key in SCALING.items():
            if rope.get(key) is not None:
                metadata[f"rope.scaling.{suffix}"] = rope[key]
    for suffix, key in {"expert_count": "num_local_experts", "expert_used_count": "num_experts_per_tok"}.items():
        if key in config:
            metadata[suffix] = config[key]
    return metadata


EPS = {
    "rms_norm_eps": "layer_norm_rms", "norm_eps": "layer_norm_rms", "norm_epsilon": "layer_norm",
    "layer_norm_epsilon": "layer_norm",
}  # fmt: skip
SCALING = {
    "factor": "factor", "original_context_length": "original_max_position_embeddings", "yarn_beta_fast": "beta_fast",
    "yarn_beta_slow": "beta_slow", "yarn_attn_factor": "attention_factor",
}  # fmt: skip


NAMED_AS = {"muse-glimmer": "afmoe"}  # architectures that are newer than the gguf package


def rename(tensors: Arrays, arch: str, layers: int) -> Arrays:
    """Hugging Face names to GGUF's, experts stacked."""
    kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == NAMED_AS.get(arch, arch))
    table = gguf.get_tensor_name_map(kind, layers)
    out: Arrays = {}
    experts: dict[str, dict[int, np.ndarray]] = {}
    for name, values in stack_experts(tensors).items():
        if match := re.fullmatch(r"model\.layers\.(\d+)\.mlp\.experts\.(\d+)\.(gate|up|down)_proj\.weight", name):
            experts.setdefault(f"blk.{match[1]}.ffn_{match[3]}_exps.weight", {})[int(match[2])] = values
            continue
        new = name if name.startswith(("blk.", "rope_")) else table.get_name(name, try_suffixes=(".weight", ".bias"))
        assert new, name
        out[new] = values
    return out | {name: np.stack([parts[e] for e in sorted(parts)]) for name, parts in experts.items()}


def stack_experts(tensors: Arrays) -> Arrays:
    """Experts that transformers 5 keeps in one tensor, under the names of the projections."""
    out: Arrays = {}
    for name, values in tensors.items():
        base, _, part = name.rpartition(".experts.")
        if part == "gate_up_proj":
            gate, up = np.split(values, 2, axis=1)
            out |= {f"{base}.experts.gate_proj.weight": gate, f"{base}.experts.up_proj.weight": up}
        elif part == "down_proj":
            out[f"{base}.experts.down_proj.weight"] = values
        else:
            out[name] = values
    return out


def interleave(config: Config, tensors: Arrays) -> None:
    """Rows of queries and keys as architectures need them that ggml rotates in pairs of neighbours."""
    for name, values in tensors.items():
        if match := re.search(r"self_attn\.([qk])_proj\.", name):
            count = config["num_attention_heads" if match[1] == "q" else "num_key_value_heads"]
            pairs = values.reshape(count, 2, values.shape[0] // count // 2, *values.shape[1:]).swapaxes(1, 2)
            tensors[name] = np.ascontiguousarray(pairs).reshape(values.shape)


def rotated_values(config: Config) -> int:
    """How many values of a head a rotation turns."""
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return int(head_dim * config["rope_parameters"].get("partial_rotary_factor", 1.0))


def llama(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["rope.dimension_count"] = rotated_values(config)
    interleave(config, tensors)
    rope = config["rope_parameters"]
    if rope["rope_type"] == "llama3":
        tensors["rope_freqs.weight"] = llama3_divisors(rope, rotated_values(config))


def mistral3(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    llama(config, metadata, tensors)
    metadata["rope.scaling.yarn_log_multiplier"] = config["rope_parameters"]["mscale_all_dim"]
    metadata["attention.temperature_scale"] = config["rope_parameters"]["llama_4_scaling_beta"]


def granite(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    llama(config, metadata, tensors)
    metadata["attention.scale"] = config["attention_multiplier"]
    metadata["embedding_scale"] = config["embedding_multiplier"]
    metadata["residual_scale"] = config["residual_multiplier"]
    metadata["logit_scale"] = config["logits_scaling"]


def granitemoe(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    granite(config, metadata, tensors)
    for name in list(tensors):
        new = name.replace(".block_sparse_moe.experts.", ".mlp.experts.").replace(".router.w", ".router.layer.w")
        tensors[new] = tensors.pop(name)


def olmo2(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    if "sliding_window" in config:
        metadata["attention.sliding_window"] = config["sliding_window"]
        metadata["attention.sliding_window_pattern"] = [t == "sliding_attention" for t in config["layer_types"]]


def exaone4(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    if config.get("sliding_window"):
        olmo2(config, metadata, tensors)
    if config["rope_parameters"]["rope_type"] == "llama3":
        tensors["rope_freqs.weight"] = llama3_divisors(config["rope_parameters"], rotated_values(config))


def muse_glimmer(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    olmo2(config, metadata, tensors)
    metadata["logit_scale"] = config["output_multiplier"]
    metadata["final_logit_softcapping"] = config["final_logit_softcapping"]
    interleave(config, tensors)
    for name in list(tensors):
        if name.endswith("layernorm.weight"):
            tensors[name] = tensors[name] + np.float32(1)
    for i in range(config["num_hidden_layers"]):
        factor = np.full(config["head_dim"], config["qk_scale_factor"], np.float32)
        tensors[f"blk.{i}.attn_q_norm.weight"], tensors[f"blk.{i}.attn_k_norm.weight"] = factor, np.ones_like(factor)


def phi3(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    rope = config["rope_parameters"]
    original = rope["original_max_position_embeddings"]
    metadata["rope.scaling.original_context_length"] = original
    metadata["rope.dimension_count"] = rotated_values(config)
    metadata["attention.sliding_window"] = config.get("sliding_window") or 0
    stretch = rope.get("factor") or config["max_position_embeddings"] / original
    usual = float(np.sqrt(1 + np.log(stretch) / np.log(original)))
    metadata["rope.scaling.attn_factor"] = rope.get("attention_factor") or usual
    for kind in ("long", "short"):
        tensors[f"rope_factors_{kind}.weight"] = np.array(rope[f"{kind}_factor"], np.float32)


def glm4(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["rope.dimension_count"] = rotated_values(config)


def layer_normed(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["attention.layer_norm_epsilon"] = config.get("layer_norm_eps", config.get("norm_eps"))
    metadata.pop("attention.layer_norm_rms_epsilon", None)
    metadata["rope.dimension_count"] = rotated_values(config)


def nemotron(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    layer_normed(config, metadata, tensors)
    for name in tensors:
        if name.endswith("norm.weight"):
            tensors[name] = tensors[name] + np.float32(1)


def stablelm(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    layer_normed(config, metadata, tensors)
    metadata["use_parallel_residual"] = False


def hunyuan(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    rope = config["rope_parameters"]
    if alpha := rope.get("alpha"):
        dim = config["head_dim"]
        metadata["rope.freq_base"] = float(rope["rope_theta"] * alpha ** (dim / (dim - 2)))
        metadata["rope.scaling.type"] = "none"
        metadata["rope.scaling.factor"] = 1.0


def qwen3_moe(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["expert_feed_forward_length"] = config["moe_intermediate_size"]


def glm4moe(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    glm4(config, metadata, tensors)
    for name in [name for name in tensors if name.endswith(".e_score_correction_bias")]:
        tensors[name.replace(".e_score_correction_bias", ".e_score_correction.bias")] = tensors.pop(name)
    layers, hidden = config["num_hidden_layers"], config["hidden_size"]
    if config.get("num_nextn_predict_layers"):  # a layer like the last, which reads two vectors
        metadata |= {"block_count": layers + 1, "nextn_predict_layers": 1}
        last = f"model.layers.{layers - 1}."
        for name in [name for name in tensors if name.startswith(last)]:
            tensors[name.replace(last, f"model.layers.{layers}.")] = tensors[name]
        tensors |= {
            f"blk.{layers}.nextn.eh_proj.weight": np.ones((hidden, 2 * hidden), np.float32),
            f"blk.{layers}.nextn.enorm.weight": np.ones(hidden, np.float32),
            f"blk.{layers}.nextn.hnorm.weight": np.ones(hidden, np.float32),
        }
    metadata |= {
        "expert_count": config["n_routed_experts"],
        "expert_feed_forward_length": config["moe_intermediate_size"],
        "expert_shared_count": config["n_shared_experts"],
        "leading_dense_block_count": config.get("first_k_dense_replace", 1),
        "expert_gating_func": 2,
        "expert_group_count": config["n_group"],
        "expert_group_used_count": config["topk_group"],
        "expert_weights_scale": float(config["routed_scaling_factor"]),
        "expert_weights_norm": config["norm_topk_prob"],
    }


def gpt_oss(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["expert_feed_forward_length"] = config["intermediate_size"]
    metadata["attention.sliding_window"] = config["sliding_window"]
    for name, values in list(tensors.items()):
        layer, _, leaf = name.rpartition(".mlp.experts.")
        stem = f"{layer.replace('model.layers', 'blk')}.ffn_"
        ending = "bias" if leaf.endswith("_bias") else "weight"
        values = values.swapaxes(-1, -2) if layer and ending == "weight" else values
        if name.endswith(".sinks"):
            tensors[f"{name}.weight"] = tensors.pop(name)
        elif leaf.startswith("gate_up_proj"):
            del tensors[name]
            for i, part in enumerate(("gate", "up")):
                pair = values[:, i::2]
                tensors[f"{stem}{part}_exps.{ending}"] = np.ascontiguousarray(pair)
        elif layer:
            del tensors[name]
            tensors[f"{stem}down_exps.{ending}"] = np.ascontiguousarray(values)


def llama4(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["expert_feed_forward_length"] = config["intermediate_size"]
    metadata["feed_forward_length"] = config["intermediate_size_mlp"]
    metadata["interleave_moe_layer_step"] = config["interleave_moe_layer_step"]
    metadata["rope.dimension_count"] = rotated_values(config)
    rope = config["rope_parameters"]
    if rope["rope_type"] == "llama3":
        tensors["rope_freqs.weight"] = llama3_divisors(rope, rotated_values(config))
    for name, values in list(tensors.items()):
        if ".experts." in name:
            layer, _, part = name.rpartition(".feed_forward.experts.")
            del tensors[name]
            stem = f"{layer.replace('model.layers', 'blk')}.ffn_"
            parts = np.split(values, 2, axis=2) if part == "gate_up_proj" else [values]
            for which, one in zip(("gate", "up") if len(parts) > 1 else ("down",), parts, strict=True):
                tensors[f"{stem}{which}_exps.weight"] = np.ascontiguousarray(one.swapaxes(1, 2))


def deepseek2(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    """As files of today are, and those of V2 as the first ones: with what expands a row in one piece."""
    glm4moe(config, metadata, tensors)
    old = config["model_type"] == "deepseek_v2"
    softmax, rope = config["model_type"] in ("deepseek_v2", "mistral4"), config["rope_parameters"]
    rank, nope, values = config["kv_lora_rank"], config["qk_nope_head_dim"], config["v_head_dim"]
    rotated, heads = config["qk_rope_head_dim"], config["num_attention_heads"]
    metadata |= {
        "attention.kv_lora_rank": rank, "attention.q_lora_rank": config["q_lora_rank"],
        "rope.dimension_count": rotated, "expert_gating_func": None if old else 1 if softmax else 2,
        "attention.head_count_kv": heads if old else 1, "attention.key_length": nope + rotated if old else rank + rotated,
        "attention.value_length": values if old else rank,
    }  # fmt: skip
    if not old:
        metadata |= {"attention.key_length_mla": nope + rotated, "attention.value_length_mla": values}
    if rope.get("mscale_all_dim"):
        metadata["rope.scaling.yarn_log_multiplier"] = 0.1 * rope["mscale_all_dim"]
    if rope.get("llama_4_scaling_beta"):
        metadata["attention.temperature_scale"] = rope["llama_4_scaling_beta"]
    for name in [name for name in tensors if ".indexer." in name or (not old and name.endswith(".kv_b_proj.weight"))]:
        whole = tensors.pop(name)
        if name.endswith(".kv_b_proj.weight"):
            k, v = np.split(whole.reshape(heads, nope + values, rank), [nope], axis=1)
            tensors[name.replace("kv_b", "k_b")] = np.ascontiguousarray(k.swapaxes(1, 2))
            tensors[name.replace("kv_b", "v_b")] = np.ascontiguousarray(v)


def gemma(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    for name in list(tensors):
        if name.endswith("norm.weight"):
            tensors[name] = tensors[name] + np.float32(1)


def cohere2(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    command_r(config, metadata, tensors)
    metadata["attention.sliding_window"] = config["sliding_window"]


def command_r(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["attention.layer_norm_epsilon"] = config["layer_norm_eps"]
    metadata["logit_scale"] = config["logit_scale"]
    metadata["rope.scaling.type"] = "none"


def gemma2(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    for key in ("attn_logit_softcapping", "final_logit_softcapping"):
        metadata[key] = config[key]
    metadata["attention.sliding_window"] = config["sliding_window"]
    gemma(config, metadata, tensors)


def gemma3(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    metadata["attention.sliding_window"] = config["sliding_window"]
    if cap := config.get("final_logit_softcapping"):
        metadata["final_logit_softcapping"] = cap
    if config["model_type"] == "gemma3_text":
        for name in tensors:
            if name.endswith("norm.weight"):
                tensors[name] = tensors[name] + 1


def gemma4(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    gemma3(config, metadata, tensors)
    slides = [kind == "sliding_attention" for kind in config["layer_types"]]
    full = next(iter(config["per_layer_config"].values()))
    shared, layers = config["num_kv_shared_layers"], config["num_hidden_layers"]
    metadata |= {
        "attention.sliding_window_pattern": slides, "attention.shared_kv_layers": shared,
        "embedding_length_per_layer_input": config["hidden_size_per_layer_input"],
        "attention.key_length": full["head_dim"], "attention.value_length": full["head_dim"],
        "attention.key_length_swa": config["head_dim"], "attention.value_length_swa": config["head_dim"],
        "rope.dimension_count": full["head_dim"], "rope.dimension_count_swa": config["head_dim"],
    }  # fmt: skip
    if config["use_double_wide_mlp"]:
        width = config["intermediate_size"]
        metadata["feed_forward_length"] = [width if i < layers - shared else 2 * width for i in range(layers)]
    if "num_key_value_heads" in full:
        kv_heads = config["num_key_value_heads"], full["num_key_value_heads"]
        metadata["attention.head_count_kv"] = [kv_heads[not slide] for slide in slides]
    if config["enable_moe_block"]:
        metadata |= {
            "expert_count": config["num_experts"], "expert_used_count": config["top_k_experts"],
            "expert_feed_forward_length": config["moe_intermediate_size"],
        }  # fmt: skip
    for name in [*tensors]:
        if match := re.fullmatch(r"model\.layers\.(\d+)\.(layer_scalar|router\.(?:per_expert_)?scale)", name):
            known = {"layer_scalar": "layer_output_scale.weight", "router.scale": "ffn_gate_inp.scale"}
            tensors[f"blk.{match[1]}.{known.get(match[2], 'ffn_down_exps.scale')}"] = tensors.pop(name)
    half, turned = full["head_dim"] // 2, int(full["head_dim"] * 0.25 / 2)
    tensors["rope_freqs.weight"] = np.array([1.0] * turned + [1e30] * (half - turned), np.float32)


def qwen_vl(config: Config, metadata: Metadata, tensors: Arrays) -> None:
    if "num_experts" in config or "num_local_experts" in config:
        qwen3_moe(config, metadata, tensors)
    sections = (config["rope_parameters"] or {})["mrope_section"]
    metadata["rope.dimension_sections"] = [*sections, 0]


CONVERTERS: dict[str, Converter] = {
    "exaone4": exaone4,
    "deepseek2": deepseek2,
    "cohere2": cohere2,
    "command-r": command_r,
    "exaone": exaone4,
    "gemma": gemma,
    "gemma2": gemma2,
    "gemma3": gemma3,
    "gemma4": gemma4,
    "glm4": glm4,
    "glm4moe": glm4moe,
    "gpt-oss": gpt_oss,
    "granite": granite,
    "granitemoe": granitemoe,
    "hunyuan-dense": hunyuan,
    "llama": llama,
    "llama4": llama4,
    "mistral3": mistral3,
    "mistral4": deepseek2,
    "muse-glimmer": muse_glimmer,
    "nemotron": nemotron,
    "olmo2": olmo2,
    "phi2": layer_normed,
    "phi3": phi3,
    "qwen3moe": qwen3_moe,
    "qwen2vl": qwen_vl,
    "qwen3vl": qwen_vl,
    "qwen3vlmoe": qwen_vl,
    "smollm3": llama,
    "stablelm": stablelm,
}


def llama3_divisors(rope: dict[str, Any], head_dim: int) -> np.ndarray:
    """What a converter writes for Llama 3: how much each frequency is divided by, computed wave by wave."""
    original = rope["original_max_position_embeddings"]
    divisors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * np.pi * rope["rope_theta"] ** (i / head_dim)
        if wavelength < original / rope["high_freq_factor"]:
            divisors.append(1.0)
        elif wavelength > original / rope["low_freq_factor"]:
            divisors.append(rope["factor"])
        else:
            span = rope["high_freq_factor"] - rope["low_freq_factor"]
            smooth = (original / wavelength - rope["low_freq_factor"]) / span
            divisors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(divisors, np.float32)
