"""Writes `docs/models.md`, which models of other programs' lists Galop loads: `python docs/make_models.py`.

The lists are data (`models.json`, with source and date); which architectures load is asked of the code. With `--check`
it only says whether the page is what it would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from galop.models import FAMILIES, INSTEAD
from galop.models.from_file import ARCHITECTURES
from galop.models.vision import TOWERS

HERE = Path(__file__).parent
PAGE = HERE / "models.md"
INTRO = """\
# Which models load

The models of other programs' lists up to 40 B, by the architecture that their GGUF files name, and what Galop does with
such a file. This page is made from [the lists](models.json) and from the families in the code: `python
docs/make_models.py`. "loads" says that the architecture is one that Galop runs, not that each of these files was tried:
no hub was at hand. [The README](../README.md#what-works) names the real weights that were run; the other families are
held to transformers' logits on random weights. "sees" says that the tower of its makers is run too, from the mmproj
file beside it, from the same file where Ollama's converter put it, or from a checkpoint; of other models with eyes
the text is loaded, and images are refused by name.
"""
# The architectures of texts that towers see for, but for Llama's, which are those of many towers that are not run.
SEEING = {FAMILIES[kind].gguf.architecture for tower in TOWERS for kind in tower.text_types} - {"llama"}
UNSURE = "Architectures were assigned by hand, from what is known of each model; those with a question mark are unsure."


def verdict(model: dict[str, Any]) -> tuple[str, str]:
    """Whether a model loads ("yes", "in part", "no", or "larger"), and the words for the page."""
    unknown = [name for name in model["architectures"] if name not in ARCHITECTURES]
    if model.get("over_40b"):
        return "larger", "all of its sizes are above 40 B" + (" and its architecture is not run" if unknown else "")
    refused = "; ".join(reason(name) for name in unknown)
    if len(unknown) == len(model["architectures"]):
        return "no", f"no: {refused}"
    words = "loads"
    if model.get("sees"):
        words = "loads and sees" if SEEING.issuperset(model["architectures"]) else "loads, for text; images are refused"
    return ("in part", f"{words}; not its files of `{'`, `'.join(unknown)}`") if unknown else ("yes", words)


def reason(architecture: str) -> str:
    """Why files of an architecture are refused."""
    instead = INSTEAD.get(architecture)
    return f"`{architecture}` is not run" + (f"; {instead}" if instead else "")


def table(models: list[dict[str, Any]]) -> Iterator[str]:
    """A row for each model."""
    yield "| model | architecture | |"
    yield "| --- | --- | --- |"
    for model in models:
        names = ", ".join(model["architectures"]) + (" ?" if model.get("unsure") else "")
        yield f"| {model['name']} | {names} | {verdict(model)[1]} |"


def page() -> str:
    """The whole page: a summary, then a table for each list."""
    data = json.loads((HERE / "models.json").read_text())
    lines = [INTRO, "| list | up to 40 B | load | in part | do not |", "| --- | ---: | ---: | ---: | ---: |"]
    for part in data["lists"]:
        found = [verdict(model)[0] for model in part["models"]]
        counts = [found.count(kind) for kind in ("yes", "in part", "no")]
        lines.append(f"| {part['title']} | {sum(counts)} | {' | '.join(map(str, counts))} |")
    lines += ["", UNSURE, ""]
    for part in data["lists"]:
        lines += [f"## {part['title']}", "", f"Of {part['date']}, from {part['source']}.", ""]
        lines += [*table(part["models"]), ""]
    known = data["architectures"]
    here = [name for name in known["names"] if name in ARCHITECTURES]
    rest = [name for name in known["names"] if name not in ARCHITECTURES]
    more = sorted(ARCHITECTURES.keys() - set(known["names"]))
    lines += [f"## {known['title']}", "", f"From {known['source']}.", ""]
    lines += [f"Run ({len(here) + len(more)}): {', '.join(sorted(here + more))}.", ""]
    lines += [f"Not run ({len(rest)}): {', '.join(sorted(rest))}.", ""]
    lines += ["Refused with what to take in their place: " + "; ".join(f"{k}: {v}" for k, v in INSTEAD.items()) + "."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit("docs/models.md is not what the code says: run python docs/make_models.py")
