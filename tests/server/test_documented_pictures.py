"""The examples of docs/serve.md and docs/api.md that show a picture, run as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from drawn import encoded, gradient
from serving import serving
from tiny_eyes import write_eyes

DOCS = Path(__file__).parent.parent.parent / "docs"


def example(page: str) -> str:
    [found] = [
        block
        for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
        if "photo.jpg" in block
    ]
    return found


def run(code: str, folder: Path) -> list[str]:
    (folder / "photo.jpg").write_bytes(encoded(gradient(60, 90), "JPEG"))
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, env=os.environ, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="replace").split("\n")


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_eyes(tmp_path_factory.mktemp("eyes") / "model", max_position_embeddings=200)


def test_every_dialect(eyes: Path, tmp_path: Path) -> None:
    with serving(str(eyes), home=tmp_path / "home") as server:
        code = example("serve.md").replace("http://127.0.0.1:8000", server.url).replace("qwen3-vl:2b", str(eyes))
        assert len(run(code, tmp_path)) > 4


def test_the_python_interface(eyes: Path, tmp_path: Path) -> None:
    assert run(example("api.md").replace("./qwen3.5-0.8b.gguf", str(eyes)), tmp_path) != [""]
