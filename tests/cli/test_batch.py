"""`galop batch` as a user runs it: every request answered once, whatever dies meanwhile."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import GALOP, fails, run
from waiting import wait_for

from galop.server.batches.requests import BatchFileError, look_through

MODEL = "qwen3-mini:0.4m"


def chat(number: int, tokens: int = 12, **more: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": f"{number} + 3 ="}], "max_tokens": tokens, "temperature": 0}
    return {"custom_id": f"sum-{number}", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": MODEL, **body, **more}}  # fmt: skip


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return [row["response"]["body"]["choices"][0]["message"]["content"] for row in rows]


def test_answers_stand_in_the_order_of_the_requests_and_are_those_of_one_alone(tmp_path: Path) -> None:
    asked = write(tmp_path / "in.jsonl", *(chat(i, 4 + 31 * (i % 2)) for i in range(30)))
    result = run("batch", str(asked), str(tmp_path / "out.jsonl"), "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    answers = read(tmp_path / "out.jsonl")
    assert [a["custom_id"] for a in answers] == [f"sum-{i}" for i in range(30)]
    assert all(a["response"]["status_code"] == 200 and a["error"] is None for a in answers)
    assert told["requests"] == 30 and told["failed"] == 0 and told["answered_before"] == 0
    assert told["completion_tokens"] == sum(a["response"]["body"]["usage"]["completion_tokens"] for a in answers)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == ["out.jsonl"]
    assert run("batch", str(asked), str(tmp_path / "single.jsonl"), "--parallel", "1").returncode == 0
    assert texts(read(tmp_path / "single.jsonl")) == texts(answers)


def test_a_batch_that_was_killed_goes_on_and_answers_nothing_twice(tmp_path: Path) -> None:
    asked, out, part = (
        write(tmp_path / "in", *(chat(i, 200) for i in range(400))),
        tmp_path / "out",
        tmp_path / "out.part",
    )
    command = [*GALOP, "batch", str(asked), str(out), "--parallel", "2"]
    for died in (signal.SIGKILL, signal.SIGINT):
        before = part.read_bytes().count(b"\n") if part.exists() else 0
        process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        wait_for(lambda at=before + 5: part.exists() and part.read_bytes().count(b"\n") > at, "some answers")
        process.send_signal(died)
        _, told = process.communicate(timeout=60)
        assert process.returncode == (-9 if died == signal.SIGKILL else 130) and not out.exists()
    assert b"the same command goes on from there" in told and b"Traceback" not in told
    kept = part.read_bytes()
    with part.open("ab") as file:
        file.write(b'{"id": "batch_req_cut off')
    result = run("batch", str(asked), str(out), "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["answered_before"] == kept.count(b"\n")
    assert [row["custom_id"] for row in read(out)] == [f"sum-{i}" for i in range(400)]
    assert set(kept.splitlines()) <= set(out.read_bytes().splitlines()) and not part.exists()
    whole = out.read_bytes()
    again = run("batch", str(asked), str(out))
    assert again.returncode == 0 and b"400 of 400 are answered already" in again.stderr and out.read_bytes() == whole


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no sizes of files")
def test_a_full_disk_loses_no_answer(tmp_path: Path) -> None:
    asked, out = write(tmp_path / "in", *(chat(i) for i in range(100))), tmp_path / "out"
    limited = ["bash", "-c", 'ulimit -f 32; exec "$@"', "-", *GALOP, "batch", str(asked), str(out)]  # KiB of a file
    full = subprocess.run(limited, capture_output=True, text=True, timeout=300)
    told = re.fullmatch(rf"galop: {out}.part: .+; (\d+) of 100 are answered, and the same .+\n", full.stderr)
    assert full.returncode == 1 and told and 0 < int(told[1]) < 100, full
    assert f"{told[1]} of 100 are answered already".encode() in run("batch", str(asked), str(out)).stderr
    assert [row["custom_id"] for row in read(out)] == [f"sum-{i}" for i in range(100)]


def test_what_cannot_be_answered_is_an_answer_with_its_error(tmp_path: Path) -> None:
    wrong = [chat(1, temperature=7), chat(2, messages=[]), chat(3, logit_bias={"x": 1})]
    embed = {"custom_id": "e", "url": "/v1/embeddings", "body": {"input": "a text"}}
    complete = {"custom_id": "c", "url": "/v1/completions", "body": {"prompt": "1 + 1 =", "max_tokens": 3}}
    respond = {"custom_id": "r", "url": "/v1/responses", "body": {"input": "1 + 1 =", "max_output_tokens": 3}}
    rank = {"custom_id": "k", "url": "/v1/rerank", "body": {"query": "1 + 1", "documents": ["2", "a text"]}}
    asked = write(tmp_path / "in", *wrong, embed, complete, respond, chat(4), rank)
    result = run("batch", str(asked), str(tmp_path / "out"), "--model", MODEL)
    assert result.returncode == 1 and b"3 of them with an error" in result.stderr
    answers = [row["response"] for row in read(tmp_path / "out")]
    assert [a["status_code"] for a in answers] == [400, 400, 400, 200, 200, 200, 200, 200]
    assert "temperature" in answers[0]["body"]["error"]["message"]
    assert {row["index"] for row in answers[7]["body"]["results"]} == {0, 1}
    assert len(answers[3]["body"]["data"][0]["embedding"]) > 8 and answers[5]["body"]["object"] == "response"


def test_one_model_answers_what_was_written_for_another(tmp_path: Path) -> None:
    asked = write(tmp_path / "in", chat(1, model="gpt-5"), chat(2))
    fails(run("batch", str(asked), str(tmp_path / "out")), 1, "'gpt-5' not found", "--model NAME")
    assert run("batch", str(asked), str(tmp_path / "out"), "--model", MODEL).returncode == 0
    assert {row["response"]["body"]["model"] for row in read(tmp_path / "out")} == {MODEL}


def test_a_model_that_cannot_be_loaded_is_told_before_anything_is_answered(tmp_path: Path) -> None:
    asked = write(tmp_path / "in", chat(1), chat(2, model="smollm2:135m"))
    fails(run("batch", str(asked), str(tmp_path / "out"), "--memory", "200MiB"), 1, "smollm2:135m does not fit")
    assert not read(tmp_path / "out.part")
    assert run("batch", str(asked), str(tmp_path / "out")).returncode == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not valid JSON"), ("[]", "JSON object"), ("{}", '"custom_id"'), ('{"custom_id": 3}', '"custom_id"'),
        ('{"custom_id": ""}', '"custom_id"'), (json.dumps(chat(1) | {"method": "GET"}), '"method" has to be "POST"'),
        (json.dumps(chat(1) | {"url": "/v1/models"}), "/v1/chat/completions or"),
        (json.dumps(chat(1) | {"url": {}}), "/v1/chat/completions or"), (json.dumps(chat(1) | {"body": "x"}), '"body"'),
        (json.dumps(chat(1, stream=True)), '"body.stream"'), (json.dumps(chat(1, model=7)), '"body.model"'),
        (json.dumps(chat(0)), "'sum-0' stands in line 2, too"), ('{"custom_id": "a", "custom_id": "b"}', "twice"),
        ("\xff\x00", "not valid JSON"), ('{"custom_id": "' + "x" * 600 + '"}', '"custom_id"'),
    ],
)  # fmt: skip
def test_a_line_that_is_no_request_is_named(tmp_path: Path, line: str, why: str) -> None:
    asked = write(tmp_path / "in", "", chat(0), line)
    with pytest.raises(BatchFileError, match=re.escape(why)) as refused:
        look_through(asked)
    assert f"{asked}, line 3: " in str(refused.value) and refused.value.line == 3


def test_nothing_is_answered_of_a_file_with_a_line_that_is_no_request(tmp_path: Path) -> None:
    asked = write(tmp_path / "in", chat(0), "{")
    fails(run("batch", str(asked), str(tmp_path / "out")), 2, "in, line 2", "not valid JSON")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_files_that_are_none(tmp_path: Path) -> None:
    empty, asked = write(tmp_path / "empty", ""), write(tmp_path / "in", chat(1))
    fails(run("batch", str(empty), str(tmp_path / "out")), 2, "holds no requests")
    fails(run("batch", str(tmp_path / "nowhere"), str(tmp_path / "out")), 1, "nowhere", "No such file")
    fails(run("batch", str(tmp_path), str(tmp_path / "out")), 1, "Is a directory")
    fails(run("batch", str(asked), str(tmp_path / "no" / "out")), 1, "No such file")
    fails(run("batch", str(asked), str(asked)), 1, "is the file of requests")
    for given in (("-", "out"), (str(asked), "-"), (str(asked), "/dev/full"), ("/dev/null", "out")):
        fails(run("batch", *given), 2, "is no file")
    packed = tmp_path / "in.gz"
    packed.write_bytes(gzip.compress(asked.read_bytes()))
    fails(run("batch", str(packed), str(tmp_path / "out")), 2, "line 1", "is compressed; unpack the file first")
    fails(run("batch", str(asked), str(tmp_path / "out"), "--replicas", "2"), 2, "add --ray ADDRESS")
    precious = write(tmp_path / "notes", "something else")
    fails(run("batch", str(asked), str(precious)), 2, "notes, line 1", "name another output")
    assert precious.read_text() == "something else\n"
    assert json.loads(asked.read_text()) == chat(1)


def test_answers_belong_to_requests_as_they_were(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("batch", str(write(tmp_path / "in", chat(1), chat(2))), str(out)).returncode == 0
    whole = out.read_bytes()
    changed = write(tmp_path / "in", chat(1), chat(2, seed=3))
    fails(run("batch", str(changed), str(out)), 2, "out, line 2", "name another output")
    more = write(tmp_path / "in", chat(1), chat(2), chat(3))
    fails(run("batch", str(more), str(out)), 2, "lacks 1 answers")
    assert out.read_bytes() == whole


def test_two_at_once_do_not_write_one_file(tmp_path: Path) -> None:
    asked, part = write(tmp_path / "in", *(chat(i, 200) for i in range(400))), tmp_path / "out.part"
    command = [*GALOP, "batch", str(asked), str(tmp_path / "out"), "--parallel", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        wait_for(lambda: part.exists() and part.stat().st_size > 0, "an answer")
        fails(run(*command[len(GALOP) :]), 2, "is being written by another galop batch")
        assert first.wait(60) == 0
    assert len(read(tmp_path / "out")) == 400


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    asked = tmp_path / "in"
    asked.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(chat(i)).encode() for i in range(3)))
    assert run("batch", str(asked), str(tmp_path / "out")).returncode == 0
    assert len(read(tmp_path / "out")) == 3
