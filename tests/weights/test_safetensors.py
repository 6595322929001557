"""Safetensors directories: sharded and single, and the ways a header can lie."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import struct
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make import TOKENS
from hypothesis import given
from hypothesis import strategies as st
from published import COMPUTED, CONFIGS, HARMLESS
from safetensors.numpy import load_file, save_file
from tiny import GOLDEN, tensors_of

from galop.backends.load import load_path
from galop.errors import ModelFileError
from galop.models import find_family, parse_config, trace
from galop.models.checkpoint_forms import keep_text, split_fused
from galop.models.config import flatten
from galop.models.from_file import open_checkpoint
from galop.models.rotary import inverse_frequencies
from galop.weights.safetensors import parse_file
from galop.weights.stored_tensor import StoredTensor


def raw(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


GOOD = entry([2], 0, 8)
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "truncated"),
    "header longer than the file": (struct.pack("<Q", 100) + b"{}", "a header of 100"),
    "header of 2^63": (struct.pack("<Q", 2**63) + b"{}", "a header of"),
    "not UTF-8": (raw(b"\xff{}"), "not valid JSON"),
    "not JSON": (raw(b"{"), "not valid JSON"),
    "a list": (raw(b"[]"), "not a JSON object"),
    "nested 10^5 deep": (raw(b"[" * 100_000), "not valid JSON"),
    "a name twice": (raw(b'{"a":1,"a":2}'), "appears twice"),
    "malformed entry": (raw(b'{"a":{"dtype":"F32"}}'), "malformed"),
    "hole": (raw(json.dumps({"a": entry([2], 8, 16)}).encode(), bytes(16)), "a hole"),
    "overlap": (raw(json.dumps({"a": GOOD, "b": entry([2], 4, 12)}).encode(), bytes(12)), "overlap"),
    "trailing bytes": (raw(json.dumps({"a": GOOD}).encode(), bytes(9)), "follow the last tensor"),
    "end before start": (raw(json.dumps({"a": entry([2], 8, 0)}).encode(), bytes(8)), "needs another number"),
    "past the end": (raw(json.dumps({"a": entry([4], 0, 16)}).encode(), bytes(8)), "truncated"),
    "shape too large": (raw(json.dumps({"a": entry([2**40, 2**40], 0, 8)}).encode(), bytes(8)), "another number"),
    "negative shape": (raw(json.dumps({"a": entry([-2], 0, 8)}).encode(), bytes(8)), "not sensible"),
    "boolean shape": (raw(json.dumps({"a": entry([True], 0, 4)}).encode(), bytes(4)), "not sensible"),
    "unknown dtype": (raw(json.dumps({"a": entry([2], 0, 8, "F8_E5M2")}).encode(), bytes(8)), "F8_E5M2"),
    "a zip behind it": (raw(json.dumps({"a": GOOD}).encode(), bytes(8) + b"PK\x03\x04"), "follow the last tensor"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_headers_are_refused(case: str, tmp_path: Path) -> None:
    data, message = BAD[case]
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message) as caught:
        parse_file(path)
    assert "\n" not in str(caught.value)


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6))
def test_flipped_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    data = bytearray((GOLDEN / "qwen2" / "model.safetensors").read_bytes())
    for at, value in flips:
        data[at] = value
    path = tmp_path_factory.mktemp("flip") / "model.safetensors"
    path.write_bytes(data)
    try:
        parse_file(path)
    except ModelFileError as error:
        assert "\n" not in str(error)


def copy(case: str, to: Path) -> Path:
    shutil.copytree(GOLDEN / case, to)
    return to


def change(directory: Path, **keys: Any) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping"),
        ({"residual_multiplier": 0.22}, "residual_multiplier"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"use_sliding_window": True, "max_window_layers": 1}, "use_sliding_window"),
        ({"layer_types": ["sliding_attention", "full_attention"]}, "layer_types"),
        ({"quantization_config": {"quant_method": "hqq"}}, "the quantisation .hqq. is not supported"),
        ({"model_type": "gemma3n"}, "gemma3n"),
        ({"hidden_size": None}, "hidden_size"),
        ({"num_attention_heads": "4"}, "of type int"),
        ({"rms_norm_eps": -1.0}, "rms_norm_eps"),
        ({"num_hidden_layers": 2**40}, "num_hidden_layers"),
        ({"tie_word_embeddings": False}, "lm_head.weight is missing"),
        ({"rope_parameters": None, "rope_scaling": {"rope_type": "longrope"}}, "longrope"),
        ({"rope_parameters": None, "rope_scaling": {"rope_type": "yarn"}}, "missing or bad value"),
    ],
)
def test_a_config_that_asks_for_other_arithmetic_is_refused_by_name(
    keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    directory = copy("qwen3", tmp_path / "m")
    change(directory, **keys)
    with pytest.raises(ModelFileError, match=message):
        load_path(directory, memory=4 << 30)


@pytest.mark.parametrize("name", CONFIGS)
def test_configs_are_read_as_they_are_published(name: str) -> None:
    built_in = find_family(CONFIGS[name], name).config_class.supported_values
    for extra in ({}, {key: value for key, value in HARMLESS.items() if key not in built_in}):
        config = parse_config({**extra, **CONFIGS[name]}, "config.json")
        frequencies, _ = inverse_frequencies(config)
        assert 0 < len(frequencies) <= config.head_dim // 2 and config.num_key_value_heads


@pytest.mark.oracle
@pytest.mark.parametrize("name", [name for name in CONFIGS if "Nemotron" not in name])  # which has experts there
def test_configs_say_what_they_say_to_transformers(name: str) -> None:
    from transformers import AutoConfig

    whole = AutoConfig.for_model(**known_to_transformers(name))
    theirs = whole.get_text_config()
    theirs.allow_global_per_layer_attribute_access = True  # of the layers with a window
    ours = parse_config(CONFIGS[name], "config.json")
    rope = theirs.rope_parameters
    for kind, rotation in (rope if "full_attention" in rope else {"full_attention": rope}).items():
        said = {"partial_rotary_factor": 1.0, **ours.rope_parameters[kind]}
        for key in {"rope_theta", "rope_type", "factor", "partial_rotary_factor"} & rotation.keys():
            assert said[key] == rotation[key]
    assert ours.num_key_value_heads == theirs.num_key_value_heads
    assert ours.head_dim == (getattr(theirs, "head_dim", None) or theirs.hidden_size // theirs.num_attention_heads)
    tied = getattr(theirs, "tie_word_embeddings", None)  # which some configs with eyes have outside the text's
    assert ours.tie_word_embeddings == (whole.tie_word_embeddings if tied is None else tied)
    experts = getattr(theirs, "num_experts", None) or getattr(theirs, "num_local_experts", None)
    assert (getattr(ours, "num_experts", None) or None) == experts
    layers = range(ours.num_hidden_layers)
    if kinds := getattr(theirs, "layer_types", None):
        assert [ours.layer_type(i) for i in layers] == [kind.replace("indexed", "full") for kind in kinds]
    if "sliding_attention" in ours.supported_layers and theirs.sliding_window:
        slide = theirs.sliding_window < theirs.max_position_embeddings
        window = theirs.sliding_window if slide else 0
        assert {ours.window(i) for i in layers if not kinds or kinds[i] == "sliding_attention"} <= {window}


# Weights of whole models, as counted elsewhere.
PARAMETERS = {
    "SmolLM3-3B": 3_075_098_624, "Ministral-3-8B-Instruct-2512": 8_489_553_920, "Phi-4-mini-instruct": 3_836_021_760,
    "Phi-4": 14_659_507_200, "Olmo-3-7B-Instruct": 7_298_011_136, "ERNIE-4.5-0.3B-PT": 360_748_032,
    "Seed-OSS-36B-Instruct": 36_151_104_512, "gemma-3-270m": 268_098_176, "gemma-3-1b-it": 999_885_952,
    "gemma-3-4b-it": 3_880_263_168, "DeepSeek-V3": 671_026_419_200,
}  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("name", CONFIGS)
def test_every_weight_of_a_published_model_has_its_place(name: str) -> None:
    """The names and true shapes of transformers' models, none of whose values are made."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    config = flatten(CONFIGS[name], name)
    family = find_family(config, name)
    whole = AutoConfig.for_model(**known_to_transformers(name))
    with torch.device("meta"):
        kind = AutoModelForImageTextToText if "vision_config" in CONFIGS[name] else AutoModelForCausalLM
        shapes = {key: tuple(value.shape) for key, value in kind.from_config(whole).state_dict().items()}
    stored = {key: StoredTensor(key, "F32", shape, nowhere, 0, "F32") for key, shape in shapes.items()}
    config = {**family.config_class.defaults, **config}
    tensors = family.sanitize(split_fused(keep_text(stored), config), config)
    if parse_config(config, name).tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    plan = trace(config["model_type"], parse_config(config, name), {key: t.shape for key, t in tensors.items()})
    assert tensors.keys() <= plan.matrices().keys() | plan.vectors().keys()
    counted = sum(math.prod(tensor.shape) for tensor in tensors.values())
    assert counted == PARAMETERS.get(name, counted)


