"""The loop that all stages share: a learning rate that ends at zero, checkpoints that survive a kill, a history."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors.torch import load_file, save
from torch import Tensor
from torch.optim import AdamW, Optimizer

from galop.errors import GalopError
from galop.machine import is_disk_full
from galop.recipes.mini.model import Mini, load_model, save_model
from galop.recipes.mini.muon import Muon

SAVE_SECONDS = 120.0
WARM_UP, DECAY = 0.02, 0.3  # shares of the steps in which the learning rate rises, and falls to zero


@dataclass(frozen=True)
class Settings:
    """What a run is; a run is only resumed with the same."""

    stage: str
    size: str
    seed: int
    steps: int
    tokens: int  # of a step
    rate: float  # of learning, at its peak
    parent: str  # SHA-256 of the weights it began with; empty for random ones
    teacher: str = ""  # SHA-256 of the weights it learns from, and "-served" where these wrote elsewhere


@dataclass
class StepResult:
    """What a step came to; its gradients are in the model if `tokens` were trained on."""

    loss: float
    tokens: int
    flops: float  # of all models that took part, drawing included
    figures: dict[str, float] | None = None  # more to report


@dataclass
class Report:
    """One line of a run's history."""

    step: int
    steps: int
    loss: float
    tokens: int
    flops: float
    seconds: float
    accuracy: float | None = None
    more: dict[str, float] | None = None


Stepper = Callable[[int], StepResult]
Stage = Callable[[Any, int], Stepper | None]
"""From a model and the steps already done to what does a step, by its number; None when it was enough before that."""


