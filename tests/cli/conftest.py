"""A model of a few kilobytes for the command line's tests."""

from __future__ import annotations

import pytest
from command import TEMPLATE
from tiny import write_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_gguf(tmp_path_factory.mktemp("tiny") / "m.gguf", "qwen3", "Q8_0", TEMPLATE))
