"""Blocks and states of the prefix cache on disk, for later processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np

from galop.machine import private_folder
from galop.ops.plan import Array

MAGIC = b"galopkv2"
CHECKSUM_BYTES = 32


class DiskCache:
    """Blocks as files named by their hash, each with its checksum; the least recently used go when there are too many.

    Only the owner may read them: they hold what was said, though not as text. `capacity` is in bytes.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder = folder
        self.capacity = capacity
        private_folder(folder)
        files = self._files()
        self._bytes = sum(f.stat().st_size for f in files)
        self._names = {f.name for f in files}

    def path(self, key: bytes) -> Path:
        """The file of the block with this hash, whether or not it is there."""
        return self.folder / f"{key.hex()}.kv"

    def has(self, key: bytes) -> bool:
        """Whether there was a file for this hash when the folder was read, or it was written since."""
        return self.path(key).name in self._names

    def save(self, key: bytes, data: Array) -> None:
        """Writes a block, uint8 [block_bytes]. A full disk costs only what would have been kept: nothing is raised."""
        content = data.tobytes()
        target = self.path(key)
        partial = target.with_suffix(f".{os.getpid()}.incomplete")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(MAGIC + hashlib.sha256(content).digest() + content)
            partial.replace(target)
            self._bytes += target.stat().st_size
            self._names.add(target.name)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
        if self._bytes > self.capacity:
            self._trim()

    def load(self, key: bytes, into: Array) -> bool:
        """Fills a block, uint8 [block_bytes]; False, and the file removed, if it is not what was written."""
        path = self.path(key)
        self._names.discard(path.name)
        try:
            content = path.read_bytes()
            data = memoryview(content)[len(MAGIC) + CHECKSUM_BYTES :]
            good = content[: len(MAGIC)] == MAGIC and len(data) == len(into)
            if good and hashlib.sha256(data).digest() == content[len(MAGIC) : len(MAGIC) + CHECKSUM_BYTES]:
                into[:] = np.frombuffer(data, np.uint8)
                os.utime(path)
                self._names.add(path.name)
                return True
            path.unlink()
        except OSError:
            pass
        return False

    def _files(self) -> list[Path]:
        return [f for f in self.folder.iterdir() if f.suffix in (".kv", ".incomplete")]

    def _trim(self) -> None:
        """Down to nine tenths of the capacity, so that not every block written has to look at all files."""
        with contextlib.suppress(OSError):
            files = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in self._files()), reverse=True)
            self._bytes = 0
            for _, size, file in files:
                if self._bytes + size > 0.9 * self.capacity:
                    file.unlink()
                    self._names.discard(file.name)
                else:
                    self._bytes += size
