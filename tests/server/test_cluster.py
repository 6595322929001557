"""Replicas on a cluster of two nodes behind the same door: the same bytes as one machine, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import openai
import pytest
from ray_cluster import OLDER, WITHOUT, Cluster, free_port, ollama_store, ray_cluster
from serving import Running, ask, run_galop, serving
from waiting import wait_for

from galop.machine import cache_directory, data_directory

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]  # Ray's own processes are slow on a busy machine
MODEL = "qwen3-mini:1.2m"
SMALLEST = "qwen3-mini:0.4m"
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head and a second node, each with room for one replica and a little."""
    with ray_cluster(2, 2) as running:
        yield running


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(MODEL, home=tmp_path_factory.mktemp("alone")) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("cluster")
    with serving(MODEL, "--ray", cluster.address, "--replicas", "2", "--cpus", "1.5", home=home) as running:
        yield running


def question(number: int, tokens: int = 60, **more: Any) -> dict[str, Any]:
    asked = f"Compute {number} * {number + 7} + {3 * number}, step by step."
    return {"messages": [{"role": "user", "content": asked}], "seed": number, "temperature": 0.7,
            "max_tokens": tokens, **more}  # fmt: skip


TOOL = {"type": "function", "function": {"name": "add", "parameters": {
    "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}}}  # fmt: skip
FORM = {"type": "json_schema", "json_schema": {"name": "sum", "schema": {
    "type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"], "additionalProperties": False}}}  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {}, {"n": 3}, {"response_format": FORM}, {"tools": [TOOL], "tool_choice": "required"}, {"stop": ["="]},
        {"logprobs": True, "top_logprobs": 3}, {"reasoning_effort": "none"}, {"thinking_budget": 5},
        {"logit_bias": {"20": -100}}, {"guided_regex": "[0-9]{3}"}, {"max_tokens": 1},
    ],
)  # fmt: skip
def test_an_answer_is_that_of_one_machine(server: Running, alone: Running, more: dict[str, Any]) -> None:
    for number in range(3):
        here, there = (ask(running, CHAT, question(number) | more)["choices"] for running in (alone, server))
        for choice in (*here, *there):
            for call in choice["message"].get("tool_calls") or ():
                call.pop("id")  # which is random
        assert here == there


def test_other_dialects_and_embeddings(server: Running, alone: Running) -> None:
    prompt = {"prompt": "12 + 5 =", "max_tokens": 12, "temperature": 0, "echo": True, "logprobs": 2}
    texts = {"input": ["one text", "another text"]}
    for running in (server, alone):
        ask(running, "/v1/embeddings", texts)
    assert ask(server, "/v1/completions", prompt)["choices"] == ask(alone, "/v1/completions", prompt)["choices"]
    assert ask(server, "/v1/embeddings", texts)["data"] == ask(alone, "/v1/embeddings", texts)["data"]
    message = {"model": MODEL, "max_tokens": 30, "temperature": 0, "messages": [{"role": "user", "content": "7 * 8"}]}
    assert ask(server, "/v1/messages", message)["content"] == ask(alone, "/v1/messages", message)["content"]
    chat = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": "7 * 8"}], "options": {"seed": 1}}
    assert ask(server, "/api/chat", chat)["message"] == ask(alone, "/api/chat", chat)["message"]


def test_what_is_refused_is_refused_alike(server: Running, alone: Running) -> None:
    long = question(1) | {"messages": [{"role": "user", "content": "7 " * 20_000}]}
    bad = question(1) | {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": 3}}}
    }
    for body in (long, bad, question(1, temperature=9), question(1, model="nowhere")):
        there, here = server.post(CHAT, body), alone.post(CHAT, body)
        assert there.status_code == here.status_code >= 400
        assert there.json()["error"]["code"] == here.json()["error"]["code"]


