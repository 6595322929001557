"""Engines and schedulers of a loaded model, stepped by hand."""

from __future__ import annotations

from typing import Any

from threads import THREADS

from galop.backends.local import Model
from galop.engine.engine import Engine
from galop.engine.scheduler import Scheduler

MOST_STEPS = 100_000


def finish(scheduler: Scheduler) -> int:
    """Steps until there is nothing to do; how many steps that were."""
    for steps in range(MOST_STEPS):
        if not scheduler.step():
            return steps
    raise AssertionError(f"not finished after {MOST_STEPS} steps")


def engine_of(model: Model, pool: int = 8192, **options: Any) -> Engine:
    """An engine of its own for a loaded model: a context of 2,048, `pool` tokens of KV cache."""
    return Engine(model.plan, model.pack, THREADS or 2, 2048, pool=pool, **options)
