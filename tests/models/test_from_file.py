"""What stands in a model's folder besides its weights, and what is no model by itself."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from golden.make import TOKENS
from golden.recipe import case_path
from quantized import write_safetensors
from safetensors.numpy import save_file
from tiny import GOLDEN, tensors_of

from galop import native
from galop.backends.load import load_path
from galop.errors import ModelFileError
from galop.models.checkpoint_forms import undo_mlx
from galop.models.from_file import open_checkpoint
from galop.weights import pack
from galop.weights.safetensors import parse_file
from galop.weights.stored_tensor import TensorFile, stored_tensor


def copy(to: Path, **config: Any) -> Path:
    shutil.copytree(GOLDEN / "qwen3", to)
    path = to / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return to


def test_the_part_that_sees_is_no_model(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "mmproj.gguf", "clip")
    writer.add_tensor("v.patch_embd.weight", np.ones((2, 32), "f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelFileError, match="mmproj.gguf holds the part of a model that sees .* text model"):
        open_checkpoint(tmp_path / "mmproj.gguf")


def test_parts_without_an_index_are_joined_if_all_are_there(tmp_path: Path) -> None:
    directory = copy(tmp_path / "m")
    _, tensors = tensors_of("qwen3")
    (directory / "model.safetensors").unlink()
    names = sorted(tensors)
    for i in range(2):
        write_safetensors(directory / f"model-{i + 1:05}-of-00002.safetensors", {n: tensors[n] for n in names[i::2]})
    assert open_checkpoint(directory).tensors.keys() == open_checkpoint(GOLDEN / "qwen3").tensors.keys()
    (directory / "model-00001-of-00002.safetensors").unlink()
    with pytest.raises(ModelFileError, match="1 of 2 parts are there"):
        open_checkpoint(directory)


def test_a_model_that_was_saved_without_its_head_is_a_whole_one(tmp_path: Path) -> None:
    directory = copy(tmp_path / "m")
    _, tensors = tensors_of("qwen3")
    write_safetensors(directory / "model.safetensors", {n.removeprefix("model."): t for n, t in tensors.items()})
    assert open_checkpoint(directory).tensors.keys() == open_checkpoint(GOLDEN / "qwen3").tensors.keys()


@pytest.mark.parametrize("outer", [True, False])
def test_a_head_that_is_there_is_one_where_two_configs_disagree(outer: bool, tmp_path: Path) -> None:
    directory = copy(tmp_path / "m", tie_word_embeddings=outer, text_config={"tie_word_embeddings": not outer})
    assert "lm_head.weight" not in (tied := open_checkpoint(directory)).tensors and tied.config["tie_word_embeddings"]
    _, tensors = tensors_of("qwen3")
    head = {"lm_head.weight": tensors["model.embed_tokens.weight"] * 2}
    write_safetensors(directory / "model.safetensors", tensors | head)
    assert "lm_head.weight" in open_checkpoint(directory).tensors


def test_what_mlx_turns_is_turned_back(tmp_path: Path) -> None:
    convolution, norm = np.arange(12, dtype="f4").reshape(3, 4), np.ones(3, "f4")
    plain = {"l.conv1d.weight": convolution.reshape(3, 1, 4), "l.mlp.experts.up_proj.weight": np.ones((2, 3, 3), "f4")}
    mlx = {"l.conv1d.weight": convolution.reshape(3, 4, 1), "l.mlp.switch_mlp.up_proj.weight": np.ones((2, 3, 3), "f4")}
    for number, (arrays, expected) in enumerate(((plain, False), (mlx, True))):
        path = write_safetensors(tmp_path / f"{number}.safetensors", arrays | {"norm.weight": norm})
        tensors, turned = undo_mlx(parse_file(path))
        assert turned == expected and tensors.keys() == plain.keys() | {"norm.weight"}
        assert np.array_equal(tensors["l.conv1d.weight"].array(), convolution.reshape(3, 1, 4))


def test_a_template_is_taken_from_the_file_that_counts(tmp_path: Path) -> None:
    directory = copy(tmp_path / "m")
    (directory / "tokenizer_config.json").write_text(json.dumps({"chat_template": "last"}))
    assert open_checkpoint(directory).chat_template == "last"
    (directory / "chat_template.json").write_text(json.dumps({"chat_template": "second"}))
    assert open_checkpoint(directory).chat_template == "second"
    (directory / "chat_template.jinja").write_text("first")
    assert open_checkpoint(directory).chat_template == "first"


@pytest.mark.parametrize("place", ["config", "text_config", "compression_config", "hf_quant_config.json", "nowhere"])
def test_how_weights_are_quantised_is_found_wherever_it_stands(place: str, tmp_path: Path) -> None:
    said = {"quant_algo": "FP8", "quant_method": "modelopt"}
    keys: dict[str, dict[str, Any]] = {
        "config": {"quantization_config": said}, "compression_config": {"compression_config": said},
        "text_config": {"text_config": {"quantization_config": said}},
    }  # fmt: skip
    directory = copy(tmp_path / "m", **keys.get(place, {}))
    if place == "hf_quant_config.json":
        (directory / place).write_text(json.dumps({"producer": {}, "quantization": {"quant_algo": "FP8"}}))
    _, tensors = tensors_of("qwen3")
    name = "model.layers.0.mlp.up_proj.weight"
    codes = np.random.default_rng(1).integers(0, 127, tensors[name].shape, dtype="u1")
    arrays = {**tensors, name: ("F8_E4M3", codes), f"{name}_scale": np.array(0.5, "f4")}
    write_safetensors(directory / "model.safetensors", arrays)
    if place == "nowhere":
        with pytest.raises(ModelFileError, match=f"{name} is in F8_E4M3, and nothing says what that means"):
            open_checkpoint(directory)
        return
    checkpoint = open_checkpoint(directory)
    assert checkpoint.tensors[name].quant_type == "F32" and "quantization_config" not in checkpoint.config
    assert [note for note in checkpoint.notes if "1 of its weights are in FP8" in note]


def test_a_file_of_gigabytes_is_packed_in_the_memory_of_one_matrix(tmp_path: Path) -> None:
    """A made-up file of 20 GB that takes no room: experts stacked, transposed and scaled, of which one is packed."""
    experts, rows, cols = 1024, 2560, 4096
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(experts * rows * cols * 2)
    tracemalloc.start()
    try:
        stacked = stored_tensor("t", "BF16", (experts, rows, cols), TensorFile(path), 0)
        each = [stacked.transpose().entry(e).map(lambda x: x + 1).part(0, cols // 2) for e in range(experts)]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        plain = stacked.reshape(experts * rows, cols).part(7, 2048)
        nbytes = native.packed_bytes("Q8_0", 2048, cols)
        matrix = pack.PackedMatrix("Q8_0", 2048, cols, 0, nbytes, 0)
        tracemalloc.reset_peak()
        assert [name for name, _ in pack.pack_matrices({"t": plain}, {"t": matrix}, 1)] == ["t"]
        assert tracemalloc.get_traced_memory()[1] < nbytes + (24 << 20)  # its values are 32 MiB
    finally:
        tracemalloc.stop()
    assert each[1023].shape == (2048, 2560) and each[1023].values(5, 1).tolist() == [[1.0] * 2560]


def test_keys_of_layers_that_read_those_of_others_are_left_out(tmp_path: Path) -> None:
    """Published checkpoints of Gemma 4 hold them, as transformers' own model once did."""
    _, tensors = tensors_of("gemma4_text")
    extra = {
        f"model.layers.{i}.self_attn.{part}.weight": tensors[f"model.layers.{i - 3}.self_attn.{part}.weight"]
        for i in (3, 4, 5)
        for part in ("k_proj", "v_proj", "k_norm")
    }
    shutil.copytree(case_path("gemma4_text"), tmp_path / "m")
    save_file(tensors | extra, tmp_path / "m" / "model.safetensors")
    with load_path(case_path("gemma4_text")) as plain, load_path(tmp_path / "m") as whole:
        assert whole.logits(TOKENS).tobytes() == plain.logits(TOKENS).tobytes()