def known_to_transformers(name: str) -> dict[str, Any]:
    """A published config under a name that transformers has, to be changed as that likes."""
    config = deepcopy(CONFIGS[name])
    return {**config, "model_type": {"kimi_k2": "deepseek_v3"}.get(config["model_type"], config["model_type"])}


def nowhere(first: int, count: int) -> Any:
    raise AssertionError("no values are there")


@pytest.mark.parametrize("key", COMPUTED)
def test_whatever_is_computed_and_not_known_is_refused_by_name(key: str) -> None:
    beside_eyes = key == "vision_config"  # which Llama has in SmolVLM
    for name in ("Qwen2.5-0.5B",) if beside_eyes else ("Qwen2.5-0.5B", "Llama-3.2-1B-Instruct"):
        with pytest.raises(ModelFileError, match=key):
            parse_config({**CONFIGS[name], key: COMPUTED[key]}, "config.json")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rope_parameters": {"rope_theta": 1e6, "partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        (
            {"rope_parameters": {"rope_theta": 1e6, "rope_type": "yarn"}, "rope_scaling": {"type": "linear"}},
            "two types",
        ),
        ({"rope_scaling": {"rope_type": "default", "mrope_section": [16, 24, 24]}}, "mrope_section"),
        ({"rope_scaling": {"type": "linear", "factor": 2, "beta_fast": 32}}, "beta_fast"),
        ({"rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}, "mrope"),
        ({"rope_scaling": "yarn"}, "rope_scaling"),
        ({"rope_parameters": {"sliding_attention": {"rope_theta": 1e4}}}, "full_attention"),
        ({"rope_theta": 1e-9}, "frequencies"),
        ({"layer_types": ["full_attention"]}, "layer_types has 1"),
        ({"text_config": {"hidden_size": 65}}, "hidden_size is 896, and 65"),
        ({"text_config": {"residual_multiplier": 0.5}}, "residual_multiplier"),
        ({"num_hidden_layers": 1_000_000}, "num_hidden_layers"),
        ({"rope_scaling": {"type": "linear", "factor": float("nan")}}, "factor = nan"),
        ({"rope_scaling": {"type": "yarn", "factor": 4, "attention_factor": 1e300}}, "frequencies"),
    ],
)
def test_what_matters_is_seen_wherever_it_stands(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        inverse_frequencies(parse_config({**CONFIGS["Qwen2.5-0.5B"], **keys}, "config.json"))


def test_each_generation_of_transformers_says_the_same_of_a_rotation() -> None:
    base = {k: v for k, v in CONFIGS["Qwen2.5-32B with YaRN"].items() if not k.startswith("rope_")}
    yarn = {"factor": 4.0, "original_max_position_embeddings": 32768}
    said: list[dict[str, Any]] = [
        {"rope_theta": 1e6, "rope_scaling": {**yarn, "type": "yarn"}},
        {"rope_theta": 1e6, "rope_scaling": {**yarn, "rope_type": "yarn", "type": "yarn", "beta_fast": None}},
        {"rope_parameters": {**yarn, "rope_type": "yarn", "rope_theta": 1e6}},
        {"rope_parameters": {"full_attention": {**yarn, "rope_type": "yarn", "rope_theta": 1e6}}},
        {"rope_theta": 1e6, "rope_scaling": {"factor": 4.0, "type": "yarn"}, "original_max_position_embeddings": 32768},
    ]
    first, *others = [inverse_frequencies(parse_config({**base, **keys}, "c"))[0].tobytes() for keys in said]
    assert all(other == first for other in others)
    nested = {"model_type": "qwen2", "text_config": {**base, **said[0]}, "tie_word_embeddings": False}
    assert parse_config(nested, "c") == parse_config({**base, **said[0]}, "c")


def test_old_and_new_names_of_a_rotation_stand_together() -> None:
    """As transformers writes a config that it has read."""
    published = CONFIGS["Qwen2.5-VL-7B-Instruct"]
    both = {"type": "mrope", "rope_type": "default", "mrope_section": [16, 24, 24]}
    assert parse_config({**published, "rope_scaling": both}, "c") == parse_config(published, "c")


def test_experts_that_are_only_claimed_cost_nothing(tmp_path: Path) -> None:
    directory = copy("qwen3_moe", tmp_path / "m")
    for claimed in (10**9, 4097, 7):
        change(directory, num_local_experts=claimed)
        with pytest.raises(ModelFileError, match="num_experts|router"):
            load_path(directory, memory=4 << 30)


DEEP = "[" * 500 + "]" * 500


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.json", f'{{"model_type": "qwen3", "zzz": {DEEP}}}', "nested more than"),
        ("tokenizer.json", f'{{"model": {DEEP}}}', "nested more than"),
        ("tokenizer_config.json", f'{{"bos_token": {DEEP}}}', "nested more than"),
        ("generation_config.json", f'{{"eos_token_id": {DEEP}}}', "nested more than"),
        ("model.safetensors.index.json", f'{{"weight_map": {DEEP}}}', "nested more than"),
        ("generation_config.json", "[" * 10**6, "not valid JSON"),
        ("tokenizer_config.json", '{"bos_token": "\\ud800"}', "not valid JSON"),
        ("tokenizer_config.json", json.dumps({"chat_template": "x" * (2 << 20)}), "a template of more than"),
        ("chat_template.jinja", "x" * (2 << 20), "a template of more than"),
        ("generation_config.json", '{"a": [' + "0," * 4_000_001 + "0]}", "values"),
        ("model.safetensors.index.json", json.dumps({"weight_map": {f"t{i}": f"{i}" for i in range(10_001)}}), "files"),
    ],
)
def test_json_and_templates_are_bounded(name: str, text: str, message: str, tmp_path: Path) -> None:
    directory = copy("qwen3", tmp_path / "m")
    (directory / name).write_text(text)
    with pytest.raises(ModelFileError, match=message) as caught:
        load_path(directory, memory=4 << 30)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", ["nowhere", "self", "/dev/zero"])
