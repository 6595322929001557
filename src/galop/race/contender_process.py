"""A contender's process: its memory is its own, and its end is nobody else's."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from galop.errors import GalopError
from galop.race.answer import answer
from galop.race.contender import Contender, ContenderError, open_contender


class ContenderProcess:
    """The process, seen from the race: JSON goes to it and comes from it."""

    def __init__(self, name: str, together: int) -> None:
        self.name = name
        self.setup: dict[str, Any] = {}
        self.failures = 0  # questions in a row without an answer
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve_questions, args=(theirs, name, together), daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # its start, too, is the race's to stop
        self._process.start()
        signal.signal(signal.SIGINT, before)
        theirs.close()

    def wait_ready(self) -> dict[str, Any]:
        """What the contender turned out to be. Raises ContenderError."""
        self.setup = self.receive()
        if "failed" in self.setup:
            raise ContenderError(self.setup["failed"])
        return self.setup

    def ask(self, question: dict[str, Any]) -> None:
        """Sends a question: id, text, unit, seed, bare and pictures. Where the process has ended, `receive` raises."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(json.dumps(question).encode())

    def receive(self) -> dict[str, Any]:
        """The next answer. Raises ContenderError if the process has ended."""
        try:
            data: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self._process.join(5)
            code = self._process.exitcode
            why = " (killed; was there enough memory?)" if code == -signal.SIGKILL else ""
            raise ContenderError(f"{self.name}: its process ended with {code}{why}; the same command goes on") from None
        return data

    def stop(self) -> None:
        """Ends the process: by closing its pipe, else by signals."""
        self._connection.close()
        self._process.join(1)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(5)
        if self._process.is_alive():
            self._process.kill()


def serve_questions(connection: Connection, name: str, together: int) -> None:
    """What the process does: it answers questions until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the race stops it
    sending = threading.Lock()

    def send(data: dict[str, Any]) -> None:
        with sending, contextlib.suppress(OSError):
            connection.send_bytes(json.dumps(data).encode())

    contender = Contender.parse(name)
    try:
        backend, about = open_contender(contender, together)
    except GalopError as error:
        send({"failed": str(error)})
        return
    send(about)
    try:
        with ThreadPoolExecutor(together) as pool:
            while True:
                try:
                    question = json.loads(connection.recv_bytes())
                except (EOFError, OSError):
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
                pool.submit(lambda q: send(answer(backend, contender, q, alone=together == 1)), question)
    finally:
        backend.close()
