"""The quantities that a text gives: each number with its unit, and the words around it that tell its role.

    read_quantities("Sous 70 bar dans la chambre, 2,5 A pendant douze minutes")
    -> [Given(70.0, "bar", ...), Given(2.5, "A", ...), Given(12.0, "min", ...)]

A number is read with the longest unit that `unit_text.read_unit` finds behind it. One whose unit is not understood is
an `Unread` and never a pure number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from galop.science.reading.compounds import read_compound
from galop.science.reading.counts import MULTIPLES, TIMES_AS_MUCH, find_counted, read_counted, read_pack
from galop.science.reading.lists import hand_out
from galop.science.reading.number_words import BEGINNINGS, HUNDREDS
from galop.science.reading.numerals import Numeral, read_numeral
from galop.science.reading.passage import (
    PER_HUNDRED,
    TOLERANCE,
    Passage,
    make_passage,
    read_sign,
    skip_tolerance,
    unit_behind,
)
from galop.science.reading.roles import Role, read_roles, words_of_symbol
from galop.science.reading.unit_context import (
    ANGULAR,
    COUNTABLE,
    CURRENCY,
    FOLLOWERS,
    RATE,
    SINGLE,
    SLANTED,
    TIMES_WORD,
    is_difference,
    is_label,
    is_pure_cue,
    is_temperature_text,
    settle_unit,
)
from galop.science.reading.unit_text import UnitText, in_ones, is_dimensionless, read_unit
from galop.science.reading.words import stems
from galop.science.units import parse_quantity, same_dimension, unit_registry

Kind = Literal["measure", "number", "ratio", "fraction", "count"]
MOST = 200  # numbers of a text
LONGEST_TEXT = 200_000  # characters that are read


@dataclass(frozen=True)
class Given:
    """A quantity that a text gives: `value` in `unit`, as `units.parse_quantity` takes it ("bar", "Pa*s", "°C",
    "psig"); "" for what is really pure.

    `start` and `end` are its place in the text (sign, number and unit), `text` is what stands there.
    `kind` is "measure" for what has a unit; "number" for a bare number with none, such as an O/F, a pH, a coefficient;
    "ratio" for 40:1 (value 40) and 1:2.3 (value 1/2.3), and for "twice"; "fraction" for percent, ppm and the like
    (68 percent has the value 0.68); "count" for a number of things that the word behind it names (2 electrons, three
    stages): a count fits only an input that names that thing, never any pure input.
    `before` and `after` are stems (`words.stems`) of the words around it, the nearest first, within its clause, and
    `context` those before that clause in its sentence, which may tell the role of a list's ("masses of 5 t and 3 t");
    `symbol` is what it is equated to ("p_c" in "p_c = 70 bar"), "" for none.
    `assumed` says what was taken for granted in reading it ("gauge pressure: 101325 Pa are added"), "" for nothing.
    """

    value: float
    unit: str
    start: int
    end: int
    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    kind: Kind = "measure"
    symbol: str = ""
    assumed: str = ""

    @property
    def quantity(self) -> str:
        """As formulas take it: the number and its unit."""
        return f"{self.value:.12g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Unread:
    """A number that is no quantity that can be computed with: `unit` is the text behind it that is not understood, and
    `why` a sentence that says so. It never forbids an answer; where an input is missing it is the likely reason."""

    text: str
    unit: str
    start: int
    end: int
    why: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


WORDS_OF_NUMBERS = "|".join(sorted({*BEGINNINGS, *HUNDREDS, *MULTIPLES, "single"} - {"a", "an"}))
START = re.compile(
    rf"(?<![\w^])(?<!\d\.)(?:(?<!\d)[.,]?\d|c/(?=\d)|[½¼¾⅓⅔⅛⅜⅝⅞]|(?:{WORDS_OF_NUMBERS}|an?(?= [a-z]{{3}}))(?!\w))"
)
SMALLER = {
    "h": ("min", "s"), "min": ("s",), "day": ("h", "min"), "ft": ("inch",), "lb": ("oz",), "week": ("day",),
    "deg": ("arcmin",), "year": ("month", "day", "week"), "kg": ("g",), "km": ("m",), "m": ("cm", "mm"), 
    "stone": ("lb",), "month": ("day",), "t": ("kg",), "yd": ("ft",), "mile": ("yd", "ft"),
}  # fmt: skip
TIMES = ("h", "min", "day", "week", "month", "year")
AND_HALF = re.compile(r" (?:and a half|et demie?|and a quarter|et quart|et un quart)(?!\w)")
AND_SMALLER = re.compile(r"(?:,? (?:and|et) |, | ?)(?=\w)")
RATIO = re.compile(r" ?: ?(?=\d)")
TO_ONE = re.compile(r"(?: to |-to-| pour | a | sur |/)(?:1|one|un)(?![\w.,]*\d|\w)")
SIGN = re.compile(r"[-+](?=[\d.])|(?:plus|minus|moins|negative) (?=[\w.])")
BETWEEN = re.compile(
    r" ?(-|–|->|→|\.\.\.?|…|×|x|/) ?(?=[-+]?[.\d])|-? (to|a|by|through|jusqu'a|up to|sur) (?=[-+\w.])|, ?(?=[-+]?\d)"
    r"|,? (and|or|et|ou|then|puis) (?=[-+\w.])"
)
ORDINAL_END = re.compile(r"(?:st|nd|rd|th|e|er|ere|eme|ieme|re|nde)s?")
NAME_BEFORE = re.compile(r"[^\W\d_][-–]$|[^\W\d_]\d?[.]$|\^[{(]?[-+]?\d?[.,]?$")  # RP-1, Al6.061, x^{-1}
C_RATE = re.compile(r"C/([1-9]\d{0,2})(?![\w.]\d|\w)")
DATE = re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{2,4}(?![\d^⁻*])|\d{4}-\d{2}-\d{2}(?!\d)")
EFFICIENCY, ELECTRONS = stems("efficiency"), stems("electrons")
EXPONENTIAL = re.compile(r"burn\w* rate|\bburns?\b|peukert|saint-robert|vieille|combustion|polytrop|exponent|exposant")
OVEN = re.compile(r"\b(?:un|le|du|au|ce|mon|notre|les|des) four(?!\w)")  # in French
ONE_ELECTRON = re.compile(r"single(?=[ -](?:electron|proton)(?!\w))")
FOR_A = re.compile(r"\b(?:in|for|during|every|en|pendant|durant|of|de|d') ?$")  # a second, not the second of several
AGAIN = re.compile(
    r",? ?(?:\(|=|≈|i\.e\.|soit|or about|that is|c'est-a-dire) ?(?:soit |i\.e\.,? |or |= ?|about |environ |≈ ?)?"
)
BELOW_ZERO = re.compile(r" (?:below (?:zero|freezing)|(?:en |au-)?(?:dessous de|sous) zero)")
ANGLES = frozenset("deg rad arcmin arcsec turn dB decade byte bit sr gr".split())
OF_IT = re.compile(r"(?:of|de|=|is|est|to|a|d')\W*$")
ENDS = re.compile(r"\s*(?:$|[.,;:)?!]|(?:and|et|at|a|with|avec|for|pour)\b)")
WHOLE_OF = re.compile(r" (?:the|its|of|that|as|la|le|sa|son|de|du|plus|moins|more|less|d'|larger|smaller)\b")


def read_quantities(text: str) -> list[Given | Unread]:
    """All quantities of a text in their order, at most MOST of them.

    Numbers within names (LiCoO2, RP-1, 1st, eq. 3-2, Ariane 5) and years are none. What is written with ± keeps its
    value alone. Numbers of a list or range share the unit behind the last; 2 h 30 min is one quantity, in hours.
    """
    passage = make_passage(text[:LONGEST_TEXT])
    found: list[Given | Unread] = []
    reached = 0
    for match in START.finditer(passage.folded):
        if match.start() < reached:
            continue
        items, end = read_at(passage, match.start())
        reached = max(end, reached)
        found += [
            replace(item, text=text[item.start : item.end])
            for item in items
            if not is_restatement(passage, found[-1] if found else None, item)
        ]
        if len(found) >= MOST:
            break
    found = share_units(passage, found[:MOST])
    alike = [same_dimension(measure_of(one), measure_of(other)) for one, other in pairwise(found)]
    places = [(item.start, item.end) for item in found]
    roles = hand_out(passage, places, read_roles(passage, places, alike), alike)
    return [add_role(item, role, passage) for item, role in zip(found, roles, strict=True)]


def share_units(passage: Passage, found: list[Given | Unread]) -> list[Given | Unread]:
    """With the unit of a later pair for pairs of bare numbers: K 140/5, Na 10/145 mM."""
    pairs = [i for i in range(len(found) - 1) if passage.folded[found[i].end : found[i + 1].start].strip() == "/"]
    unit = ""
    for i in reversed(pairs):
        one, other = found[i], found[i + 1]
        if isinstance(one, Given) and isinstance(other, Given):
            unit = one.unit if one.unit == other.unit and one.unit else unit
            if unit and one.kind == other.kind == "number":
                found[i : i + 2] = [replace(each, unit=unit, kind="measure") for each in (one, other)]
    return found


def measure_of(item: Given | Unread) -> str:
    """The unit in which an item measures something; one that nothing has where it is not understood."""
    return item.unit if isinstance(item, Given) else "unread"


def add_role(item: Given | Unread, role: Role, passage: Passage) -> Given | Unread:
    """An item of a passage with the words of its role."""
    if isinstance(item, Unread):
        return replace(item, before=role.before, after=role.after)
    meant = words_of_symbol(role.symbol, item.unit) if role.symbol else ()
    if meant == ELECTRONS and role.symbol == "n" and EXPONENTIAL.search(passage.folded):
        meant = stems("exponent exposant")
    before = tuple(dict.fromkeys([*meant, *role.before]))
    if item.kind == "fraction" and not before and not role.after and not item.after:  # at 93 %
        before = EFFICIENCY
    after = tuple(dict.fromkeys([*item.after, *role.after]))
    return replace(
        item, before=before, after=after, context=role.context, symbol=role.symbol if meant or role.equated else ""
    )


def is_restatement(passage: Passage, last: Given | Unread | None, item: Given | Unread) -> bool:
    """Whether a quantity says again, in another unit, what stands right before it: 70 bar (7 MPa)."""
    if not isinstance(last, Given) or not isinstance(item, Given) or not last.unit or not item.unit:
        return False
    if not AGAIN.fullmatch(passage.folded, last.end, item.start) or not same_dimension(last.unit, item.unit):
        return False
    one, other = (parse_quantity(given.quantity, last.unit, "") for given in (last, item))
    return math.isclose(one, other, rel_tol=0.03)


def read_at(passage: Passage, at: int) -> tuple[list[Given | Unread], int]:
    """What the number at a place is: one quantity, several that share a unit, one not understood, or nothing; and the
    place behind it."""
    text, folded = passage.plain, passage.folded
    if NAME_BEFORE.search(text[max(0, at - 3) : at]):
        return [], len(text[:at]) + len(re.match(r"[\w.,-]*", text[at : at + 40])[0])  # type: ignore[index]
    if folded.startswith("c/", at):
        rate = C_RATE.match(text, at)
        return (
            ([Given(1 / int(rate[1]), "1/h", at, rate.end(), "", assumed=RATE)], rate.end()) if rate else ([], at + 2)
        )
    if OVEN.search(folded[max(0, at - 8) : at + 5]):
        return [], at + 4
    if date := DATE.match(text, at):
        return [], date.end()
    if written_in_one := read_compound(passage, at):
        value, unit, end = written_in_one
        return [Given(value, unit, at, end, "")], end
    if one := ONE_ELECTRON.match(folded, at):
        return [Given(1.0, "", at, one.end(), "", kind="count")], one.end()
    if times := TIMES_AS_MUCH.match(folded, at):
        return [Given(MULTIPLES[times[1]], "", at, times.end(), "", kind="ratio")], times.end()
    if pack := read_pack(passage, at):
        return [count(*counted) for counted in pack], pack[-1][2]
    numeral = read_numeral(text, at, passage.comma)
    if numeral is None:
        return [], at + 1
    sign, start = read_sign(passage, at)
    if not math.isfinite(numeral.value):
        return [Unread("", "", start, numeral.end, "the number is too large")], numeral.end
    if numeral.form == "article":
        return read_single(passage, at, numeral)
    numeral = replace(numeral, value=sign * numeral.value)
    if counted := read_counted(passage, start, numeral):
        return [count(*counted)], counted[2]
    if ratio := read_ratio(passage, start, numeral):
        return [ratio], ratio.end
    if found := read_measure(passage, start, numeral):
        return found, found[-1].end
    if shared := read_shared(passage, start, at, numeral):
        return shared, shared[-1].end
    return classify(passage, start, at, numeral)


def count(value: float, start: int, end: int, thing: str) -> Given:
    """A number of things of which the stem is known."""
    return Given(value, "", start, end, "", after=(thing,), kind="count")


def read_measure(passage: Passage, start: int, numeral: Numeral) -> list[Given | Unread]:
    """The number with the unit or the percent sign behind it; nothing where neither is there."""
    text, folded, end = passage.plain, passage.folded, numeral.end
    end = skip_tolerance(passage, end)
    if percent := PER_HUNDRED.match(folded, end):
        scale = 1e-3 if percent[1] else 1e-6 if percent[2] else 1e-9 if percent[3] else 1e-2
        value, end = float(f"{numeral.value * scale:.15g}"), skip_tolerance(passage, percent.end())
        rate = read_unit(text, folded, end) if re.match(r" ?/ ?[a-z]| (?:per|par) ", folded[end : end + 6]) else None
        if isinstance(rate, UnitText):
            return [Given(value, rate.unit, start, rate.end, "")]
        return [Given(value, "", start, end, "", kind="fraction")]
    unit = unit_behind(passage, numeral, end)
    if isinstance(unit, str):
        return [Unread("", unit, start, end + len(unit) + 1, f"{unit!r} is not a unit that is known")]
    if unit is None:
        return []
    if half := AND_HALF.match(folded, unit.end):
        more = 0.25 if "quart" in half[0] else 0.5
        numeral, unit = replace(numeral, value=numeral.value + more), replace(unit, end=half.end())
    given = add_smaller(passage, make_given(passage, numeral.value * unit.scale, start, unit))
    return [replace(given, end=skip_tolerance(passage, given.end)) if TOLERANCE.match(text, given.end) else given]


def make_given(passage: Passage, value: float, start: int, unit: UnitText) -> Given:
    """A quantity, its unit settled by the words around where its symbol has several meanings."""
    before = passage.folded[max(0, start - 100) : start]
    end = unit.end
    angular = ANGULAR.search(before[-60:]) or ANGULAR.search(passage.folded[end : end + 20])
    slanted = unit.unit == "deg" and bool(angular or SLANTED.search(passage.folded))
    name, assumed = settle_unit(unit.unit, before, passage.plain[end : end + 40], slanted)
    if name in ("C", "F") and is_temperature_text(passage.folded):
        name, assumed = f"°{name}", f"{name} is read as degrees"
    if name == "deg" and not angular and is_difference(before, passage.folded[end : end + 10]):
        name = "°C"
    if name in ("°C", "°F", "K"):
        if below := BELOW_ZERO.match(passage.folded, end):
            value, end = -abs(value), below.end()
        elif is_difference(before, passage.folded[end : end + 10]) and name != "K":
            value, name = (value, "K") if name == "°C" else (value / 1.8, "K")
            assumed = "a difference of temperatures"
    if name not in ANGLES and is_dimensionless(name):
        share = Given(value * in_ones(name), "", start, end, "", kind="fraction", assumed=assumed)
        return replace(share, after=stems("hours day daily jour")) if name.endswith("/day") else share
    return Given(value, name, start, end, "", assumed=assumed)


def add_smaller(passage: Passage, given: Given) -> Given:
    """With a smaller unit's number that follows: 2 h 30 min, 5 ft 3 in."""
    for _ in range(2):
        link = AND_SMALLER.match(passage.folded, given.end) if given.unit in SMALLER else None
        if link is None or (link[0].strip() and given.unit not in TIMES):
            return given
        numeral = read_numeral(passage.plain, link.end(), passage.comma)
        unit = unit_behind(passage, numeral) if numeral and numeral.form != "article" else None
        if numeral is None or not isinstance(unit, UnitText) or unit.unit not in SMALLER[given.unit]:
            return given
        ratio = float(unit_registry().Quantity(1.0, unit.unit).to(given.unit).magnitude)
        if not 0 <= numeral.value * ratio < 1:
            return given
        value = given.value + math.copysign(numeral.value * ratio, given.value)
        given = replace(given, value=float(f"{value:.15g}"), end=unit.end)
    return given