def test_a_second_turn_goes_where_the_first_was_read(server: Running, alone: Running) -> None:
    def talk(number: int) -> tuple[list[int], list[str], list[str]]:
        told = {}
        for running in (alone, server):
            messages: list[dict[str, str]] = []
            cached, texts = [], []
            for turn in range(5):
                asked = f"{number} and {turn}: " + "what is the sum of these two numbers, and why is it? " * 4
                messages.append({"role": "user", "content": asked})
                reply = ask(running, CHAT, {"messages": messages, "temperature": 0, "max_tokens": 24})
                texts.append(reply["choices"][0]["message"]["content"])
                cached.append(reply["usage"]["prompt_tokens_details"]["cached_tokens"])
                messages.append({"role": "assistant", "content": texts[-1]})
            told[running.url] = cached, texts
        return told[server.url][0], told[server.url][1], told[alone.url][1]

    with ThreadPoolExecutor(8) as many:
        talks = list(many.map(talk, range(40)))
    assert all(there == here for _, there, here in talks)
    later = [cached for cached, _, _ in talks for cached in cached[1:]]
    assert sum(cached > 32 for cached in later) >= 0.95 * len(later), talks[:3]


def stream(running: Running, number: int, begun: Callable[[], object] = lambda: None) -> str:
    """The text of a streamed answer; `begun` is called with its first piece."""
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0, timeout=900) as client:
        body = question(number, 400)
        chunks = client.chat.completions.create(model=MODEL, stream=True, extra_body={"ignore_eos": True}, **body)
        text = ""
        for chunk in chunks:
            begun()
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        return text


def test_both_nodes_answer(server: Running, cluster: Cluster) -> None:
    wait_for(lambda: len(cluster.replicas()) == 2, "the second replica")
    assert all(len(node.replicas()) == 1 for node in cluster.nodes)


def test_when_a_replica_dies_no_stream_does(server: Running, alone: Running, cluster: Cluster) -> None:
    numbers = range(24)
    with ThreadPoolExecutor(len(numbers)) as many:
        expected = list(many.map(lambda number: stream(alone, number), numbers))
        streams = [many.submit(stream, server, number) for number in numbers]
        wait_for(lambda: server.metric("generation_tokens_total") > 0 or any(s.done() for s in streams), "tokens")
        victim = min(cluster.replicas())
        os.kill(victim, signal.SIGKILL)
        assert [future.result() for future in streams] == expected
    assert ask(server, CHAT, question(99))["choices"] == ask(alone, CHAT, question(99))["choices"]
    wait_for(lambda: len(cluster.replicas()) == 2 and victim not in cluster.replicas(), "another replica")


def test_a_server_is_renewed_without_a_lost_stream(cluster: Cluster, alone: Running, tmp_path: Path) -> None:
    """A second one beside it, with replicas of its own, is ready before the first is told to end."""
    asked = MODEL, "--ray", cluster.address, "--replicas", "2", "--cpus", "0.2", "--drain", "900"
    numbers, begun = range(16), set[int]()
    with ThreadPoolExecutor(len(numbers)) as many, serving(*asked, home=tmp_path / "old") as old:
        expected = list(many.map(lambda number: stream(alone, number), numbers))
        with serving(*asked, home=tmp_path / "new") as new:
            streams = [many.submit(stream, old, n, lambda n=n: begun.add(n)) for n in numbers]  # type: ignore[misc]
            wait_for(lambda: len(begun) == len(numbers), "the beginning of all streams", 900)
            assert old.stop(seconds=900) == 0
            assert ask(new, CHAT, question(99))["choices"] == ask(alone, CHAT, question(99))["choices"]
            assert [future.result() for future in streams] == expected


def test_a_client_that_goes_leaves_nothing_running(server: Running) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        chunks = client.chat.completions.create(
            model=MODEL, stream=True, extra_body={"ignore_eos": True}, **question(5, 4000)
        )
        next(iter(chunks))
        chunks.close()
    wait_for(lambda: server.metric("num_requests_running") == 0, "the end of what nobody reads")


