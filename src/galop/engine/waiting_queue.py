"""The sequences that wait to run: preempted ones first, then one of each client in turn, then so of the background."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from typing import Literal

from galop.engine.sequence import TokenSequence

Admission = Literal["admit", "skip", "hold", "block"]
"""Whether a sequence may run now. Where not, "skip" keeps a slot for it and lets all others pass, "hold" only those of
other clients, and "block" nobody."""


class WaitingQueue:
    """First come, first served within a client. Not for several threads, and not bounded: its owner sees to both."""

    def __init__(self) -> None:
        self._in_turn: list[TokenSequence] = []
        self._preempted: deque[TokenSequence] = deque()
        self._turns = [0, 0]  # the latest in which a sequence was admitted, and one in the background
        self._last_turn: dict[tuple[str, bool], int] = {}  # of each client, where it is not over

    def __len__(self) -> int:
        return len(self._preempted) + len(self._in_turn)

    def count_urgent(self) -> int:
        """How many wait that are not in the background."""
        return len(self._preempted) + bisect_left(self._in_turn, True, key=lambda s: s.background)

    def put(self, sequence: TokenSequence) -> None:
        """Puts a sequence in the first turn in which its client has no other of its kind."""
        now, who = self._turns[sequence.background], (sequence.client, sequence.background)
        self._last_turn = {one: turn for one, turn in self._last_turn.items() if turn >= self._turns[one[1]]}
        sequence.turn = self._last_turn.get(who, now - 1) + 1
        self._last_turn[who] = sequence.turn
        insort(self._in_turn, sequence, key=lambda s: s.place)

    def put_preempted(self, sequence: TokenSequence) -> None:
        """Puts a sequence that ran already behind others of that kind, and before all else; one in the background where
        it was."""
        if sequence.background:
            insort(self._in_turn, sequence, key=lambda s: s.place)
        else:
            self._preempted.append(sequence)

    def pop(self, slots: int, judge: Callable[[TokenSequence, bool], Admission]) -> TokenSequence | None:
        """The next sequence that `judge(sequence, preempted)` admits; None if there is none.

        `slots` is how many more may run.
        """
        held: set[str] = set()
        for queue in (self._preempted, self._in_turn):
            for sequence in queue:
                if sequence.client in held:
                    continue
                match judge(sequence, queue is self._preempted):
                    case "admit":
                        queue.remove(sequence)
                        self._turns[sequence.background] = max(self._turns[sequence.background], sequence.turn)
                        return sequence
                    case "skip":
                        slots -= 1
                    case "hold":
                        held.add(sequence.client)
                    case "block":
                        slots = 0
                if not slots:
                    return None
        return None

    def pop_cancelled(self) -> list[TokenSequence]:
        """Takes out all that were cancelled."""
        cancelled = [s for s in [*self._preempted, *self._in_turn] if s.cancelled]
        if cancelled:
            self._preempted = deque(s for s in self._preempted if not s.cancelled)
            self._in_turn = [s for s in self._in_turn if not s.cancelled]
        return cancelled

    def pop_all(self) -> list[TokenSequence]:
        """Takes out all."""
        sequences = [*self._preempted, *self._in_turn]
        self._preempted.clear()
        self._in_turn.clear()
        return sequences