def read_ratio(passage: Passage, start: int, numeral: Numeral) -> Given | None:
    """40:1, 1 : 2.3, 40 to 1."""
    to_one = TO_ONE.match(passage.folded, numeral.end)
    if to_one and not isinstance(unit_behind(passage, numeral, to_one.end()), UnitText):
        return Given(numeral.value, "", start, to_one.end(), "", kind="ratio")
    colon = RATIO.match(passage.plain, numeral.end)
    if re.search(r"\d ?: ?$", passage.plain[max(0, start - 6) : start]):
        return None  # of three or more
    other = read_numeral(passage.plain, colon.end(), passage.comma) if colon else None
    if other is None or not other.value or not math.isfinite(other.value):
        return None
    clock = re.match(r"\d\d(?!\d)", passage.plain[colon.end() :]) if colon and colon[0] == ":" else None
    ahead = passage.folded[other.end : other.end + 8]
    if clock and (
        re.match(r":\d\d| ?(?:am|pm|a\.m|p\.m|h\b|utc|gmt|hours)", ahead)
        or re.search(r"\b(?:at|a|vers) $", passage.folded[max(0, start - 6) : start])
    ):
        return None
    if isinstance(unit_behind(passage, other), UnitText) or RATIO.match(passage.plain, other.end):
        return None
    return Given(numeral.value / other.value, "", start, other.end, "", kind="ratio")


