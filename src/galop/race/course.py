"""A race under way: what the places share at which its contenders are asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from galop.errors import GalopError
from galop.race.contender import ContenderError
from galop.race.outstanding import Outstanding
from galop.race.place import Place
from galop.race.record import Line, Record, is_other_model

Report = Callable[[int, Line], None]
"""Called with each line of a contender, by its number: what it turned out to be, an answer, or {"out": why}."""


class BudgetSpent(GalopError):
    """The dollars that were allowed are gone."""


@dataclass
class Course:
    """Contenders are known by their numbers in the record. Each place has a thread."""

    record: Record
    budget: float | None
    report: Report
    outstanding: Outstanding
    places: Sequence[Place]
    out: dict[int, str] = field(default_factory=dict)  # contenders that fell out, and why
    left: list[str] = field(default_factory=list)  # why contenders are not asked at some place, or a place not at all
    failure: BaseException | None = None  # that ends the race
    stopping: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def together(self) -> int:
        """Questions that a contender is asked at once."""
        return int(self.record.about["together"])

    def keep(self, index: int, line: Line, told: bool = True) -> None:
        """Records a line of a contender, and reports it if it is to be `told`. Raises RecordError."""
        with self._lock:
            self.record.add(index, line)
            if told:
                self.report(index, line)

    def admit(self, index: int, setup: Line, place: Place) -> int:
        """Records what a contender turned out to be at a place, or gives the context that it is to have there instead,
        as wherever it is asked besides; 0 for the one it has. Answers of all nodes are those of one model.

        Raises ContenderError where it is another model under the same name.
        """
        with self._lock:
            known = self.record.contenders[index].about
            if place.node and is_other_model(known, setup):
                raise ContenderError(
                    f"{place.node} has another model under the name {setup['model']} than the one that has answered; "
                    "pull the same on all nodes"
                )
            if place.node and known.get("context") and known["context"] != setup.get("context"):
                return int(known["context"])
            host = {"host": place.machine.to_json()} if place.machine and setup.get("machine") else {}
            self.keep(index, {"setup": {**setup, **host, "at": time.strftime("%Y-%m-%dT%H:%M:%S%z")}})
        return 0

    def check_budget(self) -> None:
        """Raises BudgetSpent where all that was allowed is spent."""
        if self.budget is not None and self.record.usd >= self.budget:
            raise BudgetSpent(
                f"{self.record.usd:.4f} of {self.budget:g} dollars are spent; the same command with a larger --budget "
                "goes on"
            )

    def drop(self, index: int, place: Place, why: str) -> None:
        """A contender is asked no more at a place, and falls out where no other place can ask it."""
        with self._lock:
            place.able.discard(index)
            if not self.stopping and not self._fall_out(index, why):
                self.left.append(f"{self.record.contenders[index].name} was asked no more at {place.node}: {why}")

    def lose(self, place: Place, why: str) -> None:
        """A place is gone, and its contenders are asked elsewhere, where that can be."""
        with self._lock:
            able, place.able = sorted(place.able), set()
            if not self.stopping:
                self.left.append(why)
                for index in able:
                    self._fall_out(index, why)

    def _fall_out(self, index: int, why: str) -> bool:
        if any(index in place.able for place in self.places):
            return False
        if self.outstanding.has_questions(index):
            self.out[index] = why
            self.outstanding.withdraw(index)
            self.report(index, {"out": why})
        return True

    def stop(self, failure: BaseException | None = None) -> None:
        """Nothing more is asked; what is under way is not waited for."""
        with self._lock:
            if failure and not self.stopping:
                self.failure = failure
            self.stopping = True
        self.outstanding.stop()
        for place in self.places:
            place.close()
