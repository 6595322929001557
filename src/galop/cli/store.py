"""`galop pull`, `list`, `show` and `rm`."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import Any

from galop import store
from galop.cli.progress import progress_bar
from galop.cli.run import consent
from galop.errors import ModelFileError, UnknownModelError
from galop.machine import cache_directory, default_threads
from galop.store import Source, catalogue
from galop.terminal import console, visible


def pull_model(name: str, yes: bool) -> None:
    source = store.settle(store.locate(name))
    if source.path:
        print(source.path)
        return
    consent(source, yes)
    with progress_bar() as progress:
        path = store.fetch(source, progress)
    print(path)


def list_models(everything: bool, json: bool) -> None:
    from galop.weights.files import weight_bytes

    rows: list[dict[str, Any]] = []
    for entry in catalogue.entries().values():
        path = store.locate(entry.name).path
        if path or everything:
            rows.append(
                {
                    "name": entry.name,
                    "parameters": entry.parameters,
                    "bytes": entry.bytes,
                    "licence": entry.licence,
                    "path": str(path) if path else None,
                    "runnable": entry.runnable,
                    "why_not": entry.why_not,
                    "from": "galop"
                    if entry.bundled
                    else "packages, hub"
                    if entry.packages and entry.gguf_repo
                    else "packages"
                    if entry.packages
                    else "hub",
                    "link": entry.link,
                }
            )
    listed = {row["path"] for row in rows}
    for repo, path in store.hub.cached_models():
        if str(path) not in listed:
            name = f"hf:{repo}" if path.is_dir() else str(path)
            rows.append(
                {
                    "name": name, "parameters": 0, "bytes": weight_bytes(path), "licence": "", "path": str(path),
                    "runnable": True, "why_not": "", "from": "hub", "link": f"https://huggingface.co/{repo}",
                }
            )  # fmt: skip
    packs: list[dict[str, Any]] = [
        {"path": str(p), "bytes": p.stat().st_size} for p in sorted(cache_directory().glob("*.pack"))
    ]
    if json:
        print(jsonlib.dumps({"models": rows, "packs": packs}, indent=1))
        return
    # Without a hub, what only a hub has is folded into one line.
    folded = everything and not store.hub.reachable()
    shown = [r for r in rows if r["path"] or not folded or "packages" in r["from"]]
    if shown:
        table(shown)
    else:
        print("no models here yet; get one with: galop pull smollm2:135m (galop list --all shows all)")
    if len(rows) > len(shown):
        print(f"... and {len(rows) - len(shown)} models that need a hub, which does not answer now")
    if packs:
        total = sum(p["bytes"] for p in packs)
        print(f"{len(packs)} packed models in {cache_directory()} take {total / 1e9:.2f} GB, made anew when needed")


def table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for title, justify in (
        ("name", "left"),
        ("parameters", "right"),
        ("size", "right"),
        ("licence", "left"),
        ("where", "left"),
    ):
        grid.add_column(title, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        where = row["path"] or row["from"]
        cells = (
            row["name"],
            catalogue.human_count(row["parameters"]) if row["parameters"] else "",
            f"{row['bytes'] / 1e9:.2f} GB",
            row["licence"],
            where if row["runnable"] else f"not runnable yet: {row['why_not']}",
        )
        grid.add_row(*map(visible, cells))
    console(sys.stdout, width=None if sys.stdout.isatty() else 200).print(grid)


def show_model(name: str, plan: bool, verify: bool, context: int | None, json: bool) -> None:
    from galop.backends.load import DEFAULT_CONTEXT, memory_needed, open_pack

    source = store.locate(name)
    if not source.path:
        describe_entry(source, json)
        return
    with progress_bar() as progress:
        pack, traced = open_pack(source.path, cache_directory(), default_threads(), progress)
    if plan:
        print(traced)
        return
    card = pack.card
    length = context or min(DEFAULT_CONTEXT, int(card.config["max_position_embeddings"]))
    needed = memory_needed(pack, traced, length)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(card.kinds.items(), key=lambda k: -k[1]))
    facts: dict[str, Any] = {
        "name": source.name,
        "title": card.name,
        "path": str(source.path),
        "architecture": card.config["model_type"],
        "parameters": card.parameters,
        "tensors": kinds,
        "bytes": card.source_bytes,
        "longest_context": card.config["max_position_embeddings"],
        "memory": {**needed, "context": length, "total": sum(needed.values())},
        "licence": (source.entry.licence if source.entry else "") or card.licence or "not stated",
        "about": source.entry.about if source.entry else "",
        "link": source.entry.link if source.entry else "",
        "sampling": source.entry.sampling if source.entry else card.generation,
        "template": card.chat_template,
        "pack": str(pack.path) if pack.path else "in memory",
    }
    if verify:
        damaged = pack.damaged()
        facts["verified"] = True
        if damaged:
            raise ModelFileError(
                f"{pack.path}: {damaged[0]} does not match its checksum; delete the file, it is made anew"
            )
    if json:
        print(jsonlib.dumps(facts, indent=1, ensure_ascii=False))
        return
    memory = ", ".join(f"{what} {n / (1 << 20):.0f} MiB" for what, n in needed.items())
    lines = {
        "model": f"{source.name} ({card.name})",
        "file": facts["path"],
        "architecture": f"{facts['architecture']}, {catalogue.human_count(card.parameters)} parameters",
        "tensors": f"{kinds}: {card.source_bytes / 1e6:.0f} MB",
        "context": f"up to {facts['longest_context']} tokens",
        "memory": f"{sum(needed.values()) / (1 << 20):.0f} MiB at {length} tokens: {memory}",
        "licence": facts["licence"],
        "about": facts["about"],
        "link": facts["link"],
        "sampling": "; ".join(f"{mode}: {values}" for mode, values in facts["sampling"].items()),
        "pack": facts["pack"],
        "template": (card.chat_template or "none").strip(),
    }
    if verify:
        lines["verified"] = "every checksum matches"
    for title, value in lines.items():
        if value:
            print(f"{title:>12}  {str(value).replace(chr(10), chr(10) + ' ' * 14)}")


def describe_entry(source: Source, json: bool) -> None:
    """What the catalogue says of a model that is not here."""
    entry = source.entry
    if not entry:
        raise UnknownModelError(f"{source.name} is not on this machine; get it with: galop pull {source.name}")
    facts = {
        "name": entry.name,
        "parameters": entry.parameters if json else catalogue.human_count(entry.parameters),
        "bytes": entry.bytes if json else f"{entry.bytes / 1e9:.2f} GB",
        "licence": entry.licence,
        "link": entry.link,
        "file": f"{entry.gguf_repo}/{entry.gguf_file}" if entry.gguf_file else "",
        "packages": store.locate(f"package:{entry.name}").origin if entry.packages else "",
        "runnable": "yes" if entry.runnable else f"not yet: {entry.why_not}",
        "sampling": "; ".join(f"{mode}: {values}" for mode, values in entry.sampling.items()),
        "here": f"no; get it with: galop pull {entry.name}",
    }
    if json:
        print(jsonlib.dumps(facts, indent=1))
        return
    for title, value in facts.items():
        if value:
            print(f"{title:>12}  {value}")


def remove_model(name: str) -> None:
    source = store.locate(name)
    if not source.path:
        raise UnknownModelError(f"{name} is not on this machine")
    freed = store.remove(source)
    kept = "" if source.repo or source.from_packages else " (what was made from it; the file itself is yours and stays)"
    print(f"removed {source.name}{kept}: {freed / 1e6:.0f} MB freed")
