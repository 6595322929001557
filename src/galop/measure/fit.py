"""Which models this machine can run, and how fast that should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from galop import store
from galop.backends.load import open_pack
from galop.backends.memory import DEFAULT_CONTEXT, PROCESS_BYTES, memory_needed
from galop.engine.states import pool_bytes, sequences_of, states_of
from galop.errors import GalopError
from galop.machine import available_memory, cache_directory, default_threads
from galop.measure import speed
from galop.ops.plan import Plan, Recurrent
from galop.store.catalogue import Entry, entries
from galop.weights.pack import Pack

READINGS = 9
LAYER_SECONDS, LOGIT_SECONDS = 3e-5, 4e-9  # of a token beside reading weights: threads that wait, drawing from logits
SCRATCH = 32 << 20  # bytes, about, that a prompt's chunk takes


@dataclass(frozen=True)
class Fit:
    """A model on this machine. Its rate is what the memory's read speed allows, less what each token takes beside."""

    name: str
    here: bool
    memory: int  # bytes in all, at the context
    fits: bool
    rate: float  # tokens per second, predicted


@dataclass(frozen=True)
class TokenCost:
    """What a token takes, beside the arithmetic that memory hides."""

    bytes: float  # that are read
    layers: int
    vocabulary: int


def bandwidth(threads: int = 0) -> float:
    """Bytes per second that this machine reads: the median of several readings, since others may use it too."""
    roofline = speed.Roofline(threads or default_threads())
    return median(roofline.bandwidth() for _ in range(READINGS))


def predict_rate(cost: TokenCost, read_speed: float) -> float:
    """Tokens per second at a memory that reads so many bytes per second."""
    beside = cost.layers * LAYER_SECONDS + cost.vocabulary * LOGIT_SECONDS
    return 1 / (cost.bytes / read_speed + beside)


def all_fits(
    context: int = DEFAULT_CONTEXT, memory: int | None = None, progress: Callable[[str, int, int], None] | None = None
) -> list[Fit]:
    """Every model of the catalogue that can be run and writes text, those here reckoned from their files."""
    known = [e for e in entries().values() if e.runnable and e.writes]
    budget, read_speed = memory or available_memory(), bandwidth()
    found = []
    for number, entry in enumerate(known):
        if progress:
            progress("looking at models", number, len(known))
        path = store.locate(entry.name).path
        needed, cost = needs_of_entry(entry, context)
        if path:
            try:
                needed, cost = needs_of_file(path, context)
            except GalopError:  # a damaged file, which is reported when it is loaded
                path = None
        found.append(Fit(entry.name, path is not None, needed, needed <= budget, predict_rate(cost, read_speed)))
    return found


def needs_of_file(path: Path, context: int) -> tuple[int, TokenCost]:
    """Bytes in memory and the cost of a token of a model that is here. Raises GalopError."""
    pack, plan = open_pack(path, cache_directory(), default_threads(), None)
    return sum(memory_needed(pack, plan, context).values()), token_cost(plan, pack)


def token_cost(plan: Plan, pack: Pack) -> TokenCost:
    """Of a decoded token, alone and with nothing before it."""
    read = speed.step_cost(plan, pack, "f16", tokens=1, rows=1, keys=0, sequences=1).bytes
    return TokenCost(read, len(plan.states), plan.widths[plan.steps[-1].outputs[0]])


def needs_of_entry(entry: Entry, context: int) -> tuple[int, TokenCost]:
    """Bytes in memory and the cost of a token of a model that is not here, from the catalogue."""
    plan = Plan(states=list(entry.layer_states))
    kept = pool_bytes(states_of(plan, "f16"), context, sequences_of(context))
    active = (entry.active_parameters or entry.parameters) - entry.looked_up
    recurrent = 2 * 4 * sum(state.floats for state in plan.states if isinstance(state, Recurrent))  # read and written
    read = entry.bytes * active / entry.parameters + recurrent
    return entry.bytes + kept + PROCESS_BYTES + SCRATCH, TokenCost(read, len(plan.states), entry.vocabulary)
