"""A vLLM of our own: found, started, and ended with us."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from galop.backends.vllm.client import KEY, VllmClient
from galop.backends.vllm.plan import VllmPlan
from galop.errors import VllmError

PROGRAM, OPTIONS = "GALOP_VLLM", "GALOP_VLLM_OPTIONS"  # variables: where it is, and further options of `vllm serve`
READY_SECONDS = 1800.0  # a large model is read for long, and compiled
KILLED = 128 + 9
GUIDANCE = '{"backend": "guidance"}'


class VllmProcess:
    """`vllm serve` of one model on a free port of this machine, with a key that nobody else has."""

    def __init__(self, folder: Path | str, name: str, plan: VllmPlan, context: int | None, parallel: int) -> None:
        """Starts it. Raises VllmError where there is no such program."""
        key = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [
            *find_program(), "serve", str(folder), "--served-model-name", name, "--host", "127.0.0.1", "--port",
            str(port), "--tensor-parallel-size", str(plan.tensor_parallel), "--pipeline-parallel-size",
            str(plan.pipeline_parallel), "--max-num-seqs", str(parallel), "--structured-outputs-config", GUIDANCE,
            "--enable-prompt-tokens-details", *(["--max-model-len", str(context)] if context else []),
            *shlex.split(os.environ.get(OPTIONS, "")),
        ]  # fmt: skip
        self.client = VllmClient(f"http://127.0.0.1:{port}", key)
        self._lines: deque[str] = deque(maxlen=400)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "galop.backends.vllm.keeper", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, KEY: key, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"},
            start_new_session=True,  # Ctrl-C at the terminal is ours to handle
        )
        self._reader = threading.Thread(target=self._read, name="galop-vllm-log", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.append(line.rstrip())

    def wait_ready(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Raises VllmError where it ends before it answers, takes too long, or is not waited for any more."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.client.is_healthy():
            self.check()
            if given_up():
                raise VllmError("vLLM was stopped before it was ready")
            if time.monotonic() > deadline:
                raise VllmError(f"vLLM was not ready after {READY_SECONDS:.0f} s; its last line: {self.last_words()}")
            time.sleep(0.2)

    def check(self) -> None:
        """Raises VllmError where it has ended."""
        if (code := self._process.poll()) is not None:
            self._reader.join(2)
            why = "it was killed (was there enough memory?)" if code == KILLED else self.last_words()
            raise VllmError(f"vLLM ended with {code}: {why}; start galop serve again")

    def last_words(self) -> str:
        """The last error that it wrote, else its last line."""
        lines = [line for line in self._lines if line.strip()]
        errors = [line for line in lines if re.search(r"(?:\b\w*Error|error): ", line)]
        own = [line for line in errors if "initialization failed" not in line]  # which says to look further up
        last = (own or errors or lines or ["it said nothing"])[-1]
        return re.sub(r"^(?:\(\S+ pid=\d+\) )?(?:[A-Z]+ \S+ \S+ \[[^\]]*\] )?", "", last).strip()[:300]

    def close(self) -> None:
        """Ends it and what it started."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._reader.join(2)


def find_program() -> list[str]:
    """The command of vLLM, from the environment or on PATH. Raises VllmError."""
    if given := os.environ.get(PROGRAM, "").strip():
        if shutil.which(given):
            return [given]
        raise VllmError(f"{PROGRAM} names {given[:200]}, which is no program; set it to the path of vllm")
    if found := shutil.which("vllm"):
        return [found]
    raise VllmError(
        f"there is no vLLM here; install it in an environment of its own and put it on PATH or into {PROGRAM}, or give "
        "the address of one that runs"
    )
