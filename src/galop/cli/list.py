"""`galop list`: the models that are here or known."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import Json
from galop.cli.screen import console
from galop.machine import cache_directory
from galop.terminal import visible

if TYPE_CHECKING:
    from galop.store import Source
    from galop.store.catalogue import Entry

app = command_app()


@app.command(epilog=examples("galop list", "galop list --all --json"))
def list_models(
    everything: Annotated[bool, typer.Option("--all", help="Also what is not on this machine.")] = False,
    as_json: Json = False,
) -> None:
    """List models on this machine, or all that are known."""
    from galop.store import hub

    rows = catalogue_rows(everything)
    rows += cache_rows({row["path"] for row in rows})
    packs: list[dict[str, Any]] = [
        {"path": str(p), "bytes": p.stat().st_size} for p in sorted(cache_directory().glob("*.pack"))
    ]
    if as_json:
        print(json.dumps({"models": rows, "packs": packs}, indent=1))
        return
    # Without a hub, what only a hub has is folded into one line.
    folded = everything and not hub.is_reachable()
    visible_rows = [r for r in rows if r["path"] or not folded or "packages" in r["from"]]
    if visible_rows:
        print_table(visible_rows)
    else:
        print("no models here yet; get one with: galop pull smollm2:135m (galop list --all shows all)")
    if len(rows) > len(visible_rows):
        print(f"... and {len(rows) - len(visible_rows)} models that need a hub, which does not answer now")
    if packs:
        total = sum(p["bytes"] for p in packs)
        print(f"{len(packs)} packed models in {cache_directory()} take {total / 1e9:.2f} GB, made anew when needed")


def catalogue_rows(everything: bool) -> list[dict[str, Any]]:
    """Models that have a name, those that are here or all."""
    from galop import store
    from galop.store import catalogue

    located = [(entry, store.locate(entry.name)) for entry in catalogue.entries().values()]
    return [
        {
            "name": entry.name, "parameters": entry.parameters, "bytes": entry.bytes, "licence": entry.licence,
            "path": str(source.path) if source.path else None, "runnable": entry.runnable, "why_not": entry.why_not,
            "from": origins(entry), "link": entry.link, "size": catalogue.human_size(entry),
            "sees": sees(source),
        }
        for entry, source in located if source.path or everything
    ]  # fmt: skip


def origins(entry: Entry) -> str:
    """Where a model comes from."""
    if entry.bundled:
        return "galop"
    if entry.packages:
        return "packages, hub" if entry.gguf_repo else "packages"
    return "hub"


def cache_rows(listed: Collection[str]) -> list[dict[str, Any]]:
    """Models in the hub's cache that are not listed yet."""
    from galop.store import Source, hub
    from galop.weights.files import weight_bytes

    return [
        {
            "name": f"hf:{repo}" if path.is_dir() else str(path), "parameters": 0, "bytes": weight_bytes(path),
            "licence": "", "path": str(path), "runnable": True, "why_not": "", "from": "hub",
            "link": f"https://huggingface.co/{repo}", "size": f"{weight_bytes(path) / 1e9:.2f} GB",
            "sees": sees(Source(repo, path)),
        }
        for repo, path in hub.list_models() if str(path) not in listed
    ]  # fmt: skip


def sees(source: Source) -> bool:
    """Whether a model is here and sees pictures; headers are read of those alone that may."""
    from galop.weights.files import may_see

    if not source.path or not may_see(source.path):
        return False
    from galop.store.model_info import find_info

    return find_info(source).sees


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.table import Table

    from galop.store.catalogue import human_count

    table = Table("name", box=None, header_style="bold", pad_edge=False)
    table.add_column("parameters", justify="right")
    table.add_column("size", justify="right")
    table.add_column("sees")
    table.add_column("licence")
    table.add_column("where")
    for row in rows:
        cells = (
            row["name"],
            human_count(row["parameters"]) if row["parameters"] else "",
            row["size"],
            "pictures" if row["sees"] else "",
            row["licence"],
            (row["path"] or row["from"]) if row["runnable"] else f"not runnable yet: {row['why_not']}",
        )
        table.add_row(*map(visible, cells))
    console(sys.stdout, width=None if sys.stdout.isatty() else 200).print(table)