def read_shared(passage: Passage, start: int, at: int, first: Numeral) -> list[Given | Unread]:
    """The numbers of a list or range whose unit stands behind the last: 10 to 20 bar, 2 × 3 cm, 1, 2 and 5 A."""
    text, folded = passage.plain, passage.folded
    numbers = [(first.value, start, first.end)]
    strong = False
    while len(numbers) < 12:
        link = BETWEEN.match(folded, numbers[-1][2])
        if link is None:
            return []
        place = link.end()
        mark = SIGN.match(folded, place)
        sign = -1 if mark and mark[0].strip() in ("-", "minus", "moins", "negative") else 1
        begin, place = place, mark.end() if mark else place
        then = read_numeral(text, place, passage.comma) if place < len(text) else None
        if then is None or then.form == "article" or not math.isfinite(then.value):
            return []
        strong = strong or bool(link[1] or link[2])
        numbers.append((sign * then.value, begin, then.end))
        measured = read_measure(passage, numbers[-1][1], replace(then, value=sign * then.value))
        if measured and isinstance(last := measured[0], Given):
            break
    else:
        return []
    listed, before = len(numbers) > 2 or link[3], folded[max(0, start - 60) : start]
    if not strong and (not listed or is_pure_cue(before) or re.search(r"[=:]\W*$", before[-4:])):
        return []
    if strong and link[1] in ("-", "–") and first.value == 10 and len(numbers) == 2 and last.value < 10 and last.unit:
        ten = Numeral(float(f"1e{-last.value:.0f}"), first.end, "power")
        return [replace(last, value=ten.value, start=start)]  # 10-3 M, its raised digit lost
    scale = last.value / numbers[-1][0] if numbers[-1][0] else 1.0
    return [
        *(
            replace(last, value=float(f"{value * scale:.15g}"), start=begin, end=end)
            for value, begin, end in numbers[:-1]
        ),
        last,
    ]


