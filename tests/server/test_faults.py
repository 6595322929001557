"""What is wrong is refused in the dialect's own shape, harms nobody else, and leaves nothing behind."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from serving import GOLDEN_QUESTION, Running, folders_in, serving
from tiny import GOLDEN, write_gguf
from waiting import wait_for

from galop.cli.serve import DRAIN_SECONDS
from galop.server.transport import json_body

CHAT = "/v1/chat/completions"
USER = [{"role": "user", "content": "Hi"}]
JSON = {"content-type": "application/json"}
BUSY = ("num_requests_running", "num_requests_waiting")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("faults")
    with serving("smollm2:135m", "--context", "512", "--parallel", "4", "--queue", "8", home=home) as running:
        yield running


@pytest.fixture(scope="module")
def golden(server: Running) -> str:
    return server.golden()


@pytest.fixture(autouse=True)
def nothing_is_lost(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every fault: the same process, the golden answer, no page, stream or socket left over."""
    if "server" not in request.fixturenames:
        yield
        return
    server: Running = request.getfixturevalue("server")
    golden: str = request.getfixturevalue("golden")
    files = server.open_files()
    yield
    assert server.process.poll() is None
    replies: list[httpx2.Response] = []

    def is_answered() -> bool:
        replies.append(server.post(CHAT, GOLDEN_QUESTION))
        return replies[-1].status_code != 429

    # Those who have gone may still be in the backlog, and fill the queue once more.
    wait_for(is_answered, "a place in the queue")
    wait_for(lambda: not any(server.metrics(*BUSY)), "what runs and waits to end")
    wait_for(lambda: server.open_files() <= files + 2, "files to be closed")
    assert replies[-1].json()["choices"][0]["message"]["content"] == golden
    assert not any(server.metrics(*BUSY, "kv_cache_usage_perc"))
    assert server.open_files() <= files + 2
    assert not any("Traceback" in line for line in server.log)


def refused(reply: httpx2.Response, status: int, code: str, param: str | None = None) -> dict[str, Any]:
    """The error, having checked its shape."""
    assert reply.status_code == status, reply.text
    error: dict[str, Any] = reply.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert error["code"] == code and error["message"] and len(error["message"]) < 600
    assert param is None or error["param"] == param
    assert reply.headers["x-request-id"]
    return error


