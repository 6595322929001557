"""What number is on a picture: asked by each client as it shows one, answered by the model of Galop's own that sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from drawn import encoded, number
from installed import INSTALLED, PYTHON, Record, environment, npm_version, python_version
from narrowing import narrowing
from serving import Running, serving
from test_sdks import DRIVERS, LITELLM, OFFLINE, node

pytestmark = pytest.mark.clients
SEEING = "qwen3-mini-vl"
QUESTION = "What number is this?"
DIGITS = "58"


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(SEEING, home=tmp_path_factory.mktemp("seeing")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the picture and the page are, whose names give nothing away."""
    (tmp_path / "card.png").write_bytes(encoded(number(DIGITS)))
    (tmp_path / "page.pdf").write_bytes(encoded(number(DIGITS), "PDF"))
    return tmp_path


def told(program: list[str], seeing: Running, dialect: str, folder: Path) -> dict[str, str]:
    command = [*program, seeing.url, SEEING, dialect]
    variables = environment(folder, **OFFLINE)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder, env=variables)
    assert ended.returncode == 0, ended.stderr[-4000:]
    answers: dict[str, str] = json.loads(ended.stdout.splitlines()[-1])
    return answers


def held(answers: dict[str, str]) -> str:
    """What was shown, in words; all of it has to be told apart from nothing."""
    assert set(answers.values()) == {DIGITS}, answers
    return "a picture, and a PDF's page that is one" if "pdf" in answers else "a picture"


@pytest.mark.parametrize(
    ("library", "dialect", "package", "python"),
    [("langchain", "openai", "langchain-openai", PYTHON), ("langchain", "responses", "langchain-openai", PYTHON),
     ("langchain", "anthropic", "langchain-anthropic", PYTHON), ("langchain", "ollama", "langchain-ollama", PYTHON),
     ("pydantic_ai", "openai", "pydantic-ai-slim", PYTHON), ("pydantic_ai", "responses", "pydantic-ai-slim", PYTHON),
     ("pydantic_ai", "anthropic", "pydantic-ai-slim", PYTHON), ("pydantic_ai", "ollama", "pydantic-ai-slim", PYTHON),
     ("agents", "openai", "openai-agents", PYTHON), ("agents", "responses", "openai-agents", PYTHON),
     ("haystack", "openai", "haystack-ai", PYTHON), ("haystack", "responses", "haystack-ai", PYTHON),
     ("smolagents", "openai", "smolagents", PYTHON), ("ollama", "ollama", "ollama", PYTHON),
     ("litellm", "openai", "litellm", LITELLM), ("litellm", "anthropic", "litellm", LITELLM),
     ("litellm", "ollama", "litellm", LITELLM), ("litellm", "ollama_chat", "litellm", LITELLM),
     ("instructor", "openai", "instructor", LITELLM)],
)  # fmt: skip
def test_python_libraries(
    seeing: Running, record: Record, folder: Path, library: str, dialect: str, package: str, python: Path
) -> None:
    shown = held(told([str(python), str(DRIVERS / "pictures_driver.py")], seeing, f"{library} {dialect}", folder))
    title = "ollama (PyPI)" if package == "ollama" else package
    record(title, python_version(package, python), f"{dialect}: {shown}")


@pytest.mark.parametrize(
    ("dialect", "packages"),
    [("compatible", ("ai", "@ai-sdk/openai-compatible")), ("openai", ("ai", "@ai-sdk/openai")),
     ("responses", ("ai", "@ai-sdk/openai")), ("anthropic", ("ai", "@ai-sdk/anthropic")),
     ("ollama", ("ai", "ollama-ai-provider-v2")), ("ollama-js", ("ollama",)),
     ("langchain openai", ("@langchain/openai",)), ("langchain responses", ("@langchain/openai",)),
     ("langchain anthropic", ("@langchain/anthropic",)), ("langchain ollama", ("@langchain/ollama",))],
)  # fmt: skip
def test_javascript_libraries(
    seeing: Running, record: Record, folder: Path, dialect: str, packages: tuple[str, ...]
) -> None:
    shown = held(told(node("pictures.mjs"), seeing, dialect, folder))
    spoken = dialect.removeprefix("langchain ").removesuffix("-js")
    title = "ollama (npm)" if packages == ("ollama",) else ", ".join(packages)
    record(title, ", ".join(npm_version(package) for package in packages), f"{spoken}: {shown}")


