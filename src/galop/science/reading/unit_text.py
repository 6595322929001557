"""Units as they stand in a text, symbols or words, English or French: the longest that begins at a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from galop.science.reading.quantity_words import known_units
from galop.science.reading.unit_names import find_name, phrase_pattern, tables
from galop.science.units import UNITS, normalise_unit, same_dimension, unit_registry

LETTERS = re.compile(r"[^\W\d_°º⁰-⁹¹²³]+|[°º][CFRKcfk]?(?![^\W\d_])|[′″\"℃℉]")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
POWER = re.compile(
    r" ?(?:\^|\*\*) ?[{(]? ?([-+]?\d{1,2})(?!\d)(?: ?[})])?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})|([-+]?[1-9])(?!\d|[.,]\d)"
)
POWER_WORDS = {"squared": 2, "cubed": 3, "carre": 2, "cube": 3, "au carre": 2, "au cube": 3}
WORD_AFTER = re.compile(r"[ -](squared|cubed|au carre|au cube|carre(?=e?s?\b)|cube(?=s?\b))(?:es|e|s)?(?!\w)")
WORD_BEFORE = re.compile(r"(square|sq|cubic|cu)\.?[ -]")
PER = re.compile(
    r" ?/ ?|(?: and| et)? (?:per|par) (?:each )?|-per-| an? (?=(?:second|minute|hour|day|week|month|year)(?!\w))"
)
FIRST_PER = re.compile(r"1? ?/ ?|(?:per|par) ")
TIMES = re.compile(r" {0,8}[·*×] {0,8}|[.-](?=[^\W\d_])|(?<=[\d¹²³⁰-⁹])(?=[^\W\d_])| {1,8}")
HUNDREDS = re.compile(r"(100|1000) ?(?=[^\W\d_])")
BRACKETS = {"(": ")", "[": "]"}
BOUNDARY = re.compile(r"(?![^\W_]|[+⁺]|['’]\w)")
REFERENCES = re.compile(r"(?:SHE|NHE|RHE|SCE|ENH|ESH|ERH|ECS|Ag/AgCl|Ag|Li|Hg|MSE)(?!\w)")  # electrodes
WITH_PLAIN_POWERS = frozenset("m s ft inch mm cm dm km µm nm mile yd day min h".split())
PREFIX = re.compile(r"^[kmMµcnG](?=[A-ZΩ]|lb)")
PAIRS = frozenset(  # symbols that a space between them multiplies
    tuple(pair.split("*"))
    for pair in "N*m N*s N*mm N*cm Pa*s A*h A*s W*h W*s V*s V*A J*s Ω*m Ω*cm Ω*mm lbf*s lbf*ft ft*lbf inch*lbf kgf*m "
    "kgf*s C*V".split()
)
BELOW = frozenset("K s mol h °C C m kg day degR °F g".split())  # what a space adds below a stroke: J/kg K
ENGLISH = frozenset("Btu lb lbf ft inch".split())
IN_PARTS = re.compile(
    r"(kilo|mega|giga|milli|micro|nano|pico)[- ]"
    r"((?:ohm|volt|amp(?:ere)?|watt|farad|hertz|henr(?:y|ie)|newton|pascal|joule|"
    r"met(?:re|er)|second|gram|lit(?:re|er)|siemen|mole)(?:s|es)?)(?!\w)"
)
DEEPEST, MOST = 2, 12  # parentheses within parentheses; factors
Factor = tuple[str, int]


@dataclass(frozen=True)
class UnitText:
    """A unit that a text names: as `units.parse_quantity` takes it ("kg/m^3", "Pa*s", "°C", "1/s"), where it ends, and
    what a number in front of it is to be multiplied by (0.01 where it is per 100 of something)."""

    unit: str
    end: int
    scale: float = 1.0


def read_unit(text: str, folded: str, at: int) -> UnitText | str | None:
    """The longest unit that begins at `at`, also in brackets; None where none does. A text where one begins that is not
    understood as a whole, such as kg/zork: that text.

    `text` is plain (`plain_text.make_plain`), `folded` the same in small letters without accents.
    """
    closing = BRACKETS.get(text[at : at + 1], "")
    found = read_product(text, folded, at + len(closing), 0)
    if found is None or isinstance(found, str):
        return found
    factors, end, scale = found
    if closing and text[end : end + 1] != closing:
        return None
    return UnitText(spell_unit(factors), end + len(closing), scale)


def read_product(text: str, folded: str, at: int, depth: int) -> tuple[list[Factor], int, float] | str | None:
    """The factors of a product or quotient of units, its end, and the scale of a number below its stroke.

    All that follows a stroke is below it, as in W/m·K, unless the dimension is a common one only otherwise (N/m²·s).
    """
    factors: list[Factor] = []
    loose: list[int] = []  # the places of factors that a stroke before the last one may put below
    below, scale, end = False, 1.0, at
    while len(factors) < MOST:
        per = (PER if factors else FIRST_PER).match(folded, end)
        times = TIMES.match(folded, end) if factors and not per else None
        if factors and not per and not times:
            break
        link = per or times
        place = link.end() if link else end
        if per and (many := HUNDREDS.match(folded, place)):
            place, scale = many.end(), scale / float(many[1])
        found = read_factor(text, folded, place, depth, below or per is not None)
        if found is None:
            unknown = LETTERS.match(text, place) or re.compile(r"\([^)]{0,40}\)").match(text, place)
            if (
                factors
                and link
                and unknown
                and is_tight(link[0], unknown[0], below)
                and not REFERENCES.match(text, place)
            ):
                return text[at : unknown.end()]
            break
        more, until = found
        spaced = times is not None and not times[0].strip() and times[0] != ""
        if spaced and not may_multiply(factors[-1][0], more[0], text[place:until], below or depth > 0):
            break
        below, end = below or per is not None, until
        if below and not per:
            loose += range(len(factors), len(factors) + len(more))
        factors += [(name, -power if below else power) for name, power in more]
    if loose and not depth and not is_common(spell_unit(factors)):
        other = [(name, -power if i in loose else power) for i, (name, power) in enumerate(factors)]
        factors = other if is_common(spell_unit(other)) else factors
    return (factors, end, scale) if factors else None


def is_tight(link: str, unknown: str, below: bool) -> bool:
    """Whether what is behind a link must be part of the unit, so that what is not known there makes it unknown."""
    return link in ("/", "·", "*") or (link == "-" and below and len(unknown) <= 3)


@lru_cache(5_000)
def is_common(unit: str) -> bool:
    """Whether anything that has a name is measured in a unit."""
    return any(same_dimension(unit, other) for other in (*known_units(), *UNITS))


def may_multiply(before: str, then: Factor, text: str, below: bool) -> bool:
    """Whether a space between two units multiplies: with a written power, or for pairs such as N m."""
    after, power = then
    if power < 0 or re.search(r"[\^⁰-⁹¹²³]|\d$", text):
        return True
    if below:
        return after in BELOW and after != before
    if len(text) > 4 and text.isalpha():
        return after in ("m", "s", "h", "K", "mol", "cm", "mm")
    return (PREFIX.sub("", before), after) in PAIRS


def read_factor(text: str, folded: str, at: int, depth: int, below: bool) -> tuple[list[Factor], int] | None:
    """One unit with its power, or a product in parentheses, and its end."""
    if text[at : at + 1] in ("(", "[") and depth < DEEPEST:
        inner = read_product(text, folded, at + 1 + (text[at + 1 : at + 2] == " "), depth + 1)
        if inner is None or isinstance(inner, str):
            return None
        factors, end, _ = inner
        end += text[end : end + 1] == " "
        if text[end : end + 1] != BRACKETS[text[at]]:
            return None
        power, end = read_power(text, folded, end + 1, plain=True)
        return [(name, p * power) for name, p in factors], end
    if before := WORD_BEFORE.match(folded, at):
        whole = read_factor(text, folded, before.end(), DEEPEST, below)
        if whole is None or len(whole[0]) > 1:
            return None
        return [(whole[0][0][0], 2 if before[1].startswith("s") else 3)], whole[1]
    if parts := IN_PARTS.match(folded, at):  # kilo-ohm
        name = find_name(f"{parts[1]}{parts[2]}", below)
        if name:
            return expand_name(name), parts.end()
    if phrase := phrase_pattern().match(folded, at):
        return expand_name(tables()["phrases"][phrase[0]]), phrase.end()
    run = LETTERS.match(text, at)
    name = find_name(run[0], below) if run and len(run[0]) <= 40 else ""
    if run is None or not name:
        return None
    factors = expand_name(name)
    power, end = read_power(text, folded, run.end(), plain=name in WITH_PLAIN_POWERS or name == "N*m")
    if name == "N*m" and power == 3:  # Nm³, a normal cubic metre
        factors = [("m", 1)]
    if not BOUNDARY.match(text, end) and not (end > run.end() and text[end].isalpha()):
        return None
    return [*factors[:-1], (factors[-1][0], factors[-1][1] * power)], end


def read_power(text: str, folded: str, at: int, plain: bool) -> tuple[int, int]:
    """The power that stands behind a unit, and its end; 1 where there is none.

    A bare digit is one behind what `plain` says of (m2), and behind any unit when it is negative (mol-1).
    """
    if match := POWER.match(text, at):
        power = int((match[1] or match[2] or match[3]).translate(RAISED))
        if match[1] or match[2] or (abs(power) <= 4 and (plain or match[3].startswith("-") or power == 4)):
            return power, match.end()
    if word := WORD_AFTER.match(folded, at):
        return POWER_WORDS[word[1]], word.end()
    return 1, at


@lru_cache(2_000)
def expand_name(name: str) -> list[Factor]:
    """The factors of a name such as ft^3/min."""
    return [
        (part, int(power or 1) * (-1 if sign == "/" else 1))
        for sign, part, power in re.findall(r"([*/]?)([^*/^]+)(?:\^(-?\d+))?", name)
    ]


def spell_unit(factors: list[Factor]) -> str:
    """A product as formulas write it: kg*m/s^2. A temperature in it is a difference."""
    if len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    names = [(as_difference(name, power, factors), power) for name, power in factors]
    above = "*".join(name if power == 1 else f"{name}^{power}" for name, power in names if power > 0)
    below = "".join(f"/{name}" if power == -1 else f"/{name}^{-power}" for name, power in names if power < 0)
    return f"{above or '1'}{below}"


def as_difference(name: str, power: int, factors: list[Factor]) -> str:
    """A unit in a product, that of a temperature as one of a difference; C and F below a stroke are degrees, where
    there is another unit below (J/g C), or inches and pounds beside."""
    if name == "°C":
        return "K"
    if name == "°F" or (name == "F" and power < 0 and any(other in ENGLISH for other, _ in factors)):
        return "degR"
    volts = any(other.endswith("V") for other, _ in factors)
    below = sum(p < 0 for _, p in factors)
    return "K" if name == "C" and power < 0 and (volts or below > 1) else name


@lru_cache(2_000)
def is_dimensionless(unit: str) -> bool:
    """Whether a unit measures nothing, such as g/kg."""
    try:
        return bool(unit_registry().Unit(normalise_unit(unit)).dimensionless)
    except Exception:  # what pint's parser stumbles on
        return False


def in_ones(unit: str) -> float:
    """The pure number that one of a unit without a dimension is."""
    return float(unit_registry().Quantity(1.0, normalise_unit(unit)).to("dimensionless").magnitude)
