"""Tiny GGUF files made from the golden models, with the gguf package's writer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from galop.models import FAMILIES
from galop.tokenizers.tokenizer import BYTE_OF
from galop.weights.safetensors import parse_file

GOLDEN = Path(__file__).parent.parent / "golden"
ROTATES_NEIGHBOURS = ("llama",)  # architectures whose query and key rows a converter interleaves


def tensors_of(case: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """config.json and float32 tensors of a golden model; experts stacked as GGUF has them."""
    config = json.loads((GOLDEN / case / "config.json").read_text())
    tensors = {name: t.array() for name, t in parse_file(GOLDEN / case / "model.safetensors").items()}
    return config, tensors


def write_gguf(
    path: Path,
    case: str = "llama",
    kind: str = "F32",
    template: str | None = None,
    pre: str | None = "gpt-2",
    **extra: Any,
) -> Path:
    """Writes the golden model `case` in block format `kind`; `extra` overrides metadata, None leaves a key out."""
    config, tensors = tensors_of(case)
    arch = FAMILIES[config["model_type"]].gguf.architecture
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    metadata: dict[str, Any] = {
        f"{arch}.block_count": config["num_hidden_layers"],
        f"{arch}.context_length": config["max_position_embeddings"],
        f"{arch}.embedding_length": config["hidden_size"],
        f"{arch}.feed_forward_length": config["intermediate_size"],
        f"{arch}.attention.head_count": heads,
        f"{arch}.attention.head_count_kv": kv_heads,
        f"{arch}.attention.key_length": head_dim,
        f"{arch}.attention.value_length": head_dim,
        f"{arch}.rope.dimension_count": head_dim,
        f"{arch}.rope.freq_base": float(config["rope_parameters"]["rope_theta"]),
        f"{arch}.attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
    }
    if "num_local_experts" in config:
        metadata |= {
            f"{arch}.expert_count": config["num_local_experts"],
            f"{arch}.expert_used_count": config["num_experts_per_tok"],
            f"{arch}.expert_feed_forward_length": config["moe_intermediate_size"],
        }
    metadata |= {key.replace("__", "."): value for key, value in extra.items()}
    writer = gguf.GGUFWriter(path, arch)
    for key, value in metadata.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif value is not None:
            writer.add_uint32(key, value)
    add_byte_tokenizer(writer, pre)
    if template:
        writer.add_chat_template(template)
    for name, values in stacked(tensors, arch, config["num_hidden_layers"]).items():
        if arch in ROTATES_NEIGHBOURS and (match := re.search(r"attn_([qk])\.", name)):
            count = heads if match[1] == "q" else kv_heads
            values = values.reshape(count, 2, values.shape[0] // count // 2, *values.shape[1:]).swapaxes(1, 2)
            values = values.reshape(-1, *values.shape[3:])
        if values.ndim == 1 or "ffn_gate_inp" in name:
            writer.add_tensor(name, values)
        else:
            quantisation = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(values, quantisation), raw_dtype=quantisation)
    rope = config["rope_parameters"]
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, head_dim))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_byte_tokenizer(writer: gguf.GGUFWriter, pre: str | None) -> None:
    """One token per byte."""
    tokens = [token for token, _ in sorted(BYTE_OF.items(), key=lambda item: item[1])]
    writer.add_tokenizer_model("gpt2")
    if pre:
        writer.add_tokenizer_pre(pre)
    # llama.cpp wants at least one merge; this joins two bytes that no text here holds.
    writer.add_token_list([*tokens[:-1], tokens[0] + tokens[1]])
    writer.add_token_types([1] * 256)
    writer.add_token_merges([f"{tokens[0]} {tokens[1]}"])
    writer.add_eos_token_id(255)


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


def stacked(tensors: dict[str, np.ndarray], arch: str, layers: int) -> dict[str, np.ndarray]:
    """Hugging Face names to GGUF's, by the table of the gguf package rather than by Galop's own."""
    kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == arch)
    table = gguf.get_tensor_name_map(kind, layers)
    out: dict[str, np.ndarray] = {}
    experts: dict[str, dict[int, np.ndarray]] = {}
    for name, values in tensors.items():
        if match := re.fullmatch(r"model\.layers\.(\d+)\.mlp\.experts\.(\d+)\.(gate|up|down)_proj\.weight", name):
            experts.setdefault(f"blk.{match[1]}.ffn_{match[3]}_exps.weight", {})[int(match[2])] = values
            continue
        new = table.get_name(name, try_suffixes=(".weight", ".bias"))
        assert new, name
        out[new] = values
    return out | {name: np.stack([parts[e] for e in sorted(parts)]) for name, parts in experts.items()}
