"""Races at several places at once, with real processes of this machine as their nodes: no cluster is needed for what
hands questions out, merges answers and tells machines apart."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galop.cli.race.table import table
from galop.race.contender_process import ContenderProcess
from galop.race.course import Course
from galop.race.machines import Machine, choose_kind, group_machines
from galop.race.merge import merge_lanes
from galop.race.outstanding import Outstanding
from galop.race.place import LostPlaceError, Place
from galop.race.question import Question
from galop.race.question_set import load_questions
from galop.race.record import Line, Record, RecordError
from galop.race.report import render_report
from galop.race.run import run_race
from galop.race.summary import summary

LANES = ["qwen3-mini:0.4m", "qwen3-mini:0.4m@vote:2"]
ONE, TWO = (Machine("Epyc", 1, 20e9, 1 << 30, 0, node) for node in ("one", "two"))
OTHER = Machine("Xeon", 1, 30e9, 1 << 30, 0, "three")


def new_record(folder: Path, together: int = 1, count: int = 12, lanes: list[str] = LANES) -> Record:
    about = {"set": "reasoning", "seed": 0, "together": together, "version": "1", "machine": "Epyc", "begun": ""}
    return Record.create(folder, about, load_questions("reasoning", count), lanes)


class Doomed(ContenderProcess):
    """A process whose machine is lost when it has given so many answers."""

    left = 3
    lost = threading.Event()

    def receive(self) -> dict[str, Any]:
        line = super().receive()
        if "id" in line:
            type(self).left -= 1
        if type(self).left < 0:
            self.kill()
            self.lost.set()
            raise LostPlaceError("the node two was lost")
        return line


def place(
    record: Record, machine: Machine, kind: type[ContenderProcess] = ContenderProcess, fits: bool = True
) -> Place:
    together = int(record.about["together"])
    names = [lane.name for lane in record.contenders]
    return Place(
        set(range(len(names))), fits, lambda index, context: kind(names[index], together, 1, context), machine
    )  # fmt: skip


def texts(record: Record) -> list[dict[str, str]]:
    return [{id: line["text"] for id, line in lane.answers.items()} for lane in record.contenders]


def recorded(record: Record) -> list[list[Line]]:
    """The lines of all answers, as they are on the disk."""
    found = []
    for index in range(len(record.contenders)):
        lines = map(json.loads, record.path(index).read_text().splitlines())
        found.append([line for line in lines if "setup" not in line])
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The race on one machine."""
    record = new_record(tmp_path_factory.mktemp("alone") / "race", together=2)
    run_race(record, None, lambda index, line: None)
    assert record.is_finished
    return record


@pytest.mark.parametrize(("together", "fits"), [(1, True), (1, False), (3, True)])
def test_a_place_is_lost_and_every_question_is_answered_once(
    alone: Record, tmp_path: Path, together: int, fits: bool
) -> None:
    Doomed.left = 3
    Doomed.lost.clear()
    record = new_record(tmp_path / "race", together)
    doomed, other = place(record, TWO, Doomed, fits), place(record, ONE, fits=fits)
    start = other.start

    def start_after_the_loss(index: int, context: int) -> Any:
        assert Doomed.lost.wait(300)
        return start(index, context)

    other.start = start_after_the_loss
    course = run_race(record, None, lambda index, line: None, [doomed, other])
    assert not course.out and course.left == ["the node two was lost"]
    record = Record.load(record.folder)
    assert record.is_finished and texts(record) == texts(alone)
    for lines in recorded(record):
        assert len(lines) == len({line["id"] for line in lines}) == 12
    found = summary(record)
    assert {row["node"]: sum(row["answers"]) for row in found["machines"]} == {"one": 21, "two": 3}
    assert not found["unlike"]
    page = render_report(record, found)
    assert "Who answered where" in page and ", at two</span>" in page and "unlike" not in page


def test_where_all_places_are_lost_the_race_goes_on_later(alone: Record, tmp_path: Path) -> None:
    Doomed.left = 4
    record = new_record(tmp_path / "race", 2)
    told: list[Line] = []
    course = run_race(record, None, lambda index, line: told.append(line), [place(record, TWO, Doomed)])
    assert set(course.out.values()) == {"the node two was lost"} and not record.is_finished
    assert [line for line in told if "out" in line]
    again = Record.load(record.folder)
    run_race(again, None, lambda index, line: None, [place(again, ONE), place(again, OTHER)])
    assert texts(Record.load(record.folder)) == texts(alone)
    assert all(len(lines) == 12 for lines in recorded(record))


