"""What is done for the tokens alone whose logits are wanted changes no logits."""

from __future__ import annotations

import numpy as np
import pytest
from golden.make import CASES, TOKENS
from golden.recipe import case_path
from logits import N, batch

from galop.backends.load import load_path
from galop.models import parse_config, trace
from galop.models.from_file import open_checkpoint
from galop.ops.plan import Plan
from galop.ops.reference import Batch, Cache, Reference

pytestmark = pytest.mark.golden
WANTED = [2, 3, 11, N - 1]


def traced(case: str) -> tuple[Plan, Reference]:
    checkpoint = open_checkpoint(case_path(case))
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, case), checkpoint.shapes())
    return plan, Reference(plan, lambda name: checkpoint.tensors[name].array())


@pytest.mark.parametrize("case", ["gemma4_text", "qwen3", "lfm2_moe", "glm4_moe_lite"])
def test_some_tokens_have_the_logits_that_they_have_among_all(case: str) -> None:
    _, reference = traced(case)
    whole = reference.forward(batch(Cache(), [(0, 0, N)]))
    at = np.arange(N)
    some = reference.forward(Batch(np.array(TOKENS), at, at * 0, np.array(WANTED), Cache()))
    assert np.abs(some - whole[WANTED]).max() < 1e-5 * np.abs(whole).max()
    with load_path(case_path(case), threads=2) as model:
        kv = model.engine.new_cache()
        logits = model.engine.forward([(kv, TOKENS)], WANTED)
        assert np.asarray(logits).tobytes() == model.logits(TOKENS)[WANTED].tobytes()
        kv.free()


def test_layers_that_keep_nothing_are_left_out_of_a_prompt() -> None:
    plan, _ = traced("gemma4_text")
    shared = [step for step in plan.steps if any(".layers.3." in m.name for m in step.matrices)]
    first = [step for step in plan.steps if any(".layers.0." in m.name for m in step.matrices)]
    assert {plan.dims[b] for step in shared for b in step.outputs} == {"R"}
    assert {plan.dims[b] for step in first for b in step.outputs} == {"T"}


@pytest.mark.parametrize("case", CASES)
def test_the_feed_forward_of_a_last_layer_is_left_out_of_a_prompt(case: str) -> None:
    plan, _ = traced(case)
    last = max(int(m.split(".")[2]) for m in plan.matrices() if m.startswith("model.layers."))
    down = [s for s in plan.steps if any(f".layers.{last}." in m.name and "down_proj" in m.name for m in s.matrices)]
    assert all(plan.dims[b] == "R" for step in down for b in step.outputs)
