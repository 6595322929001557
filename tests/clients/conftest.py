"""A real server for other people's clients (`installed.py`). Every file here is marked `clients`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import CODER
from serving import Running, serving


@pytest.fixture(scope="session")
def galop(tmp_path_factory: pytest.TempPathFactory, coder_path: Path) -> Iterator[Running]:
    """A model that is small and calls tools."""
    with serving(CODER, "--context", "32768", home=tmp_path_factory.mktemp("galop")) as running:
        yield running
