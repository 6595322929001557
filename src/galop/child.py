"""Runs what a stranger's text may crash, hold up or fill the memory of, in a child process that can be killed.

Chat templates (`chat.template_child`), grammars (`chat.grammar_child`), tokenizers (`tokenizers.probe`) and the page's
Markdown (`web.markdown_child`), pictures and documents (`pictures.decode_child`) run so. Both sides talk in lines of
JSON, one request and one answer at a time, after either of which bytes may follow. Three limits hold, and none of them
needs the child's consent:

* seconds on the clock, which the parent waits before it kills the child (`Child.seconds`): `BUSY` times those of
  computing, and then an error of its own, since what is refused must not depend on what else the machine does;
* seconds of computing per request, after which the child's own timer ends it, also where its parent is gone;
* bytes of address space (RLIMIT_AS), beyond which allocating fails in the child. Windows has only the first limit.

A child that was killed or has ended is replaced at the next request; nothing that it held matters.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from galop.errors import BusyError

BUSY = 6 if hasattr(signal, "setitimer") else 1  # seconds on the clock for one of computing, where that is limited too


class Child:
    """The parent's side: runs `python -m module` and asks it, from any thread, one request at a time."""

    def __init__(self, module: str, seconds: float) -> None:
        self.module = module
        self.seconds = seconds  # on the clock, for an answer
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.closed = False  # by its owner

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the process unless it runs: early, to save the time when it is first asked."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", self.module],  # -P: no module from the current directory
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                start_new_session=True,  # Ctrl-C at the terminal is the parent's to handle
            )
        return self.process

    def ask(self, request: dict[str, Any], data: bytes = b"") -> dict[str, Any] | None:
        """The child's answer; None if it died of the request, or computed for too long. It gets `data` under that name,
        and so does the parent what it answers there. Raises BusyError where it had no time to compute that long."""
        line = json.dumps({**request, "data": len(data)} if data else request).encode() + b"\n"
        with self.lock:
            child = self.start()
            assert child.stdin and child.stdout
            late = threading.Event()

            def give_up() -> None:
                late.set()
                child.kill()

            timer = threading.Timer(self.seconds, give_up)
            timer.start()
            try:
                child.stdin.write(line)
                child.stdin.write(data)
                child.stdin.flush()
                answer = _receive(child.stdout)
            except BrokenPipeError:
                answer = None
            finally:
                timer.cancel()
            if answer is None:
                self._end()
        if answer is None and late.is_set() and BUSY > 1:
            raise BusyError(
                f"this machine is too busy: {self.module} had no time to answer in {self.seconds:g} s; try again later"
            )
        return answer

    def close(self) -> None:
        """Kills the process, if there is one. A later `ask` starts another."""
        self.closed = True
        self._end()

    def _end(self) -> None:
        process, self.process = self.process, None  # whoever else ends it finds none
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()


class Children:
    """Children of one module, `most` of them at a time, so that a request that takes long holds up none beside it. One
    of them stays for the next request."""

    def __init__(self, module: str, seconds: float, most: int) -> None:
        self.module = module
        self.seconds = seconds  # on the clock, for an answer
        self.idle = [Child(module, seconds)]
        self._turn = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()

    def ask(self, request: dict[str, Any], data: bytes = b"") -> dict[str, Any] | None:
        """A child's answer; None as in `Child.ask`."""
        with self._turn:
            with self._lock:
                child = self.idle.pop() if self.idle else Child(self.module, self.seconds)
            child.seconds = self.seconds
            try:
                return child.ask(request, data)
            finally:
                with self._lock:
                    self.idle.append(child)
                    spare, self.idle = self.idle[1:], self.idle[:1]
                for one in spare:
                    one.close()

    def close(self) -> None:
        """Kills those that wait for a request. A later `ask` starts another."""
        with self._lock:
            for child in self.idle:
                child.close()


def answer_lines(answer: Callable[[dict[str, Any]], dict[str, Any]], memory: int, seconds: float) -> None:
    """The child's side: answers requests until its input ends, within `memory` bytes of address space. A request that
    computes for `seconds` ends the process, whatever has become of its parent."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no resource limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        while (request := _receive(sys.stdin.buffer)) is not None:
            end_after(seconds)
            reply = answer(request)
            end_after(0)
            data = reply.pop("data", b"")
            line = json.dumps({**reply, "data": len(data)} if data else reply).encode() + b"\n"
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            del request, reply, data  # which may be large, and the next request far off


def _receive(pipe: IO[bytes]) -> dict[str, Any] | None:
    """What the other side says, with the bytes that follow; None where it has ended before all was said."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    said: dict[str, Any] = json.loads(line)
    size = said.get("data", 0) if isinstance(said.get("data", 0), int) else 0
    if not size:
        return said
    data = pipe.read(size)
    return {**said, "data": data} if len(data) == size else None


def end_after(seconds: float) -> None:
    """Ends this process, wherever it is, after so many more seconds of computing; 0 for never."""
    if hasattr(signal, "setitimer"):  # Windows has none, and waits for the parent to end it
        signal.setitimer(signal.ITIMER_PROF, seconds)
