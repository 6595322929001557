"""Quantities of two numbers that are one: 2h30, 5'3\", 1m80; a plate of 8 cm x 12 cm, which is an area."""

from __future__ import annotations

import re

from galop.science.reading.numerals import read_numeral
from galop.science.reading.passage import Passage, unit_behind
from galop.science.reading.unit_text import UnitText
from galop.science.units import parse_quantity, same_dimension

CLOCK = re.compile(
    r"(\d{1,3}) ?[hH](?=\d\d| ) ?(\d{1,2})(?: ?(?:min|mn|m)(?!\w))?(?: ?(\d{1,2}) ?s(?:ec)?(?!\w))?(?![\w.,]\d|\w)"
)
MINUTES = re.compile(r"(\d{1,3}) ?(?:min|mn) ?(\d{1,2}) ?s?(?![\w.,]\d|\w)")
METRES = re.compile(r"(\d{1,3})m(\d{2})(?![\w²³]|[.,]\d)")  # 1m80
FEET = re.compile(r"(\d{1,3}) ?['′] ?(\d{1,2}(?:\.\d+)?) ?(?:\"|″|'')")
RESISTOR = re.compile(r"(\d{1,4}(?:[.,]\d{1,3})?) ?(k|K|(?<! )M)(\d{1,2})?(?![\w²³°%/]|[.,]\d)")  # 10k, 4k7
RESISTORS = re.compile(r"resist|\bohms?\b|ω|\bpot\b|pull-?up|pull-?down|\brc\b|\bvoltage divider|diviseur|\bled\b")
CAPACITOR = re.compile(r"(\d{1,4}(?:[.,]\d{1,3})?) ?([pnuµ])(?![\w²³°%/]|[.,]\d)")  # 100n
CAPACITORS = re.compile(r"\bcaps?\b|capacitor|condensateur|\brc\b")
THINGS = (  # that have an area alone
    r"(?:plates?|plaques?|sheets?|toles?|coupons?|panels?|panneaux?|windows?|fenetres?|vitres?|electrodes?|cathodes?|"
    r"anodes?|foils?|feuilles?|walls?|murs?|roofs?|toits?|collectors?|screens?|surfaces?|faces?|pieces?|slabs?|dalles?|"
    r"floors?|planchers?|ceilings?|plafonds?|doors?|portes?|tiles?|membranes?|fields?|ponds?)\b"
)
FLAT = re.compile(rf"\b{THINGS}[^.,;?!]{{0,40}}$")
FLAT_BEHIND = re.compile(rf"[ -](?:[a-z]+ )?{THINGS}")
LONG = re.compile(r"\b(?:cables?|wires?|fils?|lines?|leads?|pipes?|runs?)\b[^.;?!]{0,20}$")
BY = re.compile(r" ?(?:[x×*]|by|sur|par) ?")
FACTOR = re.compile(r"([1-4]) ?[x×] ?(?=\d)")
Compound = tuple[float, str, int]
"""A number, its unit, and where both end."""


def read_compound(passage: Passage, at: int) -> Compound | None:
    """The quantity that begins at a place, if it is written in two parts."""
    if (match := CLOCK.match(passage.plain, at)) and int(match[2]) < 60:
        return int(match[1]) + int(match[2]) / 60 + int(match[3] or 0) / 3600, "h", match.end()
    if (match := MINUTES.match(passage.plain, at)) and int(match[2]) < 60:
        return int(match[1]) + int(match[2]) / 60, "min", match.end()
    if match := METRES.match(passage.plain, at):
        return float(f"{match[1]}.{match[2]}"), "m", match.end()
    if match := FEET.match(passage.plain, at):
        return int(match[1]) + float(match[2]) / 12, "ft", match.end()
    return read_part(passage, at) or read_sides(passage, at) or read_lengths(passage, at)


def read_part(passage: Passage, at: int) -> Compound | None:
    """The value of a resistor or capacitor as its parts list writes it: 10k, 4k7, 100n."""
    one, other = RESISTOR.match(passage.plain, at), CAPACITOR.match(passage.plain, at)
    if one and RESISTORS.search(passage.folded):
        value = float(one[1].replace(",", ".")) + (float(f"0.{one[3]}") if one[3] else 0.0)
        return value, "MΩ" if one[2] == "M" else "kΩ", one.end()
    if other and CAPACITORS.search(passage.folded):
        return float(other[1].replace(",", ".")), f"{other[2].replace('u', 'µ')}F", other.end()
    return None


def read_sides(passage: Passage, at: int) -> Compound | None:
    """The area of what is flat, from its two sides."""
    is_flat = FLAT.search(passage.folded[max(0, at - 60) : at])
    one = read_numeral(passage.plain, at, passage.comma)
    if one is None:
        return None
    unit = unit_behind(passage, one)
    link = BY.match(passage.folded, unit.end if isinstance(unit, UnitText) else one.end)
    other = read_numeral(passage.plain, link.end(), passage.comma) if link else None
    behind = unit_behind(passage, other) if other else None
    if other is None or not isinstance(behind, UnitText) or not same_dimension(behind.unit, "m"):
        return None
    if isinstance(unit, UnitText) and not same_dimension(unit.unit, "m"):
        return None
    third = BY.match(passage.folded, behind.end)
    if third and read_numeral(passage.plain, third.end(), passage.comma):
        return None  # of a block
    if not is_flat and not FLAT_BEHIND.match(passage.folded, behind.end):
        return None
    first = parse_quantity(f"{one.value!r} {unit.unit}", behind.unit, "") if isinstance(unit, UnitText) else one.value
    return float(f"{first * other.value:.12g}"), f"{behind.unit}^2", behind.end


def read_lengths(passage: Passage, at: int) -> Compound | None:
    """A length that is there several times: a cable of 2 x 25 m."""
    times = FACTOR.match(passage.folded, at)
    if times is None or not LONG.search(passage.folded[max(0, at - 40) : at]):
        return None
    each = read_numeral(passage.plain, times.end(), passage.comma)
    unit = unit_behind(passage, each) if each else None
    if each is None or not isinstance(unit, UnitText) or unit.unit not in ("m", "km", "ft"):
        return None
    return int(times[1]) * each.value, unit.unit, unit.end
