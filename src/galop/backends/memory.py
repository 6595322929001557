"""Memory that a model takes, reckoned before anything of it is loaded, and the context that fits."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from galop.engine.states import BLOCK_TOKENS, CHUNK_TOKENS, KVType, State, pool_bytes, sequences_of, states_of
from galop.errors import MemoryBudgetError
from galop.ops.plan import Plan
from galop.weights.pack import Pack

log = logging.getLogger("galop")

PROCESS_BYTES = 192 << 20  # interpreter, NumPy and a tokenizer of 150,000 entries, before any weight
DEFAULT_CONTEXT = 8192
SHORTEST_CONTEXT = 512
MOST_BLOCKS = 1 << 20  # in a pool


def memory_needed(pack: Pack, plan: Plan, context: int, kv: KVType = "f16", sequences: int = 0) -> dict[str, int]:
    """Bytes by purpose (weights, kv, scratch, process) of a model whose sequences hold `context` tokens together; for
    what does not grow with them, of so many sequences, by default as many as are usual."""
    return {
        "weights": sum(m.nbytes for m in pack.matrices.values()),
        "kv": pool_bytes(states_of(plan, kv), context, sequences or sequences_of(context)),
        "scratch": _scratch(plan, max(CHUNK_TOKENS, context) if plan.in_one_step else CHUNK_TOKENS),
        "process": PROCESS_BYTES,
    }


def tokens_in(states: Sequence[State], nbytes: int, sequences: int = 0) -> int:
    """The most tokens that pools of so many bytes hold, for so many sequences, or as many as are usual then."""

    def taken(blocks: int) -> int:
        tokens = blocks * BLOCK_TOKENS
        return pool_bytes(states, tokens, sequences or sequences_of(tokens))

    return max(0, bisect_right(range(MOST_BLOCKS), nbytes, key=taken) - 1) * BLOCK_TOKENS


def _scratch(plan: Plan, tokens: int) -> int:
    """What a chunk of so many tokens needs: float32 buffers, int8 activations, what ops need beside, whole panels."""
    _, slots = plan.slots()
    beside = [step.scratch for step in plan.steps]
    floats = sum(width for width, dim in slots if dim == "T") + max(s.floats for s in beside)
    widest = max(s.activations for s in beside)
    return tokens * (floats * 4 + widest * 2) + slots[-1][0] * 8


@dataclass(frozen=True)
class MemoryPlan:
    """How a model uses its memory: the context of one sequence, the tokens of all together, for how many sequences
    there is room that does not grow with tokens, and bytes in all."""

    context: int
    pool_tokens: int
    sequences: int
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
    states = states_of(plan, kv)
    needed = memory_needed(pack, plan, 0, kv)
    rest = budget - sum(needed.values()) + needed["kv"]  # for what is kept of sequences
    usual = DEFAULT_CONTEXT
    if pool_bytes:
        usual = max(usual, tokens_in(states, max(pool_bytes, rest // 2)))
    wanted, sequences = min(context or usual, longest), 0
    needed = memory_needed(pack, plan, wanted, kv)
    if sum(needed.values()) > budget:
        sequences = 1
        needed = memory_needed(pack, plan, wanted, kv, sequences)
    if sum(needed.values()) > budget:
        fits = tokens_in(states, rest, sequences) if rest > 0 else 0
        if context or fits < min(shortest, longest):
            parts = ", ".join(f"{name} {gib(n)}" for name, n in needed.items())
            hint = f"--context {fits} would fit" if fits >= SHORTEST_CONTEXT else "take a smaller model or quantisation"
            raise MemoryBudgetError(
                f"{pack.card.name} with a context of {wanted} needs {gib(sum(needed.values()))} ({parts}) and "
                f"{gib(budget)} may be used; {hint}"
            )
        wanted = fits
        needed = memory_needed(pack, plan, wanted, kv, sequences)
    needed["kv"] = max(needed["kv"], min(pool_bytes, budget - sum(needed.values()) + needed["kv"]))
    tokens = max(wanted, tokens_in(states, needed["kv"], sequences))
    return MemoryPlan(wanted, tokens, sequences or sequences_of(tokens), sum(needed.values()))


def gib(n: int) -> str:
    """Bytes as people read them."""
    return f"{n / (1 << 30):.2f} GiB"
