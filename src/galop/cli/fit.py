"""`galop fit`: what fits this machine, and what to take."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict

from galop.cli.progress import progress_bar
from galop.cli.run import note
from galop.machine import available_memory
from galop.measure import fit
from galop.store import catalogue


def show_fit(task: str, context: int, memory: int | None, json: bool) -> None:
    budget = memory or available_memory()
    with progress_bar() as progress:
        fits = fit.all_fits(context, budget, progress)
    raced = fit.recorded(task)
    by_name = {f.name: f for f in fits}
    for row in raced:
        alias = catalogue.aliases().get(str(row["model"]), str(row["model"]))
        row["rate"] = by_name[alias].rate if alias in by_name else None
        row["fits"] = by_name[alias].fits if alias in by_name else None
    best = next((row for row in raced if row["fits"]), None)
    if json:
        rows = [asdict(f) for f in fits]
        print(jsonlib.dumps({"memory": budget, "context": context, "models": rows, "raced": raced, "take": best}))
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