def test_keys_hold_over_all_replicas(cluster: Cluster, tmp_path: Path) -> None:
    key = run_galop(tmp_path, "keys", "add", "bob", "--tokens-per-minute", "100").stdout.strip()
    options = "--ray", cluster.address, "--replicas", "2", "--cpus", "0.1"
    with serving(SMALLEST, *options, home=tmp_path) as running:
        assert running.post(CHAT, question(1)).status_code == 401
        headers = {"authorization": f"Bearer {key}"}
        counts = Counter(running.post(CHAT, question(1), headers=headers).status_code for _ in range(6))
        assert counts[200] >= 1 and counts[429] >= 1 and set(counts) == {200, 429}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_replicas_end_with_their_server(cluster: Cluster, tmp_path: Path, how: int) -> None:
    before = cluster.replicas()
    options = "--ray", cluster.address, "--replicas", "1", "--cpus", "0.1"
    with serving(SMALLEST, *options, home=tmp_path) as running:
        assert len(cluster.replicas() - before) == 1
        assert running.stop(how) == (-how if how == signal.SIGKILL else 0)
    wait_for(lambda: not cluster.replicas() - before, "the end of its replica")


def refused(home: Path, *args: str) -> str:
    """What a command says that ends with one sentence and exit code 1."""
    result = run_galop(home, *args)
    assert result.returncode == 1, result
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr, result.stderr
    return result.stderr


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """The address of a server that says the same to all who connect, and is no cluster."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].sendall(answer)

        threading.Thread(target=reply, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    ask = "serve", MODEL, "--port", "0", "--ray"
    told = refused(tmp_path, *ask, nowhere)
    assert nowhere in told and "ray start --head" in told
    assert "HOST:PORT" in refused(tmp_path, *ask, "ray://127.0.0.1:10001")
    for answer in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        with listening(answer) as address:
            assert f"{address} is no Ray cluster" in refused(tmp_path, *ask, address)
    for wrong in ("0", "3-2", "many", "1-"):
        result = run_galop(tmp_path, *ask, nowhere, "--replicas", wrong)
        assert result.returncode == 2 and "--replicas" in result.stderr


def test_without_ray_a_model_is_served_and_a_cluster_refused(tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "__init__.py").write_text("raise ImportError('no module named ray', name='ray')")
    env = {"PYTHONPATH": str(tmp_path)}
    with serving(SMALLEST, home=tmp_path, env=env) as running:
        assert running.post(CHAT, question(1)).status_code == 200
    command = [sys.executable, "-m", "galop", "serve", SMALLEST, "--ray", "auto"]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, timeout=60)
    assert result.returncode == 2 and "pip install 'galop[ray]'" in result.stderr and "Traceback" not in result.stderr


def test_a_cluster_without_room_says_so(cluster: Cluster, server: Running, tmp_path: Path) -> None:
    asked = "serve", SMALLEST, "--ray", cluster.address, "--port", "0", "--cpus"
    assert "no node of the cluster has more than 2" in refused(tmp_path, *asked, "8")
    before = cluster.replicas()
    with subprocess.Popen([sys.executable, "-m", "galop", *asked, "1"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any("no room yet" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert "Traceback" not in rest and rest.count("\n") <= 1, rest
        assert process.wait(60) != 0
    wait_for(lambda: cluster.replicas() == before, "the end of what was started")


def test_a_cluster_of_this_machine_alone_ends_with_its_command(tmp_path: Path) -> None:
    """And leaves no token in the home, for which the next cluster on this machine would ask."""
    asked, out = tmp_path / "in", tmp_path / "out"
    asked.write_text(json.dumps({"custom_id": "1", "url": CHAT, "body": question(1, 9)}) + "\n")
    folders = {"XDG_CACHE_HOME": str(cache_directory().parent), "XDG_DATA_HOME": str(data_directory().parent)}
    command = [sys.executable, "-m", "galop", "batch", str(asked), str(out), "--model", SMALLEST, "--ray", "local"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **folders, "HOME": str(tmp_path)})
    assert done.returncode == 0 and len(out.read_text().splitlines()) == 1, done.stderr
    assert not (tmp_path / ".ray").exists()


def tell_versions(address: str, **versions: str) -> None:
    """Has a cluster say that it was started with these versions."""
    script = """
