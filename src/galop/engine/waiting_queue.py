"""The sequences that wait to run: preempted ones first, then one of each client in turn."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Literal

from galop.engine.sequence import TokenSequence

Admission = Literal["admit", "later", "block"]
"""Whether a sequence may run now; "later" lets other clients go before it, and "block" nobody."""


class WaitingQueue:
    """First come, first served within a client. Not for several threads, and not bounded: its owner sees to both."""

    def __init__(self) -> None:
        self._by_client: OrderedDict[str, deque[TokenSequence]] = OrderedDict()  # who is next first
        self._preempted: deque[TokenSequence] = deque()

    def __len__(self) -> int:
        return len(self._preempted) + sum(len(queue) for queue in list(self._by_client.values()))

    def put(self, sequence: TokenSequence) -> None:
        """Puts a sequence behind the others of its client."""
        self._by_client.setdefault(sequence.client, deque()).append(sequence)

    def put_preempted(self, sequence: TokenSequence) -> None:
        """Puts a sequence that ran already behind others of that kind, and before all else."""
        self._preempted.append(sequence)

    def pop(self, judge: Callable[[TokenSequence, bool], Admission]) -> TokenSequence | None:
        """The next sequence that `judge(sequence, preempted)` admits; None if there is none.

        Its client is then the last in turn.
        """
        for queue in [self._preempted, *self._by_client.values()]:
            if not queue:
                continue
            preempted = queue is self._preempted
            verdict = judge(queue[0], preempted)
            if verdict == "block":
                return None
            if verdict == "admit":
                sequence = queue.popleft()
                if not preempted:
                    del self._by_client[sequence.client]
                    if queue:
                        self._by_client[sequence.client] = queue
                return sequence
        return None

    def pop_cancelled(self) -> list[TokenSequence]:
        """Takes out all that were cancelled."""
        queues = [self._preempted, *self._by_client.values()]
        cancelled = [sequence for queue in queues for sequence in queue if sequence.cancelled]
        for queue in queues if cancelled else []:
            for sequence in [s for s in queue if s.cancelled]:
                queue.remove(sequence)
        return cancelled

    def pop_all(self) -> list[TokenSequence]:
        """Takes out all."""
        sequences = [*self._preempted, *(s for queue in self._by_client.values() for s in queue)]
        self._preempted.clear()
        self._by_client.clear()
        return sequences
