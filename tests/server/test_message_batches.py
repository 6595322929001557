"""Anthropic's Message Batches and files, as its SDK sends, watches and reads them; rows that show a picture."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from drawn import encoded, number
from serving import Running, run_galop, serving
from waiting import wait_for

MODEL = "qwen3-mini:0.4m"
SEEING = "qwen3-mini-vl"
NUMBERS = ("36", "58", "91")


def ask(name: str, content: Any, model: str = MODEL, tokens: int = 12) -> Any:
    messages = [{"role": "user", "content": content}]
    return {"custom_id": name, "params": {"model": model, "max_tokens": tokens, "messages": messages}}


def picture(digits: str) -> dict[str, Any]:
    data = base64.b64encode(encoded(number(digits))).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def sdk(running: Running, key: str = "none") -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=running.url, api_key=key, max_retries=0)


def ended(client: anthropic.Anthropic, name: str) -> Any:
    wait_for(lambda: client.messages.batches.retrieve(name).processing_status == "ended", "the batch's end")
    return client.messages.batches.retrieve(name)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(SEEING, home=tmp_path_factory.mktemp("messages")) as running:
        yield running


def test_each_request_is_answered_as_alone(server: Running) -> None:
    question = {"type": "text", "text": "What number is this?"}
    asked = [ask(digits, [picture(digits), question], SEEING) for digits in NUMBERS]
    wrong = ask("wrong", "Hello")
    wrong["params"]["temperature"] = 9
    with sdk(server) as client:
        made = client.messages.batches.create(requests=[*asked, wrong, ask("nobody", "Hello", "nope")])
        assert made.processing_status in ("in_progress", "ended") and made.expires_at > made.created_at
        assert sum(made.request_counts.to_dict().values()) == 5
        batch = ended(client, made.id)
        assert batch.request_counts.to_dict() == {
            "processing": 0, "succeeded": 3, "errored": 2, "canceled": 0, "expired": 0,
        }  # fmt: skip
        assert batch.ended_at and batch.created_at <= batch.ended_at
        results = {r.custom_id: r.result for r in client.messages.batches.results(made.id)}
        assert list(results) == [*NUMBERS, "wrong", "nobody"]
        for request in asked:
            result: Any = results[request["custom_id"]]
            alone: Any = client.messages.create(**request["params"])
            assert result.message.content == alone.content and alone.content[0].text == request["custom_id"]
        kinds = [result.error.error.type for result in results.values() if result.type == "errored"]
        assert kinds == ["invalid_request_error", "not_found_error"]
        assert made.id in [b.id for b in client.messages.batches.list(limit=1)]  # the SDK asks for the next pages
        assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
        with pytest.raises(anthropic.NotFoundError):
            client.messages.batches.retrieve(made.id)


def test_openais_batches_take_rows_of_pictures_and_of_messages(server: Running) -> None:
    def chat(digits: str) -> dict[str, Any]:
        url = "data:image/png;base64," + picture(digits)["source"]["data"]
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What number is this?"}]
        return {"model": SEEING, "messages": [{"role": "user", "content": content}], "temperature": 0}

    far = chat("7")
    far["messages"][0]["content"][0]["image_url"]["url"] = "https://example.com/cat.png"
    bodies = {"/v1/chat/completions": {d: chat(d) for d in NUMBERS} | {"far": far},
              "/v1/messages": {"hello": ask("hello", "Hello")["params"]}}  # fmt: skip
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client, sdk(server) as claude:
        for url, rows in bodies.items():
            lines = [{"custom_id": name, "method": "POST", "url": url, "body": body} for name, body in rows.items()]
            sent = "".join(json.dumps(line) + "\n" for line in lines).encode()
            source = client.files.create(file=("rows.jsonl", sent), purpose="batch")
            asked: Any = {"endpoint": url, "completion_window": "24h", "input_file_id": source.id}
            made = client.batches.create(**asked)
            wait_for(lambda name=made.id: client.batches.retrieve(name).status == "completed", "the batch")  # type: ignore[misc]
            batch = client.batches.retrieve(made.id)
            text = client.files.content(str(batch.output_file_id)).text
            answers = {row["custom_id"]: row["response"]["body"] for row in map(json.loads, text.splitlines())}
            if url == "/v1/messages":
                assert answers["hello"]["usage"]["output_tokens"] == 12
                assert claude.messages.batches.retrieve(made.id).request_counts.succeeded == 1
            else:
                told = {name: body["choices"][0]["message"]["content"] for name, body in answers.items()}
                assert told == {digits: digits for digits in NUMBERS}
                errors = client.files.content(str(batch.error_file_id)).text
                assert "fetches none" in errors and '"custom_id": "far"' in errors
                with pytest.raises(anthropic.NotFoundError, match="no batch of messages"):
                    claude.messages.batches.retrieve(made.id)


def test_what_is_no_batch_is_refused(server: Running) -> None:
    streamed = ask("a", "x")
    streamed["params"]["stream"] = True
    with sdk(server) as client:
        for requests, why in (
            ([], "at least 1 item"), ([ask("a b", "x")], r"requests\[0\].custom_id"),
            ([ask("a", "x"), ask("a", "y")], r"requests\[1\]: 'a' is there twice"), ([streamed], "params.stream"),
        ):  # fmt: skip
            with pytest.raises(anthropic.BadRequestError, match=why):
                client.messages.batches.create(requests=requests)
        for name in ("msgbatch_1", "batch_" + "0" * 24):
            with pytest.raises(anthropic.NotFoundError, match="there is no batch"):
                client.messages.batches.results(name)


def test_one_that_is_cancelled_and_one_that_goes_on_after_a_crash(tmp_path: Path) -> None:
    requests = [ask(f"r{i}", f"{i} + 3 =", tokens=200) for i in range(400)]
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running, sdk(running) as client:
        batches = client.messages.batches
        kept, cut = batches.create(requests=requests), batches.create(requests=requests)
        assert batches.cancel(cut.id).processing_status == "canceling"
        with pytest.raises(anthropic.NotFoundError, match="has not ended yet"):
            running_url = f"/v1/messages/batches/{kept.id}/results"
            client.get(running_url, cast_to=object)
        with pytest.raises(anthropic.ConflictError, match="cancel it first"):
            batches.delete(kept.id)
        answered = tmp_path / "data" / "galop" / "batches" / f"{kept.id}.answers.part"
        wait_for(lambda: answered.exists() and answered.read_bytes().count(b"\n") > 5, "some answers")
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    with serving(MODEL, home=tmp_path) as running, sdk(running) as client:
        assert ended(client, kept.id).request_counts.succeeded == 400
        assert ended(client, cut.id).request_counts.canceled == 400
        counted = Counter(r.result.type for r in client.messages.batches.results(cut.id))
        assert counted == {"canceled": 400}


def test_an_expired_one_and_those_of_another_key(tmp_path: Path) -> None:
    ann, bob = (run_galop(tmp_path, "keys", "add", name).stdout.strip() for name in ("ann", "bob"))
    with serving(MODEL, "--parallel", "4", home=tmp_path) as running, sdk(running, ann) as client:
        made = client.messages.batches.create(requests=[ask(f"r{i}", "Hello", tokens=200) for i in range(2000)])
        with sdk(running, bob) as other:
            assert [b.id for b in other.messages.batches.list()] == []
            for refused in (other.messages.batches.retrieve, other.messages.batches.cancel):
                with pytest.raises(anthropic.NotFoundError):
                    refused(made.id)
        part = tmp_path / "data" / "galop" / "batches" / f"{made.id}.answers.part"
        wait_for(lambda: part.exists() and part.read_bytes().count(b"\n") > 3, "some answers")
    record = tmp_path / "data" / "galop" / "batches" / f"{made.id}.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"expires_at": int(time.time()) - 5}))
    with serving(MODEL, home=tmp_path) as running, sdk(running, ann) as client:
        counts = ended(client, made.id).request_counts
        assert counts.expired > 0 and counts.succeeded > 3 and counts.expired + counts.succeeded == 2000
        results = Counter(r.result.type for r in client.messages.batches.results(made.id))
        assert results == {"succeeded": counts.succeeded, "expired": counts.expired}


def test_files_in_anthropics_shape(server: Running) -> None:
    data = encoded(number("58"))
    with sdk(server) as client:
        for files in (client.files, client.beta.files):
            kept = files.upload(file=("58.png", data, "image/png"), expires_in_seconds=7200)
            assert (kept.type, kept.filename, kept.mime_type, kept.size_bytes) == (
                "file", "58.png", "image/png", len(data)
            )  # fmt: skip
            assert kept.expires_at and (kept.expires_at - kept.created_at).total_seconds() == 7200
            assert files.retrieve_metadata(kept.id).id == kept.id and files.download(kept.id).read() == data
            assert [file.id for file in files.list(ids=[kept.id])] == [kept.id]
            assert kept.id in [file.id for file in files.list(limit=1)]
            content: Any = [{"type": "image", "source": {"type": "file", "file_id": kept.id}},
                            {"type": "text", "text": "What number is this?"}]  # fmt: skip
            message: Any = client.messages.create(**ask("58", content, SEEING)["params"])
            assert message.content[0].text == "58"
            assert files.delete(kept.id).type == "file_deleted"
            with pytest.raises(anthropic.NotFoundError):
                files.retrieve_metadata(kept.id)
        with pytest.raises(anthropic.BadRequestError, match="3600 seconds at least"):
            client.files.upload(file=("58.png", data, "image/png"), expires_in_seconds=1)
