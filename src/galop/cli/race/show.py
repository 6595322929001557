"""`galop race show`: a recorded race's report, drawn again."""

from __future__ import annotations

import json
import shutil
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import Json, Open, RaceName
from galop.cli.screen import note

app = command_app()


@app.command(epilog=examples("galop race show", "galop race show science-2026-11-25-1 --open"))
def show(
    race: RaceName = "",
    meter: Annotated[
        Path | None, typer.Option(help="A wall meter's CSV with columns time and watts.", metavar="FILE")
    ] = None,
    open_report: Open = False,
    as_json: Json = False,
) -> None:
    """Draw a recorded race's report again; no model is asked."""
    from galop.cli.race.table import print_table, write_report
    from galop.race import record
    from galop.race.summary import summary

    recorded = record.find_record(race)
    if meter:
        from galop.measure.energy import WallMeter

        WallMeter(meter)  # raises for one that cannot be read
        shutil.copyfile(meter, recorded.folder / "meter.csv")
    found = summary(recorded)
    report = write_report(recorded, found)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print_table(found)
    note(f"report: {report}")
    if open_report:
        webbrowser.open(report.resolve().as_uri())
