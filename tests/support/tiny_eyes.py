"""A tiny model with eyes, of random weights: Qwen3-VL's architecture, with a token for each byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken
from tokenizers import Tokenizer as Library
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from galop.tokenizers.tokenizer import BYTE_OF

CONTROL = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|endoftext|>"]
TEMPLATE = """{%- for m in messages %}<|im_start|>{{ m.role + '\\n' }}
{%- if m.content is string %}{{ m.content }}{%- else %}{%- for c in m.content %}
{%- if c.type == 'image' or 'image' in c or 'image_url' in c %}<|vision_start|><|image_pad|><|vision_end|>
{%- elif 'text' in c %}{{ c.text }}{%- endif %}{%- endfor %}{%- endif %}{{ '<|im_end|>\\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
TEXT = {
    "model_type": "qwen3_vl_text", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "vocab_size": 264, "rms_norm_eps": 1e-6,
    "max_position_embeddings": 2048, "rope_theta": 5e6, "tie_word_embeddings": False, "hidden_act": "silu",
    "rope_scaling": {"rope_type": "default", "mrope_section": [6, 5, 5], "mrope_interleaved": True},
}  # fmt: skip
VISION = {
    "model_type": "qwen3_vl", "hidden_size": 64, "intermediate_size": 96, "depth": 2, "num_heads": 2, "patch_size": 16,
    "temporal_patch_size": 2, "spatial_merge_size": 2, "num_position_embeddings": 16, "out_hidden_size": 64,
    "in_channels": 3, "deepstack_visual_indexes": [0], "hidden_act": "gelu_pytorch_tanh",
}  # fmt: skip
PROCESSOR = {"size": {"shortest_edge": 64 * 64, "longest_edge": 1 << 20}, "patch_size": 16, "merge_size": 2,
             "temporal_patch_size": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}  # fmt: skip


def shapes() -> dict[str, tuple[int, ...]]:
    h, f, d = 64, 96, 32
    found: dict[str, tuple[int, ...]] = {
        "lm_head.weight": (264, h), "model.language_model.embed_tokens.weight": (264, h), "model.language_model.norm.weight": (h,),
        "model.visual.patch_embed.proj.weight": (h, 3, 2, 16, 16), "model.visual.patch_embed.proj.bias": (h,),
        "model.visual.pos_embed.weight": (16, h),
    }  # fmt: skip
    for i in range(2):
        layer, block = f"model.language_model.layers.{i}", f"model.visual.blocks.{i}"
        found |= {
            f"{layer}.self_attn.q_proj.weight": (2 * d, h), f"{layer}.self_attn.k_proj.weight": (d, h),
            f"{layer}.self_attn.v_proj.weight": (d, h), f"{layer}.self_attn.o_proj.weight": (h, 2 * d),
            f"{layer}.self_attn.q_norm.weight": (d,), f"{layer}.self_attn.k_norm.weight": (d,),
            f"{layer}.mlp.gate_proj.weight": (f, h), f"{layer}.mlp.up_proj.weight": (f, h), f"{layer}.mlp.down_proj.weight": (h, f),
            f"{layer}.input_layernorm.weight": (h,), f"{layer}.post_attention_layernorm.weight": (h,),
            f"{block}.attn.qkv.weight": (3 * h, h), f"{block}.attn.qkv.bias": (3 * h,),
            f"{block}.attn.proj.weight": (h, h), f"{block}.attn.proj.bias": (h,),
            f"{block}.mlp.linear_fc1.weight": (f, h), f"{block}.mlp.linear_fc1.bias": (f,),
            f"{block}.mlp.linear_fc2.weight": (h, f), f"{block}.mlp.linear_fc2.bias": (h,),
        }  # fmt: skip
        for norm in ("norm1", "norm2"):
            found |= {f"{block}.{norm}.weight": (h,), f"{block}.{norm}.bias": (h,)}
    for merger, width in (("merger", h), ("deepstack_merger_list.0", 4 * h)):
        found |= {
            f"model.visual.{merger}.norm.weight": (width,), f"model.visual.{merger}.norm.bias": (width,),
            f"model.visual.{merger}.linear_fc1.weight": (4 * h, 4 * h), f"model.visual.{merger}.linear_fc1.bias": (4 * h,),
            f"model.visual.{merger}.linear_fc2.weight": (h, 4 * h), f"model.visual.{merger}.linear_fc2.bias": (h,),
        }  # fmt: skip
    return found


def write_eyes(directory: Path, seed: int = 0, **text: Any) -> Path:
    """The model's files."""
    directory.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    tensors = {}
    for name, shape in shapes().items():
        values = draw.standard_normal(shape).astype(np.float32) * (0.3 if len(shape) > 1 else 0.1)
        tensors[name] = values + 1 if "norm" in name and name.endswith("weight") else values
    save_file(tensors, directory / "model.safetensors")
    ids = {name: 256 + i for i, name in enumerate(CONTROL)}
    config = {
        "model_type": "qwen3_vl", "architectures": ["Qwen3VLForConditionalGeneration"], "text_config": {**TEXT, **text},
        "vision_config": VISION, "image_token_id": ids["<|image_pad|>"], "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"], "tie_word_embeddings": False,
    }  # fmt: skip
    library = Library(BPE(dict(BYTE_OF), []))
    library.pre_tokenizer, library.decoder = ByteLevel(add_prefix_space=False), Bytes()
    library.add_special_tokens([AddedToken(name, special=True) for name in CONTROL])
    library.save(str(directory / "tokenizer.json"))
    for file, content in {
        "config.json": config,
        "tokenizer_config.json": {"eos_token": "<|im_end|>", "chat_template": TEMPLATE},
        "generation_config.json": {"eos_token_id": ids["<|im_end|>"]},
        "preprocessor_config.json": PROCESSOR,
    }.items():
        (directory / file).write_text(json.dumps(content))
    return directory
