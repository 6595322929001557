"""Replicas on a Ray cluster beside one machine: what a stream loses, what second turns find, what a death costs.

    ray start --head --port 6379 --num-cpus 2 --disable-usage-stats; ray start --address 127.0.0.1:6379 --num-cpus 2
    galop serve MODEL --port 8001 &                                             # one machine
    galop serve MODEL --port 8002 --ray 127.0.0.1:6379 --replicas 2 --cpus 2 &  # two replicas
    python bench/replicas.py stream http://127.0.0.1:8001 http://127.0.0.1:8002
    python bench/replicas.py turns http://127.0.0.1:8001 http://127.0.0.1:8002 --conversations 1000
    python bench/replicas.py death http://127.0.0.1:8001 http://127.0.0.1:8002 --streams 64
    python bench/replicas.py grow http://127.0.0.1:8001 http://127.0.0.1:8002 --streams 96   # of --replicas 1-2

`stream` takes turns between the two servers, one stream at a time. `turns` has conversations of five turns, all open at
once, and compares every answer; with `--keep FILE` it goes on where it was stopped. `death` kills a replica (kill -9,
or what `--command` does) when all streams have begun, sends new ones, and compares every answer. `grow` keeps so many
streams going until there is one replica more, then asks nothing until there is one less.
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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

TURNS = 5
BLOCK = 32  # tokens, as the prefix cache has them
ENDING = 16  # tokens at the end of a prompt, which a template may write otherwise in the next turn


@dataclass(frozen=True)
class Turn:
    """An answer with its thinking, the tokens of its prompt, and those of them that were known."""

    text: str
    thought: str
    read: int
    known: int

    @property
    def sure(self) -> int:
        """Tokens in whole blocks with which the next turn's prompt begins as well."""
        return (self.read - ENDING) // BLOCK * BLOCK


def client(url: str) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=512)
    return httpx2.AsyncClient(base_url=url, timeout=300, trust_env=False, limits=limits)


async def stream(
    http: httpx2.AsyncClient, text: str, tokens: int, begun: asyncio.Event | None = None
) -> tuple[str, list[float]]:
    """The text, and when each event of it came, in seconds after the request. `begun` is set with the first."""
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
                    if begun:
                        begun.set()
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


def begin(number: int, turn: int) -> str:
    """What is asked in a turn: no two conversations begin alike."""
    return f"{number} and {turn}: " + "what is the sum of these two numbers, and why is it? " * 2


async def answer(http: httpx2.AsyncClient, number: int, earlier: Sequence[Turn], tokens: int) -> Turn:
    """The next turn of a conversation; those of even numbers are greedy, the others are drawn with a seed."""
    messages: list[dict[str, Any]] = []
    for turn in range(len(earlier) + 1):
        messages.append({"role": "user", "content": begin(number, turn)})
        messages += [{"role": "assistant", "content": earlier[turn].text}] if turn < len(earlier) else []
    body = {"messages": messages, "temperature": 0.8 * (number % 2), "seed": number, "max_tokens": tokens}
    reply = (await http.post("/v1/chat/completions", json=body)).raise_for_status().json()
    usage = reply["usage"]
    said = reply["choices"][0]["message"]
    return Turn(
        said["content"],
        said.get("reasoning_content") or "",
        usage["prompt_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
    )


async def all_talks(url: str, told: list[list[Turn]], at_once: int, tokens: int, keep: Callable[..., None]) -> None:
    """Has conversations go on to their last turn: the first turns of all, then the second ones, so that all of them
    are open at once. What `told` has already is not asked again."""
    gate = asyncio.Semaphore(at_once)
    async with client(url) as http:

        async def one(number: int) -> None:
            async with gate:
                turn = await answer(http, number, told[number], tokens)
            told[number].append(turn)
            keep(number, len(told[number]) - 1, turn)

        for turn in range(TURNS):
            start = time.monotonic()
            asked = [number for number, turns in enumerate(told) if len(turns) == turn]
            await asyncio.gather(*map(one, asked))
            print(f"{url}: turn {turn + 1}, {len(asked)} asked in {time.monotonic() - start:.0f} s", flush=True)


def kept_talks(path: Path | None, where: str, conversations: int) -> tuple[list[list[Turn]], Callable[..., None]]:
    """The turns that a file has of one of the servers, and how a further one is added to it."""
    told: list[list[Turn]] = [[] for _ in range(conversations)]
    lines = path.read_text().splitlines() if path and path.exists() else []
    for line in sorted((json.loads(line) for line in lines), key=lambda line: int(line["turn"])):
        if line["where"] == where and line["number"] < conversations:
            told[line["number"]].append(Turn(*(line[name] for name in Turn.__annotations__)))

    def keep(number: int, turn: int, said: Turn) -> None:
        if path:
            with path.open("a") as file:
                file.write(json.dumps({"where": where, "number": number, "turn": turn, **asdict(said)}) + "\n")

    return told, keep


async def compare_talks(
    alone: str, replicas: str, conversations: int, at_once: int, tokens: int, path: Path | None
) -> None:
    """Which turns found all that their conversation had read before, and which answers differ."""
    found: dict[str, list[list[Turn]]] = {}
    for where, url in (("replicas", replicas), ("alone", alone)):
        found[where], keep = kept_talks(path, where, conversations)
        await all_talks(url, found[where], at_once, tokens, keep)
        print(f"{where}: {conversations} conversations of {TURNS} turns, all open at once, {at_once} asked at a time")
        for turn in range(1, TURNS):
            knew = sum(turns[turn].known >= turns[turn - 1].sure for turns in found[where])
            share = sum(turns[turn].known for turns in found[where]) / sum(turns[turn].read for turns in found[where])
            print(f"  turn {turn + 1}: {knew} ({100 * knew / conversations:.1f} %) found what they had read before, "
                  f"{100 * share:.0f} % of all tokens", flush=True)  # fmt: skip
    pairs = zip(
        *([(turn.thought, turn.text) for turns in found[where] for turn in turns] for where in found), strict=True
    )
    print(f"{sum(a != b for a, b in pairs)} of {conversations * TURNS} answers differ from one machine's")


def list_replicas(url: str) -> list[int]:
    """Ids of the processes of a server's replicas on this machine, where no other has replicas of the same model."""
    name = httpx2.get(f"{url}/v1/models", trust_env=False).json()["data"][0]["id"]
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if f"ServeReplica:galop-{plain}-" in line]


