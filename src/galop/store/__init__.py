"""From a name to a file on this machine: catalogue names, `hf:org/repo[:quant]`, `package:NAME`, paths."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from galop.errors import DownloadError, UnknownModelError
from galop.machine import available_memory, cache_directory
from galop.store import catalogue, hub, packages
from galop.store import local as local_stores
from galop.store.catalogue import Entry

if TYPE_CHECKING:
    from galop.weights.pack import Progress

PACK_CAP = 32 << 30  # bytes of packs kept; the least recently used go first
MIN_RATE = 10.0  # tokens per second below which a bigger default model is no favour


@dataclass(frozen=True)
class Source:
    """Where a model is, or where it can be had."""

    name: str
    path: Path | None = None
    entry: Entry | None = None
    repo: str = ""
    file: str = ""
    quantisation: str = ""
    from_packages: bool = False

    def __post_init__(self) -> None:
        """A name is text, whatever bytes a path has: lists, requests and measurements are written in it."""
        object.__setattr__(self, "name", self.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))

    @property
    def origin(self) -> str:
        """Where the weights come from, for a person to judge."""
        if self.from_packages and self.entry and self.entry.packages:
            p = self.entry.packages
            whose = f"a third-party mirror of {p.mirror_of} in" if p.mirror_of else "published in"
            count = f"{len(p.requirements)} packages" if len(p.requirements) > 1 else "the package"
            return f"{whose} {count} {p.requirements[0]}{' ...' if len(p.requirements) > 1 else ''}, SHA-256 {p.sha256}"
        if self.repo:
            return f"the hub repository {self.repo}"
        return str(self.path)


def locate(name: str) -> Source:
    """Finds what a name stands for and whether it is here already. Raises UnknownModelError."""
    if name.startswith("package:"):
        entry = catalogue.find(name.removeprefix("package:"))
        if not entry.packages:
            having = ", ".join(e.name for e in catalogue.entries().values() if e.packages)
            raise UnknownModelError(f"{entry.name} does not come as a package; these do: {having}")
        here = packages.path_of(entry.packages)
        return Source(entry.name, here if here.exists() else None, entry, from_packages=True)
    if match := re.fullmatch(r"(?:hf:|hf\.co/|https://huggingface\.co/)([^:]+?)/?(?::([\w.-]+))?", name):
        return _hub_source(name, match[1], match[2])
    for prefix, models in (("ollama:", local_stores.ollama_models), ("lmstudio:", local_stores.lmstudio_models)):
        if name.startswith(prefix):
            held = dict(models())
            wanted = name.removeprefix(prefix)
            path = held.get(wanted) or held.get(f"{wanted}:latest")
            if path is None:
                has = f"; it has {', '.join(list(held)[:6])}" if held else ""
                raise UnknownModelError(f"{prefix[:-1]} holds no model {wanted!r}{has}")
            return Source(name, path)
    if _is_model_path(name):
        return Source(name, Path(name))
    if name.endswith((".gguf", ".safetensors")) or name.startswith((".", "/", "~")):
        raise UnknownModelError(f"there is no file {name}")
    if match := re.fullmatch(r"([\w.-]+/[\w.-]+)(?::([\w.-]+))?", name):
        return _hub_source(name, match[1], match[2])
    entry = catalogue.find(name)
    if entry.bundled:
        return Source(entry.name, Path(str(files("galop") / entry.bundled)), entry)
    if entry.packages and (here := packages.path_of(entry.packages)).exists():
        return Source(entry.name, here, entry, from_packages=True)
    path = hub.cached(entry.gguf_repo, entry.gguf_file) if entry.gguf_repo else None
    return Source(entry.name, path, entry, entry.gguf_repo, entry.gguf_file)


def local() -> list[Source]:
    """Every model that can be run here without a download."""
    found = [s for e in catalogue.entries().values() if e.runnable and (s := locate(e.name)).path]
    listed = {s.path for s in found}
    for repo, path in hub.cached_models():
        if path not in listed:
            name = repo if path.is_dir() else f"{repo}/{path.name}"
            found.append(Source(name, path, repo=repo))
    found += [Source(f"ollama:{name}", path) for name, path in local_stores.ollama_models()]
    found += [Source(f"lmstudio:{name}", path) for name, path in local_stores.lmstudio_models()]
    return found


def _is_model_path(name: str) -> bool:
    """A question may be too long for a path, hold a NUL, or happen to be the name of some folder here."""
    with contextlib.suppress(OSError, ValueError):
        path = Path(name)
        named = any(c in name for c in "/\\") or name.endswith((".gguf", ".safetensors"))
        return path.exists() and bool(name) and (named or (path / "config.json").exists())
    return False


def _hub_source(name: str, repo: str, quantisation: str | None) -> Source:
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repo) or ".." in repo:
        raise UnknownModelError(f"{repo!r} is not a repository name such as Qwen/Qwen3-0.6B")
    path = hub.cached_gguf(repo, quantisation) or (None if quantisation else hub.cached_snapshot(repo))
    return Source(name, path, repo=repo, quantisation=quantisation or "")


def fetch(source: Source, progress: Progress | None = None) -> Path:
    """The model's file or directory, downloaded if need be. Raises DownloadError, UnknownModelError."""
    if source.path:
        return source.path
    entry = source.entry
    if source.from_packages and entry and entry.packages:
        return packages.fetch(entry.packages, progress)
    if entry:
        return hub.fetch_file(source.repo, source.file)
    file = hub.choose_file(source.repo, source.quantisation or None)
    return hub.fetch_file(source.repo, file) if file else hub.fetch_snapshot(source.repo)


