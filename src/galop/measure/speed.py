"""How fast a model runs here, as a share of what this machine can do at most.

Each timing stands between two readings of the memory bandwidth and of the int8 peak, since a shared machine changes by
the second: its share is of the better of the two, and where they contradict each other it is thrown away. A step cannot
take less than its bytes at that bandwidth, nor less than its products at that peak; the larger of the two is the roof.
Bytes are those of the source file's blocks that the step needs, and of the keys and values it reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from galop import native
from galop.backends.local import Model
from galop.engine.engine import Engine
from galop.engine.kv_cache import KVCache
from galop.engine.states import KVType, step_bytes
from galop.ops.cost import Cost, Workload
from galop.ops.plan import Array, Plan
from galop.weights.pack import Pack
from galop.weights.quant_types import QUANT_TYPES

DECODED = 16  # tokens a sequence decodes in one timing
READ_BYTES = 512 << 20  # beyond any cache
CONTRADICTION = 1.2  # times by which two readings of what binds may differ
TRIES = 3  # for each timing that is wanted, where some are thrown away


@dataclass(frozen=True)
class BenchCase:
    """`tokens` new tokens in each of so many sequences, which hold `depth` tokens already."""

    kind: str  # "prefill" or "decode"
    tokens: int
    sequences: int = 1
    depth: int = 0

    def __str__(self) -> str:
        what = f"prefill {self.tokens}" if self.kind == "prefill" else "decode"
        together = f", {self.sequences} sequences" if self.sequences > 1 else ""
        return what + together + (f" at depth {self.depth}" if self.depth else "")


CASES = [
    *(BenchCase("prefill", n) for n in (128, 512, 2048)),
    BenchCase("prefill", 512, depth=8192),
    *(BenchCase("decode", DECODED, depth=d) for d in (0, 4096, 16384)),
    *(BenchCase("decode", DECODED, sequences=n) for n in (2, 4, 8)),
]


@dataclass
class CaseTimings:
    """Rates in tokens per second of all sequences together; shares of the roof, and which of the two it is. Without a
    timing whose readings agreed the rates are of those thrown away, and there are no shares."""

    case: BenchCase
    rates: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    bound: str = ""
    thrown: int = 0  # timings whose readings contradicted each other


@dataclass(frozen=True)
class Reading:
    """What the machine gives at one moment."""

    bandwidth: float  # bytes per second
    peak: float  # int8 multiply-adds per second; 0 where it cannot be measured

    def better(self, other: Reading) -> Reading:
        """The better of both, roof by roof."""
        return Reading(max(self.bandwidth, other.bandwidth), max(self.peak, other.peak))

    def contradicts(self, other: Reading, bound: str) -> bool:
        """Whether the roof that binds was another one then."""
        one, two = sorted((r.bandwidth if bound == "memory" else r.peak) for r in (self, other))
        return two > CONTRADICTION * one


def quartiles(values: list[float]) -> dict[str, float]:
    """Median and quartiles, as `galop bench --json` has them."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"median": float(middle), "q1": float(low), "q3": float(high)}


def step_cost(plan: Plan, pack: Pack, kv: KVType, tokens: int, rows: int, keys: float, sequences: int) -> Cost:
    """Of `tokens` tokens in `sequences` sequences, `rows` of which give logits; each attends to `keys` keys."""

    def matrix_bytes(name: str) -> float:
        matrix = pack.matrices[name]
        quant_type = QUANT_TYPES[matrix.quant_type]
        return matrix.rows * matrix.cols // quant_type.block * quant_type.nbytes

    kept = step_bytes(plan, kv)
    workload = Workload(tokens, rows, keys, sequences, matrix_bytes, lambda state: kept[state])
    return sum((step.cost(workload) for step in plan.steps), Cost())


def zero_cache(engine: Engine, tokens: int) -> KVCache:
    """A sequence of so many tokens whose keys and values are zeros: time does not depend on them."""
    kv = engine.new_cache()
    kv.assume(tokens)
    return kv


def sample_ids(model: Model, count: int) -> list[int]:
    """Token ids spread over the vocabulary, the same every time."""
    size = model.tokenizer.vocabulary_size(model.engine.vocabulary)
    return [i * 7919 % size for i in range(1, count + 1)]


