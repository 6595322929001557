"""What Galop itself draws at a terminal: notes, styles, tables, progress. What others wrote is made visible first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from galop.terminal import BOLD, DIM, note, print_styled, underlying, visible

if TYPE_CHECKING:
    from rich.console import Console

    from galop.weights.pack import Progress

__all__ = ["BOLD", "DIM", "console", "note", "print_styled", "progress_bar"]


def console(stream: TextIO, width: int | None = None) -> Console:
    """rich, that takes no markup from a text. What strangers wrote has to be made visible first."""
    from rich.console import Console

    return Console(file=underlying(stream), width=width, markup=False, emoji=False, highlight=False)


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """Gives a callable (what, done, total) that draws on stderr, or None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as rich

    bar = rich.Progress(
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TimeRemainingColumn(),
        console=console(sys.stderr),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    tasks: dict[str, rich.TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if not tasks:
            bar.start()
        if what not in tasks:
            tasks[what] = bar.add_task(visible(what), total=total)
        bar.update(tasks[what], completed=done, total=total)

    try:
        yield report
    finally:
        bar.stop()
