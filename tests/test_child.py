"""The limits of a child process: on the clock, of computing, of memory; and that a child which broke one is replaced."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from galop.child import Child
from galop.errors import BusyError

MODULE = """
import time
from galop.child import answer_lines

def answer(request):
    if request["do"] == "wait":
        time.sleep(600)
    while request["do"] == "compute":
        pass
    if request["do"] == "fill":
        return {"bytes": len(bytearray(4 << 30))}
    return {"did": request["do"]}

answer_lines(answer, 1 << 30, 0.3)
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    (tmp_path / "echoing.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    one = Child("echoing", 60.0)
    yield one
    one.close()


def test_one_process_answers_many_requests(child: Child) -> None:
    first = child.start().pid
    assert [child.ask({"do": word}) for word in ("this", "that")] == [{"did": "this"}, {"did": "that"}]
    assert child.start().pid == first


@pytest.mark.skipif(sys.platform == "win32", reason="where the clock is the only limit, it says what is refused")
def test_a_child_that_gets_no_time_is_killed_and_replaced(child: Child) -> None:
    first = child.start().pid
    child.seconds = 0.5
    with pytest.raises(BusyError):
        child.ask({"do": "wait"})
    child.seconds = 60.0
    assert child.ask({"do": "this"}) == {"did": "this"} and child.start().pid != first


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to all of these limits")
@pytest.mark.parametrize("what", ["compute", "fill"])
def test_a_child_that_takes_too_much_ends_itself(child: Child, what: str) -> None:
    assert child.ask({"do": what}) is None
    assert child.ask({"do": "this"}) == {"did": "this"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no timers of computing")
def test_a_child_without_a_parent_computes_no_longer_than_it_may() -> None:
    endless = "from galop.child import answer_lines; answer_lines(lambda _: [0 for _ in iter(int, 1)], 1 << 30, 0.3)"
    process = subprocess.run([sys.executable, "-c", endless], input=b"{}\n", timeout=60)
    assert process.returncode == -signal.SIGPROF