def test_what_cannot_run_at_one_place_is_asked_at_another(tmp_path: Path) -> None:
    record = new_record(tmp_path / "race", lanes=[LANES[0], "smollm2:nowhere"], count=4)
    course = run_race(record, None, lambda index, line: None, [place(record, ONE), place(record, TWO)])
    assert list(course.out) == [1] and "smollm2:nowhere" in course.out[1] and "asked no more at" in course.left[0]
    assert not record.missing_answers(0) and len(record.missing_answers(1)) == 4


def test_another_model_under_the_same_name_answers_nothing(tmp_path: Path) -> None:
    record = new_record(tmp_path / "race", lanes=LANES[:1], count=4)
    places = [place(record, ONE), place(record, TWO)]
    start = places[1].start

    def start_another(index: int, context: int) -> Any:
        process = start(index, context)
        ready = process.wait_ready

        def told() -> Line:
            course_has_setup.wait(60)
            return ready() | {"digest": "0" * 64}

        process.wait_ready = told  # type: ignore[method-assign]
        return process

    course_has_setup = threading.Event()
    places[1].start = start_another
    course = run_race(record, None, lambda index, line: course_has_setup.set(), places)
    assert record.is_finished and "has another model under the name qwen3-mini:0.4m" in course.left[0]
    assert {line["node"] for line in recorded(record)[0]} == {"one"}


@pytest.fixture
def outstanding(tmp_path: Path) -> Iterator[tuple[Record, Outstanding]]:
    questions = [Question(str(i), "k", "?", "1") for i in range(4)]
    record = Record.create(tmp_path / "x", {"set": "x", "seed": 0, "together": 1}, questions, ["a", "b"])
    yield record, Outstanding(record, [0, 1])


def test_each_question_is_handed_out_once(outstanding: tuple[Record, Outstanding]) -> None:
    _, left = outstanding
    taken: Counter[tuple[int, str]] = Counter()
    lost = threading.Event()

    def take_all() -> None:
        while turn := left.take_turn([0, 1]):
            for index, question in turn[1].items():
                if question.id == "2" and not lost.is_set():
                    lost.set()
                    left.give_back(index, question)
                else:
                    taken[index, question.id] += 1
                    left.settle(index)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert taken == Counter({(index, str(i)): 1 for index in (0, 1) for i in range(4)})
    assert left.take(0) is None and left.choose([0, 1]) is None


def test_places_divide_among_contenders(outstanding: tuple[Record, Outstanding]) -> None:
    _, left = outstanding
    assert [left.choose([0, 1]) for _ in range(3)] == [0, 1, 0]
    left.leave(0)
    left.withdraw(1)
    assert left.choose([0, 1]) == 0 and left.choose([1]) is None
    left.stop()
    assert left.take(0) is None and left.choose([0]) is None and left.take_turn([0, 1]) is None


def test_kinds_of_machine() -> None:
    slow, fast = Machine("Epyc", 1, 12e9, node="slow"), Machine("Epyc", 2, 20e9, node="fast")
    assert group_machines([slow, OTHER, ONE, TWO, fast]) == [[ONE, TWO], [OTHER], [fast], [slow]]
    assert choose_kind([slow, OTHER, ONE, TWO], []) == [ONE, TWO]
    assert choose_kind([slow, OTHER, ONE], [OTHER, OTHER]) == [OTHER]
    assert choose_kind([ONE, TWO], [OTHER]) == []
    busy = Machine("Epyc", 1, 2e9, node="one")
    assert choose_kind([busy, OTHER], [ONE]) == [busy], "the same node, read while others used its memory"
    old = Machine.of_setup({"machine": "Epyc"})
    assert old and choose_kind([OTHER, ONE], [old]) == [ONE]
    assert Machine.of_setup({"model": "grok-4", "url": "x"}) is None


