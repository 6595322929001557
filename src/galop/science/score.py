"""Judges a reply as a careful marker would: reads what it states, converts it, names the slip behind a wrong number.

Its last `ANSWER:` counts, else what is boxed, else the last sentence that states a quantity of the dimension asked
for or says that there is none. Two answers that differ are no answer; neither is a unit of another dimension, or one
that is not understood. A number without a unit is in the one that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi, sqrt

from galop.science.answers import find_answer
from galop.science.reading.plain_text import fold_characters
from galop.science.refusals import find_refusal, is_conditional
from galop.science.stated import LONGEST, Stated, convert, find_stated, strip_markup

SLIPS: list[tuple[str, float]] = [
    ("g0", 9.80665), ("ln for log10", log(10)), ("factor 2", 2.0), ("pi", pi), ("2 pi", 2 * pi), ("4", 4.0),
    ("square root of 2", sqrt(2)), ("minutes for seconds", 60.0), ("hours for seconds", 3600.0),
]  # fmt: skip
SILENT = ("no answer", "gave up", "several answers")
"""Slips of replies that state no number to rely on."""
SAYS = (
    "is are was be equals? becomes? gives? yields? reach(?:es)? gets? get obtain needs? about approximately roughly "
    "est sont vaut valent fait font donne donnent atteint soit obtient trouve faut environ"
).split()
HOW_NEAR = (
    "about approximately around roughly only just exactly now then thus of therefore some an? near(?:ly)? "
    "environ presque donc alors exactement de d'environ seulement"
).split()
EQUAL = "equal to|close to|comes to|amounts to|egale? a|a peu pres|autour de"
ASSERTS = re.compile(
    rf"(?:[=≈~:→>≥≤<]|\b(?:{'|'.join(SAYS)}|{EQUAL}))(?: (?:{'|'.join(HOW_NEAR)}|{EQUAL}))*[ (*]*[-–+≈~]* ?$"
)
QUALIFIES = re.compile(
    r"[;,]|\b(?:for|with|at|when|if|given|assuming|using|from|than|since|because|compared|instead|based|where|while|"
    r"against|versus|vs|pour|avec|quand|si|depuis|car|contre|lorsque|sachant|ou l'on|au lieu|par rapport|a partir|"
    r"a une?)\b"
)
EITHER = re.compile(
    r"[ ,;]*(?:-|–|—|/|\.\.\.|…|to|a|and|et|or|ou|or (?:maybe|perhaps|possibly|else|even)|"
    r"ou (?:bien|peut-etre|encore)|maybe|perhaps|peut-etre) *(?:about|environ|approximately|around|even)? ?"
)
OR = re.compile(r"\b(?:or|ou)\b")
LISTED = re.compile(r" *[,;] *(?:or|ou|and|et|soit)? ?")
ASIDE = re.compile(r"(?<=[^\w/^*·]) ?\([^()]*\)|\[[^\[\]]*\]")
FROM = re.compile(r"\b(?:from|de|depuis|passe de) ?$")
OWN_VIEW = re.compile(r"\s*(?:not computed|non calcule)\b")  # of a reply none of whose numbers is stated as the answer
SHORT = 60  # characters of a reply whose one bare number is its answer


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; if not, what it looks like: a slip, "wrong unit", "no answer" or "wrong"."""

    right: bool
    value: float | None
    slip: str = ""

    @property
    def misleads(self) -> bool:
        """Whether a number is stated as the answer and is not it, or nothing can be known."""
        return not self.right and self.slip not in SILENT


def judge_number(text: str, wanted: float | None, unit: str, tolerance: float, language: str = "") -> Verdict:
    """Whether a whole reply gives the number `wanted` in `unit`; None for "unknown".

    The tolerance is relative; where 0 is wanted, it is in the unit. In English ("en") a comma before three digits parts
    thousands; otherwise it may do either.
    """
    found = read_alternatives(text, unit)
    if found is None:
        return Verdict(False, None, "no answer")
    if found == "unknown":
        return Verdict(wanted is None, None, "" if wanted is None else "gave up")
    if isinstance(found, str):
        return Verdict(False, None, found)
    value = found[0][0]
    if wanted is None:
        return Verdict(False, value, "answered what cannot be known")
    readings = [either[:1] if language == "en" else either for either in found]
    hits = [next((one for one in either if is_close(one, wanted, tolerance)), None) for either in readings]
    if hits[0] is not None and None not in hits:
        return Verdict(True, hits[0])
    if len(found) > 1:
        return Verdict(False, value, "several answers")
    return Verdict(False, value, name_slip(value, wanted, unit, tolerance) or "wrong")


def read_answer(text: str, unit: str) -> float | str | None:
    """The answer in `unit`, "unknown", "wrong unit", or None where there is none."""
    found = read_alternatives(text, unit)
    return found if found is None or isinstance(found, str) else found[0][0]


def read_alternatives(text: str, unit: str) -> list[list[float]] | str | None:
    """All that is given as the answer, each with its readings in `unit`; "unknown", "wrong unit", None for nothing.

    What is only supposed (`typically 40 s`) counts where nothing else does.
    """
    if OWN_VIEW.match(fold_characters(text[:40])):
        return "unknown"
    said = find_answer(text)
    if said is not None:
        return read_line(strip_markup(said[:LONGEST]), unit)
    sentences = re.split(r"(?<=[.!?])\s+(?=[^\W\d_]|[«\"(*])|\n+", text[-LONGEST:])
    supposed: list[list[float]] | str | None = None
    for sentence in reversed(sentences):
        line = strip_markup(re.sub(r"^\s*(?:\d{1,2}[.)]|[-*•#]+)\s+", "", sentence)).strip()
        found = read_line(line, unit, len(text.strip()) > SHORT)
        sure = found not in (None, "wrong unit") and not is_conditional(fold_characters(line))
        if found == "unknown" or sure:
            return found
        supposed = found if supposed in (None, "wrong unit") and found is not None else supposed
    return supposed


