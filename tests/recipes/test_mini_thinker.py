"""A small model learns from what a larger one thinks on a cluster: the same thoughts as on one machine, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from ray_cluster import ray_cluster
from serving import serving
from waiting import wait_for

from galop.recipes.mini import tokenizer
from galop.recipes.mini.tasks import LEVELS, correct, draw

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]


def test_thoughts_of_a_cluster_are_those_of_one_machine(tmp_path: Path) -> None:
    """A node is killed while they are written, then the command, which is called again."""
    from galop.recipes.mini.model import SIZES, Mini, save_model

    pupil = tmp_path / "0.4m-0"
    save_model(Mini(SIZES["0.4m"], 0), pupil / "pretrain" / "model")
    begun = [sys.executable, "-m", "galop", "train", "mini", "--stage", "imitate", "--out", str(tmp_path)]

    def written() -> int:
        return sum(path.read_bytes().count(b"\n") for path in tmp_path.glob("11m-shipped-*/kept-*.part"))

    def kept() -> list[list[str]]:
        right: list[list[str]] = [
            pair
            for path in tmp_path.glob("11m-shipped-*/kept-*.json")
            for pair in json.loads(path.read_text())["right"]
        ]
        return right

    with ray_cluster(1, 1) as cluster:
        command = [*begun, "--ray", cluster.address, "--replicas", "2", "--cpus", "1"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
            wait_for(lambda: len(cluster.replicas()) == 2 and written() >= 20, "the first thoughts", 600)
            cluster.nodes[1].kill()
            known = written()
            wait_for(lambda: kept() or written() >= known + 150, "thoughts after the loss of a node", 600)
            first.kill()
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as second:
            wait_for(kept, "the right thoughts of the first round", 600)
            second.send_signal(signal.SIGINT)
            _, told = second.communicate(timeout=600)
        assert second.returncode == 130 and "goes on from there" in told and "Traceback" not in told
        wait_for(lambda: not cluster.replicas(), "the end of all replicas")
    assert not list(tmp_path.glob("11m-shipped-*/*.jsonl*"))

    random = Random("keep 0 0")
    problems = [draw(random, tasks=tuple(LEVELS)) for _ in range(96)]
    with serving("qwen3-mini:11m", home=tmp_path / "alone") as alone, ThreadPoolExecutor(32) as many:

        def think(number: int) -> str:
            prompt = tokenizer.prompt(problems[number].question)
            asked = {"prompt": prompt, "temperature": 0.8, "seed": number, "max_tokens": 448}
            (choice,) = alone.post("/v1/completions", asked).json()["choices"]
            return str(choice["text"])

        thoughts = list(many.map(think, range(len(problems))))
    expected = [
        [problem.question, f"{thought}<|im_end|>"]
        for problem, thought in zip(problems, thoughts, strict=True)
        if correct(problem, thought.rpartition("</think>")[2])
    ]
    assert len(expected) > 48 and kept()[: len(expected)] == expected


def test_what_no_thinker_writes_needs_no_cluster(tmp_path: Path) -> None:
    for words, told in (
        (["mini-vl"], "no model writes what mini-vl learns from"),
        (["mini", "--stage", "distil"], "--ray is for the stages fuse and imitate; leave it out for distil"),
    ):
        command = [sys.executable, "-m", "galop", "train", *words, "--out", str(tmp_path), "--ray", "127.0.0.1:1"]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
        assert done.returncode == 2 and told in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
