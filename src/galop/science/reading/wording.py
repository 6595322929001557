"""A text as questions are read from it: what stands where, the units that are asked in, the quantities named without
a value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galop.science.reading.interrogatives import (
    ANSWER_IN,
    ARTICLE,
    ASKING,
    AT_NUMBER,
    CONVERT,
    EACH,
    FORMAT,
    HOW_MANY,
    IMPERATIVE,
    IN_SOME,
    IN_UNIT,
    LEADS_ON,
    OF_THEM,
    PERCENT_UNIT,
    POLITE_END,
    TAIL,
)
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.quantity_words import find_implied, find_measures
from galop.science.reading.unit_context import settle_unit
from galop.science.reading.unit_text import UnitText, read_unit
from galop.science.reading.words import stems
from galop.science.units import same_dimension

NORMAL = re.compile(r"(?:normal|standard|normaux) (?=[a-z])")  # litres, at 0 °C and 1 atm
CALLED_BY_UNIT = re.compile(r"(?:rpm|psi|hp|kw|kwh|m?ah|gpm|cfm|lbf|kn|mph|tr/min)(?= [a-z])")  # What RPM gives ...


@dataclass(frozen=True)
class Wording:
    """A text as questions are read from it: plain, folded, `silent`, folded with what it gives left blank, and where
    that stands with its unit."""

    plain: str
    folded: str
    silent: str
    values: tuple[tuple[int, int, str], ...]


def find_unvalued(wording: Wording, start: int, end: int) -> list[tuple[int, int, str]]:
    """The quantities that are named between two places without a value: where, and their SI units."""
    found = []
    for at, to, unit in find_measures(wording.silent[start:end]):
        begin, behind = start + at, start + to
        follows = precedes = False
        for first, last, measured in wording.values:
            alike = same_dimension(measured, unit)
            near = 40 if alike else 6 if not measured else 3  # a number right behind
            follows = follows or (behind <= first <= behind + near and is_value_of(wording.silent[behind:first]))
            precedes = precedes or (alike and begin - 2 <= last <= begin and wording.silent[last] in " -")
        if not follows and not precedes:
            found.append((begin, behind, unit))
    return found


def is_value_of(between: str) -> bool:
    """Whether what stands between a quantity's name and a value says that it is its own, and not at or for that."""
    if re.search(r"[.:,;] ?[a-z]\w{0,3} ?[=≈]", between):
        return False  # of the symbol
    return len(stems(between)) < 3 and not re.search(r"[.;?!]|\b(?:for|with|at|pour|avec|a|sous|when|if|si)\b", between)


def is_asking(wording: Wording, match: re.Match[str], start: int, asks: bool, wishes: bool) -> bool:
    """Whether an interrogative or imperative stands where it asks, and is no relative pronoun."""
    folded = wording.folded
    lead = folded[max(start, match.start() - 60) : match.start()].rstrip()
    opens = not lead or lead[-1] in ",;:.–-)("
    if match["do"]:
        return (opens or bool(LEADS_ON.search(lead))) and not FORMAT.match(folded, match.end())
    if match["wish"]:
        return (
            wishes
            and opens
            and (names_what_is_wanted(wording, match.end()) or bool(IN_SOME.match(folded, match.end())))
        )
    if match["wh"] == "quand":  # else it is a condition: la tension quand le moteur tire 150 A
        return opens and not ASKING.search(folded, start, match.start())
    if "which" in match["wh"] or "lequel" in match["wh"] or "laquelle" in match["wh"]:
        return asks and opens
    return asks or opens or bool(re.search(rf"{IMPERATIVE}$", lead))


def names_what_is_wanted(wording: Wording, at: int) -> bool:
    """Whether a quantity is named at a place, and its value stands neither before nor behind the name."""
    named = find_measures(wording.silent[at : at + 60])
    if not named or named[0][0] >= 16:
        return False
    return not any(at <= first <= at + named[0][1] + 12 for first, _, _ in wording.values)


def may_ask(wording: Wording, start: int, end: int) -> bool:
    """Whether a sentence has a question mark, an interrogative, an imperative, or says in what to answer."""
    asks = "?" in wording.plain[start:end] or ASKING.search(wording.folded, start, end)
    return bool(asks or ANSWER_IN.search(wording.folded, start, end))


