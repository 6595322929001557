"""Runs a race: every question to every contender, each answer judged and kept before the next is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from galop import store
from galop.backends.memory import PROCESS_BYTES
from galop.errors import BlindModelError, GalopError, MemoryBudgetError
from galop.machine import available_memory
from galop.race.contender import Contender, ContenderError
from galop.race.contender_process import ContenderProcess
from galop.race.judge import judge
from galop.race.pictures import write_pictures
from galop.race.question import Question
from galop.race.record import Line, Record
from galop.store.model_info import find_info
from galop.store.seeing import seeing_models
from galop.weights.files import weight_bytes

Report = Callable[[int, Line], None]
"""Called with each line of a contender, by its number: what it turned out to be, an answer, or {"out": why}."""
INSPECT = "inspect:"
PATIENCE = 3  # questions in a row without an answer, after which a contender is out
KV_BYTES = 256 << 20  # about, of a contender's KV cache, beside its weights


class BudgetSpent(GalopError):
    """The dollars that were allowed are gone."""


def run_race(record: Record, budget: float | None, report: Report) -> dict[int, str]:
    """Asks what has not been answered; gives the contenders that fell out, and why. Raises BudgetSpent.

    With one question at a time contenders take turns on each question, in an order that turns too, so that whatever
    slows the machine slows them all; where they do not fit the memory together they run one after the other.
    """
    if str(record.about["set"]).startswith(INSPECT):
        return run_inspect(record, report)
    contenders = [Contender.parse(c.name) for c in record.contenders]
    together = int(record.about["together"])
    todo = [i for i in range(len(contenders)) if record.missing_answers(i)]
    race = Race(record, budget, report)
    groups = [todo] if together == 1 and fit_in_memory([contenders[i] for i in todo]) else [[i] for i in todo]
    for group in groups:
        with race.open(group, together):
            if together == 1:
                race.ask_in_turn()
            else:
                for index in list(race.processes):
                    race.ask_several(index, together)
    return race.out


def run_inspect(record: Record, report: Report) -> dict[int, str]:
    """A task of inspect-ai, which asks and judges in its own way, contender after contender."""
    from galop.race import inspect_tasks

    out: dict[int, str] = {}
    for index in range(len(record.contenders)):
        if record.missing_answers(index):
            try:
                inspect_tasks.run_contender(record, index, report)
            except GalopError as error:
                out[index] = str(error)
                report(index, {"out": str(error)})
    return out


def fit_in_memory(contenders: Sequence[Contender]) -> bool:
    """Whether all can be in memory at once."""
    needed = 0
    for contender in contenders:
        if not contender.is_remote and (path := store.locate(contender.model).path):
            needed += weight_bytes(path) + PROCESS_BYTES + KV_BYTES
    return needed < 0.8 * available_memory()


@dataclass
class Race:
    """A race under way: contenders are known by their numbers in the record."""

    record: Record
    budget: float | None
    report: Report
    out: dict[int, str] = field(default_factory=dict)
    processes: dict[int, ContenderProcess] = field(default_factory=dict)

    @contextmanager
    def open(self, group: Sequence[int], together: int) -> Iterator[None]:
        """The processes of a group, as long as it is asked."""
        try:
            for index in group:
                process = ContenderProcess(self.record.contenders[index].name, together)
                self.processes[index] = process
                try:
                    setup = {"setup": {**process.wait_ready(), "at": time.strftime("%Y-%m-%dT%H:%M:%S%z")}}
                except ContenderError as error:
                    self.drop(index, str(error))
                    continue
                self.record.add(index, setup)
                self.report(index, setup)
            yield
        finally:
            for process in self.processes.values():
                process.stop()
            self.processes = {}

    def ask_in_turn(self) -> None:
        """One question at a time, every contender in its turn. Raises BudgetSpent."""
        missing = {index: {q.id for q in self.record.missing_answers(index)} for index in self.processes}
        for turn, question in enumerate(self.record.questions):
            order = sorted(self.processes)
            for index in order[turn % len(order) :] + order[: turn % len(order)] if order else []:
                if question.id in missing[index] and index in self.processes:
                    check_budget(self.record, self.budget)
                    self.ask(index, question)
                    self.receive(index)

    def ask_several(self, index: int, width: int) -> None:
        """So many questions at once; what is under way is waited for even when the budget is spent.

        Each that is under way may come to cost what the dearest did, so the first is asked alone. Raises BudgetSpent.
        """
        record, budget = self.record, self.budget
        waiting, under_way = record.missing_answers(index), 0
        answers = record.contenders[index].answers

        def affordable() -> bool:
            if budget is None:
                return True
            dearest = max((line.get("usd") or 0.0 for line in answers.values()), default=budget) if under_way else 0.0
            return record.usd + (under_way + 1) * dearest < budget

        while index in self.processes and (waiting or under_way):
            if waiting and under_way < width and affordable():
                self.ask(index, waiting.pop(0))
                under_way += 1
            elif under_way:
                self.receive(index)
                under_way -= 1
            else:
                check_budget(record, budget)

    def ask(self, index: int, question: Question) -> None:
        """Sends a question, without waiting for its answer."""
        seed = int(self.record.about["seed"])
        asked = {"id": question.id, "text": question.text, "unit": question.unit, "seed": seed, "bare": question.bare}
        self.processes[index].ask(asked | {"pictures": write_pictures(question)})

    def receive(self, index: int) -> None:
        """Takes in a contender's next answer, judged."""
        process = self.processes[index]
        try:
            line = process.receive()
        except ContenderError as error:
            self.drop(index, str(error))
            return
        question = next(q for q in self.record.questions if q.id == line["id"])
        process.failures = process.failures + 1 if "error" in line else 0
        if "error" not in line:
            found = judge(question, line["text"])
            line |= {"right": found.right, "value": found.value, "slip": line.pop("failed", "") or found.slip}
        elif not line["passing"] or process.failures == PATIENCE:
            self.record.add(index, line)
            self.drop(index, line["error"])
            return
        self.record.add(index, line)
        self.report(index, line)

    def drop(self, index: int, why: str) -> None:
        """A contender falls out."""
        self.out[index] = why
        self.processes.pop(index).stop()
        self.report(index, {"out": why})


def check_budget(record: Record, budget: float | None) -> None:
    """Raises BudgetSpent where all that was allowed is spent."""
    if budget is not None and record.usd >= budget:
        raise BudgetSpent(
            f"{record.usd:.4f} of {budget:g} dollars are spent; the same command with a larger --budget goes on"
        )


def fetch_models(contenders: Sequence[Contender], progress: Any, shown: bool = False) -> None:
    """Fetches what is not here, before any clock runs.

    Raises GalopError, MemoryBudgetError; where pictures are `shown`, BlindModelError for a model that sees none and
    ContenderError for a strategy that looks at none.
    """
    for contender in contenders:
        if shown and contender.strategy.name == "tools":
            raise ContenderError(
                f"{contender.model}@tools computes from the text of a question alone; race pictures in another way"
            )
        if contender.strategy.name in ("tools", "code"):
            from galop.science import formulas

            formulas()  # whose error says what to install
        if contender.is_remote:
            continue
        source = store.resolve(store.locate(contender.model))
        path = store.fetch(source, progress)
        if shown and not find_info(replace(source, path=path)).sees:
            raise BlindModelError(source.name, seeing_models())
        if weight_bytes(path) > available_memory():
            raise MemoryBudgetError(f"{contender.model} does not fit the memory of this machine; leave it out")
