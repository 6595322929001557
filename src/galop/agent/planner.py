"""Questions planned and formulas computed in processes that can be killed: whatever is asked comes to an end."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from galop.chat.content import text_of
from galop.chat.messages import Message
from galop.child import BUSY, Child
from galop.errors import GalopError, QueueFullError

if TYPE_CHECKING:
    from galop.science.planning.answer import Answer

MEMORY = 4 << 30  # bytes of address space of a process
COMPUTING = 5.0  # seconds for a question
SECONDS = BUSY * COMPUTING  # on the clock, the start of the process included
PROCESSES = 2
MOST_WAITING = 64  # questions
REMEMBERED = 8  # messages in which what a question goes on from is looked for
NEEDED = ("pint", "CoolProp", "cea")
T = TypeVar("T")


def can_compute() -> bool:
    """Whether the extra for technical questions is installed."""
    return all(map(find_spec, NEEDED))


def user_texts(messages: Sequence[Message]) -> list[str]:
    """What a conversation's person said."""
    return [text_of(message["content"]) for message in messages if message["role"] == "user"]


def start_child() -> Child:
    """A process that plans and computes, not yet started."""
    return Child("galop.agent.planner_child", SECONDS)


@cache
def own_child() -> Child:
    """The process of a program that answers one person."""
    child = start_child()
    atexit.register(child.close)
    return child


def plan_apart(texts: Sequence[str]) -> Answer | None:
    """What the last of a person's messages comes to, by the program's own process; None where it asks for no number."""
    child = own_child()
    try:
        return ask_plan(child, texts)
    except BaseException:  # an answer that nobody waits for is not the next question's
        child.close()
        raise


def ask_plan(child: Child, texts: Sequence[str], must: bool = False) -> Answer | None:
    """What the last of a person's messages comes to; None where it asks for no number, unless it `must` be answered.

    Raises GalopError for what the process was refused.
    """
    from galop.science.planning.answer import Answer

    found = child.ask({"texts": texts[-REMEMBERED:], "must": must})
    if found is None:
        sentence = f"No answer was found within {COMPUTING:g} s of computing; ask one thing, in fewer words."
        return Answer("unfinished", sentence)
    if "error" in found:
        raise GalopError(found["error"])
    return Answer.read(found["answer"]) if found["answer"] else None


def ask_formula(child: Child, name: str, inputs: Mapping[str, Any]) -> str:
    """What a formula gives for inputs as people write them. Raises GalopError, also for one that comes to no end."""
    found = child.ask({"formula": name, "inputs": inputs})
    if found is None:
        raise GalopError(f"{name} did not come to an end within {COMPUTING:g} s of computing")
    if "error" in found:
        raise GalopError(found["error"])
    return str(found["text"])


class Planner:
    """Answers from any thread, in processes that are started when there is something to do."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(PROCESSES, "galop-science")
        self._children: list[Child] = []
        self._own = threading.local()
        self._lock = threading.Lock()
        self._waiting = 0

    def submit(self, texts: Sequence[str], must: bool = False) -> Future[Answer | None]:
        """What the last of some messages comes to, the earlier ones being what the same person said before; None where
        it asks for no number, unless it `must` be answered. Raises QueueFullError.
        """
        return self._queue(lambda child: ask_plan(child, texts, must))

    def compute(self, name: str, inputs: Mapping[str, Any]) -> Future[str]:
        """What a formula gives for inputs as people write them. Raises QueueFullError."""
        return self._queue(lambda child: ask_formula(child, name, inputs))

    def _queue(self, ask: Callable[[Child], T]) -> Future[T]:
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise QueueFullError(f"{MOST_WAITING} technical questions are waiting already; try again later")
            self._waiting += 1
        asked = self._threads.submit(lambda: ask(self._child()))
        asked.add_done_callback(self._count_down)
        return asked

    def _count_down(self, _: object) -> None:
        with self._lock:
            self._waiting -= 1

    def _child(self) -> Child:
        """The process of this thread."""
        if not hasattr(self._own, "child"):
            self._own.child = start_child()
            self._children.append(self._own.child)
        child: Child = self._own.child
        return child

    def close(self) -> None:
        """Ends its processes and threads; what is being planned ends without an answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in self._children:
            if child.process:
                child.process.kill()
        self._threads.shutdown()
        for child in self._children:
            child.close()
