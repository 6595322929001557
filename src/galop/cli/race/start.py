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
from galop.race.contender import Contender, ContenderError
from galop.race.place import Place
from galop.race.question import Question
from galop.race.record import Line, Record, RecordError


def open_record(out: Path | None, about: Line, questions: Sequence[Question], names: Sequence[str]) -> Record:
    """The record of this race: the one that was not ended, else a new one. Raises RecordError."""
    identity = record.identity(about, questions, names)
    if out is None:
        if found := record.find_unfinished(identity):
            note(f"going on with {found.folder.name}")
            return found
        out = record.new_folder(str(about["set"]))
    elif (out / "race.json").exists():
        found = Record.load(out)
        if found.about.get("identity") != identity:
            raise RecordError(f"{out} holds another race; take another --out, or ask for the same lanes and questions")
        note(f"going on with {out}")
        return found
    return Record.create(out, about, questions, names)


def parse_dollars(text: str) -> float | None:
    """`2usd`, `$2` or `2`; None for an empty text. Raises ContenderError."""
    if not text:
        return None
    try:
        amount = float(text.lower().strip().removeprefix("$").removesuffix("usd").removesuffix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e9:
        raise ContenderError(f"--budget {text} is no amount such as 2usd")
    return amount


def check_prices(contenders: Sequence[Contender], names: Sequence[str], dollars: float | None, on: str) -> None:
    """Raises ContenderError for a model behind an interface of no known cost, where a budget has to hold."""
    if dollars is not None and on.startswith(runner.INSPECT):
        raise ContenderError("inspect-ai asks in its own way, so no budget can hold; leave out --budget")
    for contender, name in zip(contenders, names, strict=True):
        if dollars is None or not contender.is_remote or contender.vendor in ("url", "ollama"):
            continue
        offer = registry().offers.get((contender.vendor, contender.model))
        if offer is None or offer.price is None:
            raise ContenderError(f"the registry knows no price of {name}, so no budget can hold; leave out --budget")


def note_ended(contenders: Sequence[Contender], names: Sequence[str]) -> None:
    """Tells of models that the registry knows to be gone: another may answer under their name, or none."""
    for contender, name in zip(contenders, names, strict=True):
        offer = registry().offers.get((contender.vendor, contender.model))
        if offer and offer.ends and offer.ends <= time.strftime("%Y-%m-%d"):
            other = f"; {offer.replaced_by} answers to its name" if offer.redirects else ""
            note(f"galop: {name} ended on {offer.ends}, followed by {contender.vendor}:{offer.replaced_by}{other}")


def fetch(contenders: Sequence[Contender], yes: bool, questions: Sequence[Question]) -> None:
    """Downloads and packs the models of this machine, before any lane starts."""
    for contender in contenders:
        if not contender.is_remote and not (source := store.resolve(store.locate(contender.model))).path:
            confirm_download(source, yes)
    with progress_bar() as progress:
        runner.fetch_models(contenders, progress, any(question.images for question in questions))


def open_places(race: Record) -> list[Place]:
    """The nodes of the joined cluster that take part in a race. Raises ClusterError, RecordError."""
    from galop.race.node_places import open_nodes

    return open_nodes(race, [index for index in range(len(race.contenders)) if race.missing_answers(index)])
