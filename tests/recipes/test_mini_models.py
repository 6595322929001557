"""The models that come with galop: they think, answer, keep to a budget, and are what transformers says they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from galop import Sampling, store
from galop.backends.events import Done, Text
from galop.backends.load import load
from galop.backends.local import Model
from galop.chat.thinking import Thinking
from galop.recipes.mini.tasks import Problem, correct
from galop.store import catalogue

SHIPPED = [entry.name for entry in catalogue.entries().values() if entry.bundled.endswith(".gguf")]


def held_out(count: int, task: str, level: str | None = None) -> list[Problem]:
    from random import Random

    from galop.recipes.mini.tasks import draw

    return [draw(Random(f"shipped {i}"), held=True, task=task, level=level) for i in range(count)]


def ask(model: Model, question: str, thinking: Thinking | None = None) -> tuple[str, str, Done]:
    events = list(model.chat([{"role": "user", "content": question}], thinking, sampling=Sampling()))
    done = events[-1]
    assert isinstance(done, Done)
    texts = [e for e in events if isinstance(e, Text)]
    return "".join(t.text for t in texts if t.thinking), "".join(t.text for t in texts if not t.thinking), done


@pytest.mark.parametrize("name", SHIPPED)
def test_they_think_and_answer(name: str) -> None:
    problems = held_out(20, "add", "3") + held_out(20, "multiply", "2x1")
    with load(name) as model:
        right = 0
        for problem in problems:
            thought, answer, done = ask(model, problem.question)
            assert thought and done.thinking_tokens and done.reason == "stop"
            right += correct(problem, answer)
        assert right >= 30, (name, right)
        thought, answer, done = ask(model, problems[0].question, Thinking(on=False))
        assert not thought and answer and not done.thinking_tokens


def test_a_budget_is_kept_and_an_answer_follows() -> None:
    with load("qwen3-mini") as model:
        whole, answer, done = ask(model, "What is 4738*2916?")
        assert answer.strip() == "13816008" and done.thinking_tokens > 64
        for budget in (0, 16, 64):
            thought, answer, done = ask(model, "What is 4738*2916?", Thinking(budget=budget))
            # Cut off in the middle it may go on working in its answer, which ends in a number all the same.
            assert re.search(r"\d\s*$", answer), (budget, answer)
            assert whole.startswith(thought.rstrip("\n")) and done.thinking_tokens <= budget + 4
            assert done.answer_tokens < budget + 320


def test_from_the_command_line_offline(tmp_path: Path) -> None:
    """At once, without a network, and with the thinking kept out of what a pipe gets."""
    env = {
        **os.environ,
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "PIP_INDEX_URL": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "galop", "run", "qwen3-mini", "What is 47*83?"]
    ran = subprocess.run([*command, "--temperature", "0"], capture_output=True, text=True, env=env, check=True)
    assert ran.stdout.strip() == "3901" and "74*38" in ran.stderr
    told = subprocess.run(
        [*command, "--json", "--temperature", "0"], capture_output=True, text=True, env=env, check=True
    )
    data: dict[str, Any] = json.loads(told.stdout)
    assert data["answer"].strip() == "3901" and "74*38" in data["thinking"] and data["thinking_tokens"] > 10
    shown = subprocess.run(
        [sys.executable, "-m", "galop", "show", "qwen3-mini"], capture_output=True, text=True, check=True
    )
    assert "not Alibaba's weights" in shown.stdout


@pytest.mark.oracle
@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_comes_back_from_what_is_shipped(name: str, tmp_path: Path) -> None:
    """Small sizes learn from it where no teacher was trained."""
    from galop.recipes.mini.export import export, restore

    path, size = store.locate(name).path, name.split(":")[1]
    assert path
    restore(path, size, tmp_path / "checkpoint")
    export(tmp_path / "checkpoint", tmp_path / "again.gguf", f"qwen3-mini:{size}")
    assert (tmp_path / "again.gguf").read_bytes() == path.read_bytes()


@pytest.mark.oracle
@pytest.mark.parametrize("name", SHIPPED)
def test_logits_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    import torch
    from logits import relative
    from transformers import AutoModelForCausalLM

    from galop.recipes.mini import tokenizer
    from galop.recipes.mini.export import restore

    path = store.locate(name).path
    assert path
    restore(path, name.split(":")[1], tmp_path / "checkpoint")
    oracle = AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoint", dtype=torch.float32).eval()
    for problem in (*held_out(2, "formula"), *held_out(2, "multiply")):
        ids = tokenizer.encode(tokenizer.prompt(problem.question))
        with torch.no_grad():
            expected = oracle(torch.tensor([ids])).logits[0].numpy()
        with load(name, context=512) as model:
            assert relative(model.logits(ids), expected) < 0.08
            assert (model.logits(ids).argmax(-1) == expected.argmax(-1)).mean() > 0.9
