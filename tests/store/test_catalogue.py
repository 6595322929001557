"""What the catalogue says of models agrees with their configs, and with what the families make of them."""

from __future__ import annotations

import json
import math
import re
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from catalogue_configs import MODELS

from galop.engine.states import BLOCK_TOKENS, states_of
from galop.models import find_family, trace
from galop.models.from_file import _open_weights
from galop.ops.plan import Plan
from galop.store import catalogue


def test_every_entry_says_where_a_model_is_and_how_it_may_be_used() -> None:
    names = [name for e in catalogue.entries().values() for name in (e.name, *e.aliases)]
    assert len(names) == len(set(names))
    for entry in catalogue.entries().values():
        assert entry.licence and entry.parameters and (entry.bytes or entry.bundled), entry.name
        assert entry.bundled or re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repo), entry.name
        assert entry.writes or "encoder" in entry.about or not entry.runnable, entry.name
        assert entry.active_parameters < entry.parameters, entry.name
        assert entry.runnable or entry.why_not, entry.name


def test_sizes_that_are_reckoned_are_near_those_that_are_known() -> None:
    for entry in catalogue.entries().values():
        kind = re.search(r"[-.](Q4_K_M|Q8_0|MXFP4)\.gguf$", entry.gguf_file)
        if kind and entry.gguf_bytes and not entry.packages and entry.parameters > 3e9 and "gemma4:e" not in entry.name:
            reckoned = entry.parameters * catalogue.FILE_BITS[kind[1]] / 8
            assert abs(reckoned / entry.gguf_bytes - 1) < 0.25, entry.name


@pytest.mark.parametrize(
    ("name", "by_token", "fixed"),
    [
        ("deepseek-r1:671b", 70_272, 0),  # 61 rows of 512 + 64 values
        ("gemma4:e2b", 6_144, 0),  # of the three layers of 15 that see everything; 20 keep nothing of their own
        ("qwen3.5:0.8b", 12_288, 18 * (16 * 128 * 128 + 3 * 6_144) * 4),
        ("lfm2:1.2b", 12_288, 10 * 2 * 2_048 * 4),
        ("qwen3:0.6b", 114_688, 0),
    ],
)
def test_what_a_token_and_a_sequence_take(name: str, by_token: int, fixed: int) -> None:
    states = states_of(Plan(states=list(catalogue.find(name).layer_states)), "f16")
    scales = 61 * 2 * BLOCK_TOKENS if name.startswith("deepseek") else by_token  # of rows; of keys and values
    assert sum(s.block_bytes for s in states if s.whole) == by_token * BLOCK_TOKENS + scales
    assert sum(s.block_bytes for s in states if not s.by_token) == fixed


def test_the_list_of_models_is_what_the_code_says() -> None:
    command = [sys.executable, Path(__file__).parents[2] / "docs" / "make_models.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr  # which says what to run


def shapes_of(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a language model's weights, as transformers has them; no weight is made."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    text = {k: v for k, v in config.get("text_config", config).items() if k not in ("architectures", "auto_map")}
    if "tie_word_embeddings" in config:
        text["tie_word_embeddings"] = config["tie_word_embeddings"]
    settings = AutoConfig.for_model(text.pop("model_type"), **text)
    with torch.device("meta"):
        state = AutoModelForCausalLM.from_config(settings).state_dict()
    tied = getattr(settings, "tie_word_embeddings", False)
    return {name: tuple(t.shape) for name, t in state.items() if not (tied and name == "lm_head.weight")}


def write_hollow(directory: Path, config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    """A checkpoint whose weights are a hole in a file."""
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [begin, end]}
    described = json.dumps(header).encode()
    with (directory / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(described)) + described)
        file.truncate(8 + len(described) + end)
    (directory / "config.json").write_text(json.dumps(config))


@pytest.mark.oracle
@pytest.mark.parametrize("name", MODELS)
def test_facts_are_those_of_the_config(name: str, tmp_path: Path) -> None:
    """Parameters, those that a token needs, and states follow from the real config through the family's own code."""
    config, entry = MODELS[name], catalogue.find(name)
    write_hollow(tmp_path, config, shapes_of(config))
    read, tensors, _ = _open_weights(tmp_path)
    parsed = find_family(read, name).config_class.parse(read, name)
    plan = trace(read["model_type"], parsed, {key: tensor.shape for key, tensor in tensors.items()})
    assert entry.parameters == sum(math.prod(tensor.shape) for tensor in tensors.values())
    assert entry.vocabulary == plan.widths[plan.steps[-1].outputs[0]]
    assert Counter(entry.layer_states) == Counter(plan.states)
    uses = Counter(matrix.name for step in plan.steps for matrix in step.matrices)
    looked_up = {m.name: m.rows * m.cols for step in plan.steps if step.op.name == "embed" for m in step.matrices}
    assert entry.looked_up == sum(size for matrix, size in looked_up.items() if uses[matrix] == 1)
    idle = 0
    for step in plan.steps:
        if step.op.name == "experts":
            count = len(step.arguments["ups"])
            size = sum(m.rows * m.cols for part in ("gates", "ups", "downs") for m in step.arguments[part])
            idle += size * (count - step.arguments["chosen"].width) // count
    assert (entry.active_parameters or entry.parameters) == entry.parameters - idle