def optimizers(model: Mini, rate: float) -> list[Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    inner = [w for n, w in model.named_parameters() if w.dim() == 2 and "embed" not in n]
    outer = [w for n, w in model.named_parameters() if w.dim() != 2 or "embed" in n]
    return [
        Muon(inner, lr=rate, weight_decay=0.1),
        AdamW(outer, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate_at(step: int, steps: int) -> float:
    """The learning rate's share of its peak: up, level, down to zero."""
    rise, fall = max(1, int(WARM_UP * steps)), max(1, int(DECAY * steps))
    return min(1.0, (step + 1) / rise, (steps - step) / fall)


@dataclass(frozen=True)
class Trainee:
    """How models of a kind are read, written and optimised, and the learning rate's share of its peak at each step."""

    load: Callable[[Path], Any] = load_model
    save: Callable[[Any, Path], None] = save_model
    optimizers: Callable[[Any, float], list[Optimizer]] = optimizers
    rate_at: Callable[[int, int], float] = rate_at


def run_stage(
    settings: Settings,
    begin: Callable[[], Any],
    stage: Stage,
    folder: Path,
    enough: Callable[[], bool] = lambda: False,
    report: Callable[[Report], None] | None = None,
    test: Callable[[Any], float] | None = None,
    test_every: int = 0,
    kind: Trainee = Trainee(),
) -> Path | None:
    """Trains in `folder` until done, giving the finished checkpoint's folder, or until it is `enough`, giving None.

    What was begun there is gone on with, to the same result as without a break. Raises GalopError if it was begun with
    other settings, is under way in another process, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            return _train(settings, begin, stage, folder, enough, report, test, test_every, kind)
    except Timeout:
        raise GalopError(f"{folder}: another process is training here; wait for it or name another --out") from None
    except BrokenPipeError:  # whoever read the reports has gone
        raise
    except OSError as error:
        advice = "free some space" if is_disk_full(error) else "see to it"
        raise GalopError(f"{folder}: {error.strerror or error}; {advice} and run it again to go on") from error


def _train(
    settings: Settings,
    begin: Callable[[], Any],
    stage: Stage,
    folder: Path,
    enough: Callable[[], bool],
    report: Callable[[Report], None] | None,
    test: Callable[[Any], float] | None,
    test_every: int,
    kind: Trainee,
) -> Path | None:
    agree(settings, folder)
    if (folder / "model").exists():
        return drop_steps(folder)
    found = sorted(folder.glob("step-*"))
    model = kind.load(found[-1]) if found else begin()
    model.train()
    opts = kind.optimizers(model, settings.rate)
    first, spent, flops, tokens = 0, 0.0, 0.0, 0
    if found:
        state = json.loads((found[-1] / "progress.json").read_text("utf-8"))
        first, spent, flops, tokens = state["step"], state["seconds"], state["flops"], state["tokens"]
        restore(model, opts, load_file(found[-1] / "optimizer.safetensors"))
    keep_history(folder, first)
    step_of = stage(model, first)
    if step_of is None:
        return None
    start = saved = time.monotonic()
    history = (folder / "history.jsonl").open("a", encoding="utf-8")
    with history:
        for number in range(first, settings.steps):
            for opt in opts:
                for group in opt.param_groups:
                    group.setdefault("peak", group["lr"])
                    group["lr"] = group["peak"] * kind.rate_at(number, settings.steps)
            made = step_of(number)
            if made.tokens:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                for opt in opts:
                    opt.step()
                    opt.zero_grad()
            tokens += made.tokens
            flops += made.flops
            done, now = number + 1, time.monotonic()
            tested = test(model) if test and test_every and (done % test_every == 0 or done == settings.steps) else None
            line = Report(done, settings.steps, made.loss, tokens, flops, spent + now - start, tested, made.figures)
            history.write(json.dumps(asdict(line)) + "\n")
            if report:
                report(line)
            ending = enough()
            if done < settings.steps and (ending or now - saved > SAVE_SECONDS):
                history.flush()
                keep(model, opts, folder, done, kind.save, {"seconds": line.seconds, "flops": flops, "tokens": tokens})
                saved = time.monotonic()
            if ending and done < settings.steps:
                return None
    return finish(
        model,
        settings,
        folder,
        kind.save,
        {"seconds": spent + time.monotonic() - start, "flops": flops, "tokens": tokens},
    )


def agree(settings: Settings, folder: Path) -> None:
    """Writes the settings of a new run, or raises GalopError where they are not those it was begun with."""
    path, mine = folder / "settings.json", asdict(settings)
    if not path.exists():
        write(path, json.dumps(mine, indent=1).encode())
        return
    theirs: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if theirs != mine:
        other = ", ".join(f"{k} {theirs.get(k)!r}" for k in mine if theirs.get(k) != mine[k])
        raise GalopError(f"{folder} was begun with {other}; go on with the same, or name another --out")


def write(path: Path, content: bytes) -> None:
    """All or nothing."""
    part = path.with_name(path.name + ".incomplete")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def keep_history(folder: Path, steps: int) -> None:
    """Drops what a killed run had noted beyond its last checkpoint."""
    path = folder / "history.jsonl"
    lines = path.read_text("utf-8").splitlines()[:steps] if path.exists() else []
    write(path, "".join(line + "\n" for line in lines).encode())


def keep(
    model: Any,
    opts: list[Optimizer],
    folder: Path,
    step: int,
    save_model: Callable[[Any, Path], None],
    state: dict[str, float],
) -> None:
    """A checkpoint to go on from, whole or not there; older ones go."""
    part = folder / "incomplete"
    shutil.rmtree(part, ignore_errors=True)
    try:
        save_model(model, part)
        write(part / "optimizer.safetensors", save(moments(model, opts)))
        write(part / "progress.json", json.dumps({"step": step, **state}).encode())
        part.rename(folder / f"step-{step:07}")
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    for old in sorted(folder.glob("step-*"))[:-1]:
        shutil.rmtree(old)


def finish(
    model: Any, settings: Settings, folder: Path, save_model: Callable[[Any, Path], None], state: dict[str, float]
) -> Path:
    """Writes the finished checkpoint, whole or not at all, and gives its folder."""
    part = folder / "incomplete"
    shutil.rmtree(part, ignore_errors=True)
    try:
        save_model(model, part)
        write(part / "training.json", json.dumps({**asdict(settings), **state}, indent=1).encode())
        part.rename(folder / "model")
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return drop_steps(folder)


def drop_steps(folder: Path) -> Path:
    """Removes what a finished run would have gone on from; gives its checkpoint."""
    for old in folder.glob("step-*"):
        shutil.rmtree(old)
    return folder / "model"


def moments(model: Any, opts: list[Optimizer]) -> dict[str, Tensor]:
    """The state of the optimizers by parameter."""
    names = {weight: name for name, weight in model.named_parameters()}
    return {
        f"{names[weight]}/{key}": value.contiguous()
        for opt in opts
        for weight, state in opt.state.items()
        for key, value in state.items()
    }


def restore(model: Any, opts: list[Optimizer], values: dict[str, Tensor]) -> None:
    """Puts what `moments` gave back into the optimizers."""
    named = dict(model.named_parameters())
    for name, value in values.items():
        weight, key = name.rsplit("/", 1)
        parameter = named[weight]
        opt = next(o for o in opts if any(parameter is w for g in o.param_groups for w in g["params"]))
        opt.state[parameter][key] = value