async def grow(alone: str, replicas: str, streams: int, tokens: int) -> None:
    """When a replica is added under load and taken away after it."""
    before, start, asked = set(list_replicas(replicas)), time.monotonic(), 0
    said: dict[int, str] = {}

    def seconds() -> float:
        return time.monotonic() - start

    async with client(replicas) as http:

        async def keep_asking() -> None:
            nonlocal asked
            while not set(list_replicas(replicas)) - before or seconds() < 60:
                asked += 1
                number = asked
                said[number], _ = await stream(http, f"Tell me a long story about the number {number}.", tokens)

        async def look() -> None:
            while not set(list_replicas(replicas)) - before:
                await asyncio.sleep(0.2)
            print(f"a replica more was started after {seconds():.0f} s with {streams} streams", flush=True)

        await asyncio.gather(look(), *(keep_asking() for _ in range(streams)))
    most, start = set(list_replicas(replicas)), time.monotonic()
    print(f"{asked} streams answered by {len(most)} replicas; from here on nothing is asked", flush=True)
    while most <= set(list_replicas(replicas)):
        await asyncio.sleep(1)
    print(f"a replica less after {seconds():.0f} s", flush=True)
    numbers = sorted(said)[::10]
    async with client(alone) as http:
        texts = [(await stream(http, f"Tell me a long story about the number {n}.", tokens))[0] for n in numbers]
    print(f"{sum(said[n] != text for n, text in zip(numbers, texts, strict=True))} of {len(numbers)} compared differ")


async def survive(alone: str, replicas: str, streams: int, tokens: int, new: int, command: str) -> None:
    """What becomes of streams when a replica is killed, or a command takes it away, and of those that come then."""
    texts = [f"Tell me a long story about the number {number}." for number in range(streams + new)]
    async with client(alone) as http:
        expected = [text for text, _ in await asyncio.gather(*(stream(http, text, tokens) for text in texts))]
    async with client(replicas) as http:
        signs = [asyncio.Event() for _ in range(streams)]
        begun = [
            asyncio.create_task(stream(http, text, tokens, sign))
            for text, sign in zip(texts[:streams], signs, strict=True)
        ]
        for sign in signs:
            await sign.wait()
        ended = sum(task.done() for task in begun)
        pids = list_replicas(replicas)
        start = time.monotonic()
        if command:
            await (await asyncio.create_subprocess_shell(command)).wait()
        else:
            os.kill(pids[0], signal.SIGKILL)
        later = await asyncio.gather(*(stream(http, text, tokens) for text in texts[streams:]))
        first = [times[0] for _, times in later]
        answers = [text for text, _ in await asyncio.gather(*begun)] + [text for text, _ in later]
        seconds = time.monotonic() - start
    same = sum(a == b for a, b in zip(answers, expected, strict=True))
    print(
        f"{streams} streams, {ended} ended when one of {len(pids)} replicas was taken away; {same} of {len(answers)} "
        f"answers are the same bytes; the {new} that came then had a first token after {max(first):.2f} s at most; "
        f"all had ended {seconds:.1f} s after the kill"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["stream", "turns", "death", "grow"])
    parser.add_argument("alone")
    parser.add_argument("replicas")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--tokens", type=int, help="of each answer: 16 in conversations, else 100")
    parser.add_argument("--keep", type=Path, help="file of the turns that were answered")
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--new", type=int, default=8)
    parser.add_argument("--command", default="", help="takes a replica away, instead of kill -9 of one")
    asked = parser.parse_args()
    tokens = asked.tokens or (16 if asked.what == "turns" else 100)
    if asked.what == "stream":
        asyncio.run(compare_streams(asked.alone, asked.replicas, asked.rounds, tokens))
    elif asked.what == "turns":
        asyncio.run(compare_talks(asked.alone, asked.replicas, asked.conversations, asked.at_once, tokens, asked.keep))
    elif asked.what == "grow":
        asyncio.run(grow(asked.alone, asked.replicas, asked.streams, tokens))
    else:
        asyncio.run(survive(asked.alone, asked.replicas, asked.streams, tokens, asked.new, asked.command))


if __name__ == "__main__":
    main()