BODIES = [
    b"", b"null", b"[]", b'"x"', b"{", b"\xef\xbb\xbf{}", '{"a":1}'.encode("utf-16"), b'{"a":"\xff"}',
    b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"[" * 65 + b"]" * 65,
    b'{"seed":' + b"9" * 5000 + b"}", b'{"temperature":NaN}', b'{"temperature":Infinity}', b'{"temperature":1e400}',
    b'{"n":1,"n":2}', b'{"messages":[{"role":"user","role":"system"}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_no_json(server: Running, body: bytes) -> None:
    with server.client() as client:
        refused(client.post(CHAT, content=body, headers=JSON), 400, "invalid_json")


def test_half_a_surrogate_pair_is_refused(server: Running) -> None:
    for body in ('{"messages":[{"role":"user","content":"\\ud800"}]}', '{"messages":[],"stop":"\\uDC00x"}'):
        with server.client() as client:
            refused(client.post(CHAT, content=body.encode(), headers=JSON), 400, "invalid_value")


def test_odd_characters_are_text(server: Running) -> None:
    body = {
        "messages": [{"role": "user", "content": "\x00\u202e\u2028\u2029\ufdd0 x"}],
        "stream": True,
        "max_tokens": 4,
    }
    with server.client() as client:
        lines = client.post(CHAT, json=body).text.split("\n")
    assert all(line == "" or line.startswith("data: ") for line in lines)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages"), ({"messages": "x"}, "messages"), ({"messages": []}, "messages"),
    ({"messages": [123]}, "messages[0]"), ({"messages": [{}]}, "messages[0].role"),
    ({"messages": [{"role": 123, "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "pirate", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 123}]}, "messages[0].content"),
    ({"messages": USER * 4097}, "messages"),
    ({"temperature": -0.1}, "temperature"), ({"temperature": 2.01}, "temperature"), ({"temperature": "1"}, "temperature"),
    ({"temperature": True}, "temperature"), ({"top_p": 0}, "top_p"), ({"top_p": 1.1}, "top_p"), ({"top_k": -2}, "top_k"),
    ({"top_k": 1.5}, "top_k"), ({"min_p": 2}, "min_p"), ({"presence_penalty": 100}, "presence_penalty"),
    ({"frequency_penalty": -100}, "frequency_penalty"), ({"repeat_penalty": 0}, "repeat_penalty"),
    ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": -2}, "max_tokens"), ({"max_tokens": 1 << 63}, "max_tokens"),
    ({"max_completion_tokens": 1.5}, "max_completion_tokens"), ({"n": 0}, "n"), ({"n": 17}, "n"), ({"n": 1_000_000}, "n"),
    ({"n": True}, "n"), ({"n": "1"}, "n"), ({"seed": 1 << 64}, "seed"), ({"seed": 1.5}, "seed"),
    ({"stop": ["a"] * 5}, "stop"), ({"stop": ""}, "stop"), ({"stop": "x" * 257}, "stop"), ({"stop": [1]}, "stop[0]"),
    ({"logit_bias": {"abc": 1}}, "logit_bias"), ({"logit_bias": {"999999": 1}}, "logit_bias"),
    ({"logit_bias": {"5": 101}}, "logit_bias"), ({"logit_bias": {str(i): 1 for i in range(2000)}}, "logit_bias"),
    ({"logit_bias": [1]}, "logit_bias"), ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
    ({"top_logprobs": 2}, "top_logprobs"), ({"logprobs": 1}, "logprobs"), ({"stream": "yes"}, "stream"),
    ({"stream_options": 1}, "stream_options"), ({"response_format": "hiccup"}, "response_format"),
    ({"response_format": {"type": 123}}, "response_format"), ({"response_format": {"type": "x"}}, "response_format"),
    ({"reasoning_effort": "enormous"}, "reasoning_effort"), ({"model": 5}, "model"), ({"model": "x" * 501}, "model"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), WRONG, ids=[f"{p}-{i}" for i, (_, p) in enumerate(WRONG)])
def test_wrong_fields_are_named(server: Running, fields: dict[str, Any], param: str) -> None:
    error = refused(server.post(CHAT, {"messages": USER, **fields}), 400, error_code := _code(fields), param)
    assert error["type"] == "invalid_request_error" and error_code


def _code(fields: dict[str, Any]) -> str:
    [(name, value)] = list(fields.items())[:1]
    types: list[Any] = [
        ("messages", None), ("messages", "x"), ("messages", [123]), ("messages", [{"role": "user", "content": 123}]),
        ("temperature", "1"), ("temperature", True), ("top_k", 1.5), ("max_completion_tokens", 1.5), ("n", True),
        ("n", "1"), ("seed", 1.5), ("stop", [1]), ("logit_bias", [1]), ("logprobs", 1), ("stream", "yes"),
        ("stream_options", 1), ("response_format", "hiccup"), ("model", 5),
    ]  # fmt: skip
    found = any(name == n and type(value) is type(v) and value == v for n, v in types)
    return "invalid_type" if found else "invalid_value"


@pytest.mark.parametrize("field", ["chat_template", "chat_parser", "prompt_embeds", "trust_remote_code", "grammar"])
def test_what_would_reach_into_the_server_is_refused(server: Running, field: str) -> None:
    refused(server.post(CHAT, {"messages": USER, field: "{{ x }}"}), 400, "unsupported_parameter", field)


@pytest.mark.parametrize("kwarg", ["self", "chat_template", "tokenize", "messages", "add_generation_prompt"])
def test_template_variables_cannot_take_over(server: Running, kwarg: str) -> None:
    body = {"messages": USER, "chat_template_kwargs": {kwarg: "x"}}
    refused(server.post(CHAT, body), 400, "unsupported_parameter", "chat_template_kwargs")


def test_unknown_fields_are_ignored(server: Running) -> None:
    body = {"messages": USER, "max_tokens": 2, "store": True, "metadata": {"a": "b"}, "user": "u", "spin": {"left": [1]},
            "service_tier": "auto", "parallel_tool_calls": False, "temperature": None, "stop": None, "n": None}  # fmt: skip
    assert server.post(CHAT, body).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("words", [600, 60_000])
def test_a_prompt_past_the_context(server: Running, stream: bool, words: int) -> None:
    body = {"messages": [{"role": "user", "content": "word " * words}], "stream": stream}
    error = refused(server.post(CHAT, body), 400, "context_length_exceeded", "messages")
    assert error["n_prompt_tokens"] > error["n_ctx"] == 512


def test_prompts_at_the_edge_of_the_context(server: Running) -> None:
    for count in (1, 31, 32, 33, 510, 511):
        reply = server.post("/v1/completions", {"prompt": [5] * count, "max_tokens": 4, "temperature": 0})
        assert reply.status_code == 200 and reply.json()["usage"]["prompt_tokens"] == count
        room = 512 - count
        assert reply.json()["usage"]["completion_tokens"] <= min(4, room)
    refused(server.post("/v1/completions", {"prompt": [5] * 512}), 400, "context_length_exceeded")


@pytest.mark.parametrize(
    "prompt", ["", [], [[]], [-1], [1 << 31], [49152], [1.5], [[[1]]], None, 5, {}, ["a", ""], [1, "a"]], ids=str
)
def test_prompts_that_are_none(server: Running, prompt: Any) -> None:
    reply = server.post("/v1/completions", {"prompt": prompt})
    assert reply.status_code == 400 and reply.json()["error"]["code"] in ("invalid_value", "invalid_type")


@pytest.mark.parametrize("text", ["a", "🐎", " ", "\n", "<|im_end|>"])
def test_megabytes_of_one_thing(server: Running, text: str) -> None:
    """The tokenizer may be busy for seconds; another client's answer is not held up meanwhile."""
    answered, answers = threading.Event(), []

    def victim() -> None:
        with server.client() as client:
            while not answered.is_set():
                answers.append(client.get("/health").status_code)

    thread = threading.Thread(target=victim)
    thread.start()
    start = time.monotonic()
    body = {"messages": [{"role": "user", "content": text * ((1 << 20) // len(text.encode()))}]}
    reply = server.post(CHAT, body)
    took = time.monotonic() - start
    answered.set()
    thread.join(60)
    assert reply.status_code in (400, 500), reply.text[:200]
    assert reply.json()["error"]["code"] in ("context_length_exceeded", "template_error")
    assert took < 1 or len(answers) > 2, "nobody else was answered meanwhile"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"messages": [{"role": "user", "content": "word and " * 1_000_000}]}),
        (CHAT, {"messages": [{"role": "user", "content": "word and " * 2_000}] * 500}),
        (CHAT, {"messages": USER, "tools": [
            {"type": "function", "function": {"name": f"f{i}", "description": "word and " * 20_000}} for i in range(50)]}),
        (CHAT, {"messages": [{"role": "assistant", "content": "x", "reasoning": "a" * 5_000_000}, *USER]}),
        (CHAT, {"messages": USER, "chat_template_kwargs": {"x": {"y": ["🐎" * 1_000_000]}}}),
        ("/v1/completions", {"prompt": "a" * 9_000_000}), ("/v1/completions", {"prompt": "<|im_end|>" * 500_000}),
        ("/v1/responses", {"input": "\n" * 1_000_000}), ("/v1/embeddings", {"input": ["word and " * 2_000] * 1_000}),
        ("/v1/rerank", {"query": "word and " * 2_000, "documents": ["x"] * 1_000}), ("/tokenize", {"content": "a " * 2_000_000}),
    ],
)  # fmt: skip
def test_what_surely_is_too_long_is_refused_before_anything_is_made_of_it(
    server: Running, path: str, body: dict[str, Any]
) -> None:
    error = refused(server.post(path, body), 400, "context_length_exceeded")
    most = 1 << (19 if path in ("/v1/embeddings", "/v1/rerank") else 17)
    assert most < error["n_prompt_tokens"] < most + (1 << 15)  # it was not read to its end


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"role":"user","content":[' + b'{"type":5},' * 40_000 + b"{}]}]}",
        b'{"messages":[' + b"[]," * 40_000 + b"[]]}", b'{"x":[' + b"1," * 600_000 + b"1]}",
        b'{"x":"' + b"\\n" * 1_100_000 + b'"}',
    ],
)  # fmt: skip
def test_bodies_of_too_many_parts(server: Running, body: bytes) -> None:
    with server.client() as client:
        refused(client.post(CHAT, content=body, headers=JSON), 413, "body_too_large")


def test_the_first_of_many_faults_is_told(server: Running) -> None:
    for body, param in (
        ({"messages": [{"role": "user", "content": [{"type": 5}] * 30_000}]}, "messages[0].content"),
        ({"messages": USER, "logit_bias": dict.fromkeys(map(str, range(1000)), "x")}, "logit_bias"),
        ({"messages": [{"role": 5}] * 4000}, "messages[0].role"),
    ):
        reply = server.post(CHAT, body)
        assert reply.status_code == 400 and reply.json()["error"]["param"].startswith(param), reply.text
    refused(server.post("/v1/completions", {"prompt": [1.5] * 400_000}), 400, "invalid_type")


def test_brackets_and_commas_are_counted_as_json_has_them() -> None:
    rng = random.Random(4)
    texts = ["", "a", '"', "\\", '\\"', "[{", "]}", ",", "\\\\", "é🐎", "\x00"]

    def value(depth: int) -> Any:
        kind = rng.random() if depth < 7 else 0
        if kind < 0.4:
            return rng.choice([1, -1.5, None, True, "".join(rng.choices(texts, k=4))])
        items = [value(depth + 1) for _ in range(rng.randint(0, 4))]
        return items if kind < 0.7 else {rng.choice(texts) + str(i): item for i, item in enumerate(items)}

    def shaped(value: Any) -> tuple[int, int, int]:
        if not isinstance(value, (list, dict)):
            return 0, 0, 0
        inner = [shaped(v) for v in (value.values() if isinstance(value, dict) else value)]
        depths, containers, commas = zip(*inner, strict=True) if inner else ((), (), ())
        return 1 + max(depths, default=0), 1 + sum(containers), max(0, len(value) - 1) + sum(commas)

    for slice_ in (2, 3, 7, 64, json_body.SLICE):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_body, "SLICE", slice_)
            for _ in range(200):
                made = value(0)
                data = json.dumps(made, ensure_ascii=rng.random() < 0.5, separators=(",", ":")).encode()
                assert json_body.json_shape(data) == shaped(made), data


def test_a_body_too_large(server: Running) -> None:
    with server.client() as client:
        refused(client.post(CHAT, content=b" " * (33 << 20), headers=JSON), 413, "body_too_large")

        def endless() -> Iterator[bytes]:
            for _ in range(40):
                yield b" " * (1 << 20)

        refused(client.post(CHAT, content=endless(), headers=JSON), 413, "body_too_large")


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/xml", "image/png"])
def test_only_json_is_taken(server: Running, kind: str) -> None:
    with server.client() as client:
        reply = client.post(CHAT, content=json.dumps(GOLDEN_QUESTION).encode(), headers={"content-type": kind})
        refused(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize(
    "page", [{"origin": "https://evil.com"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
             {"referer": "https://evil.com/"}]
)  # fmt: skip
def test_what_a_page_may_send_unasked_is_not_taken_from_one(server: Running, kind: str, page: dict[str, str]) -> None:
    """Without these headers it is no page that asks; JSON under another name is then read (test_ollama.py)."""
    with server.client() as client:
        headers = {"content-type": kind, **page}
        reply = client.post(CHAT, content=json.dumps(GOLDEN_QUESTION).encode(), headers=headers)
        refused(reply, 403, "origin_not_allowed")


def test_compressed_bodies_are_refused(server: Running) -> None:
    with server.client() as client:
        reply = client.post(CHAT, content=b"\x1f\x8b" + b"0" * 100, headers={**JSON, "content-encoding": "gzip"})
        refused(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", CHAT, 405, "method_not_allowed"), ("DELETE", "/v1/models", 405, "method_not_allowed"),
     ("GET", "/v1/nothing", 404, "not_found"), ("GET", "/v1//models", 404, "not_found"), ("GET", "/v1/models/", 404, "model_not_found"),
     ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", 404, "model_not_found"), ("POST", "/v1/chat/completions/", 404, "not_found"),
     ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "not_found")],
)  # fmt: skip
def test_paths_and_methods(server: Running, method: str, path: str, status: int, code: str) -> None:
    with server.client() as client:
        refused(client.request(method, path, headers=JSON), status, code)


@pytest.mark.parametrize("model", ["gpt-4o", "../../etc/passwd", "/etc/passwd", "a\r\nb", "\x1b[31m", "smollm2:136m"])
def test_models_that_are_not_here(server: Running, model: str) -> None:
    error = refused(server.post(CHAT, {"messages": USER, "model": model}), 404, "model_not_found", "model")
    assert "smollm2:135m" in error["message"]
    assert not any("\x1b" in line or line == "b\n" for line in server.log)


@pytest.mark.parametrize(
    "part",
    [{"type": "image_url", "image_url": {"url": u}} for u in ("http://169.254.169.254/", "file:///etc/passwd", "data:image/png;base64,AA")]
    + [{"type": "input_audio", "input_audio": {}}, {"type": "text"}, {"type": "file", "text": "x"}],
)  # fmt: skip
def test_media_is_refused_and_never_fetched(server: Running, part: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": [part]}]}
    code = "invalid_value" if part["type"] in ("text", "file") else "media_not_allowed"
    refused(server.post(CHAT, body), 400, code, "messages[0].content[0]")


def test_errors_in_each_dialect(server: Running) -> None:
    anthropic = server.post("/v1/messages", {"messages": USER}).json()
    assert anthropic["type"] == "error" and anthropic["error"]["type"] == "invalid_request_error"
    assert "max_tokens" in anthropic["error"]["message"]
    ollama = server.post("/api/chat", {"messages": [{"role": "x"}]})
    assert ollama.status_code == 400 and isinstance(ollama.json()["error"], str)
    refused(server.post("/v1/responses", {}), 400, "invalid_value", "input")
    refused(server.post("/v1/embeddings", {"input": ""}), 400, "invalid_value", "input")
    refused(server.post("/v1/embeddings", {"input": "x", "dimensions": 100_000}), 400, "invalid_value", "dimensions")
    refused(server.post("/v1/rerank", {"query": "x", "documents": []}), 400, "invalid_value", "documents")
    refused(server.post("/detokenize", {"tokens": [-1]}), 400, "invalid_value", "tokens")
    refused(server.post("/tokenize", {}), 400, "invalid_value", "content")


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:80", "[", "a:b:c", "[::1", "localhost.evil.com", "127.0.0.1.nip.io", "[::2]", "", "user@localhost",
     "localhost:99999", "localhost:-1", "localhost:80:80", "localhost:8a", "localhost/x", "localhost#x", "[::1]x", "::1",
     "localhost%00", "localhost%2e", "localhost\\", "l\u00f6calhost", "127.1", "loc_alhost", "[::ffff:127.0.0.1]", "[v1.x]"],
)  # fmt: skip
def test_hosts_that_are_not_ours(server: Running, host: str) -> None:
    with server.client() as client:
        refused(client.get("/v1/models", headers=[(b"host", host.encode("latin-1"))]), 403, "host_not_allowed")


def test_hosts_that_are(server: Running) -> None:
    with server.client() as client:
        for host in (
            "localhost",
            "LOCALHOST:99",
            "localhost.",
            "localhost:",
            "127.0.0.1",
            "[::1]:8000",
            "[0:0::0:1]",
            "[::1%25lo]",
        ):
            assert client.get("/v1/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.com", "null", "http://localhost:1", "http://["])
def test_pages_from_elsewhere_may_not_ask(server: Running, origin: str) -> None:
    with server.client() as client:
        reply = client.post(CHAT, json=GOLDEN_QUESTION, headers={"origin": origin})
        refused(reply, 403, "origin_not_allowed")
        assert "access-control-allow-origin" not in reply.headers
        preflight = client.options(CHAT, headers={"origin": origin, "access-control-request-method": "POST"})
        assert preflight.status_code == 403


def exchange(server: Running, data: bytes, wait: float = 5) -> bytes:
    """What the server answers to raw bytes until it closes or falls silent."""
    deadline = time.monotonic() + 60
    with server.raw() as sock:
        sock.settimeout(wait)
        sock.sendall(data)
        got = b""
        try:
            while part := sock.recv(65536):
                got += part
                assert time.monotonic() < deadline, "it neither closes nor falls silent"
        except (TimeoutError, ConnectionResetError):
            pass
        return got


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 10_000 + b"\r\n", b"431"),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, b"400"),
        (HEAD + b"Content-Length: -5\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + SMUGGLED, b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\nConnection: close\r\n\r\n", b"403"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"403"),
    ],
    ids=["long header", "long url", "many headers", "two lengths", "negative", "bad chunk", "twice", "tls", "hosts", "no host"],
)  # fmt: skip
def test_raw_requests(server: Running, data: bytes, status: bytes) -> None:
    answer = exchange(server, data)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1  # nothing after it was taken for a request


