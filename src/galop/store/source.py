"""From a name to a file on this machine: catalogue names, `hf:org/repo[:quant]`, `package:NAME`, paths."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from galop.errors import ModelFileError, UnknownModelError
from galop.store import catalogue, hub, other_programs, packages
from galop.store.catalogue import Entry
from galop.store.pack_cache import remove_pack

if TYPE_CHECKING:
    from galop.weights.pack import Progress


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
    mmproj: Path | None = None  # the file of its vision tower, where that is not beside the model's

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
        here = packages.local_path(entry.packages)
        return Source(entry.name, here if here.exists() else None, entry, from_packages=True)
    if match := re.fullmatch(r"(?:hf:|hf\.co/|https://huggingface\.co/)([^:]+?)/?(?::([\w.-]+))?", name):
        return _hub_source(name, match[1], match[2])
    for prefix, models in (("ollama:", other_programs.ollama_models), ("lmstudio:", other_programs.lmstudio_models)):
        if name.startswith(prefix):
            models_there = {there: (path, tower) for there, path, tower in models()}
            wanted = name.removeprefix(prefix)
            found = models_there.get(wanted) or models_there.get(f"{wanted}:latest")
            if found is None:
                has = f"; it has {', '.join(list(models_there)[:6])}" if models_there else ""
                raise UnknownModelError(f"{prefix[:-1]} holds no model {wanted!r}{has}")
            return Source(name, found[0], mmproj=_known_tower(found[1]))
    if _is_model_path(name):
        return Source(name, Path(name))
    if name.endswith((".gguf", ".safetensors")) or name.startswith((".", "/", "~")):
        raise UnknownModelError(f"there is no file {name}")
    if match := re.fullmatch(r"([\w.-]+/[\w.-]+)(?::([\w.-]+))?", name):
        return _hub_source(name, match[1], match[2])
    entry = catalogue.find(name)
    if entry.bundled:
        return Source(entry.name, Path(str(files("galop") / entry.bundled)), entry)
    if entry.packages and (here := packages.local_path(entry.packages)).exists():
        return Source(entry.name, here, entry, from_packages=True)
    if entry.gguf_file or entry.packages:
        path = hub.find_file(entry.gguf_repo, entry.gguf_file) if entry.gguf_file else None
        return Source(entry.name, path, entry, entry.gguf_repo, entry.gguf_file)
    return Source(entry.name, hub.find_snapshot(entry.repo), entry, entry.repo)


def list_local() -> list[Source]:
    """Every model that can be run here without a download."""
    found = [s for e in catalogue.entries().values() if e.runnable and (s := locate(e.name)).path]
    listed = {s.path for s in found}
    for repo, path in hub.list_models():
        if path not in listed:
            name = repo if path.is_dir() else f"{repo}/{path.name}"
            found.append(Source(name, path, repo=repo))
    for prefix, models in (("ollama:", other_programs.ollama_models), ("lmstudio:", other_programs.lmstudio_models)):
        found += [Source(f"{prefix}{name}", path, mmproj=_known_tower(tower)) for name, path, tower in models()]
    return found


@cache
def _known_tower(path: Path | None) -> Path | None:
    """A file of a store that never changes, if it holds a tower that runs here."""
    if path is None:
        return None
    from galop.models.vision.from_file import knows_mmproj

    try:
        return path if knows_mmproj(path) else None
    except (OSError, ModelFileError):
        return None


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
    path = hub.find_gguf(repo, quantisation) or (None if quantisation else hub.find_snapshot(repo))
    return Source(name, path, repo=repo, quantisation=quantisation or "")


def fetch(source: Source, progress: Progress | None = None) -> Path:
    """The model's file or directory, downloaded if need be. Raises DownloadError, UnknownModelError."""
    if source.path:
        return source.path
    entry = source.entry
    if source.from_packages and entry and entry.packages:
        return packages.fetch(entry.packages, progress)
    if entry:
        return hub.fetch_file(source.repo, source.file) if source.file else hub.fetch_snapshot(source.repo)
    file = hub.choose_file(source.repo, source.quantisation or None)
    return hub.fetch_file(source.repo, file) if file else hub.fetch_snapshot(source.repo)


def resolve(source: Source) -> Source:
    """For a catalogue name that has both, decides between hub and packages, so that it can be shown which.

    Raises UnknownModelError for a model that is known but cannot be run.
    """
    if source.entry and not source.entry.runnable:
        raise UnknownModelError(
            f"{source.entry.name} is in the catalogue but cannot be run yet: {source.entry.why_not}"
        )
    if source.path or not source.entry or not source.entry.packages or source.from_packages:
        return source
    if source.entry.gguf_repo and hub.is_reachable():
        return source
    return Source(source.name, None, source.entry, from_packages=True)


def remove(source: Source) -> int:
    """Deletes a model's files, whether from packages or in the hub's cache, and its packs; the bytes freed.

    A path given by hand is the user's own file, and what comes with galop is its own: only packs go.
    """
    assert source.path
    freed = remove_pack(source.path)
    if source.from_packages and source.entry and source.entry.packages:
        freed += packages.remove(source.entry.packages)
    elif source.repo:
        freed += hub.remove(source.repo, source.path)
    return freed
