"""`galop race history`: how far open models are behind closed ones, race by race."""

from __future__ import annotations

import json
from typing import Any

from galop.cli.group import command_app, examples
from galop.cli.options import Json
from galop.cli.screen import note

app = command_app()


@app.command(epilog=examples("galop race history"))
def history(as_json: Json = False) -> None:
    """Best open against best closed model over all recorded races."""
    from galop.race import record, report
    from galop.race.summary import summary

    rows = report.history_rows([(r, summary(r)) for r in record.list_records()])
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    if not rows:
        note("no race has been recorded yet; begin one with: galop race MODEL MODEL --on science")
        return
    path = record.races_directory() / "history.html"
    record.replace_file(path, report.render_history(rows))
    for row in rows:
        print(f"{row['begun'][:10]}  {row['set']}: open {best(row['open'])}, closed {best(row['closed'])}")
    note(f"report: {path}")


def best(entry: dict[str, Any] | None) -> str:
    from galop.cli.race.table import percent

    return f"{entry['name']} {percent(entry['accuracy'])}" if entry else "-"
