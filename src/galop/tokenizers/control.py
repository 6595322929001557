"""Which added tokens are control tokens, and where a text holds one, or a part of one at its ends, in time that its
length bounds."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

# Elements of HTML that vocabularies, Gemma's above all, have tokens for, since text is full of them.
_ELEMENTS = (
    "a b bbox blockquote body caption code div em footer h1 h2 h3 h4 h5 h6 html i iframe img li span strong sub sup "
    "table tbody td tfoot th thead tr u ul"
)
_TAG = re.compile(f"</?(?:{_ELEMENTS.replace(' ', '|')})>")
_BRACKETS = re.compile(r"[<>\[\]{}|｜]")


def is_text(name: str) -> bool:
    """Whether an added token that is not special is one that users write: white space, letters, an element of HTML."""
    return not _BRACKETS.search(name) or _TAG.fullmatch(name) is not None


class ControlNames:
    """The names of a vocabulary's control tokens."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self._longest = max(map(len, self.names), default=0)
        self._forwards = sorted(self.names)
        self._backwards = sorted(name[::-1] for name in self.names)
        # By their first two characters, how long the names are that begin so, longest first.
        by_head: dict[str, set[int]] = {}
        for name in self.names:
            by_head.setdefault(name[:2], set()).add(len(name))
        self._lengths = {head: sorted(lengths, reverse=True) for head, lengths in by_head.items()}
        self._begins = re.compile("|".join(map(re.escape, by_head)))

    def at(self, text: str, start: int) -> int:
        """The length of the longest name that stands at `start`, or 0."""
        for head in (text[start : start + 2], text[start : start + 1]):
            for length in self._lengths.get(head, ()):
                if text[start : start + length] in self.names:
                    return length
        return 0

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where whole names stand, from left to right and none in another; and at the ends of the text what is only
        a part of one, which a neighbour could complete."""
        found: list[tuple[int, int]] = []
        head = 0 if self.at(text, 0) else self._part(text[: self._longest][::-1], self._backwards)
        tail = len(text) - self._part(text[-self._longest :], self._forwards)
        if head:
            found.append((0, head))
        start = head
        while (match := self._begins.search(text, start)) and match.start() < tail:
            start = match.start() + 1
            if length := self.at(text, match.start()):
                start = match.start() + length
                found.append((match.start(), start))
        done = found[-1][1] if found else 0
        if max(done, tail) < len(text):
            found.append((max(done, tail), len(text)))
        return found

    @staticmethod
    def _part(text: str, ordered: list[str]) -> int:
        """How much of the end of `text` is the beginning, though not the whole, of one of the `ordered` names."""
        for length in range(len(text), 0, -1):
            part = text[len(text) - length :]
            at = bisect_left(ordered, part)
            at += at < len(ordered) and ordered[at] == part
            if at < len(ordered) and ordered[at].startswith(part):
                return length
        return 0
