"""A race as a folder: race.json (what was asked for), questions.jsonl and their pictures, and lane-N.jsonl, a line for
each answer.

Answers are only ever appended, each flushed to the disk before the next question is asked. A line that a kill cut off
is dropped when the race goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from galop.errors import GalopError
from galop.machine import data_directory, private, private_folder
from galop.race.pictures import keep_pictures
from galop.race.question import Question

FORMAT = 1
Line = dict[str, Any]


class RecordError(GalopError):
    """A folder that is no race, or one that cannot go on as asked."""

    exit_code = 2


@dataclass
class ContenderRecord:
    """What is recorded of a contender: what it turned out to be, and its answers by question."""

    name: str
    about: Line = field(default_factory=dict)  # what it turned out to be: file, hash, kernels, price
    answers: dict[str, Line] = field(default_factory=dict)
    origins: dict[str, Line] = field(default_factory=dict)  # what it was when it gave them, by question
    setups: dict[str, Line] = field(default_factory=dict)  # what it last was on each node; "" for the race's machine
    usd: float = 0.0  # spent on all that was asked, errors and all

    def take(self, line: Line) -> None:
        """A line of its file; of two answers to a question the later counts, since an error is asked again."""
        if "setup" in line:
            self.about = line["setup"]
            self.setups[self.about.get("host", {}).get("node", "")] = self.about
        else:
            self.origins[line["id"]] = self.setups.get(line.get("node", ""), self.about)
            self.usd += line.get("usd") or 0.0
            self.answers[line["id"]] = line


def is_other_model(a: Line, b: Line) -> bool:
    """Whether two setups of one name are of different models, as far as both tell."""
    for key in ("digest", "sha256"):
        if a.get(key) and b.get(key):
            return bool(a[key] != b[key])
    return False


class Record:
    """A race's folder as read, kept up to date on the disk and in memory; contenders go by their numbers, from 0."""

    def __init__(self, folder: Path, about: Line, questions: list[Question], contenders: list[ContenderRecord]) -> None:
        self.folder = folder
        self.about = about
        self.questions = questions
        self.contenders = contenders

    @classmethod
    def create(cls, folder: Path, about: Line, questions: Sequence[Question], names: Sequence[str]) -> Record:
        """A new folder for contenders of these names. Raises RecordError if it cannot be written, PictureError for a
        picture that cannot be kept."""
        try:
            make_private(folder)
            questions = keep_pictures(questions, folder)
            about = {"format": FORMAT, **about, "lanes": list(names), "identity": identity(about, questions, names)}
            replace_file(folder / "questions.jsonl", json_lines(questions))
            replace_file(folder / "race.json", json.dumps(about, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise RecordError(f"{folder} cannot be written: {error.strerror}") from None
        return cls(folder, about, list(questions), [ContenderRecord(name) for name in names])

    @classmethod
    def load(cls, folder: Path) -> Record:
        """What was recorded in a folder. Raises RecordError where there is nothing, or it is damaged."""
        try:
            if folder.is_dir():
                make_private(folder)
            about = json.loads((folder / "race.json").read_text("utf-8"))
            if about["format"] != FORMAT:
                raise RecordError(f"{folder} was recorded in format {about['format']}; this galop reads {FORMAT}")
            lines = (folder / "questions.jsonl").read_text("utf-8").split("\n")  # a text may have other line ends in it
            questions = [Question.from_json(json.loads(line), folder) for line in lines if line]
            contenders = [ContenderRecord(str(name)) for name in about["lanes"]]
        except FileNotFoundError:
            raise RecordError(f"{folder} is no recorded race; list them with: galop race list") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecordError(f"{folder} is a damaged record: {error}") from None
        record = cls(folder, about, questions, contenders)
        for index, contender in enumerate(contenders):
            for line in read_whole_lines(record.path(index)):
                contender.take(line)
        return record

    def path(self, index: int) -> Path:
        """The file of a contender's answers."""
        return self.folder / f"lane-{index + 1}.jsonl"

    def add(self, index: int, line: Line) -> None:
        """Keeps an answer, or what a contender turned out to be, on the disk. Raises RecordError."""
        self.add_all(index, [line])

    def add_all(self, index: int, lines: Sequence[Line]) -> None:
        """Keeps lines of a contender, in order. Raises RecordError."""
        try:
            with open(self.path(index), "ab", opener=private) as file:
                for line in lines:
                    file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RecordError(
                f"{self.path(index)} cannot be written: {error.strerror}; what was answered is kept"
            ) from None
        for line in lines:
            self.contenders[index].take(line)

    def missing_answers(self, index: int) -> list[Question]:
        """Questions that a contender has not answered yet, or could not."""
        answers = self.contenders[index].answers
        return [q for q in self.questions if q.id not in answers or answers[q.id].get("error")]

    @property
    def is_finished(self) -> bool:
        """Whether every contender has answered every question."""
        return not any(self.missing_answers(i) for i in range(len(self.contenders)))

    @property
    def usd(self) -> float:
        """Dollars spent, errors and all."""
        return sum(contender.usd for contender in self.contenders)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else runs this race meanwhile, and every file ends with a whole line. Raises RecordError."""
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RecordError(f"{self.folder} is being raced by another process; wait for it or take --out") from None
        except OSError as error:
            raise RecordError(f"{self.folder} cannot be written: {error.strerror}") from None
        try:
            for index in range(len(self.contenders)):
                drop_cut_line(self.path(index))
            yield
        finally:
            lock.release()


def json_lines(questions: Sequence[Question]) -> str:
    """The text of questions.jsonl."""
    return "".join(f"{json.dumps(q.to_json(), ensure_ascii=False)}\n" for q in questions)


def identity(about: Line, questions: Sequence[Question], names: Sequence[str]) -> str:
    """Of what is asked of whom: equal for the same command on the same questions."""
    asked = json.dumps([about.get("set"), about.get("seed"), about.get("together"), list(names)])
    return hashlib.sha256(f"{asked}\n{json_lines(questions)}".encode()).hexdigest()[:16]


def races_directory() -> Path:
    """Where races are recorded unless --out says otherwise."""
    return data_directory() / "races"


def make_private(folder: Path) -> None:
    """Answers are their owner's alone; a folder elsewhere that was there before is left as it is."""
    if folder.absolute().is_relative_to(races_directory()):
        private_folder(races_directory())
    if not folder.exists():
        private_folder(folder)


def list_records() -> list[Record]:
    """All races in the usual place, oldest first; damaged ones are left out."""
    found = []
    for path in sorted(races_directory().glob("*/race.json")):
        try:
            found.append(Record.load(path.parent))
        except RecordError:
            continue
    return sorted(found, key=lambda r: (r.about.get("begun", ""), r.folder.name))


def find_record(name: str) -> Record:
    """By its folder or its name in the usual place; left out, the last one. Raises RecordError."""
    if not name:
        races = list_records()
        if not races:
            raise RecordError("no race has been recorded yet; begin one with: galop race MODEL MODEL --on science")
        return races[-1]
    path = Path(name)
    return Record.load(path if (path / "race.json").exists() or path.is_absolute() else races_directory() / name)


def find_unfinished(identity: str) -> Record | None:
    """The race that the same command began and did not end. Raises RecordError if its record is damaged."""
    for path in sorted(races_directory().glob("*/race.json"), key=lambda p: p.stat().st_mtime, reverse=True):
        if f'"{identity}"' in path.read_text("utf-8", "replace"):
            race = Record.load(path.parent)
            if not race.is_finished:
                return race
    return None


def new_folder(name: str) -> Path:
    """A folder in the usual place that is not there yet, called by a set and today's date."""
    stem = f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:40] or 'race'}-{time.strftime('%Y-%m-%d')}"
    return next(p for n in range(1, 10_000) if not (p := races_directory() / f"{stem}-{n}").exists())


def read_whole_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, but for a last one that a kill cut off. Raises RecordError for a damaged one."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # cut off by a kill
            try:
                data = json.loads(line)
            except ValueError:
                raise RecordError(
                    f"{path}, line {number} is damaged; delete that line to ask its question again"
                ) from None
            yield data


def drop_cut_line(path: Path) -> None:
    """Drops what a kill left of a last line."""
    if path.exists():
        data = path.read_bytes()
        if data and not data.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)


def replace_file(path: Path, text: str) -> None:
    """All of it or nothing."""
    part = path.with_name(f".{path.name}.part")
    with open(part, "w", encoding="utf-8", newline="\n", opener=private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
