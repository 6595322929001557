"""Tokens of a prompt that stand for a picture: their embeddings come from a tower, not from the vocabulary.

In a sequence's tokens they are numbers below zero that follow from what the picture is (`soft_ids`), so the prefix
cache tells two pictures apart and finds one again by the same hashes as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from galop.ops.plan import Array


@dataclass(frozen=True)
class SoftTokens:
    """A run of `count` tokens from `start` on, of which `see` gives the embeddings, float32 [count, width].

    `see` is called when a step first needs them, and not where all of the run is in the prefix cache. `positions`,
    int32 [axes, count], are those on axis 1 and up, counted from that of the first token; None where a token's position
    is its place. `advance` is by how much the next token's position is more than the first's. Those that see each other
    (`together`) are read in one step.
    """

    start: int
    count: int
    see: Callable[[], Array]
    positions: Array | None = None
    advance: int = 0
    together: bool = False

    @property
    def end(self) -> int:
        """The place after the last."""
        return self.start + self.count

    @cached_property
    def embeddings(self) -> Array:
        """What `see` gave. Raises ValueError where it is not of so many tokens."""
        found = np.ascontiguousarray(self.see(), np.float32)
        if found.ndim != 2 or len(found) != self.count:
            raise ValueError(f"embeddings of the shape {found.shape} for {self.count} tokens")
        return found


def soft_ids(identity: bytes, count: int) -> list[int]:
    """The tokens of a run that stands for what `identity` tells from all else: all below zero."""
    digest = hashlib.shake_256(identity).digest(4 * count)
    return [-1 - (int(code) >> 1) for code in np.frombuffer(digest, "<u4")]


def places_on_axes(soft: Sequence[SoftTokens], start: int, count: int) -> Array | None:
    """The positions on axis 1 and up of the tokens [start, start + count) of a sequence, int32 [axes, count]: of runs
    as they say, of text on all axes alike, going on behind a run by its advance. Where tokens of runs see each other,
    one axis: until where a token sees. None where places say all."""
    placed = [one for one in soft if one.positions is not None]
    places = np.arange(start, start + count, dtype=np.int32)
    if placed:
        axes = np.repeat(places[None], len(_positions(placed[0])), axis=0)
        for one in placed:
            axes[:, places >= one.end] -= one.count - one.advance
        behind = 0
        for one in placed:
            here = (places >= one.start) & (places < one.end)
            axes[:, here] = one.start - behind + _positions(one)[:, places[here] - one.start]
            behind += one.count - one.advance
        return axes
    if any(one.together for one in soft):
        ends = places + 1
        for one in soft:
            if one.together:
                ends[(places >= one.start) & (places < one.end)] = one.end
        return ends[None]
    return None


def _positions(one: SoftTokens) -> Array:
    assert one.positions is not None
    return one.positions


def whole_runs(soft: Sequence[SoftTokens], start: int, count: int) -> int:
    """How many tokens from `start` on a step reads that is to read at least `count`, with no run of tokens that see
    each other cut."""
    end = start + count
    for one in soft:
        if one.together and one.start < end < one.end:
            end = one.end
    return end - start


def look_at(soft: Sequence[SoftTokens], start: int, count: int) -> None:
    """Lets those be seen that are among the tokens [start, start + count)."""
    for one in soft:
        if one.start < start + count and one.end > start:
            _ = one.embeddings
