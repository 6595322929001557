"""Memory that a model takes, reckoned before anything of it is loaded, and the context that fits."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from galop.engine.engine import CHUNK_TOKENS
from galop.engine.kv_cache import blocks_for
from galop.engine.states import BLOCK_TOKENS, KVType, state_of
from galop.errors import MemoryBudgetError
from galop.ops.plan import Plan
from galop.weights.pack import Pack

log = logging.getLogger("galop")

PROCESS_BYTES = 192 << 20  # interpreter, NumPy and a tokenizer of 150,000 entries, before any weight
DEFAULT_CONTEXT = 8192
SHORTEST_CONTEXT = 512


def memory_needed(pack: Pack, plan: Plan, context: int, kv: KVType = "f16") -> dict[str, int]:
    """Bytes by purpose (weights, kv, scratch, process) of a model whose sequences hold `context` tokens together."""
    state = state_of(plan, kv)
    return {
        "weights": sum(m.nbytes for m in pack.matrices.values()),
        "kv": blocks_for(context) * state.block_bytes + state.sequence_bytes,
        "scratch": _scratch(plan, max(CHUNK_TOKENS, context) if plan.in_one_step else CHUNK_TOKENS),
        "process": PROCESS_BYTES,
    }


def _scratch(plan: Plan, tokens: int) -> int:
    """What a chunk of so many tokens needs: float32 buffers, int8 activations, what ops need beside, whole panels."""
    _, slots = plan.slots()
    beside = [step.scratch for step in plan.steps]
    floats = sum(width for width, dim in slots if dim == "T") + max(s.floats for s in beside)
    widest = max(s.activations for s in beside)
    return tokens * (floats * 4 + widest * 2) + slots[-1][0] * 8


@dataclass(frozen=True)
class MemoryPlan:
    """How a model uses its memory: the context of one sequence, the tokens of all together, and bytes in all."""

    context: int
    pool_tokens: int
    total_bytes: int


def plan_memory(
    pack: Pack, plan: Plan, kv: KVType, budget: int, context: int | None, pool_bytes: int, shortest: int
) -> MemoryPlan:
    """The context that was asked for, or the longest that is usual and fits in `budget` bytes.

    Raises MemoryBudgetError where a `context` that was asked for does not fit, or less than `shortest` would.
    """
    longest = int(pack.card.config["max_position_embeddings"])
    if context and context > longest:
        log.warning("%s was trained for %d tokens, so its context is that, not %d", pack.card.name, longest, context)
    fixed = sum(memory_needed(pack, plan, 0, kv).values())
    block = max(state_of(plan, kv).block_bytes, 1)
    usual = DEFAULT_CONTEXT
    if pool_bytes:
        usual = max(usual, max(pool_bytes, (budget - fixed) // 2) // block * BLOCK_TOKENS)
    wanted = min(context or usual, longest)
    needed = memory_needed(pack, plan, wanted, kv)
    if sum(needed.values()) > budget:
        fits = (budget - fixed) // block * BLOCK_TOKENS
        if context or fits < min(shortest, longest):
            parts = ", ".join(f"{name} {gib(n)}" for name, n in needed.items())
            hint = f"--context {fits} would fit" if fits >= SHORTEST_CONTEXT else "take a smaller model or quantisation"
            raise MemoryBudgetError(
                f"{pack.card.name} with a context of {wanted} needs {gib(sum(needed.values()))} ({parts}) and "
                f"{gib(budget)} may be used; {hint}"
            )
        wanted = fits
        needed = memory_needed(pack, plan, wanted, kv)
    spare = budget - sum(needed.values()) + needed["kv"]
    needed["kv"] = max(needed["kv"], min(pool_bytes, spare))
    return MemoryPlan(wanted, needed["kv"] // block * BLOCK_TOKENS, sum(needed.values()))


def gib(n: int) -> str:
    """Bytes as people read them."""
    return f"{n / (1 << 30):.2f} GiB"