ASKED = json.dumps({"messages": USER, "max_tokens": 2}).encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(ASKED)
QUICK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
ALIVE = QUICK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def chunks(size: int, data: bytes = ASKED) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part := data[i : i + size]), part) for i in range(0, len(data), size))


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (CHUNKED + chunks(1) + b"0\r\n\r\n" + ALIVE, [200, 200]),
        (CHUNKED + b"5;a=b;c\r\n" + ASKED[:5] + b"\r\n" + chunks(9, ASKED[5:]) + b"0\r\n\r\n" + ALIVE, [200, 200]),
        (CHUNKED + chunks(9) + b"0\r\nHost: evil.com\r\nX-A: b\r\n\r\n" + ALIVE, [200, 200]),
        (CHUNKED.replace(b"application/json", b"image/png") + chunks(9)
         + b"0\r\nContent-Type: application/json\r\n\r\n" + ALIVE, [415, 200]),
        (CHUNKED + chunks(9) + b"0\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n" + ALIVE, [400]),
        (CHUNKED + chunks(9) + b"0\r\nX-A: " + b"b" * 500_000 + b"\r\n\r\n" + ALIVE, [400]),
        (CHUNKED + b"5;a=" + b"b" * 500_000 + b"\r\n" + ASKED[:5] + b"\r\n0\r\n\r\n" + ALIVE, [400]),
        (CHUNKED + b"0" * 500_000 + b"5\r\n" + ASKED[:5] + b"\r\n0\r\n\r\n" + ALIVE, [400]),
        (CHUNKED + chunks(1, b" " * 200_000) + b"0\r\n\r\n" + ALIVE, [400]),
        *((CHUNKED + size + b"\r\n" + ASKED[:5] + b"\r\n0\r\n\r\n" + ALIVE, [400])
          for size in (b"0x5", b"+5", b"-5", b"5 5", b"f" * 17, b"\xef\xbc\x95", b"")),
        *((HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n" + ALIVE, [status])
          for coding, status in ((b"gzip, chunked", 501), (b"identity, chunked", 501), (b"gzip", 400), (b"identity", 400),
                                 (b"chunked, chunked", 400), (b"chunked, gzip", 400), (b"xchunked", 400), (b"", 400),
                                 (b"chunked;q=1", 400), (b"chunked\r\nTransfer-Encoding: chunked", 400))),
        (HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks(9) + b"0\r\n\r\n" + ALIVE, [200, 200]),
        (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + chunks(9) + b"0\r\n\r\n" + ALIVE, [400]),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + ALIVE, [400]),
        (QUICK + HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + ALIVE, [200, 501]),
        (HEAD + LENGTH + ASKED + b"no request\r\n\r\n" + ALIVE, [200, 400]),
        (HEAD + b"X-A: b\r\n c\r\n" + LENGTH + ASKED + ALIVE, [400]),
        (HEAD.replace(b"Host:", b"Host :") + LENGTH + ASKED + ALIVE, [400]),
        (b"GET /health HTTP/1.1\nHost: localhost\n\n" + ALIVE, [400]),
        (b"\r\n" * 50_000 + QUICK + b"\r\n\r\n" + ALIVE, [200, 200]),
        (HEAD + b"Expect: 100-continue\r\n" + LENGTH + ASKED + ALIVE, [100, 200, 200]),
        (HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n" + LENGTH + ASKED + ALIVE,
         [200, 200]),
        (CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close, upgrade\r\nUpgrade: h2c\r\n\r\n") + chunks(9)
         + b"0\r\n\r\n", [200]),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + ALIVE, [405]),
        (b"GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n" + ALIVE, [200, 200]),
        (b"GET http://evil.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n" + ALIVE, [400]),
        (b"GET http://[/health HTTP/1.1\r\nHost: localhost\r\n\r\n" + ALIVE, [400]),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n" + ALIVE, [400]),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello" + ALIVE, [200, 200]),
        (QUICK * 500, [200] * 65 + [429]),
    ],
)  # fmt: skip
def test_framing(server: Running, data: bytes, statuses: list[int]) -> None:
    """RFC 9112: what is refused closes the connection, and nothing after it is taken for a request."""
    answer = exchange(server, data, wait=3)
    assert [int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3})", answer)] == statuses, answer[-300:]


