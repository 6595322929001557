"""Coverage-guided fuzzing of the GGUF and safetensors readers (needs atheris: pip install atheris).

    python fuzz/fuzz_files.py gguf -max_total_time=1800
    python fuzz/fuzz_files.py safetensors -max_total_time=1800

Starts from the tiny models of the tests. A finding is any exception but ModelFileError, a run of more than a few
seconds, or memory out of proportion.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

with atheris.instrument_imports(include=["galop.weights", "galop.chat.gguf_tokenizer", "galop.models"]):
    from galop.errors import ModelFileError
    from galop.models import read_config, trace
    from galop.weights import gguf, safetensors

SCRATCH = Path(tempfile.mkdtemp(prefix="galop-fuzz-"))


def one_gguf(data: bytes) -> None:
    path = SCRATCH / "m.gguf"
    path.write_bytes(data)
    try:
        checkpoint = gguf.load(path)
        config = read_config(checkpoint.config, path.name)
        trace(checkpoint.config["model_type"], config, checkpoint.shapes())
    except ModelFileError:
        pass


def one_safetensors(data: bytes) -> None:
    path = SCRATCH / "model.safetensors"
    path.write_bytes(data)
    with contextlib.suppress(ModelFileError):
        safetensors.read_file(path)


def seeds(kind: str) -> Path:
    from tiny import GOLDEN, write_gguf

    corpus = SCRATCH / "corpus"
    corpus.mkdir()
    for case in ("llama", "qwen2", "qwen3", "qwen3_moe"):
        if kind == "gguf":
            # Only the head: what follows is tensor data, which no parser looks at.
            whole = write_gguf(SCRATCH / f"{case}.gguf", case, "Q8_0")
            (corpus / case).write_bytes(whole.read_bytes())
        else:
            (corpus / case).write_bytes((GOLDEN / case / "model.safetensors").read_bytes())
    return corpus


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("gguf", "safetensors"):
        sys.exit(__doc__)
    kind = sys.argv.pop(1)
    target = one_gguf if kind == "gguf" else one_safetensors
    atheris.Setup(
        [
            *sys.argv,
            str(seeds(kind)),
            f"-artifact_prefix={SCRATCH}/",
            "-max_len=700000",
            "-timeout=10",
            "-rss_limit_mb=2048",
        ],
        target,
    )
    atheris.Fuzz()
