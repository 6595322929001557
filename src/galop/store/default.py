"""The model to run when none is named."""

from __future__ import annotations

import shutil
from pathlib import Path

from galop.errors import DownloadError
from galop.machine import available_memory
from galop.store import catalogue, hub, packages
from galop.store.catalogue import Entry
from galop.store.source import Source, locate

MIN_RATE = 10.0  # tokens per second below which a bigger default model is no favour


def choose_default(memory: int | None = None) -> tuple[Source, str]:
    """The model to run when none is named, within `memory` bytes, and why that one.

    Raises DownloadError if none can be had.
    """
    known = catalogue.entries()
    memory = memory or available_memory()
    free = shutil.disk_usage(_nearest_existing(packages.directory())).free

    def fits(entry: Entry) -> bool:
        here = locate(entry.name).path is not None
        return entry.runnable and entry.bytes + (1 << 30) < memory and (here or 2 * entry.bytes + (1 << 30) < free)

    ladder = [known[n] for n in ("qwen3:8b", "qwen3:4b", "qwen3:1.7b", "qwen3:0.6b") if fits(known[n])]
    small = [known[n] for n in ("qwen2.5-coder:0.5b", "smollm2:135m") if fits(known[n])]
    if here := next((s for e in [*ladder, *small] if (s := locate(e.name)).path), None):
        return here, "the best model already on this machine"
    if ladder and hub.is_reachable():
        bandwidth = _bandwidth()
        fast = [e for e in ladder if 0.8 * bandwidth / e.gguf_bytes >= MIN_RATE]
        return locate((fast or ladder[-1:])[0].name), f"the best that fits and should give {MIN_RATE:.0f} tok/s here"
    if small:
        why = "no hub answers, and this is the best model that comes as packages at this size"
        short = "memory or disk is short"
        return locate(f"package:{small[0].name}"), why if small[0].name == "qwen2.5-coder:0.5b" else short
    raise DownloadError(
        f"no model fits: {memory >> 20} MiB of memory and {free >> 20} MiB of disk are free, the smallest needs "
        f"{(known['smollm2:135m'].bytes + (1 << 30)) >> 20} MiB of memory"
    )


def _bandwidth() -> float:
    """Bytes per second this machine reads; weights are read once per token."""
    import numpy as np

    from galop import native
    from galop.machine import default_threads

    return native.read_bandwidth(np.ones(128 << 20, np.uint8), default_threads())


def _nearest_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
