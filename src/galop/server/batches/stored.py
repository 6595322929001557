"""Batches of a server: each a record on disk, answered in the background, and gone on with after a restart."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout
from starlette.types import ASGIApp, Receive, Scope, Send

from galop.errors import GalopError
from galop.machine import is_disk_full, private_folder
from galop.server.api_keys import ANYONE, ApiKey, KeyFile
from galop.server.batches.answers import AnswerFile, part_of
from galop.server.batches.files import OUTPUT, Files, read_record, write_record
from galop.server.batches.requests import BatchFileError, RequestFile, look_through
from galop.server.batches.run import answer_requests
from galop.server.errors import ApiError
from galop.server.reply import in_background

BATCH_ID = re.compile(r"batch_[0-9a-f]{24}")
UNFINISHED = ("validating", "in_progress", "finalizing", "cancelling")
SHARE = 4  # of the answers that a server generates at once, one in so many is a batch's
SAVE_SECONDS = 1.0  # between two records of how far a batch is
FULL_SECONDS = 10.0  # until a batch tries again to write to a full disk
log = logging.getLogger("galop.server")


class KeyGoneError(GalopError):
    """The key of a batch is not among the server's keys any more."""


def wants_room(error: Exception) -> bool:
    """Whether there was no room on the disk."""
    return (
        error.status_code == 507 if isinstance(error, ApiError) else isinstance(error, OSError) and is_disk_full(error)
    )


@dataclass
class StoredBatch:
    """A batch as OpenAI's Batch API describes it; times are seconds since 1970."""

    id: str
    owner: str  # the hash of its key
    endpoint: str
    input_file_id: str
    completion_window: str
    created_at: int
    expires_at: int
    metadata: dict[str, str] | None = None
    status: str = "validating"
    total: int = 0
    completed: int = 0
    failed: int = 0
    model: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    times: dict[str, int] = field(default_factory=dict)  # when it got which status

    def describe(self) -> dict[str, Any]:
        """What clients see of it."""
        names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": self.id, "object": "batch", "endpoint": self.endpoint, "model": self.model,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id, "completion_window": self.completion_window, "status": self.status,
            "output_file_id": self.output_file_id, "error_file_id": self.error_file_id,
            "created_at": self.created_at, "expires_at": self.expires_at,
            **{f"{name}_at": self.times.get(name) for name in names},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
        }  # fmt: skip