def test_ranges_are_not_followed(server: Running) -> None:
    ranges = ",".join(f"{i}-{i + 1}" for i in range(1500))
    with server.client() as client:
        reply = client.get("/health", headers={"range": f"bytes={ranges}"})
        assert reply.status_code == 200 and reply.json() == {"status": "ok"}


def test_slow_and_silent_clients_are_closed(server: Running) -> None:
    """Nothing sent, a head at a byte a second, a head that stops: all are closed, and others served."""
    socks = [server.raw() for _ in range(60)]
    sent = 0

    def trickle(sock: socket.socket, data: bytes) -> None:
        nonlocal sent
        try:
            for i in range(0, len(data), 1):
                sock.sendall(data[i : i + 1])
                sent += 1
                time.sleep(1)
        except OSError:
            pass

    trickling = threading.Thread(target=trickle, args=(socks[0], HEAD))
    trickling.start()
    socks[1].sendall(HEAD[:40])
    assert server.golden()
    for sock in socks:
        sock.settimeout(60)  # within which each is closed, or this fails
        try:
            for _ in range(10):
                if not sock.recv(4096):
                    break
            else:
                raise AssertionError("it sends without end")
        except ConnectionResetError:
            pass
        sock.close()
    trickling.join(60)
    assert sent < len(HEAD), "a head that trickled in was waited for"


