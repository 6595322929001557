"""Runs a race: every question to every lane, each answer judged and kept before the next is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from galop import store
from galop.backends.load import PROCESS_BYTES
from galop.errors import GalopError, MemoryBudgetError
from galop.machine import available_memory
from galop.race.lane import LaneError, LaneProcess, Spec
from galop.race.record import Line, Record
from galop.race.sets import Question, judge
from galop.weights.files import weight_bytes

Tell = Callable[[int, Line], None]
"""Hears of each line of a lane: what it turned out to be, an answer, or {"out": why}."""
INSPECT = "inspect:"
PATIENCE = 3  # questions in a row without an answer, after which a lane is out
KEYS_AND_VALUES = 256 << 20  # bytes, about, of a lane's context, beside its weights


class BudgetSpent(GalopError):
    """The dollars that were allowed are gone."""


def run(record: Record, budget: float | None, tell: Tell) -> dict[int, str]:
    """Asks what has not been answered; lanes that fall out, and why. Raises BudgetSpent.

    With one question at a time lanes take turns on each question, in an order that turns too, so that whatever slows
    the machine slows them all; where they do not fit the memory together they run one after the other.
    """
    if str(record.about["set"]).startswith(INSPECT):
        return by_inspect(record, tell)
    specs = [Spec.named(lane.name) for lane in record.lanes]
    together = int(record.about["together"])
    todo = [i for i in range(len(specs)) if record.left(i)]
    out: dict[int, str] = {}
    groups = [todo] if together == 1 and fit([specs[i] for i in todo]) else [[i] for i in todo]
    for group in groups:
        with started(record, group, specs, together, out, tell) as processes:
            if together == 1:
                in_turn(record, processes, budget, out, tell)
            else:
                for index, process in processes.items():
                    abreast(record, index, process, together, budget, out, tell)
    return out


def by_inspect(record: Record, tell: Tell) -> dict[int, str]:
    """A task of inspect-ai, which asks and judges in its own way, lane after lane."""
    from galop.race import inspect_model

    out: dict[int, str] = {}
    for index in range(len(record.lanes)):
        if record.left(index):
            try:
                inspect_model.run(record, index, tell)
            except GalopError as error:
                out[index] = str(error)
                tell(index, {"out": str(error)})
    return out


def fit(specs: Sequence[Spec]) -> bool:
    """Whether all lanes can be in memory at once."""
    needed = 0
    for spec in specs:
        if not spec.remote and (path := store.locate(spec.model).path):
            needed += weight_bytes(path) + PROCESS_BYTES + KEYS_AND_VALUES
    return needed < 0.8 * available_memory()


@contextmanager
def started(
    record: Record, group: Sequence[int], specs: Sequence[Spec], together: int, out: dict[int, str], tell: Tell
) -> Iterator[dict[int, LaneProcess]]:
    processes: dict[int, LaneProcess] = {}
    try:
        for index in group:
            process = LaneProcess(record.lanes[index].name, specs[index], together)
            processes[index] = process
            try:
                setup = {"setup": {**process.ready(), "at": time.strftime("%Y-%m-%dT%H:%M:%S%z")}}
            except LaneError as error:
                fallen(index, str(error), processes, out, tell)
                continue
            record.add(index, setup)
            tell(index, setup)
        yield processes
    finally:
        for process in processes.values():
            process.stop()


def in_turn(
    record: Record, processes: dict[int, LaneProcess], budget: float | None, out: dict[int, str], tell: Tell
) -> None:
    left = {index: {q.id for q in record.left(index)} for index in processes}
    for turn, question in enumerate(record.questions):
        order = sorted(processes)
        for index in order[turn % len(order) :] + order[: turn % len(order)] if order else []:
            if question.id in left[index] and index in processes:
                check(record, budget)
                processes[index].ask(asked(question, record))
                receive(record, index, processes, out, tell)


def abreast(
    record: Record, index: int, process: LaneProcess, width: int, budget: float | None, out: dict[int, str], tell: Tell
) -> None:
    """So many questions at once; what is under way is waited for even when the budget is spent.

    Each that is under way may come to cost what the dearest did, so the first is asked alone.
    """
    waiting, under_way = record.left(index), 0
    processes = {index: process}
    answers = record.lanes[index].answers

    def affordable() -> bool:
        if budget is None:
            return True
        dearest = max((line.get("usd") or 0.0 for line in answers.values()), default=budget) if under_way else 0.0
        return record.spent() + (under_way + 1) * dearest < budget

    while processes and (waiting or under_way):
        if waiting and under_way < width and affordable():
            process.ask(asked(waiting.pop(0), record))
            under_way += 1
        elif under_way:
            receive(record, index, processes, out, tell)
            under_way -= 1
        else:
            check(record, budget)


def receive(record: Record, index: int, processes: dict[int, LaneProcess], out: dict[int, str], tell: Tell) -> None:
    """Takes in the lane's next answer."""
    try:
        line = processes[index].receive()
    except LaneError as error:
        fallen(index, str(error), processes, out, tell)
        return
    question = next(q for q in record.questions if q.id == line["id"])
    process = processes[index]
    process.failures = process.failures + 1 if "error" in line else 0
    if "error" not in line:
        found = judge(question, line["text"])
        line |= {"right": found.right, "value": found.value, "slip": line.pop("failed", "") or found.slip}
    elif not line["passing"] or process.failures == PATIENCE:
        record.add(index, line)
        fallen(index, line["error"], processes, out, tell)
        return
    record.add(index, line)
    tell(index, line)


def fallen(index: int, why: str, processes: dict[int, LaneProcess], out: dict[int, str], tell: Tell) -> None:
    out[index] = why
    processes.pop(index).stop()
    tell(index, {"out": why})


def check(record: Record, budget: float | None) -> None:
    if budget is not None and record.spent() >= budget:
        raise BudgetSpent(
            f"{record.spent():.4f} of {budget:g} dollars are spent; the same command with a larger --budget goes on"
        )


def asked(question: Question, record: Record) -> dict[str, Any]:
    return {"id": question.id, "text": question.text, "unit": question.unit, "seed": int(record.about["seed"])}


def prepared(specs: Sequence[Spec], progress: Any) -> None:
    """Fetches what is not here, before any clock runs. Raises GalopError, MemoryBudgetError."""
    for spec in specs:
        if spec.way.name in ("tools", "code"):
            from galop.science import formulas

            formulas()  # tells what to install
        if spec.remote:
            continue
        path = store.fetch(store.settle(store.locate(spec.model)), progress)
        if weight_bytes(path) > available_memory():
            raise MemoryBudgetError(f"{spec.model} does not fit the memory of this machine; leave it out")
