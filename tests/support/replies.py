"""Replies of a loaded model as text."""

from __future__ import annotations

from typing import Any

from galop import Done, Text


def collect(events: Any) -> tuple[str, Done]:
    """A reply's text, thinking included, and its end."""
    events = list(events)
    assert isinstance(events[-1], Done)
    return "".join(e.text for e in events if isinstance(e, Text)), events[-1]
