"""Reads `ANSWER: number unit`, converts the unit, and names the slip behind a wrong number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log, pi, sqrt

import pint

from galop.science.answers import find_answer
from galop.science.units import NUMBER, normalise_unit, parse_number, unit_registry

UNKNOWN = (
    r"unknown|cannot|can't|can not|undetermined|not (?:be )?determin|insufficient|"
    r"inconnu|impossible|indéterminé|ne peut"
)
SLIPS: list[tuple[str, float]] = [
    ("g0", 9.80665), ("ln for log10", log(10)), ("factor 2", 2.0), ("pi", pi), ("2 pi", 2 * pi), ("4", 4.0),
    ("square root of 2", sqrt(2)), ("minutes for seconds", 60.0), ("hours for seconds", 3600.0),
]  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; if not, what it looks like: a slip, "wrong unit", "no answer" or "wrong"."""

    right: bool
    value: float | None
    slip: str = ""


def judge_number(text: str, wanted: float | None, unit: str, tolerance: float) -> Verdict:
    """Whether a whole reply gives the number `wanted`, in `unit` and within a relative `tolerance`; None for "unknown".

    Its last ANSWER counts, else what is boxed.
    """
    value = read_answer(text, unit)
    if value is None:
        return Verdict(False, None, "no answer")
    if value == "unknown":
        return Verdict(wanted is None, None, "" if wanted is None else "gave up")
    if isinstance(value, str):
        return Verdict(False, None, value)
    if wanted is None:
        return Verdict(False, value, "answered what cannot be known")
    if is_close(value, wanted, tolerance):
        return Verdict(True, value)
    return Verdict(False, value, name_slip(value, wanted, unit, tolerance) or "wrong")


def read_answer(text: str, unit: str) -> float | str | None:
    """The answer in `unit`, "unknown", "wrong unit", or None where there is none."""
    said = find_answer(text)
    if said is None:
        return None
    if re.search(UNKNOWN, said, re.IGNORECASE):
        return "unknown"
    match = re.search(rf"({NUMBER})\s*(.*)", said.rpartition("=")[2]) or re.search(rf"({NUMBER})\s*(.*)", said)
    if not match:
        return None
    value, why = convert_answer(parse_number(match[1]), match[4].strip().rstrip(".,;*$ "), unit)
    return why if value is None else value


def convert_answer(value: float, unit: str, asked: str) -> tuple[float | None, str]:
    """A number without a unit is taken to be in the one that was asked for."""
    unit = re.split(r"\s+(?:\(|for|at|and|de|par)\b|\(", unit)[0].strip()
    if not unit:
        return value, ""
    if asked == "ΔK":
        asked, unit = "K", {"°C": "K", "C": "K", "degC": "K"}.get(unit, unit)
    try:
        theirs = normalise_unit(unit)
        if asked == "K" and theirs in ("C", "F"):
            theirs = f"deg{theirs}"
        return float(unit_registry().Quantity(value, theirs).to(normalise_unit(asked) or "dimensionless").magnitude), ""
    except pint.DimensionalityError:
        return None, "wrong unit"
    except Exception:  # pint raises what its parser stumbles on; words after the number are no unit
        return value, ""


def is_close(value: float, wanted: float, tolerance: float) -> bool:
    """Whether a value is the one wanted, within a relative tolerance."""
    return abs(value - wanted) <= tolerance * abs(wanted)


def name_slip(value: float, wanted: float, unit: str, tolerance: float) -> str:
    """What the number is off by, where that says how it came about."""
    if not value or not wanted:
        return ""
    if is_close(-value, wanted, tolerance):
        return "sign"
    if unit == "K" and (is_close(value + 273.15, wanted, 1e-4) or is_close(value - 273.15, wanted, 1e-4)):
        return "Celsius for kelvin"
    ratio = abs(value / wanted)
    for power in range(-12, 13):
        if power and abs(ratio / 10**power - 1) <= tolerance:
            return f"power of ten ({power:+d})"
    for name, factor in SLIPS:
        if abs(ratio / factor - 1) <= tolerance or abs(ratio * factor - 1) <= tolerance:
            return name
    if is_close(1 / value, wanted, tolerance):
        return "inverted"
    return ""
