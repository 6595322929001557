"""What a model keeps of a sequence between steps: a file per kind, and what every kind says of itself (`state.py`)."""

from galop.engine.states.paged import PagedState
from galop.engine.states.state import BLOCK_TOKENS, KVType, State
from galop.ops.plan import Plan

__all__ = ["BLOCK_TOKENS", "KVType", "State", "state_of"]


def state_of(plan: Plan, kv: KVType) -> State:
    """What sequences of a plan keep, with keys and values as `kv`."""
    return PagedState(plan.states, kv)