class Batches:
    """The batches in a folder. One server at a time answers them; of one key, one after another."""

    def __init__(self, folder: Path, keys: KeyFile, at_once: int) -> None:
        self.folder, self.keys = folder, keys
        self.files = Files(folder / "files")
        self._room = asyncio.Semaphore(max(1, at_once // SHARE))
        self._at_once = max(1, at_once // SHARE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, StoredBatch] = {}
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._lock = FileLock(folder / ".lock")
        self._app: ASGIApp | None = None

    def start(self, app: ASGIApp) -> None:
        """Goes on with what is unfinished, answered by `app`; does nothing where another server does."""
        private_folder(self.folder)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return
        self._app = app
        for batch in sorted(self._all(), key=lambda batch: batch.created_at):
            if batch.status in UNFINISHED:
                self._begin(batch)

    async def stop(self) -> None:
        """Leaves what is unfinished for the next start."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._lock.release()

    def create(
        self,
        key: ApiKey,
        input_file_id: str,
        endpoint: str,
        window: tuple[str, int],
        metadata: dict[str, str] | None,
        total: int = 0,
    ) -> StoredBatch:
        """A new batch, to be done within a window: its name, and seconds; of so many requests, where that is known.

        Raises ApiError (404, 503).
        """
        if self._app is None:
            message = "another galop serve of this user answers its batches; ask that one"
            raise ApiError(503, "batches_elsewhere", message)
        source, now = self.files.find(key.hash, input_file_id), int(time.time())
        if source.purpose != "batch":
            raise ApiError(400, "invalid_value", 'the file has to have the purpose "batch"', "input_file_id")
        name = f"batch_{secrets.token_hex(12)}"
        batch = StoredBatch(
            name, key.hash, endpoint, input_file_id, window[0], now, now + window[1], metadata, total=total
        )
        self._save(batch)
        self._begin(batch)
        return batch

    def find(self, key: ApiKey, name: str) -> StoredBatch:
        """Raises ApiError (404) where the key has no such batch."""
        if BATCH_ID.fullmatch(name):
            batch = self._running.get(name) or self._load(self.folder / f"{name}.json")
            if batch and batch.owner == key.hash:
                return batch
        raise ApiError(404, "not_found", f"there is no batch {name[:100]!r}")

    def list(self, key: ApiKey) -> list[StoredBatch]:
        """A key's batches, the newest first."""
        found = [batch for batch in self._all() if batch.owner == key.hash]
        return sorted(found, key=lambda batch: (-batch.created_at, batch.id))

    def cancel(self, key: ApiKey, name: str) -> StoredBatch:
        """Ends a batch; what is answered can be had. Raises ApiError (404, and 409 where it has ended)."""
        batch = self.find(key, name)
        if batch.status not in UNFINISHED:
            raise ApiError(409, "conflict", f"the batch is {batch.status} already")
        if task := self._tasks.get(name):
            task.cancel()
            self._turn(batch, "cancelling")
        return batch

    def remove(self, key: ApiKey, name: str) -> None:
        """Removes a batch that has ended, and its files. Raises ApiError (404, and 409 where it has not)."""
        batch = self.find(key, name)
        if batch.status in UNFINISHED:
            raise ApiError(409, "conflict", f"the batch is {batch.status}; cancel it first")
        for file in (batch.input_file_id, batch.output_file_id, batch.error_file_id):
            with suppress(ApiError):
                self.files.remove(batch.owner, file or "")
        (self.folder / f"{batch.id}.json").unlink(missing_ok=True)

    def read(self, batch: StoredBatch, *names: str | None) -> Iterator[dict[str, Any]]:
        """The lines of files of a batch, as far as these are there still."""
        for name in names:
            with suppress(ApiError, OSError), self.files.path(self.files.find(batch.owner, name or "")).open() as file:
                for line in file:
                    if line.strip():
                        yield json.loads(line)

    def _all(self) -> Iterator[StoredBatch]:
        for path in self.folder.glob("batch_*.json"):
            if batch := self._running.get(path.stem) or self._load(path):
                yield batch

    def _load(self, path: Path) -> StoredBatch | None:
        record = read_record(path)
        return StoredBatch(**record) if record else None

    def _save(self, batch: StoredBatch) -> None:
        write_record(self.folder / f"{batch.id}.json", asdict(batch))

    def _turn(self, batch: StoredBatch, status: str) -> None:
        batch.status = status
        batch.times[status] = int(time.time())
        self._save(batch)

    def _begin(self, batch: StoredBatch) -> None:
        self._running[batch.id] = batch
        task = self._tasks[batch.id] = asyncio.create_task(self._run(batch))

        def forget(_: object) -> None:
            del self._tasks[batch.id], self._running[batch.id]

        task.add_done_callback(forget)

    async def _run(self, batch: StoredBatch) -> None:
        """A batch from where it is to its end, waiting while the disk is full; being cancelled for any other reason
        than a client's, it stays there."""
        while True:
            try:
                return await self._go_on(batch)
            except (OSError, ApiError) as error:
                if not wants_room(error):
                    raise
                log.warning("batch %s waits for room on the disk: %s", batch.id, error)
            try:
                await asyncio.sleep(FULL_SECONDS)
            except asyncio.CancelledError:
                if batch.status != "cancelling":
                    raise

    async def _go_on(self, batch: StoredBatch) -> None:
        """Raises OSError where the disk is full."""
        ended = "completed"
        requests: RequestFile | None = None
        try:
            async with self._turns[batch.owner]:
                source = self.files.path(self.files.find(batch.owner, batch.input_file_id))
                requests = await asyncio.to_thread(look_through, source, [batch.endpoint])
                batch.total, batch.model = len(requests), requests.models[0] or None
                if "cancelling" in batch.times:  # before the server ended, or the disk was full
                    raise asyncio.CancelledError
                self._turn(batch, "in_progress")
                async with asyncio.timeout(batch.expires_at - time.time()):
                    await self._answer(batch, requests)
        except TimeoutError:
            ended = "expired"
        except asyncio.CancelledError:
            if batch.status != "cancelling":
                raise
            ended = "cancelled"
        except (GalopError, ApiError, OSError) as error:
            if wants_room(error):
                raise
            ended = "failed"
            line = error.line if isinstance(error, BatchFileError) else None
            message = error.message if isinstance(error, ApiError) else str(error)
            code = "invalid_api_key" if isinstance(error, KeyGoneError) else "invalid_batch"
            batch.errors = [{"code": code, "message": message, "line": line or None, "param": None}]
        except Exception:
            ended = "failed"
            log.exception("batch %s", batch.id)
            batch.errors = [{"code": "internal_error", "message": "the server's log says what went wrong"}]
        if requests:
            self._turn(batch, "finalizing")
            await asyncio.to_thread(self._publish, batch, requests, ended)
        self._turn(batch, ended)

    async def _answer(self, batch: StoredBatch, requests: RequestFile) -> None:
        saved = time.monotonic()

        def report(done: int, failed: int, tokens: int) -> None:
            nonlocal saved
            batch.completed, batch.failed = done - failed, failed
            if time.monotonic() - saved > SAVE_SECONDS:
                saved = time.monotonic()
                self._save(batch)

        def owner() -> ApiKey:
            keys = self.keys.keys()
            if not batch.owner and not keys:
                return ANYONE
            if found := next((key for key in keys if key.hash == batch.owner), None):
                return found
            raise KeyGoneError("the key of this batch was removed")

        with AnswerFile(self._answers(batch), requests) as answers:
            report(answers.done, answers.failed, 0)
            await answer_requests(self._take_turns, answers, owner, self._at_once, report)

    async def _take_turns(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, for so many requests of all batches at once."""
        assert self._app
        in_background.set(True)  # in the task of this batch
        async with self._room:
            await self._app(scope, receive, send)

    def _answers(self, batch: StoredBatch) -> Path:
        return self.folder / f"{batch.id}.answers"

    def _publish(self, batch: StoredBatch, requests: RequestFile, ended: str) -> None:
        """Makes the files that clients get: one of answers, one of errors, where there are any."""
        whole = self._answers(batch)
        found = next((path for path in (whole, part_of(whole)) if path.exists()), None)

        def lines(wanted: Callable[[int], bool]) -> Iterator[bytes]:
            with suppress(OSError), open(found or "", "rb") as file:  # noqa: PTH123
                for line in file:
                    if line.endswith(b"\n") and wanted(json.loads(line)["response"]["status_code"]):
                        yield line

        def unanswered() -> Iterator[bytes]:
            known = {json.loads(line)["custom_id"] for line in lines(lambda status: True)}
            error = {"code": "batch_expired", "message": "the batch's time was over before this was answered"}
            for name in requests.numbers if ended == "expired" else ():
                if name not in known:
                    yield (
                        json.dumps({"id": None, "custom_id": name, "response": None, "error": error}) + "\n"
                    ).encode()

        def keep(name: str, *sources: Iterator[bytes]) -> str | None:
            def write(file: BinaryIO) -> None:
                for source in sources:
                    file.writelines(source)

            stored = self.files.add(batch.owner, f"{batch.id}_{name}.jsonl", OUTPUT, write)
            if stored.bytes:
                return stored.id
            self.files.remove(batch.owner, stored.id)
            return None

        # Or else it was kept before the server ended, or the disk was full.
        batch.output_file_id = batch.output_file_id or keep("output", lines(lambda status: status < 400))
        batch.error_file_id = batch.error_file_id or keep("error", lines(lambda status: status >= 400), unanswered())
        self._save(batch)
        whole.unlink(missing_ok=True)
        part_of(whole).unlink(missing_ok=True)
