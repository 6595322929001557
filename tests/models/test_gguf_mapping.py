"""What a family's file says: registered once, in GGUF's own names, and enough for a family that differs in all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from converters import NAMED_AS
from golden.make import SMALL
from golden.recipe import HERE, byte_tokenizer
from logits import N, batch, relative
from safetensors.numpy import save_file
from tiny import add_byte_tokenizer, write_gguf

from galop.errors import ModelFileError
from galop.models import FAMILIES, from_file, parse_config, trace
from galop.models.config_layers import PATTERNS
from galop.models.config_rope import LOCAL, ROPE_TYPES
from galop.models.from_file import ARCHITECTURES, open_checkpoint
from galop.models.gguf_mapping import KEYS, NAMES, ConfigDict, GGUFMapping, Key
from galop.models.llama import Llama
from galop.ops import Tensor, rms_norm
from galop.ops.reference import Cache, Reference
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

NEWER_KEYS = {"{arch}.attention.recurrent_layers"}  # than the package
# What Ollama's converter calls some.
OLLAMAS_KEYS = {
    "{arch}.mrope_sections", "{arch}.rope.mrope_section", "{arch}.rope.global.freq_base", "{arch}.rope.local.freq_base",
    "{arch}.vision.block_count", "{arch}.vision.deepstack_visual_indexes",
}  # fmt: skip
OLLAMAS_NAMES = {"attn_out"}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_family_names_what_the_gguf_package_names(family: Any) -> None:
    assert ARCHITECTURES[family.gguf.architecture] is (family if "gguf" in vars(family) else family.__base__)
    architectures = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    architecture = NAMED_AS.get(family.gguf.architecture, family.gguf.architecture)
    theirs = {gguf.TENSOR_NAMES[t] for t in gguf.MODEL_TENSORS[architectures[architecture]]}
    ours = {re.sub(r"\.(bias|weight|scale)$", "", name) for name in {*family.gguf.names} - {*NAMES}}
    ours = {name for name in ours if not name.startswith("nextn.")}  # with which newer converters keep those layers
    ours -= OLLAMAS_NAMES
    fused = {"ffn_gate_up_exps", "ffn_gate_exps", "ffn_up_exps"}  # one or the others in any file with experts
    assert ours - fused <= {name.removeprefix("blk.{bid}.") for name in theirs}
    keys = {
        value
        for group in vars(gguf.Keys).values()
        if isinstance(group, type)
        for value in vars(group).values()
        if isinstance(value, str)
    }
    assert {f"{{arch}}.{key.gguf}" for key in family.gguf.keys} <= keys | NEWER_KEYS | OLLAMAS_KEYS
    rotation = {"rope_theta", "rotary_dim", *LOCAL, *family.config_class.rope_keys}.union(*ROPE_TYPES.values())
    rotation |= {"vision_layers", "deepstack_layers", "deepstack_blocks", "mrope_section"}  # which are taken out again
    read = {*family.config_class.__dataclass_fields__, *PATTERNS.values(), *rotation}
    assert {key.config for key in family.gguf.keys} <= read


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    sizes = config.pop("sizes")
    if len(sizes) != config["num_hidden_layers"]:
        raise ModelFileError(f"{file}: {len(sizes)} sizes of layers")
    config["intermediate_size"] = max(sizes)
    return tensors


class Sandwich(Llama):
    """Gemma's four norms a layer, a list with an entry for each layer, gate and up in one tensor of the checkpoint."""

    model_type = "sandwich"
    gguf = GGUFMapping(
        "sandwich",
        names={
            **NAMES, "ffn_norm": "pre_feedforward_layernorm", "post_attention_norm": "post_attention_layernorm",
            "post_ffw_norm": "post_feedforward_layernorm", "layer_scale": "post_feedforward_layernorm.weight",
        },
        keys=(*(key for key in KEYS if key.config != "intermediate_size"), Key("sizes", "feed_forward_length", list)),
        restore=restore,
    )  # fmt: skip

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        attended = self.attend(i, rms_norm(x, w.input_layernorm, 1e-5), w.self_attn)
        x = x + rms_norm(attended, w.post_attention_layernorm, 1e-5)
        fed = self.feed_forward(rms_norm(x, w.pre_feedforward_layernorm, 1e-5), w.mlp)
        return x + rms_norm(fed, w.post_feedforward_layernorm, 1e-5)


