"""Hybrids as the hub keeps them: a model of texts and images, layers for later tokens, names of older programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.recipe import byte_tokenizer, case_path
from safetensors.numpy import load_file, save_file

from galop.models.from_file import open_checkpoint

Arrays = dict[str, np.ndarray]


def as_multimodal(config: dict[str, Any], tensors: Arrays) -> dict[str, Any]:
    for name in list(tensors):
        if name.startswith("model."):
            tensors[name.replace("model.", "model.language_model.", 1)] = tensors.pop(name)
    tensors["model.visual.blocks.0.attn.proj.weight"] = np.zeros((4, 4), np.float32)
    tensors["model.visual.patch_embed.proj.weight"] = np.zeros((4, 3, 2, 2, 2), np.float32)
    tensors["mtp.fc.weight"] = np.zeros((64, 128), np.float32)
    tensors["mtp.layers.0.self_attn.q_proj.weight"] = np.zeros((512, 64), np.float32)
    vision = {"depth": 2, "hidden_size": 32, "model_type": "qwen3_5", "num_heads": 2}
    text = {**config, "mtp_num_hidden_layers": 1}
    return {"model_type": "qwen3_5", "image_token_id": 250, "text_config": text, "vision_config": vision}


def as_granite_keeps_it(config: dict[str, Any], tensors: Arrays) -> dict[str, Any]:
    for theirs, ours in (
        (".router.weight", ".router.layer.weight"),
        (".experts.gate_up_proj", ".input_linear.weight"),
        (".experts.down_proj", ".output_linear.weight"),
    ):
        for name in [name for name in tensors if name.endswith(".block_sparse_moe" + theirs)]:
            tensors[name.replace(theirs, ours)] = tensors.pop(name)
    types = {"linear_attention": "mamba", "full_attention": "attention"}
    return {**config, "layer_types": [types[kind] for kind in config["layer_types"]], "position_embedding_type": "nope"}


def as_nemotron_keeps_it(config: dict[str, Any], tensors: Arrays) -> dict[str, Any]:
    for name in list(tensors):
        values, new = tensors.pop(name), name.replace("model.", "backbone.", 1)
        if ".experts." in name:
            for e, one in enumerate(values):
                tensors[new.replace(".experts.", f".experts.{e}.") + ".weight"] = one
        else:
            tensors[new] = values
    letters = {"linear_attention": "M", "moe": "E", "full_attention": "*"}
    kinds = config.pop("layers_block_type")
    return {**config, "hybrid_override_pattern": "".join(letters[kind] for kind in kinds), "num_hidden_layers": 5}


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("qwen3_5_text", as_multimodal),
        ("granitemoehybrid", as_granite_keeps_it),
        ("nemotron_h", as_nemotron_keeps_it),
    ],
)
def test_other_forms_of_a_checkpoint_are_the_same_model(
    case: str, change: Callable[[dict[str, Any], Arrays], dict[str, Any]], tmp_path: Path
) -> None:
    config = json.loads((case_path(case) / "config.json").read_text())
    tensors = load_file(case_path(case) / "model.safetensors")
    changed = change(config, tensors)
    save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(changed))
    (tmp_path / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    ours, usual = open_checkpoint(tmp_path), open_checkpoint(case_path(case))
    assert ours.shapes() == usual.shapes()
    for name, tensor in usual.tensors.items():
        assert np.array_equal(ours.tensors[name].array(), tensor.array()), name
