"""A vision tower as it runs: patches of pictures in, embeddings of a text's tokens out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from galop.engine.lower import program
from galop.ops.plan import Array, Plan
from galop.weights.pack import Pack

if TYPE_CHECKING:
    from galop.models.vision import Patches

MOST_PATCHES = 4096  # in a step, unless a single picture has more


class Tower:
    """Runs one tower's plan. Raises ModelFileError for a plan that the native core cannot run.

    The room that a step takes stays for the next one, but not that of more than `kept` patches: the text is read next.
    `merged` patches become one token. Nothing is kept of a picture.
    """

    def __init__(self, plan: Plan, pack: Pack, merged: int, threads: int, isa: str = "") -> None:
        self._make = partial(program, plan, pack, threads, "f16", isa)
        self.program = self._make()
        self.kept = 1024
        self.merged = merged
        self.width = plan.widths[plan.steps[-1].outputs[-1]]

    def look(self, pictures: Sequence[Patches]) -> list[Array]:
        """The embeddings of each, float32 [patches / merged, width], the same bytes alone and beside others. Raises
        ValueError for patches that are not the tower's."""
        found: list[Array] = []
        for together in _share(pictures):
            found += self._step(together)
        return found

    def _step(self, pictures: Sequence[Patches]) -> list[Array]:
        counts = [len(picture.values) for picture in pictures]
        values = [p.values for p in pictures]
        patches = np.ascontiguousarray(values[0] if len(values) == 1 else np.concatenate(values), np.float32)
        places = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
        axes = np.concatenate([np.ascontiguousarray(p.axes, np.int32) for p in pictures], axis=1)
        starts = np.cumsum([0, *counts[:-1]])
        rows_of = [
            np.arange(start, start + len(p.values) - p.extra, self.merged, dtype=np.int32)
            for start, p in zip(starts, pictures, strict=True)
        ]
        rows = np.concatenate(rows_of)
        embeddings = np.empty((len(rows), self.width), np.float32)
        self.program.forward(
            -1 - np.arange(len(patches), dtype=np.int32),
            np.concatenate([places[None], axes]),
            np.repeat(np.arange(len(pictures), dtype=np.int32), counts),
            [],
            rows,
            [],
            embeddings,
            None,
            patches,
        )
        if len(patches) > self.kept:
            self.program = self._make()
        return np.split(embeddings, np.cumsum([len(of) for of in rows_of])[:-1])


def _share(pictures: Sequence[Patches]) -> Iterator[list[Patches]]:
    """As many as a step takes, in order."""
    together: list[Patches] = []
    for picture in pictures:
        if together and sum(len(one.values) for one in together) + len(picture.values) > MOST_PATCHES:
            yield together
            together = []
        together.append(picture)
    if together:
        yield together
