"""Replicas on a cluster of two nodes behind the same door: the same bytes as one machine, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import Running, run_galop, serving
from waiting import wait_for

pytestmark = pytest.mark.ray
MODEL = "qwen3-mini:1.2m"
CHAT = "/v1/chat/completions"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ray_command(*args: str) -> None:
    command = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", *args]
    quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet, timeout=120)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A head and a second node, each with room for one replica and a little."""
    address = f"127.0.0.1:{free_port()}"
    shared = "--num-cpus=2", "--node-ip-address=127.0.0.1"
    ray_command("start", "--head", f"--port={address.split(':')[1]}", "--include-dashboard=false", *shared)
    ray_command("start", f"--address={address}", *shared)
    yield address
    ray_command("stop", "--force")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(MODEL, home=tmp_path_factory.mktemp("alone")) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cluster: str) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("cluster")
    with serving(MODEL, "--ray", cluster, "--replicas", "2", "--cpus", "1.5", home=home) as running:
        yield running


def ask(running: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = running.post(path, body)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


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


def replicas() -> dict[str, int]:
    """Processes of replicas, by their pids as texts, and the node that each is on as its parent."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=2) for line in listed.splitlines() if "ServeReplica:galop-" in line]
    return {pid: int(parent) for pid, parent, _ in lines}


def stream(running: Running, number: int) -> str:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0, timeout=300) as client:
        body = question(number, 400)
        chunks = client.chat.completions.create(model=MODEL, stream=True, extra_body={"ignore_eos": True}, **body)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_both_nodes_answer(server: Running) -> None:
    assert len(replicas()) == 2 and len(set(replicas().values())) == 2


def test_when_a_replica_dies_no_stream_does(server: Running, alone: Running) -> None:
    numbers = range(24)
    with ThreadPoolExecutor(len(numbers)) as many:
        expected = list(many.map(lambda number: stream(alone, number), numbers))
        streams = [many.submit(stream, server, number) for number in numbers]
        wait_for(lambda: server.metric("generation_tokens_total") > 0 or any(s.done() for s in streams), "tokens")
        victim = int(min(replicas()))
        os.kill(victim, signal.SIGKILL)
        assert [future.result() for future in streams] == expected
    assert ask(server, CHAT, question(99))["choices"] == ask(alone, CHAT, question(99))["choices"]
    wait_for(lambda: len(replicas()) == 2 and str(victim) not in replicas(), "another replica")


def test_a_client_that_goes_leaves_nothing_running(server: Running) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        chunks = client.chat.completions.create(
            model=MODEL, stream=True, extra_body={"ignore_eos": True}, **question(5, 4000)
        )
        next(iter(chunks))
        chunks.close()
    wait_for(lambda: server.metric("num_requests_running") == 0, "the end of what nobody reads")


def test_keys_hold_over_all_replicas(cluster: str, tmp_path: Path) -> None:
    key = run_galop(tmp_path, "keys", "add", "bob", "--tokens-per-minute", "100").stdout.strip()
    options = "--ray", cluster, "--replicas", "1", "--cpus", "0.1"
    with serving("qwen3-mini:0.4m", *options, home=tmp_path) as running:
        assert running.post(CHAT, question(1)).status_code == 401
        headers = {"authorization": f"Bearer {key}"}
        counts = Counter(running.post(CHAT, question(1), headers=headers).status_code for _ in range(6))
        assert counts[200] >= 1 and counts[429] >= 1 and set(counts) == {200, 429}


def test_replicas_end_with_their_server(cluster: str, tmp_path: Path) -> None:
    before = set(replicas())
    options = "--ray", cluster, "--replicas", "1", "--cpus", "0.1"
    with serving("qwen3-mini:0.4m", *options, home=tmp_path) as running:
        assert len(set(replicas()) - before) == 1
        assert running.stop() == 0
    wait_for(lambda: not set(replicas()) - before, "the end of its replica")


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    result = run_galop(tmp_path, "serve", MODEL, "--ray", nowhere, "--port", "0")
    assert result.returncode == 1 and nowhere in result.stderr and "ray start --head" in result.stderr
    assert "Traceback" not in result.stderr
    for wrong in ("0", "3-2", "many", "1-"):
        result = run_galop(tmp_path, "serve", MODEL, "--ray", nowhere, "--replicas", wrong)
        assert result.returncode == 2 and "--replicas" in result.stderr


def test_a_cluster_without_room_says_so(cluster: str, server: Running, tmp_path: Path) -> None:
    asked = "serve", "qwen3-mini:0.4m", "--ray", cluster, "--port", "0", "--cpus"
    result = run_galop(tmp_path, *asked, "8")
    assert result.returncode == 1 and "no node of the cluster has more than 2" in result.stderr
    before = set(replicas())
    with subprocess.Popen([sys.executable, "-m", "galop", *asked, "1"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any("no room yet" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
        assert process.wait(60) != 0
    wait_for(lambda: set(replicas()) == before, "the end of what was started")


def test_a_batch_on_a_cluster_that_loses_a_node_and_its_driver_answers_every_row_once(
    cluster: str, tmp_path: Path
) -> None:
    rows = [{"custom_id": f"{i}", "url": CHAT, "body": question(i, 100) | {"ignore_eos": True}} for i in range(300)]
    asked, out, part = tmp_path / "in", tmp_path / "out", tmp_path / "out.part"
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    galop = sys.executable, "-m", "galop", "batch", str(asked)
    command = [*galop, str(out), "--model", "qwen3-mini:0.4m", "--ray", cluster, "--replicas", "2", "--cpus", "0.2"]

    def answered() -> int:
        return part.read_bytes().count(b"\n") if part.exists() else 0

    before = set(replicas())
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as driver:
        wait_for(lambda: answered() > 20, "some answers")
        os.kill(int(min(set(replicas()) - before)), signal.SIGKILL)
        wait_for(lambda: answered() > 60, "more answers")
        driver.kill()
    assert subprocess.run(command, stderr=subprocess.DEVNULL, timeout=500).returncode == 0
    alone = [*galop, str(tmp_path / "alone"), "--model", "qwen3-mini:0.4m"]
    assert subprocess.run(alone, stderr=subprocess.DEVNULL, timeout=500).returncode == 0

    def texts(path: Path) -> list[Any]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [(line["custom_id"], line["response"]["body"]["choices"]) for line in lines]

    assert texts(out) == texts(tmp_path / "alone") and len(texts(out)) == 300
    wait_for(lambda: set(replicas()) <= before, "the end of the dead driver's replicas")
