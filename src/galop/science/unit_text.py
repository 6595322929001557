"""Units as they stand in a text, symbols or words, English or French: the longest that begins at a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from galop.science import unit_names
from galop.science.units import unit_registry

LETTERS = re.compile(r"[^\W\d_°º⁰-⁹¹²³]+|[°º][CFRK]?(?![^\W\d_])|[′″\"℃℉]")
POWER = re.compile(
    r" ?(?:\^|\*\*) ?[{(]? ?([-+]?\d{1,2})(?!\d) ?[})]?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})|([-+]?[1-9])(?!\d|[.,]\d)"
)
SQUARED = {"squared": 2, "cubed": 3, "carre": 2, "carres": 2, "carree": 2, "carrees": 2, "cube": 3, "cubes": 3,
           "au carre": 2, "au cube": 3}  # fmt: skip
AFTER = re.compile(r"[ -](squared|cubed|au carre|au cube|carrees?|carres?|cubes?)(?!\w)")
BEFORE = re.compile(r"(square|sq|cubic|cu)\.?[ -]")
PER = re.compile(r" ?/ ?|(?: and| et)? (?:per|par) (?:each )?|-per-| p\. ?|/ ?")
FIRST_PER = re.compile(r"1? ?/ ?|(?:per|par) ")
TIMES = re.compile(r" ?[·⋅∙*•×] ?|[.-](?=[^\W\d_])|(?<=[\d¹²³⁰-⁹⁺⁻])(?=[^\W\d_])| | of (?=thrust)")
HUNDREDS = re.compile(r"(10|100|1000|1 000|10\^3) ?(?=[^\W\d_])")
OPEN = re.compile(r"([(\[{]) ?")
BOUNDARY = re.compile(r"(?![^\W_]|[+⁺'’](?=\w)|[+⁺])")
REFERENCES = re.compile(r"(?:SHE|NHE|RHE|SCE|ENH|ESH|ERH|ECS|Ag/AgCl|Ag|Li|Hg|MSE)(?![\w])")
LENGTHS = frozenset("m s ft inch mm cm dm km µm nm mile yd day min h".split())
STRIP = re.compile(r"^(?:[kmMµcnG](?=[A-ZΩ]|lb))")
PAIRS = frozenset(  # symbols that a space between them multiplies
    tuple(pair.split("*")) for pair in "N*m N*s N*mm N*cm Pa*s A*h A*s W*h W*s V*s V*A J*s Ω*m Ω*cm Ω*mm lbf*s lbf*ft "
    "ft*lbf ft*lb inch*lbf inch*lb kgf*m kgf*s C*V".split()
)
BELOW = frozenset("K s mol h °C m kg day degR °F g".split())  # what a space adds below a stroke: J/kg K
ONLY_BELOW = {"a": "year", "an": "year", "y": "year", "yr": "year", "sem": "week"}
CASES = {
    name.lower(): name
    for name in "kPa MPa GPa hPa kW MW GW kWh MWh mAh kJ MJ Hz kHz MHz GHz kN MN mL µL kV mV mA kA mol mmol kmol kg mg "
    "µg kHz Pa bar mbar psi psig psia Torr atm mmHg Wh Ah eV keV rpm min lbf lb ft km mm cm µm nm kcal cal kΩ MΩ ms".split()
}  # fmt: skip
Factor = tuple[str, int]


@dataclass(frozen=True)
class UnitText:
    """A unit that a text names: as `units.parse_quantity` takes it ("kg/m^3", "Pa*s", "°C", "1/s"), where it ends, and
    what a number in front of it is to be multiplied by (0.01 where it is per 100 of something)."""

    unit: str
    end: int
    scale: float = 1.0


@lru_cache(1)
def phrase_pattern() -> re.Pattern[str]:
    """Units of several words, the longest first."""
    known = sorted(unit_names.PHRASES, key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, known))})(?!\w)")


def read_unit(text: str, folded: str, at: int) -> UnitText | str | None:
    """The longest unit that begins at `at`; None where no unit does. A text where one begins that is not understood as
    a whole, such as kg/zork: that text.

    `folded` is the text in small letters without accents, character by character.
    """
    bracket = OPEN.match(text, at)
    start = bracket.end() if bracket else at
    found = read_product(text, folded, start, 0)
    if found is None or isinstance(found, str):
        return found
    factors, end, scale = found
    if bracket:
        closing = {"(": ")", "[": "]", "{": "}"}[bracket[1]]
        if text[end : end + 1] != closing:
            return None
        end += 1
    return UnitText(spell(factors), end, scale) if factors else None


def read_product(text: str, folded: str, at: int, depth: int) -> tuple[list[Factor], int, float] | str | None:
    """The factors of a product or quotient of units, its end, and the scale of a number before it."""
    factors: list[Factor] = []
    sign, scale, end = 1, 1.0, at
    while len(factors) < 12:
        per = (PER if factors else FIRST_PER).match(folded, end)
        if per is not None:
            place = per.end()
            many = HUNDREDS.match(folded, place)
            place = many.end() if many else place
            found = read_factor(text, folded, place, depth, below=True)
            if found is None:
                tight = not per[0].strip("/ ") and bool(LETTERS.match(text, place)) and " " not in per[0]
                if tight and factors and not REFERENCES.match(text, place):
                    return text[at : LETTERS.match(text, place).end()]  # type: ignore[union-attr]
                break
            scale /= float(re.sub(r"\D", "", many[1].replace("10^3", "1000"))) if many else 1.0
            sign = -1
        else:
            times = TIMES.match(folded, end) if factors else None
            if factors and times is None:
                break
            place = times.end() if times else end
            found = read_factor(text, folded, place, depth, below=sign < 0)
            if found is None or (times and times[0] == " " and not may_multiply(factors, found[0], text[place : found[1]], sign < 0 or depth > 0)):
                break
        more, end = found
        factors += [(name, power * sign) for name, power in more]
    return (factors, end, scale) if factors else None


def may_multiply(factors: list[Factor], then: list[Factor], text: str, below: bool) -> bool:
    """Whether a space between two units multiplies: with a written power, or for pairs such as N m."""
    before, after = factors[-1][0], then[0][0]
    if then[0][1] < 0 or re.search(r"[\^⁰-⁹¹²³]|\d$", text):
        return True
    if below:
        return after in BELOW and after != before
    if len(text) > 4 and text.isalpha():
        return after in ("m", "s", "h", "K", "mol", "cm", "mm")
    return (STRIP.sub("", before), after) in PAIRS


def read_factor(text: str, folded: str, at: int, depth: int, below: bool) -> tuple[list[Factor], int] | None:
    """One unit with its power, or a product in parentheses."""
    if text[at : at + 1] in ("(", "[") and depth < 2:
        inner = read_product(text, folded, at + 1 + (text[at + 1 : at + 2] == " "), depth + 1)
        if inner is None or isinstance(inner, str):
            return None
        factors, end, _ = inner
        end += text[end : end + 1] == " "
        if text[end : end + 1] not in (")", "]"):
            return None
        power, end = read_power(text, folded, end + 1, True)
        return [(name, p * power) for name, p in factors], end
    if before := BEFORE.match(folded, at):
        inner_factor = read_factor(text, folded, before.end(), 2, below)
        if inner_factor is None or len(inner_factor[0]) > 1:
            return None
        return [(inner_factor[0][0][0], 2 if before[1].startswith("s") else 3)], inner_factor[1]
    if phrase := phrase_pattern().match(folded, at):
        return expand(unit_names.PHRASES[phrase[0]]), phrase.end()
    run = LETTERS.match(text, at)
    if run is None or len(run[0]) > 40:
        return None
    name = find_name(run[0], below)
    if not name:
        return None
    factors = expand(name)
    power, end = read_power(text, folded, run.end(), name in LENGTHS)
    if not BOUNDARY.match(text, end) and not (end > run.end() and text[end].isalpha()):
        return None
    if power != 1:
        factors = [*factors[:-1], (factors[-1][0], factors[-1][1] * power)]
    return factors, end


def read_power(text: str, folded: str, at: int, plain: bool) -> tuple[int, int]:
    """The power that stands behind a unit, and its end; 1 where there is none. Plain digits count behind lengths and
    times, and behind any unit when they are negative."""
    if (match := POWER.match(text, at)) and (match[1] or match[2] or plain or match[3].startswith("-")):
        digits = match[1] or match[2] or match[3]
        power = int(digits.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")))
        if match[1] or match[2] or abs(power) <= 4:
            return power, match.end()
    if match := AFTER.match(folded, at):
        return SQUARED[match[1]], match.end()
    return 1, at


@lru_cache(20_000)
def find_name(run: str, below: bool = False) -> str:
    """What a symbol or word is called in answers; "" where it is no unit. Some are one below a stroke alone."""
    if below and run in ONLY_BELOW:
        return ONLY_BELOW[run]
    run = run.replace("μ", "µ")
    if run in unit_names.SYMBOLS:
        return unit_names.SYMBOLS[run]
    if symbol := find_symbol(run):
        return symbol
    if word := find_word(run):
        return word
    if len(run) > 1 and (name := CASES.get(run.lower())):
        return find_name(name)
    return ""


def find_symbol(run: str) -> str:
    """A symbol with or without a prefix."""
    for table in (unit_names.PREFIXABLE, unit_names.FUSED):
        if run in table and run not in ("P", "psi") or run == "psi":
            return table.get(run, run)
        for size in (1, 2):
            prefix, rest = run[:size], run[size:]
            if prefix in unit_names.SYMBOL_PREFIXES and rest in table and run not in unit_names.UNLIKELY:
                return unit_names.SYMBOL_PREFIXES[prefix] + table[rest]
    return ""


def find_word(run: str) -> str:
    """A word, in the singular or the plural, with or without a prefix; or another that pint knows."""
    from galop.science.words import fold

    word = fold(run).replace("-", "")
    for singular in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("x")):
        if len(singular) < 2:
            continue
        if singular in unit_names.WORDS:
            return unit_names.WORDS[singular]
        if singular in unit_names.PLAIN_WORDS and (len(singular) > 2 or singular != word):
            return unit_names.PLAIN_WORDS[singular]
        for prefix, symbol in unit_names.WORD_PREFIXES.items():
            rest = singular.removeprefix(prefix)
            if rest != singular and rest in unit_names.WORDS:
                return symbol + unit_names.WORDS[rest]
    if 4 < len(word) <= 30 and word.isascii() and run.islower() and word not in unit_names.NOT_UNITS:
        return known_to_pint(word)
    return ""


def known_to_pint(word: str) -> str:
    """A word as pint spells it, if it is one of its units and no constant."""
    for singular in (word.removesuffix("s"), word):
        if singular in unit_names.NOT_UNITS:
            continue
        found = [unit for prefix, unit, _ in unit_registry().parse_unit_name(singular) if not prefix]
        if found and found[0] == singular:
            return singular
    return ""


@lru_cache(2_000)
def expand(name: str) -> list[Factor]:
    """The factors of a name such as ft^3/min."""
    factors = []
    for sign, part, power in re.findall(r"([*/]?)([^*/^]+)(?:\^(-?\d+))?", name):
        factors.append((part, int(power or 1) * (-1 if sign == "/" else 1)))
    return factors


def spell(factors: list[Factor]) -> str:
    """A product as formulas write it: kg*m/s^2; a temperature in it is a difference."""
    if len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    names = [({"°C": "K", "°F": "degR"}.get(name, name), power) for name, power in factors]
    above = "*".join(name if power == 1 else f"{name}^{power}" for name, power in names if power > 0)
    below = "".join(f"/{name}" if power == -1 else f"/{name}^{-power}" for name, power in names if power < 0)
    return f"{above or '1'}{below}"
