"""What keeping recurrent states at intervals costs and saves: a conversation is read with a state kept every so many
tokens, then prompts that part from it part-way.

    python bench/snapshots.py true:qwen3.5-0.8b:q4_k

The middle row is the interval that is used: at it states take no more memory than keys and values do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import true_shapes

from galop.backends.load import open_pack
from galop.engine.engine import Engine
from galop.machine import default_threads
from galop.ops.plan import Plan
from galop.weights.pack import Pack

LENGTH = 2048  # tokens of the conversation
PARTINGS = (1999, 1250, 800, 300)  # tokens that later prompts have in common with it; none begins where one before did
BEHIND = 16  # tokens of that prompt behind them


def measure(pack: Pack, plan: Plan, threads: int, interval: int) -> tuple[float, float, float]:
    """MiB of states that are kept, tokens read again and seconds to the first token, the means over PARTINGS."""
    tokens = [int(t) for t in np.random.default_rng(1).integers(0, 90, LENGTH)]
    again, seconds = [], []
    engine = Engine(plan, pack, threads, 2 * LENGTH, sequences=LENGTH // interval + 12)
    engine.prefix_cache.snapshot_interval = interval
    read(engine, tokens)
    (part,) = [part for part in engine.parts if not part.state.by_token]
    slots = part.pool.memory.in_use
    for common in PARTINGS:
        start = time.perf_counter()
        begun = read(engine, [*tokens[:common], *[91] * BEHIND])
        seconds.append(time.perf_counter() - start)
        again.append(common - begun)
    return slots * part.state.block_bytes / 2**20, float(np.mean(again)), float(np.mean(seconds))


def read(engine: Engine, tokens: list[int]) -> int:
    """Reads a prompt; how many of its tokens were known."""
    kv = engine.cache_for("bench", tokens)
    begun = len(kv.tokens)
    while len(kv.tokens) < len(tokens):
        engine.forward([(kv, tokens[len(kv.tokens) : len(kv.tokens) + 256])], [])
        kv.commit()
    kv.free()
    return begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a path, or true:SHAPE:KIND[:LAYERS] (see bench/true_shapes.py)")
    parser.add_argument("--threads", type=int, default=default_threads())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pack, plan = open_pack(true_shapes.path_of(args.model, Path(folder)), None, args.threads)
        rule = Engine(plan, pack, 1, LENGTH).prefix_cache.snapshot_interval
        print("| a state every | states kept | read again | to the first token |\n| ---: | ---: | ---: | ---: |")
        for interval in sorted({128, 512, rule, 2048}):
            kept, again, seconds = measure(pack, plan, args.threads, interval)
            print(f"| {interval} tokens | {kept:.0f} MiB | {again:.0f} tokens | {seconds:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
