"""Ctrl-C while something is under way that should end in good order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def catch_interrupts(respond: Callable[[int], None] = lambda count: None) -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed, which no longer ends the program; `respond` gets how often
    it was, each time."""
    count = 0

    def count_interrupt(*_: object) -> None:
        nonlocal count
        count += 1
        respond(count)

    before = signal.signal(signal.SIGINT, count_interrupt)
    try:
        yield lambda: count > 0
    finally:
        signal.signal(signal.SIGINT, before)
