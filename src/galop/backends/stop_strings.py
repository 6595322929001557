"""Strings that end an answer, found in text that comes piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

from galop.chat.text_ends import overlap


class StopMatcher:
    """Holds back text that may be the beginning of a stop string; what comes after one is never let through."""

    def __init__(self, stops: Sequence[str], include: bool = False) -> None:
        self.stops = [s for s in stops if s]
        self.include = include  # whether the one that is found is let through itself
        self.matched = ""  # the stop string that was found
        self._pending = ""

    def push(self, text: str) -> str:
        """What of the text so far is surely not the beginning of a stop string, and was not given before."""
        return "" if self.matched else self._release(text, final=False)

    def finish(self) -> str:
        """What was held back, since no more of it comes."""
        return "" if self.matched else self._release("", final=True)

    def _release(self, text: str, final: bool) -> str:
        self._pending += text
        matches = [(i, s) for s in self.stops if (i := self._pending.find(s)) >= 0]
        if matches:
            at, self.matched = min(matches)
            out, self._pending = self._pending[: at + len(self.matched) * self.include], ""
            return out
        keep = 0 if final else max((overlap(self._pending, s) for s in self.stops), default=0)
        end = len(self._pending) - keep
        out, self._pending = self._pending[:end], self._pending[end:]
        return out
