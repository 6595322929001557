"""From a plan to the native executor's program."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import numpy as np

from galop import native
from galop.engine.states import KVType
from galop.engine.states.paged import layer_bytes
from galop.errors import ModelFileError
from galop.ops.plan import Array, Inputs, Matrix, Plan, Step, Tensor, Vector
from galop.weights.pack import Pack


def program(plan: Plan, pack: Pack, threads: int, kv: KVType, isa: str = "") -> native.Program:
    """`isa` names a kernel set, "" the fastest. Raises ValueError for one this machine does not run."""
    plan.check()
    if kv not in get_args(KVType):
        raise ValueError(f"keys and values are kept as f16 or int8, not {kv!r}")
    if isa and isa not in native.instruction_sets():
        raise ValueError(f"this machine does not run the kernels {isa!r}, only {', '.join(native.instruction_sets())}")
    slot_of, slots = plan.slots()
    matrices = list(plan.matrices())
    vectors = list(plan.vectors().values())
    state_offset = np.cumsum([0] + [layer_bytes(s, kv) for s in plan.states])
    index_of_matrix = {name: i for i, name in enumerate(matrices)}
    index_of_vector = {vector.name: i for i, vector in enumerate(vectors)}

    def lower(step: Step) -> tuple[Any, ...]:
        weights: list[int] = []
        vecs: list[int] = []
        ints: list[int] = []
        reals: list[float] = []
        for name, value in step.arguments.items():
            annotation = str(inspect.get_annotations(step.op.meaning).get(name))
            for item in value if isinstance(value, list) else [value]:
                match item:
                    case Tensor() | Inputs():
                        pass
                    case Matrix():
                        weights.append(index_of_matrix[item.name])
                    case Vector():
                        vecs.append(index_of_vector[item.name])
                    case None:
                        vecs.append(-1)
                    case int() if name == "state":
                        ints.append(int(state_offset[item]))
                    case int() if annotation == "float":
                        reals.append(float(item))
                    case int():
                        ints.append(int(item))
                    case float():
                        reals.append(item)
        if step.op.name == "experts":
            ints = [len(step.arguments["gates"])]
        if step.op.name == "attention":
            ints.append(int(kv == "int8"))
        if step.op.name == "route":
            ints = [int(step.arguments["normalise"])]
        return (
            step.op.name,
            [slot_of[b] for b in step.inputs],
            [slot_of[b] for b in step.outputs],
            weights,
            vecs,
            ints,
            reals,
        )

    try:
        return native.Program(
            buffers=[(width, dim == "R") for width, dim in slots],
            steps=[lower(step) for step in plan.steps],
            matrices=[(m.quant_type, m.rows, m.cols, m.offset) for m in (pack.matrices[name] for name in matrices)],
            vectors=[_vector(v, pack) for v in vectors],
            pack=pack.data,
            isa=isa,
            threads=threads,
        )
    except ValueError as error:
        raise ModelFileError(f"{pack.card.name}: the native core cannot run this model: {error}") from error


def _vector(vector: Vector, pack: Pack) -> Array:
    value = pack.vectors[vector.name] if vector.value is None else vector.value
    return np.ascontiguousarray(value, np.float32)
