"""What a text asks for, in which unit, and what it gives: read before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from galop.science.reading.interrogatives import (
    ANSWER_IN,
    ARTICLE,
    ASKING,
    AT_NUMBER,
    BETWEEN,
    BOTH,
    COMPARE,
    CONDITION,
    CONVERT,
    EACH,
    EDGE,
    ENUMERATOR,
    EQUATED,
    FORMAT,
    HOW_MANY,
    IMPERATIVE,
    IN_SOME,
    IN_UNIT,
    INVERTED,
    LEADS_ON,
    OF_THEM,
    OPEN,
    PER_TIME,
    PER_WHAT,
    PERCENT,
    PERCENT_UNIT,
    POLITE_END,
    STOP,
    TAIL,
    TIMES,
    YES_NO,
    sentences,
)
from galop.science.reading.plain_text import fold_characters, make_plain
from galop.science.reading.quantities import Given, Unread, read_quantities
from galop.science.reading.quantity_words import PER, find_implied, find_measures, words_for
from galop.science.reading.substances import Name, read_names
from galop.science.reading.unit_context import settle_unit
from galop.science.reading.unit_text import UnitText, read_unit
from galop.science.reading.words import language_of, stems
from galop.science.units import same_dimension

AskedKind = Literal["value", "count", "yes_no", "comparison", "open"]


@dataclass(frozen=True)
class Asked:
    """One thing that a text asks for.

    `what` is its words as they stand ("thrust of the engine"), `stems` their stems, the asked quantity's first.
    `unit` is the unit the text names for it ("kN", "%", "" for a pure number asked as such), None where it names none.
    `measures` is a unit of the dimension that unit or the words imply (SI, "N" for thrust, "s" for how long, "" for a
    pure number), None where neither tells. `kind` is "value", "count" (how many stages: the thing is in `what`),
    "yes_no", "comparison", or "open" for what no number answers (why, how to, what to choose).
    """

    what: str
    stems: tuple[str, ...]
    unit: str | None
    measures: str | None
    start: int
    end: int
    kind: AskedKind = "value"


@dataclass(frozen=True)
class TechnicalQuestion:
    """A text as it was understood: what is asked (nothing, one, or several), the quantities given, the numbers whose
    units are not understood, and the substances, ions and couples named, each in the order of the text."""

    text: str
    language: str
    asked: tuple[Asked, ...]
    given: tuple[Given, ...]
    unread: tuple[Unread, ...]
    names: tuple[Name, ...]


SYMBOLS = frozenset("h k g f c t l u q ph")  # that are asked for sooner than answers in hours, grams and the like
LONGEST = 200_000  # characters
MOST, MANY = 8, 60  # things asked for; sentences that may ask
AMOUNTS = frozenset("kg g mg t L mL m^3 mol mmol kW*h MW*h".split())
SHORTEST = 24  # characters of a sentence that may be a unit alone
LONGEST_CLAUSE = 400  # characters


def read_question(text: str) -> TechnicalQuestion:
    """A text in English or French, understood. Nothing is computed, and nothing but the text is known."""
    text = text[:LONGEST]
    found = read_quantities(text)
    return TechnicalQuestion(
        text,
        language_of(text),
        read_asked(text, found),
        tuple(item for item in found if isinstance(item, Given)),
        tuple(item for item in found if isinstance(item, Unread)),
        tuple(read_names(text)),
    )


@dataclass(frozen=True)
class Wording:
    """A text as questions are read from it: plain, folded, `silent`, folded with what it gives left blank, and where
    that stands with its unit."""

    plain: str
    folded: str
    silent: str
    values: tuple[tuple[int, int, str], ...]


def read_asked(text: str, found: Sequence[Given | Unread] | None = None) -> tuple[Asked, ...]:
    """What a text that gives `found` asks for, in its order; at most the last MOST things.

    A unit that is asked for in a sentence of its own belongs to what is asked before it.
    """
    plain = make_plain(text)
    folded = fold_characters(plain)
    silent = list(folded)
    found = read_quantities(text) if found is None else found
    for item in found:
        silent[item.start : item.end] = " " * (item.end - item.start)
    values = tuple((item.start, item.end, item.unit) for item in found if isinstance(item, Given))
    if len(marks := list(ENUMERATOR.finditer(folded))) > 1:  # (a) the thrust, (b) the mass flow
        for mark in marks:
            folded = folded[: mark.start()] + "   " + folded[mark.end() :]
            silent[mark.start() : mark.end()] = "   "
    wording = Wording(plain, folded, "".join(silent), values)
    asked: list[Asked] = []
    wanted = None
    places = [at for at in sentences(plain) if may_ask(wording, *at) or (at[0] and at[1] - at[0] < SHORTEST)]
    for start, end in places if len(places) <= MANY else [*places[: MANY // 4], *places[-MANY:]]:
        said = ANSWER_IN.search(folded, start, end)
        if asked and asked[-1].unit in (None, "") and (unit_alone := read_unit_alone(wording, start, end, asked[-1])):
            asked = [*asked[:-1], with_unit(asked[-1], unit_alone)]
            continue
        about = fold_characters(asked[-1].what) if asked else ""
        if said and (found_unit := read_answer_unit(wording, said.end(), about)):
            wanted = found_unit[0]
            asked = [*asked[:-1], with_unit(asked[-1], wanted)] if asked else []
        if not said or not wanted or not asked:
            asked += read_sentence(wording, start, end)
    if not asked:
        asked = [one for at in places for one in read_sentence(wording, *at, wishes=True)]
    known = [one for one in asked if one.measures is not None or one.kind not in ("value", "count")]
    asked = (known or asked or read_fragment(wording))[-MOST:]
    if wanted and len(asked) == 1 and asked[0].unit is None:
        asked = [with_unit(asked[0], wanted)]
    return tuple(asked)


def may_ask(wording: Wording, start: int, end: int) -> bool:
    """Whether a sentence has a question mark, an interrogative, an imperative, or says in what to answer."""
    asks = "?" in wording.plain[start:end] or ASKING.search(wording.folded, start, end)
    return bool(asks or ANSWER_IN.search(wording.folded, start, end))


def read_sentence(wording: Wording, start: int, end: int, wishes: bool = False) -> list[Asked]:
    """What one sentence asks for; by a wish ("I need the ...") only where those are to be read."""
    folded = wording.folded
    asks = "?" in wording.plain[start:end]
    matches = [m for m in ASKING.finditer(folded, start, end) if is_asking(wording, m, start, asks, wishes)][
        -2 * MOST :
    ]
    if not matches:
        aside = folded[start:end].lstrip().startswith("(")
        return [read_elliptic(wording, start, end)] if asks and not aside else []
    asked = []
    for match, then in zip(matches, [*matches[1:], None], strict=True):
        limit = then.start() if then else end
        if then is not None and match["do"] and not find_measures(folded[match.end() : limit]):
            continue  # "tell me what the thrust is"
        kind: AskedKind = "comparison" if COMPARE.match(folded[match.start() : limit]) else "value"
        asked += split_asked(wording, match, limit, kind, start)
    return asked


def read_elliptic(wording: Wording, start: int, end: int) -> Asked:
    """What a sentence with a question mark asks that has no interrogative: its last clause, or whether something is."""
    folded = wording.folded
    body = folded[start : min(end, start + 300)].strip()
    if OPEN.match(body):
        return make_asked(wording, start, end, "", "open")
    if YES_NO.match(body) or INVERTED.search(body):
        return make_asked(wording, start, end, "", "yes_no")
    edges = [start, *(start + match.end() for match in EDGE.finditer(folded[start:end]))]
    names = find_unvalued(wording, start, end)
    tail = max(edges)
    tail += 3 * folded.startswith(("in ", "en "), tail)
    unit = read_answer_unit(wording, tail, folded[start:tail]) if tail > start or not names else None
    by_itself = unit is not None and re.fullmatch(r"[\s?.!)]*", wording.plain[unit[1] : end])
    if unit and by_itself and folded[tail : unit[1]] not in SYMBOLS:  # "... friction factor 0.021. kPa?"
        before = find_unvalued(wording, max(0, start - 5 * LONGEST_CLAUSE), tail)
        if named := [at for at in before if same_dimension(at[2], unit[0])]:
            return with_unit(make_asked(wording, named[0][0], tail, "", "value"), unit[0])
        said = (*stems(words_for(unit[0])), *stems(wording.silent[max(0, tail - LONGEST_CLAUSE) : tail])[:8])
        return Asked(wording.plain[tail:end].strip(" ?"), tuple(dict.fromkeys(said)), unit[0], unit[0], tail, end)
    pieces = [(at, wording.silent[at:end]) for at in reversed(edges)]
    last = next((at for at, said in pieces if stems(said) and not EQUATED.fullmatch(said)), start)
    if names and names[-1][0] < last:
        last = max(at for at in edges if at <= names[0][0])
    return make_asked(wording, last, end, "", "value")


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
    if "which" in match["wh"] or "lequel" in match["wh"] or "laquelle" in match["wh"]:
        return asks and opens
    return asks or opens or bool(re.search(rf"{IMPERATIVE}$", lead))


def names_what_is_wanted(wording: Wording, at: int) -> bool:
    """Whether a quantity is named at a place, and its value stands neither before nor behind the name."""
    named = find_measures(wording.silent[at : at + 60])
    if not named or named[0][0] >= 16:
        return False
    return not any(at <= first <= at + named[0][1] + 12 for first, _, _ in wording.values)


def split_asked(wording: Wording, match: re.Match[str], end: int, kind: AskedKind, sentence: int) -> list[Asked]:
    """One or, where two quantities are joined by "and", several."""
    start, interrogative = match.end(), match[0]
    whole = make_asked(wording, start, end, interrogative, kind)
    if whole.unit is None and (unit := unit_ahead(wording, sentence, match.start(), whole.what)):
        whole = with_unit(whole, unit)
    if kind != "value" or BETWEEN.search(wording.folded, start, whole.start + len(whole.what)):
        return [whole]
    stop = next((m.start() for m in (STOP.search(wording.folded, start, end),) if m), end)
    stop = next((m.start() for m in (CONDITION.search(wording.folded, start, stop),) if m), stop)
    edges = [start]
    for joint in BOTH.finditer(wording.folded, start, stop):
        named_before = find_measures(wording.folded[edges[-1] : joint.start()])
        if named_before and names_what_is_wanted(wording, joint.end()):
            edges.append(joint.end())
    if len(edges) == 1:
        return [whole]
    return [make_asked(wording, a, b, interrogative, kind) for a, b in pairwise([*edges, end])]


def make_asked(wording: Wording, start: int, end: int, interrogative: str, kind: AskedKind) -> Asked:
    """What stands between two places, asked by an interrogative."""
    folded = wording.folded
    if stop := STOP.search(folded, start, end):
        end = stop.start()
    while start < end and folded[start] in " ,:":
        start += 1
    end = min(end, start + LONGEST_CLAUSE)
    clause, silent = folded[start:end], wording.silent[start:end]
    head = clause[: name_length(clause, silent)]
    named = find_measures(head) or find_measures(clause)
    unit, begin, behind = asked_unit(wording, start, end, interrogative)
    if unit and not re.search(r"how many|combien", interrogative):
        silent = silent[: begin - start] + " " * (behind - begin) + silent[behind - start :]
    implied = measures = find_implied(f"{interrogative.strip()} {clause}".strip())
    rate = PER_TIME.search(clause) if unit in AMOUNTS else None
    if rate and not silent[rate.start() : rate.end()].isspace():  # how many kg does it make per day
        unit = f"{unit}/{TIMES[rate[1]]}"
    if implied == "kg" and unit is None and (rate := PER_TIME.search(head)):
        unit = implied = measures = f"kg/{TIMES[rate[1]]}"
    if measures is None and named:
        measures = named[0][2]
        if measures and (per := PER_WHAT.match(clause, named[0][1])):
            measures = f"{measures}/{PER[per[1]]}"
    if unit is not None:
        measures = "" if unit == "%" else unit
    elif HOW_MANY.match(f"{interrogative.strip()} ") or HOW_MANY.search(f"{interrogative} {clause}"):
        if measures is None or measures == "":
            unit, measures, kind = "", "", "count" if kind == "value" else kind
    elif measures == "":
        unit = "%" if PERCENT.search(f"{interrogative} {clause}") else ""
    first = stems(clause[named[0][0] : named[0][1]]) if named and (unit is None or find_measures(head)) else ()
    if (implied or not first) and measures and re.search(r"how|combien|quand|when", interrogative):
        inside = [unit for at, _, unit in wording.values if start <= at < end]
        if not any(same_dimension(unit, measures) for unit in inside):  # else it is a conversion
            first = stems(words_for(measures))
    words = tuple(dict.fromkeys([*first, *stems(silent[: len(head)]), *stems(silent)]))[:16]
    what = wording.plain[start : start + len(head)].rstrip()
    if not stems(silent[: len(head)]):  # how long, in seconds
        what = f"{interrogative.strip()} {what}".strip()
    return Asked(what, words, unit, measures, start, end, kind)


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


def unit_ahead(wording: Wording, sentence: int, at: int, about: str) -> str | None:
    """The unit right before an interrogative: In kN, what is ..."""
    for match in IN_UNIT.finditer(wording.folded, max(sentence, at - 30), at):
        found = read_answer_unit(wording, match.end(), fold_characters(about)) if match[0].strip() else None
        if found and not wording.plain[found[1] : at].strip(" ,:"):
            return found[0]
    return None


def asked_unit(wording: Wording, start: int, end: int, interrogative: str) -> tuple[str | None, int, int]:
    """The unit that a clause names for what it asks, if any (how many kilograms, in kN, (kg)), and where it stands."""
    plain, folded = wording.plain, wording.folded
    clause = folded[start:end]
    counts = bool(re.search(r"how many|combien", interrogative))
    if many := HOW_MANY.match(clause) or (OF_THEM.match(clause) if counts else None):
        unit = read_unit(plain, folded, start + many.end())
        if isinstance(unit, UnitText):
            name = settle_unit(unit.unit, clause, plain[unit.end : unit.end + 20])[0]
            each = EACH.match(folded, unit.end, end)
            below = read_unit(plain, folded, each.end()) if each and "/" not in name else None
            if isinstance(below, UnitText):  # how many kWh does each kg cost
                name = f"{name}/{below.unit}"
            return name, start + many.end(), unit.end
    asked: tuple[str | None, int, int] = None, start, start
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


def with_unit(asked: Asked, unit: str) -> Asked:
    """The same, wanted in a unit."""
    return replace(asked, unit=unit, measures="" if unit == "%" else unit)


def read_fragment(wording: Wording) -> list[Asked]:
    """A text without a question, such as "Thrust in kN of ..." or "k = 2e-4 1/s: half-life, in min": what its last
    sentence names without a value, or the clause before the unit that it ends in."""
    for start, end in reversed(sentences(wording.plain)):
        names = find_unvalued(wording, start, end)
        found = None if ANSWER_IN.search(wording.folded, start, end) else last_unit(wording, start, end)
        if found:
            unit, at = found
            names = [name for name in names if same_dimension(name[2], unit)]
            edges = [start, *(start + match.end() for match in EDGE.finditer(wording.folded[start:at]))]
            last = next((edge for edge in reversed(edges) if stems(wording.silent[edge:at])), start)
            return [with_unit(make_asked(wording, names[0][0] if names else last, end, "", "value"), unit)]
        if names:
            return [make_asked(wording, names[0][0], end, "", "value")]
    return []


def read_unit_alone(wording: Wording, start: int, end: int, asked: Asked) -> str | None:
    """The unit that is all of a sentence and fits what was asked before it: "? kJ/mol", "? In percent."."""
    lead = re.compile(r"\s*(?:\(|in |en )?").match(wording.folded, start)
    found = read_answer_unit(wording, lead.end(), fold_characters(asked.what)) if lead else None
    if found is None or not POLITE_END.fullmatch(wording.folded, found[1], end):
        return None
    unit = found[0]
    fits = asked.measures is None or same_dimension("" if unit == "%" else unit, asked.measures)
    return unit if fits else None


def last_unit(wording: Wording, start: int, end: int) -> tuple[str, int] | None:
    """The unit by itself that a sentence ends in (", in kN", "(mAh/g)", ", µA please"), and where that begins."""
    for match in IN_UNIT.finditer(wording.silent, start, end):
        found = read_answer_unit(wording, match.end(), wording.folded[start : match.start()])
        if found and POLITE_END.fullmatch(wording.folded, found[1], end):
            return found[0], match.start()
    return None
