"""From a plan to the native executor's program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np

from galop import native
from galop.engine.states import KVType, places_of
from galop.errors import ModelFileError
from galop.ops.plan import Array, Plan, Step, Vector
from galop.weights.pack import Pack


def program(
    plan: Plan, pack: Pack, threads: int, kv: KVType, isa: str = "", places: Sequence[tuple[int, int]] = ()
) -> native.Program:
    """A program that runs `plan` on the weights of `pack`; `isa` names a kernel set, "" the fastest. `places` are those
    of its states where they are another plan's.

    Raises ValueError for a kernel set that this machine does not run, or a `kv` that is none; ModelFileError for a plan
    that the native core refuses.
    """
    plan.check()
    if kv not in get_args(KVType):
        raise ValueError(f"keys and values are kept as f16 or int8, not {kv!r}")
    if isa and isa not in native.instruction_sets():
        raise ValueError(f"this machine does not run the kernels {isa!r}, only {', '.join(native.instruction_sets())}")
    slot_of, slots = plan.slots()
    matrices = {name: i for i, name in enumerate(plan.matrices())}
    vectors = {name: i for i, name in enumerate(plan.vectors())}

    def lower(step: Step) -> native.Step:
        return (
            step.op.name,
            [slot_of[b] for b in step.inputs],
            [slot_of[b] for b in step.outputs],
            [matrices[m.name] for m in step.matrices],
            [vectors[v.name] if v else -1 for v in step.vectors],
            step.attributes,
        )

    try:
        return native.Program(
            buffers=[(width, dim == "R") for width, dim in slots],
            steps=[lower(step) for step in plan.steps],
            states=[(table, offset, kv == "int8") for table, offset in places or places_of(plan, kv)],
            matrices=[(m.quant_type, m.rows, m.cols, m.offset) for m in (pack.matrices[name] for name in matrices)],
            vectors=[_values(v, pack) for v in plan.vectors().values()],
            pack=pack.data,
            isa=isa,
            threads=threads,
        )
    except ValueError as error:
        raise ModelFileError(f"{pack.card.name}: the native core cannot run this model: {error}") from error


def _values(vector: Vector, pack: Pack) -> Array:
    values = pack.vectors[vector.name] if vector.value is None else vector.value
    return np.ascontiguousarray(values, np.float32)
