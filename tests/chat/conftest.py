"""Patience with child processes: on a busy machine they wait for the processor, which is no failure of what they do."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grammars may take a minute on the clock; the child's own limit, of computing, stays what it is."""
    monkeypatch.setattr("galop.chat.constraint.SECONDS", 60.0)
    if "smollm" in request.fixturenames:
        monkeypatch.setattr(request.getfixturevalue("smollm").constraints._child, "seconds", 60.0)
