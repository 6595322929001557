"""The inputs and results of all formulas, by what they measure and by the words that speak of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from inspect import Parameter
from math import log
from typing import Any

from galop.science import formulas
from galop.science.formula import Formula, Quantity
from galop.science.reading.words import stems
from galop.science.units import ScienceError, normalise_unit, parse_quantity, unit_registry

OWN, OTHER = 1.0, 0.8  # weight of a variable's words: what it is, and what it is also called
DIFFERENCE = frozenset(stems("difference rise increase drop superheat change écart élévation échauffement"))
TOGETHER = frozenset(stems("total overall equivalent series parallel"))  # what several are together is one to others
DEGREES = {"K": 1.0, "degC": 1.0, "degF": 5 / 9}  # K of a difference
Dimension = tuple[tuple[str, float], ...]


STATED = frozenset(
    [(name, "temperature") for name in ("arrhenius", "osmotic_pressure")]
    + [(name, "gamma") for name in ("adiabatic_pressure", "adiabatic_temperature", "temperature_of_compression",
                                    "temperature_of_pressure_ratio", "adiabatic_work")]
    + [("isentropic_temperature", "heat_ratio"), ("compressor_power", "heat_ratio"),
       ("compressor_power", "heat_capacity"), ("stagnation_temperature_of_velocity", "heat_capacity"),
       ("stress_and_strain", "elastic_modulus"), ("resistance_at_temperature", "coefficient"),
       ("radiation", "emissivity"), ("emissive_power", "emissivity")]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Variable:
    """An input or a result of a formula that is a number, with the weights of the stems that speak of it."""

    formula: Formula
    name: str
    of: Quantity
    is_result: bool
    default: Any  # Parameter.empty where there is none
    dimension: Dimension
    stems: Mapping[str, float]

    @property
    def is_required(self) -> bool:
        """Whether the formula cannot do without it, or a question has to say what it is."""
        return not self.is_result and (self.default is Parameter.empty or self.stands_for_data)

    @property
    def stands_for_data(self) -> bool:
        """Whether its default is of one substance or state among many, which no reader takes for granted."""
        return (self.formula.name, self.name) in STATED


@lru_cache(4096)
def dimension(unit: str) -> Dimension | None:
    """Of a unit: its base dimensions with their powers, none of a pure number; None for what is no unit."""
    try:
        found: dict[str, Any] = dict(unit_registry().Unit(normalise_unit(unit)).dimensionality) if unit else {}
    except Exception:  # pint raises what its parser stumbles on
        return None
    return tuple(sorted((name, float(power)) for name, power in found.items()))


def is_difference(of: Quantity) -> bool:
    """Whether it is how much something differs from something else, so that 5 °C of it are 5 K."""
    return of.unit in ("K", "ΔK") and (of.unit == "ΔK" or bool(DIFFERENCE.intersection(stems(of.what))))


TEMPERATURE = dimension("K")


@lru_cache(20_000)
def convert(value: float, unit: str, to: str, difference: bool = False) -> float | None:
    """A number of `unit` in another; None where these measure different things. Of a difference zero is zero."""
    if unit == to:
        return value
    if difference and {normalise_unit(unit), normalise_unit(to)} <= DEGREES.keys():
        return value * DEGREES[normalise_unit(unit)] / DEGREES[normalise_unit(to)]
    try:
        return parse_quantity(f"{value!r} {unit or 'dimensionless'}", to or "dimensionless", "")
    except (ScienceError, ValueError):
        return None


@cache
def variables() -> tuple[Variable, ...]:
    """Those of all formulas that take and give numbers alone, or names of a choice."""
    found = []
    for formula in formulas().values():
        if any(kind is str for kind, _ in formula.parameters.values()):
            continue
        inputs = [(n, k, d, False) for n, (k, d) in formula.parameters.items() if isinstance(k, Quantity)]
        results = [(n, k, Parameter.empty, True) for n, k in formula.gives.items()]
        for name, of, default, is_result in (*inputs, *results):
            measure = dimension(of.unit)
            if measure is not None:
                found.append(Variable(formula, name, of, is_result, default, measure, weigh(of, name)))
    return tuple(found)


def weigh(of: Quantity, name: str) -> dict[str, float]:
    """The stems that speak of a quantity, with their weights."""
    weights = dict.fromkeys(stems(of.words), OTHER)
    weights |= dict.fromkeys(stems(name.replace("_", " ")), OTHER)
    return weights | dict.fromkeys(stems(of.what), OWN)


@cache
def by_dimension() -> Mapping[Dimension, tuple[Variable, ...]]:
    """The variables that measure the same."""
    found: defaultdict[Dimension, list[Variable]] = defaultdict(list)
    for variable in variables():
        found[variable.dimension].append(variable)
    return {measure: tuple(alike) for measure, alike in found.items()}


@cache
def by_formula() -> Mapping[str, tuple[Variable, ...]]:
    """The variables of each formula."""
    found: defaultdict[str, list[Variable]] = defaultdict(list)
    for variable in variables():
        found[variable.formula.name].append(variable)
    return {name: tuple(of) for name, of in found.items()}


@lru_cache(10_000)
def names_of(variable: Variable) -> tuple[frozenset[str], ...]:
    """The stems of each phrase that names a variable, in either language."""
    said = [variable.of.what, *variable.of.words.split(",")]
    return tuple(words for words in (stems_of(text) for text in said) if words)


@cache
def topics() -> Mapping[str, frozenset[str]]:
    """For each formula the stems of all that is said of it."""
    found = {}
    for name, of in by_formula().items():
        formula = of[0].formula
        text = f"{formula.about} {formula.words} {name.replace('_', ' ')}"
        found[name] = frozenset(stems(text)).union(*(v.stems for v in of))
    return found


@cache
def phrases() -> Mapping[str, tuple[frozenset[str], ...]]:
    """For each formula the stems of each phrase that says what it is about, in either language."""
    found = {}
    for name, of in by_formula().items():
        formula = of[0].formula
        said = [formula.about, name.replace("_", " "), *formula.words.split(",")]
        found[name] = tuple(words for words in (frozenset(stems(text)) for text in said) if words)
    return found


@cache
def rarity() -> Mapping[str, float]:
    """How much a stem tells of a variable, from 0 to 1: the less, the more variables it speaks of."""
    kinds: defaultdict[tuple[str, Dimension], set[str]] = defaultdict(set)  # the same one of many formulas is one
    for v in variables():
        kinds[v.of.what, v.dimension].update(v.stems)
    count = Counter(stem for words in kinds.values() for stem in words)
    most = log(len(kinds) + 1)
    return {stem: log((len(kinds) + 1) / times) / most for stem, times in count.items()}


@cache
def topic_rarity() -> Mapping[str, float]:
    """How much a stem tells of a formula, from 0 to 1."""
    count = Counter(stem for words in topics().values() for stem in words)
    most = log(len(topics()) + 1)
    return {stem: log((len(topics()) + 1) / times) / most for stem, times in count.items()}


def support(context: Mapping[str, float], variable: Variable) -> float:
    """How much words with their weights speak of a variable, from 0 to 1."""
    known = rarity()
    told = sum(weight * variable.stems[s] * known[s] for s, weight in context.items() if s in variable.stems)
    return told / (told + 0.5)


@lru_cache(200_000)
def likeness(made: Variable, wanted: Variable) -> float:
    """How much one variable is what another one wants, from 0 to 1: a result may be more general than an input, but
    hardly of something else."""
    if made.of.what == wanted.of.what:
        return 1.0
    if wanted.dimension == TEMPERATURE and is_difference(made.of) != is_difference(wanted.of):
        return 0.0
    common = TOGETHER | DIFFERENCE if is_difference(wanted.of) else TOGETHER
    ours, theirs = stems_of(made.of.what) - common, stems_of(wanted.of.what) - common
    shared = weigh_stems(ours & (theirs | wanted.stems.keys()))
    return 0.75 * shared / (weigh_stems(ours) or 1.0) + 0.25 * weigh_stems(ours & theirs) / (weigh_stems(theirs) or 1.0)


@lru_cache(10_000)
def stems_of(text: str) -> frozenset[str]:
    """The stems of a text."""
    return frozenset(stems(text))


def weigh_stems(words: Iterable[str]) -> float:
    """How much stems tell together."""
    known = rarity()
    return sum(known.get(s, 1.0) for s in words)


@cache
def knowns(target: Variable) -> tuple[Variable | None, ...]:
    """The results by which a formula may be solved for a variable; None where it is a result itself."""
    if target.is_result:
        return (None,)
    looked_up = "name" in target.formula.parameters  # no ratio tells at which temperature a fluid is
    return tuple(v for v in by_formula()[target.formula.name] if v.is_result and (v.of.unit or not looked_up))