def time_case(model: Model, case: BenchCase) -> float:
    """Seconds a case takes, once."""
    engine = model.engine
    ids = sample_ids(model, case.tokens)
    sequences = [zero_cache(engine, case.depth) for _ in range(case.sequences)]
    if case.kind == "decode" and case.depth == 0:
        engine.forward([(kv, [0]) for kv in sequences], [])
    start = time.perf_counter()
    if case.kind == "prefill":
        for kv in sequences:
            for _ in engine.prefill(kv, ids):
                pass
    else:
        for i in ids:
            engine.forward([(kv, [i]) for kv in sequences], range(case.sequences))
    seconds = time.perf_counter() - start
    for kv in sequences:
        kv.free()
    return seconds


def shortest_time(model: Model, case: BenchCase, roof: Reading) -> tuple[float, str]:
    """The fewest seconds a case could take, and what sets them."""
    engine = model.engine
    keys = case.depth + case.tokens / 2

    def cost(tokens: int, rows: int, sequences: int) -> Cost:
        return step_cost(model.plan, model.pack, engine.kv, tokens, rows, keys, sequences)

    if case.kind == "prefill":
        one, steps = cost(case.tokens, 1, 1), case.sequences
    else:
        one, steps = cost(case.sequences, case.sequences, case.sequences), case.tokens
    memory, arithmetic = one.bytes / roof.bandwidth, one.products / roof.peak if roof.peak else 0.0
    return max(memory, arithmetic) * steps, "memory" if memory >= arithmetic else "int8 peak"


class Roofline:
    """Readings of this machine's two roofs (Williams, Waterman & Patterson, 2009): memory and arithmetic."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.memory: Array = np.ones(READ_BYTES, np.uint8)

    def read(self) -> Reading:
        """Both, now."""
        return Reading(self.bandwidth(), self.peak())

    def bandwidth(self, threads: int = 0) -> float:
        """Bytes per second."""
        return native.read_bandwidth(self.memory, threads or self.threads)

    def peak(self, threads: int = 0) -> float:
        """int8 multiply-adds per second; 0 where it cannot be measured."""
        return native.int8_peak(threads or self.threads)


def measure(
    model: Model, roofline: Roofline, cases: list[BenchCase], repeats: int, progress: Callable[[int, int], None]
) -> Iterator[CaseTimings]:
    """Times each case `repeats` times, between readings of the roofs, leaving out what the memory does not hold."""
    cases = [w for w in cases if w.depth + w.tokens <= model.context and _fits(model.engine, w)]
    total, done = len(cases) * repeats, 0
    for case in cases:
        result = CaseTimings(case)
        if not done:
            time_case(model, case)  # the first step finds memory to work in
        thrown: list[float] = []
        before = roofline.read()
        while len(result.shares) < repeats and len(thrown) < (TRIES - 1) * repeats:
            seconds = time_case(model, case)
            after = roofline.read()
            least, result.bound = shortest_time(model, case, before.better(after))
            rate = case.tokens * case.sequences / seconds
            if before.contradicts(after, result.bound):
                thrown.append(rate)
            else:
                result.rates.append(rate)
                result.shares.append(least / seconds)
                progress(done + len(result.shares), total)
            before = after
        result.rates, result.thrown = result.rates or thrown, len(thrown)
        done += repeats
        progress(done, total)
        yield result


def _fits(engine: Engine, case: BenchCase) -> bool:
    needed = engine.blocks_needed(case.depth + case.tokens)
    return all(case.sequences * most <= part.pool.capacity for most, part in zip(needed, engine.parts, strict=True))


def profile(model: Model, case: BenchCase) -> list[tuple[str, float]]:
    """Where the time of one token goes, by kind of phase, in seconds, largest first."""
    time_case(model, case)
    program = model.engine.program
    program.start_profile()
    time_case(model, case)
    seconds = program.profile()
    begins = [i for i, s in enumerate(seconds) if s > 0]
    tokens = case.tokens * case.sequences
    parts: dict[str, float] = {}
    for begin, end in zip(begins, [*begins[1:], len(seconds)], strict=True):
        label = ", ".join(dict.fromkeys(step.label for step in model.plan.steps[begin:end]))
        parts[label] = parts.get(label, 0.0) + seconds[begin] / tokens
    return sorted(parts.items(), key=lambda part: -part[1])
