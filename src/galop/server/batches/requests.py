"""A batch's requests: a file of JSON lines, looked through before any of it is answered."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from galop.errors import GalopError
from galop.server.errors import ApiError
from galop.server.transport.guard import MAX_BODY
from galop.server.transport.json_body import compact_json, parse_json

ENDPOINTS = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/responses", "/v1/messages",
)  # fmt: skip
LONGEST_ID = 512  # characters
COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")  # gzip, zip, zstd, bzip2, xz
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BatchFileError(GalopError):
    """A file is none of requests, or none of answers to them. `line` is where."""

    exit_code = 2

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class BatchRequest:
    """One line: what is asked, and where the answer is to come from."""

    custom_id: str
    url: str
    body: dict[str, Any]
    id: str  # follows from the line, so that an answer belongs to a request as it was

    @property
    def model(self) -> str:
        """The model's name, or "" where the first is to answer."""
        return self.body.get("model") or ""

    def content(self, model: str = "") -> bytes:
        """The body to send, to another model where one is named."""
        return compact_json(self.body | {"model": model} if model else self.body).encode()


@dataclass
class RequestFile:
    """Where each request of a file begins, by what id it is known, and which model it asks."""

    path: Path
    numbers: dict[str, int] = field(default_factory=dict)  # by custom_id, from 0
    models: list[str] = field(default_factory=list)  # in the order of their first request
    _lines: array[int] = field(default_factory=lambda: array("q"))  # of each request: its line in the file
    _begins: array[int] = field(default_factory=lambda: array("q"))  # and where that begins, in bytes
    _asked: array[int] = field(default_factory=lambda: array("l"))  # and which of `models` it asks

    def __len__(self) -> int:
        return len(self._begins)

    def read(self, file: BinaryIO, number: int) -> BatchRequest:
        """A request from the opened file. Raises BatchFileError where it has been changed meanwhile."""
        file.seek(self._begins[number])
        request = parse_request(file.readline(), self.path, self._lines[number])
        if self.numbers.get(request.custom_id) != number:
            raise BatchFileError(f"{self.path} was changed while it was answered; begin again with a new output")
        return request

    def by_model(self) -> Iterator[int]:
        """The numbers of all requests, those to one model after those to another."""
        for model in range(len(self.models)):
            yield from (number for number, asked in enumerate(self._asked) if asked == model)


def look_through(path: Path, urls: Collection[str] = ENDPOINTS) -> RequestFile:
    """The requests of a file. Raises BatchFileError, with the line, for the first that is none; OSError."""
    requests, known = RequestFile(path), dict[str, int]()
    with path.open("rb") as file:
        begin = len(BYTE_ORDER_MARK) if file.read(3) == BYTE_ORDER_MARK else 0
        file.seek(begin)
        number = 0
        while line := file.readline(MAX_BODY + 1):
            number += 1
            if line.strip():
                request = parse_request(line, path, number, urls)
                first = requests.numbers.setdefault(request.custom_id, len(requests))
                if first != len(requests):
                    message = f"custom_id {request.custom_id!r} stands in line {requests._lines[first]}, too"
                    raise BatchFileError(f"{path}, line {number}: {message}", number)
                requests._lines.append(number)
                requests._begins.append(begin)
                requests._asked.append(known.setdefault(request.model, len(known)))
            begin += len(line)
    if not requests:
        raise BatchFileError(f"{path} holds no requests")
    requests.models = list(known)
    return requests


def parse_request(line: bytes, path: Path, number: int, urls: Collection[str] = ENDPOINTS) -> BatchRequest:
    """What a line asks. Raises BatchFileError where that is no request."""

    def refuse(why: str) -> BatchFileError:
        return BatchFileError(f"{path}, line {number}: {why}", number)

    if len(line) > MAX_BODY:
        raise refuse(f"a request may have {MAX_BODY >> 20} MiB")
    if number == 1 and line.startswith(COMPRESSED):
        raise refuse("it is compressed; unpack the file first")
    try:
        asked = parse_json(line)
    except ApiError as error:
        raise refuse(error.message.replace("the request body", "it")) from None
    name, url, body = asked.get("custom_id"), asked.get("url"), asked.get("body")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        raise refuse(f'"custom_id" has to be a text of 1 to {LONGEST_ID} characters')
    if asked.get("method", "POST") != "POST":
        raise refuse('"method" has to be "POST"')
    if url not in urls:
        raise refuse(f'"url" has to be {" or ".join(urls)}, not {str(url)[:100]!r}')
    if not isinstance(body, dict):
        raise refuse('"body" has to be an object: the request itself')
    if not isinstance(body.get("model") or "", str):
        raise refuse('"body.model" has to be a text')
    if body.get("stream"):
        raise refuse('"body.stream" cannot be true, since a file takes whole answers')
    return BatchRequest(name, url, body, "batch_req_" + hashlib.sha256(line.strip()).hexdigest()[:32])
