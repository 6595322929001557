"""`galop race`: the race at a terminal, and its records."""

from __future__ import annotations

import json as jsonlib
import shutil
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galop.cli.progress import progress_bar
from galop.cli.run import consent, note
from galop.machine import private, processor
from galop.race import record, report, run, sets
from galop.race.lane import LaneError, Spec
from galop.race.record import Line, Record, RecordError
from galop.race.summary import summary
from galop.terminal import BOLD, as_it_is, console, tell, visible
from galop.version import __version__

WIDTH = 24  # characters of a lane's course


def race_models(
    names: list[str],
    on: str,
    limit: int,
    seed: int,
    language: sets.Language,
    together: int,
    budget: str,
    out: Path | None,
    open_page: bool,
    json: bool,
    yes: bool,
) -> None:
    specs = [Spec.named(name) for name in names]
    if len(set(names)) < len(names):
        raise LaneError(f"{next(n for n in names if names.count(n) > 1)} is there twice; a lane races once")
    dollars = dollars_of(budget)
    check_prices(specs, names, dollars, on)
    questions = sets.questions(on, limit, seed, language)
    about = {
        "set": on, "seed": seed, "language": language, "together": together, "version": __version__,
        "machine": processor(), "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }  # fmt: skip
    warn_of_ended(specs, names)
    fetch(specs, yes)
    race = begun(out, about, questions, names)
    stopped = ""
    with race.held(), course(race, quiet=json) as tell:
        try:
            fallen = run.run(race, dollars, tell)
        except KeyboardInterrupt:
            stopped = "stopped; the same command goes on"
        except run.BudgetSpent as error:
            stopped = str(error)
    found = summary(race)
    report = write_page(race, found)
    if json:
        print(jsonlib.dumps(found, ensure_ascii=False))
    else:
        show_table(found)
        note(f"report: {report}")
    if stopped:
        note(f"galop: {stopped}")
        sys.exit(130 if stopped.startswith("stopped") else 1)
    for index, why in fallen.items():
        note(f"galop: {names[index]} fell out: {why}")
    if not race.finished:
        missing = sum(len(race.left(i)) for i in range(len(race.lanes)))
        note(
            f"galop: {missing} answer{'s are' if missing > 1 else ' is'} missing; the same command asks for them again"
        )
        sys.exit(1)
    if open_page:
        webbrowser.open(report.resolve().as_uri())


def begun(out: Path | None, about: Line, questions: Sequence[sets.Question], names: Sequence[str]) -> Record:
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


def dollars_of(text: str) -> float | None:
    """`2usd`, `$2` or `2`. Raises GalopError."""
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
    from galop.backends.registry import registry

    if dollars is not None and on.startswith(run.INSPECT):
        raise LaneError("inspect-ai asks in its own way, so no budget can hold; leave out --budget")
    for spec, name in zip(specs, names, strict=True):
        if dollars is None or not spec.remote or spec.vendor in ("url", "ollama"):
            continue
        offer = registry().offers.get((spec.vendor, spec.model))
        if offer is None or offer.price is None:
            raise LaneError(f"the registry knows no price of {name}, so no budget can hold; leave out --budget")


def warn_of_ended(specs: Sequence[Spec], names: Sequence[str]) -> None:
    """Tells of models that the registry knows to be gone: another may answer under their name, or none."""
    from galop.backends.registry import registry

    for spec, name in zip(specs, names, strict=True):
        offer = registry().offers.get((spec.vendor, spec.model))
        if offer and offer.ends and offer.ends <= time.strftime("%Y-%m-%d"):
            other = f"; {offer.replaced_by} answers to its name" if offer.redirects else ""
            note(f"galop: {name} ended on {offer.ends}, followed by {spec.vendor}:{offer.replaced_by}{other}")


def fetch(specs: Sequence[Spec], yes: bool) -> None:
    from galop import store

    for spec in specs:
        if not spec.remote and not (source := store.settle(store.locate(spec.model))).path:
            consent(source, yes)
    with progress_bar() as progress:
        run.prepared(specs, progress)


@contextmanager
def course(race: Record, quiet: bool) -> Iterator[run.Tell]:
    """Where each lane is, drawn at a terminal; elsewhere a line for each quarter."""
    if quiet or not sys.stderr.isatty():
        yield (lambda index, line: None) if quiet else by_quarter(race)
        return
    from rich.live import Live

    out: dict[int, str] = {}
    started = time.monotonic()
    drawn_on = console(sys.stderr)
    with Live(
        console=drawn_on, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    ) as live:

        def draw(index: int, line: Line) -> None:
            if "out" in line:
                out[index] = line["out"]
            live.update(positions(race, out, time.monotonic() - started, drawn_on.width), refresh=True)

        draw(-1, {})
        yield draw


def positions(race: Record, out: dict[int, str], seconds: float, width: int) -> Any:
    """The lanes as they stand."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    total = len(race.questions)
    for index, lane in enumerate(race.lanes):
        done = [line for line in lane.answers.values() if not line.get("error")]
        right = sum(line["right"] for line in done)
        at = WIDTH * len(done) // max(total, 1)
        bar = Text("━" * at + "●" + "┄" * (WIDTH - at), "red" if index in out else "green")
        said = f"{len(done)}/{total}  {right} right" + (f"  out: {out[index]}" if index in out else "")
        said = visible(said)[: max(20, width - WIDTH - 40)]
        table.add_row(visible(lane.name), bar, Text(said, overflow="ellipsis", no_wrap=True))
    table.add_row(Text(f"{seconds:.0f} s", "dim"))
    return table


def by_quarter(race: Record) -> run.Tell:
    told: dict[int, int] = {}

    def tell(index: int, line: Line) -> None:
        lane = race.lanes[index]
        done = [x for x in lane.answers.values() if not x.get("error")]
        quarter = 4 * len(done) // max(1, len(race.questions))
        if quarter > told.get(index, 0):
            told[index] = quarter
            note(f"{lane.name}: {len(done)} of {len(race.questions)}, {sum(x['right'] for x in done)} right")

    return tell


def write_page(race: Record, found: dict[str, Any]) -> Path:
    path = race.folder / "report.html"
    try:
        record.write(path, report.html(race, found))
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror}") from None
    return path


def show_race(name: str, meter: Path | None, open_page: bool, json: bool) -> None:
    """The report of a recorded race, drawn again from its folder."""
    race = record.named(name)
    if meter:
        from galop.measure.energy import WallMeter

        WallMeter(meter)
        shutil.copyfile(meter, race.folder / "meter.csv")
    found = summary(race)
    report = write_page(race, found)
    if json:
        print(jsonlib.dumps(found, ensure_ascii=False))
        return
    show_table(found)
    note(f"report: {report}")
    if open_page:
        webbrowser.open(report.resolve().as_uri())


def list_races(json: bool) -> None:
    races = record.recorded()
    rows: list[dict[str, Any]] = [
        {"name": r.folder.name, "set": r.about.get("set"), "questions": len(r.questions), "begun": r.about.get("begun"),
         "finished": r.finished, "lanes": [lane.name for lane in r.lanes], "folder": str(r.folder)}
        for r in races
    ]  # fmt: skip
    if json:
        print(jsonlib.dumps(rows, indent=1, ensure_ascii=False))
    elif not rows:
        note("no race has been recorded yet; begin one with: galop race MODEL MODEL --on science")
    else:
        for row in rows:
            state = "" if row["finished"] else "  (not finished)"
            print(f"{row['name']}  {row['questions']} questions of {row['set']}: {', '.join(row['lanes'])}{state}")


def join_races(names: Sequence[str], out: Path | None) -> None:
    """Lanes of several races on the same questions, as one race; of those that several have, the one furthest on."""
    races = [record.named(name) for name in names]
    first = races[0]
    for other in races[1:]:
        if [q.written() for q in other.questions] != [q.written() for q in first.questions]:
            raise RecordError(
                f"{other.folder.name} asked other questions than {first.folder.name}; only like is joined"
            )
    lanes: dict[str, Path] = {}
    answers: dict[str, int] = {}
    for race in races:
        for at, lane in enumerate(race.lanes):
            if len(lane.answers) > answers.get(lane.name, 0):
                lanes[lane.name], answers[lane.name] = race.path(at), len(lane.answers)
    if not lanes:
        raise RecordError("none of these races has an answer yet; let one of them go on first")
    folder = out or record.fresh_folder(f"{first.about['set']} joined")
    if (folder / "race.json").exists():
        raise RecordError(f"{folder} holds a race already; take another --out")
    together = max(int(r.about["together"]) for r in races)
    about = {k: v for k, v in first.about.items() if k not in ("format", "lanes", "identity")} | {"together": together}
    joined = Record.create(folder, about, first.questions, list(lanes))
    for index, path in enumerate(lanes.values()):
        with path.open("rb") as answered, open(joined.path(index), "wb", opener=private) as copy:
            shutil.copyfileobj(answered, copy)
    joined = Record.read(folder)
    found = summary(joined)
    show_table(found)
    note(f"report: {write_page(joined, found)}")


def export_race(name: str, answers: bool) -> None:
    """A CSV on standard output: a line for each lane, or for each answer."""
    race = record.named(name)
    found = summary(race)
    print(sets.csv_text(answer_rows(race) if answers else lane_rows(found)), end="", file=as_it_is(sys.stdout))


def lane_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    figures = (
        "rank name answered errors rate first_token_seconds seconds tokens thinking_tokens calls memory joules usd "
        "usd_spent cut_off no_answer strength"
    ).split()
    shares = {"right": "estimate", "right_low": "low", "right_high": "high"}
    return [
        {
            **{name: lane.get(name) for name in figures},
            **{name: (lane["accuracy"] or {}).get(of) for name, of in shares.items()},
        }
        for lane in found["lanes"]
    ]


def answer_rows(race: Record) -> list[dict[str, Any]]:
    fields = (
        "right value slip tokens thinking_tokens seconds first_token_seconds memory joules usd answered_by error"
    ).split()
    return [
        {"lane": lane.name, "id": q.id, "kind": q.kind, "part": q.part, "language": q.language, "wanted": q.answer,
         "unit": q.unit, **{k: lane.answers[q.id].get(k) for k in fields}, "text": lane.answers[q.id].get("text", "")}
        for lane in race.lanes for q in race.questions if q.id in lane.answers
    ]  # fmt: skip


def history(json: bool) -> None:
    """Best open against best closed, race by race."""
    rows = report.history_rows([(r, summary(r)) for r in record.recorded()])
    if json:
        print(jsonlib.dumps(rows, indent=1, ensure_ascii=False))
        return
    if not rows:
        note("no race has been recorded yet; begin one with: galop race MODEL MODEL --on science")
        return
    path = record.races_directory() / "history.html"
    record.write(path, report.history_html(rows))
    for row in rows:
        print(f"{row['begun'][:10]}  {row['set']}: open {best(row['open'])}, closed {best(row['closed'])}")
    note(f"report: {path}")


def best(entry: dict[str, Any] | None) -> str:
    return f"{entry['name']} {percent(entry['accuracy'])}" if entry else "-"


def percent(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "-"
    return f"{100 * interval['estimate']:.0f} % ({100 * interval['low']:.0f} to {100 * interval['high']:.0f})"


COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "": lambda r: str(r["rank"] or "-"),
    "lane": lambda r: r["name"],
    "right (95 %)": lambda r: percent(r["accuracy"]),
    "tok/s": lambda r: figure(r.get("rate"), 1),
    "first token": lambda r: figure(r.get("first_token_seconds"), 2, " s"),
    "per answer": lambda r: figure(r.get("seconds"), 1, " s"),
    "tokens": lambda r: figure(r.get("tokens"), 0),
    "memory": lambda r: figure(r["memory"] / 2**20 if r.get("memory") else None, 0, " MiB"),
    "energy": lambda r: figure(r.get("joules"), 0, " J") if r.get("joules") is not None else "not measured",
    "cost": lambda r: figure(r.get("usd_spent"), 4, " $") if r["about"].get("kind") == "closed" else "-",
}


def figure(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:,.{digits}f}{unit}"


def show_table(found: dict[str, Any]) -> None:
    head, rest = table(found).split("\n", 1)
    tell(head, BOLD, sys.stdout)
    print(rest)


def table(found: dict[str, Any]) -> str:
    """What is told at a terminal."""
    lanes = sorted(found["lanes"], key=lambda r: (r["rank"] or 99, -(r["accuracy"] or {"estimate": 0})["estimate"]))
    rows = [list(COLUMNS), *([visible(cell(row)) for cell in COLUMNS.values()] for row in lanes)]
    shown = [i for i in range(len(COLUMNS)) if i < 3 or any(row[i] not in ("-",) for row in rows[1:])]
    widths = [max(len(row[i]) for row in rows) for i in shown]
    lines = [
        "  ".join(row[i].ljust(w) if i < 2 else row[i].rjust(w) for i, w in zip(shown, widths, strict=True)).rstrip()
        for row in rows
    ]
    names = [lane["name"] for lane in found["lanes"]]
    lines += ["", *(sentence(pair, names) for pair in found["pairs"])]
    return "\n".join(lines).rstrip()


def sentence(pair: dict[str, Any], names: Sequence[str]) -> str:
    gain, first, second = pair["difference"], names[pair["first"]], names[pair["second"]]
    if gain["estimate"] < 0:
        first, second = second, first
        gain = {"estimate": -gain["estimate"], "low": -gain["high"], "high": -gain["low"]}
    points = f"{signed(gain['estimate'])} points ({signed(gain['low'])} to {signed(gain['high'])})"
    if pair["apart"]:
        return f"{first} is ahead of {second}: {points}, p = {pair['corrected']:.2g}"
    more = f"; about {pair['needed']:,} questions would tell" if pair["needed"] else ""
    return f"{first} and {second}: no difference shown, {points}{more}"


def signed(share: float) -> str:
    """In points, and nought is not negative."""
    return f"{round(100 * share):+d}"
