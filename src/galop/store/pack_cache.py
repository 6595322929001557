"""The cache of packs, and of GGUF files unpacked for vLLM: the least recently used go first, and those of a removed
model go with it."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from galop.machine import cache_directory

PACK_CAP = 32 << 30  # bytes of packs and unpacked folders kept
INCOMPLETE_SECONDS = 86_400  # after which what has this ending is of a process that was killed


def trim_packs(cap: int = PACK_CAP) -> None:
    """Removes the least recently used packs and unpacked folders until the rest take at most `cap` bytes."""
    with contextlib.suppress(OSError):  # another process may be at the same work
        cache = cache_directory()
        for left in (*cache.glob("*.incomplete"), *cache.glob("vllm/*.incomplete")):
            if time.time() - left.stat().st_mtime > INCOMPLETE_SECONDS:
                _delete(left)
        kept = [*cache.glob("*.pack"), *(p for p in cache.glob("vllm/*") if p.suffix != ".incomplete")]
        found = sorted(kept, key=lambda p: p.stat().st_mtime, reverse=True)
        total = 0
        for path in found:
            total += size_of(path)
            if total > cap and path != found[0]:
                _delete(path)


def size_of(path: Path) -> int:
    """Bytes of a file, or of those in a folder. Raises OSError."""
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def unpacked_folder(files: list[Path]) -> Path:
    """Where a model of these files is or would be unpacked for vLLM. Raises OSError if one is not there."""
    from galop.weights.pack import pack_path

    cache = cache_directory() / "vllm"
    return cache / pack_path(cache, files, "vllm").name.partition(".")[0]


def remove_pack(path: Path) -> int:
    """Deletes the pack of a model's file or directory, and what was unpacked of it; the bytes freed. Raises
    ModelFileError if the model is not there."""
    from galop.weights.files import source_files
    from galop.weights.pack import pack_path

    files, freed = source_files(path), 0
    for made in pack_path(cache_directory(), files), unpacked_folder(files):
        if made.exists():
            freed += size_of(made)
            _delete(made)
    return freed


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
