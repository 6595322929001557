"""Before a race: its budget, its models and its record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from galop import store
from galop.backends.registry import registry
from galop.cli.load import confirm_download
from galop.cli.screen import note, progress_bar
from galop.race import record
from galop.race import run as runner
from galop.race.lane import LaneError, Spec
from galop.race.record import Line, Record, RecordError
from galop.race.sets import Question


def open_record(out: Path | None, about: Line, questions: Sequence[Question], names: Sequence[str]) -> Record:
    """The record of this race: the one that was not ended, else a new one. Raises RecordError."""
    identity = record.identity(about, questions, names)
    if out is None:
        if found := record.unfinished(identity):
            note(f"going on with {found.folder.name}")
            return found
        out = record.fresh_folder(str(about["set"]))
    elif (out / "race.json").exists():
        found = Record.read(out)
        if found.about.get("identity") != identity:
            raise RecordError(f"{out} holds another race; take another --out, or ask for the same lanes and questions")
        note(f"going on with {out}")
        return found
    return Record.create(out, about, questions, names)


def parse_dollars(text: str) -> float | None:
    """`2usd`, `$2` or `2`; None for an empty text. Raises LaneError."""
    if not text:
        return None
    try:
        amount = float(text.lower().strip().removeprefix("$").removesuffix("usd").removesuffix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e9:
        raise LaneError(f"--budget {text} is no amount such as 2usd")
    return amount


def check_prices(specs: Sequence[Spec], names: Sequence[str], dollars: float | None, on: str) -> None:
    """Raises LaneError for a model behind an interface whose cost could not be told, where a budget has to hold."""
    if dollars is not None and on.startswith(runner.INSPECT):
        raise LaneError("inspect-ai asks in its own way, so no budget can hold; leave out --budget")
    for spec, name in zip(specs, names, strict=True):
        if dollars is None or not spec.remote or spec.vendor in ("url", "ollama"):
            continue
        offer = registry().offers.get((spec.vendor, spec.model))
        if offer is None or offer.price is None:
            raise LaneError(f"the registry knows no price of {name}, so no budget can hold; leave out --budget")


def note_ended(specs: Sequence[Spec], names: Sequence[str]) -> None:
    """Tells of models that the registry knows to be gone: another may answer under their name, or none."""
    for spec, name in zip(specs, names, strict=True):
        offer = registry().offers.get((spec.vendor, spec.model))
        if offer and offer.ends and offer.ends <= time.strftime("%Y-%m-%d"):
            other = f"; {offer.replaced_by} answers to its name" if offer.redirects else ""
            note(f"galop: {name} ended on {offer.ends}, followed by {spec.vendor}:{offer.replaced_by}{other}")


def fetch(specs: Sequence[Spec], yes: bool) -> None:
    """Downloads and packs the models of this machine, before any lane starts."""
    for spec in specs:
        if not spec.remote and not (source := store.settle(store.locate(spec.model))).path:
            confirm_download(source, yes)
    with progress_bar() as progress:
        runner.prepared(specs, progress)
