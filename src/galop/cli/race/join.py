"""`galop race join`: several races as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from galop.cli.group import command_app, examples
from galop.cli.screen import note

app = command_app()


@app.command(epilog=examples("galop race join monday tuesday --out both"))
def join(
    names: Annotated[list[str], typer.Argument(metavar="RACE...", help="Races' names or folders.")],
    out: Annotated[Path | None, typer.Option(help="Where the joined race is kept.", metavar="FOLDER")] = None,
) -> None:
    """Make one race of several that asked the same questions, of all or of some lanes."""
    from galop.cli.race.table import print_table, write_report
    from galop.race import record
    from galop.race.merge import merge_lanes
    from galop.race.record import Record, RecordError
    from galop.race.summary import summary

    races = [record.find_record(name) for name in names]
    first = races[0]
    for other in races[1:]:
        if [q.to_json() for q in other.questions] != [q.to_json() for q in first.questions]:
            raise RecordError(
                f"{other.folder.name} asked other questions than {first.folder.name}; only like is joined"
            )
    lanes = list(dict.fromkeys(lane.name for race in races for lane in race.contenders if lane.answers))
    if not lanes:
        raise RecordError("none of these races has an answer yet; let one of them go on first")
    folder = out or record.new_folder(f"{first.about['set']} joined")
    if (folder / "race.json").exists():
        raise RecordError(f"{folder} holds a race already; take another --out")
    together = max(int(r.about["together"]) for r in races)
    about = {k: v for k, v in first.about.items() if k not in ("format", "lanes", "identity")} | {"together": together}
    joined = Record.create(folder, about, first.questions, lanes)
    for index, name in enumerate(lanes):
        joined.add_all(index, merge_lanes(races, name))
    joined = Record.load(folder)
    found = summary(joined)
    print_table(found)
    note(f"report: {write_report(joined, found)}")