def read_line(line: str, unit: str, prose: bool = False) -> list[list[float]] | str | None:
    """The same of one line without markup; of prose, what is only mentioned in another dimension is nothing."""
    plain = ASIDE.sub(lambda m: " " * len(m[0]), f" {line}")[1:]
    stated = find_stated(plain)
    if not stated:
        plain, stated = line, find_stated(line)
    folded = fold_characters(plain)
    if (refusal := find_refusal(fold_characters(line))) and not is_answered(stated, folded, refusal.span(), unit):
        return "unknown"
    chosen = choose(stated, folded, unit, prose)
    if not isinstance(chosen, list):
        return chosen
    readings = []
    for one in chosen:
        if one.unit is None and unit:
            return "wrong unit"
        values = [convert(value, one.unit or "", unit) for value in one.values]
        if None in values:
            return "wrong unit"
        kept = [value for value in values if value is not None]
        readings.append([*one.values, *kept] if unit == "%" and one.unit == "" else kept)
    return readings


def is_answered(stated: Sequence[Stated], folded: str, refusal: tuple[int, int], unit: str) -> bool:
    """Whether a line states an answer before or behind the words of a refusal, and not as a supposition."""
    for one in stated:
        if not fits(one, unit) or not (asserts(folded, one) or not re.search(r"\w", folded[: one.start])):
            continue
        if one.end <= refusal[0] and not QUALIFIES.search(folded[: one.start]):
            return True
        if one.start >= refusal[1] and not is_conditional(folded[refusal[0] : one.end + 40]):
            return True
    return False


def choose(stated: Sequence[Stated], folded: str, unit: str, prose: bool) -> list[Stated] | str | None:
    """What of the quantities of a line is its answer, with others it gives as such; "wrong unit", None for nothing."""
    if not stated:
        return None
    strong = [one for one in stated if asserts(folded, one)]
    first = stated[0]
    leads = not re.search(r"\w", folded[: first.start])
    if leads and (fits(first, unit) or first.unit == ""):
        cut = QUALIFIES.search(folded, first.end)
        chain = [one for one in strong if fits(one, unit) and one.end <= (cut.start() if cut else len(folded))]
        chain = [one for one in chain if not re.search(r"≈ ?$", folded[: one.start])]  # the same once more, rounded
        return spread(chain[-1] if chain and not prose else first, stated, folded, unit, leads=True)
    for group in (
        [one for one in strong if fits(one, unit)], [one for one in strong if one.unit == "" and unit],
        [one for one in strong if one.unit or (one.unit is None and not prose)],
        [one for one in stated if fits(one, unit) and (unit or not prose)],
        [one for one in stated if one.unit == "" and not prose],
    ):  # fmt: skip
        if group:
            one = last_asserted(group, folded)
            either = [each for each in group if each is one or OR.search(folded, *gap(each, one))]
            return either if len(either) > 1 else spread(one, stated, folded, unit)
    return None if prose else "wrong unit"


def gap(one: Stated, other: Stated) -> tuple[int, int]:
    """From where to where a line lies between two quantities."""
    return min(one.end, other.end), max(one.start, other.start)


def last_asserted(group: Sequence[Stated], folded: str) -> Stated:
    """The last of some quantities before what only qualifies one: `4 km/s at Isp = 300 s`."""
    kept = group[0]
    for one in group[1:]:
        between = folded[kept.end : one.start]
        if between.strip() == "≈":
            break
        goes_on = re.search(r"[=→] ?[-+≈]? ?$|\b(?:so|thus|donc|therefore|soit|hence)\b", between)
        if QUALIFIES.search(between) and not goes_on:
            break
        if re.match(r" ?(?:for|with|at|pour|avec|when|if|si)\b[^,;]*$", between):
            break
        kept = one
    return kept


def spread(one: Stated, stated: Sequence[Stated], folded: str, unit: str, leads: bool = False) -> list[Stated]:
    """A quantity with those it is given with as alternatives or as the ends of a range."""
    index = list(stated).index(one)
    found = [one]
    for more in stated[index + 1 :]:
        between = folded[found[-1].end : more.start]
        if not (fits(more, unit) or more.unit == "") or not (
            EITHER.fullmatch(between) or (leads and fits(more, unit) and LISTED.fullmatch(between))
        ):
            break
        found.append(more)
    for less in reversed(stated[:index]):
        if not (fits(less, unit) or less.unit == "") or not EITHER.fullmatch(folded[less.end : found[0].start]):
            break
        found.insert(0, less)
    if len(found) > 1 and FROM.search(folded[: found[0].start]):
        return found[-1:]
    common = next((each.unit for each in reversed(found) if each.unit), "")
    return [Stated(each.values, each.unit or common, each.start, each.end) for each in found]


def asserts(folded: str, one: Stated) -> bool:
    """Whether the words before a quantity say that something is that."""
    return bool(ASSERTS.search(folded[max(0, one.start - 60) : one.start]))


def fits(one: Stated, unit: str) -> bool:
    """Whether a quantity has the dimension asked for, and says so; what is counted is a pure number."""
    if not unit:
        return one.unit in ("", None, "%", "permille", "ppm")
    return bool(one.unit) and convert(one.values[0], one.unit or "", unit) is not None


def is_close(value: float, wanted: float, tolerance: float) -> bool:
    """Whether a value is the one wanted, within a relative tolerance, or an absolute one of 0."""
    return abs(value - wanted) <= tolerance * (abs(wanted) or 1.0)


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
