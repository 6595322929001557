"""A model that is a GGUF file, written as the folder that vLLM reads: the same weights, unpacked to float16."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np

from galop.errors import VllmError
from galop.models.from_file import open_checkpoint
from galop.store.pack_cache import trim_packs, unpacked_folder
from galop.weights.checkpoint import Checkpoint
from galop.weights.files import report_os_errors, source_files

CLASSES = {
    "llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
}  # fmt: skip
"""Families whose GGUF files say all that their config.json would, by model type; and the class that vLLM knows."""
ROWS = 4096  # read at once


def find_folder(path: Path) -> Path:
    """The folder that vLLM reads for a model: the model's own, or one written in the cache for a GGUF file.

    Raises VllmError for a family that is not written, ModelFileError for what cannot be read.
    """
    if path.suffix == ".safetensors":
        return path.parent
    if path.is_dir():
        return path
    with report_os_errors(path):
        checkpoint = open_checkpoint(path)
        if checkpoint.config["model_type"] not in CLASSES:
            raise VllmError(
                f"vLLM does not read {path.name}, a GGUF file of {checkpoint.config['model_type']}; name the model's "
                "Hugging Face repository or folder instead"
            )
        folder = unpacked_folder(source_files(path))
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.{os.getpid()}.incomplete")
            write_folder(checkpoint, part)
            with contextlib.suppress(OSError):  # another process was first
                part.replace(folder)
            shutil.rmtree(part, ignore_errors=True)
        os.utime(folder)  # the least recently used go first
    trim_packs()
    return folder


def write_folder(checkpoint: Checkpoint, folder: Path) -> None:
    """Config, tokenizer, template and weights. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(checkpoint, folder / "model.safetensors")
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": checkpoint.config["max_position_embeddings"],
        "clean_up_tokenization_spaces": False,
    }
    settings |= {"chat_template": checkpoint.chat_template} if checkpoint.chat_template else {}
    for name in ("bos_token", "eos_token"):
        settings |= {name: getattr(checkpoint, name)} if getattr(checkpoint, name) else {}
    generation = {**checkpoint.generation, "eos_token_id": checkpoint.stop_ids}
    config = {
        **checkpoint.config,
        "architectures": [CLASSES[checkpoint.config["model_type"]]],
        "tie_word_embeddings": "lm_head.weight" not in checkpoint.tensors,
        "vocab_size": checkpoint.tensors["model.embed_tokens.weight"].shape[0],
        "torch_dtype": "float16",
        "hidden_act": "silu",
        "eos_token_id": checkpoint.stop_ids,
    }
    (folder / "tokenizer.json").write_text(checkpoint.tokenizer_json, "utf-8")
    for file, content in (
        ("tokenizer_config.json", settings), ("generation_config.json", generation), ("config.json", config),
    ):  # fmt: skip
        (folder / file).write_text(json.dumps(content, indent=1), "utf-8")


def write_weights(checkpoint: Checkpoint, file: Path) -> None:
    """All tensors in float16, in the safetensors format, without more than some rows in memory. Raises OSError."""
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in checkpoint.tensors.items():
        size = 2 * tensor.rows * tensor.width
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for tensor in checkpoint.tensors.values():
            for first in range(0, tensor.rows, ROWS):
                values = tensor.values(first, min(ROWS, tensor.rows - first))
                out.write(np.ascontiguousarray(values, np.float16).tobytes())
