"""The command as a process: signals, and streams that are closed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from command import GALOP


def test_ctrl_c_ends_a_one_shot_answer_with_130(smollm_path: Path) -> None:
    command = [*GALOP, "run", str(smollm_path), "1, 2, 3, 4, 5, 6, 7,", "--temperature", "0", "--raw"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.read(5)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert process.returncode == 130
        assert b"Traceback" not in process.stderr.read()


def test_ctrl_c_before_there_is_anything_to_end_is_no_traceback() -> None:
    for wait in (0.05, 0.15, 0.3):
        process = subprocess.Popen([*GALOP, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        # Python itself may be on its way to the first lines of Galop.
        assert set(re.findall(rb"galop/(\w+\.py)", error)) <= {b"__init__.py", b"__main__.py"}, error
        assert process.returncode in (0, 1, 130, -signal.SIGINT), error


def test_streams_that_are_closed_from_the_start_are_no_fault(tiny: str) -> None:
    for command in ("list", "list --json", f"show {tiny}", f"run {tiny} hi --max-tokens 3"):
        for closed in (">&-", "2>&-", "<&-"):
            whole = f"{sys.executable} -m galop {command} {closed}"
            result = subprocess.run(["bash", "-c", whole], capture_output=True, check=False, timeout=120)
            assert result.returncode == 0 and b"Traceback" not in result.stderr, (whole, result)
            assert closed == ">&-" or result.stdout, whole


def test_a_closed_pipe_is_no_error_message(smollm_path: Path) -> None:
    command = (
        f"{sys.executable} -m galop run {smollm_path} 'Write a story.' --raw --temperature 1 --seed 1 --max-tokens 200"
    )
    result = subprocess.run(["bash", "-c", f"{command} | head -c 3"], capture_output=True, check=False, timeout=60)
    assert len(result.stdout) == 3
    assert b"Traceback" not in result.stderr and b"Exception" not in result.stderr
