"""The training schedule of each size: which stages, in what order, and how long each lasts."""

from __future__ import annotations

from dataclasses import dataclass

from galop.errors import GalopError

STAGES = ("pretrain", "cold-start", "reinforce", "fuse", "refine", "imitate", "distil")
WRITTEN_FOR = ("fuse", "imitate")  # stages that learn from replies, all written before
TEACHER = "11m"


@dataclass(frozen=True)
class StageSchedule:
    """`tokens` of a step; where replies are drawn, how many."""

    steps: int
    tokens: int
    rate: float


SCHEDULES = {
    "pretrain": StageSchedule(2000, 2048, 5e-3),
    "cold-start": StageSchedule(400, 2048, 2e-3),
    "reinforce": StageSchedule(165, 256, 3e-4),  # at 1.2m about as many FLOPs as distillation
    "fuse": StageSchedule(400, 2048, 1e-3),
    "refine": StageSchedule(300, 4096, 4e-4),
    "imitate": StageSchedule(1000, 2048, 2e-3),
    "distil": StageSchedule(60, 128, 3e-4),
}
QUICK = {
    "pretrain": StageSchedule(2400, 1024, 3e-3),
    "cold-start": StageSchedule(200, 1024, 2e-3),
    "reinforce": StageSchedule(10, 128, 3e-4),
    "fuse": StageSchedule(200, 1024, 2e-3),
}
"""Addition alone."""
LARGE = ("3.5m", "11m")  # take half as many steps, twice as long, at a lower rate: Muon's share of the work is less


def schedule_of(stage: str, size: str, quick: bool) -> StageSchedule:
    """How long a stage lasts for a size; `quick` is for addition alone."""
    if quick:
        return QUICK[stage]
    schedule = SCHEDULES[stage]
    if size in LARGE and stage in ("pretrain", "cold-start", "fuse", "imitate"):
        return StageSchedule(schedule.steps // 2, schedule.tokens * 2, schedule.rate * 0.6)
    if size in LARGE and stage == "reinforce":
        return StageSchedule(40, 128, schedule.rate)
    return schedule


def stages_of(size: str, quick: bool) -> list[str]:
    """The stages of a size, each of which goes on from the one before."""
    if quick or size == TEACHER:
        return ["pretrain", "cold-start", "reinforce", "fuse", *([] if quick else ["refine"])]
    return ["pretrain", "imitate", "distil"]


def parent_of(stage: str, size: str, quick: bool) -> str:
    """The stage that a stage goes on from; "" for the first. To compare, a small size can also be reinforced, or
    taught to think always. Raises GalopError for a stage that is not on the way of a size.
    """
    way = stages_of(size, quick)
    if stage not in way and stage in (beside := {"reinforce": "imitate", "cold-start": "pretrain"}):
        return beside[stage]
    if stage not in way:
        raise GalopError(f"the stage {stage} is not on the way of {size}, which is: {', '.join(way)}")
    return way[way.index(stage) - 1] if way.index(stage) else ""
