"""How long /health takes while each kind of heavy request is being answered: p50, p99 and the longest, in milliseconds.

    python bench/health.py [--model smollm2:135m] [--only WORDS]

The first row is the idle server: what the machine's other work and this program cost by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

MIB = 1 << 20
CHAT = "/v1/chat/completions"
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def said(content: Any, **more: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": content}], "max_tokens": 4, **more},
                      ensure_ascii=False).encode()  # fmt: skip


def form(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}


def kinds() -> Iterator[tuple[str, str, bytes]]:
    """A name, a path, a body."""
    for text in ("a", "word and ", "🐎", "\n", "<|im_end|>", "  "):
        yield f"1 MiB of {text!r}", CHAT, said(text * (MIB // len(text.encode())))
    yield "31 MiB of words", CHAT, said("word and " * (31 * MIB // 9))
    yield "31 MiB of one letter", CHAT, said("a" * (31 * MIB))
    yield "31 MiB of horses", CHAT, said("🐎" * (31 * MIB // 4))
    yield "31 MiB in 4,000 messages", CHAT, json.dumps(
        {"messages": [{"role": "user", "content": "word and " * 900}] * 4000}).encode()  # fmt: skip
    yield "31 MiB in 100,000 parts", CHAT, said([{"type": "text", "text": "word and " * 30}] * 100_000)
    yield "100,000 parts that are none", CHAT, said([{"type": 5}] * 100_000)
    yield "31 MiB of [", CHAT, b"[" * (31 * MIB)
    yield "31 MiB of [],", CHAT, b'{"x":[' + b"[]," * (10 * MIB) + b"[]]}"
    yield "500,000 numbers nobody asked for", CHAT, said("Hi", x=[1] * 500_000)
    yield "31 MiB of numbers", "/v1/completions", b'{"prompt":[' + b"1," * (15 * MIB) + b"1]}"
    yield "500,000 ids", "/v1/completions", json.dumps({"prompt": [1] * 500_000}).encode()
    yield "500,000 floats for ids", "/v1/completions", json.dumps({"prompt": [1.5] * 500_000}).encode()
    yield "a million escapes", CHAT, b'{"messages":[{"role":"user","content":"' + b"\\n" * MIB + b'"}]}'
    yield "16 million escapes", CHAT, b'{"messages":[{"role":"user","content":"' + b"\\n" * (15 * MIB) + b'"}]}'
    yield "31 MiB for /tokenize", "/tokenize", json.dumps({"content": "word and " * (31 * MIB // 9)}).encode()
    yield (
        "500 KiB for /tokenize",
        "/tokenize",
        json.dumps({"content": "word and " * 55_000, "with_pieces": True}).encode(),
    )
    yield "500,000 ids for /detokenize", "/detokenize", json.dumps({"tokens": [5] * 500_000}).encode()
    yield "2,048 texts to embed", "/v1/embeddings", json.dumps({"input": ["hello"] * 2048}).encode()
    yield "31 MiB of texts to embed", "/v1/embeddings", json.dumps({"input": ["word and " * 1700] * 2048}).encode()
    yield "2,048 documents of 15 KiB", "/v1/rerank", json.dumps(
        {"query": "q", "documents": ["word and " * 1700] * 2048}).encode()  # fmt: skip
    yield "31 MiB for Anthropic", "/v1/messages", said("word and " * (31 * MIB // 9))
    yield "31 MiB for Responses", "/v1/responses", json.dumps({"input": "word and " * (31 * MIB // 9)}).encode()
    yield "31 MiB for Ollama", "/api/chat", said("word and " * (31 * MIB // 9))
    yield "31 MiB for Ollama, raw", "/api/generate", json.dumps(
        {"prompt": "word and " * (31 * MIB // 9), "raw": True}).encode()  # fmt: skip
    yield "31 MiB of template variables", CHAT, said("Hi", chat_template_kwargs={"x": "word and " * (31 * MIB // 9)})
    thought = {"role": "assistant", "content": "x", "reasoning": "word and " * (31 * MIB // 9)}
    yield "31 MiB of reasoning", CHAT, json.dumps({"messages": [thought, {"role": "user", "content": "Hi"}]}).encode()
    tool = {"type": "function", "function": {"name": "f", "description": "word and " * 13_000}}
    yield "31 MiB of tools", CHAT, said("Hi", tools=[tool] * 256)
    yield "a choice of 20,000", CHAT, said("Hi", **form({"enum": [f"word{i}" for i in range(20_000)]}))
    yield "3,000 properties", CHAT, said("Hi", **form({"type": "object", "properties": {
        f"k{i}": {"type": "string"} for i in range(3_000)}}))  # fmt: skip
    yield "a schema of 10 MiB", CHAT, said("Hi", **form({"description": "x" * (10 * MIB), "type": "object"}))
    likely = {"n": 16, "logprobs": True, "top_logprobs": 20, "max_tokens": 60, "logit_bias": {"2": -100}}
    yield "16 answers with 20 log-probabilities", CHAT, said("Count", **likely)
    yield "the same, streamed", CHAT, said("Count", stream=True, **likely)
    for path in ("/openapi.json", "/metrics", "/v1/models", "/"):
        yield f"GET {path}", path, b""


def request(path: str, body: bytes) -> bytes:
    if not body:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def frames() -> Iterator[tuple[str, bytes]]:
    """What is wrong below HTTP."""
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield "31 MiB in chunks of 6 bytes", chunked + b"6\r\n      \r\n" * (5 * MIB) + b"0\r\n\r\n"
    yield "31 MiB of trailers", chunked + b"0\r\n" + b"x-a: b\r\n" * (4 * MIB) + b"\r\n"
    yield "100,000 requests in a row", HEALTH * 100_000
    yield "a head of 31 MiB", head + b"x: " + b"a" * (31 * MIB)


@contextmanager
def serving(model: str) -> Iterator[tuple[int, int]]:
    """A port and a process id."""
    command = [sys.executable, "-m", "galop", "serve", model, "--port", "0", "--yes"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    try:
        for line in process.stderr:
            if match := re.search(r"Galop serves at http://\S+:(\d+)", line):
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield int(match[1]), process.pid
                return
        raise SystemExit("the server did not start")
    finally:
        process.kill()
        process.wait()


def exchange(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=300) as sock:

        def send() -> None:
            with suppress(OSError):
                sock.sendall(data)

        threading.Thread(target=send, daemon=True).start()
        got = b""
        try:
            while part := sock.recv(1 << 16):
                got = got or part
        except OSError:
            pass
        return got


def probe(port: int, ended: threading.Event, seconds: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=300) as sock:
        while not ended.is_set():
            start = time.perf_counter()
            sock.sendall(HEALTH)
            while not sock.recv(4096).endswith(b"}"):
                pass
            seconds.append(time.perf_counter() - start)
            time.sleep(0.01)


def measure(port: int, name: str, data: bytes) -> None:
    ended, seconds = threading.Event(), list[float]()
    prober = threading.Thread(target=probe, args=(port, ended, seconds))
    prober.start()
    start = time.perf_counter()
    if data:
        answer = exchange(port, data)
        status = answer[9:12].decode() or "-"
    else:
        status = ""
    time.sleep(2.0 if not data else 0.3)
    took = time.perf_counter() - start
    ended.set()
    prober.join()
    ordered = sorted(1e3 * s for s in seconds)
    p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    print(f"| {name} | {status} | {took:.1f} | {p50:.0f} | {p99:.0f} | {ordered[-1]:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    print("| meanwhile | status | s | p50 ms | p99 ms | longest ms |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    with serving(options.model) as (port, _):
        measure(port, "nothing", b"")
        for name, path, body in kinds():
            if options.only in name:
                measure(port, name, request(path, body))
        for name, data in frames():
            if options.only in name:
                measure(port, name, data)
        measure(port, "nothing", b"")


if __name__ == "__main__":
    main()
