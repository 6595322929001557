"""Galop: run, race and derive open-weight language models on a CPU.

import galop

with galop.load("qwen2.5-coder:0.5b") as model:
    for event in model.chat([{"role": "user", "content": "Why is the sky blue?"}]):
        if isinstance(event, galop.Text):
            print(event.text, end="")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galop.engine.sampling import Sampling
    from galop.errors import GalopError
    from galop.model import Done, Event, Model, Prefill, Text
    from galop.store import load

__version__ = "0.1.0"
__all__ = ["Done", "Event", "GalopError", "Model", "Prefill", "Sampling", "Text", "load"]

_HOMES = {
    "GalopError": "errors", "Sampling": "engine.sampling", "load": "store",
    **dict.fromkeys(("Done", "Event", "Model", "Prefill", "Text"), "model"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loads NumPy and the native core only when something needs them, so that `galop --help` answers at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'galop' has no attribute {name!r}")
    return getattr(import_module(f"galop.{_HOMES[name]}"), name)
