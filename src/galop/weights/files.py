"""The files a model is made of: which they are and how large, whatever the format."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from galop.errors import ModelFileError
from galop.weights.gguf import SPLIT


@contextmanager
def report_os_errors(path: Path) -> Iterator[None]:
    """Raises ModelFileError in place of the OSError of a file that cannot be read."""
    try:
        yield
    except OSError as error:
        name = Path(str(error.filename or path)).name[:200]
        raise ModelFileError(f"{name} cannot be read: {error.strerror or error}") from None


def source_files(path: Path) -> list[Path]:
    """The files that `path` stands for and a pack of it depends on. Raises ModelFileError if there are none."""
    if not path.exists():
        raise ModelFileError(f"{path}: there is no such file")
    if path.suffix == ".safetensors":
        path = path.parent
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix in (".safetensors", ".json", ".jinja") and p.is_file())
    if match := SPLIT.match(path.name):
        return sorted(path.parent.glob(f"{glob.escape(match[1])}-?????-of-{match[3]}.gguf"))
    return [path]


def may_see(path: Path) -> bool:
    """Whether a model's files speak of a vision tower: its config.json does, or there is an mmproj file beside it."""
    directory = path if path.is_dir() else path.parent
    try:
        if path.is_dir() or path.suffix == ".safetensors":
            return b'"vision_config"' in (directory / "config.json").read_bytes()
        return any("mmproj" in file.name.lower() and file != path for file in directory.glob("*.gguf"))
    except OSError:
        return False


def weight_bytes(path: Path) -> int:
    """Bytes of a model's weight files. Raises ModelFileError if there are none."""
    with report_os_errors(path):
        if path.is_file() and not path.suffix:  # a blob of another program's store
            return path.stat().st_size
        return sum(f.stat().st_size for f in source_files(path) if f.suffix in (".gguf", ".safetensors"))
