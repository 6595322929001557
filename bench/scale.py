"""Ten to ten thousand replicas behind Galop's door, simulated from what was measured of one (bench/replica.py).

    python bench/scale.py results/replica.json --svg docs/img/scale.svg

A replica reads prompts one after another and writes its answers a step at a time, at most 64 at once; while it has both
to do it divides its time as Galop's scheduler does (1.5 s for prompts, then 40 steps). Seconds of both are measured.
Requests come at random (Poisson), each a turn of one of 40 conversations a replica, of which some are asked far more
often than others (Zipf of exponent 1, its first few left out, so that none outweighs a replica). A prompt is a history
and 60 new tokens; the history is read again where the replica does not have it. Two ways to choose a replica: the least
busy, and Galop's: the one that read the history before, unless it has 16 more to do than the least busy. Each replica
dies every six hours, which is far too often, and is back after a minute; what it was answering is begun again by
others, which read history, question and the tokens so far once more.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
from bisect import insort
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from chart import svg

SIZES = (10, 100, 1_000, 10_000)
POLICIES = ("least busy", "affinity")
CONVERSATIONS = 40  # for each replica
QUESTION, ANSWER, HISTORY = 60, 150, 1000  # tokens, medians
CACHE = 2 << 30  # bytes of a replica for keys and values
AHEAD = 16  # requests that the replica with the history may have more than the least busy
MOST = 64  # answers written at once
STALL_SECONDS, DECODE_STEPS = 1.5, 40  # as in the scheduler
LOST_EVERY = 6 * 3600.0  # seconds a replica lives
BACK_AFTER = 60.0  # seconds until another is in its place
BEHIND = 5.0  # seconds to the first token of half of all turns, where there is more to do than is done


@dataclass
class Times:
    """What was measured."""

    steps: dict[int, float]
    prompt_rate: float
    kv_bytes: float
    per_request: float
    per_token: float

    @classmethod
    def read(cls, report: dict[str, Any]) -> Times:
        one, door = report["replica"], report["door"]
        steps = {int(n): s for n, s in one["step_seconds"].items()}
        return cls(steps, one["prompt_tokens_per_second"], one["kv_bytes_per_token"], door["seconds_per_request"],
                   door["seconds_per_token"])  # fmt: skip

    def step(self, width: int) -> float:
        return float(np.interp(width, list(self.steps), list(self.steps.values())))

    def capacity(self) -> float:
        """Requests a second of a replica that finds every history, when it is full."""
        best = min(self.step(n) / n for n in range(1, MOST + 1))
        return 1 / (QUESTION / self.prompt_rate + ANSWER * best)


@dataclass
class Turn:
    conversation: int
    came: float
    history: int
    answer: int
    first: float = math.nan
    read: int = 0  # tokens that have to be read before it goes on
    end_at: float = 0.0  # on its replica's clock of written tokens


@dataclass
class Node:
    """A replica: its clock of written tokens runs as fast as each answer is written."""

    alive: bool = True
    now: float = 0.0
    clock: float = 0.0
    reading: list[Turn] = field(default_factory=list)
    unread: float = 0.0  # tokens of the first of them
    writing: list[tuple[float, int, Turn]] = field(default_factory=list)
    known: OrderedDict[int, int] = field(default_factory=OrderedDict)
    known_tokens: int = 0
    version: int = 0

    @property
    def load(self) -> int:
        return len(self.reading) + len(self.writing)


class Cluster:
    """One simulation."""

    def __init__(self, times: Times, size: int, policy: str, share: float, requests: int, seed: int) -> None:
        self.times, self.size, self.policy = times, size, policy
        self.chance = random.Random(seed)
        self.rate = share * times.capacity() * size
        self.requests = requests
        draw = np.random.default_rng(seed)
        count = CONVERSATIONS * size
        weights = 1 / (np.arange(count) + CONVERSATIONS)
        self.asked = draw.choice(count, requests, p=weights / weights.sum())
        self.histories = draw.lognormal(math.log(HISTORY), 0.6, count).clip(32, 8000).astype(int)
        self.answers = draw.lognormal(math.log(ANSWER), 0.6, requests).clip(1, 2000).astype(int)
        self.gaps = draw.exponential(1 / self.rate, requests)
        self.nodes = [Node() for _ in range(size)]
        self.by_load: list[set[int]] = [set(range(size))]
        self.reader: dict[int, int] = {}
        self.events: list[tuple[float, int, str, int, int]] = []
        self.count = 0
        self.firsts: list[tuple[float, float]] = []
        self.widths: list[int] = []
        self.found = self.looked = self.deaths = self.interrupted = self.written = 0
        for conversation in range(count):
            self.learn(conversation % size, conversation)

    def push(self, at: float, what: str, node: int, version: int = 0) -> None:
        self.count += 1
        heapq.heappush(self.events, (at, self.count, what, node, version))

    def move(self, index: int, before: int) -> None:
        """Keeps sets of nodes by how much they have to do, those that are gone in none."""
        node = self.nodes[index]
        if before < len(self.by_load):
            self.by_load[before].discard(index)
        if node.alive:
            while node.load >= len(self.by_load):
                self.by_load.append(set())
            self.by_load[node.load].add(index)

    def least(self) -> tuple[int, int]:
        load = next(n for n, nodes in enumerate(self.by_load) if nodes)
        return next(iter(self.by_load[load])), load

    def learn(self, index: int, conversation: int) -> bool:
        """Notes that a node reads a history; whether it knew it."""
        node, length = self.nodes[index], int(self.histories[conversation])
        known = conversation in node.known
        node.known_tokens += 0 if known else length
        node.known[conversation] = length
        node.known.move_to_end(conversation)
        while node.known_tokens * self.times.kv_bytes > CACHE:
            node.known_tokens -= node.known.popitem(last=False)[1]
        self.reader[conversation] = index
        return known

    def choose(self, conversation: int) -> int:
        least, load = self.least()
        if self.policy == "affinity":
            known = self.reader.get(conversation)
            if known is not None and self.nodes[known].alive and self.nodes[known].load - load <= AHEAD:
                return known
        return least

    def speeds(self, node: Node) -> tuple[float, float]:
        """Prompt tokens a second, and tokens of each answer."""
        width = len(node.writing)
        reads = bool(node.reading) and width < MOST
        step = self.times.step(width) if width else 0.0
        share = (STALL_SECONDS / (STALL_SECONDS + DECODE_STEPS * step)) if reads else 0.0
        return share * self.times.prompt_rate, (1 - share) / step if width else 0.0

    def advance(self, node: Node, now: float) -> None:
        """What was read and written until now."""
        reads, writes = self.speeds(node)
        node.unread -= reads * (now - node.now)
        node.clock += writes * (now - node.now)
        node.now = now

    def schedule(self, index: int) -> None:
        """The next thing that happens at a node, in place of what was expected before."""
        node = self.nodes[index]
        node.version += 1
        reads, writes = self.speeds(node)
        read = max(0.0, node.unread) / reads if reads else math.inf
        written = max(0.0, node.writing[0][0] - node.clock) / writes if writes else math.inf
        if min(read, written) < math.inf:
            self.push(node.now + min(read, written), "read" if read <= written else "written", index, node.version)

    def send(self, turn: Turn, now: float) -> None:
        index = self.choose(turn.conversation)
        node = self.nodes[index]
        self.advance(node, now)
        before, c = node.load, turn.conversation
        written = 0 if math.isnan(turn.first) else ANSWER // 2
        self.looked += 1
        known = self.learn(index, c)
        self.found += known
        turn.read = (0 if known else turn.history) + QUESTION + written
        node.reading.append(turn)
        if len(node.reading) == 1:
            node.unread = turn.read
        self.move(index, before)
        self.schedule(index)

    def finish_reading(self, index: int, now: float) -> None:
        node = self.nodes[index]
        self.advance(node, now)
        turn = node.reading.pop(0)
        if math.isnan(turn.first):
            turn.first = now
            self.firsts.append((turn.came, now - turn.came))
        turn.end_at = node.clock + turn.answer
        self.count += 1
        insort(node.writing, (turn.end_at, self.count, turn))
        self.widths.append(len(node.writing))
        node.unread = node.reading[0].read if node.reading else 0.0
        self.schedule(index)

    def finish_writing(self, index: int, now: float) -> None:
        node = self.nodes[index]
        self.advance(node, now)
        before = node.load
        turn = node.writing.pop(0)[2]
        self.written += turn.answer
        self.move(index, before)
        self.schedule(index)

    def lose(self, index: int, now: float) -> None:
        node = self.nodes[index]
        self.advance(node, now)
        before = node.load
        begun = [turn for *_, turn in node.writing]
        self.deaths += 1
        self.interrupted += len(begun)
        again = [*begun, *node.reading]
        for end, _, turn in node.writing:
            turn.answer = max(1, int(end - node.clock))
        self.nodes[index] = Node(alive=False, now=now, version=node.version + 1)
        self.move(index, before)
        self.push(now + BACK_AFTER, "back", index)
        for turn in again:
            self.send(turn, now)

    def run(self) -> dict[str, float]:
        """Plays all requests and says what came of them, the first third left out."""
        self.push(self.gaps[0], "comes", 0)
        lost = self.chance.expovariate(self.size / LOST_EVERY)
        self.push(lost, "lost", 0)
        number, now, end = 0, 0.0, math.inf
        while self.events:
            now, _, what, index, version = heapq.heappop(self.events)
            if what == "comes":
                turn = Turn(int(self.asked[number]), now, 0, int(self.answers[number]))
                turn.history = int(self.histories[turn.conversation])
                self.send(turn, now)
                number += 1
                if number < self.requests:
                    self.push(now + self.gaps[number], "comes", 0)
                else:
                    end = now
                    break
            elif what == "lost":
                self.lose(self.chance.choice([i for i, n in enumerate(self.nodes) if n.alive]), now)
                self.push(now + self.chance.expovariate(self.size / LOST_EVERY), "lost", 0)
            elif what == "back":
                self.nodes[index] = Node(now=now, version=self.nodes[index].version + 1)
                self.move(index, 0)
            elif self.nodes[index].version == version:
                (self.finish_reading if what == "read" else self.finish_writing)(index, now)
        waits = np.array([wait for came, wait in self.firsts if came > end / 3])
        left = sum(node.load for node in self.nodes) / self.size
        gaps = np.array([self.times.step(n) for n in self.widths[len(self.widths) // 3 :]])
        return {
            "first_p50": float(np.median(waits)), "first_p95": float(np.percentile(waits, 95)),
            "first_p99": float(np.percentile(waits, 99)), "gap_p95": float(np.percentile(gaps, 95)),
            "found": self.found / self.looked, "tokens_per_second": self.written / end, "seconds": end,
            "requests_per_second": self.rate, "left": left, "lost_nodes": self.deaths,
            "interrupted": self.interrupted,
        }  # fmt: skip


def table(times: Times, results: dict[tuple[int, str], dict[str, float]], price: float) -> str:
    """A row for each size and way."""
    rows = [
        "| replicas | chosen | requests a second | found | first token, p50 | p95 | p99 | gap p95 | doors | $ for 1M |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (size, policy), r in results.items():
        tokens = r["requests_per_second"] * ANSWER * math.exp(0.6**2 / 2)
        doors = r["requests_per_second"] * times.per_request + tokens * times.per_token
        cost = size * price / 3600 / tokens * 1e6
        waits = " | ".join(f"{r[key]:.2f} s" for key in ("first_p50", "first_p95", "first_p99"))
        waits = "falls behind | - | -" if r["first_p50"] > BEHIND else waits
        rows.append(
            f"| {size:,} | {policy} | {r['requests_per_second']:,.0f} | {100 * r['found']:.0f} % | {waits} | "
            f"{1000 * r['gap_p95']:.0f} ms | {math.ceil(doors):,} | {cost:.2f} |"
        )
    return "\n".join(rows)


def picture(curves: dict[str, list[tuple[float, float]]]) -> str:
    """The 95th percentile of the first token over how busy the replicas are."""
    left, right, top, bottom, most = 70, 600, 50, 300, 8.0
    body = ['<text x="20" y="28" font-weight="600">First token of 95 % of turns, 100 replicas</text>']
    for seconds in (0, 2, 4, 6, 8):
        y = bottom - (bottom - top) * seconds / most
        body.append(f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#8884"/>')
        body.append(f'<text class="small" x="24" y="{y + 4}">{seconds} s</text>')
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        x = left + (right - left) * share
        body.append(f'<text class="small" x="{x - 12}" y="{bottom + 18}">{100 * share:.0f} %</text>')
    body.append(
        f'<text class="small" x="{left}" y="{bottom + 38}">of what all could answer, were every history found</text>'
    )
    for (name, points), colour in zip(curves.items(), ("#b8803a", "#1d6fb8"), strict=True):
        shown = [(left + (right - left) * x, bottom - (bottom - top) * min(y, most) / most) for x, y in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in shown)
        body.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        at = next((i for i, (_, y) in enumerate(points) if y >= most), len(points) - 1)
        body.append(f'<text class="small" x="{shown[at][0] + 8:.1f}" y="{shown[at][1] + 16:.1f}">{name}</text>')
    return svg(body, 350)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="what bench/replica.py measured")
    parser.add_argument("--share", type=float, default=0.5, help="of what the replicas could answer at most")
    parser.add_argument("--price", type=float, default=0.1, help="dollars an hour of a replica's machine")
    parser.add_argument("--turns", type=int, default=150, help="requests for each replica")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    times = Times.read(json.loads(options.report.read_text()))
    print(f"{times.capacity():.2f} requests a second of a replica at most\n")
    results = {}
    for size in options.sizes:
        for policy in POLICIES:
            count = min(max(20_000, options.turns * size), 400_000)
            results[size, policy] = r = Cluster(times, size, policy, options.share, count, 1).run()
            print(f"{size} {policy}: {json.dumps({k: round(v, 4) for k, v in r.items()})}", flush=True)
    print("\n" + table(times, results, options.price))
    if options.svg:
        shares = [n / 10 for n in range(1, 10)] + [0.95]
        curves = {p: [(s, Cluster(times, 100, p, s, 20_000, 1).run()["first_p95"]) for s in shares] for p in POLICIES}
        options.svg.write_text(picture(curves))


if __name__ == "__main__":
    main()
