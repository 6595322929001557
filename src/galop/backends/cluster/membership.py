"""Which replicas there are, as Ray Serve last told this process."""

from __future__ import annotations

from collections.abc import Sequence

_replicas: dict[str, tuple[str, ...]] = {}  # by application


def note(app: str, names: Sequence[str]) -> None:
    """Remembers the replicas of an application."""
    _replicas[app] = tuple(names)


def running_replicas(app: str) -> tuple[str, ...]:
    """Names of the replicas of an application that this process asks."""
    return _replicas.get(app, ())
