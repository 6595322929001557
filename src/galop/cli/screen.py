"""What Galop itself draws at a terminal: notes, styles, tables, progress. What others wrote is made visible first."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from galop.terminal import underlying, visible

if TYPE_CHECKING:
    from rich.console import Console

    from galop.weights.pack import Progress

DIM, BOLD = "2", "1"


def print_styled(text: str, style: str, stream: TextIO, end: str = "\n") -> None:
    """Prints a text, in that style if it is for a terminal."""
    on, off = (f"\x1b[{style}m", "\x1b[0m") if stream.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{on}{visible(text)}{off}", end=end, file=underlying(stream), flush=True)


def note(text: str) -> None:
    """A line for the person, kept apart from the answer."""
    print_styled(text, DIM, sys.stderr)


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
