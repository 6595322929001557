"""Pictures that are shown to replicas on a cluster: the same bytes as on one machine, whoever dies."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from drawn import encoded, noise, number
from mmproj import write_apart
from ray_cluster import Cluster, ray_cluster
from safetensors.numpy import load_file, save_file
from serving import Running, ask, run_galop, serving
from tiny_eyes import write_eyes
from waiting import wait_for

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]
REVISION = "0" * 40
CHAT = "/v1/chat/completions"
MODEL = "qwen3-mini-vl"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(2, 2) as running:
        yield running


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, whose answers go on until they are stopped."""
    return write_eyes(tmp_path_factory.mktemp("model") / "eyes")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, eyes: Path) -> Iterator[Running]:
    with serving(str(eyes), MODEL, home=tmp_path_factory.mktemp("alone")) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, eyes: Path, cluster: Cluster) -> Iterator[Running]:
    options = "--ray", cluster.address, "--replicas", "2", "--cpus", "0.9"
    with serving(str(eyes), MODEL, *options, home=tmp_path_factory.mktemp("cluster")) as running:
        yield running


def picture(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(data).decode()}"}}


def question(*parts: Any, tokens: int = 30, **more: Any) -> dict[str, Any]:
    content = [*parts, {"type": "text", "text": "What number is this?"}]
    return {"messages": [{"role": "user", "content": content}], "temperature": 0.7, "seed": 1, "max_tokens": tokens,
            "ignore_eos": True, **more}  # fmt: skip


FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {
    "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}}}  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"temperature": 0}, {"n": 2}, {"response_format": FORM, "ignore_eos": False}])
def test_an_answer_is_that_of_one_machine(server: Running, alone: Running, more: dict[str, Any]) -> None:
    for pictures in ([noise(60, 80)], [noise(64, 64), noise(40, 200)], [noise(900, 1300)]):
        asked = question(*(picture(encoded(one)) for one in pictures), **more)
        here, there = (ask(running, CHAT, asked) for running in (alone, server))
        assert here["choices"] == there["choices"]
        assert here["usage"]["prompt_tokens"] == there["usage"]["prompt_tokens"]


def test_numbers_are_read_and_asked_about_again(server: Running, cluster: Cluster) -> None:
    wait_for(lambda: len(cluster.replicas()) == 4, "all replicas")
    for digits in ("482", "36", "7"):
        asked = question(picture(encoded(number(digits))), temperature=0, model=MODEL, ignore_eos=False)
        first = ask(server, CHAT, asked)["choices"][0]["message"]
        assert first["content"] == digits
        more = [*asked["messages"], first, {"role": "user", "content": "Is it even or odd?"}]
        second = ask(server, CHAT, asked | {"messages": more})
        assert second["choices"][0]["message"]["content"] == ("odd" if digits == "7" else "even")
        assert second["usage"]["prompt_tokens_details"]["cached_tokens"] >= 32
    wait_for(lambda: server.metric("pictures_seen_total") >= 3, "the count of what was seen")


def test_when_a_replica_dies_what_is_shown_to_it_is_shown_to_another(
    server: Running, alone: Running, cluster: Cluster
) -> None:
    asked = [question(picture(encoded(noise(60, 60 + 4 * i))), tokens=300, seed=i) for i in range(12)]
    with ThreadPoolExecutor(len(asked)) as many:
        expected = [reply["choices"] for reply in many.map(lambda body: ask(alone, CHAT, body), asked)]
        before = server.metric("prompt_tokens_total")
        answers = [many.submit(ask, server, CHAT, body) for body in asked]
        wait_for(
            lambda: server.metric("prompt_tokens_total") > before or any(a.done() for a in answers), "what is read"
        )
        for victim in sorted(cluster.replicas())[:2]:
            os.kill(victim, signal.SIGKILL)
        assert [answer.result()["choices"] for answer in answers] == expected


def test_a_batch_of_pictures(cluster: Cluster, alone: Running, tmp_path: Path) -> None:
    bodies = [question(picture(encoded(noise(40, 40 + i))), model=MODEL, seed=i) for i in range(24)]
    rows = [{"custom_id": f"{i}", "url": CHAT, "body": body} for i, body in enumerate(bodies)]
    (tmp_path / "in").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "galop", "batch", str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--ray", cluster.address, "--replicas", "2", "--cpus", "0.1"], stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line)["response"]["body"]["choices"] for line in (tmp_path / "out").read_text().splitlines()]
    assert answers == [ask(alone, CHAT, body)["choices"] for body in bodies]


def test_what_cannot_be_looked_at_is_refused_alike(server: Running, alone: Running) -> None:
    half = encoded(noise(60, 80))[:300]
    for body in (
        question(picture(half)), question(picture(b"<svg/>")), question(*[picture(encoded(noise(60, 80)))] * 300),
        question(picture(encoded(noise(1, 4000)))), question({"type": "image_url", "image_url": {"url": "http://x/y"}}),
    ):  # fmt: skip
        here, there = (running.post(CHAT, body) for running in (alone, server))
        assert here.status_code == there.status_code
        assert here.status_code == 200 or here.json()["error"]["message"] == there.json()["error"]["message"]


def test_a_tower_in_a_file_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    text, tower = write_apart(tmp_path)
    options = "--ray", cluster.address, "--cpus", "0.1"
    asked = question(picture(encoded(noise(60, 80))))
    with serving(str(text), "--mmproj", str(tower), home=tmp_path / "alone") as alone:
        expected = ask(alone, CHAT, asked)
    with serving(str(text), "--mmproj", str(tower), *options, home=tmp_path / "cluster") as running:
        answer = ask(running, CHAT, asked)
    assert answer["choices"] == expected["choices"] and answer["usage"]["prompt_tokens"] > 16


def hub(folder: Path, eyes: Path) -> Path:
    """What HF_HOME is to name for `mine/eyes` to be that model; its snapshot is there to be changed."""
    repository = folder / "hub" / "models--mine--eyes"
    shutil.copytree(eyes, repository / "snapshots" / REVISION)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    return folder


def test_a_node_with_another_tower_is_named(eyes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(hub(tmp_path / "mine", eyes)))
    other = hub(tmp_path / "another", eyes)
    (weights,) = other.rglob("model.safetensors")
    tensors = load_file(weights)
    name = next(name for name in tensors if "visual" in name and name.endswith("qkv.weight"))
    save_file(tensors | {name: -tensors[name]}, weights)
    with ray_cluster(0) as cluster:
        cluster.add(1, {"HF_HOME": str(other)})
        done = run_galop(tmp_path, "serve", "mine/eyes", "--port", "0", "--ray", cluster.address, "--cpus", "1")
        assert done.returncode and "has another model under the name mine/eyes" in done.stderr
