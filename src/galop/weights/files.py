"""The files a model is made of: which they are, how large, and what they hold, whatever the format."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from galop.errors import ModelFileError
from galop.weights import gguf, safetensors
from galop.weights.checkpoint import Checkpoint


@contextmanager
def told_as_errors(path: Path) -> Iterator[None]:
    """What the system says of a file that cannot be read, as the error that is told."""
    try:
        yield
    except OSError as error:
        name = Path(str(error.filename or path)).name[:200]
        raise ModelFileError(f"{name} cannot be read: {error.strerror or error}") from None


def open_checkpoint(path: Path) -> Checkpoint:
    """Reads a GGUF file or a safetensors directory. Raises ModelFileError."""
    if path.is_dir():
        return safetensors.load(path)
    if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}:
        raise ModelFileError(
            f"{path.name}: pickle formats are not supported, they may run code; take GGUF or safetensors"
        )
    if path.suffix == ".safetensors":
        return safetensors.load(path.parent)
    return gguf.load(path)


def source_files(path: Path) -> list[Path]:
    """The files that `path` stands for and a pack of it depends on. Raises ModelFileError if there are none."""
    if not path.exists():
        raise ModelFileError(f"{path}: there is no such file")
    if path.suffix == ".safetensors":
        path = path.parent
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix in (".safetensors", ".json", ".jinja") and p.is_file())
    if match := gguf.SPLIT.match(path.name):
        return sorted(path.parent.glob(f"{glob.escape(match[1])}-?????-of-{match[3]}.gguf"))
    return [path]


def weight_bytes(path: Path) -> int:
    """Bytes of a model's weight files. Raises ModelFileError if there are none."""
    with told_as_errors(path):
        if path.is_file() and not path.suffix:  # a blob of another program's store
            return path.stat().st_size
        return sum(f.stat().st_size for f in source_files(path) if f.suffix in (".gguf", ".safetensors"))
