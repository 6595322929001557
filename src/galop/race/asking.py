"""Asks the contenders of one place: a process for each, one question at a time in turn, or several at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from galop.race.contender import ContenderError
from galop.race.course import Course
from galop.race.judge import judge
from galop.race.pictures import write_pictures
from galop.race.place import AnsweringProcess, LostPlaceError, Place
from galop.race.question import Question

PATIENCE = 3  # questions in a row without an answer, after which a contender is out


class Asking:
    """One place at work."""

    def __init__(self, course: Course, place: Place) -> None:
        self.course, self.place = course, place
        self.processes: dict[int, AnsweringProcess] = {}
        self._asked: dict[int, dict[str, Question]] = {}  # that have no answer yet, by contender and id
        self._failures = Counter[int]()  # questions in a row without an answer

    def run(self) -> None:
        """Asks until nothing is left to be asked here. Raises BudgetSpent, RecordError."""
        course, outstanding, able = self.course, self.course.outstanding, self.place.able
        try:
            if course.together == 1 and self.place.fits:
                with self.open([index for index in sorted(able) if outstanding.has_questions(index)]):
                    self.ask_in_turn()
                return
            while (index := outstanding.choose(able)) is not None:
                try:
                    with self.open([index]):
                        self.ask_in_turn() if course.together == 1 else self.ask_several(index)
                finally:
                    outstanding.leave(index)
        except LostPlaceError as error:
            course.lose(self.place, str(error))

    @contextmanager
    def open(self, group: Sequence[int]) -> Iterator[None]:
        """The processes of a group, as long as it is asked; what has no answer then is given back."""
        try:
            for index in group:
                self.processes[index], self._asked[index] = self.place.start(index, 0), {}
                try:
                    self._settle_context(index)
                except ContenderError as error:
                    self._drop(index, str(error))
            yield
        finally:
            for index in list(self.processes):
                self._leave(index).stop()

    def _settle_context(self, index: int) -> None:
        """Waits until a contender is ready, with the context that it has elsewhere. Raises ContenderError."""
        setup = self.processes[index].wait_ready()
        if context := self.course.admit(index, setup, self.place):
            self.processes[index].stop()
            self.processes[index] = self.place.start(index, context)
            setup = self.processes[index].wait_ready()
            if self.course.admit(index, setup, self.place):
                raise ContenderError(
                    f"{self.place.node} has no room for a context of {context}, which it has elsewhere"
                )

    def ask_in_turn(self) -> None:
        """One question at a time, every contender in its turn, in an order that turns too. Raises BudgetSpent."""
        while self.processes and (turn := self.course.outstanding.take_turn(list(self.processes))):
            number, wanted = turn
            order = sorted(self.processes)
            for index in order[number % len(order) :] + order[: number % len(order)]:
                if index in wanted and index in self.processes:
                    self.course.check_budget()
                    self._ask(index, wanted.pop(index))
                    self._receive(index)
            for index, question in wanted.items():
                self.course.outstanding.give_back(index, question)

    def ask_several(self, index: int) -> None:
        """So many questions at once; what is under way is waited for even when the budget is spent.

        Each that is under way may come to cost what the dearest did, so the first is asked alone. Raises BudgetSpent.
        """
        course, asked = self.course, self._asked[index] if index in self.processes else {}
        record, budget = course.record, course.budget
        answers = record.contenders[index].answers

        def affordable() -> bool:
            if budget is None:
                return True
            dearest = max((line.get("usd") or 0.0 for line in answers.values()), default=budget) if asked else 0.0
            return record.usd + (len(asked) + 1) * dearest < budget

        while index in self.processes:
            if len(asked) < course.together and affordable():
                if question := course.outstanding.take(index, wait=not asked):
                    self._ask(index, question)
                    continue
                if not asked:
                    return
            if asked:
                self._receive(index)
            else:
                course.check_budget()

    def _ask(self, index: int, question: Question) -> None:
        """Sends a question, without waiting for its answer."""
        self._asked[index][question.id] = question
        seed = int(self.course.record.about["seed"])
        asked = {"id": question.id, "text": question.text, "unit": question.unit, "seed": seed, "bare": question.bare}
        self.processes[index].ask(asked | {"pictures": write_pictures(question)})

    def _receive(self, index: int) -> None:
        """Takes in a contender's next answer, judged."""
        try:
            line = self.processes[index].receive()
        except ContenderError as error:
            self._drop(index, str(error))
            return
        question = self._asked[index][line["id"]]
        self._failures[index] = self._failures[index] + 1 if "error" in line else 0
        if "error" not in line:
            found = judge(question, line["text"])
            line |= {"right": found.right, "value": found.value, "slip": line.pop("failed", "") or found.slip}
        gone = "error" in line and (not line["passing"] or self._failures[index] == PATIENCE)
        if self.place.node:
            line["node"] = self.place.node
        self.course.keep(index, line, told=not gone)
        del self._asked[index][question.id]
        self.course.outstanding.settle(index)
        if gone:
            self._drop(index, line["error"])

    def _drop(self, index: int, why: str) -> None:
        """A contender is asked no more here."""
        process = self._leave(index)
        self.course.drop(index, self.place, why)
        process.stop()

    def _leave(self, index: int) -> AnsweringProcess:
        """Gives back what a contender has been asked and has not answered."""
        for question in self._asked.pop(index).values():
            self.course.outstanding.give_back(index, question)
        return self.processes.pop(index)