def test_a_reader_that_stalls_is_given_up_and_holds_up_nobody(server: Running) -> None:
    body = json.dumps({"messages": USER, "stream": True, "max_tokens": 400, "temperature": 1.5, "seed": 1}).encode()
    with server.raw() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert server.golden()


def test_a_thousand_who_come_and_go(server: Running) -> None:
    body = json.dumps({"messages": USER, "stream": True, "max_tokens": 100}).encode()
    request = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    for i in range(1000):
        with server.raw() as sock:
            if i % 3:
                sock.sendall(request[: len(request) if i % 3 == 1 else 50])


def test_a_full_queue_is_told_at_once(server: Running) -> None:
    """Four run, eight wait, the next are refused before any of these has ended; the SDK tries again and gets its answer."""
    body = {"messages": USER, "max_tokens": 50, "temperature": 1.5, "logit_bias": {"2": -100}}
    threads = [threading.Thread(target=server.post, args=(CHAT, body)) for _ in range(12)]
    for thread in threads:
        thread.start()
    wait_for(lambda: server.metric("num_requests_waiting") == 8, "eight requests to wait")
    with server.client() as client:
        for _ in range(5):
            reply = client.post(CHAT, json={"messages": USER, "max_tokens": 4})
            refused(reply, 429, "queue_full")
            assert int(reply.headers["retry-after"]) >= 1
    impatient = openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0)
    with impatient, pytest.raises(openai.RateLimitError):
        impatient.chat.completions.create(model="smollm2:135m", messages=USER)  # type: ignore[arg-type]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=20) as patient:
        reply = patient.chat.completions.create(model="smollm2:135m", messages=USER, max_tokens=4)  # type: ignore[arg-type]
        assert reply.choices
    for thread in threads:
        thread.join()