def answer_line(id: str, **more: Any) -> Line:
    return {"id": id, "begun": 0.0, "text": "", "thinking": "", "calls": [], "replies": 1, "tokens": 5,
            "thinking_tokens": 0, "seconds": 1.0, "first_token_seconds": 0.5, "answer_seconds": 0.5, "cut_off": False,
            "slip": "", "right": True, "memory": None, **more}  # fmt: skip


def setup_line(machine: Machine, **more: Any) -> Line:
    about = {"kind": "open", "model": "m", "file": "f", "bytes": 1, "machine": machine.processor, "threads": 1,
             "kernels": "k", "context": 1}  # fmt: skip
    return {"setup": {**about, "host": machine.to_json(), **more}}


def written(folder: Path, lines: list[Line], count: int = 6) -> Record:
    questions = [Question(str(i), str(i), "?", "1") for i in range(count)]
    record = Record.create(folder, {"set": "x", "seed": 0, "together": 1, "machine": "Epyc"}, questions, ["lane"])
    record.add_all(0, lines)
    return Record.load(folder)


def test_records_are_joined_question_by_question(tmp_path: Path) -> None:
    first = written(tmp_path / "first", [
        setup_line(ONE), answer_line("0", node="one"), setup_line(TWO), answer_line("1", node="two"),
        answer_line("2", node="one", text="kept"), {"id": "3", "error": "broke", "passing": True},
    ])  # fmt: skip
    second = written(tmp_path / "second", [
        setup_line(OTHER), answer_line("2", node="three", text="later"), answer_line("3", node="three"),
        answer_line("4", node="three"),
    ])  # fmt: skip
    joined = written(tmp_path / "joined", merge_lanes([second, first], "lane"))
    [lane] = joined.contenders
    assert {id: line.get("node") for id, line in lane.answers.items()} == {
        "0": "one", "1": "two", "2": "one", "3": "three", "4": "three"}  # fmt: skip
    assert lane.answers["2"]["text"] == "kept" and [q.id for q in joined.missing_answers(0)] == ["5"]
    assert {id: setup["host"]["node"] for id, setup in lane.origins.items() if "error" not in lane.answers[id]} == {
        "0": "one", "1": "two", "2": "one", "3": "three", "4": "three"}  # fmt: skip
    other = written(tmp_path / "other", [setup_line(ONE, digest="a"), answer_line("5")])
    same = written(tmp_path / "same", [setup_line(ONE, digest="b"), answer_line("5")])
    with pytest.raises(RecordError, match="is another model"):
        merge_lanes([other, same], "lane")


def test_times_of_unlike_machines_are_flagged(tmp_path: Path) -> None:
    lines = [setup_line(ONE), answer_line("0", node="one"), setup_line(OTHER), answer_line("1", node="three")]
    record = written(tmp_path / "mixed", lines)
    found = summary(record)
    assert found["unlike"] == ["Epyc, 1 thread, 20.0 GB/s", "Xeon, 1 thread, 30.0 GB/s"] or len(found["unlike"]) == 2
    assert "seconds" not in found["fronts"]
    page, shown = render_report(record, found), table(found)
    assert "Measured on unlike machines" in page and "per answer †" in page and ", at three</span>" in page
    assert "per answer†" in shown and "Xeon, 1 thread, 30.0 GB/s" in shown
    record.about["together"] = 4  # whose times are not shown
    assert not summary(record)["unlike"]


def test_a_failure_at_one_place_ends_the_race(tmp_path: Path) -> None:
    """Such as a disk that is full: all places stop, and the failure is the race's."""
    record = new_record(tmp_path / "race", 2)

    def report(index: int, line: Line) -> None:
        if "id" in line:
            raise RecordError("the disk is full")

    with pytest.raises(RecordError, match="disk is full"):
        run_race(record, None, report, [place(record, ONE), place(record, TWO)])


def test_a_course_that_stops_blames_nobody(tmp_path: Path) -> None:
    record = new_record(tmp_path / "race", count=4)
    places = [place(record, ONE), place(record, TWO)]
    course = Course(record, None, lambda index, line: None, Outstanding(record, [0, 1]), places)
    course.stop()
    course.lose(places[0], "it was lost")
    course.drop(0, places[1], "its process ended")
    assert not course.out and not course.left
