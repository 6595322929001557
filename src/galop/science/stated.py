"""The quantities that a reply states: numbers with their units, as people and models write them.

find_stated("about **6 224 m/s**, or 6.22 km/s")  ->  6224 in m/s, then 6.22 in km/s
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from galop.science.reading.numerals import Numeral, read_numeral
from galop.science.reading.plain_text import fold_characters, make_plain
from galop.science.reading.unit_text import UnitText, read_unit
from galop.science.units import ScienceError, normalise_unit, parse_quantity

MOST = 400  # quantities of a reply
LONGEST = 20_000  # characters that are read, the last ones
START = re.compile(r"(?<![\w^])(?<![\d.,]\.)(?:(?<![\d.,])[.,]?\d|[½¼¾⅓⅔⅛⅜⅝⅞]|[^\W\d_])")
PLUS_MINUS = re.compile(r" ?(?:±|\+/-|\+-) ?(?=[\d.,])")
TIMES = re.compile(r" ?[×x*] ?(?=\d)")
TO_ONE = re.compile(r" ?(?::|/|to|pour|a|contre) ?1(?![\w.,:]\d|\d|\w)")
ONE_TO = re.compile(r"1 ?: ?(?=\d)")
SHARE = re.compile(
    r" ?(?:(?:wt\.?|vol\.?|mol\.?|at\.?) ?)?"
    r"(?:(%|percent(?:age points?)?|per cent|pour ?cents?|pct)|(‰|per ?mille?|pour mille)|(ppm))(?!\w)"
)
AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}(?![\d,.]\d|\d)")
MORE = re.compile(r"(?: (?:and|et)|,)? ?")
SIGN = re.compile(
    r"(?:^|[=≈~:(<>≤≥→,;]|\b(?:is|are|est|sont|vaut|of|de|about|environ)) ?[-–+] ?$|(?:^| )[-+]$|(?<!\w)[-+]$"
)
MINUS = re.compile(r" ?(?:±|\+/-|\+-) ?(?=[\d.,])")
TIMES = re.compile(r" ?[×x*] ?(?=\d)")
TO_ONE = re.compile(r" ?(?::|/|to|pour|a|contre) ?1(?![\w.,:]\d|\d|\w)")
ONE_TO = re.compile(r"1 ?: ?(?=\d)")
SHARE = re.compile(
    r" ?(?:(?:wt\.?|vol\.?|mol\.?|at\.?) ?)?"
    r"(?:(%|percent(?:age points?)?|per cent|pour ?cents?|pct)|(‰|per ?mille?|pour mille)|(ppm))(?!\w)"
)
AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}(?![\d,.]\d|\d)")
MORE = re.compile(r"(?: (?:and|et)|,)? ?")
SIGN = re.compile(
    r"(?:^|[=≈~:(<>≤≥→,;]|\b(?:is|are|est|sont|vaut|of|de|about|environ)) ?[-–+] ?$|(?:^| )[-+]$|(?<!\w)[-+]$"
)
MINUS = re.compile(r"\b(?:minus|moins|negative|negatif|negative of|negatives?) $")
ALSO = {"lb": "lbf", "C": "°C", "F": "°F", "deg": "°C"}
"""What a unit may be short for, where the other dimension is asked for."""
WORDS_AFTER = frozenset(
    "a an the of at in on to by is are was were be as and or for from with if when while since because so but "
    "which that per approx approximately about roughly total all only exactly overall respectively dimensionless "
    "unitless rounded i e g given assuming under using un une le la les l d de du des au aux en et ou est sont "
    "pour par sur avec dans que qui si quand car donc mais environ seulement soit sans vs".split()
)
"""What may follow a number that has no unit; another word is a unit that is not understood, or what is counted."""


@dataclass(frozen=True)
class Stated:
    """A number that a reply states, and where. Of one such as 1,234 both readings are there.

    `unit` is as `units.parse_quantity` takes it, "" where there is none, None where a word stands there that is none.
    """

    values: tuple[float, ...]
    unit: str | None
    start: int
    end: int


def strip_markup(text: str) -> str:
    """A reply without what Markdown and LaTeX put around numbers and units."""
    text = re.sub(r"\\(?:boxed|mathbf|textbf|bm|boldsymbol|mbox|ensuremath)\s*\{", "{", text)
    text = re.sub(r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1 \2", text)
    text = re.sub(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2", text)
    text = re.sub(r"\\(?:approx|simeq|sim|cong)(?![a-z])", "≈", text)
    text = re.sub(r"\\(?:to|rightarrow|Rightarrow|implies)(?![a-z])", "→", text)
    text = re.sub(r"\\[()\[\]]|(?<!\d)\*\*|\*\*(?!\d)|__|`|(?<!\\)\$", " ", text)
    text = re.sub(r"(?<=\d) ?h ?(\d{1,2})(?!\d| ?m)", r" h \1 min", text)
    text = re.sub(r"(?<=\d)~(?=[^\W\d_\\])|(?<=\d)\{,\}(?=\d)", lambda m: "," if m[0] == "{,}" else " ", text)
    text = re.sub(r"(?<=\d)\.(?=10(?:\^|\*\*|[⁰¹²³⁴-⁹⁻]))", "·", text)
    text = re.sub(r"\b(kilo|m[ée]ga|milli|micro)-(?=[a-z])", r"\1", text)
    text = re.sub(r"(\d[eE][-+]?\d+)(?=[^\W\d_]|°)", r"\1 ", text)
    text = re.sub(r"(?<![\w*])\*(?=[\w\\-])|(?<=[\w.])\*(?![\w*(])", " ", text)
    return re.sub(r" {2,}", " ", make_plain(text)).replace("=>", "→").replace("->", "→").replace("~=", "≈")


def find_stated(text: str) -> list[Stated]:
    """Those of a text without markup, in its order."""
    folded = fold_characters(text)
    found: list[Stated] = []
    at = 0
    while len(found) < MOST and (start := START.search(text, at)):
        stated = read_stated(text, folded, start.start())
        if stated is None:
            letters = re.compile(r"\w+(?:-(?=\d)\d+)?").match(text, start.start())
            at = letters.end() if letters else start.end()
            continue
        at = stated.end
        if found and (sum_of := add_smaller(text, found[-1], stated)):
            found[-1] = sum_of
        else:
            found.append(stated)
    return found


def read_stated(text: str, folded: str, at: int) -> Stated | None:
    """The quantity that begins at a place, if one does."""
    values, place, word = read_number(text, at)
    if not values:
        return None
    if margin := PLUS_MINUS.match(text, place):
        spread = read_numeral(text, margin.end())
        place = spread.end if spread else place
        place += text[place : place + 1] == ")" and "(" in text[max(0, at - 2) : at]
    start, sign = find_sign(text, folded, at)
    values = tuple(sign * value for value in values)
    if (one := TO_ONE.match(text, place)) and abs(values[0]) > 1:
        return Stated(values, "", start, one.end())
    if share := SHARE.match(folded, place):
        return Stated(values, "%" if share[1] else "permille" if share[2] else "ppm", start, share.end())
    space = re.compile(r" {0,2}-?").match(text, place)
    begin = space.end() if space else place
    unit = read_unit(text, folded, begin)
    if isinstance(unit, UnitText) and not is_plain_word(text, folded, begin, unit):
        return Stated(tuple(value * unit.scale for value in values), unit.unit, start, unit.end)
    if word == "article":
        return None
    after = re.compile(r" ?([^\W\d_]+)").match(folded, place)
    named = isinstance(unit, str) or (after and after[1] not in WORDS_AFTER and not isinstance(unit, UnitText))
    return Stated(values, None if named else "", start, place)


def read_number(text: str, at: int) -> tuple[tuple[float, ...], int, str]:
    """The readings of the number at a place, its end, and how it is written; a product of numbers is multiplied out."""
    if (one := ONE_TO.match(text, at)) and (part := read_numeral(text, one.end())) and part.value:
        return (1 / part.value,), part.end, part.form
    numeral = read_numeral(text, at)
    if numeral is None:
        return (), at, ""
    values = [numeral.value]
    if AMBIGUOUS.match(text, at) and (other := read_numeral(text, at, comma=True)):
        values.append(other.value)
    end = trimmed(text, numeral)
    while (times := TIMES.match(text, end)) and (factor := read_numeral(text, times.end())):
        values, end = [value * factor.value for value in values], trimmed(text, factor)
    return tuple(values), end, numeral.form


def trimmed(text: str, numeral: Numeral) -> int:
    """Where a number ends, without the space behind it."""
    return numeral.end - (text[numeral.end - 1] == " ")


def find_sign(text: str, folded: str, at: int) -> tuple[int, int]:
    """Where a number begins with its sign, and the sign; a dash between two things is none."""
    lead = text[max(0, at - 16) : at]
    if sign := SIGN.search(lead):
        return at - 1 - (lead.endswith(" ")), -1 if re.search(r"[-–]", sign[0]) else 1
    if minus := MINUS.search(folded[max(0, at - 16) : at]):
        return at - len(minus[0]), -1
    return at, 1


def is_plain_word(text: str, folded: str, at: int, unit: UnitText) -> bool:
    """Whether what could be a unit is a word of the sentence: `in vacuum`, `a day`."""
    said, rest = folded[at : unit.end], text[unit.end :].strip(" .,;!?)")
    return said in ("in", "a", "as", "at") and bool(rest)


def add_smaller(text: str, one: Stated, more: Stated) -> Stated | None:
    """Two parts of one quantity as their sum: 2 h 15 min, 1h30, 5 ft 3 in."""
    if not one.unit or len(one.values) > 1 or not MORE.fullmatch(text[one.end : more.start]):
        return None
    if not more.unit or more.unit == one.unit or one.unit not in ("day", "h", "min", "ft", "lb", "year", "deg"):
        return None
    step, part = convert(1.0, more.unit, one.unit), convert(more.values[0], more.unit, one.unit)
    if step is None or part is None or step >= 1 or not 0 <= part < 1:
        return None
    return Stated((one.values[0] + part,), one.unit, one.start, more.end)


def convert(value: float, unit: str, asked: str) -> float | None:
    """A value in the unit that is asked for, "" for a pure number; None where the dimensions differ.

    A change of temperature is asked for as ΔK. Cycles are counted whole (60 rpm are 1 Hz), pounds are a force where a
    force is asked for, tons are metric.
    """
    if asked == "%":
        share = convert(value, unit, "")
        return None if share is None else 100 * share
    if asked in ("permille", "ppm"):
        share = convert(value, unit, "")
        return None if share is None else share * (1e3 if asked == "permille" else 1e6)
    if not unit:
        return value
    if unit in ("%", "permille", "ppm"):
        return value * {"%": 0.01, "permille": 1e-3, "ppm": 1e-6}[unit] if not asked else None
    if asked.startswith("Δ"):
        asked = asked[1:]
        if unit in ("°C", "°F", "C", "F", "deg"):
            value, unit = value / 1.8 if "F" in unit else value, "K"
    if not asked:
        return value if (found := try_parse(value, unit, "")) is not None and found == value else None
    if unit == "ton":
        unit = "t"
    if (found := try_parse(value, unit, asked)) is not None:
        return found
    return try_parse(value, ALSO[unit], asked) if unit in ALSO else None


def try_parse(value: float, unit: str, asked: str) -> float | None:
    """What `units.parse_quantity` makes of it, or None."""
    cycles = "rpm" in asked and re.fullmatch(r"[kM]?Hz|1/s|1/min", unit)
    if cycles or (re.fullmatch(r"[kM]?Hz|1/s|1/min", asked) and unit == "rpm"):
        factor = {"Hz": 60.0, "kHz": 6e4, "MHz": 6e7, "1/s": 60.0, "1/min": 1.0}
        return value * factor[unit] if cycles else value / factor[asked]
    try:
        return parse_quantity(f"{value!r} {unit}", normalise_unit(asked), "")
    except (ScienceError, ValueError):
        return None
