"""Decode and prefill against this machine's own roofs, and against llama.cpp on the same file.

    python bench/speed.py                                 # the three real models and Qwen3-0.6B in true shapes
    python bench/speed.py smollm2:135m --pairs 15 --json speed.json

Every figure is a ratio measured in one run: each decode is paired with a reading of the memory bandwidth just before
it, each prefill with one of the int8 peak, and Galop and llama.cpp take turns. Medians with interquartile ranges.
Bytes per token are those of the source file's blocks that a token needs. llama.cpp is left out where llama-cpp-python
is not installed.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import true_shapes

from galop import _native, load, store
from galop.machine import default_threads
from galop.weights.blocks import BLOCKS

PROMPT = 512
TOKENS = 32
SETTLE = 0.3  # seconds after which OpenMP threads have stopped spinning
MODELS = ["smollm2:135m", "qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b", "true:qwen3-0.6b:q4_0"]


def spread(values: list[float]) -> dict[str, float]:
    low, mid, high = np.percentile(values, [25, 50, 75])
    return {"median": float(mid), "q1": float(low), "q3": float(high)}


def path_of(name: str, folder: Path) -> Path:
    if name.startswith("true:"):
        _, shape, kind = name.split(":")
        path = folder / f"{shape}-{kind}.gguf"
        true_shapes.write(shape, kind, path)
        return path
    return store.fetch(store.settle(store.locate(name)))


class Galop:
    def __init__(self, path: Path, threads: int) -> None:
        self.model = load(str(path), threads=threads, context=2048)
        self.engine = self.model.engine
        plan = self.model.plan
        used = {m.name for s in plan.steps if s.op.name == "linears" for m in s.arguments["weights"]}
        packed = [self.model.pack.matrices[n] for n in used]
        self.bytes_per_token = sum(m.rows * m.cols // BLOCKS[m.kind][0] * BLOCKS[m.kind][1] for m in packed)
        head = plan.steps[-1].arguments["weights"][0].name
        self.products = sum(m.rows * m.cols for n, m in zip(used, packed, strict=True) if n != head)

    def prefill(self, ids: list[int]) -> float:
        kv = self.engine.sequence()
        start = time.perf_counter()
        self.engine.forward([(kv, ids)], [len(ids) - 1])
        seconds = time.perf_counter() - start
        kv.close()
        return len(ids) / seconds

    def decode(self, ids: list[int]) -> float:
        kv = self.engine.sequence()
        self.engine.forward([(kv, ids[:1])], [0])
        start = time.perf_counter()
        for i in ids[1 : TOKENS + 1]:
            self.engine.forward([(kv, [i])], [0])
        seconds = time.perf_counter() - start
        kv.close()
        return TOKENS / seconds


class LlamaCpp:
    def __init__(self, path: Path, threads: int) -> None:
        import llama_cpp

        self.model = llama_cpp.Llama(
            str(path), n_ctx=2048, n_batch=PROMPT, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def prefill(self, ids: list[int]) -> float:
        self.model.reset()
        start = time.perf_counter()
        self.model.eval(ids)
        return len(ids) / (time.perf_counter() - start)

    def decode(self, ids: list[int]) -> float:
        self.model.reset()
        self.model.eval(ids[:1])
        start = time.perf_counter()
        for i in ids[1 : TOKENS + 1]:
            self.model.eval([i])
        return TOKENS / (time.perf_counter() - start)


def measure(name: str, threads: int, pairs: int, folder: Path) -> dict[str, Any]:
    path = path_of(name, folder)
    ours = Galop(path, threads)
    theirs = LlamaCpp(path, threads) if find_spec("llama_cpp") else None
    memory = np.ones(512 << 20, np.uint8)
    ids = [100 + i * 7919 % min(40_000, ours.engine.vocabulary - 200) for i in range(PROMPT)]
    ours.prefill(ids)
    ours.decode(ids)
    rows: dict[str, list[float]] = {}

    def note(key: str, value: float) -> float:
        rows.setdefault(key, []).append(value)
        return value

    for i in range(pairs):
        bandwidth = note("bandwidth_gb_s", _native.read_bandwidth(memory, threads) / 1e9)
        rate = note("decode", ours.decode(ids))
        note("decode_of_roof", rate * ours.bytes_per_token / 1e9 / bandwidth)
        if theirs:
            note("decode_vs_llama_cpp", rate / note("decode_llama_cpp", theirs.decode(ids)))
            time.sleep(SETTLE)
        if i < max(3, pairs // 3):
            peak = note("int8_peak_g", _native.int8_peak(threads) / 1e9)
            rate = note("prefill", ours.prefill(ids))
            if peak:
                note("prefill_of_peak", rate * ours.products / 1e9 / peak)
            if theirs:
                note("prefill_vs_llama_cpp", rate / note("prefill_llama_cpp", theirs.prefill(ids)))
                time.sleep(SETTLE)
        print(f"\r{name}: {i + 1}/{pairs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    ours.model.close()
    resident = sum(m.nbytes for m in ours.model.pack.matrices.values()) + ours.engine.pages.page_bytes
    result: dict[str, Any] = {key: spread(values) for key, values in rows.items()}
    result["bytes_per_token"] = ours.bytes_per_token
    del ours, theirs, memory
    gc.collect()
    if not name.startswith("true:"):
        result |= second_start(path)
        # What it may take: 1.1 x (weights + one page of keys and values) + 192 MiB for the process.
        result["memory_allowed_mib"] = 1.1 * resident / (1 << 20) + 192
    return result


def second_start(path: Path) -> dict[str, Any]:
    """Process start to first token, and peak memory, of `galop run` when the pack is there."""
    command = [sys.executable, "-m", "galop", "run", str(path), "Hello", "--json", "--max-tokens", "1"]
    seconds, peaks = [], []
    for _ in range(5):
        start = time.perf_counter()
        reply = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
        peaks.append(json.loads(reply.stdout)["peak_memory_bytes"] / (1 << 20))
    return {"second_start_seconds": statistics.median(seconds), "peak_memory_mib": statistics.median(peaks)}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {
        "processor": processor(), "threads": options.threads, "kernels": _native.instruction_sets()[0], "models": {},
    }  # fmt: skip
    print(f"{report['processor']}, {options.threads} threads, {report['kernels']} kernels\n")
    titles = [
        "model", "decode tok/s", "of read bandwidth", "x llama.cpp", "prefill 512 tok/s", "of int8 peak", "x llama.cpp",
        "second start, s", "peak memory, MiB (allowed)",
    ]  # fmt: skip
    print(f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models:
            r = report["models"][name] = measure(name, options.threads, options.pairs, Path(folder))

            def cell(key: str, form: str, r: dict[str, Any] = r) -> str:
                value = r.get(key)
                return "-" if value is None else format(value["median"] if isinstance(value, dict) else value, form)

            cells = [
                cell("decode", ".1f"), cell("decode_of_roof", ".0%"), cell("decode_vs_llama_cpp", ".2f"),
                cell("prefill", ".0f"), cell("prefill_of_peak", ".0%"), cell("prefill_vs_llama_cpp", ".2f"),
                cell("second_start_seconds", ".2f"),
                f"{cell('peak_memory_mib', '.0f')} ({cell('memory_allowed_mib', '.0f')})",
            ]  # fmt: skip
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