def name_length(clause: str, silent: str) -> int:
    """How much of a clause is the name of what is asked: up to a verb, a condition, a subject, or a number."""
    ends = [match.start() for match in TAIL.finditer(clause, 1)] + [
        match.start() for match in ARTICLE.finditer(clause, 1)
    ]
    for number in re.finditer(r"(?<=\S) {2,}", silent):
        lead = AT_NUMBER.search(clause[: number.start() + 1])
        ends.append(lead.start() if lead else number.start())
    inside = [range(at + 1, to) for at, to, _ in find_measures(clause)]  # thrust-to-weight ratio is one name
    ends = [end for end in ends if not any(end in named for named in inside)]
    return min((end for end in ends if stems(silent[:end])), default=len(clause))


def read_answer_unit(wording: Wording, at: int, about: str) -> tuple[str, int] | None:
    """The unit that stands at a place by itself, for an answer about something, and its end; None for none."""
    folded = wording.folded
    if percent := PERCENT_UNIT.match(folded, at):
        return "%", percent.end()
    unit = read_unit(wording.plain, folded, at)
    if not isinstance(unit, UnitText):
        return None
    if folded[at : unit.end] in ("h", "second", "mole", "bar") and re.match(r" [a-z]", folded[unit.end : unit.end + 2]):
        return None
    if unit.unit in ("C", "F", "deg") and is_temperature(about):
        return {"C": "°C", "F": "°F", "deg": "°C"}[unit.unit], unit.end
    return settle_unit(unit.unit, about, "")[0], unit.end


def is_temperature(about: str) -> bool:
    """Whether folded words ask for a temperature."""
    return find_implied(about) == "K" or any(measures == "K" for _, _, measures in find_measures(about))


def last_unit(wording: Wording, start: int, end: int) -> tuple[str, int] | None:
    """The unit by itself that a sentence ends in (", in kN", "(mAh/g)", ", µA please"), and where that begins."""
    for match in IN_UNIT.finditer(wording.silent, start, end):
        found = read_answer_unit(wording, match.end(), wording.folded[start : match.start()])
        if found and POLITE_END.fullmatch(wording.folded, found[1], end):
            return found[0], match.start()
    return None


def asked_unit(wording: Wording, start: int, end: int, interrogative: str) -> tuple[str | None, int, int]:
    """The unit that a clause names for what it asks, if any (how many kilograms, in kN, (kg)), and where it stands."""
    plain, folded = wording.plain, wording.folded
    clause = folded[start:end]
    counts = bool(re.search(r"how many|combien", interrogative))
    if many := HOW_MANY.match(clause) or (OF_THEM.match(clause) if counts else None):
        normal = NORMAL.match(folded, start + many.end())
        unit = read_unit(plain, folded, normal.end() if normal else start + many.end())
        if isinstance(unit, UnitText):
            name = settle_unit(unit.unit, clause, plain[unit.end : unit.end + 20])[0]
            each = EACH.match(folded, unit.end, end)
            below = read_unit(plain, folded, each.end()) if each and "/" not in name else None
            if isinstance(below, UnitText):  # how many kWh does each kg cost
                name = f"{name}/{below.unit}"
            return name, start + many.end(), unit.end
    asked: tuple[str | None, int, int] = None, start, start
    if called := CALLED_BY_UNIT.match(folded, start, end):
        unit = read_unit(plain, folded, start)
        asked = (unit.unit, start, unit.end) if isinstance(unit, UnitText) and unit.end == called.end() else asked
    for match in IN_UNIT.finditer(wording.silent, start, end):
        if match[0].startswith("to") and not CONVERT.search(interrogative + clause):
            continue
        found = read_answer_unit(wording, match.end(), f"{interrogative.strip()} {clause}")
        if found is None:
            continue
        unit_name, place = found
        if match[0] in ("(", "[", "( ", "[ ") and not re.match(r"\s?[)\]]", plain[place : place + 2]):
            continue
        if match[0] == ", " and not re.match(r" ?(?:[?.!]|$)", plain[place : place + 2]):
            continue
        asked = unit_name, match.end(), place
    return asked


def unit_ahead(wording: Wording, sentence: int, at: int, about: str) -> str | None:
    """The unit right before an interrogative: In kN, what is ..."""
    for match in IN_UNIT.finditer(wording.folded, max(sentence, at - 30), at):
        found = read_answer_unit(wording, match.end(), fold_characters(about)) if match[0].strip() else None
        if found and not wording.plain[found[1] : at].strip(" ,:"):
            return found[0]
    return None
