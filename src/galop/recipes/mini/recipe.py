"""The course of a size through the stages: how long each lasts, what it begins with, where it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import torch
from filelock import FileLock

from galop.errors import GalopError
from galop.machine import default_threads, keep_freed_memory
from galop.recipes.mini import evaluate, export, stages
from galop.recipes.mini.model import SIZES, Mini, load_model
from galop.recipes.mini.tasks import LEVELS
from galop.recipes.mini.train import Report, Settings, Stage, run

STAGES = ("pretrain", "cold-start", "reinforce", "fuse", "refine", "imitate", "distil")
TEACHER = "11m"
TESTED, TESTED_HARD = 100, 300  # held-out problems of the accuracy that is shown on the way


@dataclass(frozen=True)
class Course:
    """`tokens` of a step; where replies are drawn, how many."""

    steps: int
    tokens: int
    rate: float


COURSES = {
    "pretrain": Course(2000, 2048, 5e-3),
    "cold-start": Course(400, 2048, 2e-3),
    "reinforce": Course(165, 256, 3e-4),  # at 1.2m about as many FLOPs as distillation
    "fuse": Course(400, 2048, 1e-3),
    "refine": Course(300, 4096, 4e-4),
    "imitate": Course(1000, 2048, 2e-3),
    "distil": Course(60, 128, 3e-4),
}
QUICK = {
    "pretrain": Course(1200, 1024, 5e-3),
    "cold-start": Course(200, 1024, 2e-3),
    "reinforce": Course(10, 128, 1e-3),
    "fuse": Course(200, 1024, 2e-3),
}
"""Addition alone."""
LARGE = ("3.5m", "11m")  # take half as many steps, twice as long, at a lower rate: Muon's share of the work is less


def course_of(stage: str, size: str, quick: bool) -> Course:
    if quick:
        return QUICK[stage]
    course = COURSES[stage]
    if size in LARGE and stage in ("pretrain", "cold-start", "fuse", "imitate"):
        return Course(course.steps // 2, course.tokens * 2, course.rate * 0.6)
    if size in LARGE and stage == "reinforce":
        return Course(40, 128, course.rate)
    return course


KEPT, QUICK_KEPT = 4000, 2000  # right replies that fusion and imitation learn from


def train(
    stage: str,
    size: str,
    seed: int,
    root: Path,
    quick: bool = False,
    report: Callable[[str, Report], None] | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Takes a size through one stage, or "all" of its course, in `root`; gives the folder of the finished checkpoint,
    or None when it was `enough` before; that is asked after each step.

    The largest size goes the long way, by reinforcement; the smaller ones learn from it, or, where none was trained
    here, from the one that comes with galop, which can also be refined. What is finished is not done again, what was
    begun is gone on with. Raises GalopError.
    """
    if size not in SIZES:
        raise GalopError(f"there is no size {size!r}; these are: {', '.join(SIZES)}")
    if stage not in ("all", *STAGES):
        raise GalopError(f"there is no stage {stage!r}; these are: all, {', '.join(STAGES)}")
    torch.set_num_threads(default_threads())
    keep_freed_memory()
    made: Path | None = None
    for name in route(size, quick) if stage == "all" else [stage]:
        made = one(name, size, seed, root, quick, report, enough)
        if made is None:
            break
    return made


def route(size: str, quick: bool) -> list[str]:
    """The stages of a size, each of which goes on from the one before."""
    if quick or size == TEACHER:
        return ["pretrain", "cold-start", "reinforce", "fuse", *([] if quick else ["refine"])]
    return ["pretrain", "imitate", "distil"]


def parent_of(stage: str, size: str, quick: bool) -> str:
    """The stage that a stage goes on from; "" for the first. To compare, a small size can also be reinforced, or
    taught to think always."""
    way = route(size, quick)
    if stage not in way and stage in (beside := {"reinforce": "imitate", "cold-start": "pretrain"}):
        return beside[stage]
    if stage not in way:
        raise GalopError(f"the stage {stage} is not on the way of {size}, which is: {', '.join(way)}")
    return way[way.index(stage) - 1] if way.index(stage) else ""


def one(
    stage: str,
    size: str,
    seed: int,
    root: Path,
    quick: bool,
    report: Callable[[str, Report], None] | None,
    enough: Callable[[], bool],
) -> Path | None:
    tasks = ("add",) if quick else tuple(LEVELS)
    here = root / f"{size}-{seed}{'-quick' if quick else ''}"
    before = parent_of(stage, size, quick)
    course = course_of(stage, size, quick)
    if (here / stage / "model").exists():
        return here / stage / "model"
    parent = None
    if before:
        shipped_alone = stage == "refine" and not (here / before).exists()
        parent = shipped(root, size) if shipped_alone else finished(here, before)
    teacher = None
    if stage == "fuse":
        teacher = parent
    elif stage in ("imitate", "distil"):
        teacher = teacher_of(root, seed)
    label = f"{stage} {seed}"
    what: Stage

    def told(count: int) -> None:
        if report:
            report(stage, Report(0, course.steps, 0.0, 0, 0.0, 0.0, more={"kept": count}))

    def thinker() -> Mini:
        assert teacher
        return load_model(teacher)

    if stage == "pretrain":
        what = stages.supervised(lambda random: stages.pretraining(random, tasks), label, course.tokens)
    elif stage == "cold-start":
        what = stages.supervised(lambda random: stages.cold_start(random, tasks), label, course.tokens)
    elif stage == "refine":
        what = stages.supervised(lambda random: stages.refinement(random, tasks), label, course.tokens)
    elif stage == "reinforce":
        what = stages.reinforcement(seed, course.tokens, tasks)
    elif teacher and stage in ("fuse", "imitate"):
        kept = teacher.parent / f"kept-{fingerprint(teacher)[:8]}.json"
        what = stages.fusion(thinker, kept, QUICK_KEPT if quick else KEPT, seed, tasks, course.tokens, enough, told)
    else:
        what = stages.distillation(thinker, seed, course.tokens, tasks)
    asked = evaluate.hard_problems(TESTED_HARD, tasks) if stage in ("reinforce", "refine", "distil") else []
    asked = asked or evaluate.problems(TESTED, tasks=tasks)
    print_line = (lambda line: report(stage, line)) if report else None
    return run(
        Settings(
            stage, size, seed, course.steps, course.tokens, course.rate, fingerprint(parent), fingerprint(teacher)
        ),
        lambda: load_model(parent) if parent else Mini(SIZES[size], seed),
        what,
        here / stage,
        enough,
        print_line,
        None if stage == "pretrain" else lambda model: evaluate.score(model, asked).share,
        max(1, course.steps // 10),
    )


def finished(owner: Path, stage: str) -> Path:
    """The checkpoint that a stage left. Raises GalopError if it is not there yet."""
    if not (owner / stage / "model").exists():
        raise GalopError(f"this needs the stage {stage} of {owner.name}, which is not finished in {owner.parent}")
    return owner / stage / "model"


def teacher_of(root: Path, seed: int) -> Path:
    """The largest model as trained in `root`, if its course was begun there, else as it comes with galop."""
    if (own := root / f"{TEACHER}-{seed}").exists():
        return finished(own, route(TEACHER, quick=False)[-1])
    return shipped(root, TEACHER)


def shipped(root: Path, size: str) -> Path:
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
    return digest(parent / "model.safetensors") if parent else ""


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
