"""The models on this machine that see pictures."""

from __future__ import annotations

from galop.machine import available_memory
from galop.store.model_info import find_info
from galop.store.source import Source, list_local


def sees(source: Source) -> bool:
    """Whether a model is here and sees pictures; not so the miniature that comes with galop, which knows too little to
    be offered for another."""
    miniature = bool(source.entry and source.entry.bundled)
    return source.path is not None and not miniature and find_info(source).sees


def list_seeing() -> list[Source]:
    """All of them, the largest first."""
    return sorted(filter(sees, list_local()), key=lambda source: -find_info(source).bytes)


def seeing_models() -> list[str]:
    """Their names."""
    return [source.name for source in list_seeing()]


def choose_seeing(memory: int | None = None) -> tuple[Source, str] | None:
    """The largest that fits `memory` bytes, else the smallest, and why that one; None where none sees."""
    seeing, limit = list_seeing(), memory or available_memory()
    if not seeing:
        return None
    fitting = [source for source in seeing if find_info(source).bytes + (1 << 30) < limit]
    return (fitting or seeing[-1:])[0], "the best model on this machine that sees pictures"
