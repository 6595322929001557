"""A batch's answers: written as they come to a file beside the one that is wanted, which appears when it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from array import array
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from filelock import FileLock, Timeout

from galop.machine import cache_directory, private, private_folder
from galop.server.batches.requests import BatchFileError, BatchRequest, RequestFile

NONE = -1  # where an answer would begin that is not there yet


def part_of(path: Path) -> Path:
    """Where answers are while not all are there."""
    return path.with_name(path.name + ".part")


class AnswerFile:
    """A context manager: within it nobody else writes the same file.

    Answers that are there from before, in the part or in the whole file, are kept, and requests that have one are not
    `pending`. A line that was not written to its end, when a process or a machine died, is taken away.
    """

    def __init__(self, path: Path, requests: RequestFile) -> None:
        self.path, self.part = path, part_of(path)
        self.requests = requests
        self.done = 0  # requests that have an answer
        self.failed = 0  # and those of them whose answer is an error
        self._begins = array("q", [NONE]) * len(requests)
        self._size = 0
        known_as = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
        self._lock = FileLock(private_folder(cache_directory() / "locks") / known_as)

    def __enter__(self) -> Self:
        """Raises BatchFileError if another process writes it, or what is there are no answers to these requests."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise BatchFileError(f"{self.path} is being written by another galop batch") from None
        try:
            if self.path.exists():
                self._keep(self.path)
                if self.done < len(self.requests):
                    missing = len(self.requests) - self.done
                    raise BatchFileError(f"{self.path} is there already and lacks {missing} answers; name another file")
                self.path.replace(self.part)  # it is finished once more, and the same
                self._begins, self.done, self.failed = array("q", [NONE]) * len(self.requests), 0, 0
            self._file: BinaryIO = open(self.part, "ab", opener=private)
            self._size = self._keep(self.part)
            self._file.truncate(self._size)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # of what could not be written, which was told then
            self._file.close()
        self._lock.release()

    def has(self, number: int) -> bool:
        """Whether the request of that number has an answer."""
        return self._begins[number] != NONE

    def write(self, number: int, request: BatchRequest, status: int, request_id: str, body: str) -> None:
        """Adds an answer, whose body is JSON without line ends, in one piece."""
        head = json.dumps({"id": request.id, "custom_id": request.custom_id})[:-1]
        response = f'{{"status_code": {status}, "request_id": {json.dumps(request_id)}, "body": {body}}}'
        line = f'{head}, "response": {response}, "error": null}}\n'.encode()
        self._file.write(line)
        self._file.flush()
        self._note(number, self._size, status)
        self._size += len(line)

    def finish(self) -> None:
        """Makes the whole file of the part, in the order of the requests."""
        os.fsync(self._file.fileno())
        ordered = self.path.with_name(self.path.name + ".tmp")
        with self.part.open("rb") as part, open(ordered, "wb", opener=private) as file:
            for begin in self._begins:
                part.seek(begin)
                file.write(part.readline())
            file.flush()
            os.fsync(file.fileno())
        ordered.replace(self.path)
        self.part.unlink()

    def _keep(self, path: Path) -> int:
        """Notes the answers of a file, and how many bytes they take. Raises BatchFileError for other lines."""
        size = 0
        with path.open("rb") as file, self.requests.path.open("rb") as asked:
            for count, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                known = self._read(line, asked)
                if known is None:
                    message = "is no answer to a request as it stands in"
                    raise BatchFileError(f"{path}, line {count}: {message} {self.requests.path}; name another output")
                number, status = known
                self._note(number, size, status)
                size += len(line)
        return size

    def _note(self, number: int, begin: int, status: int) -> None:
        self._begins[number] = begin
        self.done += 1
        self.failed += status >= 400

    def _read(self, line: bytes, asked: BinaryIO) -> tuple[int, int] | None:
        """Which request a line answers, and with what status, if it has no answer yet and was not changed."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            answer = json.loads(line)
            number = self.requests.numbers[answer["custom_id"]]
            status = answer["response"]["status_code"]
            if isinstance(status, int) and not self.has(number):
                return (number, status) if self.requests.read(asked, number).id == answer["id"] else None
        return None