@dataclass(frozen=True)
class Agent:
    """How a program is told to show a picture, without anybody at a terminal."""

    title: str
    version: Callable[[], str]
    command: tuple[str, ...]
    path: str


AIDER = INSTALLED / "aider" / "bin"
AGENTS = {
    "claude": Agent("Claude Code", lambda: npm_version("@anthropic-ai/claude-code"),
                    ("claude", "-p", "--dangerously-skip-permissions", f"{QUESTION} @card.png"), "/v1/messages"),
    "codex": Agent("Codex", lambda: npm_version("@openai/codex"),
                   ("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox",
                    "-i", "card.png", "--", QUESTION), "/v1/responses"),
    "opencode": Agent("opencode", lambda: npm_version("opencode-ai"),
                      ("opencode", "run", "-f", "card.png", "--", QUESTION), "/v1/chat/completions"),
    "qwen": Agent("Qwen Code", lambda: npm_version("@qwen-code/qwen-code"),
                  ("qwen", "-y", "-p", f"{QUESTION} @card.png"), "/v1/chat/completions"),
    "aider": Agent("Aider", lambda: python_version("aider-chat", AIDER / "python"),
                   (str(AIDER / "aider"), "--no-git", "--yes-always", "--no-show-model-warnings", "--no-check-update",
                    "--chat-mode", "ask", "--message", QUESTION, "card.png"), "/v1/chat/completions"),
}  # fmt: skip


def parts_of(body: Any) -> list[Any]:
    """All parts of all messages of a request."""
    turns = [turn for turn in body.get("messages") or body.get("input") or [] if isinstance(turn, dict)]
    contents = [turn["content"] for turn in turns if isinstance(turn.get("content"), list)]
    return [part for content in contents for part in content]


def question_alone(path: str, body: Any) -> Any:
    """Of a request its pictures and the question, since what agents tell a model beside that is more than it can
    read."""
    if not path.endswith(("/messages", "/responses", "/completions")):
        return body
    kept = [part for part in parts_of(body) if part.get("type") in ("image", "input_image", "image_url")]
    words = {"type": "input_text" if path.endswith("/responses") else "text", "text": QUESTION if kept else "Hello"}
    turns = [{"role": "user", "content": [*kept, words]}]
    limit = "max_output_tokens" if path.endswith("/responses") else "max_tokens"
    small = {"model": SEEING, "stream": body.get("stream"), limit: 32}
    return {**small, "input" if path.endswith("/responses") else "messages": turns}


@pytest.mark.parametrize("name", AGENTS)
def test_agents(name: str, seeing: Running, folder: Path, record: Record) -> None:
    agent = AGENTS[name]
    home = folder / "home"
    home.mkdir()
    with narrowing(seeing.port, question_alone) as proxy:
        own = {"IS_SANDBOX": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1", "XDG_CACHE_HOME": str(folder / "cache")}
        launch = [sys.executable, "-m", "galop", "launch", name, "--url", proxy.url, "--model", SEEING, "--"]
        process = subprocess.Popen(
            [*launch, *agent.command], cwd=folder, env=environment(home, **own), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            answer, said = process.communicate(timeout=300)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, said[-4000:]
        assert DIGITS in answer.split(), (answer[-2000:], said[-2000:])
        assert any(part.get("type") in ("image", "input_image", "image_url")
                   for body in proxy.bodies for part in parts_of(body))  # fmt: skip
    record(agent.title, agent.version(), f"{agent.path}: a picture, with the question alone")
