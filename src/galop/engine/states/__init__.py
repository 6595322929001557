"""What a model keeps of a sequence between steps: a file per kind, and what every kind says of itself (`state.py`).

A new kind is a `LayerState` that an op declares, a file here, and its line in `KINDS`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from galop.engine.states.latent import LatentState
from galop.engine.states.paged import PagedState, blocks_for
from galop.engine.states.recurrent import RecurrentState
from galop.engine.states.state import BLOCK_TOKENS, CHUNK_TOKENS, NO_BLOCK, KVType, Reuse, State, Table
from galop.engine.states.window import WindowState
from galop.ops.plan import Latent, LayerState, Paged, Plan, Recurrent, Whole, Window

__all__ = [
    "BLOCK_TOKENS",
    "CHUNK_TOKENS",
    "NO_BLOCK",
    "KVType",
    "LatentState",
    "PagedState",
    "RecurrentState",
    "Reuse",
    "State",
    "Table",
    "WindowState",
    "blocks_for",
    "places_of",
    "pool_blocks",
    "pool_bytes",
    "sequences_of",
    "snapshot_interval",
    "states_of",
    "step_bytes",
]  # fmt: skip

KINDS: dict[type, Callable[[Sequence[Any], KVType], State]] = {
    Paged: PagedState,
    Whole: PagedState,
    Latent: LatentState,
    Window: WindowState,
    Recurrent: RecurrentState,
}
SEQUENCE_TOKENS = 2048  # on average, as far as memory is divided by it
LONGEST_INTERVAL = 2048  # tokens that are read again, at most, where a prompt parts from a known one


def states_of(plan: Plan, kv: KVType) -> list[State]:
    """The parts of what the layers of a plan keep of sequences, with keys and values as `kv`."""
    return [KINDS[type(layers[0])](layers, kv) for layers in _parts(plan)]


def places_of(plan: Plan, kv: KVType) -> list[tuple[int, int]]:
    """Where each layer's state lies, in the order of `plan.states`: the number of its part, and the offset in bytes in
    that part's blocks."""
    parts = [_part_of(layers[0]) for layers in _parts(plan)]
    used = [0] * len(parts)
    places = []
    for layer, size in zip(plan.states, _layer_bytes(plan, kv), strict=True):
        part = parts.index(_part_of(layer))
        places.append((part, used[part]))
        used[part] += size
    return places


def step_bytes(plan: Plan, kv: KVType) -> list[float]:
    """Bytes that each layer keeps of one token, in the order of `plan.states`; of states that do not grow, of all."""
    return [
        size / BLOCK_TOKENS if KINDS[type(layer)]([layer], kv).by_token else size
        for layer, size in zip(plan.states, _layer_bytes(plan, kv), strict=True)
    ]


def snapshot_interval(states: Sequence[State]) -> int:
    """Tokens between two states of a prompt that are kept for the prefix cache where they do not grow: so many that
    they take no more memory than what grows does."""
    grows = sum(state.block_bytes for state in states if state.whole)
    fixed = sum(state.block_bytes for state in states if not state.by_token)
    return min(LONGEST_INTERVAL, BLOCK_TOKENS * max(1, -(-fixed // grows))) if grows else LONGEST_INTERVAL


def sequences_of(tokens: int) -> int:
    """For how many sequences pools are made that hold so many tokens in all."""
    return max(1, min(64, tokens // SEQUENCE_TOKENS))


def pool_blocks(states: Sequence[State], tokens: int, sequences: int) -> list[int]:
    """Blocks in the pool of each part, for so many sequences with so many tokens in all."""
    interval = snapshot_interval(states)
    return [state.capacity(tokens, sequences, interval) for state in states]


def pool_bytes(states: Sequence[State], tokens: int, sequences: int) -> int:
    """Bytes of all pools together."""
    blocks = pool_blocks(states, tokens, sequences)
    return sum(state.block_bytes * count for state, count in zip(states, blocks, strict=True))


def _part_of(layer: LayerState) -> tuple[type, int]:
    """Layers of one part have this in common."""
    return type(layer), layer.window if isinstance(layer, Window) else 0


def _parts(plan: Plan) -> list[list[LayerState]]:
    """The layers of each part, in the order of `KINDS`."""
    order = list(KINDS)
    keys = dict.fromkeys(_part_of(layer) for layer in plan.states)
    return [
        [layer for layer in plan.states if _part_of(layer) == key]
        for key in sorted(keys, key=lambda key: (order.index(key[0]), key[1]))
    ]


def _layer_bytes(plan: Plan, kv: KVType) -> list[int]:
    return [KINDS[type(layer)]([layer], kv).block_bytes for layer in plan.states]