def test_a_link_that_leads_nowhere_is_no_file(target: str, tmp_path: Path) -> None:
    """A half-downloaded repository holds such; what the model needs is named, what it does not need is not missed."""
    directory = copy("qwen3", tmp_path / "m")
    with load_path(directory, memory=4 << 30) as model:
        expected = model.logits(TOKENS)
    for name in ("other.json", "training.safetensors", "generation_config.json", "model.safetensors"):
        (directory / name).unlink(missing_ok=True)
        (directory / name).symlink_to(name if target == "self" else target)
        if name != "model.safetensors":
            continue
        with pytest.raises(ModelFileError, match=name):
            load_path(directory, memory=4 << 30)
        (directory / name).unlink()
        shutil.copy(GOLDEN / "qwen3" / name, directory)
        with load_path(directory, memory=4 << 30) as model:
            assert np.array_equal(model.logits(TOKENS), expected)


def test_names_and_numbers_beyond_all_bounds_are_told(tmp_path: Path) -> None:
    directory = copy("qwen3", tmp_path / "m")
    (directory / "tokenizer_config.json").write_text(f'{{"model_max_length": {10**30}, "other": 1{"0" * 5000}}}')
    with load_path(directory, memory=4 << 30):
        pass
    (directory / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": f"{'x' * 5000}.safetensors"}})
    )
    with pytest.raises(ModelFileError, match="cannot be read") as caught:
        load_path(directory, memory=4 << 30)
    assert len(str(caught.value)) < 400
    (directory / "model.safetensors.index.json").unlink()
    for key in ("hidden_size", "rms_norm_eps", "rope_theta"):
        (directory / "config.json").write_text((GOLDEN / "qwen3" / "config.json").read_text())
        change(directory, rope_parameters=None, **{key: "HUGE"})
        text = (directory / "config.json").read_text().replace('"HUGE"', "1" + "0" * 5000)
        (directory / "config.json").write_text(text)
        with pytest.raises(ModelFileError, match=key) as caught:
            load_path(directory, memory=4 << 30)
        assert len(str(caught.value)) < 300


