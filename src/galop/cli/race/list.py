"""`galop race list`: what races have been recorded."""

from __future__ import annotations

import json
from typing import Any

from galop.cli.group import command_app, examples
from galop.cli.options import Json
from galop.cli.screen import note

app = command_app()


@app.command(epilog=examples("galop race list --json"))
def list_races(as_json: Json = False) -> None:
    """List recorded races."""
    from galop.race import record

    rows: list[dict[str, Any]] = [
        {"name": r.folder.name, "set": r.about.get("set"), "questions": len(r.questions), "begun": r.about.get("begun"),
         "finished": r.is_finished, "lanes": [lane.name for lane in r.contenders], "folder": str(r.folder)}
        for r in record.list_records()
    ]  # fmt: skip
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    elif not rows:
        note("no race has been recorded yet; begin one with: galop race MODEL MODEL --on science")
    else:
        for row in rows:
            state = "" if row["finished"] else "  (not finished)"
            print(f"{row['name']}  {row['questions']} questions of {row['set']}: {', '.join(row['lanes'])}{state}")
