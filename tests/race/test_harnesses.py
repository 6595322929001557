"""Tasks of inspect-ai and of lm-evaluation-harness on Galop's models, with the real packages."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from serving import folders_in, serving

from galop.backends.local import Model
from galop.race.record import Record

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

@task
def capitals():
    asked = [("France", "Paris"), ("Italy", "Rome"), ("Japan", "Tokyo"), ("Peru", "Lima")]
    samples = [Sample(id=c, input=f"What is the capital of {c}? One word.", target=t) for c, t in asked]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "task.py"
    path.write_text(TASK)
    return path


def run(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **folders_in(home)}
    return subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True, env=env, timeout=300, cwd=home)


def test_an_inspect_task_as_a_set(tmp_path: Path, task: Path, smollm_path: Path) -> None:
    args = (
        "galop",
        "race",
        "smollm2:135m",
        "--on",
        f"inspect:{task}@capitals",
        "--out",
        str(tmp_path / "race"),
        "--json",
    )
    done = run(tmp_path, *args)
    assert done.returncode == 0 and "leaked" not in done.stderr, done.stderr
    [lane] = json.loads(done.stdout)["lanes"]
    assert lane["answered"] == 4 and lane["accuracy"]["estimate"] >= 0.75 and lane["rate"] > 1
    record = Record.load(tmp_path / "race")
    assert all(
        line["right"] == (q.answer in line["text"])
        for q in record.questions
        for line in [record.contenders[0].answers[q.id]]
    )
    assert list((tmp_path / "race" / "inspect-1").glob("*.eval"))
    again = run(tmp_path, *args)  # nothing is left to ask
    assert json.loads(again.stdout) == json.loads(done.stdout)
    refused = run(tmp_path, "galop", "race", "smollm2:135m@tools", "--on", f"inspect:{task}@capitals")
    assert refused.returncode == 1 and "brings its own tools" in refused.stderr
    nothing = run(tmp_path, "galop", "race", "smollm2:135m", "--on", "inspect:absent.py")
    assert nothing.returncode == 2 and "Traceback" not in nothing.stderr


def test_inspect_runs_a_galop_model(tmp_path: Path, task: Path, smollm_path: Path) -> None:
    ran = run(tmp_path, "inspect_ai", "eval", task.name, "--model", "galop/smollm2:135m", "--display", "plain")
    assert ran.returncode == 0 and "includes" in ran.stdout and "leaked" not in ran.stderr, ran.stdout + ran.stderr
    from inspect_ai.log import list_eval_logs, read_eval_log

    log = read_eval_log(list_eval_logs(str(tmp_path / "logs"))[0])
    assert log.status == "success" and log.samples and all(s.output.usage.output_tokens > 0 for s in log.samples)


def test_lm_eval_runs_a_galop_model(tmp_path: Path, smollm: Model) -> None:
    """A multiple choice by log-likelihood and a generated answer, from a file."""
    os.environ["HF_DATASETS_CACHE"] = str(tmp_path / "datasets")
    import lm_eval
    from lm_eval.tasks import TaskManager

    from galop.race.lm_eval_model import GalopLM

    rows = [("The capital of France is", ["Paris", "seven", "bread"]), ("Two plus two is", ["four", "Madrid", "green"])]
    data = tmp_path / "data.json"
    data.write_text("\n".join(json.dumps({"q": q, "choices": c, "a": 0}) for q, c in rows))
    (tmp_path / "choice.yaml").write_text(f"""
task: choice
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{q}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: a
""")
    (tmp_path / "write.yaml").write_text(f"""
task: write
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{q}}}}"
doc_to_target: "{{{{choices[0]}}}}"
generation_kwargs: {{until: ["."], max_gen_toks: 12}}
metric_list: [{{metric: exact_match}}]
""")
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    found = lm_eval.simple_evaluate(
        GalopLM(smollm), tasks=["choice", "write"], task_manager=manager, bootstrap_iters=0, log_samples=True
    )
    assert found and found["results"]["choice"]["acc,none"] == 1.0
    assert all(len(s["resps"][0][0]) > 2 for s in found["samples"]["write"])
    likelihood, greedy = GalopLM(smollm).loglikelihood([Asked(("The capital of France is", " Paris"))])[0]
    ids = smollm.tokenizer.encode("The capital of France is Paris")
    rows_of = smollm.logits(ids[:-1]).astype(np.float64)[-1]
    expected = rows_of[ids[-1]] - rows_of.max() - math.log(np.exp(rows_of - rows_of.max()).sum())
    assert likelihood == pytest.approx(expected, abs=1e-6) and greedy == (rows_of.argmax() == ids[-1])


class Asked:
    """What the harness hands over, in as much as it is read."""

    def __init__(self, args: tuple[str, str]) -> None:
        self.args = args


@pytest.mark.oracle
def test_log_likelihoods_through_the_server_are_the_models_own(tmp_path: Path, smollm: Model) -> None:
    """As lm-eval's `local-completions` asks for them, one at a time and several at once."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    from galop.race.lm_eval_model import GalopLM

    described = Tokenizer.from_str(smollm.pack.tokenizer_json)
    PreTrainedTokenizerFast(tokenizer_object=described, eos_token="<|im_end|>").save_pretrained(tmp_path / "tokens")
    pairs = [("The capital of France is", " Paris"), ("The capital of France is", " Berlin"), ("2 + 2 =", " 4"),
             ("Water boils at", " 100 degrees Celsius"), ("na\u00efve caf\u00e9:", " d\u00e9j\u00e0 vu \U0001f40e")]  # fmt: skip
    asked = [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]
    direct = GalopLM(smollm).loglikelihood(asked)
    with serving("smollm2:135m", "--context", "1024", home=tmp_path) as server:
        for batch in (1, 4):
            api = LocalCompletionsAPI(
                model="smollm2:135m", base_url=f"{server.url}/v1/completions", tokenizer=str(tmp_path / "tokens"),
                tokenizer_backend="huggingface", batch_size=batch, max_length=1024,
            )  # fmt: skip
            told = api.loglikelihood(asked)
            assert [greedy for _, greedy in told] == [greedy for _, greedy in direct]
            assert np.allclose([score for score, _ in told], [score for score, _ in direct], atol=1e-3)
