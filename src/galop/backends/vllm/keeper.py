"""Runs a program and ends it with its parent: `python -m galop.backends.vllm.keeper PROGRAM OPTIONS`.

Its standard input is the parent's to hold open. vLLM has processes of its own, so all of its group is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

SECONDS = 20.0  # that the program has to end by itself


def main() -> int:
    """The program's exit code, 128 more than the signal where one ended it."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_for_parent() -> None:
        while os.read(0, 4096):  # not through sys.stdin, whose lock would be missed at the end
            pass
        end_group(program, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(SECONDS)
        end_group(program, signal.SIGKILL)

    threading.Thread(target=wait_for_parent, daemon=True).start()
    code = program.wait()
    end_group(program, signal.SIGKILL)  # what it left behind
    return code if code >= 0 else 128 - code


def end_group(program: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Sends a signal to the program and all that it started."""
    with contextlib.suppress(OSError):
        os.killpg(program.pid, how)


if __name__ == "__main__":
    sys.exit(main())
