"""GGUF files as Ollama's own converter makes them: other names, fewer keys, and a part for images in the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make import TOKENS
from golden.recipe import HERE
from logits import N, batch, relative
from tiny import write_gguf

from galop.models import parse_config, trace
from galop.models.from_file import open_checkpoint
from galop.ops.reference import Cache, Reference
from galop.tokenizers.gguf import tokenizer_from_gguf

Metadata = dict[str, Any]
Arrays = dict[str, np.ndarray]


def with_images(metadata: Metadata, tensors: Arrays) -> None:
    metadata |= {
        "vision.block_count": 27, "vision.embedding_length": 32, "vision.attention.head_count": 4,
        "vision.attention.layer_norm_epsilon": 1e-6, "mm.tokens_per_image": 256, "image_token_id": 250,
    }  # fmt: skip
    tensors["v.blk.0.attn_k.weight"] = np.ones((32, 32), np.float32)
    tensors["mm.input_projection.weight"] = np.ones((64, 32), np.float32)


def gemma3(metadata: Metadata, tensors: Arrays) -> None:
    with_images(metadata, tensors)
    left_out = ("rope.", "attention.layer_norm_rms_epsilon")
    for key in [key for key in metadata if key.startswith(left_out)]:
        del metadata[key]


def qwen35(metadata: Metadata, tensors: Arrays) -> None:
    with_images(metadata, tensors)
    heads = metadata["attention.head_count_kv"]
    sections = metadata.pop("rope.dimension_sections", [3, 3, 2, 0])[:3]
    metadata |= {"attention.head_count_kv": [0, 0, 0, heads], "mrope_sections": sections, "ssm.v_head_reordered": True}
    metadata.pop("full_attention_interval", None)


def gptoss(metadata: Metadata, tensors: Arrays) -> str:
    for key in [key for key in metadata if key.startswith("rope.scaling.")]:
        if not key.endswith(("factor", "original_context_length")):
            del metadata[key]
    for name in list(tensors):
        new = name.replace("attn_output", "attn_out").replace("post_attention_norm", "ffn_norm")
        tensors[new.replace("attn_sinks.weight", "attn_sinks")] = tensors.pop(name)
    for name in [name for name in tensors if "ffn_gate_exps" in name]:
        pair = [tensors.pop(name), tensors.pop(name.replace("ffn_gate_exps", "ffn_up_exps"))]
        both = np.stack(pair, 2).reshape(pair[0].shape[0], 2 * pair[0].shape[1], *pair[0].shape[2:])
        tensors[name.replace("ffn_gate_exps", "ffn_gate_up_exps")] = both
    return "gptoss"


@pytest.mark.parametrize(("case", "change"), [("gemma3_text", gemma3), ("qwen3_5_text", qwen35), ("gpt_oss", gptoss)])
def test_a_file_of_ollamas_is_the_same_model(
    case: str, change: Callable[[Metadata, Arrays], str | None], tmp_path: Path
) -> None:
    checkpoint = open_checkpoint(write_gguf(tmp_path / "m.gguf", case, change=change))
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, case), checkpoint.shapes())
    ours = Reference(plan, lambda name: checkpoint.tensors[name].array()).forward(batch(Cache(), [(0, 0, N)]))
    assert len(TOKENS) == N and relative(ours, np.load(HERE / f"{case}.npy")) < 1e-4
    told = [note for note in checkpoint.notes if "2 tensors for images or sound are left out" in note]
    assert len(told) == (case != "gpt_oss")


def test_gemma_4s_vocabulary_goes_by_another_name() -> None:
    tokens = ["<pad>", "<unk>", "<bos>", "<eos>", "a", "b", "ab", "▁", *(f"<0x{byte:02X}>" for byte in range(256))]
    metadata = {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.merges": ["a b"], "tokenizer.ggml.bos_token_id": 2}
    usual = tokenizer_from_gguf({**metadata, "tokenizer.ggml.model": "gemma4"}, "m.gguf")
    other = {**metadata, "tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "gemma4"}
    assert tokenizer_from_gguf(other, "m.gguf") == usual