def write_sandwich(folder: Path) -> tuple[Path, Path]:
    """The same random weights as a checkpoint's directory and as a GGUF file."""
    rng = np.random.default_rng(7)
    hidden, inner, layers, kv = 64, 96, 2, 32
    norms = ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"]
    shapes = {"token_embd": (256, hidden), "output_norm": (hidden,)} | {
        f"blk.{i}.{name}": shape
        for i in range(layers)
        for name, shape in {
            **dict.fromkeys(norms[:3], (hidden,)), "layer_scale": (hidden,), "attn_q": (hidden, hidden),
            "attn_k": (kv, hidden), "attn_v": (kv, hidden), "attn_output": (hidden, hidden),
            "ffn_gate": (inner, hidden), "ffn_up": (inner, hidden), "ffn_down": (hidden, inner),
        }.items()
    }  # fmt: skip
    named = {f"{n}{'' if 'scale' in n else '.weight'}": rng.normal(0, 0.2, s).astype("f4") for n, s in shapes.items()}

    writer = gguf.GGUFWriter(folder / "m.gguf", "sandwich")
    for key, value in {"block_count": layers, "context_length": 512, "embedding_length": hidden,
                       "attention.head_count": 4, "attention.head_count_kv": 2}.items():  # fmt: skip
        writer.add_uint32(f"sandwich.{key}", value)
    writer.add_array("sandwich.feed_forward_length", [inner, 64])
    writer.add_float32("sandwich.attention.layer_norm_rms_epsilon", 1e-5)
    add_byte_tokenizer(writer, "gpt-2")
    for name, values in named.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    directory = folder / "checkpoint"
    directory.mkdir()
    config = {**SMALL, "model_type": "sandwich", "rms_norm_eps": 1e-5, "tie_word_embeddings": True}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    theirs = {str(Sandwich.gguf.checkpoint_name(name)): values for name, values in named.items()}
    for i in range(layers):
        at = f"model.layers.{i}.mlp"
        pair = [theirs.pop(f"{at}.{part}_proj.weight") for part in ("gate", "up")]
        theirs[f"{at}.gate_up_proj.weight"] = np.concatenate(pair)
    save_file(theirs, directory / "model.safetensors")
    return directory, folder / "m.gguf"


def test_a_family_of_other_norms_lists_and_fused_tensors_is_one_class(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = write_sandwich(tmp_path)
    with pytest.raises(ModelFileError, match="'sandwich' is not supported"):
        open_checkpoint(paths[1])
    monkeypatch.setitem(FAMILIES, "sandwich", Sandwich)
    monkeypatch.setitem(from_file.ARCHITECTURES, "sandwich", Sandwich)
    logits = []
    for path in paths:
        checkpoint = open_checkpoint(path)
        plan = trace("sandwich", parse_config(checkpoint.config, path.name), checkpoint.shapes())
        assert plan.matrices().keys() | plan.vectors().keys() == checkpoint.tensors.keys() | {"inv_freq full_attention"}
        reference = Reference(plan, lambda name, found=checkpoint: found.tensors[name].array())
        logits.append(reference.forward(batch(Cache(), [(0, 0, N)])))
    assert np.isfinite(logits[0]).all() and logits[0].tobytes() == logits[1].tobytes()


def test_internlm2_is_llama_by_another_name(tmp_path: Path) -> None:
    written = write_gguf(tmp_path / "m.gguf", "llama", change=lambda metadata, tensors: "internlm2")
    checkpoint = open_checkpoint(written)
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, "m.gguf"), checkpoint.shapes())
    ours = Reference(plan, lambda name: checkpoint.tensors[name].array()).forward(batch(Cache(), [(0, 0, N)]))
    assert relative(ours, np.load(HERE / "llama.npy")) < 1e-3  # whose weights are in fp16
