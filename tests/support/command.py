"""The galop command as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys

GALOP = [sys.executable, "-m", "galop"]

TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}"


def run(*args: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """A command run to its end, with `env` beside the variables of the tests."""
    return subprocess.run(
        [*GALOP, *args], input=stdin, capture_output=True, check=False, timeout=120, env={**os.environ, **(env or {})}
    )


def fails(result: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
    """One clear sentence on stderr, nothing on stdout, no traceback."""
    lines = result.stderr.decode().strip().splitlines()
    error = "\n".join(line for line in lines if not line.startswith("downloading "))
    assert result.returncode == code, error
    assert result.stdout == b""
    assert "Traceback" not in error
    assert error.strip().count("\n") == 0, error
    for word in words:
        assert word in error
