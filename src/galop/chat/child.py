"""A process of its own for what a stranger's text may crash, hold up or fill the memory of."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from typing import Any


class Child:
    """Runs `python -m module`, which answers a line of JSON with one; started early or when first asked, replaced when
    it had to be killed or has ended."""

    def __init__(self, module: str, seconds: float) -> None:
        self.module = module
        self.seconds = seconds  # for an answer
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
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

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """None if it took too long or died of it."""
        line = json.dumps(request).encode() + b"\n"
        with self.lock:
            child = self.start()
            assert child.stdin and child.stdout
            timer = threading.Timer(self.seconds, child.kill)
            timer.start()
            try:
                child.stdin.write(line)
                child.stdin.flush()
                reply = child.stdout.readline()
            except BrokenPipeError:
                reply = b""
            finally:
                timer.cancel()
            if not reply:
                self.close()
                return None
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            self.process = None
