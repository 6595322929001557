"""`galop bench`: rates and shares of this machine's roofs, compared with the last run."""

from __future__ import annotations

import csv
import json
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import KV, Context, Csv, Json, Threads, Yes, check_one_format
from galop.cli.screen import console, progress_bar
from galop.errors import ContextLengthError, MemoryBudgetError
from galop.machine import data_directory, default_threads, peak_memory, processor
from galop.terminal import visible
from galop.version import __version__

if TYPE_CHECKING:
    from galop.backends.local import Model
    from galop.engine.states import KVType
    from galop.store import Source
    from galop.weights.pack import Progress

KEPT = 1000  # runs in the history
FASTER = 0.05  # a change worth a word, in a machine that others share

app = command_app()


@app.command(epilog=examples("galop bench", "galop bench qwen3:0.6b smollm2:135m", "galop bench --profile --json"))
def bench(
    models: Annotated[list[str] | None, typer.Argument(help="Names or paths; left out, what `run` would take.")] = None,
    threads: Threads = 0,
    context: Context = 0,
    kv: KV = "f16",
    repeats: Annotated[int, typer.Option(help="Times each work is done; the median is shown.", metavar="N", min=1)] = 5,
    profile: Annotated[bool, typer.Option("--profile", help="Also where the time of a token goes.")] = False,
    as_json: Json = False,
    as_csv: Csv = False,
    yes: Yes = False,
) -> None:
    """Measure how fast a model runs here, and how near that is to what this machine can do."""
    from galop.cli.load import confirm_download, find_model

    check_one_format(as_json, as_csv)
    threads = threads or default_threads()
    sources = [find_model(name)[0] for name in models or [""]]
    for source in sources:
        if not source.path:
            confirm_download(source, yes)
    quiet = as_json or as_csv
    reports = []
    for source in sources:
        before = last_run(source.name, threads, kv)
        report = measure(source, threads, context, kv, repeats, profile)
        keep(report)
        reports.append(report)
        if not quiet:
            print_report(report, before)
    if as_json:
        print(json.dumps(reports, indent=1))
    if as_csv:
        print_csv(reports)


def print_csv(reports: list[dict[str, Any]]) -> None:
    """A line for each work of each model."""
    rows = [
        {"model": r["model"], "work": w["work"], "tokens_per_second": w["rate"]["median"],
         "of_roof": w["share"]["median"] if w["share"] else "", "bound": w["bound"]}
        for r in reports for w in r["works"]
    ]  # fmt: skip
    writer = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def measure(source: Source, threads: int, context: int, kv: KVType, repeats: int, profile: bool) -> dict[str, Any]:
    """Loads a model and measures it: what `galop bench --json` prints of one."""
    from galop import native, store
    from galop.backends.events import Done
    from galop.measure import speed

    with progress_bar() as progress:
        store.fetch(source, progress)  # not part of loading
        start = time.perf_counter()
        with load(source, threads, context, kv, progress) as model:
            load_seconds = time.perf_counter() - start
            first = next(e for e in model.generate("Hello", max_tokens=1) if isinstance(e, Done))
            peak = peak_memory()
            roofline = speed.Roofline(threads)
            counts = sorted({1, threads})
            roofs = {
                "read_gb_s": {n: max(roofline.bandwidth(n) for _ in range(5)) / 1e9 for n in counts},
                "int8_g_s": {n: roofline.peak(n) / 1e9 for n in counts},
            }
            report: dict[str, Any] = {
                "model": source.name, "version": __version__, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "processor": processor(), "system": platform.platform(), "kernels": native.instruction_sets()[0],
                "threads": threads, "kv": kv, "context": model.context, "roofs": roofs,
                "load_seconds": load_seconds, "first_token_seconds": first.first_token_seconds,
                "peak_memory_bytes": peak, "works": [],
            }  # fmt: skip
            label = f"measuring {source.name}"
            tick = (lambda done, total: progress(label, done, total)) if progress else (lambda done, total: None)
            for result in speed.measure(model, roofline, speed.CASES, repeats, tick):
                report["works"].append(
                    {
                        "work": str(result.case),
                        "rate": speed.quartiles(result.rates),
                        "share": speed.quartiles(result.shares) if result.shares else None,
                        "bound": result.bound,
                        "thrown_away": result.thrown,
                    }
                )
            if profile:
                report["profile"] = {
                    str(case): speed.profile(model, case)
                    for case in (
                        speed.BenchCase("decode", speed.DECODED),
                        speed.BenchCase("prefill", min(512, model.context)),
                    )
                }
    return report


