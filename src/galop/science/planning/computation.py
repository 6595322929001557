"""Plans carried out: quantities converted, formulas computed or solved, step by step."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

from galop.science.formula import Quantity, format_number
from galop.science.planning.answer import ComputedStep
from galop.science.planning.assumptions import Assumption
from galop.science.planning.formula_plan import FormulaPlan, FormulaStep, Missing
from galop.science.planning.inverse import NoRoot, UselessStep, solve
from galop.science.planning.variables import convert, is_difference, stems_of
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.quantities import Given
from galop.science.reading.words import stems
from galop.science.units import ScienceError

DEGREES = {"degC": "°C", "degF": "°F"}  # in answers
POSITIVE = frozenset(
    "kg g t Pa bar K m mm cm km um nm m^2 cm^2 m^3 L kg/m^3 g/cm^3 mol mol/L mol/m^3 s h min year kg/s g/mol".split()
)
SIGNED = frozenset(stems("difference change rise drop height level elevation"))
GAUGE = re.compile(r"\bgauge\b|relative|manom[ée]trique|effective", re.IGNORECASE)
LOGARITHM = re.compile(
    r"(?:the |le |la )?(?:(?P<natural>ln|natural log\w*|logarithme (?:neperien|naturel))|"
    r"(?:decimal |common )?log(?:arithme?)?(?: ?10| (?:in |en )?base 10| decimal)?) ?(?:\(|of |de |du |d')"
)
MOST = 4  # values of a plan whose formulas have several roots


@dataclass(frozen=True)
class Computation:
    """A value of what a plan computes, in `unit`, with the steps to it."""

    value: float
    unit: str
    steps: tuple[ComputedStep, ...] = ()
    assumptions: tuple[str, ...] = ()


def compute(plan: FormulaPlan) -> list[Computation]:
    """What a plan comes to, in the unit that is asked for: one value, or several where a formula has several roots.

    Raises ScienceError for a value that no formula takes, and where nothing comes out.
    """
    asked = plan.asked.unit
    found = []
    for made in _compute(plan.step):
        unit = DEGREES.get(made.unit, made.unit.removeprefix("Δ")) if asked is None else asked
        value = convert(made.value, made.unit, unit, is_difference(plan.step.target.of))
        if value is None:
            raise ScienceError(
                f"{plan.step.target.of.what} is measured in {made.unit or 'pure numbers'}, not in {asked}"
            )
        if GAUGE.search(plan.asked.what) and any("gauge pressure" in said for said in made.assumptions):
            value -= convert(101325.0, "Pa", unit) or 0.0
            made = replace(
                made, assumptions=(*made.assumptions, "one atmosphere is taken off: a gauge pressure is asked")
            )
        if not unit and value > 0 and (logarithm := LOGARITHM.match(fold_characters(plan.asked.what))):
            value = math.log(value) if logarithm["natural"] else math.log10(value)
        found.append(replace(made, value=value, unit=unit))
    return found


def _compute(step: FormulaStep) -> list[Computation]:
    options: list[list[Computation | str]] = []
    for name, source in step.inputs.items():
        if isinstance(source, FormulaStep):
            options.append(list(_compute(source)))
        elif isinstance(source, Missing):
            raise ScienceError(f"{source.variable.of.what} is not given")
        elif isinstance(source, str):
            options.append([source])
        else:
            options.append([_read(source, _variable_of(step, name), name)])
    found = []
    for chosen in islice(product(*options), MOST):
        found += _apply(step, dict(zip(step.inputs, chosen, strict=True)))
    return found[:MOST]


def _variable_of(step: FormulaStep, name: str) -> Quantity:
    if step.known and step.known.name == name:
        return step.known.of
    kind = step.formula.parameters[name][0]
    assert isinstance(kind, Quantity)
    return kind


def _read(source: Given | Assumption, of: Quantity, name: str) -> Computation:
    """A value in the unit of an input."""
    value = convert(source.value, source.unit, of.unit, is_difference(of))
    if value is None:
        raise ScienceError(f"{of.what} is measured in {of.unit or 'pure numbers'}, not in {source.unit}")
    if not of.low <= value <= of.high:
        if isinstance(source, Assumption):  # nobody said so
            raise UselessStep(f"{source.what} is no {of.what}, which is {of.valid}")
        raise ScienceError(f"{source.text} cannot be the {of.what}, which is {of.valid}")
    if isinstance(source, Given):
        return Computation(value, of.unit, (), (source.assumed,) if source.assumed else ())
    return Computation(value, of.unit, (), (f"{source.what} = {source.quantity} ({source.source})",))


def _apply(step: FormulaStep, chosen: Mapping[str, Computation | str]) -> list[Computation]:
    """A formula computed, or solved, with the values of its inputs."""
    formula, target, known = step.formula, step.target, step.known
    values: dict[str, float | str] = {}
    steps: list[ComputedStep] = []
    assumptions: list[str] = []
    wanted = 0.0
    for name, source in chosen.items():
        if isinstance(source, str):
            values[name] = source
            continue
        of = _variable_of(step, name)
        number = convert(source.value, source.unit, of.unit, is_difference(of))
        assert number is not None
        steps += [s for s in source.steps if s not in steps]
        assumptions += [a for a in source.assumptions if a not in assumptions]
        if known and name == known.name:
            wanted = number
        else:
            values[name] = number
    if known:
        for name, value in values.items():
            kind = formula.parameters[name][0]
            if isinstance(kind, Quantity) and isinstance(value, float):
                kind.check(name, value)
        roots = solve(formula, target.name, known.name, wanted, values)
    else:
        made = formula.apply(**values).get(target.name, "")
        if isinstance(made, str):
            raise ScienceError(f"{formula.name} gives no {target.of.what} here")
        if not target.of.low <= made <= target.of.high:
            said = f"{format_number(made)} {target.of.unit}".rstrip()
            raise ScienceError(f"the {target.of.what} would be {said}; it can be {target.of.valid}")
        if "efficiency" in target.of.what and not target.of.unit and made > 1:
            raise ScienceError(f"the {target.of.what} would be {format_number(made)}, more than 1")
        roots = (made,)
    if target.of.unit in POSITIVE and not SIGNED & stems_of(target.of.what):
        roots = tuple(root for root in roots if root >= 0)
        if not roots:
            raise NoRoot(f"the {target.of.what} would be negative")
    inputs = {name: f"{format_number(v)} {getattr(formula.parameters[name][0], 'unit', '')}".rstrip()
              for name, v in values.items()}  # fmt: skip
    if known:
        inputs[known.name] = f"{format_number(wanted)} {known.of.unit}".rstrip()
    assumptions += [
        f"{name.replace('_', ' ')} = {default}"
        for name, (kind, default) in formula.parameters.items()
        if isinstance(kind, tuple) and isinstance(default, str) and name not in values
    ]
    assumptions += [
        f"{kind.what} = {format_number(default)} {kind.unit}".rstrip()
        for name, (kind, default) in formula.parameters.items()
        if isinstance(kind, Quantity) and isinstance(default, float) and default
        and name not in values and name != target.name
    ]  # fmt: skip
    valid = ", ".join(
        f"{name} {kind.valid}" for name, (kind, _) in formula.parameters.items()
        if isinstance(kind, Quantity) and kind.valid
    )  # fmt: skip
    return [
        Computation(
            root, target.of.unit,
            (*steps, ComputedStep(formula.name, target.of.what, root, target.of.unit, inputs, known is not None,
                                  formula.formula, formula.source, valid)),
            tuple(assumptions),
        )
        for root in roots
    ]  # fmt: skip
