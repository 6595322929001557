"""The mini family's recipe with torch: the same numbers everywhere, the same result after a kill, clear refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from logits import relative

from galop.backends.events import Text
from galop.backends.load import load
from galop.engine.sampling import Sampling
from galop.errors import GalopError
from galop.models.from_file import open_checkpoint
from galop.ops.reference import Batch, Cache, Reference
from galop.recipes.mini import tokenizer
from galop.recipes.mini.tasks import correct, draw

pytestmark = pytest.mark.oracle
SIZES = ["0.4m", "1.2m", "3.5m", "11m", "moe"]


def question(task: str = "multiply") -> list[int]:
    return tokenizer.encode(tokenizer.prompt(draw(Random(1), task=task).question))


@pytest.mark.parametrize("size", SIZES)
def test_a_checkpoint_is_a_qwen3_to_transformers_and_galop(size: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from galop.recipes.mini import model as mini
    from galop.recipes.mini.export import export

    ours = mini.Mini(mini.SIZES[size], seed=3).eval()
    mini.save_model(ours, tmp_path / "m")
    ids = question("formula")
    with torch.no_grad():
        expected = ours.logits(ours(torch.tensor([ids])))[0].numpy()
        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "m").eval()(torch.tensor([ids])).logits[0].numpy()
    assert relative(theirs, expected) < 1e-4
    hub = AutoTokenizer.from_pretrained(tmp_path / "m")
    messages = [{"role": "user", "content": "What is 4738*2916?"}]
    rendered = hub.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert rendered == tokenizer.prompt("What is 4738*2916?")
    assert hub(rendered, add_special_tokens=False)["input_ids"] == tokenizer.encode(rendered)
    export(tmp_path / "m", tmp_path / "m.gguf", f"mini {size}")
    for path, limit in ((tmp_path / "m", 1e-4), (tmp_path / "m.gguf", 2e-2)):
        with load(str(path), context=256) as engine:
            checkpoint = open_checkpoint(path)
            reference = Reference(engine.plan, lambda name, c=checkpoint: c.tensors[name].array())  # type: ignore[misc]
            assert engine.tokenizer.encode_control(rendered) == tokenizer.encode(rendered)
            assert relative(reference_logits(reference, ids), expected) < limit
            assert relative(engine.logits(ids), expected) < 0.08


def reference_logits(reference: Any, ids: list[int]) -> np.ndarray:
    at = np.arange(len(ids))
    result: np.ndarray = reference.forward(Batch(np.array(ids), at, at * 0, at, Cache()))
    return result


def test_batched_sampling_draws_what_one_pass_says() -> None:
    import torch

    from galop.recipes.mini.model import SIZES as SHAPES
    from galop.recipes.mini.model import Mini
    from galop.recipes.mini.sample import sample

    model = Mini(SHAPES["0.4m"], seed=1)
    prompts = [question(task) for task in ("add", "formula", "convert")]
    for prompt, reply in zip(prompts, sample(model, prompts, longest=24), strict=True):
        with torch.no_grad():
            likeliest = model.logits(model(torch.tensor([prompt + reply.ids])))[0].argmax(-1).tolist()
        assert likeliest[len(prompt) - 1 : -1] == reply.ids
    assert [r.ids for r in sample(model, prompts, 1.0, seed=5)] == [r.ids for r in sample(model, prompts, 1.0, seed=5)]


@pytest.mark.parametrize("budget", [0, 7])
def test_a_budget_closes_the_thinking(budget: int) -> None:
    from galop.recipes.mini.model import SIZES as SHAPES
    from galop.recipes.mini.model import Mini
    from galop.recipes.mini.sample import CLOSE, sample

    (reply,) = sample(Mini(SHAPES["0.4m"], seed=1), [question()], longest=40, budget=budget)
    closing = tokenizer.encode(CLOSE)
    assert reply.ids[2 + budget :][: len(closing)] == closing
    assert reply.drawn == [True] * (2 + budget) + [False] * len(closing) + [True] * (
        len(reply.ids) - 2 - budget - len(closing)
    )


RUN = """
import sys
from pathlib import Path
import torch
from galop.recipes.mini import stages, train
from galop.recipes.mini.model import SIZES, Mini
torch.set_num_threads(1)
train.SAVE_SECONDS = 0.2
what = {
    "pretrain": lambda: stages.learn_from_text(lambda random: stages.pretraining(random, ("add",)), "t", 256),
    "reinforce": lambda: stages.reinforcement(0, 32, ("add",)),
}[sys.argv[1]]()
settings = train.Settings(sys.argv[1], "0.4m", 0, int(sys.argv[3]), 256, 5e-3, "")
made = train.run_stage(settings, lambda: Mini(SIZES["0.4m"], 0), what, Path(sys.argv[2]), report=lambda r: print(r.step, flush=True))
print("made", made)
"""


def begin(stage: str, folder: Path, steps: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", RUN, stage, str(folder), str(steps)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("stage", "steps", "kills"), [("pretrain", 60, 4), ("reinforce", 6, 2)])
def test_killed_at_any_moment_it_comes_to_the_same(stage: str, steps: int, kills: int, tmp_path: Path) -> None:
    begin(stage, tmp_path / "whole", steps).communicate(timeout=200)
    random = Random(1)
    for _ in range(kills):
        process = begin(stage, tmp_path / "killed", steps)
        assert process.stdout
        process.stdout.readline()
        time.sleep(random.uniform(0.1, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    out, _ = begin(stage, tmp_path / "killed", steps).communicate(timeout=200)
    assert f"made {tmp_path / 'killed' / 'model'}" in out
    whole, killed = ((tmp_path / n / "model" / "model.safetensors").read_bytes() for n in ("whole", "killed"))
    assert whole == killed
    lines = [json.loads(line) for line in (tmp_path / "killed" / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, steps + 1))
    assert not list((tmp_path / "killed").glob("step-*")) and not list((tmp_path / "killed").glob("*incomplete*"))


def train(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "galop", "train", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False)


def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    for words, told in (
        (["maxi"], "no recipe 'maxi'"),
        (["mini", "--size", "7b"], "no size '7b'; these are: 0.4m"),
        (["mini", "--stage", "magic"], "no stage 'magic'; these are: all, pretrain"),
        (["mini", "--stage", "fuse"], "not on the way of 0.4m"),
        (["mini", "--stage", "refine"], "not on the way of 0.4m"),
        (["mini", "--quick", "--stage", "imitate"], "not on the way of 0.4m"),
        (["mini", "--stage", "distil"], "needs the stage imitate of 0.4m-0, which is not finished"),
        (["mini-vl", "--size", "1.2m"], "mini-vl comes in one size"),
        (["mini-vl", "--stage", "magic"], "no stage 'magic'; these are: all, see, settle, refine"),
        (["mini-vl", "--stage", "settle"], "needs a checkpoint of the stage see"),
    ):
        done = train(*words, *out)
        assert done.returncode and told in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_ctrl_c_keeps_what_was_learnt(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "galop", "train", "mini", "--quick", "--json", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    seen = json.loads(process.stdout.readline())["step"]
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=200)
    assert process.returncode == 130 and "goes on from there" in told and "Traceback" not in told
    last = json.loads(out.splitlines()[-2])["step"] if len(out.splitlines()) > 1 else seen
    assert (tmp_path / "0.4m-0-quick" / "pretrain" / f"step-{last:07}").is_dir()


def test_the_largest_is_refined_from_what_is_shipped(tmp_path: Path) -> None:
    """Where nothing was trained; a first step leaves it much as it was."""
    import torch

    from galop.recipes.mini.model import load_model

    done = train("mini", "--size", "11m", "--stage", "refine", "--minutes", "0.01", "--out", str(tmp_path))
    assert done.returncode == 0 and "the same command goes on from there" in done.stderr, done.stderr
    (step,) = (tmp_path / "11m-0" / "refine").glob("step-*")
    (whole,) = tmp_path.glob("11m-shipped-*/model")
    shipped, refined = (load_model(at).state_dict() for at in (whole, step))
    moved = [float((refined[name] - shipped[name]).norm() / shipped[name].norm()) for name in shipped]
    assert 0 < max(moved) < 0.1 and all(torch.isfinite(w).all() for w in refined.values())


def test_what_was_begun_otherwise_is_not_gone_on_with(tmp_path: Path) -> None:
    from galop.recipes.mini.train import Settings, agree

    agree(Settings("pretrain", "0.4m", 0, 10, 256, 1e-3, ""), tmp_path)
    with pytest.raises(GalopError, match=r"begun with steps 10; go on with the same"):
        agree(Settings("pretrain", "0.4m", 0, 11, 256, 1e-3, ""), tmp_path)


def test_foreign_and_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    from galop.recipes.mini.model import SIZES as SHAPES
    from galop.recipes.mini.model import Mini, load_model, save_model

    with pytest.raises(GalopError, match="there is no config.json here"):
        load_model(tmp_path)
    save_model(Mini(SHAPES["0.4m"]), tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for bad in (whole[:1000], whole[: len(whole) // 2], b"", b"x" * 5000):
        (tmp_path / "model.safetensors").write_bytes(bad)
        with pytest.raises(GalopError, match="does not hold this model"):
            load_model(tmp_path)
    whole_config = (tmp_path / "config.json").read_text()
    for bad_config in ("{}", "[]", "nonsense", '{"hidden_size": "x"}', whole_config.replace("512", "513")):
        (tmp_path / "config.json").write_text(bad_config)
        with pytest.raises(GalopError, match="not one of the mini family"):
            load_model(tmp_path)


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """The file size limit of the process stands for the disk: what was kept before is still there."""
    folder = tmp_path / "run"
    limited = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", limited + RUN, "pretrain", str(folder), "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode and "free some space and run it again to go on" in done.stderr
    assert not list(folder.glob("step-*")) and not (folder / "incomplete").exists()
    out, _ = begin("pretrain", folder, 60).communicate(timeout=200)
    assert "made" in out


def test_the_quick_recipe_learns_to_add(tmp_path: Path) -> None:
    """All stages from nothing, by the command a user gives, then asked by Galop's own engine."""
    from galop.recipes.mini.evaluate import problems

    done = train("mini", "--quick", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["stage"] for line in lines[:-1]} == {"pretrain", "cold-start", "reinforce", "fuse"}
    made = lines[-1]["checkpoint"]
    with load(made, context=256) as model:
        right = 0
        for problem in problems(40, tasks=("add",)):
            messages = [{"role": "user", "content": problem.question}]
            events = model.chat(messages, sampling=Sampling(), max_tokens=100)
            right += correct(problem, "".join(e.text for e in events if isinstance(e, Text) and not e.thinking))
    assert right >= 32
