"""A program on a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from command import GALOP


class Terminal:
    """A galop process on a terminal. Whatever is waited for has to come within `seconds`, else the test fails."""

    def __init__(self, *args: str, home: Path = Path("/nowhere"), program: list[str] = GALOP) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.umask(0)
            os.environ.update(XDG_DATA_HOME=str(home), TERM="dumb", NO_COLOR="1", PROMPT_TOOLKIT_NO_CPR="1")
            os.execv(sys.executable, [*program, *args])
        self.seen = ""

    def _read(self, until: Callable[[], bool], seconds: float) -> bool:
        """Reads on until something holds; whether it does before the process ends. Kills one that takes too long."""
        end = time.monotonic() + seconds
        while not until():
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"nothing more in {seconds:.0f} s after {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:  # the process has ended
                return until()
        return True

    def expect(self, text: str, seconds: float = 60) -> str:
        """Reads as far as that text; what came before it."""
        found = self._read(lambda: text in self.seen, seconds)
        assert found, f"ended before {text!r}: {self.seen!r}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def expect_more(self, characters: int, seconds: float = 60) -> None:
        """Waits until so much has been written, whatever it is."""
        assert self._read(lambda: len(self.seen) >= characters, seconds), f"ended after {self.seen!r}"

    def send(self, text: str) -> None:
        """What the person types."""
        os.write(self.fd, text.encode())

    def rest(self, seconds: float = 60) -> str:
        """All it writes until it ends."""
        self._read(lambda: False, seconds)
        os.waitpid(self.pid, 0)
        return self.seen

    def wait(self, seconds: float = 60) -> int:
        """Its exit code."""
        self._read(lambda: False, seconds)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
