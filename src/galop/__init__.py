"""Galop: run, race and derive open-weight language models on a CPU.

import galop

with galop.load("qwen2.5-coder:0.5b") as model:
    for event in model.chat([{"role": "user", "content": "Why is the sky blue?"}]):
        if isinstance(event, galop.Text):
            print(event.text, end="")
"""

TYPE_CHECKING = False  # not from typing: until `galop.__main__` is read, Ctrl-C is a traceback, so nothing is imported
if TYPE_CHECKING:
    from typing import Any

    from galop.backends.events import Done, Event, Prefill, Text
    from galop.backends.load import load
    from galop.backends.local import Model
    from galop.chat.content import make_content
    from galop.engine.sampling import Sampling
    from galop.errors import GalopError
    from galop.pictures.picture import open_picture
    from galop.version import __version__

__all__ = [
    "Done", "Event", "GalopError", "Model", "Prefill", "Sampling", "Text", "__version__", "load", "make_content",
    "open_picture",
]  # fmt: skip

_HOMES = {
    "__version__": "version", "GalopError": "errors", "Sampling": "engine.sampling", "load": "backends.load",
    "Model": "backends.local", "make_content": "chat.content", "open_picture": "pictures.picture",
    **dict.fromkeys(("Done", "Event", "Prefill", "Text"), "backends.events"),
}  # fmt: skip


def __getattr__(name: str) -> "Any":
    """Loads NumPy and the native core only when something needs them, so that `galop --help` answers at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'galop' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"galop.{_HOMES[name]}"), name)
