"""Where `make test-clients` installs other people's clients, and how they are started."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

INSTALLED = Path(__file__).parents[2] / "build" / "clients"
MODULES = INSTALLED / "node_modules"
PYTHON = INSTALLED / "python" / "bin" / "python"
CODER = "qwen2.5-coder:0.5b"
Record = Callable[[str, str, str], None]  # client, version, what was driven


def environment(home: Path, **more: str) -> dict[str, str]:
    """A clean one, with the node that was installed first, and a home of its own."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "SSL_CERT_FILE") if name in os.environ}
    path = os.pathsep.join([str(MODULES / ".bin"), os.environ["PATH"]])
    return {**kept, "PATH": path, "HOME": str(home), "NO_PROXY": "*", **more}


def npm_version(package: str) -> str:
    return str(json.loads((MODULES / package / "package.json").read_text())["version"])


def python_version(package: str, python: Path = PYTHON) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def run_python(script: str, home: Path, *args: str, seconds: float = 300, **variables: str) -> Any:
    """Runs a script with the libraries that were installed; what it prints last, as JSON."""
    command = [str(PYTHON), "-c", script, *args]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, env=environment(home, **variables), cwd=home
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return json.loads(ended.stdout.splitlines()[-1])
