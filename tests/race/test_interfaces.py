"""Lanes behind interfaces: what fails, lies or costs too much, and a server whose model is in the lane beside it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from remote_server import USAGE, Scripted, says, scripted, status
from serving import serving

from galop.backends.registry import registry
from galop.backends.remote import Remote
from galop.race import record
from galop.race.answer import answer
from galop.race.contender import Contender
from galop.race.course import BudgetSpent, Course
from galop.race.outstanding import Outstanding
from galop.race.question_file import read_questions

KEY = "sk-secret-0123456789abcdef"
ASKED = {"id": "q", "text": "?", "unit": None, "seed": 0}


def at(server: Scripted, vendor: str, model: str) -> Remote:
    return Remote(replace(registry().vendors[vendor], url=server.url), model)


def race(home: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_DATA_HOME": str(home), **env}
    command = [sys.executable, "-m", "galop", "race", *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"q{i}", "question": f"{i}+2?", "answer": i + 2}) + "\n" for i in range(4))
    )
    return path


def test_a_race_against_an_interface_that_fails_and_lies(tmp_path: Path, questions: Path) -> None:
    """A lane that is refused falls out, the others go on; another model's answers are told; the same command goes on."""
    wrong_key = status(401, f"no such key: {KEY}")
    with scripted(says("ANSWER: 3", model="fake-2")) as good, scripted(says("ANSWER: 2"), wrong_key) as bad:
        lanes = [f"url:{good.url}#fake-1", f"url:{bad.url}#fake-1"]
        first = race(tmp_path, *lanes, "--on", str(questions), "--json", GALOP_URL_KEY=KEY)
        assert first.returncode == 1 and "fell out" in first.stderr and "401" in first.stderr
        found = json.loads(first.stdout)
        assert [lane["answered"] for lane in found["lanes"]] == [4, 1]
        assert found["lanes"][0]["others"] == ["fake-2"] and found["lanes"][0]["accuracy"]["estimate"] == 0.25
        bad.answers[:] = [says("ANSWER: 4")]
        asked = [len(good.asked), len(bad.asked)]
        second = race(tmp_path, *lanes, "--on", str(questions), "--json", GALOP_URL_KEY=KEY)
        assert second.returncode == 0 and "going on with" in second.stderr, second.stderr
        assert [len(good.asked) - asked[0], len(bad.asked) - asked[1]] == [0, 3]
        assert [lane["answered"] for lane in json.loads(second.stdout)["lanes"]] == [4, 4]
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert KEY not in first.stdout + first.stderr + second.stdout + second.stderr


def test_a_budget_stops_and_a_larger_one_goes_on(
    tmp_path: Path, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run in this process, so that a vendor with a price can be had at a local address."""
    with scripted(says("ANSWER: 2", usage={**USAGE, "prompt_tokens": 100_000, "total_tokens": 100_007})) as server:
        monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
        model = at(server, "deepseek", "deepseek-v4-flash")
        line = answer(model, Contender.parse("deepseek:deepseek-v4-flash"), ASKED, True)
        assert line["usd"] == pytest.approx(0.1 * 0.14 + 7e-6 * 0.28)
    lane = "deepseek:deepseek-v4-flash"
    about = {"set": "x", "seed": 0, "together": 1}
    kept = record.Record.create(tmp_path / "race", about, list(read_questions(questions)), [lane])
    kept.add(0, {**line, "id": "q0", "right": True, "value": None, "slip": ""})
    outstanding = Outstanding(kept, [0])
    with pytest.raises(BudgetSpent, match="a larger --budget goes on"):
        Course(kept, 0.01, lambda *_: None, outstanding, []).check_budget()
    Course(kept, 0.02, lambda *_: None, outstanding, []).check_budget()
    refused = race(tmp_path, "openai:gpt-unknown", "--on", str(questions), "--budget", "2usd", OPENAI_API_KEY=KEY)
    assert refused.returncode == 2 and "knows no price" in refused.stderr


def test_against_a_real_server(tmp_path: Path, questions: Path, smollm_path: Path) -> None:
    """Galop's own: what its engine says in a lane, its server says through the interface."""
    with serving("smollm2:135m", home=tmp_path) as server:
        ran = race(tmp_path / "data", f"url:{server.url}/v1", "smollm2:135m", "--on", str(questions), "--json")
        assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    [folder] = (tmp_path / "data" / "galop" / "races").iterdir()
    theirs, ours = ([json.loads(x) for x in (folder / f"lane-{n}.jsonl").read_text().splitlines()[1:]] for n in (1, 2))
    assert [x["text"] for x in theirs] == [x["text"] for x in ours]
    assert [x["tokens"] for x in theirs] == [x["tokens"] for x in ours]
    assert all(0 < x["first_token_seconds"] < x["seconds"] for x in theirs)
    assert found["lanes"][0]["about"]["model"] == "smollm2:135m"


@pytest.mark.oracle
def test_against_llama_cpp(tmp_path: Path, questions: Path, smollm_path: Path) -> None:
    """A server that is not ours: the same file in both lanes, and the answers that begin alike."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "llama_cpp.server", "--model", str(smollm_path), "--model_alias", "smollm", "--port", str(port)]
    server = subprocess.Popen([sys.executable, *command, "--verbose", "false"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None
            time.sleep(0.1)
        lanes = [f"url:http://127.0.0.1:{port}/v1#smollm", "smollm2:135m"]
        ran = race(tmp_path / "data", *lanes, "--on", str(questions), "--json")
    finally:
        server.terminate()
        server.wait(20)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [lane["answered"] for lane in found["lanes"]] == [4, 4] and not found["lanes"][0]["others"]
    [folder] = (tmp_path / "data" / "galop" / "races").iterdir()
    theirs, ours = ([json.loads(x) for x in (folder / f"lane-{n}.jsonl").read_text().splitlines()[1:]] for n in (1, 2))
    assert all(x["tokens"] and 0 < x["first_token_seconds"] < x["seconds"] for x in theirs)
    assert any(a["text"][:20] == b["text"][:20] for a, b in zip(theirs, ours, strict=True))


def test_waiting_between_tries_is_not_the_models_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with scripted(status(503, retry_after="1"), says("ANSWER: 4")) as server:
        start = time.monotonic()
        line = answer(at(server, "openai", "gpt-5.5"), Contender.parse("openai:gpt-5.5"), ASKED, True)
        elapsed = time.monotonic() - start
        assert elapsed > 1 and line["seconds"] <= elapsed - 1 + 1e-3  # rounded
