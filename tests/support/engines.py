"""Engines and schedulers of a loaded model, stepped by hand."""

from __future__ import annotations

from typing import Any

from galop.backends.local import Model
from galop.engine.engine import Engine
from galop.engine.scheduler import Scheduler


def finish(scheduler: Scheduler) -> int:
    steps = 0
    while scheduler.step():
        steps += 1
    return steps


def engine_of(model: Model, pool: int = 8192, **options: Any) -> Engine:
    return Engine(model.plan, model.pack, 2, 2048, pool=pool, **options)
