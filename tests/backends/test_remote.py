"""Models behind interfaces: what each vendor is sent, what a misbehaving server does, and that no key is written down."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from remote_server import USAGE, Scripted, chunk, says, scripted, status, streams
from serving import serving

from galop.backends.events import Done, Text
from galop.backends.registry import registry
from galop.backends.remote import Remote
from galop.backends.remote_errors import seconds_until
from galop.backends.remote_request import HIDDEN
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall
from galop.engine.sampling import Sampling
from galop.errors import RemoteError

KEY = "sk-secret-0123456789abcdef"
ASK = [{"role": "user", "content": "2+2?"}]
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def at(server: Scripted, vendor: str = "openai", model: str = "gpt-5.5") -> Remote:
    return Remote(replace(registry().vendors[vendor], url=server.url), model)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in registry().vendors.values():
        if vendor.key:
            monkeypatch.setenv(vendor.key, KEY)


def test_a_reply_with_thinking_calls_and_usage() -> None:
    parts = [
        chunk(reasoning_content="Let me "), chunk(reasoning_content="see."), chunk(content="It is "), chunk(content="4."),
        chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"x":'}}]),
        chunk(tool_calls=[{"index": 1, "id": "b", "function": {"name": "add", "arguments": "{not json"}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": " 1}"}}]), chunk(finish="tool_calls"),
        # xAI counts thinking beside what is written: the total has both
        chunk(usage={"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 40,
                     "completion_tokens_details": {"reasoning_tokens": 13}}), "data: [DONE]\n\n",
    ]  # fmt: skip
    with scripted(streams(parts)) as server:
        events = list(at(server).chat(ASK, tools=[TOOL]))
    assert events[:2] == [Text("Let me see.", thinking=True), Text("It is 4.")]
    assert events[2:4] == [ToolCall("add", {"x": 1}), Text("add({not json)")]
    done = events[-1]
    assert isinstance(done, Done) and (done.prompt_tokens, done.answer_tokens, done.thinking_tokens) == (20, 20, 13)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def sent(vendor: str, model: str, thinking: Thinking, **options: Any) -> dict[str, Any]:
    with scripted(says("4")) as server:
        list(at(server, vendor, model).chat(ASK, thinking, sampling=Sampling(0.3, seed=7), max_tokens=99, **options))
        return server.asked[0]


def test_every_vendor_is_asked_in_its_own_way() -> None:
    off, on = Thinking(on=False), Thinking(on=True, budget=512)
    body = sent("openai", "o3", on)
    assert body["reasoning_effort"] == "low" and body["max_completion_tokens"] == 99 + HIDDEN  # its thoughts count too
    assert not {"temperature", "top_p", "max_tokens", "seed"} & body.keys()
    assert sent("openai", "o3", off)["reasoning_effort"] == "low"  # it cannot be turned off
    body = sent("xai", "grok-4.3", off)
    assert body["reasoning_effort"] == "none" and body["temperature"] == 0.3 and body["max_tokens"] == 99
    body = sent("xai", "grok-4", on)
    assert "reasoning_effort" not in body and body["max_tokens"] == 99 + HIDDEN
    body = sent("openai", "a-model-nobody-knows", off)
    assert body["max_completion_tokens"] == 99 and not {"temperature", "max_tokens"} & body.keys()
    body = sent("google", "gemini-2.5-pro", on)
    assert body["extra_body"] == {"google": {"thinking_config": {"thinking_budget": 512, "include_thoughts": True}}}
    assert sent("google", "gemini-2.5-pro", off)["extra_body"]["google"]["thinking_config"]["thinking_budget"] == 128
    body = sent("dashscope", "qwen3-32b", on)
    assert body["enable_thinking"] is True and body["thinking_budget"] == 512
    body = sent("dashscope", "qwen3-32b", off)
    assert body["enable_thinking"] is False and "thinking_budget" not in body
    assert not {"enable_thinking", "thinking_budget"} & sent("dashscope", "qwen-max-2025-01-25", off).keys()
    assert sent("deepseek", "deepseek-v4-flash", off)["thinking"] == {"type": "disabled"}
    assert sent("deepseek", "deepseek-v4-flash", on)["thinking"] == {"type": "enabled"}
    assert "temperature" not in sent("deepseek", "deepseek-reasoner", on)
    body = sent("url", "anything", off)
    assert body["chat_template_kwargs"] == {"enable_thinking": False} and body["seed"] == 7
    assert sent("ollama", "qwen3", off)["reasoning_effort"] == "none"
    body = sent("openai", "gpt-5.5", off, tools=[TOOL], tool_choice="add")
    assert body["tools"] == [TOOL] and body["tool_choice"] == {"type": "function", "function": {"name": "add"}}


def test_a_conversation_with_tools_is_written_as_the_vendor_wants_it() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"x": 1}}}
    said = {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call, call]}
    results = [{"role": "tool", "name": "add", "content": str(n)} for n in (2, 3)]
    for vendor, model, kept in (("openai", "gpt-5.5", False), ("deepseek", "deepseek-v4-pro", True)):
        with scripted(says("4")) as server:
            list(at(server, vendor, model).chat([*ASK, said, *results]))
            messages = server.asked[0]["messages"]
        ids = [c["id"] for c in messages[1]["tool_calls"]]
        assert [m["tool_call_id"] for m in messages[2:]] == ids and len(set(ids)) == 2
        assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"x": 1}
        assert ("reasoning_content" in messages[1]) == kept


def test_thoughts_in_tags_are_thoughts() -> None:
    with scripted(says("<thought>hm</thought>4")) as server:
        events = list(at(server, "google", "gemini-2.5-pro").chat(ASK))
    assert events[:2] == [Text("hm", thinking=True), Text("4")]


PASSING = [
    status(429, "slow down", retry_after="0"), status(503), status(500), status(408),
    streams([chunk(content="It is")]),  # cut off
    streams([chunk(content="It is"), "data: {broken\n\n"]),
    streams([chunk(content="x"), 'data: {"error": {"message": "overloaded"}}\n\n']),
]  # fmt: skip


@pytest.mark.parametrize("fault", range(len(PASSING)))
def test_what_passes_is_tried_again(fault: int) -> None:
    with scripted(PASSING[fault], says("4")) as server:
        model = at(server)
        events = list(model.chat(ASK))
    assert events[0] == Text("4") and len(server.asked) == 2


def test_what_does_not_pass_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(status(503, "busy", retry_after="0")) as server:
        with pytest.raises(RemoteError, match=r"answered 503: busy \(5 tries\)") as found:
            list(at(server).chat(ASK))
        assert found.value.passing and len(server.asked) == 5
    with scripted(status(429, "tomorrow", retry_after="86400")) as server:
        with pytest.raises(RemoteError, match="429: tomorrow"):
            list(at(server).chat(ASK))
        assert len(server.asked) == 1  # nobody waits a day
    for code, hint in (
        (401, "set OPENAI_API_KEY"),
        (403, "may not use"),
        (404, "ended on 2026-10-23, followed by gpt-5.5"),
    ):
        with scripted(status(code, f"bad key {KEY}")) as server:
            with pytest.raises(RemoteError, match=hint) as found:
                list(at(server, model="o4-mini").chat(ASK))
            assert not found.value.passing and KEY not in str(found.value) and len(server.asked) == 1
    with scripted(status(400, "not this one")) as server, pytest.raises(RemoteError) as found:
        list(at(server).chat(ASK))
    assert found.value.of_question
    monkeypatch.setattr("galop.backends.remote_stream.LARGEST", 1000)
    with scripted(streams(["x" * 2000])) as server, pytest.raises(RemoteError, match="for one reply"):
        list(at(server).chat(ASK))
    monkeypatch.setattr("galop.backends.remote.SILENCE", 0.3)
    monkeypatch.setattr("galop.backends.remote.TRIES", 1)
    with scripted(streams([chunk(content="x")] * 3, pause=2)) as server, pytest.raises(RemoteError, match="silent"):
        list(at(server).chat(ASK))
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a\nb")
    with pytest.raises(RemoteError, match="no key has"):
        Remote(registry().vendors["openai"], "gpt-5.5")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(RemoteError, match="set OPENAI_API_KEY"):
        Remote(registry().vendors["openai"], "gpt-5.5")


def test_a_redirection_does_not_get_the_key() -> None:
    with scripted(says("stolen")) as thief, scripted(status(307, location=f"{thief.url}/chat/completions")) as server:
        with pytest.raises(RemoteError, match="307"):
            list(at(server).chat(ASK))
        assert not thief.asked


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
    from galop.race import record, run
    from galop.race.answer import answer
    from galop.race.contender import Contender
    from galop.race.question_file import read_questions

    with scripted(says("ANSWER: 2", usage={**USAGE, "prompt_tokens": 100_000, "total_tokens": 100_007})) as server:
        model = at(server, "deepseek", "deepseek-v4-flash")
        line = answer(
            model,
            Contender.parse("deepseek:deepseek-v4-flash"),
            {"id": "q", "text": "?", "unit": None, "seed": 0},
            True,
        )
        assert line["usd"] == pytest.approx(0.1 * 0.14 + 7e-6 * 0.28)
    lane = "deepseek:deepseek-v4-flash"
    about = {"set": "x", "seed": 0, "together": 1}
    kept = record.Record.create(tmp_path / "race", about, list(read_questions(questions)), [lane])
    kept.add(0, {**line, "id": "q0", "right": True, "value": None, "slip": ""})
    with pytest.raises(run.BudgetSpent, match="a larger --budget goes on"):
        run.check_budget(kept, 0.01)
    run.check_budget(kept, 0.02)
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


def test_a_server_may_say_when_as_seconds_or_as_a_date() -> None:
    assert seconds_until("7") == 7 and seconds_until("0.5") == 0.5
    before = time.time()
    then = int(before) + 60
    wait = seconds_until(formatdate(then, usegmt=True))
    assert wait is not None and then - time.time() <= wait <= then - before
    assert seconds_until("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert seconds_until("soon") is seconds_until("") is None


def test_waiting_between_tries_is_not_the_models_time() -> None:
    from galop.race.answer import answer
    from galop.race.contender import Contender

    with scripted(status(503, retry_after="1"), says("ANSWER: 4")) as server:
        start = time.monotonic()
        line = answer(
            at(server), Contender.parse("openai:gpt-5.5"), {"id": "q", "text": "?", "unit": None, "seed": 0}, True
        )
        elapsed = time.monotonic() - start
        assert elapsed > 1 and line["seconds"] <= elapsed - 1 + 1e-3  # rounded
