"""Batches as OpenAI's SDK sends, watches and reads them: on a server that stops, with keys that go."""

from __future__ import annotations

import json
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import Running, run_galop, serving
from waiting import wait_for

MODEL = "qwen3-mini:0.4m"
CHAT = "/v1/chat/completions"


def chat(number: int, tokens: int = 12, **more: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": f"{number} + 3 ="}], "max_tokens": tokens, "temperature": 0}
    return {"custom_id": f"sum-{number}", "method": "POST", "url": CHAT, "body": {"model": MODEL, **body, **more}}


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def sdk(running: Running, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


def begin(client: openai.OpenAI, *rows: Any, **more: Any) -> Any:
    source = client.files.create(file=("asked.jsonl", lines(*rows)), purpose="batch")
    return client.batches.create(**({"completion_window": "24h", "endpoint": CHAT} | more), input_file_id=source.id)


def ended(client: openai.OpenAI, batch: Any) -> Any:
    over = ("completed", "failed", "expired", "cancelled")
    wait_for(lambda: client.batches.retrieve(batch.id).status in over, "the batch's end")
    return client.batches.retrieve(batch.id)


def content(client: openai.OpenAI, name: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(name).text.splitlines()] if name else []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(MODEL, home=tmp_path_factory.mktemp("batches")) as running:
        yield running


def test_a_batch_from_file_to_answers(server: Running) -> None:
    with sdk(server) as client:
        made = begin(client, *(chat(i) for i in range(20)), chat(20, temperature=9), metadata={"of": "sums"})
        assert made.status in ("validating", "in_progress") and made.metadata == {"of": "sums"}
        batch = ended(client, made)
        counts = batch.request_counts
        assert (batch.status, counts.total, counts.completed, counts.failed) == ("completed", 21, 20, 1)
        assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
        answers, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
        assert [a["custom_id"] for a in answers] == [f"sum-{i}" for i in range(20)]
        for number, answer in enumerate(answers):
            alone = server.post(CHAT, chat(number)["body"]).json()["choices"]
            assert answer["response"]["body"]["choices"] == alone
        assert [(e["custom_id"], e["response"]["status_code"]) for e in errors] == [("sum-20", 400)]
        assert made.id in [b.id for b in client.batches.list(limit=100)]
        assert client.files.retrieve(batch.output_file_id).purpose == "batch_output"
        client.files.delete(batch.output_file_id)
        with pytest.raises(openai.NotFoundError):
            client.files.content(batch.output_file_id)


def test_lists_come_in_pages(server: Running) -> None:
    with sdk(server) as client:
        made = [begin(client, chat(i)) for i in range(5)]
        for batch in made:
            ended(client, batch)
        assert {b.id for b in made} <= {b.id for b in client.batches.list(limit=2)}  # the SDK asks for the next pages
        assert len({f.id for f in client.files.list(limit=2)}) >= 5
        assert all(f.purpose == "batch_output" for f in client.files.list(purpose="batch_output"))


@pytest.mark.parametrize(
    ("sent", "line", "why"),
    [
        (b"{\n", 1, "not valid JSON"), (lines(chat(1), chat(1)), 2, "stands in line 1, too"), (b"", None, "no requests"),
        (lines(chat(1), chat(2) | {"url": "/v1/embeddings"}), 2, "has to be /v1/chat/completions"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_requests_fails_with_the_line(
    server: Running, sent: bytes, line: int | None, why: str
) -> None:
    with sdk(server) as client:
        source = client.files.create(file=("asked.jsonl", sent), purpose="batch")
        batch = ended(client, client.batches.create(completion_window="24h", endpoint=CHAT, input_file_id=source.id))
        assert batch.status == "failed" and batch.output_file_id is None
        [error] = batch.errors.data
        assert error.line == line and why in error.message


def test_what_is_no_batch_is_refused(server: Running) -> None:
    with sdk(server) as client:
        source = client.files.create(file=("asked.jsonl", lines(chat(1))), purpose="batch")
        for wrong in (
            {"completion_window": "soon"}, {"endpoint": "/v1/models"}, {"metadata": {"a": "x" * 600}},
            {"metadata": {str(i): "" for i in range(17)}},
        ):  # fmt: skip
            asked = {"completion_window": "24h", "endpoint": CHAT, "input_file_id": source.id} | wrong
            with pytest.raises(openai.BadRequestError):
                client.batches.create(**asked)  # type: ignore[arg-type]
        for name in ("file-x", "../keys.json", "file-" + "0" * 24):
            with pytest.raises(openai.NotFoundError):
                client.batches.create(completion_window="24h", endpoint=CHAT, input_file_id=name)
            with pytest.raises((openai.NotFoundError, openai.APIStatusError)):
                client.files.retrieve(name)
        with pytest.raises(openai.NotFoundError):
            client.batches.retrieve("batch_" + "0" * 24)
        with pytest.raises(openai.BadRequestError, match="purpose"):
            client.files.create(file=("x", b"x"), purpose="fine-tune")
    with server.client() as client:
        assert client.post("/v1/files", data={"purpose": "batch"}, files={"other": b"x"}).status_code == 400
        assert client.post("/v1/files", json={"purpose": "batch"}).status_code == 400
        sent = {"file": ("x", b"x" * (201 << 20))}
        assert client.post("/v1/files", data={"purpose": "batch"}, files=sent).status_code == 413
        elsewhere = {"referer": "https://example.org/page"}
        sent = {"file": ("x", b"x")}
        assert client.post("/v1/files", data={"purpose": "batch"}, files=sent, headers=elsewhere).status_code == 403


def test_a_cancelled_batch_keeps_what_is_answered(tmp_path: Path) -> None:
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running, sdk(running) as client:
        batch = begin(client, *(chat(i, 200) for i in range(2000)))
        wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > 3, "some answers")
        assert client.batches.cancel(batch.id).status == "cancelling"
        batch = ended(client, batch)
        answers = content(client, batch.output_file_id)
        assert batch.status == "cancelled" and 3 < len(answers) < 2000
        assert len(answers) == batch.request_counts.completed
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(batch.id)
        assert running.golden()


def test_who_asks_now_does_not_wait_for_a_batch(tmp_path: Path) -> None:
    """There is room for one answer, and a batch of thousands has it."""
    with serving(MODEL, "--parallel", "1", "--queue", "1", home=tmp_path) as running, sdk(running) as client:
        batch = begin(client, *(chat(i, 200, ignore_eos=True) for i in range(2000)))
        wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > 1, "some answers")
        before = client.batches.retrieve(batch.id).request_counts.completed
        for number in range(5):
            assert running.post(CHAT, chat(number)["body"]).status_code == 200
        assert running.golden()
        wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > before, "the batch going on")
        assert client.batches.cancel(batch.id).status == "cancelling"
        batch = ended(client, batch)
        assert batch.request_counts.failed == 0 and batch.request_counts.completed < 2000
        body = chat(7, 200, ignore_eos=True)["body"]
        [kept] = [a["response"]["body"] for a in content(client, batch.output_file_id) if a["custom_id"] == "sum-0"]
        assert kept["choices"] == running.post(CHAT, body | chat(0)["body"] | {"max_tokens": 200}).json()["choices"]


def test_an_expired_batch_says_what_was_not_answered(tmp_path: Path) -> None:
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running, sdk(running) as client:
        batch = begin(client, *(chat(i, 200) for i in range(2000)))
        wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > 3, "some answers")
    record = tmp_path / "data" / "galop" / "batches" / f"{batch.id}.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"expires_at": int(time.time()) - 5}))
    with serving(MODEL, home=tmp_path) as running, sdk(running) as client:
        batch = ended(client, batch)
        answers, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
        assert batch.status == "expired" and len(answers) + len(errors) == 2000 and len(answers) > 3
        assert {e["error"]["code"] for e in errors} == {"batch_expired"}


def test_a_batch_goes_on_when_the_server_starts_again(tmp_path: Path) -> None:
    rows = [chat(i, 200) for i in range(400)]
    part = tmp_path / "data" / "galop" / "batches"
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running, sdk(running) as client:
        batch = begin(client, *rows)
        wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > 5, "some answers")
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    kept = (part / f"{batch.id}.answers.part").read_bytes()
    assert 5 < kept.count(b"\n") < 400
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running, sdk(running) as client:
        wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > kept.count(b"\n"), "more answers")
        assert running.stop() == 0
    with serving(MODEL, home=tmp_path) as running, sdk(running) as client:
        batch = ended(client, batch)
        assert batch.status == "completed"
        whole = client.files.content(batch.output_file_id).read().splitlines()
        assert [json.loads(line)["custom_id"] for line in whole] == [row["custom_id"] for row in rows]
        assert set(kept.splitlines()[:-1]) <= set(whole)


