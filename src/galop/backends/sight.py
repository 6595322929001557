"""What a model in memory does with pictures: their places in prompts, and what its tower has seen of them.

A picture's tokens are numbers below zero that follow from its pixels, its tower and nothing else, so blocks of the
prefix cache that hold them are found like those of text. The tower runs when a step first needs what it gives, in the
thread that steps; its output is kept for a while under the client's name, so that nobody can tell from the time an
answer takes what another has shown.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from galop.backends.eyes import Eyes
from galop.engine.soft_tokens import SoftTokens, soft_ids
from galop.errors import PictureError
from galop.models.vision.family import Layout, VisionFamily
from galop.models.vision.pictures import Filter, resize
from galop.ops.plan import Array
from galop.pictures.picture import Picture
from galop.weights.pack import Pack

SEEN_BYTES = 64 << 20  # of the tower's output that is kept
MOST_TOKENS = 1024  # of a picture; a larger one is scaled down


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """A picture in a prompt, of so many pixels as it is looked at."""

    picture: Picture
    identity: bytes  # of what the tower makes of it
    height: int
    width: int
    layout: Layout


class SoftToken(int):
    """The id of a picture's token, which knows what it is a token of, in whatever list it stands."""

    shown: ShownPicture
    first: int  # of its run, among all soft tokens of the picture
    count: int  # of its run
    row: int  # within its run


@dataclass(frozen=True)
class PromptPictures:
    """How pictures stand in the prompts of a model, wherever its tower is."""

    family: VisionFamily
    identity: bytes  # of the tower
    most_tokens: int  # of a picture; a larger one is scaled down

    @classmethod
    def of(cls, family: VisionFamily, tower: Pack, context: int) -> PromptPictures:
        """Those of a tower, for prompts of a context."""
        card = [tower.card.config, tower.checksums()]
        identity = hashlib.sha256(json.dumps(card, default=str).encode()).digest()
        return cls(family, identity, max(1, min(MOST_TOKENS, context // 2)))

    @property
    def marker(self) -> str:
        """What the model's chat template writes for a picture."""
        return self.family.marker

    def place(self, picture: Picture) -> list[str | list[int]]:
        """What takes the marker's place in a prompt. Raises PictureError for what cannot be looked at."""
        height, width, layout = self._fit(picture)
        name = f"{height} {width} ".encode()
        shown = ShownPicture(
            picture, hashlib.sha256(self.identity + picture.digest + name).digest(), height, width, layout
        )
        pieces: list[str | list[int]] = []
        first = 0
        for piece in layout.pieces:
            if isinstance(piece, str):
                pieces.append(piece)
                continue
            run: list[int] = []
            for row, id in enumerate(soft_ids(shown.identity + first.to_bytes(4, "little"), piece)):
                token = SoftToken(id)
                token.shown, token.first, token.count, token.row = shown, first, piece, row
                run.append(token)
            pieces.append(run)
            first += piece
        return pieces

    def _fit(self, picture: Picture) -> tuple[int, int, Layout]:
        """The size in which a picture is looked at, no larger than it is, and how it then stands in a prompt."""
        height, width = picture.size
        layout = self.family.lay_out(height, width)
        while layout.tokens > self.most_tokens and min(height, width) > 1:
            scale = min(0.97, (self.most_tokens / layout.tokens) ** 0.5)
            height, width = max(1, int(height * scale)), max(1, int(width * scale))
            smaller = self.family.lay_out(height, width)
            if smaller.tokens == layout.tokens and height * width < 4096:
                break  # so many are needed for a picture of any size
            layout = smaller
        return height, width, layout


class ModelSight:
    """The eyes of one model, and what they have seen, in the thread that steps."""

    def __init__(self, eyes: Eyes) -> None:
        self.eyes = eyes
        self.looks = 0  # of the tower
        self.look_seconds = 0.0
        self.remembered = 0  # looks that were not needed
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, bytes], Array] = OrderedDict()

    def soft_of(self, ids: Sequence[int], client: str) -> list[SoftTokens]:
        """The runs of soft tokens in a prompt. Raises PictureError where one is cut."""
        runs: list[SoftTokens] = []
        at = 0
        while at < len(ids):
            token = ids[at]
            if not isinstance(token, SoftToken):
                at += 1
                continue
            end = at + token.count
            if token.row or end > len(ids) or getattr(ids[end - 1], "row", -1) != token.count - 1:
                raise PictureError("the prompt would be cut within a picture; send a smaller one, or less text")
            layout = token.shown.layout
            see = partial(self._see, token.shown, client, token.first, token.count)
            advance = layout.advance if layout.positions is not None else token.count
            runs.append(SoftTokens(at, token.count, see, layout.positions, advance, layout.together))
            at = end
        return runs

    def _see(self, shown: ShownPicture, client: str, first: int, count: int) -> Array:
        """The embeddings of a run, float32 [count, width]. Raises PictureError."""
        key = (client, shown.identity)
        with self._lock:
            found = self._seen.get(key)
            if found is not None:
                self._seen.move_to_end(key)
                self.remembered += 1
        if found is None:
            start = time.monotonic()
            pixels = resize(shown.picture.pixels(), shown.height, shown.width, Filter.BICUBIC)
            found = self.eyes.look([pixels])[0]
            self._keep(key, found, time.monotonic() - start)
        return np.ascontiguousarray(found[first : first + count])

    def _keep(self, key: tuple[str, bytes], found: Array, seconds: float) -> None:
        with self._lock:
            self.looks += 1
            self.look_seconds += seconds
            self._seen[key] = found
            while sum(kept.nbytes for kept in self._seen.values()) > SEEN_BYTES and len(self._seen) > 1:
                self._seen.popitem(last=False)


def bytes_of(eyes: Eyes) -> int:
    """Memory that a tower takes, and what is kept of what it saw."""
    return int(eyes.pack.data.nbytes) + SEEN_BYTES
