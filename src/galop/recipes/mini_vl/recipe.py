"""Trains the model that sees: its material, then three stages, learning at a level rate, settling at a falling one, and
refining what is still counted wrongly."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import torch

from galop.errors import GalopError
from galop.machine import default_threads, keep_freed_memory
from galop.recipes.mini.recipe import fingerprint
from galop.recipes.mini.train import Report, Settings, Trainee, run_stage
from galop.recipes.mini_vl.collect import Material, collect
from galop.recipes.mini_vl.learn import learn, optimizers
from galop.recipes.mini_vl.model import SHIPPED, SMALLEST, MiniVL, load_model, multiply_in_bfloat, save_model

STAGES = ("see", "settle", "refine")
RATES = {"see": 5e-3, "settle": 5e-3, "refine": 1.5e-3}  # of learning, at their peaks
ROWS, STEPS = 64, {"see": 5200, "settle": 6700, "refine": 1050}  # pictures of a step
QUICK_ROWS, QUICK_STEPS = 8, {"see": 6, "settle": 4, "refine": 4}
WARM_UP = 40  # steps in which the rate rises


def train(
    stage: str,
    seed: int,
    root: Path,
    quick: bool = False,
    report: Callable[[str, Report], None] | None = None,
    enough: Callable[[], bool] = lambda: False,
    note: Callable[[str], None] = lambda text: None,
    material: Material | None = None,
) -> Path | None:
    """Takes the model through one stage, or "all", in `root`; gives the folder of the finished checkpoint, or None when
    it was `enough` before; that is asked after each step.

    `material` is fetched where none is given. What is finished is not done again, what was begun is gone on with; a
    stage begins with the last checkpoint of the one before it, finished or not; where none was trained here, what
    comes with galop can be refined. Raises GalopError.
    """
    if stage not in ("all", *STAGES):
        raise GalopError(f"there is no stage {stage!r}; these are: all, {', '.join(STAGES)}")
    here = root / f"vl-{seed}{'-quick' if quick else ''}"
    if stage != "all":
        parent_of(stage, here, quick)
    keep_freed_memory()
    torch.set_num_threads(1)  # each part of a step has a thread of its own
    found = material or collect(root / "material", note)
    made: Path | None = None
    for name in STAGES if stage == "all" else [stage]:
        made = train_stage(name, seed, here, quick, found, report, enough)
        if made is None:
            break
    return made


def train_stage(
    stage: str,
    seed: int,
    here: Path,
    quick: bool,
    material: Material,
    report: Callable[[str, Report], None] | None,
    enough: Callable[[], bool],
) -> Path | None:
    """One stage; gives its checkpoint, old or new, or None when it was `enough` before. Raises GalopError."""
    if (here / stage / "model").exists():
        return here / stage / "model"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    sizes = SMALLEST if quick else SHIPPED
    parent = parent_of(stage, here, quick)

    def ready(model: MiniVL) -> MiniVL:
        return multiply_in_bfloat(model) if device == "cpu" and has_bfloat() else model.to(device)

    def load(folder: Path) -> MiniVL:
        return ready(load_model(folder, sizes))

    steps, rows = (QUICK_STEPS if quick else STEPS)[stage], QUICK_ROWS if quick else ROWS
    return run_stage(
        Settings(stage, "vl-quick" if quick else "vl", seed, steps, rows, RATES[stage], fingerprint(parent)),
        lambda: load(parent) if parent else ready(MiniVL(sizes, seed)),
        learn(material, stage, seed, rows, default_threads(), device),
        here / stage,
        enough,
        (lambda line: report(stage, line)) if report else None,
        kind=Trainee(load, save_model, optimizers, stay_level if stage == "see" else fall),
    )


def parent_of(stage: str, here: Path, quick: bool) -> Path | None:
    """The checkpoint that a stage begins with; None for the first. Raises GalopError if there is none."""
    if stage == "see":
        return None
    before = here / STAGES[STAGES.index(stage) - 1]
    if stage == "refine" and not quick and not before.exists():
        return Path(str(files("galop.recipes.mini_vl") / "models" / "qwen3-mini-vl"))
    return last_of(before)


def last_of(folder: Path) -> Path:
    """The finished checkpoint of a stage, or the last on the way. Raises GalopError if there is none."""
    found = [folder / "model"] if (folder / "model").exists() else sorted(folder.glob("step-*"))
    if not found:
        raise GalopError(f"this needs a checkpoint of the stage {folder.name}, and there is none in {folder.parent}")
    return found[-1]


def has_bfloat() -> bool:
    """Whether this CPU multiplies bfloat16."""
    return bool(torch.cpu._is_avx512_bf16_supported())


def stay_level(step: int, steps: int) -> float:
    """The learning rate's share of its peak: up, then level."""
    return min(1.0, (step + 1) / WARM_UP)


def fall(step: int, steps: int) -> float:
    """The learning rate's share of its peak: up, then evenly down to zero."""
    return min(stay_level(step, steps), 1.0 - step / steps)
