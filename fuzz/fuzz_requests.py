"""Mutated requests of every dialect against a real server: none may come to a server error, none may hold up /health
for a second, and after the first thousand the process may not grow.

    python fuzz/fuzz_requests.py --count 20000
    python fuzz/fuzz_requests.py --count 0 --schemathesis 200      # made from the server's own description instead
    python fuzz/fuzz_requests.py --seed 7 --only 4321              # one request again, shown with its answer

Requests are made from the seed and their number alone.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import copy
import http.client
import json
import multiprocessing
import os
import queue
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 120.0  # in which any answer has to end
GROWTH = 64 << 20  # bytes that are noise
ASKED = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What is 2+2?"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city"],
}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
SHORT: dict[str, Any] = {"max_tokens": 4, "temperature": 0.5, "seed": 1}
# What is right, to be made wrong: paths and bodies.
SEEDS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "top_p": 0.9, "top_k": 5, "stop": ["x"], "n": 2}),
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "stream": True, "stream_options": {"include_usage": True}}),
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "logprobs": True, "top_logprobs": 3, "logit_bias": {"5": 1}}),
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "tools": [TOOL], "tool_choice": "auto",
                              "parallel_tool_calls": False}),
    ("/v1/chat/completions", {"messages": [*ASKED, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {
        "role": "tool", "tool_call_id": "c1", "content": "12"}], **SHORT, "tools": [TOOL]}),
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "response_format": {"type": "json_schema", "json_schema": {
        "name": "x", "schema": SCHEMA, "strict": True}}}),
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "reasoning_effort": "low", "reasoning": {"max_tokens": 2},
                              "thinking": {"type": "enabled", "budget_tokens": 2}, "chat_template_kwargs": {"a": 1}}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], **SHORT,
                              "user": "u", "metadata": {"a": "b"}, "presence_penalty": 1, "frequency_penalty": -1}),
    ("/v1/chat/completions", {"messages": ASKED, **SHORT, "guided_choice": ["a", "b"], "min_tokens": 1,
                              "bad_words": ["c"], "stop_token_ids": [5], "ignore_eos": True}),
    ("/v1/completions", {"prompt": "a", **SHORT, "guided_regex": "[ab]+", "allowed_token_ids": [5, 6]}),
    ("/v1/completions", {"prompt": "One, two,", **SHORT, "echo": True, "logprobs": 2}),
    ("/v1/completions", {"prompt": [[1, 2, 3], [4]], **SHORT, "n": 2, "stream": True}),
    ("/v1/completions", {"prompt": ["a", "b"], **SHORT, "best_of": 1}),
    ("/v1/responses", {"input": "Hi", "max_output_tokens": 4, "instructions": "Be short.", "temperature": 0.5}),
    ("/v1/responses", {"input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "12"},
        {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]}],
        "max_output_tokens": 4, "stream": True, "tools": [{"type": "function", **TOOL["function"]}],
        "tool_choice": "auto", "text": {"format": {"type": "text"}}, "reasoning": {"effort": "low",
        "summary": "auto"}}),
    ("/v1/messages", {"max_tokens": 1030, "system": [{"type": "text", "text": "Be short."}], "stop_sequences": ["x"],
                      "messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": "enabled",
                      "budget_tokens": 1024}}),
    ("/v1/messages", {"max_tokens": 4, "stream": True, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "P"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [
            {"type": "text", "text": "12"}]}]}], "tools": [
                {"name": "weather", "description": "d", "input_schema": SCHEMA}], "tool_choice": {"type": "auto"}}),
    ("/v1/messages/count_tokens", {"messages": [{"role": "user", "content": "Hi"}]}),
    ("/api/chat", {"messages": ASKED, "options": {"num_predict": 4, "temperature": 0.5, "top_k": 3}, "think": False,
                   "tools": [TOOL], "keep_alive": "5m"}),
    ("/api/chat", {"messages": ASKED, "stream": False, "format": SCHEMA, "options": {"num_predict": 4, "stop": ["x"]}}),
    ("/api/generate", {"prompt": "Hi", "system": "Be short.", "options": {"num_predict": 4}, "context": [1, 2]}),
    ("/api/generate", {"prompt": "Hi", "raw": True, "stream": False, "options": {"num_predict": 4}}),
    ("/api/embed", {"input": ["a", "b"], "truncate": True, "dimensions": 8}), ("/api/embeddings", {"prompt": "a"}),
    ("/api/show", {"model": "qwen3-mini:0.4m", "verbose": True}), ("/api/pull", {"model": "qwen3-mini:0.4m"}),
    ("/v1/embeddings", {"input": ["a", "b"], "encoding_format": "base64", "dimensions": 8}),
    ("/v1/embeddings", {"input": [[1, 2], [3]]}),
    ("/v1/rerank", {"query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "return_documents": True}),
    ("/tokenize", {"content": "a b", "with_pieces": True, "add_special": True}), ("/tokenize", {"messages": ASKED}),
    ("/detokenize", {"tokens": [1, 2, 3]}),
    ("/infill", {"input_prefix": "def f(", "input_suffix": "return 1", "n_predict": 4, "input_extra": [
        {"filename": "a.py", "text": "x = 1"}]}),
]  # fmt: skip
NAMES = sorted({
    *re.findall(r'"(\w+)": ', json.dumps(SEEDS)), "model", "functions", "guided_json", "min_tokens", "images",
    "$ref", "type", "anyOf", "pattern", "format", "minimum", "__class__", "self", "", "a b", "\x00",
})  # fmt: skip
DEEP: Any = "x"
for _ in range(62):
    DEEP = [DEEP]
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 0.0, -0.0, 0.5, 1.5, 1e308, -1e308, 5e-324, 2**31, 2**32, 2**53, 2**63,
    -(2**63) - 1, 2**64, 10**30, float("nan"), float("inf"), "", " ", "a", "0", "1", "-1", "null", "true", "auto",
    "none", "required", "json_object", "text", "function", "custom", "assistant", "\x00", "\n", "\x1b[2J", "\ud800",
    "\udc00\ud800", "\ufdd0", "\u202e", "\ufeff", "\uffff", "e\u0301", "\ufb00", "\u0130", "🐎", "👩\u200d👩\u200d👧",
    "\U0010ffff", "<|im_end|>", "<think>", "</think>", "<tool_call>", "{{ x }}", "{% raw %}", "../../etc/passwd",
    "http://169.254.169.254/", "file:///etc/passwd", "%s%n", "x" * 300, "x" * 20_000, "a " * 3_000, "(a+)+$",
    "[" * 500, "^(?=x)", [], {}, [[]], [None], [{}], {"": ""}, {"type": "object"}, {"type": None},
    {"type": "function"}, {"$ref": "#"}, {"$ref": "#/$defs/a"}, {"type": "text"},
    {"type": "image_url", "image_url": {"url": "http://a"}}, {"type": ["string", "null"]}, [1], ["a"],
    [1, "a", None], [0] * 1000, ["x"] * 300, {"a": {"b": {"c": []}}}, DEEP, {str(i): i for i in range(200)},
]  # fmt: skip
KINDS = ["application/json"] * 40 + [
    "", "text/plain", "application/json; charset=utf-16", "application/x-www-form-urlencoded",
    "multipart/form-data", "a" * 900, "application/JSON", "application/json;", ";;", "\x0b",
]  # fmt: skip
PATHS = [
    "/v1/models", "/v1/models/x", "/api/tags", "/api/ps", "/api/version", "/metrics", "/health", "/ready",
    "/openapi.json", "/", "/login", "/v1/models/%00", "/v1/models/%ff%fe", "/v1/models/..%2f..%2f", "/_nicegui/%00",
    "/_nicegui/x/y", "/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/api/blobs/sha256:x", "/%2e%2e/", "//",
    "/?" + "a=b&" * 500, "/api/blobs/%00", "/favicon.ico", "/static/x", "/v1/chat/completions", "*", "/v1/models/🐎",
]  # fmt: skip
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST", "TRACE"]


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def places(value: Any, parent: Any = None, at: Any = None) -> Iterator[tuple[Any, Any, Any]]:
    """Every value within one, with what holds it and where."""
    if parent is not None:
        yield parent, at, value
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for name, item in items[:50]:
        yield from places(item, value, name)


def mutated(rng: random.Random, body: dict[str, Any]) -> Any:
    """A copy with up to four things changed."""
    body = json.loads(json.dumps(body))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        found = list(places(body))
        if not found:
            break
        parent, at, value = rng.choice(found)
        match rng.randrange(9):
            case 0 | 1 | 2:
                parent[at] = copy.deepcopy(rng.choice(ODD))
            case 3:
                del parent[at]
            case 4:
                many = [copy.deepcopy(value) for _ in range(rng.choice((1, 2, 20)))]
                parent[at] = many if rng.random() < 0.7 else {rng.choice(NAMES): value}
            case 5:
                target = rng.choice([p for p, _, _ in found if isinstance(p, dict)] or [body])
                target[rng.choice(NAMES)] = copy.deepcopy(rng.choice(ODD))
            case 6:
                parent[at] = copy.deepcopy(rng.choice(found)[2])  # something of another place
            case 7 if isinstance(value, str):
                cut = rng.randint(0, len(value))
                parent[at] = value[:cut] + str(rng.choice([o for o in ODD if isinstance(o, str)])) + value[cut:]
            case 7 if isinstance(value, (int, float)):
                parent[at] = value * rng.choice((-1, 10, 1e6, 0.1)) + rng.choice((0, 1, -1))
            case _:
                body[rng.choice(list(body) or ["x"])] = copy.deepcopy(rng.choice(ODD))
    return rng.choice(ODD) if rng.random() < 0.01 else body


def spoilt(rng: random.Random, data: bytes) -> bytes:
    """Text that is no JSON any more, or barely."""
    at = rng.randint(0, len(data))
    match rng.randrange(8):
        case 0:
            return data[:at]
        case 1:
            return (
                data[:at]
                + rng.choice((b"\xff", b"\x00", b"\xed\xa0\x80", b"\\", b'"', b",", b"}", b"\xef\xbb\xbf"))
                + data[at:]
            )
        case 2:
            return re.sub(rb'"(\w+)": ', rb'"\1": 1, "\1": ', data, count=1)
        case 3:
            return data.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32", "utf-8-sig")), "replace")
        case 4:
            return b"[" * rng.choice((10, 100, 100_000)) + data
        case 5:
            return data.replace(b": ", b": " + b" " * 1000, 3) + b" " * rng.choice((0, 10_000))
        case 6:
            return data + data
        case _:
            return bytes(b ^ (1 << rng.randrange(8)) if rng.random() < 0.01 else b for b in data)


def made(seed: int, number: int) -> Asked:
    rng = random.Random(f"{seed}/{number}")
    headers = {"Content-Type": rng.choice(KINDS)}
    if rng.random() < 0.05:
        name = rng.choice(("Authorization", "X-Api-Key", "Origin", "Accept", "Range", "Cookie", "Content-Encoding",
        "Expect",
                           "X-Forwarded-Proto", "Sec-Fetch-Site", "Upgrade", "Anthropic-Version",
                           "If-None-Match"))  # fmt: skip
        headers[name] = rng.choice(
            ("", "x", "null", "*", "gzip", "bytes=0-", "🐎", "100-continue", "cross-site", "a" * 5000, "a=\xff")
        )
    if rng.random() < 0.06:
        body = b"" if rng.random() < 0.7 else b"{}"
        return Asked(rng.choice(METHODS), rng.choice(PATHS), headers, body)
    path, body = rng.choice(SEEDS)
    data = json.dumps(mutated(rng, body), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    if rng.random() < 0.08:
        data = spoilt(rng, data)
    return Asked("POST", path if rng.random() < 0.98 else rng.choice(SEEDS)[0], headers, data)


def raw(port: int, asked: Asked) -> tuple[int, bytes]:
    """The status and what the answer holds; 0 where the connection was closed without one."""
    head = f"{asked.method} {asked.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
    lead = f"{head}Content-Length: {len(asked.body)}\r\n\r\n".encode()
    deadline = time.monotonic() + SECONDS
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(lead + asked.body)
        answer = http.client.HTTPResponse(sock, method=asked.method)
        try:
            answer.begin()
            got = answer.read()
        except (http.client.HTTPException, ConnectionError):
            return 0, b""
        if time.monotonic() > deadline:
            raise TimeoutError
        return answer.status, got


def wrong(path: str, status: int, body: bytes) -> str:
    """What is wrong with an answer; "" if nothing is."""
    if status >= 500 or status == 0:
        return f"status {status}"
    if status == 200 and b'"internal_error"' in body[-500:]:
        return "an internal error in mid-stream"
    if (
        status >= 400
        and body
        and not body.startswith(b"{")
        and path != "/"
        and "_nicegui" not in path
        and path != "/login"
    ):
        return "an error that is no JSON"
    return ""


def watch(port: int, ended: Any, result: Any) -> None:
    """In a process of its own: how long /health takes, in seconds."""
    times = []
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as sock:
        while not ended.is_set():
            start = time.perf_counter()
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not sock.recv(4096).endswith(b"}"):
                pass
            times.append(time.perf_counter() - start)
            time.sleep(0.02)
    result.put(sorted(times))


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def serving(model: str, home: Path) -> Iterator[tuple[int, int, list[str]]]:
    """A port, a process id, and the lines of its log."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "XDG_CONFIG_HOME": str(home / "config")}
    command = [sys.executable, "-m", "galop", "serve", model, "--port", "0", "--context", "1024", "--threads", "1",
               "--no-keep-conversations", "--memory", "256MiB", "--yes"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
    assert process.stderr
    log: list[str] = []
    try:
        for line in process.stderr:
            log.append(line)
            if match := re.search(r"Galop serves at http://\S+:(\d+)", line):
                threading.Thread(target=log.extend, args=(process.stderr,), daemon=True).start()
                yield int(match[1]), process.pid, log
                return
        raise SystemExit("the server did not start: " + "".join(log))
    finally:
        process.kill()
        process.wait()


def hammer(port: int, pid: int, seed: int, count: int, clients: int) -> tuple[list[str], list[int], dict[int, int]]:
    """Findings, the memory every hundred requests, and how often each status came."""
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(count):
        numbers.put(number)
    found: list[str] = []
    memory: list[int] = []
    statuses: collections.Counter[int] = collections.Counter()

    def work() -> None:
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            asked = made(seed, number)
            try:
                status, body = raw(port, asked)
                problem = wrong(asked.path, status, body)
            except OSError as error:
                status, body, problem = 0, b"", f"{type(error).__name__}: no answer within {SECONDS:g} s"
            statuses[status] += 1
            if problem:
                found.append(
                    f"{number}: {asked.method} {asked.path}: {problem}: {body[:300]!r} to {asked.body[:600]!r}"
                )
                print(found[-1], flush=True)
            if number % 100 == 0:
                memory.append(resident(pid))
            if number % 1000 == 999:
                print(f"{number + 1} requests, {memory[-1] >> 20} MiB, {len(found)} findings", flush=True)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, memory, dict(statuses)


def fill(port: int) -> None:
    """Reads so much that the cache of keys and values is full before memory is looked at."""
    rng = random.Random(0)
    for _ in range(200):
        ids = {"prompt": [rng.randrange(200) for _ in range(1000)], "max_tokens": 1}
        raw(port, Asked("POST", "/v1/completions", {"Content-Type": "application/json"}, json.dumps(ids).encode()))


def described(port: int, examples: int) -> list[str]:
    """What schemathesis finds with requests made from the server's own description."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"http://127.0.0.1:{port}/openapi.json", "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance", "--max-examples", str(examples),
        "--seed", "7", "--request-timeout", "60", "--generation-database", "none", "--no-color",
        "--phases", "examples,coverage,fuzzing", "--workers", "4",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True)
    print("\n".join(result.stdout.splitlines()[-25:]))
    return [] if result.returncode == 0 else [result.stdout[result.stdout.find("= FAILURES") :][:6000]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="send this one alone, and show its answer")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--model", default="qwen3-mini:0.4m")
    parser.add_argument("--schemathesis", type=int, default=0, metavar="EXAMPLES", help="of each route, afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, serving(options.model, Path(home)) as (port, pid, log):
        if options.only is not None:
            asked = made(options.seed, options.only)
            print(asked, *raw(port, asked), *log, sep="\n")
            return 0
        measured(port, pid, options, found := list[str](), log)
    print(*found, sep="\n")
    return 1 if found else 0


def measured(port: int, pid: int, options: argparse.Namespace, found: list[str], log: list[str]) -> None:
    ended = multiprocessing.Event()
    result: Any = multiprocessing.Queue()
    watcher = multiprocessing.Process(target=watch, args=(port, ended, result))
    watcher.start()
    fill(port)
    start = time.monotonic()
    problems, memory, statuses = hammer(port, pid, options.seed, options.count, options.clients)
    found += problems
    if options.schemathesis:
        found += described(port, options.schemathesis)
    ended.set()
    times = result.get()
    watcher.join()
    grown = max(memory[11:], default=0) - max(memory[:11], default=0)
    print(f"{options.count} requests in {time.monotonic() - start:.0f} s, by status {dict(sorted(statuses.items()))}")
    print(f"/health: {len(times)} times, median {1e3 * times[len(times) // 2]:.0f} ms, 99th percentile "
          f"{1e3 * times[int(0.99 * len(times))]:.0f} ms, longest {1e3 * times[-1]:.0f} ms")  # fmt: skip
    print(
        f"memory: {max(memory[:11], default=0) >> 20} MiB within the first thousand, {grown / (1 << 20):+.0f} MiB later"
    )
    if times[-1] > 1:
        found.append(f"/health took {times[-1]:.1f} s")
    if grown > GROWTH:
        found.append(f"the process grew by {grown >> 20} MiB")
    found += [line for line in log if "Traceback" in line]


if __name__ == "__main__":
    sys.exit(main())