def read_single(passage: Passage, at: int, numeral: Numeral) -> tuple[list[Given | Unread], int]:
    """A, an, one, un or une before a unit in words (half a mole is read elsewhere), or before an electron."""
    folded = passage.folded
    lead = folded[max(0, at - 9) : at]
    noun = re.compile(r"[ -](?:metric )?([a-z]{2,20})(?!\w)").match(folded, numeral.end)
    if noun is None or re.search(r"\b(?:per|par|for each|chaque|twice|times|once) $", lead):
        return [], numeral.end
    if noun[1] in ("electron", "proton", "ion", "photon"):
        return [Given(1.0, "", at, numeral.end, "", kind="count")], numeral.end
    if folded[at : noun.end()] == "un an":
        return [Given(1.0, "year", at, noun.end(), "")], noun.end()
    if noun[1] not in SINGLE or (noun[1].startswith("second") and not FOR_A.search(lead)):
        return [], numeral.end
    found = read_measure(passage, at, numeral)
    return found, found[-1].end if found else numeral.end


def classify(passage: Passage, start: int, at: int, numeral: Numeral) -> tuple[list[Given | Unread], int]:
    """A number without a unit: pure, a count, part of a name, or one whose unit is not understood."""
    text, folded, end = passage.plain, passage.folded, numeral.end
    after, before = folded[end : end + 60], folded[max(0, start - 60) : start]
    words = numeral.form in ("words", "fraction") and not text[at].isdigit() and text[at] not in "½¼¾⅓⅔⅛⅜⅝⅞"
    mark = text[start - 1 : start] if start else ""
    if (money := CURRENCY.match(after)) or mark in ("$", "€", "£"):
        return [Unread("", money[0].strip() if money else mark, start, end, "a sum of money is no quantity")], end
    if TIMES_WORD.match(after):
        return [Given(numeral.value, "", start, end, "", kind="ratio")], end
    label = not words and is_label(text[max(0, start - 60) : start], text[end : end + 12], numeral.value, text[at:end])
    if (
        after[:1] in ("-", " ")
        and numeral.form != "fraction"
        and not label
        and (thing := find_counted(after[1:], numeral))
    ):
        return [count(numeral.value, start, end, thing)], end
    if label or (after[:1] == " " and numeral.value >= 100 and COUNTABLE.match(after, 1)):
        return [], end
    if words and start < at and "°c" in before:  # 20 °C dedans et moins cinq dehors
        return [Given(numeral.value, "°C", start, end, "", assumed=f"{text[start:end]} is read in °C")], end
    if words:
        if numeral.form == "fraction" and WHOLE_OF.match(after):
            return [Given(numeral.value, "", start, end, "", kind="ratio")], end
        said = is_pure_cue(before) and OF_IT.search(before) and ENDS.match(after)
        return ([Given(numeral.value, "", start, end, "", kind="number")] if said else []), end
    if text[end : end + 1].isalpha() or text[end : end + 1] == "_":  # 1st, 3D, 316L
        tail = re.match(r"[\w.-]*\w", text[end : end + 40])[0]  # type: ignore[index]
        behind_it = end + len(tail)
        if ORDINAL_END.fullmatch(folded[end:behind_it]) or tail[0].isupper():
            return [], behind_it
        return [Unread("", tail, start, behind_it, f"{tail!r} is not a unit that is known")], behind_it
    behind = re.compile(r"[ -]{0,2}([^\W\d_]+(?:[/·*^][\w²³⁻¹]+)*)([ ,.;:)?!]|$)").match(text, end)
    if behind is None or text[end : end + 1] in ",.;:)?!=" or is_pure_cue(before):
        return [Given(numeral.value, "", start, end, "", kind="number")], end
    noun = behind[1]
    low = folded[behind.start(1) : behind.end(1)]
    if low in FOLLOWERS or (len(low) > 3 and re.search(r"[=:]\W*$", before[-4:])):
        return [Given(numeral.value, "", start, end, "", kind="number")], end
    counted = numeral.value.is_integer() and low.endswith(("s", "x")) and len(low) > 3 and "/" not in noun
    if counted and not re.match(r" ?(?:of|de|d'|per|par|/)", folded[behind.end(1) : behind.end(1) + 5]):
        return [Given(numeral.value, "", start, end, "", kind="count")], end
    return [Unread("", noun, start, behind.end(1), f"{noun[:40]!r} is not a unit that is known")], behind.end(1)
