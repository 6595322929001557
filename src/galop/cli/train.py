"""`galop train`: making a model of our own."""

from __future__ import annotations

import json as jsonlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from galop.cli.run import note
from galop.errors import GalopError
from galop.machine import data_directory
from galop.terminal import beneath

if TYPE_CHECKING:
    from galop.recipes.mini.train import Report

SHOWN_SECONDS = 10.0  # between two lines where there is no terminal


def train_mini(
    recipe: str, stage: str, size: str, seed: int, minutes: float, out: Path | None, quick: bool, json: bool
) -> None:
    if recipe != "mini":
        raise GalopError(f"there is no recipe {recipe!r}; there is one, mini: galop train mini")
    try:
        from galop.recipes.mini.recipe import train
    except ImportError as error:
        raise GalopError(f"training needs {error.name}; install it with: pip install 'galop[tune]'") from None
    root = out or data_directory() / "mini"
    shown = 0.0

    def report(name: str, line: Report) -> None:
        nonlocal shown
        if json:
            print(jsonlib.dumps({"stage": name, **asdict(line)}), flush=True)
            return
        terminal = sys.stderr.isatty()
        last = line.step == line.steps or line.accuracy is not None
        if last or terminal or time.monotonic() - shown > SHOWN_SECONDS:
            shown = time.monotonic()
            text = describe(name, line)
            print(
                f"\r{text:<78}" if terminal else text,
                end="\n" if last or not terminal else "",
                file=beneath(sys.stderr),
                flush=True,
            )

    start = time.monotonic()
    with interruption() as interrupted:
        made = train(
            stage, size, seed, root, quick, report, lambda: interrupted() or 0 < minutes * 60 < time.monotonic() - start
        )
    if json:
        print(jsonlib.dumps({"checkpoint": str(made) if made else None}))
    if made:
        note(f"the checkpoint is in {made}; ask it with: galop run {made} 'What is 47+85?'")
    else:
        note(f"what was learnt is kept in {root}; the same command goes on from there")
        if interrupted():
            raise KeyboardInterrupt


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is heard at the end of a step, so that nothing is lost; a second one ends at once."""
    heard = False

    def hear(*_: object) -> None:
        nonlocal heard
        if heard:
            raise KeyboardInterrupt
        heard = True
        note("stopping after this step; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: heard
    finally:
        signal.signal(signal.SIGINT, before)


def describe(stage: str, line: Report) -> str:
    if not line.step:
        return f"{stage}: {(line.more or {}).get('kept', 0):.0f} right replies to learn from"
    text = f"{stage} {line.step}/{line.steps}  loss {line.loss:.3f}"
    for name, value in (line.more or {}).items():
        text += f"  {name} {value:.2f}"
    if line.accuracy is not None:
        text += f"  held-out accuracy {100 * line.accuracy:.0f} %"
    left = line.seconds / line.step * (line.steps - line.step)
    return f"{text}  {line.tokens / line.seconds:,.0f} tokens/s  {left / 60:.0f} min left"
