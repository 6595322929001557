"""What a model keeps of a sequence between steps: a file per kind, and what every kind says of itself (`state.py`).

A new kind is a `LayerState` that an op declares, a file here, and its line in `KINDS`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from galop.engine.states.combined import CombinedState
from galop.engine.states.latent import LatentState
from galop.engine.states.paged import PagedState
from galop.engine.states.state import BLOCK_TOKENS, KVType, Reuse, State
from galop.ops.plan import Latent, Paged, Plan, Whole, Window

__all__ = [
    "BLOCK_TOKENS", "CombinedState", "KVType", "LatentState", "PagedState", "Reuse", "State", "layer_bytes", "state_of",
]  # fmt: skip

KINDS: dict[type, Callable[[Sequence[Any], KVType], State]] = {
    Paged: PagedState,
    Whole: PagedState,
    Window: PagedState,
    Latent: LatentState,
}


def state_of(plan: Plan, kv: KVType) -> State:
    """What the layers of a plan keep of sequences, with keys and values as `kv`."""
    parts = [
        kind(layers, kv)
        for declared, kind in KINDS.items()
        if (layers := [layer for layer in plan.states if type(layer) is declared])
    ]
    return CombinedState(parts) if len(parts) > 1 else parts[0] if parts else PagedState((), kv)


def layer_bytes(plan: Plan, kv: KVType) -> list[int]:
    """Bytes that each layer's state takes in a block, in the order in which they lie there: that of `plan.states`."""
    return [KINDS[type(layer)]([layer], kv).block_bytes for layer in plan.states]