import json, sys
from ray._common.usage.usage_constants import CLUSTER_METADATA_KEY
from ray._raylet import GcsClient
cluster = GcsClient(address=sys.argv[1])
told = json.loads(cluster.internal_kv_get(CLUSTER_METADATA_KEY, b"cluster"))
cluster.internal_kv_put(CLUSTER_METADATA_KEY, json.dumps(told | json.loads(sys.argv[2])).encode(), True, b"cluster")
"""
    subprocess.run([sys.executable, "-c", script, address, json.dumps(versions)], check=True, timeout=60)


def test_nodes_that_cannot_have_a_replica(tmp_path: Path) -> None:
    for name, text in ("older", OLDER), ("without", WITHOUT):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sitecustomize.py").write_text(text)
    mine = ollama_store(tmp_path / "mine", SMALLEST)
    faults = [
        ({"PYTHONPATH": str(tmp_path / "older")}, "has Galop 0.0.1 and this machine"),
        ({"PYTHONPATH": str(tmp_path / "without")}, "where its Ray runs; install it there"),
        ({"OLLAMA_MODELS": str(tmp_path)}, "has no ollama:mine"),
        (ollama_store(tmp_path / "another", MODEL), "has another model under the name ollama:mine"),
    ]
    with ray_cluster(0) as cluster, pytest.MonkeyPatch.context() as here:
        here.setenv("OLLAMA_MODELS", mine["OLLAMA_MODELS"])
        asked = "serve", "ollama:mine", "--port", "0", "--ray", cluster.address, "--cpus", "1"
        assert "no node of the cluster has more than 0" in refused(tmp_path, *asked)
        for env, fault in faults:
            node = cluster.add(1, env)
            assert fault in refused(tmp_path, *asked)
            node.close()
        cluster.add(1, mine)
        assert "needs at least" in refused(tmp_path, *asked, "--memory", "1MiB")
        tell_versions(cluster.address, ray_version="2.1.0", python_version="3.8.1")
        told = refused(tmp_path, *asked)
        assert "runs Ray 2.1.0 with Python 3.8.1, and this machine Ray" in told


def test_a_batch_on_a_cluster_that_loses_a_node_and_its_driver_answers_every_row_once(tmp_path: Path) -> None:
    rows = [{"custom_id": f"{i}", "url": CHAT, "body": question(i, 24) | {"ignore_eos": True}} for i in range(2000)]
    asked, out, part = tmp_path / "in", tmp_path / "out", tmp_path / "out.part"
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    galop = sys.executable, "-m", "galop", "batch", str(asked)

    def answered() -> int:
        return part.read_bytes().count(b"\n") if part.exists() else 0

    with ray_cluster(1, 1) as cluster:
        command = [*galop, str(out), "--model", SMALLEST, "--ray", cluster.address, "--replicas", "2", "--cpus", "1"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as driver:
            wait_for(lambda: answered() >= len(rows) / 2, "half of the answers", 600)
            cluster.nodes[1].kill()
            wait_for(lambda: answered() >= 0.6 * len(rows), "more answers", 600)
            driver.kill()
        assert part.exists() and answered() < len(rows)
        again = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        assert again.returncode == 0, again.stderr
        wait_for(lambda: not cluster.replicas(), "the end of all replicas")
    alone = [*galop, str(tmp_path / "alone"), "--model", SMALLEST]
    assert subprocess.run(alone, stderr=subprocess.DEVNULL).returncode == 0

    def texts(path: Path) -> list[Any]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["custom_id"] for line in lines] == [row["custom_id"] for row in rows]
        return [line["response"]["body"]["choices"] for line in lines]

    assert texts(out) == texts(tmp_path / "alone") and len(texts(out)) == len(rows)