def test_pipelined_and_kept_alive(server: Running) -> None:
    answer = exchange(server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20, wait=2)
    assert answer.count(b"HTTP/1.1 200") == 20
    with server.client() as client:
        for _ in range(300):
            assert client.get("/health").status_code == 200


def test_a_port_that_is_taken_and_other_wrong_use(server: Running, tmp_path: Path) -> None:
    import subprocess

    def run(*args: str) -> str:
        environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
        result = subprocess.run(
            [sys.executable, "-m", "galop", *args], capture_output=True, text=True, timeout=60, env=environment
        )
        assert result.returncode == 2, result.stderr
        lines = result.stderr.strip().splitlines()
        assert "Traceback" not in result.stderr
        return lines[-1]

    assert f"127.0.0.1:{server.port} cannot be listened on" in run("serve", "--port", str(server.port))
    assert "a key is needed" in run("serve", "--host", "0.0.0.0", "--port", "0")
    assert "no model is called" in run("serve", "no-such-model", "--port", "0")
    (tmp_path / "galop").mkdir()
    (tmp_path / "galop" / "keys.json").write_text("not json")
    assert "is not a file of keys" in run("serve", "--port", "0")
    assert "is not a file of keys" in run("keys", "list")


@pytest.fixture
def own(tmp_path: Path, smollm_path: Path) -> Iterator[Running]:
    with serving("smollm2:135m", "--context", "1024", home=tmp_path) as running:
        yield running


def stream_of(server: Running, tokens: int, lines: list[str], failed: list[BaseException]) -> threading.Thread:
    body = {"messages": USER, "stream": True, "max_tokens": tokens, "temperature": 1.2, "logit_bias": {"2": -100}}

    def read() -> None:
        try:
            with server.client() as client, client.stream("POST", CHAT, json=body) as reply:
                for line in reply.iter_lines():
                    lines.append(line)
        except httpx2.HTTPError as error:
            failed.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    wait_for(lambda: len(lines) >= 4 or bool(failed), "the beginning of a stream")
    return thread


def test_a_signal_drains_and_refuses_the_new(own: Running) -> None:
    lines: list[str] = []
    failed: list[BaseException] = []
    thread = stream_of(own, 300, lines, failed)
    own.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    with pytest.raises(httpx2.HTTPError):
        own.golden()
    thread.join()
    assert not failed and "data: [DONE]" in lines
    assert own.process.wait(60) == 0


def test_a_second_signal_ends_at_once(own: Running) -> None:
    lines: list[str] = []
    failed: list[BaseException] = []
    thread = stream_of(own, 900, lines, failed)
    own.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    own.process.send_signal(signal.SIGINT)
    assert own.process.wait(60) == 0 and not any("Traceback" in line for line in own.log), own.log
    thread.join(60)
    assert "data: [DONE]" not in lines  # what was cut off is not taken for whole


def test_killed_in_mid_stream_the_client_knows(own: Running) -> None:
    lines: list[str] = []
    failed: list[BaseException] = []
    thread = stream_of(own, 900, lines, failed)
    own.process.kill()
    thread.join()
    assert failed and "data: [DONE]" not in lines


def test_idle_it_ends_without_draining(own: Running) -> None:
    assert own.stop(seconds=DRAIN_SECONDS - 5) == 0


def test_a_conversation_outlives_a_restart(tmp_path: Path, smollm_path: Path) -> None:
    long = [{"role": "user", "content": "Remember: " + ", ".join(str(i * 37 % 1000) for i in range(150))}]
    cached, answers = [], []
    for _ in range(2):
        env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        with serving("smollm2:135m", "--context", "1024", home=tmp_path, env=env) as running:
            reply = running.post(CHAT, {"messages": long, "max_tokens": 8, "temperature": 0}).json()
            cached.append(reply["usage"]["prompt_tokens_details"]["cached_tokens"])
            answers.append(reply["choices"][0]["message"]["content"])
            assert running.stop() == 0
    assert cached[0] == 0 and cached[1] > 0.9 * reply["usage"]["prompt_tokens"] and answers[0] == answers[1]


