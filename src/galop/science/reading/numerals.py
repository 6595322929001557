"""Numbers as people write them, in digits or in English and French words, at a place of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galop.science.reading.number_words import GROUPS, SCALES, read_number_words
from galop.science.reading.words import fold

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
PLAIN = str.maketrans(RAISED, "0123456789-+")
GROUPED = r"\d{{1,3}}(?:{}\d{{3}})+(?!\d)"
DIGITS = "|".join(
    [
        rf"{GROUPED.format(' ')}(?:[.,]\d+)?",
        rf"{GROUPED.format(',')}(?:\.\d+)?",
        rf"{GROUPED.format('[' + chr(39) + '’]')}(?:[.,]\d+)?",
        r"\d{1,3}(?:\.\d{3})+,\d+",
        r"\d{1,3}(?:\.\d{3}){2,}(?!\.?\d)",
        r"\d+(?:_\d{3})+(?:\.\d+)?",
        r"\d+(?:[.,]\d+)?",
        r"[.,]\d+",
    ]
)
POWER = r"(?:(?:\^|\*\*)\s{0,2}[{(]?\s{0,2}[-+]?\d{1,4}(?!\d)\s{0,2}[})]?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4})"
TIMES = rf"(?:\s{{0,9}}[x×*·⋅.]\s{{0,9}}|(?<=\d)\s)10(?:\s{{0,9}}{POWER}|-\d{{1,2}}(?!\d))"
NUMERAL = re.compile(rf"({DIGITS})(?:(?: (?=[eE][-+]))?[eE]([-+]?\d{{1,6}})(?!\d|\.\d)|({TIMES}))?")
TEN = re.compile(rf"10\s?{POWER}")
MIXED = re.compile(r"(?:(\d{1,4})(?: |-| and | et ))?(\d{1,4})\s?/\s?(\d{1,4})(?![\d.,/])")
VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125, "⅜": 0.375, "⅝": 0.625, "⅞": 0.875}
AFTER_DIGITS = re.compile(
    r" ?(hundred|thousand|millions?|billions?|milliers?|milliards?|mille|dozen)(?:\s(?:de|d['’]|of)(?=\s|\w))?(?![\w])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Numeral:
    """A number at a place of a text: its value, where it ends, and how it was written.

    `form` is "digits", "power" (10⁻⁴ alone), "fraction" (3/4, one half), "words", or "article" for a, an, one, un and
    une, which may be no number.
    """

    value: float
    end: int
    form: str


def read_numeral(text: str, at: int, comma: bool = False) -> Numeral | None:
    """The longest number that begins at `at` of a text whose spaces and minus signs are plain; without its sign.

    `comma` says that a comma before three digits is a decimal one. A number too large for a float is infinite.
    """
    if text[at].isdigit() or text[at] in ".,":
        return read_digits(text, at, comma)
    if text[at] in VULGAR:
        return Numeral(VULGAR[text[at]], at + 1, "fraction")
    if found := read_number_words(text, at):
        value, end, form = found
        return Numeral(value, end, form)
    return None


def read_digits(text: str, at: int, comma: bool) -> Numeral | None:
    """A number in digits: thousands in groups, decimals, powers of ten, fractions, and words such as million after."""
    if ten := TEN.match(text, at):
        return Numeral(float(f"1e{exponent_of(ten[0][2:])}"), ten.end(), "power")
    if (mixed := MIXED.match(text, at)) and 0 < int(mixed[2]) < int(mixed[3]) <= 64:
        return Numeral(float(mixed[1] or 0) + int(mixed[2]) / int(mixed[3]), mixed.end(), "fraction")
    match = NUMERAL.match(text, at)
    if match is None:
        return None
    power = match[2] or (match[3] or "10").split("10", 1)[1] or "0"
    value, end = float(f"{plain_decimal(match[1], comma)}e{exponent_of(power)}"), match.end()
    if text[end : end + 1] in VULGAR and value.is_integer():
        return Numeral(value + VULGAR[text[end]], end + 1, "fraction")
    if text[end : end + 1] == " " and text[end + 1 : end + 2] in VULGAR and value.is_integer():
        return Numeral(value + VULGAR[text[end + 1]], end + 2, "fraction")
    if more := AFTER_DIGITS.match(text, end):
        name = fold(more[1])
        value, end = value * (SCALES.get(name) or GROUPS[name]), more.end()
    return Numeral(value, end, "digits")


def plain_decimal(digits: str, comma: bool) -> str:
    """Digits with thousands in groups and a decimal point or comma, as Python writes them."""
    digits = re.sub(r"[ _'’]", "", digits)
    if "," in digits and "." in digits:
        thousands = "," if digits.rindex(".") > digits.rindex(",") else "."
        return digits.replace(thousands, "").replace(",", ".")
    if digits.count(".") > 1:
        return digits.replace(".", "")
    if digits.count(",") > 1 or (re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits) and not comma):
        return digits.replace(",", "")
    return digits.replace(",", ".")


def exponent_of(power: str) -> int:
    """The exponent that stands in a text, raised or with signs of a power around it."""
    return int(re.sub(r"[^-\d]", "", power.translate(PLAIN)))
