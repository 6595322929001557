"""Races over the nodes of a Ray cluster: the answers of one machine, whoever dies, and what is wrong in a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ray_cluster import OLDER, WITHOUT, Cluster, Node, free_port, ollama_store, ray_cluster
from serving import folders_in
from waiting import wait_for

from galop.race.record import Record
from galop.race.summary import summary

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]  # Ray is slow on a busy machine
SMALLEST = "qwen3-mini:0.4m"
LANES = [SMALLEST, f"{SMALLEST}@vote:2"]


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "galop", "race", *args]


def race(home: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    folders = {**os.environ, **folders_in(home), **env}
    return subprocess.run(command(*args), capture_output=True, text=True, env=folders, timeout=500)


def answers(folder: Path) -> list[dict[str, Any]]:
    """All answers that are on the disk, each as often as it is there."""
    lines = [line for path in folder.glob("lane-*.jsonl") for line in path.read_bytes().splitlines(keepends=True)]
    found = [{**json.loads(line), "lane": 0} for line in lines if line.endswith(b"\n") and b'"setup"' not in line]
    return [line for line in found if "error" not in line]


def texts(folder: Path) -> list[dict[str, str]]:
    return [{id: line["text"] for id, line in lane.answers.items()} for lane in Record.load(folder).contenders]


def test_a_race_that_loses_a_node_and_its_driver_is_that_of_one_machine(tmp_path: Path) -> None:
    out, alone = tmp_path / "nodes", tmp_path / "alone"
    questions = "--on", "reasoning", "--limit", "60", "--together", "4"
    env = {**os.environ, **folders_in(tmp_path)}
    with ray_cluster(1, 1) as cluster:
        asked = [*LANES, *questions, "--out", str(out), "--ray", cluster.address]
        with subprocess.Popen(command(*asked), env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as driver:

            def both_answer() -> bool:
                nodes = Counter(line["node"] for line in answers(out))
                assert driver.poll() is None
                return len(nodes) == 2 and min(nodes.values()) >= 2

            wait_for(both_answer, "answers of both nodes", 300)
            cluster.nodes[1].kill()
            before = len(answers(out))
            wait_for(lambda: len(answers(out)) > before + 4, "answers after the loss of a node", 300)
            driver.send_signal(signal.SIGKILL)
        kept = {(line["id"], line["begun"]) for line in answers(out)}
        done = race(tmp_path, *asked, "--json")
        assert done.returncode == 0 and "going on with" in done.stderr, done.stderr
    assert race(tmp_path, *LANES, *questions, "--out", str(alone)).returncode == 0
    assert texts(out) == texts(alone)
    found = answers(out)
    assert len(found) == 120 and kept <= {(line["id"], line["begun"]) for line in found}
    told = json.loads(done.stdout)
    assert [lane["answered"] for lane in told["lanes"]] == [60, 60]
    nodes = {row["node"]: sum(row["answers"]) for row in told["machines"]}
    assert len(nodes) >= 2 and sum(nodes.values()) == 120
    assert all(row["bandwidth"] > 0 and row["threads"] == 1 and row["processor"] for row in told["machines"])
    page = (out / "report.html").read_text()
    assert "Who answered where" in page and all(node in page for node in nodes)


def test_lanes_that_are_timed_stay_on_one_of_two_nodes_of_a_machine(tmp_path: Path) -> None:
    with ray_cluster(1, 1) as cluster:
        out = tmp_path / "timed"
        asked = [*LANES, "--on", "reasoning", "--limit", "4", "--out", str(out), "--ray", cluster.address]
        done = race(tmp_path, *asked)
        assert done.returncode == 0 and "on the same machine as another" in done.stderr, done.stderr
        found = summary(Record.load(out))
        assert len({line["node"] for line in answers(out)}) == 1 and found["turns"] and not found["unlike"]
        assert all(lane["seconds"] > 0 and lane["memory"] for lane in found["lanes"])


def test_ctrl_c_says_that_it_goes_on_and_leaves_nothing_running(tmp_path: Path) -> None:
    out = tmp_path / "stopped"
    with ray_cluster(1, 1) as cluster:
        asked = [*LANES, "--on", "reasoning", "--limit", "200", "--together", "4", "--out", str(out)]
        begun = [(out / "race.json").exists, lambda: len(answers(out)) >= 2, lambda: len(answers(out)) >= 20]
        for times, happened in zip((1, 1, 2), begun, strict=True):
            env = {**os.environ, **folders_in(tmp_path)}
            with subprocess.Popen(
                command(*asked, "--ray", cluster.address),
                env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            ) as process:  # fmt: skip
                wait_for(happened, "the beginning of the race", 300)
                for _ in range(times):
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.2)
                told = process.communicate(timeout=300)[1]
            assert "Traceback" not in told, told
            assert process.returncode in (130, -signal.SIGINT) and (times > 1 or "the same command goes on" in told)
            wait_for(lambda: not any("NodeActor" in args for args in cluster.processes()), "the end of all lanes")


def refused(home: Path, *args: str, **env: str) -> str:
    """What a race says that ends with one sentence before any lane starts."""
    done = race(home, *args, **env)
    assert done.returncode in (1, 2), done
    told = [line for line in done.stderr.splitlines() if not line.startswith("going on with ")]
    assert len(told) == 1 and "Traceback" not in done.stderr, done.stderr
    return told[0]


def test_nodes_that_can_ask_nothing(tmp_path: Path) -> None:
    for name, text in ("older", OLDER), ("without", WITHOUT):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sitecustomize.py").write_text(text)
    mine = ollama_store(tmp_path / "mine", SMALLEST)
    nowhere = f"127.0.0.1:{free_port()}"
    short = "--on", "reasoning", "--limit", "4", "--together", "2"
    told = refused(tmp_path, SMALLEST, *short, "--ray", nowhere)
    assert nowhere in told and "ray start --head" in told
    assert "leave out --ray" in refused(tmp_path, SMALLEST, "--on", "inspect:x.py@y", "--ray", nowhere)
    with ray_cluster(0) as cluster:
        asked = "galop:ollama:mine", *short, "--ray", cluster.address
        assert "no node of the cluster has a processor" in refused(tmp_path, *asked, **mine)
        for env, fault in (
            ({"PYTHONPATH": str(tmp_path / "older")}, "has Galop 0.0.1 and this machine"),
            ({"PYTHONPATH": str(tmp_path / "without")}, "where its Ray runs; install it there"),
            ({"OLLAMA_MODELS": str(tmp_path)}, "has no ollama:mine; run there: galop pull ollama:mine"),
        ):
            node = cluster.add(1, env)
            assert fault in refused(tmp_path, *asked, **mine)
            node.close()
        good = add_nodes(cluster, {"OLLAMA_MODELS": str(tmp_path)}, mine)
        done = race(tmp_path, *asked, "--out", str(tmp_path / "one"), **mine)
        assert done.returncode == 0 and "has no ollama:mine" in done.stderr, done.stderr
        assert "the race goes on with the others" in done.stderr and len(answers(tmp_path / "one")) == 4
        good[0].close()


def add_nodes(cluster: Cluster, *env: dict[str, str]) -> list[Node]:
    return [cluster.add(1, variables) for variables in env]
