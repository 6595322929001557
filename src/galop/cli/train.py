"""`galop train`: making a model of our own."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.cluster import Cpus, Ray, ReplicaCount, plan_cluster
from galop.cli.errors import UsageError, missing_extra
from galop.cli.group import command_app, examples
from galop.cli.interrupt import catch_interrupts
from galop.cli.options import Json
from galop.cli.screen import note
from galop.errors import GalopError
from galop.machine import data_directory
from galop.terminal import underlying

if TYPE_CHECKING:
    from galop.recipes.mini.recipe import ReachThinker
    from galop.recipes.mini.train import Report

LINE_SECONDS = 10.0  # between two lines where there is no terminal

app = command_app()


RECIPES = ("mini", "mini-vl")


@app.command(
    epilog=examples(
        "galop train mini --quick",
        "galop train mini --size 1.2m --minutes 30",
        "galop train mini --size 1.2m --ray auto --replicas 4",
        "galop train mini-vl",
    )
)
def train(
    recipe: Annotated[str, typer.Argument(help="mini, a Qwen3 family in miniature, or mini-vl, which sees.")],
    stage: Annotated[str, typer.Option(help="One stage of the recipe, or all of them.", metavar="STAGE")] = "all",
    size: Annotated[
        str | None, typer.Option(help="Of mini: 0.4m (as if none is named), 1.2m, 3.5m, 11m or moe.", metavar="SIZE")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same model.", metavar="N", min=0)] = 0,
    minutes: Annotated[
        float, typer.Option(help="Stop after so long; the same command goes on.", metavar="MINUTES", min=0)
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Where checkpoints are kept.", metavar="FOLDER")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Something smaller, all stages in a few minutes.")] = False,
    ray: Ray = "",
    replicas: ReplicaCount = "1",
    cpus: Cpus = 0,
    as_json: Json = False,
) -> None:
    """Make a small thinking model from nothing, on this CPU (needs galop[tune], or galop[eyes] for one that sees).

    With --ray what a larger model thinks for a smaller one to learn from is written by replicas on a cluster.
    """
    if recipe not in RECIPES:
        raise GalopError(f"there is no recipe {recipe!r}; these are: {', '.join(RECIPES)}")
    sees = recipe == "mini-vl"
    if sees and size:
        raise GalopError("mini-vl comes in one size; leave --size out")
    if sees and ray:
        raise UsageError("no model writes what mini-vl learns from; leave --ray out")
    try:
        if sees:
            from galop.recipes.mini_vl import recipe as mini_vl
        else:
            from galop.recipes.mini import recipe as mini
    except ImportError as error:
        raise missing_extra(error, "eyes" if sees else "tune", "training") from None
    reach = reach_by(ray, replicas, cpus, stage)
    root = out or data_directory() / recipe
    printed = 0.0

    def report(name: str, line: Report) -> None:
        nonlocal printed
        if as_json:
            print(json.dumps({"stage": name, **asdict(line)}), flush=True)
            return
        terminal = sys.stderr.isatty()
        last = line.step == line.steps or line.accuracy is not None
        if last or terminal or time.monotonic() - printed > LINE_SECONDS:
            printed = time.monotonic()
            text = describe(name, line)
            print(
                f"\r{text:<78}" if terminal else text,
                end="\n" if last or not terminal else "",
                file=underlying(sys.stderr),
                flush=True,
            )

    start = time.monotonic()
    with catch_interrupts(stop_gently) as interrupted:

        def enough() -> bool:
            return interrupted() or 0 < minutes * 60 < time.monotonic() - start

        if sees:
            checkpoint = mini_vl.train(stage, seed, root, quick, report, enough, note)
        else:
            checkpoint = mini.train(stage, size or "0.4m", seed, root, quick, report, enough, reach)
    if as_json:
        print(json.dumps({"checkpoint": str(checkpoint) if checkpoint else None}))
    if checkpoint:
        question = "picture.png 'What is this?'" if sees else "'What is 47+85?'"
        note(f"the checkpoint is in {checkpoint}; ask it with: galop run {checkpoint} {question}")
    else:
        note(f"what was learnt is kept in {root}; the same command goes on from there")
        if interrupted():
            raise KeyboardInterrupt


def reach_by(ray: str, replicas: str, cpus: float, stage: str) -> ReachThinker | None:
    """What has replies written on a cluster, where one is named. Raises UsageError, ClusterError."""
    from functools import partial

    from galop.recipes.mini.schedule import WRITTEN_FOR

    if ray and stage not in ("all", *WRITTEN_FOR):
        raise UsageError(f"--ray is for the stages {' and '.join(WRITTEN_FOR)}; leave it out for {stage}")
    plan = plan_cluster(ray, replicas, cpus)
    if not plan:
        return None
    from galop.cli.thinker import reach_thinker

    return partial(reach_thinker, plan)


def stop_gently(count: int) -> None:
    """Ctrl-C takes effect at the end of a step, so that nothing is lost; a second one ends at once."""
    if count > 1:
        raise KeyboardInterrupt
    note("stopping after this step; Ctrl-C again stops at once")


def describe(stage: str, line: Report) -> str:
    """How far a stage is, in one line."""
    if not line.step:
        return f"{stage}: {(line.more or {}).get('kept', 0):.0f} right replies to learn from"
    text = f"{stage} {line.step}/{line.steps}  loss {line.loss:.3f}"
    more = line.more or {}
    for name in [name for name in ("reward", "thinking", "emoji", "number") if name in more] or more:
        text += f"  {name} {more[name]:.2f}"
    if line.accuracy is not None:
        text += f"  held-out accuracy {100 * line.accuracy:.0f} %"
    left = line.seconds / line.step * (line.steps - line.step)
    return f"{text}  {line.tokens / line.seconds:,.0f} tokens/s  {left / 60:.0f} min left"
