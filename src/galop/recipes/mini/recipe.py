"""Trains a size through the stages of its schedule: what each begins with, its teacher, where it is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import torch
from filelock import FileLock

from galop.errors import GalopError
from galop.machine import default_threads, keep_freed_memory
from galop.recipes.mini import evaluate, export, stages
from galop.recipes.mini.model import SIZES, Mini, Size, load_model
from galop.recipes.mini.schedule import STAGES, TEACHER, WRITTEN_FOR, parent_of, schedule_of, stages_of
from galop.recipes.mini.tasks import LEVELS
from galop.recipes.mini.train import Report, Settings, Stage, run_stage

ReachThinker = Callable[[str, Size], stages.Thinker]
"""From a model's name, or a checkpoint's folder, to a thinker that is served elsewhere."""

KEPT, QUICK_KEPT = 4000, 2000  # right replies that fusion and imitation learn from
TESTED, TESTED_HARD = 100, 300  # held-out problems of the accuracy that is shown on the way


def train(
    stage: str,
    size: str,
    seed: int,
    root: Path,
    quick: bool = False,
    report: Callable[[str, Report], None] | None = None,
    enough: Callable[[], bool] = lambda: False,
    reach: ReachThinker | None = None,
) -> Path | None:
    """Takes a size through one stage, or "all" of its schedule, in `root`; gives the folder of the finished checkpoint,
    or None when it was `enough` before; that is asked after each step.

    The largest size goes the long way, by reinforcement; the smaller ones learn from it, or, where none was trained
    here, from the one that comes with galop, which can also be refined. With `reach`, replies to learn from are written
    by what it gives. What is finished is not done again, what was begun is gone on with. Raises GalopError.
    """
    if size not in SIZES:
        raise GalopError(f"there is no size {size!r}; these are: {', '.join(SIZES)}")
    if stage not in ("all", *STAGES):
        raise GalopError(f"there is no stage {stage!r}; these are: all, {', '.join(STAGES)}")
    torch.set_num_threads(default_threads())
    keep_freed_memory()
    made: Path | None = None
    for name in stages_of(size, quick) if stage == "all" else [stage]:
        made = train_stage(name, size, seed, root, quick, report, enough, reach)
        if made is None:
            break
    return made


def train_stage(
    stage: str,
    size: str,
    seed: int,
    root: Path,
    quick: bool,
    report: Callable[[str, Report], None] | None,
    enough: Callable[[], bool],
    reach: ReachThinker | None,
) -> Path | None:
    """One stage; gives its checkpoint, old or new, or None when it was `enough` before. Raises GalopError."""
    tasks = ("add",) if quick else tuple(LEVELS)
    here = root / f"{size}-{seed}{'-quick' if quick else ''}"
    before = parent_of(stage, size, quick)
    schedule = schedule_of(stage, size, quick)
    if (here / stage / "model").exists():
        return here / stage / "model"
    parent = None
    if before:
        shipped_alone = stage == "refine" and not (here / before).exists()
        parent = restore_shipped(root, size) if shipped_alone else checkpoint_of(here, before)
    teacher = None
    served = "-served" if reach and stage in WRITTEN_FOR else ""
    if stage == "fuse":
        teacher = parent
    elif stage in ("imitate", "distil"):
        teacher = teacher_of(root, seed)
    label = f"{stage} {seed}"
    what: Stage

    def note_kept(count: int) -> None:
        if report:
            report(stage, Report(0, schedule.steps, 0.0, 0, 0.0, 0.0, more={"kept": count}))

    def load_teacher() -> Mini:
        assert teacher
        return load_model(teacher)

    if stage == "pretrain":
        what = stages.learn_from_text(lambda random: stages.pretraining(random, tasks), label, schedule.tokens)
    elif stage == "cold-start":
        what = stages.learn_from_text(lambda random: stages.cold_start(random, tasks), label, schedule.tokens)
    elif stage == "refine":
        what = stages.learn_from_text(lambda random: stages.refinement(random, tasks), label, schedule.tokens)
    elif stage == "reinforce":
        what = stages.reinforcement(seed, schedule.tokens, tasks)
    elif teacher and stage in WRITTEN_FOR:
        shape = Size.of(teacher)
        thinker = reach(name_of(teacher), shape) if reach else stages.think_here(load_teacher, shape)
        kept = teacher.parent / f"kept-{fingerprint(teacher)[:8]}{served}.json"
        what = stages.fusion(
            thinker, kept, QUICK_KEPT if quick else KEPT, seed, tasks, schedule.tokens, enough, note_kept
        )
    else:
        what = stages.distillation(load_teacher, seed, schedule.tokens, tasks)
    asked = evaluate.hard_problems(TESTED_HARD, tasks) if stage in ("reinforce", "refine", "distil") else []
    asked = asked or evaluate.problems(TESTED, tasks=tasks)
    print_line = (lambda line: report(stage, line)) if report else None
    taught_by = fingerprint(teacher) + served
    return run_stage(
        Settings(stage, size, seed, schedule.steps, schedule.tokens, schedule.rate, fingerprint(parent), taught_by),
        lambda: load_model(parent) if parent else Mini(SIZES[size], seed),
        what,
        here / stage,
        enough,
        print_line,
        None if stage == "pretrain" else lambda model: evaluate.score(model, asked).share,
        max(1, schedule.steps // 10),
    )


def checkpoint_of(owner: Path, stage: str) -> Path:
    """The checkpoint that a stage left. Raises GalopError if it is not there yet."""
    if not (owner / stage / "model").exists():
        raise GalopError(f"this needs the stage {stage} of {owner.name}, which is not finished in {owner.parent}")
    return owner / stage / "model"


def teacher_of(root: Path, seed: int) -> Path:
    """The largest model as trained in `root`, if its schedule was begun there, else as it comes with galop."""
    if (own := root / f"{TEACHER}-{seed}").exists():
        return checkpoint_of(own, stages_of(TEACHER, quick=False)[-1])
    return restore_shipped(root, TEACHER)


def name_of(teacher: Path) -> str:
    """By which it is known wherever galop is; a checkpoint trained here, by its folder."""
    shipped = re.fullmatch(r"(.+)-shipped-[0-9a-f]{8}", teacher.parent.name)
    return f"qwen3-mini:{shipped[1]}" if shipped else str(teacher.absolute())


def restore_shipped(root: Path, size: str) -> Path:
    """A checkpoint in `root` of a model as it comes with this version of galop."""
    file = Path(str(files("galop.recipes.mini") / "models" / f"qwen3-mini-{size}-q8_0.gguf"))
    model = root / f"{size}-shipped-{digest(file)[:8]}" / "model"
    if not model.exists():
        model.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(model.parent / "lock"):
            if not model.exists():
                export.restore(file, size, model)
    return model


def fingerprint(parent: Path | None) -> str:
    """SHA-256 of a checkpoint's weights; "" for none."""
    return digest(parent / "model.safetensors") if parent else ""


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
