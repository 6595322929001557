"""A text as numbers and units are read from it: signs before a number, uncertainties and units behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galop.science.reading.numerals import Numeral, read_numeral
from galop.science.reading.plain_text import fold_characters, make_plain
from galop.science.reading.unit_text import UnitText, read_unit
from galop.science.reading.words import language_of

TOLERANCE = re.compile(r" ?(?:±|\+/-|\+-|plus or minus|plus ou moins) ?")
DIGITS_IN_DOUBT = re.compile(r"(?<=\d)\(\d{1,3}\)")
PER_HUNDRED = re.compile(
    r"[ -]{0,3}(?:(?:(?:wt|mol|at|vol|mass|m|v)\.? ?-?%|%|percent|per cent|pour-?cents?|pour cent|pct)(?!\w)"
    r"|(‰|per mille|pour mille)"
    r"|(ppm[vwm]?|parts per million|parties par million)(?!\w)|(ppb[vwm]?|parts per billion)(?!\w))"
)
NEGATIVE = re.compile(r"(?<!\w)(?:minus|negative|moins|negatif|negative de) $")
EITHER_WAY = re.compile(r"(?:plus ou|plus or|more or) $")
OF_STUFF = re.compile(  # 20 kg of water per second, a ton of aluminium a day
    r" (?:of |de |d')(?:[^\W\d]+[ -]?){1,3}?(?:(?=(?:per|par) )|(?:an?|each|every|chaque) (?=(?:second|minute|hour|day|"
    r"week|month|year|seconde|heure|jour)(?!\w)))"
)
TIMES_G = re.compile(r" ?[x×] ?g(?!\w)")  # 500 × g, of a centrifuge
INCHES = re.compile(
    r"(?: ?$| ?[.,;:)\]?!/x×]| (?:of|long|wide|thick|tall|high|deep|diameter|dia|bore|pipe|by|x|and|or|to|id|od|per|is|"
    r"line|tube|nozzle|throat|orifice|hole|water|mercury|head|radius|inside|inner|internal|outside|outer|nominal)\b)"
)
ORDINAL = re.compile(r"[- ](?:stage|etage|order|ordre|pump|cell|engine|law)")
STAINLESS = (304, 316, 317)  # 316L is a steel
SPELLED_ONLY = frozenset("a d m s t h l g j".split())  # letters that words, not units, are behind a number in words


@dataclass(frozen=True)
class Passage:
    """A text as it is read: plain, folded character by character, and whether a comma before three digits is a decimal
    one there."""

    plain: str
    folded: str
    comma: bool


def make_passage(text: str) -> Passage:
    """A text made plain, with what its commas mean: decimals where it is French, or writes 2,5 and never 2.5."""
    plain = make_plain(text)
    decimal_comma = bool(re.search(r"\d,(?:\d{1,2}|\d{4,})(?!\d)", plain))
    decimal_point = bool(re.search(r"\d\.(?:\d{1,2}|\d{4,})(?!\d)", plain))
    comma = not decimal_point and (decimal_comma or language_of(plain) == "fr")
    return Passage(plain, fold_characters(plain), comma)


def read_sign(passage: Passage, at: int) -> tuple[int, int]:
    """The sign before a number, a mark or a word, and where the number with it begins."""
    text = passage.plain
    lead = text[max(0, at - 4) : at]
    if lead.endswith(("-", "–", "+")):
        ahead = lead[:-1]
        opens = not ahead or re.search(r"[(=\[:,;≈<>~/|*×\n]$", ahead)
        if opens or (ahead.endswith(" ") and not re.search(r"(?<![^\W\d_])\d $", ahead)):
            return 1 if lead.endswith("+") else -1, at - 1
    if re.search(r"[=:≈] ?[-–] $", text[max(0, at - 5) : at]):
        return -1, at - 2
    if word := NEGATIVE.search(passage.folded[max(0, at - 14) : at]):
        begin = at - len(word[0])
        if not EITHER_WAY.search(passage.folded[max(0, begin - 8) : begin]):
            return -1, begin
    return 1, at


def skip_tolerance(passage: Passage, end: int) -> int:
    """The place behind an uncertainty such as ± 0.1, with its unit where the number has had one already, or (5)."""
    text, folded = passage.plain, passage.folded
    if doubt := DIGITS_IN_DOUBT.match(text, end):
        return doubt.end()
    tolerance = TOLERANCE.match(folded, end)
    if tolerance is None or tolerance.end() >= len(text):
        return end
    numeral = read_numeral(text, tolerance.end(), passage.comma)
    if numeral is None:
        return end
    if percent := PER_HUNDRED.match(folded, numeral.end):
        return percent.end()
    if text[end - 1].isalpha() or text[end - 1] in "%²³":
        unit = unit_behind(passage, numeral)
        return unit.end if isinstance(unit, UnitText) else numeral.end
    return numeral.end


def unit_behind(passage: Passage, numeral: Numeral, at: int | None = None) -> UnitText | str | None:
    """The unit behind a number (at `at`, if that is not its end), after spaces or a hyphen; None for none, or where its
    letters mean something else there. A text that is not understood: itself."""
    text, folded = passage.plain, passage.folded
    end = numeral.end if at is None else at
    place = end
    while place < end + 12 and text[place : place + 1] == " ":
        place += 1
    if place == end and text[place : place + 1] in ("-", "'") and text[place + 1 : place + 2].isalpha():
        place += 1  # a 12-volt battery, trois quarts d'heure
    if text[end : end + 1] == "L" and numeral.value in STAINLESS:
        return None
    if gravities := TIMES_G.match(folded, end):
        return UnitText("g_0", gravities.end())
    if place >= len(text) or text[place] in ".,;:!?=<>+-–)":
        return None
    found = read_unit(text, folded, place)
    if not isinstance(found, UnitText):
        return found
    if is_no_unit(found.unit, folded[place : found.end], folded[found.end : found.end + 14], numeral.form):
        return None
    if between := OF_STUFF.match(folded[found.end : found.end + 60]):
        rate = read_unit(text, folded, found.end + between.end())
        if isinstance(rate, UnitText) and "/" not in found.unit:
            below = rate.unit.removeprefix("1")
            below = below if below.startswith("/") else f"/{below}"
            return UnitText(f"{found.unit}{below}", rate.end, found.scale * rate.scale)
    return found


def is_no_unit(unit: str, run: str, ahead: str, form: str) -> bool:
    """Whether what reads like a unit (folded `run`) means something else before the folded text `ahead`."""
    if unit == "inch" and run == "in":
        return not INCHES.match(ahead)
    if run in ("second", "seconde"):
        return bool(ORDINAL.match(ahead))
    if unit == "deg":
        return bool(re.match(r" (?:of freedom|de liberte)", ahead))
    if len(run) == 1 and run.isalpha():
        words = form == "words" and run in SPELLED_ONLY and not re.match(r"\W*$|[ ,.;)]", ahead)
        return words or bool(re.match(r" (?:atom|ion|nucle)", ahead))
    return False
