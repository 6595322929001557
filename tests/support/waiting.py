"""Waiting for something to happen, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def wait_for(happened: Callable[[], bool], what: str, seconds: float = 300) -> None:
    """Looks every 50 ms; fails the test with `what` if it has not happened by then, on a machine however busy."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
