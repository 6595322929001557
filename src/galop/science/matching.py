"""Which known values fit which inputs of a formula, by dimension and range."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from inspect import Parameter

from galop.science.extraction import KnownValue
from galop.science.formula import Formula, Quantity, TextInput
from galop.science.units import ScienceError, normalise_unit, parse_quantity


@lru_cache(10_000)
def fits(value: KnownValue, quantity: Quantity) -> bool:
    """Whether a value measures that, and lies within its range."""
    if bool(quantity.unit) != bool(value.unit):
        return False
    try:
        return quantity.low <= parse_quantity(value.text, quantity.unit, "") <= quantity.high
    except ScienceError:
        return False


@lru_cache(10_000)
def same_dimension(unit: str, other: str) -> bool:
    """Whether two units measure the same."""
    if not unit or not other:
        return unit == other
    try:
        parse_quantity(f"1 {normalise_unit(unit)}", normalise_unit(other), "")
    except ScienceError:
        return False
    return True


def count_placed(slots: Sequence[Quantity], values: Sequence[KnownValue]) -> int:
    """The most of `values` that can be put into `slots` at once, one in each (Kuhn's algorithm)."""
    taken: dict[int, int] = {}

    def put(one: int, tried: set[int]) -> bool:
        for i, slot in enumerate(slots):
            if i not in tried and fits(values[one], slot):
                tried.add(i)
                if i not in taken or put(taken[i], tried):
                    taken[i] = one
                    return True
        return False

    return sum(put(one, set()) for one in range(len(values)))


def quantity_inputs(formula: Formula, optional: bool = True) -> dict[str, Quantity]:
    """The inputs that take quantities."""
    return {
        name: kind
        for name, (kind, default) in formula.parameters.items()
        if isinstance(kind, Quantity) and (optional or not has_default(default))
    }


def has_default(default: object) -> bool:
    """Whether an input may be left out."""
    return default is not Parameter.empty


def choice_inputs(formula: Formula) -> list[tuple[str, ...] | TextInput]:
    """What the inputs that take a name can be: one of some choices, or a text of a form."""
    return [kind for kind, _ in formula.parameters.values() if isinstance(kind, (tuple, TextInput))]
