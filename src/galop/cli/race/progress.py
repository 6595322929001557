"""The progress of a race while it is run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from galop.cli.screen import console, note
from galop.race import course
from galop.race.record import Line, Record
from galop.terminal import visible

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 24  # characters of a progress bar


@contextmanager
def show_progress(race: Record, quiet: bool) -> Iterator[course.Report]:
    """A bar for each lane at a terminal; elsewhere a line for each quarter."""
    if quiet or not sys.stderr.isatty():
        yield (lambda index, line: None) if quiet else notes_by_quarter(race)
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
            live.update(progress_table(race, out, time.monotonic() - started, drawn_on.width), refresh=True)

        draw(-1, {})
        yield draw


def progress_table(race: Record, out: dict[int, str], seconds: float, width: int) -> Table:
    """A bar, the number of answers and of right ones for each lane."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    total = len(race.questions)
    for index, lane in enumerate(race.contenders):
        done = [line for line in lane.answers.values() if not line.get("error")]
        right = sum(line["right"] for line in done)
        at = WIDTH * len(done) // max(total, 1)
        bar = Text("━" * at + "●" + "┄" * (WIDTH - at), "red" if index in out else "green")
        state = f"{len(done)}/{total}  {right} right" + (f"  out: {out[index]}" if index in out else "")
        state = visible(state)[: max(20, width - WIDTH - 40)]
        table.add_row(visible(lane.name), bar, Text(state, overflow="ellipsis", no_wrap=True))
    table.add_row(Text(f"{seconds:.0f} s", "dim"))
    return table


def notes_by_quarter(race: Record) -> course.Report:
    noted: dict[int, int] = {}

    def report(index: int, line: Line) -> None:
        lane = race.contenders[index]
        done = [x for x in lane.answers.values() if not x.get("error")]
        quarter = 4 * len(done) // max(1, len(race.questions))
        if quarter > noted.get(index, 0):
            noted[index] = quarter
            note(f"{lane.name}: {len(done)} of {len(race.questions)}, {sum(x['right'] for x in done)} right")

    return report
