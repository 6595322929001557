"""The reference executor: runs a plan with each op's NumPy meaning, in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from galop.ops.plan import Array, Input, Inputs, Matrix, Plan, Tensor, Vector


@dataclass
class Cache:
    """What is kept of every (state, sequence) so far: keys and values of all tokens, arrays [tokens, width], also where
    only a window of them is read; and of what does not grow the state after each step, by the tokens until then."""

    entries: dict[tuple[int, int], tuple[Array, Array]] = field(default_factory=dict)
    states: dict[tuple[int, int], dict[int, Array]] = field(default_factory=dict)

    def extend(self, state: int, sequence: int, positions: Array, k: Array, v: Array) -> tuple[Array, Array]:
        """Adds keys and values at consecutive positions, dropping what stood there and after; all that are kept now."""
        start = int(positions[0])
        old = self.entries.get((state, sequence))
        if old is not None and start:
            k, v = np.concatenate([old[0][:start], k]), np.concatenate([old[1][:start], v])
        self.entries[state, sequence] = (k, v)
        return k, v

    def read(self, state: int, sequence: int) -> tuple[Array, Array]:
        """All keys and values that an earlier layer of this step has kept."""
        return self.entries[state, sequence]

    def score(self, queries: Array, keys: Array) -> Array:
        """Products of queries [t, heads of keys, group, size] and keys [s, heads, size]: [t, heads, group, s]."""
        return np.asarray(np.einsum("tkgd,skd->tkgs", queries, keys))

    def mix(self, weights: Array, values: Array) -> Array:
        """Sums of values [s, heads, size] under weights [t, heads, group, s]: [t, heads, group, size]."""
        return np.asarray(np.einsum("tkgs,skd->tkgd", weights, values))

    def score_rows(self, queries: Array, rows: Array) -> Array:
        """Products of queries [t, heads, size] and rows [s, size] that are the key of all heads: [t, heads, s]."""
        return np.asarray(np.einsum("thd,sd->ths", queries, rows))

    def mix_rows(self, weights: Array, rows: Array) -> Array:
        """Sums of rows [s, size] that are the value of all heads under weights [t, heads, s]: [t, heads, size]."""
        return np.asarray(np.einsum("ths,sd->thd", weights, rows))

    def score_heads(self, queries: Array, keys: Array) -> Array:
        """Products of queries [t, heads, size] and keys [s, heads, size] of which nothing is kept: [t, heads, s]."""
        return np.asarray(np.einsum("thd,shd->ths", queries, keys))

    def mix_heads(self, weights: Array, values: Array) -> Array:
        """Sums of values [s, heads, size] under weights [t, heads, s]: [t, heads, size]."""
        return np.asarray(np.einsum("ths,shd->thd", weights, values))

    def state(self, state: int, sequence: int, length: int, floats: int) -> Array:
        """A copy of the state after `length` tokens, float32 [floats]: zeros before the first. Raises KeyError where no
        step ended there."""
        if length == 0:
            return np.zeros(floats, np.float32)
        return self.states[state, sequence][length].copy()

    def keep(self, state: int, sequence: int, length: int, values: Array) -> None:
        """Keeps the state after `length` tokens, float32 [floats]."""
        self.states.setdefault((state, sequence), {})[length] = values


@dataclass
class Batch:
    """A step: token ids and sequences [T], positions [axes, T], or [T] for one axis; the tokens whose logits are wanted
    [R]; what is kept; the embeddings [n, hidden size] that negative ids stand for.
    """

    ids: Array
    positions: Array
    sequences: Array
    rows: Array
    cache: Cache
    embeddings: Array | None = None

    def __post_init__(self) -> None:
        self.positions = np.atleast_2d(self.positions)

    def spans(self) -> Iterator[tuple[int, Array, int]]:
        """Each sequence with its tokens in the step and the place of the first of them."""
        for sequence in np.unique(self.sequences):
            here = np.flatnonzero(self.sequences == sequence)
            yield int(sequence), here, int(self.positions[0, here[0]])


class Reference:
    """Runs `plan`; `weight(name)` gives a matrix or vector of the checkpoint as float32."""

    def __init__(self, plan: Plan, weight: Callable[[str], Array]) -> None:
        plan.check()
        self.plan = plan
        self.weight = weight

    def forward(self, batch: Batch) -> Array:
        """Logits [R, vocabulary] of one step."""
        values: dict[int, Array] = {}

        def concrete(argument: Any) -> Any:
            match argument:
                case Tensor():
                    return values[argument.id]
                case Matrix():
                    return self.weight(argument.name)
                case Vector():
                    return self.weight(argument.name) if argument.value is None else argument.value
                case Input():
                    return getattr(batch, argument.name)
                case Inputs():
                    return batch
                case list():
                    return [concrete(a) for a in argument]
            return argument

        last_use = [span[1] for span in self.plan.lifetimes()]
        for i, step in enumerate(self.plan.steps):
            arguments = {name: concrete(value) for name, value in step.arguments.items()}
            result = step.op.meaning(**arguments)
            outputs = result if isinstance(result, list) else [result]
            values.update(zip(step.outputs, outputs, strict=True))
            for b in step.inputs:
                if last_use[b] == i:
                    values.pop(b, None)
        return values[self.plan.steps[-1].outputs[-1]]
