"""Runs a race: every question to every contender, each answer judged and kept before the next is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Thread
from typing import Any

from galop import store
from galop.backends.memory import PROCESS_BYTES
from galop.errors import BlindModelError, GalopError, MemoryBudgetError
from galop.machine import available_memory
from galop.race.asking import Asking
from galop.race.contender import Contender, ContenderError
from galop.race.contender_process import ContenderProcess
from galop.race.course import Course, Report
from galop.race.machines import measure_machine
from galop.race.outstanding import Outstanding
from galop.race.place import Place
from galop.race.record import Record
from galop.store import Source
from galop.store.model_info import find_info
from galop.store.seeing import seeing_models
from galop.weights.files import weight_bytes

INSPECT = "inspect:"
END_SECONDS = 20.0  # for which processes may take to end
KV_BYTES = 256 << 20  # about, of a contender's KV cache, beside its weights


def run_race(record: Record, budget: float | None, report: Report, places: Sequence[Place] = ()) -> Course:
    """Asks what has not been answered, by default on this machine; gives what became of contenders and places.

    With one question at a time contenders take turns on each question, in an order that turns too, so that whatever
    slows the machine slows them all; where they do not fit the memory together they run one after the other.
    Raises BudgetSpent, RecordError.
    """
    if str(record.about["set"]).startswith(INSPECT):
        return run_inspect(record, report)
    todo = [index for index in range(len(record.contenders)) if record.missing_answers(index)]
    places = places or [open_here(record, todo)]
    course = Course(record, budget, report, Outstanding(record, todo), places)
    threads = [Thread(target=_ask_apart, args=(course, place), daemon=True) for place in places[1:]]
    try:
        for thread in threads:
            thread.start()
        Asking(course, places[0]).run()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # which Ctrl-C may break off
    finally:
        course.stop()
        for thread in threads:
            thread.join(END_SECONDS)
    if course.failure:
        raise course.failure
    return course


def _ask_apart(course: Course, place: Place) -> None:
    """What the thread of a place does: its failure ends the race."""
    try:
        Asking(course, place).run()
    except BaseException as error:
        course.stop(error)


def open_here(record: Record, able: Sequence[int]) -> Place:
    """This machine as the place of contenders, measured where their times are."""
    names = [record.contenders[index].name for index in able]
    contenders = list(map(Contender.parse, names))
    together = int(record.about["together"])
    computes = any(not (c.is_remote or c.url) for c in contenders)

    started: list[ContenderProcess] = []

    def start(index: int, context: int) -> ContenderProcess:
        started.append(ContenderProcess(record.contenders[index].name, together, context=context))
        return started[-1]

    def close() -> None:
        for process in started:
            process.kill()

    machine = measure_machine() if computes and together == 1 else None
    return Place(
        set(able), fits_memory(sum(map(contender_bytes, contenders)), available_memory()), start, machine, close
    )


def run_inspect(record: Record, report: Report) -> Course:
    """A task of inspect-ai, which asks and judges in its own way, contender after contender."""
    from galop.race import inspect_tasks

    course = Course(record, None, report, Outstanding(record, ()), ())
    for index in range(len(record.contenders)):
        if record.missing_answers(index):
            try:
                inspect_tasks.run_contender(record, index, report)
            except GalopError as error:
                course.out[index] = str(error)
                report(index, {"out": str(error)})
    return course


def contender_bytes(contender: Contender) -> int:
    """About what a contender takes in memory; 0 for one behind an interface, or whose model is not here."""
    path = None if contender.is_remote else store.locate(contender.model).path
    return weight_bytes(path) + PROCESS_BYTES + KV_BYTES if path else 0


def fits_memory(needed: int, memory: int) -> bool:
    """Whether so many bytes can be taken, of those that are available."""
    return needed < 0.8 * memory


def fetch_models(contenders: Sequence[Contender], progress: Any, shown: bool = False) -> None:
    """Fetches what is not here, before any clock runs. Raises GalopError, and what `check_contender` raises."""
    for contender in contenders:
        source = None
        if not contender.is_remote:
            source = store.resolve(store.locate(contender.model))
            source = replace(source, path=store.fetch(source, progress))
        check_contender(contender, source, shown)


def check_contender(contender: Contender, source: Source | None, shown: bool) -> None:
    """Whether this machine can ask a contender, whose model is there if it is of a machine.

    Raises MemoryBudgetError, GalopError for what is not installed; where pictures are `shown`, BlindModelError for a
    model that sees none and ContenderError for a strategy that looks at none.
    """
    if shown and contender.strategy.name == "tools":
        raise ContenderError(
            f"{contender.model}@tools computes from the text of a question alone; race pictures in another way"
        )
    if contender.strategy.name in ("tools", "code"):
        from galop.science import formulas

        formulas()  # whose error says what to install
    if source is None:
        return
    assert source.path
    if shown and not find_info(source).sees:
        raise BlindModelError(source.name, seeing_models())
    if weight_bytes(source.path) > available_memory():
        raise MemoryBudgetError(f"{contender.model} does not fit the memory of this machine; leave it out")
