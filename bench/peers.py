"""Galop, llama.cpp, ik_llama.cpp and OpenVINO GenAI at the same work on the same files, taking turns.

    python bench/peers.py --quick                # the three real models, two rounds
    python bench/peers.py --json results/peers.json --chart docs/img/peers.svg
    python bench/peers.py true:qwen3-4b:q4_0 --depth 8192 --kv int8
    python bench/peers.py --quick --engines --before ../before   # another checkout with a .venv of its own, built

Each engine runs in a process of its own, at its best flags and the same number of threads, and works only while the
others wait. Every round lets each engine do the work once, in the opposite order of the round before, between two
readings of the memory bandwidth and the int8 peak; ratios are taken within a round and their median is shown. Shares
are of the better of the readings just before and just after the timing; a timing whose readings contradict each other
(see galop.measure.speed) is thrown away, with the ratios it has a part in, and the round is done again, twice as many
rounds at most. Engines that are not installed, or cannot load a file, are left out and named: pip install
'galop[peers]'. Where the package index can be asked, it is said whether each engine is the newest.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import true_shapes
from chart import chart, label
from peer_engines import ENGINES, describe_version, installed, newest, serve

from galop import load, store
from galop.machine import default_threads, processor
from galop.measure import speed
from galop.measure.speed import DECODED, BenchCase, quartiles

REAL = ["smollm2:135m", "qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b"]
TRUE = ["true:qwen3-0.6b:q4_0", "true:qwen3-1.7b:q4_0", "true:qwen3-4b:q4_0"]
BEFORE = "Galop before"
SETTLE = 0.3  # seconds after which another engine's threads have stopped spinning
CONTEXT = 1024
EDIT = "src/galop/engine/engine.py"  # the file of the edit task, up to so many characters
EDIT_SIZE = 3000


class Peer:
    """An engine in its own process."""

    def __init__(self, name: str, path: Path, threads: int, kv: str, context: int, before: Path | None = None) -> None:
        self.name, self.memory = name, 0
        command = [sys.executable, __file__, "--serve", name]
        if name == BEFORE and before:
            command = [f"{before}/.venv/bin/python", f"{before}/bench/peers.py", "--serve", "Galop"]
        self.process = subprocess.Popen(
            [*command, str(path), str(threads), kv, str(context)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} cannot do it")
        return json.loads(line)

    def run(self, work: BenchCase) -> float:
        assert self.process.stdin
        print(json.dumps(vars(work)), file=self.process.stdin, flush=True)
        answer = self.answer()
        self.memory = answer["memory"]
        return float(answer["seconds"])

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


# ---- Comparisons


def compare(
    path: Path,
    works: list[BenchCase],
    rounds: int,
    threads: int,
    kv: str,
    machine: speed.Roofline,
    engines: list[str],
    before: Path | None = None,
) -> dict[str, Any]:
    """Rates, shares and ratios of each work, and each engine's peak memory."""
    context = max(CONTEXT, max(w.depth + w.tokens + w.depth // 20 for w in works) + 64)
    peers, absent = [], {}
    for name in engines:
        try:
            peers.append(Peer(name, path, threads, kv, context, before))
        except (RuntimeError, FileNotFoundError):
            absent[name] = "is not installed" if not installed(name) else "cannot load this file"
    model = load(str(path), threads=1, kv=kv, context=context)  # only to reckon the roof
    result: dict[str, Any] = {"works": {}, "absent": absent}
    for work in works:
        rates: dict[str, list[float]] = {}
        ratios: dict[str, list[float]] = {}
        shares: list[float] = []
        for peer in peers[:]:
            try:
                peer.run(work)  # warm up
            except RuntimeError:
                peers.remove(peer)
                absent[peer.name] = f"fails at {work}"
        thrown: dict[str, int] = {}
        bandwidths: list[float] = []
        for i in range(2 * rounds):
            if len(shares) >= rounds:
                break
            seconds = {}
            for peer in peers if i % 2 else peers[::-1]:
                time.sleep(SETTLE)
                before_it = machine.read()
                taken = peer.run(work)
                time.sleep(SETTLE if not peer.name.startswith("Galop") else 0)
                after_it = machine.read()
                least, bound = speed.shortest_time(model, work, before_it.better(after_it))
                bandwidths += [before_it.bandwidth / 1e9, after_it.bandwidth / 1e9]
                if before_it.contradicts(after_it, bound):
                    thrown[peer.name] = thrown.get(peer.name, 0) + 1
                    continue
                seconds[peer.name] = taken
                rates.setdefault(peer.name, []).append(work.tokens / taken)
                if peer.name == "Galop":
                    shares.append(least / taken)
            for name in seconds.keys() - {"Galop"} if "Galop" in seconds else ():
                ratios.setdefault(name, []).append(seconds[name] / seconds["Galop"])
            print(f"\r\x1b[K{path.name}: {work}, round {i + 1} of {rounds}", end="", file=sys.stderr, flush=True)
        result["works"][str(work)] = {
            "rates": {n: quartiles(v) for n, v in rates.items()},
            "of_roof": quartiles(shares) if shares else None,
            "times": {n: quartiles(v) for n, v in ratios.items()},
            "thrown_away": thrown,
            "read_gb_s": quartiles(bandwidths),
        }
    result["memory_mib"] = {p.name: p.memory / (1 << 20) for p in peers}
    for peer in peers:
        peer.close()
    weights = sum(m.nbytes for m in model.pack.matrices.values())
    result["touched_mib"] = (weights + sum(part.state.block_bytes for part in model.engine.parts)) / (1 << 20)
    model.close()
    print("\r\x1b[K", end="", file=sys.stderr)
    return result


def together(path: Path, threads: int, rounds: int) -> dict[str, Any]:
    """Tokens per second of 2, 4 and 8 sequences as a multiple of one's."""
    with load(str(path), threads=threads, context=CONTEXT) as model:
        one = BenchCase("decode", DECODED)
        speed.time_case(model, one)
        gains: dict[int, list[float]] = {2: [], 4: [], 8: []}
        for _ in range(rounds):
            for n, gain in gains.items():
                alone = speed.time_case(model, one)
                gain.append(n * alone / speed.time_case(model, BenchCase("decode", DECODED, sequences=n)))
    return {str(n): quartiles(gain) for n, gain in gains.items()}


def lookup(path: Path, threads: int, tokens: int, rounds: int) -> dict[str, Any]:
    """Prompt lookup against none: giving back an edited file, and prose, drawn at temperature 0.7."""
    from galop import Done, Sampling

    code = (Path(__file__).parent.parent / EDIT).read_text()[:EDIT_SIZE]
    tasks = {
        "edit": f"Here is a file:\n```python\n{code}\n```\nRename the variable `done` to `finished` everywhere and "
        "give back the whole file, the code only.",
        "prose": "Tell the story of how the printing press changed Europe, in detail.",
    }
    gains: dict[str, Any] = {}
    with load(str(path), threads=threads, context=4096) as model:
        for task, text in tasks.items():
            ratios = []
            for i in range(rounds + 1):
                seconds, answers = {}, {}
                for speculate in (False, True):
                    sampling = Sampling(temperature=0.0 if task == "edit" else 0.7, seed=i)
                    events = list(
                        model.chat(
                            [{"role": "user", "content": text}],
                            sampling=sampling,
                            max_tokens=tokens if i else 8,  # the first warms up
                            speculate=speculate,
                        )
                    )
                    answers[speculate] = [e for e in events if not isinstance(e, Done)]
                    seconds[speculate] = events[-1].answer_seconds
                if i:
                    ratios.append(seconds[False] / seconds[True])
            gains[task] = quartiles(ratios)
    return gains


def disturbed(path: Path, threads: int, rounds: int, engines: list[str]) -> dict[str, Any]:
    """Decode speed while another process keeps one core busy, as a share of the quiet speed."""
    work = BenchCase("decode", 64)
    kept: dict[str, Any] = {}
    for name in engines:
        try:
            peer = Peer(name, path, threads, "f16", CONTEXT)
        except RuntimeError:
            continue
        peer.run(work)
        shares = []
        for _ in range(rounds):
            quiet = peer.run(work)
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            time.sleep(0.5)
            shares.append(quiet / peer.run(work))
            busy.kill()
            busy.wait()
        peer.close()
        kept[name] = quartiles(shares)
    return kept


def second_start(path: Path) -> dict[str, float]:
    """Process start to first token of `galop run` when the pack is there, and its peak memory."""
    command = [sys.executable, "-m", "galop", "run", str(path), "Hello", "--json", "--max-tokens", "1"]
    seconds, peaks = [], []
    for _ in range(3):
        start = time.perf_counter()
        reply = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
        peaks.append(json.loads(reply.stdout)["peak_memory_bytes"] / (1 << 20))
    return {"seconds": statistics.median(seconds), "peak_mib": statistics.median(peaks)}


# ---- What is printed


def path_of(name: str, folder: Path) -> Path:
    if name.startswith("true:"):
        return true_shapes.path_of(name, folder)
    return store.fetch(store.resolve(store.locate(name)))


def table(report: dict[str, Any], quality: dict[str, Any]) -> str:
    others = [*(n for n in ENGINES if n != "Galop"), *([BEFORE] if report["before"] else [])]
    lines = [
        f"| model | work | Galop, tok/s | of the roof | {' | '.join(f'x {n}' for n in others)} |",
        f"|{' --- |' * (4 + len(others))}",
    ]
    for name, result in report["models"].items():
        for work, r in result["works"].items():
            times = [f"{r['times'][n]['median']:.2f}" if n in r["times"] else "-" for n in others]
            kv = f", {result['kv']} KV" if result["kv"] != "f16" else ""
            rate = f"{r['rates']['Galop']['median']:.1f}" if "Galop" in r["rates"] else "-"
            share = f"{r['of_roof']['median']:.0%}" if r["of_roof"] else "-"
            lines.append(f"| {label(name)} | {work}{kv} | {rate} | {share} | {' | '.join(times)} |")
    lines.append("")
    for name, result in report["models"].items():
        for work, r in result["works"].items():
            read, thrown = r["read_gb_s"], ", ".join(f"{n} {count}" for n, count in r["thrown_away"].items())
            between = f"memory read at {read['q1']:.0f} to {read['q3']:.0f} GB/s (quartiles)"
            lines.append(f"- {label(name)}, {work}: {between}{f'; timings thrown away: {thrown}' if thrown else ''}")
    for name, result in report["models"].items():
        memory = ", ".join(f"{n} {m:.0f}" for n, m in result["memory_mib"].items())
        allowed = 1.05 * result["touched_mib"] + 192
        kl = quality.get(name)
        beside = f"; KL divergence {kl['kl_galop']:.5f}, llama.cpp {kl['kl_llama_cpp']:.5f}" if kl else ""
        lines.append(f"- {name}: peak memory, MiB: {memory} (1.05 x touched + 192 = {allowed:.0f}){beside}")
        lines += [f"- {name}: {n} {why}" for n, why in result["absent"].items()]
    for title, values in report.get("more", {}).items():
        said = ", ".join(f"{k} {v['median']:.2f}" if isinstance(v, dict) else f"{k} {v:.2f}" for k, v in values.items())
        lines.append(f"- {title}: {said}")
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        name, path, threads, kv, context = sys.argv[2:]
        serve(name, path, int(threads), kv, int(context))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="names, paths or true:SHAPE:KIND[:LAYERS] (see bench/true_shapes.py)")
    parser.add_argument("--quick", action="store_true", help="the real models, few rounds")
    parser.add_argument("--rounds", type=int, help="15, or 2 when quick")
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--depth", type=int, default=0, help="decode after so many tokens, besides")
    parser.add_argument("--kv", choices=["f16", "int8"], default="f16")
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--shapes", type=Path, help="folder that keeps the files of true shapes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path, help="draw an SVG")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 15)
    names = options.models or (REAL if options.quick else [*REAL, *TRUE])
    engines = ["Galop", *([BEFORE] if options.before else []), *(n for n in options.engines if n != "Galop")]
    machine = speed.Roofline(options.threads)
    compared = [n for n in engines if installed(n)]
    report: dict[str, Any] = {
        "processor": processor(), "threads": options.threads, "system": platform.platform(),
        "date": date.today().isoformat(), "versions": {n: installed(n) for n in compared},
        "newest": {n: newest(n) for n in compared}, "models": {},
        "read_gb_s": machine.bandwidth() / 1e9, "int8_g_s": machine.peak() / 1e9, "before": bool(options.before),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.shapes or Path(temporary)
        for name in names:
            path = path_of(name, folder)
            works = [BenchCase("decode", 2 * DECODED), BenchCase("prefill", 512)]
            if options.depth:
                works.append(BenchCase("decode", DECODED, depth=options.depth))
            report["models"][name] = {
                **compare(path, works, rounds, options.threads, options.kv, machine, engines, options.before),
                "kv": options.kv,
            }
        if not options.models:
            small, large = path_of(REAL[1], folder), path_of(REAL[2], folder)
            few = 1 if options.quick else 7
            report["more"] = {
                "0.5B, sequences together, times the rate of one": together(small, options.threads, few),
                "1.5B, prompt lookup, times the speed without": lookup(
                    large, options.threads, 100 if options.quick else 200, 1 if options.quick else 5
                ),
                "0.5B, one core kept busy, share of the quiet decode speed": disturbed(
                    small, options.threads, few, [n for n in engines if n != BEFORE][:2]
                ),
                "0.5B, second start": second_start(small),
            }
    recorded = Path(__file__).parent.parent / "docs" / "quality.json"
    quality = json.loads(recorded.read_text()) if recorded.exists() else {}
    print(f"{report['processor']}, {report['threads']} threads, memory {report['read_gb_s']:.0f} GB/s, "
          f"int8 peak {report['int8_g_s']:.0f} G/s, {report['date']}; "
          + ", ".join(f"{n} {describe_version(v, report['newest'][n])}" for n, v in report["versions"].items())
          + "\n")  # fmt: skip
    print(table(report, quality))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.chart:
        options.chart.write_text(chart(report))


if __name__ == "__main__":
    main()
