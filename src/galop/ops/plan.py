"""Plans: a model's forward pass as a flat list of ops over numbered buffers; and what an op declares.

A family's forward function is run once on symbolic tensors; every op it calls is written down. The plan leaves the
number of tokens free, can be printed and checked, and is all that either executor knows of a model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypedDict, TypeVar, Unpack, cast, get_type_hints, overload

import numpy as np

from galop import native
from galop.errors import ModelFileError
from galop.ops.cost import Cost, Scratch, Workload

Array = np.ndarray[Any, np.dtype[Any]]
Shapes = Sequence[tuple[int, str]]  # width and dim of each output
Attribute = bool | int | float
Result = TypeVar("Result")  # of an op: a tensor, or several


@dataclass(frozen=True)
class Tensor:
    """A value of `width` floats for every token ("T") or for every token whose logits are wanted ("R")."""

    plan: Plan
    id: int
    width: int
    dim: str = "T"

    def __add__(self, other: Tensor) -> Tensor:
        result: Tensor = OPS["add"](self, other)
        return result

    def __mul__(self, other: Tensor) -> Tensor:
        result: Tensor = OPS["multiply"](self, other)
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
class Input:
    """An array that a step is given, by the name of its field in the batch."""

    plan: Plan
    name: str


@dataclass(frozen=True)
class Inputs:
    """What a step is given: its tokens with their positions and sequences, which logits are wanted, what is kept.

    An op takes the arrays it needs, or all of them if it keeps a state.
    """

    plan: Plan

    @property
    def positions(self) -> Input:
        """Each token's place in its sequence, and its positions on what other axes a step gives: [axes, T]."""
        return Input(self.plan, "positions")

    @property
    def rows(self) -> Input:
        """Indices of the tokens whose logits are wanted [R]."""
        return Input(self.plan, "rows")

    @property
    def next_state(self) -> int:
        """The number of the state that the next op which keeps one has."""
        return len(self.plan.states)


class LayerState:
    """What an op keeps of each sequence between steps; a kind is a frozen dataclass with the sizes of one layer.

    `galop.engine.states` says how each kind is kept. The op that needs a kind can declare it in its own file.
    """


@dataclass(frozen=True)
class Paged(LayerState):
    """The keys and values of every earlier token; widths are values per token."""

    k_width: int
    v_width: int


@dataclass(frozen=True)
class Whole(Paged):
    """The same where tokens see later ones, so that a step has to bring all tokens of a sequence."""


@dataclass(frozen=True)
class Window(LayerState):
    """The keys and values of the last `window` tokens; widths are values per token."""

    k_width: int
    v_width: int
    window: int


@dataclass(frozen=True)
class Latent(LayerState):
    """One row of `width` values for every earlier token, its key; the first `value_width` of them are its value."""

    width: int
    value_width: int


@dataclass(frozen=True)
class Recurrent(LayerState):
    """So many float32 values for a sequence, which every token changes: zeros before the first."""

    floats: int


@dataclass(frozen=True)
class Step:
    """One use of an op: its arguments by parameter name, and the buffers it reads and writes."""

    op: Op[Any]
    arguments: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def matrices(self) -> list[Matrix]:
        """The matrices among the arguments, in order."""
        return [value for value in _flat(self.arguments.values()) if isinstance(value, Matrix)]

    @property
    def vectors(self) -> list[Vector | None]:
        """The vectors among the arguments, in order; None for a bias that is not there."""
        return [value for value in _flat(self.arguments.values()) if value is None or isinstance(value, Vector)]

    @property
    def attributes(self) -> dict[str, Attribute]:
        """What the native step takes beside its operands, each of the type that the op declares."""
        return {name: kind(self.arguments[name]) for name, kind in self.op.attributes.items()}

    @property
    def cost(self) -> Callable[[Workload], Cost]:
        """What the step needs for a workload."""
        return lambda work: self.op.cost(work, **self.arguments)

    @property
    def scratch(self) -> Scratch:
        """Room for each token beside the buffers."""
        return self.op.scratch(**self.arguments)

    @property
    def label(self) -> str:
        """The op's name, or those of the weights that tell its uses in a layer apart."""
        if not self.op.named_by:
            return self.op.name
        return " ".join(".".join(m.name.split(".")[-2:-1]) for m in self.arguments[self.op.named_by])


