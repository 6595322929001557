"""Questions planned and computed in processes that can be killed, for programs that answer many people."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING

from galop.child import Child
from galop.errors import GalopError, QueueFullError

if TYPE_CHECKING:
    from galop.science.planning.proposal import Proposal

MEMORY = 4 << 30  # bytes of address space of a process
COMPUTING = 5.0  # seconds for a question
SECONDS = 20.0  # on the clock, the start of the process included
PROCESSES = 2
MOST_WAITING = 64  # questions
REMEMBERED = 8  # messages in which what a question goes on from is looked for
NEEDED = ("pint", "CoolProp", "cea")


def can_compute() -> bool:
    """Whether the extra for technical questions is installed."""
    return all(map(find_spec, NEEDED))


class Planner:
    """Finds what questions come to, from any thread; its processes are started when there is something to do."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(PROCESSES, "galop-science")
        self._children: list[Child] = []
        self._own = threading.local()
        self._lock = threading.Lock()
        self._waiting = 0

    def submit(self, texts: Sequence[str], must: bool = False) -> Future[Proposal | None]:
        """What the last of some messages comes to, the earlier ones being what the same person said before; None where
        it asks for no number, unless it `must` be answered. Raises QueueFullError.
        """
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise QueueFullError(f"{MOST_WAITING} technical questions are waiting already; try again later")
            self._waiting += 1
        planned = self._threads.submit(self._plan, texts, must)
        planned.add_done_callback(self._count_down)
        return planned

    def _count_down(self, _: object) -> None:
        with self._lock:
            self._waiting -= 1

    def _plan(self, texts: Sequence[str], must: bool) -> Proposal | None:
        from galop.science.planning.answer import Answer
        from galop.science.planning.proposal import Proposal

        child = getattr(self._own, "child", None)
        if child is None:
            child = self._own.child = Child("galop.agent.planner_child", SECONDS)
            self._children.append(child)
        answer = child.ask({"texts": texts[-REMEMBERED:], "must": must})
        if answer is None:
            sentence = f"No answer was found within {COMPUTING:g} s of computing; ask one thing, in fewer words."
            return Proposal("", Answer("unfinished", sentence))
        if "error" in answer:
            raise GalopError(answer["error"])
        return Proposal.read(answer["proposal"]) if answer["proposal"] else None

    def close(self) -> None:
        """Ends its processes and threads; what is being planned ends without an answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in self._children:
            if child.process:
                child.process.kill()
        self._threads.shutdown()
        for child in self._children:
            child.close()