def settle(source: Source) -> Source:
    """For a catalogue name that has both, decides between hub and packages, so that a person can be told which.

    Raises UnknownModelError for a model that is known but cannot be run.
    """
    if source.entry and not source.entry.runnable:
        raise UnknownModelError(
            f"{source.entry.name} is in the catalogue but cannot be run yet: {source.entry.why_not}"
        )
    if source.path or not source.entry or not source.entry.packages or source.from_packages:
        return source
    if source.entry.gguf_repo and hub.reachable():
        return source
    return Source(source.name, None, source.entry, from_packages=True)


def default(memory: int | None = None) -> tuple[Source, str]:
    """The model to run when none is named, within `memory` bytes, and why that one.

    Raises DownloadError if none can be had.
    """
    known = catalogue.entries()
    memory = memory or available_memory()
    free = shutil.disk_usage(_existing(packages.directory())).free

    def fits(entry: Entry) -> bool:
        here = locate(entry.name).path is not None
        return entry.runnable and entry.bytes + (1 << 30) < memory and (here or 2 * entry.bytes + (1 << 30) < free)

    ladder = [known[n] for n in ("qwen3:8b", "qwen3:4b", "qwen3:1.7b", "qwen3:0.6b") if fits(known[n])]
    small = [known[n] for n in ("qwen2.5-coder:0.5b", "smollm2:135m") if fits(known[n])]
    if here := next((s for e in [*ladder, *small] if (s := locate(e.name)).path), None):
        return here, "the best model already on this machine"
    if ladder and hub.reachable():
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


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


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


def remove(source: Source) -> int:
    """Deletes a model's files, whether from packages or in the hub's cache, and its packs; the bytes freed.

    A path given by hand is the user's own file, and what comes with galop is its own: only packs go.
    """
    from galop.weights.files import source_files
    from galop.weights.pack import pack_path

    assert source.path
    freed = 0
    pack = pack_path(cache_directory(), source_files(source.path))
    if pack.exists():
        freed += pack.stat().st_size
        pack.unlink()
    if source.from_packages and source.entry and source.entry.packages:
        freed += packages.remove(source.entry.packages)
    elif source.repo:
        freed += hub.remove(source.repo, source.path)
    return freed