@dataclass
class Plan:
    """Steps in order; `widths[i]` and `dims[i]` describe buffer i; the last step's output is the logits.

    `draft` is a second pass, of the layers that predict the token after the next one: its states are the last of these.
    """

    steps: list[Step] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    dims: list[str] = field(default_factory=list)
    states: list[LayerState] = field(default_factory=list)
    draft: Plan | None = None

    @property
    def in_one_step(self) -> bool:
        """Whether a step has to bring all tokens of a sequence, as an encoder's does."""
        return any(isinstance(state, Whole) for state in self.states)

    def buffer(self, width: int, dim: str) -> Tensor:
        """A new buffer of `width` floats per row."""
        self.widths.append(width)
        self.dims.append(dim)
        return Tensor(self, len(self.widths) - 1, width, dim)

    @property
    def _all_steps(self) -> list[Step]:
        return self.steps + (self.draft.steps if self.draft else [])

    def matrices(self) -> dict[str, Matrix]:
        """Every matrix that a step uses, by name, in order of first use."""
        return {m.name: m for step in self._all_steps for m in step.matrices}

    def vectors(self) -> dict[str, Vector]:
        """Every vector that a step uses, by name, in order of first use."""
        return {v.name: v for step in self._all_steps for v in step.vectors if v}

    def exact_matrices(self) -> set[str]:
        """Names of the matrices that must keep full precision."""
        return {step.arguments[name].name for step in self._all_steps for name in step.op.exact}

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
        that work token by token need no barrier between them. Where an op may, its output takes the slot of an input
        that nobody reads after it. The logits have the last slot to themselves.
        """
        free: dict[tuple[int, str], list[int]] = {}
        shapes: list[tuple[int, str]] = []
        slot_of = [-1] * len(self.widths)
        spans = self.lifetimes()
        logits = self.steps[-1].outputs[-1]
        for i, step in enumerate(self.steps):
            taken = set[int]()
            for b in step.outputs:
                key = (self.widths[b], self.dims[b])
                if b == logits:
                    continue
                first = step.inputs[0] if step.op.in_place else b
                if first != b and spans[first][1] == i and (self.widths[first], self.dims[first]) == key:
                    slot_of[b] = slot_of[first]
                    taken.add(first)
                elif free.get(key):
                    slot_of[b] = free[key].pop()
                else:
                    slot_of[b] = len(shapes)
                    shapes.append(key)
            for b in {*step.inputs, *step.outputs} - taken:
                if spans[b][1] == i and b != logits:
                    free.setdefault((self.widths[b], self.dims[b]), []).append(slot_of[b])
        slot_of[logits] = len(shapes)
        shapes.append((self.widths[logits], self.dims[logits]))
        return slot_of, shapes

    def __str__(self) -> str:
        lines = []
        for step in self.steps:
            out = ", ".join(f"%{b}[{self.dims[b]},{self.widths[b]}]" for b in step.outputs)
            values = [_show(value) for value in step.arguments.values() if not isinstance(value, Input | Inputs)]
            lines.append(f"{out} = {step.op.name}({', '.join(values)})")
        return "\n".join([*lines, "draft:", str(self.draft)] if self.draft else lines)


class Op(Generic[Result]):
    """An operation, and everything that is known of it: the one place where it is declared.

    Called on tensors it appends a step to their plan. `meaning` is what the reference executor runs and what the native
    step of the same name is tested against; its parameters that are annotated bool, int or float are the attributes
    that the native step takes, by name and type. `shape`, `cost`, `scratch` and `state` get the same arguments:

    shape    (width, dim) of each output; raises ValueError where the arguments do not fit.
    cost     after a Workload: what the step reads and computes; nothing much by default.
    scratch  the room it needs beside its operands; none by default.
    state    what it keeps of a sequence, if anything; `state` is then a parameter too, the number in the plan. None
             where it reads what an earlier layer keeps.
    exact    parameters whose matrices must keep full precision.
    named_by the parameter whose matrices tell its uses in a layer apart.
    in_place whether its output may lie where its first input does: each value follows from those at its place.
    """

    def __init__(
        self,
        meaning: Callable[..., Any],
        shape: Callable[..., Shapes],
        cost: Callable[..., Cost] | None = None,
        scratch: Callable[..., Scratch] | None = None,
        state: Callable[..., LayerState | None] | None = None,
        exact: tuple[str, ...] = (),
        named_by: str = "",
        in_place: bool = False,
    ) -> None:
        self.meaning = meaning
        self.name = meaning.__name__
        self.shape = shape
        self.cost: Callable[..., Cost] = cost or (lambda *_, **__: Cost())
        self.scratch: Callable[..., Scratch] = scratch or (lambda **_: Scratch())
        self.state = state
        self.exact = exact
        self.named_by = named_by
        self.in_place = in_place
        self.signature = inspect.signature(meaning)
        hints = get_type_hints(meaning)
        self.attributes: dict[str, type[bool | int | float]] = {
            name: hints[name] for name in self.signature.parameters if hints[name] in (bool, int, float)
        }
        self.__doc__ = meaning.__doc__
        self._compare_with_native()
        OPS[self.name] = self

    def _compare_with_native(self) -> None:
        """Raises ImportError where the native step takes other attributes than declared here."""
        ours = {name: kind.__name__ for name, kind in self.attributes.items()}
        theirs = dict(native.ops().get(self.name, ours.items()))  # one that has no native step can still be tried out
        if ours != theirs:
            raise ImportError(
                f"the op {self.name} takes {ours} here and {theirs} in the native core; build that again from the "
                "same sources (pip install --editable .)"
            )

    def __call__(self, *args: object, **kwargs: object) -> Result:
        """Adds a step; its output, or a list of them. Raises ModelFileError where the weights do not fit."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: _resolve(value) for name, value in bound.arguments.items()}
        flat = list(_flat(arguments.values()))
        plan: Plan = next(v.plan for v in flat if isinstance(v, (Tensor, Input, Inputs)))
        names = [v.name for v in flat if isinstance(v, Matrix)]
        try:
            shapes = self.shape(**arguments)
            if self.state and (kept := self.state(**arguments)):
                if arguments["state"] != len(plan.states):
                    raise ValueError("layers must use their states in order")
                plan.states.append(kept)
        except (ValueError, AttributeError) as error:  # AttributeError: a vector where a matrix is due, or vice versa
            if isinstance(error, AttributeError) and isinstance(error.obj, Matrix | Vector):
                error = ValueError(f"{error.obj.name} is a {type(error.obj).__name__.lower()}")
            where = f" ({names[0]})" if names else ""
            raise ModelFileError(f"the weights do not fit the configuration: {self.name}{where}: {error}") from error
        outputs = [plan.buffer(width, dim) for width, dim in shapes]
        inputs = tuple(v.id for v in flat if isinstance(v, Tensor))
        plan.steps.append(Step(self, arguments, inputs, tuple(t.id for t in outputs)))
        result: Any = outputs[0] if len(outputs) == 1 else outputs
        return cast(Result, result)


OPS: dict[str, Op[Any]] = {}  # every op that is declared, by name


class Declaration(TypedDict, total=False):
    """What an op may declare beside its meaning and shape: see `Op`."""

    cost: Callable[..., Cost]
    scratch: Callable[..., Scratch]
    state: Callable[..., LayerState | None]
    exact: tuple[str, ...]
    named_by: str
    in_place: bool


class Declare(Protocol):
    """What makes an op of its meaning: one that gives a tensor, or a list of them."""

    @overload
    def __call__(self, meaning: Callable[..., Array]) -> Op[Tensor]: ...

    @overload
    def __call__(self, meaning: Callable[..., list[Array]]) -> Op[list[Tensor]]: ...


def op(shape: Callable[..., Shapes], **more: Unpack[Declaration]) -> Declare:
    """Declares the op that a function is the meaning of."""

    def declare(meaning: Callable[..., Any]) -> Any:
        return Op(meaning, shape, **more)

    return declare


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def _resolve(value: Any) -> Any:
    """A place in the weight tree (see `weights.tree`) becomes the matrix or vector it stands for."""
    if isinstance(value, (list, tuple)):
        return [_resolve(v) for v in value]
    resolve = getattr(value, "_resolve", None)
    return resolve() if resolve else value


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