def test_batches_are_their_keys_own(tmp_path: Path) -> None:
    ann, bob, eve = (
        run_galop(tmp_path, "keys", "add", name, *more).stdout.strip()
        for name, *more in (("ann",), ("bob", "--tokens-per-minute", "600"), ("eve", "--models", "smollm2:*"))
    )
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running:
        with sdk(running, ann) as client:
            batch = begin(client, chat(1))
            done = ended(client, batch)
        for key in (bob, eve, "wrong"):
            with sdk(running, key) as client:
                for ask in (
                    lambda c=client: c.batches.retrieve(batch.id), lambda c=client: c.batches.cancel(batch.id),
                    lambda c=client: c.files.content(done.output_file_id),
                    lambda c=client: c.files.delete(done.input_file_id),
                ):  # fmt: skip
                    with pytest.raises(openai.NotFoundError if key != "wrong" else openai.AuthenticationError):
                        ask()
        with sdk(running, eve) as client:  # a model that is not hers
            failed = ended(client, begin(client, chat(1)))
            assert content(client, failed.error_file_id)[0]["response"]["status_code"] == 404
        with sdk(running, ann) as client:
            batch = begin(client, *(chat(i, 200) for i in range(4000)))
            wait_for(lambda: client.batches.retrieve(batch.id).request_counts.completed > 3, "some answers")
        assert run_galop(tmp_path, "keys", "rm", "ann").returncode == 0
        record = tmp_path / "data" / "galop" / "batches" / f"{batch.id}.json"
        wait_for(lambda: json.loads(record.read_text())["status"] == "failed", "the end of a batch without a key")
        assert json.loads(record.read_text())["errors"][0]["message"] == "the key of this batch was removed"
        assert json.loads(record.read_text())["output_file_id"]


