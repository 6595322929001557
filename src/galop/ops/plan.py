"""Plans: a model's forward pass as a flat list of ops over numbered buffers.

A family's forward function is run once on symbolic tensors; every op it calls is written down. The plan leaves the
number of tokens free, can be printed and checked, and is all that either executor knows of a model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from galop.errors import ModelFileError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Tensor:
    """A value of `width` floats for every token ("T") or for every token whose logits are wanted ("R")."""

    plan: Plan
    id: int
    width: int
    dim: str = "T"

    def __add__(self, other: Tensor) -> Tensor:
        from galop.ops import add

        result: Tensor = add(self, other)
        return result


@dataclass(frozen=True)
class Matrix:
    """A weight [rows, cols] of the checkpoint, by name."""

    name: str
    rows: int
    cols: int


@dataclass(frozen=True)
class Vector:
    """A float32 weight [size] of the checkpoint, by name, or a constant with its value."""

    name: str
    size: int
    value: Array | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Inputs:
    """What a step is given: token ids, their positions and sequences, and which tokens' logits are wanted."""

    plan: Plan


@dataclass(frozen=True)
class Paged:
    """Keys and values of every earlier token, kept in pages; widths are values per token."""

    k_width: int
    v_width: int


@dataclass(frozen=True)
class Step:
    op: Op
    arguments: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass
class Plan:
    """Steps in order; `widths[i]` and `dims[i]` describe buffer i; the last step's output is the logits."""

    steps: list[Step] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    dims: list[str] = field(default_factory=list)
    states: list[Paged] = field(default_factory=list)

    def buffer(self, width: int, dim: str) -> Tensor:
        self.widths.append(width)
        self.dims.append(dim)
        return Tensor(self, len(self.widths) - 1, width, dim)

    def matrices(self) -> dict[str, Matrix]:
        return {m.name: m for step in self.steps for m in _flat(step.arguments) if isinstance(m, Matrix)}

    def vectors(self) -> dict[str, Vector]:
        return {v.name: v for step in self.steps for v in _flat(step.arguments) if isinstance(v, Vector)}

    def float_matrices(self) -> set[str]:
        """Names of the matrices that must keep full precision: routers, whose order decides which experts run."""
        return {step.arguments["gate"].name for step in self.steps if step.op.name == "route"}

    def lifetimes(self) -> list[tuple[int, int]]:
        """For each buffer, the step that writes it and the last that reads it."""
        spans = [(-1, -1)] * len(self.widths)
        for i, step in enumerate(self.steps):
            for b in step.inputs:
                spans[b] = (spans[b][0], i)
            for b in step.outputs:
                spans[b] = (i, i)
        return spans

    def check(self) -> None:
        """Raises ValueError if a buffer is read before it is written, or the plan does not end in logits."""
        written: set[int] = set()
        for i, step in enumerate(self.steps):
            missing = [b for b in step.inputs if b not in written]
            if missing:
                raise ValueError(f"step {i} ({step.op.name}) reads buffer {missing[0]} before it is written")
            written.update(step.outputs)
        last = self.steps[-1].outputs[-1]
        if self.dims[last] != "R":
            raise ValueError("the plan does not end in logits")

    def slots(self) -> tuple[list[int], list[tuple[int, str]]]:
        """Shares memory between buffers: slot of each buffer, and each slot's (width, dim).

        Only buffers of equal width and dim share a slot, so a token's row always lies in the same place and steps
        that work token by token need no barrier between them. The logits have the last slot to themselves.
        """
        free: dict[tuple[int, str], list[int]] = {}
        shapes: list[tuple[int, str]] = []
        slot_of = [-1] * len(self.widths)
        spans = self.lifetimes()
        logits = self.steps[-1].outputs[-1]
        for i, step in enumerate(self.steps):
            for b in step.outputs:
                key = (self.widths[b], self.dims[b])
                if b == logits:
                    continue
                if free.get(key):
                    slot_of[b] = free[key].pop()
                else:
                    slot_of[b] = len(shapes)
                    shapes.append(key)
            for b in {*step.inputs, *step.outputs}:
                if spans[b][1] == i and b != logits:
                    free.setdefault((self.widths[b], self.dims[b]), []).append(slot_of[b])
        slot_of[logits] = len(shapes)
        shapes.append((self.widths[logits], self.dims[logits]))
        return slot_of, shapes

    def __str__(self) -> str:
        lines = []
        for step in self.steps:
            out = ", ".join(f"%{b}[{self.dims[b]},{self.widths[b]}]" for b in step.outputs)
            values = [_show(value) for value in step.arguments.values() if not isinstance(value, Inputs)]
            lines.append(f"{out} = {step.op.name}({', '.join(values)})")
        return "\n".join(lines)


def _flat(arguments: dict[str, Any]) -> list[Any]:
    flat: list[Any] = []
    for value in arguments.values():
        flat.extend(value if isinstance(value, (list, tuple)) else [value])
    return flat


def _show(value: Any) -> str:
    match value:
        case Tensor():
            return f"%{value.id}"
        case Matrix() | Vector():
            return value.name
        case list() if len(value) > 4:
            return f"[{_show(value[0])}, ... {len(value)}]"
        case list():
            return "[" + ", ".join(_show(v) for v in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


class Op:
    """An operation: its NumPy meaning and its shape rule, under one name.

    Called on tensors it appends a step to their plan; its `meaning` is what the reference executor runs and what every
    native kernel is tested against. `shape` gets the same arguments and returns the outputs' (width, dim), or raises
    ValueError where they do not fit.
    """

    def __init__(self, meaning: Callable[..., Any], shape: Callable[..., Sequence[tuple[int, str]]]) -> None:
        self.meaning = meaning
        self.shape = shape
        self.name = meaning.__name__
        self.signature = inspect.signature(meaning)
        self.__doc__ = meaning.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: _resolve(value) for name, value in bound.arguments.items()}
        flat = _flat(arguments)
        plan: Plan = next(v.plan for v in flat if isinstance(v, (Tensor, Inputs)))
        names = [v.name for v in flat if isinstance(v, Matrix)]
        try:
            shapes = self.shape(**arguments)
        except (ValueError, AttributeError) as error:  # AttributeError: a vector where a matrix is due, or vice versa
            if isinstance(error, AttributeError) and isinstance(error.obj, Matrix | Vector):
                error = ValueError(f"{error.obj.name} is a {type(error.obj).__name__.lower()}")
            where = f" ({names[0]})" if names else ""
            raise ModelFileError(f"the weights do not fit the configuration: {self.name}{where}: {error}") from error
        outputs = [plan.buffer(width, dim) for width, dim in shapes]
        inputs = tuple(v.id for v in flat if isinstance(v, Tensor))
        plan.steps.append(Step(self, arguments, inputs, tuple(t.id for t in outputs)))
        return outputs[0] if len(outputs) == 1 else outputs


def _resolve(value: Any) -> Any:
    """A place in the weight tree (see `weights.tree`) becomes the matrix or vector it stands for."""
    if isinstance(value, (list, tuple)):
        return [_resolve(v) for v in value]
    resolve = getattr(value, "_resolve", None)
    return resolve() if resolve else value


def op(shape: Callable[..., Sequence[tuple[int, str]]]) -> Callable[[Callable[..., Any]], Op]:
    return lambda meaning: Op(meaning, shape)