def test_forms_and_tools_that_make_no_sense_are_refused(server: Running) -> None:
    refused(server.post(CHAT, {"messages": USER, "response_format": {"type": "json_schema"}}), 400, "invalid_value",
            "response_format")  # fmt: skip
    far = {"type": "json_schema", "json_schema": {"schema": {"$ref": "http://169.254.169.254/"}}}
    refused(server.post(CHAT, {"messages": USER, "response_format": far}), 400, "invalid_schema", "response_format")
    tool = {"type": "function", "function": {"name": "f"}}
    for tools, choice, param in (
        ([tool] * 300, "auto", "tools"), ([{"type": "function", "function": {"name": "a b"}}], "auto", "tools"),
        ([tool], {"type": "function", "function": {"name": "g"}}, "tool_choice"),
    ):  # fmt: skip
        body = {"messages": USER, "tools": tools, "tool_choice": choice}
        reply = server.post(CHAT, body)
        assert reply.status_code == 400 and reply.json()["error"]["param"].startswith(param), reply.text
    said = {"role": "assistant", "content": "", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{not json"}}]}  # fmt: skip
    refused(server.post(CHAT, {"messages": [*USER, said]}), 400, "invalid_value", "messages")
    assert server.golden()


def test_a_call_that_a_limit_cut_off_may_come_back(server: Running) -> None:
    for written, whole in (('{"city": "Par', {"city": "Par"}), ('{"a": 1, "b": [tr', {"a": 1, "b": []}), ("null", {}),
                           ("", {}), (' {"a": 1}\n', {"a": 1}), ('{"a": 1, "a": 2}', {"a": 2})):  # fmt: skip
        counts = []
        for arguments in (written, json.dumps(whole)):
            call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
            said = [*USER, {"role": "assistant", "content": None, "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c1", "content": "cut off"}]  # fmt: skip
            reply = server.post(CHAT, {"messages": said, "max_tokens": 1})
            assert reply.status_code == 200, reply.text
            counts.append(reply.json()["usage"]["prompt_tokens"])
        assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["none", "auto", "required"])
def test_a_tool_may_be_named_like_a_choice(name: str, server: Running) -> None:
    tools = [{"type": "function", "function": {"name": n}} for n in (name, "other")]
    for choice in ({"type": "function", "function": {"name": name}},
                   {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": tools[:1]}}):  # fmt: skip
        body = {"messages": USER, "tools": tools, "tool_choice": choice, "parallel_tool_calls": False}
        [call] = server.post(CHAT, body).json()["choices"][0]["message"]["tool_calls"]
        assert call["function"]["name"] == name and json.loads(call["function"]["arguments"]) == {}


def damaged(path: Path) -> Path:
    """A tiny model in which one token, 65, is no number: it can be drawn, but not read."""
    import gguf
    from tiny import write_gguf

    write_gguf(path, "qwen3", "F32", "{% for m in messages %}{{ m.content }}{% endfor %}")
    reader = gguf.GGUFReader(path, "r+")
    embedding = next(t for t in reader.tensors if t.name == "token_embd.weight")
    embedding.data[65] = 1e38  # a finite weight; what it does to a norm is not
    reader.data.flush()
    return path


def test_an_error_in_mid_stream_is_told_and_not_taken_for_an_end(tmp_path: Path, smollm_path: Path) -> None:
    model = damaged(tmp_path / "damaged.gguf")
    with serving("smollm2:135m", str(model), "--context", "128", home=tmp_path) as running:
        expected = running.golden()
        body = {"model": str(model), "messages": USER, "temperature": 0, "logit_bias": {"65": 100}, "max_tokens": 20}
        with running.client() as client, client.stream("POST", CHAT, json={**body, "stream": True}) as reply:
            lines = [line for line in reply.iter_lines() if line]
        assert reply.status_code == 200  # the first token was drawn, and then read
        assert '"code":"numerical_error"' in lines[-1] and not any("[DONE]" in line for line in lines)
        assert not any('"finish_reason":"' in line for line in lines)
        sdk = openai.OpenAI(base_url=f"{running.url}/v1", api_key="x", max_retries=0)
        with sdk, pytest.raises(openai.APIError, match="not finite"):
            list(sdk.chat.completions.create(stream=True, **body))  # type: ignore[call-overload]
        whole = running.post(CHAT, body)
        assert whole.json()["error"]["code"] == "numerical_error" and whole.headers["x-should-retry"] == "false"
        assert running.golden() == expected and running.metric("kv_cache_usage_perc") == 0


TEMPLATES = {
    "endless": "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "huge": "{{ 'a' * 10**9 }}",
    "recursive": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "escape": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "raises": "{{ raise_exception('roles must alternate') }}",
}


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[tuple[Running, Path]]:
    """One server beside whose model stand those with each of these templates, in a folder."""
    from tiny import write_gguf

    home = tmp_path_factory.mktemp("strangers")
    models = [str(write_gguf(home / f"{name}.gguf", "qwen3", "Q8_0", source)) for name, source in TEMPLATES.items()]
    with serving("smollm2:135m", *models, "--context", "128", home=home) as running:
        yield running, home


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_of_strangers_harm_nobody(name: str, strangers: tuple[Running, Path]) -> None:
    running, folder = strangers
    expected = running.golden()
    replies: list[httpx2.Response] = []
    body = {"model": str(folder / f"{name}.gguf"), "messages": USER, "max_tokens": 2}
    thread = threading.Thread(target=lambda: replies.append(running.post(CHAT, body)))
    thread.start()
    assert running.golden() == expected  # meanwhile
    thread.join()
    if name == "raises":
        assert "roles must alternate" in refused(replies[0], 400, "invalid_value")["message"]
    elif name != "escape" or replies[0].status_code != 200:
        refused(replies[0], 500, "template_error")
    assert running.golden() == expected


def test_a_signal_while_a_model_is_loaded(tmp_path: Path, coder_path: Path) -> None:
    import subprocess

    environment = {**os.environ, **folders_in(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "galop", "serve", "qwen2.5-coder:0.5b", "--port", "0"]
    for wait in (1.0, 1.8, 2.6):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
        time.sleep(wait)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
        assert b"Traceback" not in (process.stderr.read() if process.stderr else b"")
        assert not list((tmp_path / "cache").rglob("*.pack.incomplete"))


def test_one_budget_for_all_models(tmp_path: Path, smollm_path: Path, coder_path: Path) -> None:
    """Where both do not fit, the idle one goes; a busy one is waited for; what never fits is told with the numbers."""
    with serving("smollm2:135m", "--memory", "900MiB", "--context", "512", home=tmp_path) as running:
        expected = running.golden()
        other = {**GOLDEN_QUESTION, "model": "qwen2.5-coder:0.5b"}
        lines: list[str] = []
        failed: list[BaseException] = []
        thread = stream_of(running, 300, lines, failed)
        reply = running.post(CHAT, other)  # waits until the other's stream has ended
        assert reply.status_code == 200 and "data: [DONE]" in lines and not failed
        thread.join()
        with running.client() as client:
            assert client.get("/ready").json()["loaded"] == 1
        assert running.golden() == expected
        error = refused(running.post(CHAT, {**other, "model": "qwen2.5-coder:1.5b"}), 503, "memory_pressure")
        assert "GiB" in error["message"]
        assert running.golden() == expected


def test_the_context_is_what_the_model_and_the_memory_allow(
    tmp_path: Path, smollm_path: Path, coder_path: Path
) -> None:
    """And another model still finds room; one that is idle goes rather than that the next has a short one."""
    small = {**GOLDEN_QUESTION, "max_tokens": 1}
    for memory, known in (("3GiB", {"smollm2:135m": 8192, "qwen2.5-coder:0.5b": 32768}), ("900MiB", None)):
        with serving("qwen2.5-coder:0.5b", "--memory", memory, home=tmp_path) as running:
            assert running.post(CHAT, {**small, "model": "smollm2:135m"}).status_code == 200
            assert running.post(CHAT, small).status_code == 200
            with running.client() as client:
                models = client.get("/v1/models").json()["data"]
            plain = [m for m in models if not m["id"].endswith("@science")]
            loaded = {m["id"]: m["context_length"] for m in plain if m["status"] == "loaded"}
            assert loaded == known if known else min(loaded.values()) >= 8192
    with serving("smollm2:135m", "--context", "100000", home=tmp_path) as running:
        assert any("trained for 8192 tokens" in line for line in running.log)
        with running.client() as client:
            assert client.get("/v1/models/smollm2:135m").json()["context_length"] == 8192


def test_eight_small_models_stay_in_memory_and_in_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    models = [str(write_gguf(tmp_path / "models" / f"{i}.gguf", "qwen3")) for i in range(8)]
    with serving(*models, "--memory", "3GiB", home=tmp_path) as running, running.client() as client:
        assert client.get("/ready").json()["loaded"] == 8
        shown = client.get("/metrics").text
        assert all(f'galop:memory_bytes{{model_name="{model}"}}' in shown for model in models)


def test_out_of_file_descriptors_the_server_lives(tmp_path: Path, smollm_path: Path) -> None:
    import resource

    with serving("smollm2:135m", "--context", "512", home=tmp_path) as running:
        expected = running.golden()
        count = running.open_files()
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (count + 20, count + 20))
        socks = []
        for _ in range(60):
            try:
                socks.append(running.raw())
            except OSError:
                break
        time.sleep(0.5)
        for sock in socks:
            sock.close()
        time.sleep(1.5)
        assert running.golden() == expected


def test_idle_models_are_unloaded(tmp_path: Path, smollm_path: Path) -> None:
    with serving("smollm2:135m", "--context", "512", "--keep-alive", "0.03", home=tmp_path) as running:
        expected = running.golden()
        with running.client() as client:
            wait_for(lambda: client.get("/ready").json()["loaded"] == 0, "the model to be unloaded")
        assert running.golden() == expected


def test_mutated_requests_of_every_dialect_come_to_no_server_error(tmp_path: Path) -> None:
    """The first of what fuzz/fuzz_requests.py sends by the ten thousand."""
    spec = importlib.util.spec_from_file_location("fuzz_requests", Path(__file__).parents[2] / "fuzz/fuzz_requests.py")
    assert spec and spec.loader
    fuzz = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_requests"] = fuzz
    spec.loader.exec_module(fuzz)
    with serving("qwen3-mini:0.4m", "--context", "512", home=tmp_path) as running:
        with ThreadPoolExecutor(4) as pool:
            asked = [fuzz.made(16, number) for number in range(400)]
            for request, (status, body) in zip(asked, pool.map(partial(fuzz.raw, running.port), asked), strict=True):
                assert not fuzz.wrong(request.path, status, body), (request, body[:500])
        assert running.golden() and not any("Traceback" in line for line in running.log)


def test_odd_paths_are_named_and_files_that_go_hide_no_others(tmp_path: Path) -> None:
    """A name that is no UTF-8 is told in what comes nearest to it; a list holds what is there."""
    gone = write_gguf(tmp_path / "gone.gguf", "qwen3", "Q8_0", "{{ messages[0].content }}")
    odd = tmp_path / os.fsdecode(b"\xff<b>\n")
    shutil.copytree(GOLDEN / "qwen3", odd)
    with serving(str(gone), str(odd), home=tmp_path) as own, own.client() as client:
        names = [model["id"] for model in client.get("/v1/models").json()["data"]]
        [name] = [one for one in names if "\ufffd<b>" in one and not one.endswith("@science")]
        hello = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        gone.unlink()
        for path in ("/api/tags", "/api/ps", "/v1/models", "/metrics"):
            assert client.get(path).status_code == 200, path
        listed = [model["name"] for model in client.get("/api/tags").json()["models"]]
        assert name in listed and str(gone) not in listed
        held = {model["name"]: model for model in client.get("/api/ps").json()["models"]}
        assert held[str(gone)]["size"] > 0  # it goes on from memory
        assert client.post("/v1/completions", json={"model": str(gone), "prompt": "a", "max_tokens": 2}).is_success
        assert client.post("/v1/completions", json={"model": name, "prompt": "a", "max_tokens": 2}).is_success
        assert client.post(CHAT, json={**hello, "model": str(gone)}).is_success