def load(source: Source, threads: int, context: int, kv: KVType, progress: Progress | None) -> Model:
    """With room for the deepest work, or as much of it as the model and the memory allow."""
    from galop.backends.load import load_source
    from galop.measure import speed

    def with_room(length: int | None) -> Model:
        return load_source(source, progress=progress, threads=threads, context=length, kv=kv)

    if context:
        return with_room(context)
    try:
        return with_room(max(w.depth + w.tokens for w in speed.CASES))
    except (ContextLengthError, MemoryBudgetError):
        return with_room(None)


def print_report(report: dict[str, Any], before: dict[str, Any] | None) -> None:
    """A table for the person, with what changed since the run before."""
    from rich.table import Table
    from rich.text import Text

    from galop.measure.speed import CONTRADICTION

    roofs = report["roofs"]
    out = console(sys.stdout, width=None if sys.stdout.isatty() else 120)
    threads = report["threads"]

    def line(values: dict[int, float], unit: str) -> str:
        return ", ".join(f"{v:.0f} {unit} with {n} thread{'s' * (n > 1)}" for n, v in values.items())

    where = f" on {report['processor']}, {threads} threads, {report['kernels']} kernels"
    out.print(Text.assemble((visible(report["model"]), "bold"), where))
    out.print(f"memory reads {line(roofs['read_gb_s'], 'GB/s')}")
    if roofs["int8_g_s"][threads]:
        out.print(f"int8 peak {line(roofs['int8_g_s'], 'G products/s')}")
    out.print(
        f"loaded in {report['load_seconds']:.2f} s · first token {report['first_token_seconds']:.2f} s · "
        f"peak memory {report['peak_memory_bytes'] / (1 << 20):.0f} MiB · keys and values {report['kv']}"
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("work")
    for title in ("tok/s", "of the roof", "roof"):
        table.add_column(title, justify="right")
    table.add_column("since the last run" if before else "")
    old = {w["work"]: w["rate"]["median"] for w in before["works"]} if before else {}
    for work in report["works"]:
        rate = work["rate"]["median"]
        change = rate / old[work["work"]] - 1 if work["work"] in old else None
        word = "" if change is None else f"{change:+.0%}" if abs(change) >= FASTER else "same"
        share = f"{work['share']['median']:.0%}" if work["share"] else "-"
        table.add_row(work["work"], f"{rate:.1f}", share, work["bound"], word)
    out.print(table)
    if thrown := {w["work"]: w["thrown_away"] for w in report["works"] if w["thrown_away"]}:
        counts = ", ".join(f"{work} {count}" for work, count in thrown.items())
        out.print(f"thrown away, since the roof changed meanwhile by more than {CONTRADICTION - 1:.0%}: {counts}")
    for name, parts in report.get("profile", {}).items():
        total = sum(seconds for _, seconds in parts)
        out.print(Text.assemble("\n", (name, "bold"), f": {total * 1e6:.0f} µs a token"))
        for label, seconds in parts:
            bar = "█" * max(1, round(40 * seconds / total))
            out.print(f"{seconds * 1e6:9.1f} µs {seconds / total:5.1%} {bar} {label}", soft_wrap=True)


def history_file() -> Path:
    """Where the runs on this machine are kept."""
    return data_directory() / "bench.jsonl"


def runs() -> list[dict[str, Any]]:
    """Earlier runs, oldest first; lines that cannot be read are left out."""
    found = []
    try:
        lines = history_file().read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [r for r in found if isinstance(r, dict) and isinstance(r.get("works"), list)]


def last_run(model: str, threads: int, kv: str) -> dict[str, Any] | None:
    """The latest run of the same model, threads and kind of keys and values on this processor."""
    same = {"model": model, "threads": threads, "kv": kv, "processor": processor()}
    return next((r for r in reversed(runs()) if all(r.get(k) == v for k, v in same.items())), None)


def keep(report: dict[str, Any]) -> None:
    """Adds a run to the history, written whole or not at all."""
    kept = [*runs(), {k: v for k, v in report.items() if k != "profile"}][-KEPT:]
    file = history_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".incomplete")
        new.write_text("".join(json.dumps(r) + "\n" for r in kept))
        new.replace(file)
    except OSError as error:
        print(f"galop: this run was not kept in {file}: {error.strerror}", file=sys.stderr)
