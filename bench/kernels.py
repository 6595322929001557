"""How fast the kernels multiply each quant type, on each instruction set, and what bounds them.

    python bench/kernels.py                              # every type, every instruction set of this machine
    python bench/kernels.py Q4_K Q6_K --isa avx2 --threads 2
    python bench/kernels.py --json results/kernels.json

Speeds are bytes of the source file's blocks a second, from memory and from the last-level cache, beside the speed at
which the same threads read; products are a share of the int8 peak (`build/native/kernel_bench`, built with
-DGALOP_NATIVE_TESTS=ON). A product with n columns unpacks its weights once and multiplies them n times; what either
takes follows from the times of 1 and 8 columns from cache. The largest of reading, unpacking and multiplying is the
bound; "overlap" where reading would take longest and something else is in its way.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

from galop import native
from galop.machine import processor

PROGRAM = Path(__file__).parent.parent / "build/native/kernel_bench"
NEAR = 0.9  # of the speed of reading: then memory is what bounds


def run(isa: str, threads: int, rounds: int, names: list[str]) -> dict[str, Any]:
    """What kernel_bench measures on one instruction set; raises CalledProcessError where it fails."""
    command = [PROGRAM, "--json", "--isa", isa, "--threads", str(threads), "--rounds", str(rounds), *names]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def find_bounds(kind: dict[str, Any], peak: float) -> dict[str, Any]:
    """What bounds each width; and the nanoseconds that reading, unpacking and a column's products of a KiB take.

    `peak` is in billions of multiply-adds a second; the share of it that each width reaches from cache is given too.
    """
    cache = {int(n): 1024 / speed for n, speed in kind["cache"].items()}
    multiply = max(0.0, (cache[8] - cache[1]) / 7)
    unpack = max(0.0, cache[1] - multiply)
    read = 1024 / kind["read_memory"]
    products = 1024 / kind["bytes"]  # of a KiB with one column
    bounds = {}
    for name, speed in kind["memory"].items():
        n = int(name)
        if speed >= NEAR * kind["read_memory"]:
            bounds[n] = "memory"
        elif read > unpack + n * multiply:
            bounds[n] = "overlap"
        else:
            bounds[n] = "unpacking" if unpack > n * multiply else "products"
    shares = {n: products * n / time / peak if peak else 0.0 for n, time in cache.items()}
    return {"read": read, "unpack": unpack, "multiply": multiply, "of_peak": shares, "bounds": bounds}


def table(result: dict[str, Any]) -> str:
    """One instruction set's figures as a Markdown table."""
    columns = [
        "",
        "1 column from memory, GB/s (of reading)",
        "2, 4, 8 columns",
        "1 from cache",
        "8, 16, 32, 512 columns, of the int8 peak",
        "ns a KiB: unpacking, a column",
        "bound",
    ]
    lines = [f"| {' | '.join(columns)} |", "| --- | ---: | ---: | ---: | ---: | ---: | --- |"]
    for name, kind in result["kinds"].items():
        found = find_bounds(kind, result["peak"])
        memory, cache = kind["memory"], kind["cache"]
        shares = ", ".join(f"{found['of_peak'][n]:.0%}" for n in (8, 16, 32, 512))
        runs = [
            f"{bound} to {max(widths)}"
            for bound, same in itertools.groupby(found["bounds"].items(), lambda item: item[1])
            if (widths := [width for width, _ in same])
        ]
        lines.append(
            f"| {name} | {memory['1']:.1f} ({memory['1'] / kind['read_memory']:.0%}) "
            f"| {', '.join(f'{memory[n]:.1f}' for n in ('2', '4', '8'))} | {cache['1']:.0f} | {shares} "
            f"| {found['unpack']:.0f}, {found['multiply']:.1f} "
            f"| {'; '.join(runs).removesuffix(' to 32')} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measures and prints; exits with a sentence where kernel_bench is not built."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="TYPE", help="quant types; all if none")
    parser.add_argument("--isa", nargs="+", default=[i for i in native.instruction_sets() if i != "portable"])
    parser.add_argument("--threads", type=int, default=1, help="1: processor time of one core, whoever else works")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="writes all figures there")
    args = parser.parse_args()
    if not PROGRAM.exists():
        raise SystemExit(f"{PROGRAM} is not there: build it with `make native-test`.")
    results = []
    for isa in args.isa:
        results.append(run(isa, args.threads, args.rounds, args.names))
        kinds = results[-1]["kinds"].values()
        reads = sorted(kind["read_memory"] for kind in kinds), sorted(kind["read_cache"] for kind in kinds)
        memory, cache = (read[len(read) // 2] for read in reads)
        print(f"\n{processor()}, {isa}, threads: {args.threads}; reading {memory:.1f} GB/s from memory and", end=" ")
        print(f"{cache:.1f} from cache, int8 peak {results[-1]['peak']:.0f} G/s\n\n{table(results[-1])}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
