"""Servers of tools that misbehave: each ends in a sentence, and its process with it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from galop.agent.mcp import McpToolbox
from galop.errors import GalopError

# A server of a few lines: what it answers to each method is an expression over the request `r`.
ODD_SERVER = """
import json, sys, time
for line in sys.stdin:
    r = json.loads(line)
    if r["method"] == "initialize":
        result = {{"protocolVersion": r["params"]["protocolVersion"], "capabilities": {{"tools": {{}}}},
                  "serverInfo": {{"name": "odd", "version": "1"}}}}
    elif "id" not in r:
        continue
    elif r["method"] == "tools/list":
        cursor = (r.get("params") or {{}}).get("cursor") or "0"
        tool = lambda name, words="": {{"name": name, "description": words, "inputSchema": {{"type": "object"}}}}
        result = {listed}
    elif r["method"] == "tools/call":
        result = {called}
    else:
        print(json.dumps({{"jsonrpc": "2.0", "id": r["id"], "error": {{"code": -32601, "message": "no"}}}}), flush=True)
        continue
    print(json.dumps({{"jsonrpc": "2.0", "id": r["id"], "result": result}}), flush=True)
"""
FINE = '{"tools": [tool("fine")]}'


def odd_server(listed: str = FINE, called: str = "{}", first: str = "") -> str:
    return shlex.join([sys.executable, "-c", first + ODD_SERVER.format(listed=listed, called=called)])


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (odd_server('{"tools": [tool("a" + cursor)], "nextCursor": str(int(cursor) + 1)}'), "list of tools has no end|more than"),
        (odd_server('{"tools": [], "nextCursor": "again"}'), "list of tools has no end"),
        (odd_server('{"tools": [tool(f"t{i}") for i in range(5000)]}'), "more than 1000 tools"),
        (odd_server('{"tools": [tool("t", "x" * (5 << 20))]}'), "4 MiB of descriptions"),
        (odd_server('{"tools": [tool("\\x1b[2Jclear")]}'), r"called '\\x1b\[2Jclear'"),
        (odd_server('{"tools": 5}'), "cannot be used"),
        (odd_server("time.sleep(60)"), "did not answer within 1 s"),
        (odd_server(first="import time\ntime.sleep(60)\n"), "did not answer within 1 s"),
        (odd_server(first="import sys\nwhile True: sys.stdout.write('garbage\\x1b[2J' * 99 + chr(10))\n"), "did not answer|cannot be used"),
        (odd_server(first="import sys\nwhile True: sys.stdout.write('garbage' * 99)\n"), "did not answer|cannot be used"),
    ],
    ids=["new pages", "one page", "many", "long", "name", "no list", "hangs", "never begins", "lines", "no lines"],
)  # fmt: skip
def test_tool_servers_that_misbehave_end_in_a_sentence(
    command: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("galop.agent.mcp.SECONDS", 1.0 if "did not" in told else 30.0)
    with pytest.raises(GalopError, match=told) as error:
        McpToolbox(command)
    assert "\x1b" not in str(error.value) and "\n" not in str(error.value).replace(command, "")
    assert not any(capfd.readouterr())
    assert not children_of_this_process()


def test_a_tool_server_that_hangs_in_a_call_or_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    server = McpToolbox(odd_server(called="time.sleep(600)", first=stubborn))
    monkeypatch.setattr("galop.agent.mcp.SECONDS", 0.5)
    with pytest.raises(GalopError, match=r"fine did not answer within 0\.5 s"):
        server.call("fine", {})
    server.close()
    with pytest.raises(GalopError, match="has ended"):
        server.call("fine", {})
    assert not children_of_this_process()


def children_of_this_process() -> list[str]:
    listed = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if "jsonrpc" in line]
