"""Expressions of known quantities that have the dimension asked for: products and quotients, differences of what
measures the same, and functions of what is a pure number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, product
from math import prod
from typing import Any

from galop.science.extraction import KnownValue
from galop.science.units import normalise_unit, unit_registry

CONSTANTS = {"g0": "m/s^2", "F": "C/mol", "R": "J/mol/K"}
FUNCTIONS = {"sqrt": ("sqrt({})",), "ln": ("ln({})", "log10({})"), "exp": ("exp({})", "exp(-({}))")}
"""Of pure numbers, by the one in a formula that lets them be thought of."""
MOST, EFFORT = 400, 100_000  # expressions, and products that are tried for them
Dimension = tuple[tuple[str, float], ...]
Atom = tuple[str, Dimension, float]
"""What is written, its dimension, and how much it is in base units."""


@cache
def dimension(unit: str) -> Dimension:
    """Of a unit: its base dimensions with their powers."""
    found: dict[str, Any] = dict(unit_registry().Unit(normalise_unit(unit)).dimensionality) if unit else {}
    return tuple(sorted((name, float(power)) for name, power in found.items()))


def find_expressions(
    given: Sequence[KnownValue],
    results: Sequence[Sequence[KnownValue]],
    spare: Sequence[KnownValue],
    unit: str,
    like: str = "",
) -> list[str]:
    """Those that measure `unit` and use each quantity given once, one of each formula's results, perhaps one that is
    spare, and at most two constants; with the functions that stand in a formula `like` them."""
    asked = dimension(unit)
    functions = [f for name, fs in FUNCTIONS.items() if re.search(rf"\b{name}\w*\(", like) for f in fs]
    constants = [
        [(n, dimension(u), 0.0) for n, u in c] for size in range(3) for c in combinations(CONSTANTS.items(), size)
    ]
    pairs = 1 + len(given) ** 2
    if 2 ** (len(given) + len(results) + 2) * pairs * prod([len(r) for r in results]) * (1 + len(spare)) > EFFORT:
        return []
    found: dict[str, None] = {}
    least = 0  # constants of what was found
    for known, chosen, more in product(constants, product(*results), [[], *([g] for g in spare)]):
        if found and not results and len(known) > least:
            break
        every = [*chosen, *more, *given]
        if not every:
            continue
        numbers = [g.text for g in every if not g.unit]
        helpers, measures = [atom_of(g) for g in (*chosen, *more) if g.unit], [atom_of(g) for g in given if g.unit]
        for atoms, ratios in groupings(measures, functions):
            for text in combine([*helpers, *atoms, *known], ratios, asked, functions):
                found.update(dict.fromkeys(with_numbers(text, numbers, functions)))
                least = len(known)
    if unit.endswith("Hz"):
        found.update({f"{text} / (2 * pi)": None for text in found})  # a rate in radians is no frequency
    for whole in (g for group in results for g in group if given and dimension(g.unit) == asked):
        found.update({f"{whole.text} {s} {e}": None for e in find_expressions(given, [], [], unit, like) for s in "-+"})
    return list(found)[:MOST]


def atom_of(given: KnownValue) -> Atom:
    """A known value, in base units for comparison."""
    quantity = unit_registry().Quantity(given.value, normalise_unit(given.unit)).to_base_units()
    return given.text, dimension("K" if given.unit in ("°C", "degC") else given.unit), float(quantity.magnitude)


def groupings(measures: Sequence[Atom], functions: Sequence[str]) -> Iterator[tuple[list[Atom], list[str]]]:
    """All quantities apart; or of two that measure the same their difference, or for functions their ratio."""
    yield list(measures), []
    for (i, a), (j, b) in combinations(enumerate(measures), 2):
        if a[1] == b[1]:
            rest = [m for k, m in enumerate(measures) if k not in (i, j)]
            more, less = (a, b) if a[2] > b[2] else (b, a)
            yield [*rest, (f"({more[0]} - {less[0]})", a[1], more[2] - less[2])], []
            if functions:
                yield rest, [f"{b[0]} / ({a[0]})", f"{a[0]} / ({b[0]})"]


def combine(atoms: Sequence[Atom], ratios: Sequence[str], asked: Dimension, functions: Sequence[str]) -> Iterator[str]:
    """All in one product; or one of them, times a function of the rest."""
    for text in products(atoms, asked):
        yield from (f"{text} * {f.format(ratio)}" for ratio in ratios for f in functions)
        if not ratios:
            yield text
    for i, (name, of, _) in enumerate(atoms if functions else ()):
        rest = [a for k, a in enumerate(atoms) if k != i]
        if of == asked and len(rest) > 1 and not ratios:
            yield from (f"{name} * {f.format(group)}" for group in products(rest, ()) for f in functions)


def products(atoms: Sequence[Atom], asked: Dimension) -> Iterator[str]:
    """Each quantity once, above or below the line."""
    for powers in product((1, -1), repeat=len(atoms)):
        total: dict[str, float] = {}
        for (_, of, _), power in zip(atoms, powers, strict=True):
            for name, exponent in of:
                total[name] = total.get(name, 0) + power * exponent
        if tuple(sorted((n, e) for n, e in total.items() if e)) == asked:
            above = [name for (name, *_), power in zip(atoms, powers, strict=True) if power > 0]
            below = [name for (name, *_), power in zip(atoms, powers, strict=True) if power < 0]
            under = f" / ({' * '.join(below)})" if below else ""
            yield f"{' * '.join(above) or '1'}{under}"


def with_numbers(text: str, numbers: Sequence[str], functions: Sequence[str]) -> Iterator[str]:
    """With each pure number as a factor, above or below, or the only one within a function."""
    for signs in product("*/", repeat=len(numbers)):
        yield text + "".join(f" {sign} {n}" for sign, n in zip(signs, numbers, strict=True))
    if len(numbers) == 1:
        yield from (f"{text} * {f.format(numbers[0])}" for f in functions)
