"""Any formula solved for any of its inputs: roots bracketed over the range in which the formula holds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from galop.errors import GalopError
from galop.science.formula import Formula, Quantity, format_number
from galop.science.units import ScienceError

SECONDS = 1.0  # a formula that takes longer is not solved
PASSES = (24, 96, 384)  # points over the range, each pass finer
DECADES = 18  # to either side of 1, where a range has no end
NARROW = 30.0  # a range whose ends differ by less is divided evenly
SAME = 1e-7  # roots this near, relatively, are one
EXACT = 1e-6  # a root gives what is wanted within this


class NoRoot(ScienceError):
    """A formula that no value of an input makes give what is wanted."""


class UselessStep(NoRoot):
    """A formula that is to be solved for an input that changes nothing."""


def solve(
    formula: Formula,
    unknown: str,
    result: str,
    wanted: float,
    known: Mapping[str, float | str],
    seconds: float = SECONDS,
) -> tuple[float, ...]:
    """All values of the input `unknown`, in its unit and ascending, for which `result` is `wanted` in its own unit.

    The other inputs are `known`, in the formula's units. Raises NoRoot where there is none in the range in which the
    formula holds, UselessStep where `unknown` changes nothing, ScienceError where `seconds` do not suffice.
    """
    of = formula.parameters[unknown][0]
    if not isinstance(of, Quantity):
        raise ScienceError(f"{formula.name} cannot be solved for {unknown}, which is no number")
    end = math.inf  # the first evaluation may import a library

    def miss(x: float) -> float:
        """How far the result is from what is wanted; not a number where there is none."""
        if time.monotonic() > end:
            raise ScienceError(f"{formula.name} could not be solved for {of.what} within {seconds:g} s")
        try:
            made = formula.function(**known, **{unknown: x})
            value = made[result] if isinstance(made, dict) else made
            return float(value) - wanted
        except (GalopError, ArithmeticError, ValueError, TypeError, KeyError):
            return math.nan

    miss(max(of.low, min(of.high, 1.0)))
    end = time.monotonic() + seconds
    scale = abs(wanted) or 1.0
    misses: dict[float, float] = {}
    roots: list[float] = []
    for points in PASSES:
        start = time.monotonic()
        misses.update((x, miss(x)) for x in spread(of.low, of.high, points) if x not in misses)
        if (flat := [m for m in misses.values() if not math.isnan(m)]) and max(flat) - min(flat) <= SAME * scale:
            raise UselessStep(f"{formula.name}: {of.what} does not change {formula.gives[result].what}")
        found = list(find_roots(miss, sorted(misses.items()), scale))
        if found and len(found) == len(roots):
            break
        roots = found
        if (time.monotonic() - start) * (PASSES[1] / PASSES[0]) > (end - time.monotonic()) / 2:
            break  # a finer pass would not come to its end
    if not roots:
        unit = formula.gives[result].unit
        raise NoRoot(
            f"no {of.what}{f' ({of.valid})' if of.valid else ''} makes {formula.gives[result].what} "
            f"{format_number(wanted)} {unit}".rstrip()
        )
    return tuple(roots)


def spread(low: float, high: float, points: int) -> list[float]:
    """Values from `low` to `high`: evenly where these are near each other, else by powers of ten, either side of 0."""
    if low > 0 and high < low * NARROW:
        return [low + (high - low) * i / points for i in range(points + 1)]
    top, bottom = (min(end, 10.0**DECADES) for end in (high, -low))
    values: set[float] = set()
    for sign, end, start in ((1, top, max(low, 0.0)), (-1, bottom, max(-high, 0.0))):
        if end <= 0:
            continue
        least = start or end * 10.0 ** -(2 * DECADES if math.isinf(high if sign > 0 else -low) else DECADES)
        values.update(sign * least * (end / least) ** (i / points) for i in range(points + 1))
        values.add(sign * end)
        if not math.isinf(high if sign > 0 else -low):
            values.update(sign * (start + (end - start) * i / points) for i in range(points + 1))
    return sorted(v for v in values if low <= v <= high)


def find_roots(miss: Callable[[float], float], points: list[tuple[float, float]], scale: float) -> Iterator[float]:
    """The roots between neighbouring points, and at points themselves."""
    last = math.nan
    for (a, at_a), (b, at_b) in pairwise(points):
        if math.isnan(at_a) or math.isnan(at_b) or at_a * at_b > 0:
            continue
        root = a if at_a == 0 else b if at_b == 0 else refine(miss, a, b, at_a, at_b)
        if abs(miss(root)) <= EXACT * scale and not abs(root - last) <= SAME * abs(root):  # no pole
            last = root
            yield root


def refine(miss: Callable[[float], float], a: float, b: float, at_a: float, at_b: float) -> float:
    """The root in a bracket, by Ridders' method (IEEE Trans. Circuits Syst. 26 (1979) 979)."""
    root = a
    for _ in range(100):
        middle = (a + b) / 2
        at_middle = miss(middle)
        under = math.sqrt(at_middle * at_middle - at_a * at_b)
        if under == 0 or math.isnan(under):
            return middle
        new = middle + (middle - a) * math.copysign(1.0, at_a - at_b) * at_middle / under
        if abs(new - root) <= 1e-14 * abs(new):
            return new
        root, at_root = new, miss(new)
        if at_root == 0 or math.isnan(at_root):
            return root
        if at_middle * at_root < 0:
            a, at_a, b, at_b = middle, at_middle, root, at_root
        elif at_a * at_root < 0:
            b, at_b = root, at_root
        else:
            a, at_a = root, at_root
    return root
