"""Stacked experts, in whichever form a checkpoint keeps them, are taken apart into the same matrices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_blocks import random_blocks
from safetensors.numpy import save_file

from galop.errors import ModelFileError
from galop.models.experts import MAX_EXPERTS, split_experts
from galop.weights.quant_types import dequantise
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
    save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / "m.safetensors")
    return parse_file(folder / "m.safetensors")


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
