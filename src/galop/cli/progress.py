"""One progress bar on stderr for long work; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from galop.terminal import console, visible

if TYPE_CHECKING:
    from galop.weights.pack import Progress


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """Gives a callable (what, done, total), or None without a terminal."""
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
    tasks: dict[str, object] = {}

    def report(what: str, done: int, total: int) -> None:
        if not tasks:
            bar.start()
        if what not in tasks:
            tasks[what] = bar.add_task(visible(what), total=total)
        bar.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]

    try:
        yield report
    finally:
        bar.stop()
