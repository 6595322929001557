"""Programs that write code do a task of two steps, set up by `galop launch`: read a file, write another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from installed import CODER, INSTALLED, Record, environment, npm_version, python_version
from narrowing import Narrow, Steps, narrowing
from serving import Running

pytestmark = pytest.mark.clients
COLOURS = ["teal", "crimson", "ochre"]
FACT = "The fence is painted teal."
TASK = "Read paint.txt, then write the colour, and nothing else, to answer.txt."
SECONDS = 1500  # twelve thousand tokens of a first prompt are minutes of a busy machine


@dataclass(frozen=True)
class Agent:
    """`steps` are of the tools that it is to call in a folder; `driven` says through which interface."""

    title: str
    version: Callable[[], str]
    command: tuple[str, ...]
    driven: str
    steps: Callable[[Path], Narrow]
    environment: tuple[tuple[str, str], ...] = ()
    alone: bool = False  # it knows of such servers, and is not set up


def files(read: str, write: str, path: str) -> Callable[[Path], Narrow]:
    def steps(folder: Path) -> Narrow:
        written = {path: {"const": str(folder / "answer.txt")}, "content": {"enum": COLOURS}}
        return Steps([(read, {path: {"const": str(folder / "paint.txt")}}), (write, written)])

    return steps


def shell(folder: Path) -> Narrow:
    """Codex reads and writes by its shell."""
    written = {"cmd": {"enum": [f"printf {colour} > answer.txt" for colour in COLOURS]}}
    return Steps([("exec_command", {"cmd": {"const": "cat paint.txt"}}), ("exec_command", written)])


def listing(folder: Path) -> Narrow:
    """Aider calls no tools: it sends what is to be read, and takes whole files from the text."""

    def narrow(path: str, body: Any) -> Any:
        answer = rf"answer\.txt\n```\n({'|'.join(COLOURS)})\n```\n"
        return body | {"response_format": {"type": "regex", "regex": answer}} if path.endswith("completions") else body

    return narrow


AGENTS = {
    "claude": Agent(
        "Claude Code", lambda: npm_version("@anthropic-ai/claude-code"),
        ("claude", "-p", "--dangerously-skip-permissions", TASK),
        "/v1/messages", files("Read", "Write", "file_path"), (("IS_SANDBOX", "1"),),
    ),
    "codex": Agent(
        "Codex", lambda: npm_version("@openai/codex"),
        ("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK),
        "/v1/responses", shell,
    ),
    "codex --oss": Agent(
        "Codex --oss", lambda: npm_version("@openai/codex"),
        ("codex", "exec", "--oss", "--local-provider", "ollama", "-m", CODER, "--skip-git-repo-check",
         "--dangerously-bypass-approvals-and-sandbox", TASK),
        "/api/version, /api/tags, /v1/responses", shell, (("CODEX_OSS_BASE_URL", "URL/v1"),), alone=True,
    ),
    "opencode": Agent(
        "opencode", lambda: npm_version("opencode-ai"), ("opencode", "run", TASK),
        "/v1/chat/completions", files("read", "write", "filePath"), (("OPENCODE_DISABLE_MODELS_FETCH", "1"),),
    ),
    "qwen": Agent(
        "Qwen Code", lambda: npm_version("@qwen-code/qwen-code"), ("qwen", "-y", "-p", TASK),
        "/v1/chat/completions", files("read_file", "write_file", "file_path"),
    ),
    "cn": Agent(
        "Continue CLI", lambda: npm_version("@continuedev/cli"), ("cn", "-p", "--auto", TASK),
        "/v1/chat/completions", files("Read", "Write", "filepath"),
    ),
    "aider": Agent(
        "Aider", lambda: python_version("aider-chat", INSTALLED / "aider" / "bin" / "python"),
        (str(INSTALLED / "aider" / "bin" / "aider"), "--edit-format", "whole", "--no-git", "--yes-always", "--no-show-model-warnings",
         "--no-check-update", "--read", "paint.txt", "--message", TASK, "answer.txt"),
        "/v1/chat/completions", listing,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AGENTS)
def test_a_task_of_two_steps(name: str, galop: Running, tmp_path: Path, record: Record) -> None:
    agent = AGENTS[name]
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    answer = folder / "answer.txt"
    (folder / "paint.txt").write_text(FACT + "\n")
    with narrowing(galop.port, agent.steps(folder)) as proxy:
        own = {variable: value.replace("URL", proxy.url) for variable, value in agent.environment}
        variables = environment(home, XDG_CACHE_HOME=str(tmp_path / "cache"), **own)
        launch = [sys.executable, "-m", "galop", "launch", name, "--url", proxy.url, "--model", CODER, "--"]

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(
                [*([] if agent.alone else launch), *agent.command], cwd=folder, env=variables, stdin=subprocess.DEVNULL, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

        # Interrupted while the first answer streams, the server stops at once.
        cut = start()
        assert proxy.answering.wait(SECONDS), cut.communicate(timeout=5)
        os.killpg(cut.pid, signal.SIGINT)
        try:
            cut.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(cut.pid, signal.SIGKILL)
            cut.communicate()
        deadline = time.monotonic() + 60
        while galop.metric("num_requests_running") and time.monotonic() < deadline:
            time.sleep(0.2)
        assert galop.metric("num_requests_running") == 0
        assert not answer.exists() or not answer.read_text()  # Aider makes it at once

        began = len(proxy.bodies)
        process = start()
        try:
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, said[-4000:]
        assert answer.read_text().strip() in COLOURS, said[-4000:]
        sent = proxy.bodies[began:]
        assert all(body["stream"] for body in sent)
        assert any(FACT in json.dumps(body) for body in sent)
        assert len(sent) >= (1 if name == "aider" else 3)
    record(agent.title, agent.version(), f"{agent.driven}: reads a file, writes a file, streamed, cancelled once")
