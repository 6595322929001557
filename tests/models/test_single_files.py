"""GGUF files that hold a tower beside the text, named as Ollama's converter names them: the model of two files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make_towers import picture
from golden.recipe import case_path
from mmproj import write_mmproj
from tiny import write_gguf

from galop.backends.load import load_path
from galop.errors import ModelFileError
from galop.models.vision.from_file import open_tower
from galop.store.model_info import parse_info
from galop.weights.safetensors import parse_file

Arrays = dict[str, np.ndarray]
# What the converter replaces in a checkpoint's names, of all places the first that fits (convert_*.go), and the oldest
# published names of Qwen's towers.
REPLACED = {
    "gemma3": {
        "vision_tower.vision_model.embeddings": "v", "vision_tower.vision_model": "v", "encoder.layers": "blk",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.out_proj": "attn_output", "input_projection_weight": "input_projection.weight",
        "multi_modal_projector": "mm",
    },
    "qwen3_vl": {
        "visual": "v", "blocks": "blk", "attn.proj": "attn_out", "patch_embed.proj": "patch_embed",
        "deepstack_merger_list": "deepstack_merger",
    },
    "mistral3": {
        "vision_tower": "v", "transformer.layers": "blk", "ln_pre": "encoder_norm", "attention.q_proj": "attn_q",
        "attention.k_proj": "attn_k", "attention.v_proj": "attn_v", "attention.o_proj": "attn_output",
        "attention_norm": "attn_norm", "feed_forward.gate_proj": "ffn_gate", "feed_forward.down_proj": "ffn_down",
        "feed_forward.up_proj": "ffn_up", "multi_modal_projector": "mm",
    },
    "llama4": {
        "vision_model": "v", "model.layers": "blk", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm", "multi_modal_projector": "mm",
        "patch_embedding.linear": "patch_embedding",
    },
    "gemma4": {
        "vision_tower.patch_embedder.input_proj": "v.patch_embd", "vision_tower.encoder.layers": "v.blk",
        "vision_tower.patch_embedder.position_embedding_table": "v.position_embd.weight", "vision_tower.": "v.",
        "self_attn.q_proj.linear": "attn_q", "self_attn.k_proj.linear": "attn_k", "self_attn.v_proj.linear": "attn_v",
        "self_attn.o_proj.linear": "attn_out", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_out", "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm", "input_layernorm": "ln1", "post_attention_layernorm": "attn_post_norm",
        "pre_feedforward_layernorm": "ln2", "post_feedforward_layernorm": "ffn_post_norm",
        "mlp.gate_proj.linear": "ffn_gate", "mlp.up_proj.linear": "ffn_up", "mlp.down_proj.linear": "ffn_down",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "embed_vision.embedding_projection": "mm.input_projection",
    },
}  # fmt: skip
REPLACED["qwen3_5"] = REPLACED["qwen3_vl"]


def tower(case: str) -> tuple[dict[str, Any], Arrays]:
    """Keys after the architecture, and tensors, of a golden model's tower as the converter writes them."""
    config = json.loads((case_path(case) / "config.json").read_text())
    vision, kind = config["vision_config"], config["model_type"]
    keys: dict[str, Any] = {
        "block_count": vision.get("depth") or vision["num_hidden_layers"], "embedding_length": vision["hidden_size"],
        "attention.head_count": vision.get("num_heads") or vision["num_attention_heads"],
        "patch_size": vision["patch_size"], "num_channels": 3,
    }  # fmt: skip
    if not kind.startswith("qwen"):
        keys["feed_forward_length"] = vision["intermediate_size"]
    if kind in ("gemma3", "mistral3", "llama4"):
        keys["image_size"] = vision["image_size"]
    beside: dict[str, Any] = {}
    if kind == "gemma3":
        keys["attention.layer_norm_epsilon"] = 1e-6
        beside["mm.tokens_per_image"] = config["mm_tokens_per_image"]
    elif kind == "gemma4":
        keys |= {"attention.layer_norm_epsilon": 1e-6, "projector.scale_factor": 3}
    elif kind == "llama4":
        keys |= {"layer_norm_epsilon": 1e-5, "pixel_shuffle_ratio": vision["pixel_shuffle_ratio"]}
    elif kind == "mistral3":
        keys |= {"rope.freq_base": 1e4, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        beside["spatial_merge_size"] = config["spatial_merge_size"]
    else:
        keys |= {"spatial_merge_size": 2, "shortest_edge": 4096, "longest_edge": 1 << 20}
        if kind == "qwen3_vl":
            keys["deepstack_visual_indexes"] = vision["deepstack_visual_indexes"]
    found: Arrays = {}
    replaced = REPLACED[kind]
    for name, tensor in parse_file(case_path(case) / "model.safetensors").items():
        name, values = name.removeprefix("model."), tensor.array()
        if name.startswith(("language_model.", "lm_head.")):
            continue
        if kind == "gemma3" and name.startswith("vision_tower.") and "vision_model" not in name:
            name = name.replace("vision_tower.", "vision_tower.vision_model.")
        name = re.sub("|".join(map(re.escape, replaced)), lambda match: replaced[match[0]], name)
        if ".attn.qkv." in name:
            parts = np.split(values, 3)
            found |= {name.replace("attn.qkv", f"attn_{part}"): one for part, one in zip("qkv", parts, strict=True)}
            continue
        if name == "v.patch_embed.weight":
            values = values.reshape(-1, *values.shape[2:])
        elif name == "mm.mm_soft_emb_norm.weight":
            values = values + 1
        elif name == "v.patch_embd.weight":  # channels first
            side = vision["patch_size"]
            values = values.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
        found[name] = np.ascontiguousarray(values)
    if kind == "gemma4":
        pack_limits(found, keys["block_count"])
    return {**{f"vision.{key}": value for key, value in keys.items()}, **beside}, found


def pack_limits(found: Arrays, blocks: int) -> None:
    """One vector of the limits of all matrices, in place of a tensor for each."""
    names = [f"v.blk.{i}.{part}" for i in range(blocks)
             for part in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_gate", "ffn_up", "ffn_down")]  # fmt: skip
    limits = [f"{name}.{limit}" for name in [*names, "mm.input_projection"]
              for limit in ("input_min", "input_max", "output_min", "output_max")]  # fmt: skip
    if names[0] + ".input_min" in found:
        found["v.clamp_data"] = np.array([found.pop(name, np.float32(0)).item() for name in limits], np.float32)


def add_tower(case: str) -> Callable[[dict[str, Any], Arrays], str | None]:
    def change(metadata: dict[str, Any], tensors: Arrays) -> None:
        keys, found = tower(case)
        metadata.update(keys)
        tensors.update(found)

    return change


def stretch(metadata: dict[str, Any], tensors: Arrays) -> None:
    """What Ollama's files of models of that size leave out."""
    metadata.update({"rope.scaling.type": "linear", "rope.scaling.factor": 8.0})


CASES = sorted(f"sees_{kind}" for kind in REPLACED)


@pytest.mark.parametrize("case", CASES)
def test_one_file_is_the_model_of_two(case: str, tmp_path: Path) -> None:
    text, single = tmp_path / "two" / "text.gguf", tmp_path / "one" / "single.gguf"
    for path in (text, single):
        path.parent.mkdir()
    write_gguf(text, case, change=stretch if "gemma3" in case else lambda metadata, tensors: None)
    write_mmproj(text.with_name("mmproj-F32.gguf"), case, act="silu" if "mistral" in case else "")
    write_gguf(single, case, change=add_tower(case))
    with load_path(text, threads=2, memory=4 << 30) as two, load_path(single, threads=2, memory=4 << 30) as one:
        assert one.sight and two.sight
        pictures = [picture(64, 96), picture(96, 70)]
        seen = [model.sight.eyes.look(pictures) for model in (two, one)]
        assert [a.tobytes() for a in seen[0]] == [b.tobytes() for b in seen[1]]
        logits = []
        for model in (two, one):
            kv = model.engine.new_cache()
            logits.append(model.engine.forward([(kv, [1, 2, 3, 4])], range(4)))
            kv.free()
        assert logits[0].tobytes() == logits[1].tobytes()


def test_a_single_file_is_what_mmproj_names(tmp_path: Path) -> None:
    single = write_gguf(tmp_path / "single.gguf", "sees_gemma3", change=add_tower("sees_gemma3"))
    with load_path(single, threads=1, memory=4 << 30) as model:
        text = model.pack.card.config
    tower = open_tower(tmp_path / "text.gguf", text, single)
    assert tower and tower.path == single


def test_a_tower_that_is_not_known_is_refused_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def change(metadata: dict[str, Any], tensors: Arrays) -> None:
        metadata["vision.block_count"] = 2
        tensors["v.blk.0.attn_k.weight"] = np.ones((32, 32), np.float32)

    single = write_gguf(tmp_path / "single.gguf", "olmo2", change=change)
    with load_path(single, threads=1, memory=4 << 30) as model:
        assert model.sight is None
    assert "single.gguf: the vision tower of olmo2 is not supported; so single.gguf sees no pictures" in caplog.text
    with pytest.raises(ModelFileError, match="the vision tower of olmo2 is not supported"):
        load_path(write_gguf(tmp_path / "text.gguf", "llama"), threads=1, memory=4 << 30, mmproj=single)


@pytest.mark.parametrize(
    ("case", "change", "told"),
    [
        ("sees_gemma3", {"v.blk.0.attn_q.weight": np.ones((8, 8), np.float32)}, "attn_q"),
        ("sees_gemma3", {"v.strange.weight": np.ones(8, np.float32)}, "v.strange.weight is not part of the vision tower"),
        ("sees_qwen3_vl", {"v.deepstack_merger.7.norm.bias": np.ones(8, np.float32)}, "does not name"),
        ("sees_mistral3", {"v.blk.0.attn_q.weight": np.ones((7, 48), np.float32)}, "not those of 4 heads"),
        ("sees_gemma4", {"v.clamp_data": np.ones(5, np.float32)}, "not limits of"),
    ],
)  # fmt: skip
def test_a_tower_that_does_not_fit_is_told_and_the_text_is_read(
    case: str, change: Arrays, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def damage(metadata: dict[str, Any], tensors: Arrays) -> None:
        add_tower(case)(metadata, tensors)
        tensors.update(change)

    with load_path(write_gguf(tmp_path / "m.gguf", case, change=damage), threads=1, memory=4 << 30) as model:
        assert model.sight is None
    assert told in caplog.text and caplog.text.count("sees no pictures") == 1


def test_tokens_of_pictures_without_embeddings_are_left_out(tmp_path: Path) -> None:
    case, behind = "sees_gemma3", ["<image_soft_token>"]
    with load_path(
        write_gguf(tmp_path / "m.gguf", case, change=add_tower(case), behind=behind), threads=1, memory=4 << 30
    ) as model:
        assert model.sight and model.tokenizer.id(behind[0]) is None
    with pytest.raises(ModelFileError, match="257 tokens for an embedding of 256 rows"):
        load_path(write_gguf(tmp_path / "text.gguf", case, behind=behind), threads=1, memory=4 << 30)


def test_what_is_listed_of_a_single_file_says_that_it_sees(tmp_path: Path) -> None:
    single = write_gguf(tmp_path / "single.gguf", "sees_gemma3", change=add_tower("sees_gemma3"))
    assert parse_info(single).sees and not parse_info(write_gguf(tmp_path / "text.gguf", "sees_gemma3")).sees
