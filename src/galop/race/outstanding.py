"""What is still to be asked of whom, handed out to the places that ask: each question once, and once more where the
place that had it was lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Sequence

from galop.race.question import Question
from galop.race.record import Record


class Outstanding:
    """The questions that contenders, by their numbers in the record, have not answered. Each place has a thread.

    While others are still asked, whoever finds nothing to ask waits: a place may be lost, and give its questions back.
    """

    def __init__(self, record: Record, contenders: Sequence[int]) -> None:
        self._order = {question.id: number for number, question in enumerate(record.questions)}
        self._waiting = {index: {q.id: q for q in record.missing_answers(index)} for index in contenders}
        self._asked: Counter[int] = Counter()  # questions under way, by contender
        self._places: Counter[int] = Counter()  # that have chosen a contender
        self._changed = threading.Condition()
        self._stopped = False

    def take(self, index: int, wait: bool = True) -> Question | None:
        """The next question for a contender; None where there is none, and, if it may `wait`, none will be."""
        with self._changed:
            while wait and not self._stopped and not self._waiting[index] and self._asked[index]:
                self._changed.wait()
            return None if self._stopped or not self._waiting[index] else self._pop(index)

    def take_turn(self, able: Collection[int]) -> tuple[int, dict[int, Question]] | None:
        """The next question that some of the contenders miss, for all of these, and its number; None where none is, or
        will be."""
        with self._changed:
            while not self._stopped:
                first = {index: next(iter(self._waiting[index])) for index in able if self._waiting[index]}
                if first:
                    wanted = min(first.values(), key=self._order.__getitem__)
                    found = {index: self._pop(index, wanted) for index in able if wanted in self._waiting[index]}
                    return self._order[wanted], found
                if not any(self._asked[index] for index in able):
                    return None
                self._changed.wait()
            return None

    def _pop(self, index: int, wanted: str = "") -> Question:
        self._asked[index] += 1
        return self._waiting[index].pop(wanted or next(iter(self._waiting[index])))

    def choose(self, able: Collection[int]) -> int | None:
        """A contender that has questions left, the one that the fewest places ask, which from then on are one more;
        None where none has, or will have."""
        with self._changed:
            while not self._stopped:
                if having := [index for index in able if self._waiting[index]]:
                    chosen = min(having, key=lambda index: (self._places[index], index))
                    self._places[chosen] += 1
                    return chosen
                if not any(self._asked[index] for index in able):
                    return None
                self._changed.wait()
            return None

    def leave(self, index: int) -> None:
        """A place that has chosen a contender asks it no more."""
        with self._changed:
            self._places[index] -= 1

    def has_questions(self, index: int) -> bool:
        """Whether some are left, or under way."""
        with self._changed:
            return bool(self._waiting[index] or self._asked[index])

    def settle(self, index: int) -> None:
        """A question that was taken needs not be asked again now."""
        with self._changed:
            self._asked[index] -= 1
            self._changed.notify_all()

    def give_back(self, index: int, question: Question) -> None:
        """A question that was taken has no answer, and is the next to be asked."""
        with self._changed:
            self._waiting[index] = {question.id: question, **self._waiting[index]}
            self._asked[index] -= 1
            self._changed.notify_all()

    def withdraw(self, index: int) -> None:
        """A contender is asked nothing more."""
        with self._changed:
            self._waiting[index].clear()
            self._changed.notify_all()

    def stop(self) -> None:
        """Nobody is given anything more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
