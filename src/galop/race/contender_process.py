"""A contender's process: its memory is its own, and its end is nobody else's. `python -m` of this module is it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from galop.errors import GalopError
from galop.race.contender import Contender, ContenderError


class ContenderProcess:
    """The process, seen from the race: lines of JSON go to it and come from it."""

    def __init__(self, name: str, together: int, threads: int = 0, context: int = 0) -> None:
        """For so many questions at once; `threads` are by default all that may be used, `context` what is usual."""
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],  # -P: no module from the current directory
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the terminal is the race's to handle
        )
        self.ask({"name": name, "together": together, "threads": threads, "context": context})

    def wait_ready(self) -> dict[str, Any]:
        """What the contender turned out to be. Raises ContenderError."""
        setup = self.receive()
        if "failed" in setup:
            raise ContenderError(setup["failed"])
        return setup

    def ask(self, question: dict[str, Any]) -> None:
        """Sends a question: id, text, unit, seed, bare and pictures. Where the process has ended, `receive` raises."""
        assert self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next answer. Raises ContenderError if the process has ended."""
        assert self._process.stdout
        with contextlib.suppress(OSError, ValueError):
            line = self._process.stdout.readline()
            if line.endswith(b"\n"):
                data: dict[str, Any] = json.loads(line)
                return data
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        why = " (killed; was there enough memory?)" if code == -signal.SIGKILL else ""
        raise ContenderError(f"{self.name}: its process ended with {code}{why}; the same command goes on")

    def kill(self) -> None:
        """Ends the process at once. `receive`, in another thread, raises."""
        self._process.kill()

    def stop(self) -> None:
        """Ends the process: by ending its input, else by signals."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for end in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(1 if end == self._process.terminate else 5)
                break
            except subprocess.TimeoutExpired:
                end()
        self._process.wait()
        self._process.stdout.close()


def serve_questions(questions: IO[bytes], answers: IO[bytes]) -> None:
    """What the process does: it answers questions until there are no more, after a line that says who is to."""
    from galop.race.answer import answer
    from galop.race.contender import open_contender

    sending = threading.Lock()

    def send(data: dict[str, Any]) -> None:
        with sending, contextlib.suppress(OSError, ValueError):
            answers.write(json.dumps(data).encode() + b"\n")
            answers.flush()

    order = json.loads(questions.readline() or b"null")
    if order is None:
        return
    contender, together = Contender.parse(order["name"]), order["together"]
    try:
        backend, about = open_contender(contender, together, order["threads"], order["context"])
    except GalopError as error:
        send({"failed": str(error)})
        return
    send(about)
    try:
        under_way = set[Future[None]]()
        with ThreadPoolExecutor(together) as pool:
            for line in questions:
                future = pool.submit(
                    lambda q: send(answer(backend, contender, q, alone=together == 1)), json.loads(line)
                )
                under_way.add(future)
                future.add_done_callback(under_way.discard)
            if under_way:
                os._exit(1)  # nobody waits for these answers, and whoever races next wants the processors
    finally:
        backend.close()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the race stops it
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
        serve_questions(sys.stdin.buffer, output)
