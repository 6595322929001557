"""`galop launch`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from command import fails, run


def test_launch_prints_or_sets_what_a_client_needs(tmp_path: Path) -> None:
    shown = run("launch", "openai", "--url", "http://127.0.0.1:9", "--model", "smollm2:135m", "--key", "k y")
    assert shown.stdout.decode().splitlines() == [
        "export OPENAI_BASE_URL=http://127.0.0.1:9/v1", "export OPENAI_API_KEY='k y'"
    ]  # fmt: skip
    code = "import os; print(os.environ['ANTHROPIC_BASE_URL'], os.environ['ANTHROPIC_MODEL']); raise SystemExit(7)"
    started = run("launch", "claude", "--model", "m", "--", sys.executable, "-c", code)
    assert started.returncode == 7 and started.stdout.split() == [b"http://127.0.0.1:8000", b"m"]
    assert b"api_base: http://127.0.0.1:8000/v1" in run("launch", "llm", "--model", "m").stdout
    # Codex takes arguments, Continue's command line a file, opencode JSON; a name is quoted as each has it.
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))")
    program.chmod(0o700)
    given: dict[str, tuple[list[str], dict[str, str]]] = {}
    for client in ("codex", "cn", "opencode"):
        options = ("--url", "http://127.0.0.1:9", "--model", 'a"b', "--key", "K")
        started = run("launch", client, *options, "--", str(program), "x", env={"XDG_CACHE_HOME": str(tmp_path)})
        assert started.returncode == 0 and b"no server answers" in started.stderr
        given[client] = json.loads(started.stdout)
    arguments, environment = given["codex"]
    assert arguments[:2] == ["-c", r'model="a\"b"'] and arguments[-1] == "x" and environment["GALOP_KEY"] == "K"
    option, path, _ = given["cn"][0]
    assert option == "--config" and r'model: "a\"b"' in Path(path).read_text()
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert json.loads(given["opencode"][1]["OPENCODE_CONFIG_CONTENT"])["model"] == 'galop/a"b'
    fails(run("launch", "netscape"), 2, "no client is called 'netscape'", "openai")
    fails(run("launch", "openai", "--url", "http://127.0.0.1:9"), 2, "no server answers", "galop serve")
    fails(run("launch", "openai", "--model", "m", "--", "/no/such/program"), 2, "cannot be started")
