"""Layers of several types, their windows and rotations: every way of writing them down, and what is not understood."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make import TOKENS
from golden.recipe import case_path
from published import CONFIGS
from tiny import write_gguf

from galop.backends.load import load_path, open_pack
from galop.errors import ContextLengthError, ModelFileError
from galop.models import ALL, FAMILIES, parse_config
from galop.models.from_file import open_checkpoint
from galop.models.rotary import inverse_frequencies

SIZES = {
    "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 96, "rms_norm_eps": 1e-5, "max_position_embeddings": 512,
}  # fmt: skip
OLMO3 = {**SIZES, "model_type": "olmo3", "rope_theta": 5e5}
S, F = "sliding_attention", "full_attention"
YARN = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64}


@pytest.mark.parametrize(
    ("keys", "types"),
    [
        ({"sliding_window": 8}, [S, S, S, F]),  # the family's own pattern
        ({"sliding_window": 8, "layer_types": [F, S, F, S]}, [F, S, F, S]),
        ({"sliding_window": 8, "sliding_window_pattern": 2}, [S, F, S, F]),
        ({"sliding_window": 8, "sliding_window_pattern": "LG"}, [S, F, S, F]),
        ({"sliding_window": 8, "sliding_window_pattern": [True, True, False, True]}, [S, S, F, S]),
        ({"sliding_window": 8, "use_sliding_window": False}, [F] * 4),
        ({"sliding_window": 0}, [F] * 4),
        ({"layer_types": ["attention"] * 4}, [F] * 4),  # the name of transformers 4
    ],
)
def test_types_of_layers_are_a_list_a_pattern_or_the_familys(keys: dict[str, Any], types: list[str]) -> None:
    config = parse_config({**OLMO3, **keys}, "config.json")
    assert [config.layer_type(i) for i in range(4)] == types
    assert [config.window(i) for i in range(4)] == [8 if kind == S else 0 for kind in types]


def test_a_window_no_shorter_than_the_context_is_none() -> None:
    config = parse_config({**OLMO3, "sliding_window": 100}, "config.json")
    assert config.window(0) == 100
    assert config.limit_context(100).window(0) == 0 and config.limit_context(100).layer_type(0) == S
    assert config.limit_context(None) == config.limit_context(10**9) == config


def test_layers_with_a_window_may_rotate_in_a_way_of_their_own() -> None:
    """Of the older form the scaling is that of the full layers, whatever program wrote it."""
    plain = {"rope_type": "default", "rope_theta": 5e5}
    said: list[dict[str, Any]] = [
        {"rope_scaling": YARN},
        {"rope_parameters": {F: {**YARN, "rope_theta": 5e5}, S: plain}},
        {"rope_scaling": YARN, "rope_local_base_freq": 5e5},
    ]
    configs = [parse_config({**OLMO3, "sliding_window": 8, **keys}, "c") for keys in said]
    assert configs[0] == configs[1] == configs[2]
    stretched, factor = inverse_frequencies(configs[0])
    local, one = inverse_frequencies(configs[0], S)
    assert factor > 1 == one and stretched[-1] < local[-1] and np.array_equal(stretched[:1], local[:1])
    other = parse_config({**OLMO3, "sliding_window": 8, "rope_local_base_freq": 1e4}, "c")
    assert other.rope_parameters[S]["rope_theta"] == 1e4 and other.rope_parameters[F]["rope_theta"] == 5e5


@pytest.mark.parametrize(
    ("model_type", "keys", "message"),
    [
        ("olmo3", {"layer_types": [S, F]}, "layer_types has 2 entries"),
        ("olmo3", {"layer_types": [S, F, S, "linear_attention"]}, "layer_types other than .* 'linear_attention'"),
        ("olmo3", {"layer_types": "sliding"}, "layer_types = sliding"),
        ("olmo3", {"sliding_window": None, "layer_types": [S] * 4, "use_sliding_window": False}, "no sliding_window"),
        ("olmo3", {"sliding_window": -1}, "sliding_window = -1"),
        ("olmo3", {"sliding_window": 8.5}, "sliding_window = 8.5"),
        ("olmo3", {"sliding_window_pattern": "LX"}, "sliding_window_pattern = LX"),
        ("olmo3", {"sliding_window_pattern": 0}, "sliding_window_pattern = 0"),
        ("olmo3", {"sliding_window_pattern": [1, 0]}, "sliding_window_pattern"),
        ("llama", {"sliding_window_pattern": 4}, "sliding_window_pattern = 4"),
        ("llama", {"layer_types": [S] * 4}, "layer_types other than full_attention"),
        ("mistral", {"rope_parameters": {F: {"rope_theta": 1e4}, S: {"rope_theta": 1e6}}}, "for each type of layer"),
        ("mistral", {"llama_4_scaling_beta": 0.1}, "llama_4_scaling_beta"),
        ("mistral", {"rope_scaling": {**YARN, "llama_4_scaling_beta": 0.1}}, "llama_4_scaling_beta"),
        ("glm4", {"partial_rotary_factor": 1.5}, "partial_rotary_factor"),
        ("glm4", {"partial_rotary_factor": True}, "partial_rotary_factor"),
        ("glm4", {"partial_rotary_factor": 0.01}, "frequencies"),
        ("smollm3", {"no_rope_layers": [1, 1]}, "no_rope_layers has 2"),
        ("smollm3", {"no_rope_layer_interval": 0}, "no_rope_layer_interval = 0"),
        ("seed_oss", {"attention_out_bias": True}, "attention_out_bias"),
        ("granite", {"residual_multiplier": 0}, "residual_multiplier"),
        ("granite", {"attention_multiplier": "x"}, "attention_multiplier"),
        ("phi3", {"rope_scaling": {"type": "longrope", "long_factor": [1.0] * 8}}, "short_factor"),
        ("phi3", {"rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": [1]}}, "1 divisors for 8"),
        ("hunyuan_v1_dense", {"rope_scaling": {"type": "dynamic", "alpha": -5}}, "bad value|frequencies"),
        ("muse_glimmer", {"layer_rope_theta": [1.0, 0.0]}, "layer_rope_theta has 2"),
        ("starcoder2", {"hidden_act": "relu"}, "hidden_act"),
        ("gemma3n", {}, "take Gemma 4"),
        ("gemma3n_text", {}, "take Gemma 4"),
        ("deepseek_v4", {}, "take DeepSeek-V2-Lite"),
        ("qwen4_exp", {}, "take Qwen3.6"),
    ],
)
def test_what_is_not_understood_is_named(model_type: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        config = parse_config({**SIZES, "model_type": model_type, **keys}, "config.json")
        inverse_frequencies(config)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_the_text_of_a_model_of_texts_and_images_is_read_from_its_own_config() -> None:
    whole = CONFIGS["Mistral-Small-3.1-24B-Instruct-2503"]
    alone = {**whole["text_config"], "tie_word_embeddings": False}
    assert parse_config(whole, "c") == parse_config(alone, "c")
    with pytest.raises(ModelFileError, match="vision_config"):
        parse_config({**CONFIGS["Qwen3-0.6B"], "vision_config": {"depth": 2}}, "c")


def test_long_divisors_are_for_contexts_beyond_the_original() -> None:
    """A kept key cannot change its rotation, so the context that a model is loaded for decides for all of it."""
    config = parse_config(CONFIGS["Phi-4-mini-instruct"], "c")
    long, factor = inverse_frequencies(config)
    short, same = inverse_frequencies(config.limit_context(4096))
    plain = 1 / 10000.0 ** (np.arange(0, 96, 2) / 96)
    assert np.allclose(short, plain) and np.allclose(plain[-1] / long[-1], 47.77)
    assert factor == same == pytest.approx(np.sqrt(1 + np.log(32) / np.log(4096)))

    path = case_path("phi3_long")
    tables = [
        next(v.value for v in open_pack(path, None, 1, context=context)[1].vectors().values() if v.value is not None)
        for context in (None, 9, 8)
    ]
    assert np.array_equal(tables[0], tables[1]) and not np.array_equal(tables[1], tables[2])
    with load_path(path, memory=4 << 30, context=8) as model:
        assert np.isfinite(model.logits(TOKENS[:8])).all()


def test_a_gguf_of_olmo_2_has_no_windows_and_one_of_olmo_3_has(tmp_path: Path) -> None:
    for case, window in (("olmo2", 0), ("olmo3", 4)):
        checkpoint = open_checkpoint(write_gguf(tmp_path / f"{case}.gguf", case))
        config = parse_config(checkpoint.config, case)
        assert [config.window(i) for i in range(4)] == [window, window, window, 0]


@pytest.mark.parametrize(
    ("case", "change", "message"),
    [
        ("olmo3", {"olmo2__attention__sliding_window_pattern": [True, False]}, "sliding_window_pattern"),
        ("olmo3", {"olmo2__attention__sliding_window": 2**31}, "sliding_window"),
        ("phi3", {"phi3__rope__dimension_count": 17}, "rotary_dim = 17 is not a part of head_dim"),
        ("phi3", {"phi3__rope__dimension_count": 8}, "6 divisors for 4"),
        ("glm4", {"glm4__rope__dimension_count": 0}, "dimension_count = 0"),
        ("ministral3", {"mistral3__attention__temperature_scale": float("nan")}, "llama_4_scaling_beta"),
        ("granite", {"granite__logit_scale": 0.0}, "logits_scaling"),
        ("starcoder2", {"starcoder2__attention__layer_norm_epsilon": None}, "layer_norm_epsilon is missing"),
    ],
)
def test_metadata_of_such_families_is_checked(case: str, change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        load_path(write_gguf(tmp_path / "m.gguf", case, "F32", **change), memory=4 << 30)


def test_exaones_own_names_of_tensors_are_llamas() -> None:
    ours = open_checkpoint(case_path("exaone")).tensors
    layer = {
        "ln_1": "input_layernorm", "ln_2": "post_attention_layernorm", "attn.attention.q_proj": "self_attn.q_proj",
        "attn.attention.out_proj": "self_attn.o_proj", "mlp.c_fc_0": "mlp.gate_proj", "mlp.c_fc_1": "mlp.up_proj",
        "mlp.c_proj": "mlp.down_proj",
    }  # fmt: skip
    theirs = {
        f"transformer.h.{i}.{a}.weight": f"model.layers.{i}.{b}.weight" for i in range(4) for a, b in layer.items()
    }
    theirs |= {"transformer.wte.weight": "model.embed_tokens.weight", "transformer.ln_f.weight": "model.norm.weight"}
    family = FAMILIES["exaone"]
    for published, name in theirs.items():
        assert family.sanitize({published: ours[name]}, {}) == {name: ours[name]}


def test_a_gguf_of_exaone_4_that_says_nothing_of_windows_has_them_in_the_largest_model() -> None:
    for layers, window in ((64, 4096), (30, 0)):
        raw = {**SIZES, "model_type": "exaone4", "num_hidden_layers": layers, "max_position_embeddings": 131072}
        FAMILIES["exaone4"].gguf.restore({}, raw, "m.gguf")
        config = parse_config(raw, "m.gguf")
        assert [config.window(i) for i in range(4)] == [window, window, window, 0]


def test_what_an_index_would_have_to_pick_from_is_refused() -> None:
    """DeepSeek-V3.2's index has 256 of its 512 tokens here."""
    path = case_path("deepseek_v32")
    with pytest.raises(ModelFileError, match="beyond 256 .* index .* ask for --context 256"):
        load_path(path, memory=4 << 30, context=257)
    with load_path(path, memory=4 << 30) as model:
        assert model.context == 256 and np.isfinite(model.logits(TOKENS)).all()
        with pytest.raises(ContextLengthError, match="has 256 tokens and the context holds 256; .* reads no more"):
            list(model.generate([1] * 256))


def test_each_family_stands_under_its_own_model_type() -> None:
    assert {kind: family.model_type for kind, family in ALL.items()} == {kind: kind for kind in ALL}


def test_a_start_reads_the_file_of_its_family_alone() -> None:
    code = (
        "import sys, galop.models as m; m.find_family({'model_type': 'cohere2'}, 'f')\n"
        "print([n for n in m.ALL if m.ALL.maps[0]._found.get(n).__class__ is not str and n in m.FAMILIES])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert result.stdout == "['cohere2']\n"
