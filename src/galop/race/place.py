"""A place where contenders are asked: this machine, or a node of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from galop.errors import GalopError
from galop.race.machines import Machine
from galop.race.record import Line


class LostPlaceError(GalopError):
    """A place is gone, with what it was asked."""


class AnsweringProcess(Protocol):
    """What answers for one contender, here or elsewhere, as `ContenderProcess` does; each of these raises
    LostPlaceError where its place is lost."""

    def wait_ready(self) -> Line:
        """What the contender turned out to be. Raises ContenderError."""

    def ask(self, question: Line) -> None:
        """Sends a question, without waiting for its answer."""

    def receive(self) -> Line:
        """The next answer. Raises ContenderError where there will be none."""

    def stop(self) -> None:
        """Ends it."""


@dataclass
class Place:
    """Where contenders, by their numbers in the record, can be asked."""

    able: set[int]  # that can be asked here, as far as is known
    fits: bool  # whether all of them are in memory at once
    start: Callable[[int, int], AnsweringProcess]  # of a contender, with so long a context; 0 for the usual one
    machine: Machine | None = None  # None where nothing is computed
    close: Callable[[], None] = lambda: None  # ends all that is under way, from any thread

    @property
    def node(self) -> str:
        """Its address in a cluster; "" for the machine of the race itself."""
        return self.machine.node if self.machine else ""
