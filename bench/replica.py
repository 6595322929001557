"""What bench/scale.py computes with: how long steps of one replica take, and what one door costs for each request.

    python bench/replica.py qwen2.5-coder:0.5b --json results/replica.json

Steps: seconds of a decode step over so many sequences of 512 tokens, and tokens a second of prompts. The door: seconds
of the processor that all threads of a `galop serve` but the engine's take for a request, and for each streamed token
beyond the first, on the smallest model there is. Its threads share one interpreter, so this is what a door can carry.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from serve import client
from servers import Server, galop

from galop.backends.load import load
from galop.engine.states import BLOCK_TOKENS, states_of
from galop.machine import default_threads, processor
from galop.measure.speed import BenchCase, time_case

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
DEPTH = 512
SMALLEST = "qwen3-mini:0.4m"
TICK = 1 / os.sysconf("SC_CLK_TCK")


def measure_steps(name: str, rounds: int) -> dict[str, Any]:
    """Medians of several rounds, so that each figure has seen the machine at several moments."""
    cases = {
        **{f"decode {n}": BenchCase("decode", 4, n, DEPTH) for n in WIDTHS},
        "prompt": BenchCase("prefill", 512),
        "turn": BenchCase("prefill", 64, depth=1024),
    }
    times: dict[str, list[float]] = {key: [] for key in cases}
    with load(name, context=2048, pool=2 << 30) as model:
        time_case(model, cases["decode 1"])
        for _ in range(rounds):
            for key, case in cases.items():
                times[key].append(time_case(model, case))
        kept = sum(state.block_bytes for state in states_of(model.plan, model.engine.kv)) / BLOCK_TOKENS
    found = {key: float(np.median(values)) for key, values in times.items()}
    return {
        "model": name, "step_seconds": {str(n): found[f"decode {n}"] / 4 for n in WIDTHS},
        "prompt_tokens_per_second": 512 / found["prompt"], "turn_tokens_per_second": 64 / found["turn"],
        "kv_bytes_per_token": kept,
    }  # fmt: skip


def door_seconds(server: Server) -> float:
    """Seconds of the processor that threads took but for the engine's, which is the busiest beside the first."""
    taken: dict[int, float] = {}
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        taken[int(thread.name)] = TICK * (int(fields[11]) + int(fields[12]))
    return sum(taken.values()) - max(seconds for thread, seconds in taken.items() if thread != server.process.pid)


async def ask(server: Server, requests: int, tokens: int, together: int) -> int:
    """Streams answers, so many at once; how many tokens came."""
    question = {"role": "user", "content": "1 + 2 ="}
    body = {"model": SMALLEST, "messages": [question], "max_tokens": tokens, "stream": True, "ignore_eos": True,
            "stream_options": {"include_usage": True}}  # fmt: skip
    pending, told = iter(range(requests)), 0

    async def work(http: httpx2.AsyncClient) -> None:
        nonlocal told
        for _ in pending:
            async with http.stream("POST", f"{server.url}/v1/chat/completions", json=body) as reply:
                reply.raise_for_status()
                last = [line async for line in reply.aiter_lines() if line.startswith("data: {")][-1]
            told += json.loads(last[6:])["usage"]["completion_tokens"]

    async with client() as http:
        await asyncio.gather(*(work(http) for _ in range(together)))
    return told


def measure_door(rounds: int) -> dict[str, float]:
    """Seconds of the processor a request, and a token."""
    short, long, requests = 1, 101, 128
    costs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as home, galop(SMALLEST, "--threads", "1", home=Path(home)) as server:
        asyncio.run(ask(server, 32, long, 16))
        for _ in range(rounds):
            taken = []
            for tokens in (short, long):
                before = door_seconds(server)
                told = asyncio.run(ask(server, requests, tokens, 16))
                assert told == requests * tokens, told
                taken.append((door_seconds(server) - before) / requests)
            costs.append((taken[0], (taken[1] - taken[0]) / (long - short)))
    request, token = np.median(costs, axis=0)
    return {"seconds_per_request": float(request), "seconds_per_token": float(token)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="qwen2.5-coder:0.5b")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["steps", "door"])
    parser.add_argument("--json", type=Path, help="results are added to this file")
    options = parser.parse_args()
    report: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    report |= {"processor": processor(), "threads": default_threads(), "system": platform.platform(),
               "date": date.today().isoformat()}  # fmt: skip
    if options.only != "door":
        report["replica"] = measure_steps(options.model, options.rounds)
    if options.only != "steps":
        report["door"] = measure_door(options.rounds)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
