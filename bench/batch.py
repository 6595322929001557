"""A batch beside as many streams: tokens a second of `galop batch`, of `/v1/batches`, and of 64 clients that stream.

    python bench/batch.py                                  # SmolLM2, three rounds, some two minutes
    python bench/batch.py --model qwen2.5-coder:0.5b --rows 192
    python bench/batch.py --beside                         # one stream alone, then beside a batch of the server

Each round they take turns, with questions as long and answers as long; the words differ, so that nothing is found in a
prefix cache. 64 clients send one question after another to a server and stream each answer; the command gets the
questions in a file, and its seconds include loading the model; the server gets the same kind of file and is asked
every tenth of a second whether it is done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from serve import client, prompt
from servers import Server, galop

from galop.machine import default_threads, processor

CLIENTS = 64
ENDLESS = {"smollm2:135m": ["0", "2"], "qwen2.5-coder:0.5b": ["151643", "151645"]}  # stop tokens, never to be drawn
Rows = list[dict[str, Any]]


def questions(model: str, rows: int, tokens: int, lengths: int, words: int) -> Rows:
    """Requests whose lengths follow from one seed and whose words from another."""
    chance = random.Random(lengths)
    bias = dict.fromkeys(ENDLESS.get(model, []), -100)
    asked = [prompt(chance.randint(10, 150), 10_000 * words + i) for i in range(rows)]
    return [
        {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": tokens, "logit_bias": bias}
        for text in asked
    ]


def lines(rows: Rows) -> bytes:
    bodies = ({"custom_id": str(i), "url": "/v1/chat/completions", "body": row} for i, row in enumerate(rows))
    return "".join(json.dumps(body) + "\n" for body in bodies).encode()


async def stream_all(url: str, rows: Rows) -> tuple[int, float]:
    """Tokens of all answers and seconds, by CLIENTS clients each of which waits for its answer."""
    pending, told = iter(rows), 0

    async def ask(http: httpx2.AsyncClient) -> None:
        nonlocal told
        for row in pending:
            body = {**row, "stream": True, "stream_options": {"include_usage": True}}
            async with http.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
                reply.raise_for_status()
                last = [line async for line in reply.aiter_lines() if line.startswith("data: {")][-1]
                told += json.loads(last[6:])["usage"]["completion_tokens"]

    async with client() as http:
        start = time.perf_counter()
        await asyncio.gather(*(ask(http) for _ in range(CLIENTS)))
        return told, time.perf_counter() - start


def answer_on_server(server: Server, rows: Rows) -> tuple[int, float]:
    """The same of a batch that the server answers, from its upload to the end."""
    with httpx2.Client(base_url=server.url, timeout=None, trust_env=False) as http:
        start = time.perf_counter()
        form = {"files": {"file": ("rows.jsonl", lines(rows))}, "data": {"purpose": "batch"}}
        file = http.post("/v1/files", **form).raise_for_status().json()
        body = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = http.post("/v1/batches", json=body).raise_for_status().json()
        while batch["status"] not in ("completed", "failed"):
            time.sleep(0.1)
            batch = http.get(f"/v1/batches/{batch['id']}").json()
        seconds = time.perf_counter() - start
        answers = http.get(f"/v1/files/{batch['output_file_id']}/content").text.splitlines()
    assert len(answers) == len(rows), batch
    return sum(json.loads(line)["response"]["body"]["usage"]["completion_tokens"] for line in answers), seconds


def time_stream(server: Server, row: dict[str, Any]) -> tuple[float, float]:
    """Seconds to the first piece of a streamed answer, and pieces a second after it."""
    start, times = time.perf_counter(), list[float]()
    body = {**row, "stream": True}
    with httpx2.stream("POST", f"{server.url}/v1/chat/completions", json=body, timeout=None, trust_env=False) as reply:
        for line in reply.iter_lines():
            if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                times.append(time.perf_counter())
    return times[0] - start, (len(times) - 1) / (times[-1] - times[0])


def compare_beside(server: Server, model: str, rows: int, tokens: int, rounds: int) -> None:
    """A stream alone, and beside a batch that has as many rows under way as it may."""
    found = {}
    with httpx2.Client(base_url=server.url, timeout=None, trust_env=False) as http:
        for name in ("alone", "beside a batch"):
            if name != "alone":
                form = {"files": {"file": ("rows.jsonl", lines(questions(model, rows, tokens, 1, 1)))}}
                file = http.post("/v1/files", data={"purpose": "batch"}, **form).raise_for_status().json()
                body = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
                batch = http.post("/v1/batches", json=body).raise_for_status().json()
                while not http.get(f"/v1/batches/{batch['id']}").json()["request_counts"]["completed"]:
                    time.sleep(0.1)
            asked = questions(model, rounds + 1, 100, 2, 2 if name == "alone" else 3)
            found[name] = np.median([time_stream(server, row) for row in asked][1:], axis=0)
        counts = http.get(f"/v1/batches/{batch['id']}").json()["request_counts"]
        http.post(f"/v1/batches/{batch['id']}/cancel")
    for name, (first, rate) in found.items():
        print(f"{name}: first token {1000 * first:.0f} ms, {rate:.1f} tokens/s; medians of {rounds}")
    print(f"the batch was at {counts['completed']} of {counts['total']} rows then")


def answer_by_command(folder: Path, rows: Rows) -> tuple[int, float]:
    """The same of the command, by what it tells itself."""
    asked, answers = folder / "in.jsonl", folder / "out.jsonl"
    asked.write_bytes(lines(rows))
    answers.unlink(missing_ok=True)
    command = [sys.executable, "-m", "galop", "batch", str(asked), str(answers), "--json"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ).stdout)
    return told["completion_tokens"], told["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--rows", type=int, default=384)
    parser.add_argument("--tokens", type=int, default=64, help="of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="round to begin with: others have other questions")
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--skip", nargs="*", default=[], choices=["galop batch", "/v1/batches"])
    options = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with galop(options.model, "--no-keep-conversations", home=folder / "home") as server:
            if options.beside:
                compare_beside(server, options.model, options.rows, options.tokens, options.rounds)
                return
            ways: dict[str, Callable[[Rows], tuple[int, float]]] = {
                "64 streams": lambda rows: asyncio.run(stream_all(server.url, rows)),
                "galop batch": lambda rows: answer_by_command(folder, rows),
                "/v1/batches": lambda rows: answer_on_server(server, rows),
            }
            ways = {name: way for name, way in ways.items() if name not in options.skip}
            for turn in range(options.first, options.first + options.rounds):
                order = list(ways) if turn % 2 == 0 else list(ways)[::-1]
                for name in order:
                    words = 1 + turn * len(ways) + order.index(name)
                    tokens, seconds = ways[name](questions(options.model, options.rows, options.tokens, turn, words))
                    rates.setdefault(name, []).append(tokens / seconds)
                    print(f"round {turn + 1}, {name}: {tokens} tokens in {seconds:.1f} s", file=sys.stderr)
    print(f"{processor()}, {default_threads()} threads, {options.model}, {options.rows} questions\n")
    print(f"| | answer tok/s | of {CLIENTS} streams |\n| --- | ---: | ---: |")
    for name, found in rates.items():
        share = np.median([rate / streams for rate, streams in zip(found, rates["64 streams"], strict=True)])
        print(f"| {name} | {np.median(found):.0f} | {100 * share:.0f} % |")


if __name__ == "__main__":
    main()
