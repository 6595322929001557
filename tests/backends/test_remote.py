"""Models behind interfaces: what each vendor is sent, what a misbehaving server does, and that no key is written down."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from remote_server import Scripted, chunk, says, scripted, status, streams

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
def test_what_passes_is_tried_again(fault: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galop.backends.remote.FIRST_PAUSE", 0.01)
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


def test_a_server_may_say_when_as_seconds_or_as_a_date() -> None:
    assert seconds_until("7") == 7 and seconds_until("0.5") == 0.5
    before = time.time()
    then = int(before) + 60
    wait = seconds_until(formatdate(then, usegmt=True))
    assert wait is not None and then - time.time() <= wait <= then - before
    assert seconds_until("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert seconds_until("soon") is seconds_until("") is None
