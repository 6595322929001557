"""Files that clients send for batches and prompts, and those they are answered with: kept for a month at most, each
its owner's alone."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from galop.errors import DocumentError
from galop.machine import private, private_folder
from galop.pictures.file_kinds import read_file
from galop.server.errors import ApiError

OUTPUT = "batch_output"  # the purpose of what a batch is answered with
MOST_FILES = 1000  # of one key, besides these, which nobody could take again
KEPT_SECONDS = 30 * 86400
FREE_BYTES = 1 << 30  # that a file has to leave of the disk
FILE_ID = re.compile(r"file-[0-9a-f]{24}")


@dataclass(frozen=True)
class StoredFile:
    """A file as OpenAI's Files API describes it."""

    id: str
    owner: str  # the hash of its key
    filename: str
    purpose: str
    bytes: int
    created_at: int
    expires_at: int

    def describe(self) -> dict[str, Any]:
        """What clients see of it."""
        shown = asdict(self) | {"object": "file", "status": "processed"}
        del shown["owner"]
        return shown


@dataclass
class Files:
    """A folder with the files of all keys, each beside what is known of it."""

    folder: Path

    def add(
        self,
        owner: str,
        filename: str,
        purpose: str,
        write: Callable[[BinaryIO], object],
        seconds: int = KEPT_SECONDS,
    ) -> StoredFile:
        """A new file, with what `write` writes, kept for so many seconds; it is there when it is whole.

        Raises ApiError (400, 507), OSError.
        """
        private_folder(self.folder)
        if purpose != OUTPUT and sum(file.purpose != OUTPUT for file in self.list(owner)) >= MOST_FILES:
            raise ApiError(400, "too_many_files", f"there are {MOST_FILES} files of this key; delete some")
        name, now = f"file-{secrets.token_hex(12)}", int(time.time())
        path = self.folder / name
        try:
            with open(path, "wb", opener=private) as file:
                write(file)
                size = file.tell()
            if shutil.disk_usage(self.folder).free < FREE_BYTES:
                raise ApiError(507, "insufficient_storage", "there is no room on the server's disk for this file")
            stored = StoredFile(name, owner, filename, purpose, size, now, now + seconds)
            write_record(path.with_suffix(".json"), asdict(stored))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return stored

    def find(self, owner: str, name: str) -> StoredFile:
        """Raises ApiError (404) where the owner has no such file."""
        if FILE_ID.fullmatch(name) and (record := read_record(self.folder / f"{name}.json")):
            stored = StoredFile(**record)
            if stored.owner == owner and stored.expires_at > time.time():
                return stored
        raise ApiError(404, "not_found", f"there is no file {name[:100]!r}")

    def list(self, owner: str) -> list[StoredFile]:
        """An owner's files, the newest first. Those whose time is over are removed, whosesoever they are."""
        found = []
        for path in self.folder.glob("file-*.json"):
            record = read_record(path)
            if record and record["expires_at"] <= time.time():
                self._remove(path.stem)
            elif record and record["owner"] == owner:
                found.append(StoredFile(**record))
        return sorted(found, key=lambda file: (-file.created_at, file.id))

    def path(self, stored: StoredFile) -> Path:
        """Where its content is."""
        return self.folder / stored.id

    def read(self, owner: str, name: str) -> tuple[str, bytes]:
        """A file's name and content, for a prompt. Raises DocumentError where the owner has no such file, or one that
        is larger than is read."""
        try:
            stored = self.find(owner, name)
        except ApiError:
            message = f"no file of this key has the file_id {name[:60]!r}; send it to /v1/files first, or in base64"
            raise DocumentError(message) from None
        return stored.filename, read_file(self.path(stored), stored.filename)

    def remove(self, owner: str, name: str) -> None:
        """Raises ApiError (404) where the owner has no such file."""
        self._remove(self.find(owner, name).id)

    def _remove(self, name: str) -> None:
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        (self.folder / name).unlink(missing_ok=True)


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes JSON whole or not at all, its owner's alone. Raises OSError."""
    new = path.with_suffix(".new")
    with open(new, "w", encoding="utf-8", opener=private) as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_record(path: Path) -> dict[str, Any] | None:
    """What `write_record` wrote; None where there is nothing, or nothing whole."""
    with suppress(OSError, ValueError):
        record = json.loads(path.read_text("utf-8"))
        return record if isinstance(record, dict) else None
    return None
