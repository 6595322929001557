"""`galop fit`: what fits this machine, and what to take."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import Json, Memory, parse_size
from galop.cli.screen import note, progress_bar
from galop.machine import available_memory

app = command_app()


@app.command(epilog=examples("galop fit", "galop fit --task reasoning --memory 4GiB", "galop fit --json"))
def fit(
    task: Annotated[str, typer.Option(help="Recommend by the recorded races on this set.", metavar="SET")] = "science",
    context: Annotated[int, typer.Option(help="Tokens a conversation may take.", metavar="TOKENS", min=512)] = 8192,
    memory: Memory = "",
    as_json: Json = False,
) -> None:
    """Tell which models fit this machine, how fast they should be, and which to take for a task."""
    from galop.measure.fit import all_fits
    from galop.race.summary import standings
    from galop.store import catalogue

    budget = parse_size(memory) or available_memory()
    with progress_bar() as progress:
        fits = all_fits(context, budget, progress)
    raced = standings(task)
    by_name = {f.name: f for f in fits}
    for row in raced:
        alias = catalogue.aliases().get(str(row["model"]), str(row["model"]))
        row["rate"] = by_name[alias].rate if alias in by_name else None
        row["fits"] = by_name[alias].fits if alias in by_name else None
    best = next((row for row in raced if row["fits"]), None)
    if as_json:
        rows = [asdict(f) for f in fits]
        print(json.dumps({"memory": budget, "context": context, "models": rows, "raced": raced, "take": best}))
        return
    width = max(len(f.name) for f in fits)
    print(f"{'model':{width}}  {'memory':>9}  {'predicted':>11}  ")
    for f in sorted(fits, key=lambda f: (not f.fits, f.memory)):
        where = "here" if f.here else ""
        state = where if f.fits else "does not fit"
        print(f"{f.name:{width}}  {f.memory / 2**30:5.1f} GiB  {f.rate:5.1f} tok/s  {state}".rstrip())
    note(f"with a context of {context} tokens in {budget / 2**30:.1f} GiB; rates from the memory's read speed just now")
    if best:
        share = best["accuracy"]
        print(f"\nfor {task}: {best['lane']}, {100 * share['estimate']:.0f} % right ({100 * share['low']:.0f} to "
              f"{100 * share['high']:.0f}) of {best['questions']} questions in {best['race']}")  # fmt: skip
    else:
        models = [f.name for f in fits if f.here and f.fits][:3]
        lanes = " ".join(models) or "MODEL MODEL"
        note(f"no race on {task} has been recorded here; to know which answers best: galop race {lanes} --on {task}")