def test_a_second_server_leaves_them_to_the_first(tmp_path: Path) -> None:
    with serving(MODEL, home=tmp_path) as first, serving(MODEL, home=tmp_path) as second:
        with sdk(second) as client, pytest.raises(openai.InternalServerError, match="another galop serve"):
            begin(client, chat(1))
        with sdk(first) as client:
            assert ended(client, begin(client, chat(1))).status == "completed"


def test_a_batch_waits_for_room_on_the_disk(tmp_path: Path) -> None:
    """The size that a file of the server may have stands for the disk."""
    rows = [chat(i, 24) for i in range(30)] + [chat(30, temperature=9)]
    with serving(MODEL, home=tmp_path / "home") as running, sdk(running) as client:
        _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        source = client.files.create(file=("asked.jsonl", lines(*rows)), purpose="batch")
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (4000, hard))
        batch = client.batches.create(completion_window="24h", endpoint=CHAT, input_file_id=source.id)
        wait_for(lambda: any("waits for room" in line for line in running.log), "the batch's waiting")
        assert client.batches.retrieve(batch.id).status == "in_progress"
        assert running.post(CHAT, chat(1)["body"]).status_code == 200
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        done = ended(client, batch)
        assert done.status == "completed" and done.request_counts.completed == 30 and done.request_counts.failed == 1
        answers = content(client, done.output_file_id) + content(client, done.error_file_id)
        assert sorted(row["custom_id"] for row in answers) == sorted(row["custom_id"] for row in rows)


def test_a_batch_that_waits_for_room_can_be_cancelled(tmp_path: Path) -> None:
    with serving(MODEL, home=tmp_path / "home") as running, sdk(running) as client:
        _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        batch = begin(client, *(chat(i, 24) for i in range(30)))
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (4000, hard))
        wait_for(lambda: any("waits for room" in line for line in running.log), "the batch's waiting")
        client.batches.cancel(batch.id)
        assert client.batches.retrieve(batch.id).status in ("cancelling", "finalizing")
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        done = ended(client, batch)
        assert done.status == "cancelled" and 0 < len(content(client, done.output_file_id)) < 30


def test_answers_are_kept_however_many_files_there_are(tmp_path: Path) -> None:
    with serving(MODEL, home=tmp_path / "home") as running, sdk(running) as client:
        source = client.files.create(file=("asked.jsonl", lines(chat(1))), purpose="batch")
        (record,) = (tmp_path / "home").rglob(f"{source.id}.json")
        for number in range(999):
            other = f"file-{number:024x}"
            record.with_name(other).write_bytes(record.with_suffix("").read_bytes())
            record.with_name(f"{other}.json").write_text(record.read_text().replace(source.id, other))
        with pytest.raises(openai.BadRequestError, match="delete some"):
            client.files.create(file=("asked.jsonl", lines(chat(1))), purpose="batch")
        batch = client.batches.create(completion_window="24h", endpoint=CHAT, input_file_id=source.id)
        assert len(content(client, ended(client, batch).output_file_id)) == 1
