"""The end of a text that grows, which may be the beginning of a mark."""

from __future__ import annotations


def overlap(text: str, opening: str) -> int:
    """Length of the longest end of `text` that begins `opening`."""
    return next((n for n in range(min(len(text), len(opening) - 1), 0, -1) if text.endswith(opening[:n])), 0)
