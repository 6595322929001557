"""Stacked experts, in whichever form a checkpoint keeps them, are taken apart into the same matrices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.recipe import byte_tokenizer
from logits import N, batch
from random_blocks import random_blocks
from safetensors.numpy import save_file
from tiny import tensors_of

from galop.errors import ModelFileError
from galop.models import parse_config, trace
from galop.models.experts import MAX_EXPERTS, split_experts
from galop.models.from_file import open_checkpoint
from galop.ops.reference import Cache, Reference
from galop.weights.quant_types import dequantise
from galop.weights.quantized.fp4 import E2M1
from galop.weights.safetensors import parse_file
from galop.weights.stored_tensor import TensorFile, Tensors, stored_tensor

E, INNER, HIDDEN = 3, 4, 6
AT = "model.layers.0.mlp"
rng = np.random.default_rng(5)
GATE, UP = (rng.normal(size=(E, INNER, HIDDEN)).astype(np.float32) for _ in range(2))
DOWN = rng.normal(size=(E, HIDDEN, INNER)).astype(np.float32)
GATE_BIAS, UP_BIAS = (rng.normal(size=(E, INNER)).astype(np.float32) for _ in range(2))
DOWN_BIAS = rng.normal(size=(E, HIDDEN)).astype(np.float32)


def in_turns(gate: np.ndarray, up: np.ndarray) -> np.ndarray:
    return np.stack([gate, up], axis=2).reshape(E, 2 * INNER, *gate.shape[2:])


FORMS: dict[str, tuple[dict[str, np.ndarray], dict[str, Any]]] = {
    "GGUF": (
        {
            "gate_proj.weight": GATE, "up_proj.weight": UP, "down_proj.weight": DOWN,
            "gate_proj.bias": GATE_BIAS, "up_proj.bias": UP_BIAS, "down_proj.bias": DOWN_BIAS,
        },
        {"interleaved": True, "transposed": True},
    ),
    "GGUF, fused": ({"gate_up_proj.weight": np.concatenate([GATE, UP], 1), "down_proj.weight": DOWN}, {}),
    "transformers 5": ({"gate_up_proj": np.concatenate([GATE, UP], 1), "down_proj": DOWN}, {}),
    "Llama 4": (
        {"gate_up_proj": np.concatenate([GATE, UP], 1).swapaxes(1, 2), "down_proj": DOWN.swapaxes(1, 2)},
        {"transposed": True},
    ),
    "gpt-oss": (
        {
            "gate_up_proj": in_turns(GATE, UP).swapaxes(1, 2), "down_proj": DOWN.swapaxes(1, 2),
            "gate_up_proj_bias": in_turns(GATE_BIAS, UP_BIAS), "down_proj_bias": DOWN_BIAS,
        },
        {"interleaved": True, "transposed": True},
    ),
    "without gates": ({"up_proj": UP, "down_proj": DOWN, "up_proj_bias": UP_BIAS, "down_proj_bias": DOWN_BIAS}, {}),
}  # fmt: skip


def stored(folder: Path, arrays: dict[str, np.ndarray]) -> Tensors:
    save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / "model.safetensors")
    return parse_file(folder / "model.safetensors")


@pytest.mark.parametrize("form", FORMS)
def test_experts_of_every_form_are_the_same_matrices(form: str, tmp_path: Path) -> None:
    arrays, how = FORMS[form]
    split = split_experts(stored(tmp_path, {f"{AT}.experts.{name}": values for name, values in arrays.items()}), **how)
    for part, weight, bias in (("gate", GATE, GATE_BIAS), ("up", UP, UP_BIAS), ("down", DOWN, DOWN_BIAS)):
        names = [f"{AT}.experts.{e}.{part}_proj.weight" for e in range(E)]
        if part == "gate" and form == "without gates":
            assert not {*names} & split.keys()
            continue
        assert all(np.array_equal(split.pop(name).array(), weight[e]) for e, name in enumerate(names))
        if any("bias" in name for name in arrays):
            assert np.array_equal(split.pop(f"{AT}.experts.{part}_proj.bias").array(), bias.reshape(-1))
    assert not split


def test_rows_in_turns_keep_their_blocks(tmp_path: Path) -> None:
    blocks = random_blocks("Q4_0", 2 * INNER, 64, 1)
    (tmp_path / "m").write_bytes(blocks.tobytes())
    fused = stored_tensor("t", "Q4_0", (1, 2 * INNER, 64), TensorFile(tmp_path / "m"), 0)
    split = split_experts({f"{AT}.experts.gate_up_proj.weight": fused}, interleaved=True)
    rows = dequantise("Q4_0", blocks, (2 * INNER, 64))
    for part, expected in (("gate", rows[::2]), ("up", rows[1::2])):
        tensor = split[f"{AT}.experts.0.{part}_proj.weight"]
        assert tensor.quant_type == "Q4_0" and np.array_equal(tensor.array(), expected)


def test_what_is_no_stack_of_experts_stays_or_is_refused(tmp_path: Path) -> None:
    flat = np.zeros((INNER, HIDDEN), np.float32)
    kept = {f"{AT}.experts.0.up_proj.weight": flat, f"{AT}.experts.gate_up_proj": flat, f"{AT}.gate.weight": flat}
    assert split_experts(stored(tmp_path, kept), transposed=True).keys() == kept.keys()
    for shape, message in (((2, 3, 4), "3 rows, which are not"), ((MAX_EXPERTS + 1, 2, 1), "more than")):
        with pytest.raises(ModelFileError, match=message):
            split_experts(stored(tmp_path, {f"{AT}.experts.gate_up_proj": np.zeros(shape, np.float32)}))


def test_mxfp4_experts_of_gpt_oss_give_the_logits_of_what_they_stand_for(tmp_path: Path) -> None:
    config, tensors = tensors_of("gpt_oss_quantised")
    quantised: dict[str, np.ndarray] = {}
    for name in [name for name in tensors if name.endswith(("experts.gate_up_proj", "experts.down_proj"))]:
        count, inputs, rows = tensors[name].shape
        blocks = rng.integers(0, 256, (count, rows, inputs // 32, 16)).astype(np.uint8)
        scales = rng.integers(122, 125, (count, rows, inputs // 32)).astype(np.uint8)
        codes = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(count, rows, inputs // 32, 32)
        values = E2M1[codes] * np.exp2(scales.astype(np.float32) - 127)[..., None]
        tensors[name] = values.reshape(count, rows, inputs).swapaxes(1, 2)
        quantised |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
    quantised |= {name: values for name, values in tensors.items() if f"{name}_blocks" not in quantised}
    logits = []
    for folder, arrays, settings in (("plain", tensors, None), ("mxfp4", quantised, {"quant_method": "mxfp4"})):
        (tmp_path / folder).mkdir()
        stored(tmp_path / folder, arrays)
        text = json.dumps({**config, "quantization_config": settings})
        (tmp_path / folder / "config.json").write_text(text)
        (tmp_path / folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
        checkpoint = open_checkpoint(tmp_path / folder)
        plan = trace("gpt_oss", parse_config(checkpoint.config, folder), checkpoint.shapes())
        reference = Reference(plan, lambda name, found=checkpoint: found.tensors[name].array())
        logits.append(reference.forward(batch(Cache(), [(0, 0, N)])))
    assert logits[0].tobytes() == logits[1].tobytes()
