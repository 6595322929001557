"""The cache of packs: the least recently used go first, and those of a removed model go with it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from galop.machine import cache_directory

PACK_CAP = 32 << 30  # bytes of packs kept


def trim_packs(cap: int = PACK_CAP) -> None:
    """Removes the least recently used packs until the rest take at most `cap` bytes."""
    with contextlib.suppress(OSError):  # another process may be at the same work
        for left in cache_directory().glob("*.incomplete"):
            if time.time() - left.stat().st_mtime > 86_400:  # of a process that was killed
                left.unlink()
        found = sorted(cache_directory().glob("*.pack"), key=lambda p: p.stat().st_mtime, reverse=True)
        total = 0
        for pack in found:
            total += pack.stat().st_size
            if total > cap and pack != found[0]:
                pack.unlink()


def remove_pack(path: Path) -> int:
    """Deletes the pack of a model's file or directory; the bytes freed. Raises ModelFileError if that is not there."""
    from galop.weights.files import source_files
    from galop.weights.pack import pack_path

    pack = pack_path(cache_directory(), source_files(path))
    if not pack.exists():
        return 0
    freed = pack.stat().st_size
    pack.unlink()
    return freed
