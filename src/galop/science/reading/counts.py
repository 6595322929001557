"""Numbers of like things that are no quantities by themselves: 10s4p, three 1.5 V cells, 5 in parallel."""

from __future__ import annotations

import re

from galop.science.reading.numerals import Numeral, read_numeral
from galop.science.reading.passage import Passage, unit_behind
from galop.science.reading.unit_context import COUNTABLE
from galop.science.reading.unit_text import UnitText
from galop.science.reading.words import stem

PACK = re.compile(r"(\d{1,3}) ?s(?: |-|x)?(\d{1,3}) ?p(?!\w)|(\d{1,3})( ?)(?:s|(p))(?!\w)")
OF_CELLS = re.compile(r"\b(?:packs?|batter\w+|cells?|cellules?|lipo|li-?ion|lifepo4?|bms|accus?|18650|21700)\b")
TOGETHER = re.compile(r" (?:(?:are |mises? |montee?s? |wired |connected )?(?:in|en) )(series|serie|parallele?)(?!\w)")
SERIES, PARALLEL = stem("series"), stem("parallel")
MULTIPLES = {"twice": 2.0, "thrice": 3.0, "doubles": 2.0, "doubled": 2.0, "triples": 3.0, "tripled": 3.0,
             "trebles": 3.0, "quadruples": 4.0, "double": 2.0, "triple": 3.0, "halves": 0.5}  # fmt: skip
TIMES_AS_MUCH = re.compile(
    r"(twice|thrice|doubles|doubled|triples|tripled|trebles|quadruples|halves(?= (?:when|if|between|from)\b)|"
    r"(?:double|triple)(?= (?:entre|quand|lorsqu|si|between|when|if|pour)\b))(?!\w)"
)
Counted = tuple[float, int, int, str]
"""A number, where it begins and ends, and the stem of what it counts."""


def read_pack(passage: Passage, at: int) -> list[Counted]:
    """The cells in series and in parallel of 14S, 10s4p or 4P, where cells are spoken of."""
    match = PACK.match(passage.folded, at)
    if match is None or not OF_CELLS.search(passage.folded):
        return []
    near = passage.folded[max(0, at - 30) : at + 40]
    if not match[2] and (not OF_CELLS.search(near) or (match[4] and passage.plain[match.end() - 1].islower())):
        return []  # 13s may be seconds elsewhere, 13 s are
    alone = PARALLEL if match[5] else SERIES
    found = [(match[i], match.start(i), name) for i, name in ((1, SERIES), (2, PARALLEL), (3, alone)) if match[i]]
    ends = [*(start for _, start, _ in found[1:]), match.end()]
    return [(float(n), start, end, name) for (n, start, name), end in zip(found, ends, strict=True)]


def read_counted(passage: Passage, start: int, numeral: Numeral) -> Counted | None:
    """A whole number before a quantity of each of the things behind that, or before "in series": three 1.5 V cells."""
    if not float(numeral.value).is_integer() or not 1 <= numeral.value < 10_000:
        return None
    if together := TOGETHER.match(passage.folded, numeral.end):
        return numeral.value, start, numeral.end, stem(together[1])
    link = re.compile(r" ?[x×] ?| (?:identical |identiques )?").match(passage.folded, numeral.end)
    each = read_numeral(passage.plain, link.end(), passage.comma) if link else None
    if each is None or each.form == "article":
        return None
    unit = unit_behind(passage, each)
    if not isinstance(unit, UnitText):
        return None
    thing = re.compile(rf"[ -](?:[a-z]+[ -])?({COUNTABLE.pattern})").match(passage.folded, unit.end)
    if thing is None:
        return None
    return numeral.value, start, numeral.end, stem(thing[1].split()[-1].split("-")[-1])


def find_counted(after: str, numeral: Numeral) -> str:
    """The stem of what a number counts, named by the folded text behind it and a space; "" where nothing is, and where
    it is one of a type, as an 18650 cell."""
    thing = COUNTABLE.match(after)
    counted = thing is not None and (numeral.value < 100 or thing[0].endswith(("s", "x")))
    return stem(re.split(r"[ -](?=[a-z])", thing[0])[-1]) if thing and counted else ""