def test_dual_chunks_end_the_context_where_they_begin_to_matter() -> None:
    config = parse_config(CONFIGS["Qwen2.5-14B-Instruct-1M"], "config.json")
    assert config.max_position_embeddings == 262144 - 8192
    for chunks in ({"chunk_size": 8, "local_size": 9}, {"chunk_size": "8", "local_size": 1}, [8], 8):
        with pytest.raises(ModelFileError, match="dual_chunk_attention_config"):
            parse_config({**CONFIGS["Qwen2.5-0.5B"], "dual_chunk_attention_config": chunks}, "config.json")


def test_windows_that_no_layer_has_are_none() -> None:
    """transformers lets the layers from max_window_layers on slide."""
    base = {**CONFIGS["Qwen2.5-0.5B"], "use_sliding_window": True, "sliding_window": 4096}
    assert parse_config({**base, "max_window_layers": 24}, "c") == parse_config(CONFIGS["Qwen2.5-0.5B"], "c")
    with pytest.raises(ModelFileError, match="use_sliding_window"):
        parse_config({**base, "max_window_layers": 23}, "c")


@pytest.mark.parametrize("case", ["qwen2", "qwen3_moe"])
def test_a_tensor_of_another_shape_is_refused(case: str, tmp_path: Path) -> None:
    """Half a norm would be one over each half, and a head without a row for each embedding another vocabulary."""
    directory = copy(case, tmp_path / "m")
    _, tensors = tensors_of(case)
    for name, whole in tensors.items():
        if ".layers.1." in name or ".experts.0." in name:
            continue
        for other in (np.concatenate([whole, whole]), whole[: len(whole) // 2], whole[None], whole.reshape(-1)):
            if other.shape == whole.shape or (name == "model.embed_tokens.weight" and len(other) > len(whole) > 1):
                continue  # more rows than tokens are padding
            save_file({**tensors, name: np.ascontiguousarray(other)}, directory / "model.safetensors")
            with pytest.raises(ModelFileError) as caught:
                load_path(directory, memory=4 << 30)
            assert re.search(r"model\.|lm_head|128 rows|do not fit", str(caught.value)), (name, other.shape)
            assert "attribute" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    directory = copy("qwen3", tmp_path / "m")
    for name in ("tokenizer_config.json", "model.safetensors"):
        (directory / name).unlink(missing_ok=True)
        os.mkfifo(directory / name)
    with pytest.raises(ModelFileError, match="model.safetensors"):
        load_path(directory, memory=4 << 30)
    os.mkfifo(tmp_path / "m.gguf")
    with pytest.raises(ModelFileError, match="not a file"):
        open_checkpoint(tmp_path / "m.gguf")


def test_nothing_of_the_repository_is_executed(tmp_path: Path) -> None:
    directory = copy("qwen3", tmp_path / "m")
    change(directory, auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"}, trust_remote_code=True)
    (directory / "modeling_evil.py").write_text("raise SystemExit('executed')")
    before = set(sys.modules)
    with load_path(directory, memory=4 << 30) as model:
        model.logits(TOKENS)
    assert not [name for name in set(sys.modules) - before if "evil" in name]


def test_shards_are_joined_and_a_missing_one_is_named(tmp_path: Path) -> None:
    directory = copy("llama", tmp_path / "m")
    tensors = load_file(directory / "model.safetensors")
    (directory / "model.safetensors").unlink()
    names = sorted(tensors)
    shards = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for shard, members in shards.items():
        save_file({n: tensors[n] for n in members}, directory / shard)
    index = {"weight_map": {n: shard for shard, members in shards.items() for n in members}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    joined, whole = open_checkpoint(directory), open_checkpoint(GOLDEN / "llama")
    assert all(np.array_equal(joined.tensors[n].array(), whole.tensors[n].array()) for n in whole.tensors)

    (directory / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelFileError, match="model-00002-of-00002.*missing"):
        open_checkpoint(directory)
    for name in ("../../etc/passwd", "/etc/passwd", "sub/x.safetensors"):
        index["weight_map"]["model.norm.weight"] = name
        (directory / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(ModelFileError, match="not the name of a file"):
            open_checkpoint(directory)


def test_a_redundant_head_of_a_tied_model_is_ignored(tmp_path: Path) -> None:
    directory = copy("qwen3", tmp_path / "m")
    tensors = {n: t.array() for n, t in open_checkpoint(directory).tensors.items()}
    tensors["lm_head.weight"] = np.zeros_like(tensors["model.embed_tokens.weight"])
    save_file(tensors, directory / "model.safetensors")
    with load_path(directory, memory=4 << 30) as model, load_path(GOLDEN / "qwen3", memory=4 << 30) as expected:
        assert np.array_equal(model.logits(TOKENS), expected.logits(TOKENS))


def test_only_a_pickle_there_says_why_it_is_not_opened(tmp_path: Path) -> None:
    directory = copy("llama", tmp_path / "m")
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    with pytest.raises(ModelFileError, match="pickle"):
        open_checkpoint(directory)


def test_fused_experts_are_split(tmp_path: Path) -> None:
    """transformers 5 may save gate_up_proj [E, 2I, H], gate rows first, and down_proj [E, H, I]."""
    directory = copy("qwen3_moe", tmp_path / "m")
    whole = open_checkpoint(directory)
    raw_tensors = {n: t.array() for n, t in whole.tensors.items()}
    fused: dict[str, np.ndarray] = {n: a for n, a in raw_tensors.items() if ".experts." not in n}
    for layer in range(2):
        at = f"model.layers.{layer}.mlp.experts."
        each = range(8)
        fused[f"{at}gate_up_proj"] = np.stack(
            [
                np.concatenate([raw_tensors[f"{at}{e}.gate_proj.weight"], raw_tensors[f"{at}{e}.up_proj.weight"]])
                for e in each
            ]
        )
        fused[f"{at}down_proj"] = np.stack([raw_tensors[f"{at}{e}.down_proj.weight"] for e in each])
    save_file(fused, directory / "model.safetensors")
    again = open_checkpoint(directory)
    assert all(np.array_equal(again.tensors[n].array(), a) for n, a in raw_tensors.items())
