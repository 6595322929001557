"""Weights that follow from their names, so that a golden case is a config, names with shapes, and logits."""

from __future__ import annotations

import json
import tempfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent
# Endings of names, and the (base, spread) of their values.
UNUSUAL = {
    ".A_log": (0.5, 0.5), "conv1d.weight": (0.0, 0.5), "conv.conv.weight": (0.0, 0.5), ".sinks": (0.0, 1.0),
    "e_score_correction_bias": (0.0, 0.1), "experts.gate_up_proj_bias": (0.0, 0.1),
    "experts.down_proj_bias": (0.0, 0.1), "layer_scalar": (1.0, 0.1), "put_min": (-1.0, 0.1), "put_max": (1.0, 0.1),
}  # fmt: skip


def seeded_weight(name: str, shape: tuple[int, ...], ones: bool) -> np.ndarray:
    """The float32 weight of that name in transformers' state dict; `ones` if it begins training as all ones."""
    drawn = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(int(np.prod(shape)))
    usual = (0.0, 0.08) if len(shape) > 1 else (float(ones), 0.1)
    base, spread = next((pair for end, pair in UNUSUAL.items() if name.endswith(end)), usual)
    values: np.ndarray = np.array(np.float32(base) + np.float32(spread) * drawn.astype(np.float32).reshape(shape))
    return values


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="galop-golden-")


@cache
def case_path(name: str) -> Path:
    """The model directory of a golden case: as it is kept, or made from its weights' names, once in a process."""
    if (HERE / name).is_dir():
        return HERE / name
    case = json.loads((HERE / f"{name}.json").read_text())
    directory = Path(_scratch().name) / name
    directory.mkdir()
    ones = set(case["ones"])
    tensors = {key: seeded_weight(key, tuple(shape), key in ones) for key, shape in case["tensors"].items()}
    save_file(tensors, directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(case["config"]))
    (directory / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    return directory


def byte_tokenizer() -> dict[str, Any]:
    """One token per byte: enough for a model that was never trained."""
    from galop.tokenizers.tokenizer import BYTE_OF

    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None,
        "decoder": byte_level, "model": {"type": "BPE", "vocab": BYTE_OF, "merges": []},
    }  # fmt: skip
