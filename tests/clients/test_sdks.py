"""Libraries that programs are made with, in each dialect they speak: `drivers` holds a program for each.

All ask the same things of a model that is small, greedy and so always says the same.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installed import CODER, INSTALLED, MODULES, PYTHON, environment, npm_version, python_version
from serving import Running

pytestmark = pytest.mark.clients

DRIVERS = Path(__file__).parent / "drivers"
LITELLM = INSTALLED / "litellm" / "bin" / "python"
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AI_SDK_LOG_WARNINGS": "0"}
Record = Callable[[str, str, str], None]


def drive(program: list[str], galop: Running, dialect: str, home: Path) -> dict[str, Any]:
    """What the driver tells in its last line."""
    ended = subprocess.run(
        [*program, galop.url, CODER, dialect],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=home,
        env=environment(home, **OFFLINE),
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    said: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return said


def held(said: dict[str, Any]) -> None:
    """What has to be true of every client that does these things at all."""
    assert said["calls"][0] == ["weather", {"city": "Paris"}]
    assert said["object"] == {"name": "Paris", "country": "France"}
    assert "404" in said["error"] or "not found" in said["error"]
    if "chat" in said:
        assert "blue" in said["chat"] and said["streamed"] == said["chat"]
        assert said["after"] or len(said["calls"]) > 1  # a model as small as this may ask again
    assert said.get("streamed_calls", said["calls"])[0] == said["calls"][0]
    if vectors := said.get("vectors"):
        assert len(vectors) == 2 and all(
            len(v) == 896 and math.isclose(math.hypot(*v), 1, abs_tol=1e-4) for v in vectors
        )


@pytest.mark.parametrize(
    ("driver", "dialect", "package", "python"),
    [("langchain", "openai", "langchain-openai", PYTHON), ("langchain", "responses", "langchain-openai", PYTHON),
     ("langchain", "anthropic", "langchain-anthropic", PYTHON), ("langchain", "ollama", "langchain-ollama", PYTHON),
     ("pydantic_ai", "openai", "pydantic-ai-slim", PYTHON), ("pydantic_ai", "responses", "pydantic-ai-slim", PYTHON),
     ("pydantic_ai", "anthropic", "pydantic-ai-slim", PYTHON), ("pydantic_ai", "ollama", "pydantic-ai-slim", PYTHON),
     ("agents", "openai", "openai-agents", PYTHON), ("agents", "responses", "openai-agents", PYTHON),
     ("litellm", "openai", "litellm", LITELLM), ("litellm", "anthropic", "litellm", LITELLM),
     ("litellm", "ollama", "litellm", LITELLM), ("litellm", "ollama_chat", "litellm", LITELLM)],
)  # fmt: skip
def test_python_libraries(
    galop: Running, record: Record, tmp_path: Path, driver: str, dialect: str, package: str, python: Path
) -> None:
    said = drive([str(python), str(DRIVERS / f"{driver}_driver.py")], galop, dialect, tmp_path)
    held(said)
    if (driver, dialect) in (
        ("langchain", "openai"),
        ("langchain", "ollama"),
        ("litellm", "openai"),
        ("litellm", "ollama"),
    ):
        assert said["vectors"]
    vectors = ", vectors" if said.get("vectors") else ""
    record(
        package,
        python_version(package, python),
        f"{dialect}: chat, stream, tool call and its result, object{vectors}, error",
    )


def test_instructor(galop: Running, record: Record, tmp_path: Path) -> None:
    said = drive([str(LITELLM), str(DRIVERS / "instructor_driver.py")], galop, "openai", tmp_path)
    held(said)
    assert said["tool_object"] == said["json_object"] == said["partial"] == said["object"] and said["pieces"] > 3
    record(
        "instructor",
        python_version("instructor", LITELLM),
        "openai: objects by tools, strict tools, schema and JSON, in pieces, error",
    )


def test_ollamas_library_for_python(galop: Running, record: Record, tmp_path: Path) -> None:
    said = drive([str(PYTHON), str(DRIVERS / "ollama_driver.py")], galop, "ollama", tmp_path)
    held(said)
    assert said["vectors"] and said["old_vector"] == 896 and min(said["counted"]) > 0
    assert said["generated"] == said["chat"] and said["logprobs"] == said["counted"][1] - 1 and said["raw"]
    assert said["family"] == "qwen2" and {"completion", "tools"} <= set(said["capabilities"])
    assert len(said["digest"]) == 64 and said["running"] == [CODER] and said["pulled"][-1] == "success"
    assert "sees no pictures" in said["no_images"] and "galop pull" in said["unpulled"] and "galop rm" in said["kept"]
    record(
        "ollama (PyPI)",
        python_version("ollama"),
        "chat, stream, tools, format, logprobs, raw, embed, show, list, ps, pull, errors",
    )


def node(driver: str) -> list[str]:
    """Modules are looked for beside the program, so it goes where they are."""
    return [str(MODULES / ".bin" / "node"), shutil.copy(DRIVERS / driver, INSTALLED)]


@pytest.mark.parametrize(
    ("dialect", "package"),
    [("compatible", "@ai-sdk/openai-compatible"), ("openai", "@ai-sdk/openai"), ("responses", "@ai-sdk/openai"),
     ("anthropic", "@ai-sdk/anthropic"), ("ollama", "ollama-ai-provider-v2")],
)  # fmt: skip
def test_the_ai_sdk(galop: Running, record: Record, tmp_path: Path, dialect: str, package: str) -> None:
    said = drive(node("ai.mjs"), galop, dialect, tmp_path)
    held(said)
    assert bool(said["vectors"]) == (dialect in ("compatible", "ollama")) and said["usage"] > 0
    version = f"{npm_version('ai')}, {npm_version(package)}"
    record(f"ai, {package}", version, f"{dialect}: chat, stream, tool call and its result, object, error")


def test_ollamas_library_for_javascript(galop: Running, record: Record, tmp_path: Path) -> None:
    said = drive(node("ollama.mjs"), galop, "ollama", tmp_path)
    held(said)
    assert said["vectors"] and said["pulled"][-1] == "success" and len(said["digest"]) == 64
    assert said["aborted"] == "AbortError" and {"completion", "tools"} <= set(said["capabilities"])
    record("ollama (npm)", npm_version("ollama"), "chat, stream, abort, tools, format, embed, show, list, pull, error")
