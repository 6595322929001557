"""Replicas on a Ray cluster beside one machine: what a stream loses, what second turns find, what a death costs.

    ray start --head --port 6379 --num-cpus 2 --disable-usage-stats; ray start --address 127.0.0.1:6379 --num-cpus 2
    galop serve MODEL --port 8001 &                                             # one machine
    galop serve MODEL --port 8002 --ray 127.0.0.1:6379 --replicas 2 --cpus 2 &  # two replicas
    python bench/replicas.py stream http://127.0.0.1:8001 http://127.0.0.1:8002
    python bench/replicas.py turns http://127.0.0.1:8001 http://127.0.0.1:8002 --conversations 1000
    python bench/replicas.py death http://127.0.0.1:8001 http://127.0.0.1:8002 --streams 64

`stream` takes turns between the two servers, one stream at a time. `turns` has conversations of five turns, of which so
many go on at once, and compares every answer. `death` kills a replica (kill -9) when all streams have begun, sends new
ones, and compares every answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import time
from typing import Any

import httpx2

TURNS = 5
Answer = tuple[str, int]  # text, and tokens of the prompt that were known


def client(url: str) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=512)
    return httpx2.AsyncClient(base_url=url, timeout=300, trust_env=False, limits=limits)


async def stream(http: httpx2.AsyncClient, text: str, tokens: int) -> tuple[str, list[float]]:
    """The text, and when each event of it came, in seconds after the request."""
    body = {"messages": [{"role": "user", "content": text}], "temperature": 0, "seed": 1, "max_tokens": tokens,
            "stream": True, "ignore_eos": True}  # fmt: skip
    told, times, start = "", [], time.monotonic()
    async with http.stream("POST", "/v1/chat/completions", json=body) as reply:
        reply.raise_for_status()
        async for line in reply.aiter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                raise RuntimeError(event["error"]["message"])
            for choice in event["choices"]:
                piece = choice["delta"].get("content") or choice["delta"].get("reasoning_content")
                if piece:
                    told += piece
                    times.append(time.monotonic() - start)
    return told, times


async def compare_streams(alone: str, replicas: str, rounds: int, tokens: int) -> None:
    """First tokens and rates, in turns."""
    async with client(alone) as one, client(replicas) as many:
        figures: dict[str, list[tuple[float, float]]] = {"alone": [], "replicas": []}
        for number in range(-2, rounds):
            texts = set()
            for name, http in (("alone", one), ("replicas", many)):
                text, times = await stream(http, f"Tell me a long story about the number {number}.", tokens)
                texts.add(text)
                if number >= 0:
                    figures[name].append((times[0], (tokens - 1) / (times[-1] - times[0])))
            assert len(texts) == 1, texts
    first = {name: statistics.median(f for f, _ in of) for name, of in figures.items()}
    rate = {name: statistics.median(r for _, r in of) for name, of in figures.items()}
    print(
        f"first token {1000 * first['alone']:.1f} ms alone, {1000 * first['replicas']:.1f} ms by a replica "
        f"(+{1000 * (first['replicas'] - first['alone']):.1f} ms); {rate['alone']:.1f} and {rate['replicas']:.1f} "
        f"tokens/s ({100 * (rate['replicas'] / rate['alone'] - 1):+.1f} %); medians of {rounds}, no byte differs"
    )


async def talk(http: httpx2.AsyncClient, number: int, turns: int) -> list[Answer]:
    """A conversation, turn by turn."""
    messages: list[dict[str, Any]] = []
    answers = []
    for turn in range(turns):
        asked = f"{number} and {turn}: " + "what is the sum of these two numbers, and why is it? " * 2
        messages.append({"role": "user", "content": asked})
        body = {"messages": messages, "temperature": 0.8, "seed": number, "max_tokens": 16}
        reply = (await http.post("/v1/chat/completions", json=body)).raise_for_status().json()
        text = reply["choices"][0]["message"]["content"]
        answers.append((text, reply["usage"]["prompt_tokens_details"]["cached_tokens"]))
        messages.append({"role": "assistant", "content": text})
    return answers


async def all_talks(url: str, conversations: int, at_once: int) -> list[list[Answer]]:
    gate = asyncio.Semaphore(at_once)
    async with client(url) as http:

        async def one(number: int) -> list[Answer]:
            async with gate:
                return await talk(http, number, TURNS)

        return await asyncio.gather(*(one(number) for number in range(conversations)))


async def compare_talks(alone: str, replicas: str, conversations: int, at_once: int) -> None:
    """Which second turns found the first, and which answers differ."""
    start = time.monotonic()
    there = await all_talks(replicas, conversations, at_once)
    print(f"{conversations} conversations of {TURNS} turns, {at_once} at once, in {time.monotonic() - start:.0f} s")
    for turn in range(1, TURNS):
        found = sum(answers[turn][1] > 32 for answers in there)
        print(f"turn {turn + 1}: {found} of {conversations} found what was read before", flush=True)
    here = await all_talks(alone, conversations, at_once)
    differ = sum(a[0] != b[0] for one, other in zip(here, there, strict=True) for a, b in zip(one, other, strict=True))
    print(f"{differ} of {conversations * TURNS} answers differ from one machine's")


async def survive(alone: str, replicas: str, streams: int, tokens: int, new: int) -> None:
    """What becomes of streams when a replica is killed, and of those that come then."""
    texts = [f"Tell me a long story about the number {number}." for number in range(streams + new)]
    async with client(alone) as http:
        expected = [text for text, _ in await asyncio.gather(*(stream(http, text, tokens) for text in texts))]
    async with client(replicas) as http:
        begun = [asyncio.create_task(stream(http, text, tokens)) for text in texts[:streams]]
        await asyncio.sleep(0.7)
        ended = sum(task.done() for task in begun)
        listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        pids = [int(line.split()[0]) for line in listed.splitlines() if "ServeReplica:galop-" in line]
        os.kill(pids[0], signal.SIGKILL)
        start = time.monotonic()
        later = await asyncio.gather(*(stream(http, text, tokens) for text in texts[streams:]))
        first = [times[0] for _, times in later]
        answers = [text for text, _ in await asyncio.gather(*begun)] + [text for text, _ in later]
        seconds = time.monotonic() - start
    same = sum(a == b for a, b in zip(answers, expected, strict=True))
    print(
        f"{streams} streams, {ended} ended when one of {len(pids)} replicas was killed; {same} of {len(answers)} "
        f"answers are the same bytes; the {new} that came then had a first token after {max(first):.2f} s at most; "
        f"all had ended {seconds:.1f} s after the kill"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["stream", "turns", "death"])
    parser.add_argument("alone")
    parser.add_argument("replicas")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--new", type=int, default=8)
    asked = parser.parse_args()
    if asked.what == "stream":
        asyncio.run(compare_streams(asked.alone, asked.replicas, asked.rounds, asked.tokens))
    elif asked.what == "turns":
        asyncio.run(compare_talks(asked.alone, asked.replicas, asked.conversations, asked.at_once))
    else:
        asyncio.run(survive(asked.alone, asked.replicas, asked.streams, asked.tokens, asked.new))


if __name__ == "__main__":
    main()
