"""What a text asks for, in which unit, and what it gives: read before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from galop.science.reading.electrodes import name_electrodes
from galop.science.reading.interrogatives import (
    AGAINST,
    ANSWER_IN,
    ASKING,
    BETWEEN,
    BOTH,
    COMPARE,
    CONDITION,
    EDGE,
    ENUMERATOR,
    EQUATED,
    HOW_MANY,
    INVERTED,
    IT,
    OPEN,
    PER_TIME,
    PER_WHAT,
    PERCENT,
    POLITE_END,
    SAID_OF_IT,
    STOP,
    TIMES,
    YES_NO,
    sentences,
)
from galop.science.reading.passage import make_passage
from galop.science.reading.plain_text import fold_characters, make_plain
from galop.science.reading.quantities import Given, Unread, read_quantities
from galop.science.reading.quantity_words import PER, find_implied, find_measures, words_for
from galop.science.reading.roles import words_of_symbol
from galop.science.reading.substances import Name, read_names
from galop.science.reading.unit_text import UnitText, read_unit
from galop.science.reading.unstated import fill_in
from galop.science.reading.wording import (
    Wording,
    asked_unit,
    find_unvalued,
    is_asking,
    last_unit,
    may_ask,
    name_length,
    names_what_is_wanted,
    read_answer_unit,
    unit_ahead,
)
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
LENGTHS = frozenset("m mm cm µm km".split())
AMOUNTS = frozenset("kg g mg t L mL m^3 mol mmol kW*h MW*h".split())
TOTAL = frozenset(stems("total equivalent together altogether totale équivalente"))
SHORTEST = 24  # characters of a sentence that may be a unit alone
LONGEST_CLAUSE = 400  # characters
CONCENTRATION = re.compile(r"\s*(?:the |la )?\[[A-Z][\w()]{0,8}[\d⁰-⁹]?[+⁺⁻-]{0,2}\]")
MORE = re.compile(
    r"how much (?:longer|shorter|hotter|warmer|colder|cooler|higher|lower)\b"
    r"(?! (?:does|do|will|can|would|could|must|to)\b)"
    r"|de combien (?:\S+ ){0,3}?s'(?:allonge|eleve|abaisse|etire)"
)
STOCK = 32  # characters of what is asked, in which a concentration is of it


def read_question(text: str) -> TechnicalQuestion:
    """A text in English or French, understood. Nothing is computed, and nothing but the text is known."""
    text = text[:LONGEST]
    names = tuple(read_names(text))
    found = fill_in(make_passage(text), read_quantities(text), names)
    asked = read_asked(text, found)
    stated = tuple(item for item in found if isinstance(item, Given))
    given = tuple(name_stock(item, asked) for item in stated)
    if given != stated:
        asked = tuple(replace(one, stems=(*one.stems[:1], *stems("stock"), *one.stems[1:])) for one in asked)
    return TechnicalQuestion(
        text,
        language_of(text),
        asked,
        name_electrodes(text, given, names),
        tuple(item for item in found if isinstance(item, Unread)),
        names,
    )


def name_stock(given: Given, asked: Sequence[Asked]) -> Given:
    """A concentration of what a volume is asked of as that of the stock, or of a titrant: how many mL of 12 M HCl."""
    if not given.unit or not same_dimension(given.unit, "mol/L"):
        return given
    for one in asked:
        if one.measures and same_dimension(one.measures, "L") and one.start <= given.start < one.start + STOCK:
            return replace(given, before=tuple(dict.fromkeys((*stems("stock titrant"), *given.before))))
    return given


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
            asked += [name_it(wording, one, start) for one in read_sentence(wording, start, end)]
    if not asked:
        asked = [one for at in places for one in read_sentence(wording, *at, wishes=True)]
    known = [one for one in asked if one.measures is not None or one.kind not in ("value", "count")]
    asked = (known or asked or read_fragment(wording))[-MOST:]
    if wanted and len(asked) == 1 and asked[0].unit is None:
        asked = [with_unit(asked[0], wanted)]
    return tuple(asked)


def name_it(wording: Wording, asked: Asked, start: int) -> Asked:
    """What is asked as "it" in a sentence that begins at `start`: what the sentence before that begins by naming."""
    if asked.measures is not None or asked.kind != "value":
        return asked
    measured = {unit for _, _, unit in wording.values if unit}
    if asked.stems and TOTAL.issuperset(asked.stems) and len(measured) == 1:  # three 100 µF in series: total?
        (unit,) = measured
        return replace(asked, stems=(*asked.stems, *stems(words_for(unit))), measures=unit)
    if not IT.search(fold_characters(asked.what)):
        return asked
    before = [at for at in sentences(wording.plain) if at[1] <= start]
    named = find_measures(wording.folded[slice(*before[-1])]) if before else []
    if not named:
        return asked
    first, last, unit = named[0]
    what = wording.plain[before[-1][0] + first : before[-1][0] + last]
    return replace(asked, what=what, stems=(*stems(what), *asked.stems), measures=unit)


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
    if in_unit := asked_in_unit(wording, max(edges), end):
        return in_unit
    names = find_unvalued(wording, start, end)
    tail = max(edges)
    tail += 3 * folded.startswith(("in ", "en "), tail)
    unit = read_answer_unit(wording, tail, folded[start:tail]) if tail > start or not names else None
    by_itself = unit is not None and re.fullmatch(r"[\s?.!)]*", wording.plain[unit[1] : end])
    if unit and by_itself and folded[tail : unit[1]] not in SYMBOLS:  # "... friction factor 0.021. kPa?"
        ahead = wording.silent[start:tail]
        if stems(ahead) and ahead.strip() == folded[start:tail].strip():  # Heat duty, kW?
            return with_unit(make_asked(wording, start, tail, "", "value"), unit[0])
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
        aside = re.compile(r"(?:not|non|no|without|sans|rather than)\b").match(wording.folded, joint.end())
        if joint[0] == ", ":
            aside = aside or SAID_OF_IT.match(wording.folded, joint.end(), stop)
        if named_before and not aside and names_what_is_wanted(wording, joint.end()):
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
        unit = f"{unit}/{TIMES[rate[1] or rate[2]]}"
    if implied == "kg" and unit is None and (rate := PER_TIME.search(head)):
        unit = implied = measures = f"kg/{TIMES[rate[1] or rate[2]]}"
    if measures is None and named:
        measures = named[0][2]
        per = PER_WHAT.match(clause, named[0][1])
        if measures and per and PER[per[1]] not in measures.split("/"):  # specific energy is already of a kilogram
            measures = f"{measures}/{PER[per[1]]}"
    if measures is None and AGAINST.search(clause):
        measures = "V"
    if measures is None and CONCENTRATION.match(wording.plain, start, end):  # [Ag+]?
        measures, named = "mol/m^3", []
        silent = f"concentration {silent}"
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
            said = stems(silent[: begin - start] + silent[behind - start :]) if unit and measures in LENGTHS else ()
            if said:  # how many mm does it stretch: no length, by the verb
                first, silent = (*said, *first), ""
    if named and measures and not stems(clause[named[0][0] : named[0][1]]):  # c*
        first = (*words_of_symbol(clause[named[0][0] : named[0][1]], measures), *first)
    if measures and MORE.search(f"{interrogative} {clause}"):  # how much longer it gets is no length
        first = (*stems("change elongation" if same_dimension(measures, "m") else "change difference"), *first)
    words = tuple(dict.fromkeys([*first, *stems(silent[: len(head)]), *stems(silent)]))[:16]
    what = wording.plain[start : start + len(head)].rstrip()
    if not stems(silent[: len(head)]):  # how long, in seconds
        what = f"{interrogative.strip()} {what}".strip()
    return Asked(what, words, unit, measures, start, end, kind)


def with_unit(asked: Asked, unit: str) -> Asked:
    """The same, wanted in a unit."""
    return replace(asked, unit=unit, measures="" if unit == "%" else unit)


def read_fragment(wording: Wording) -> list[Asked]:
    """A text without a question, such as "Thrust in kN of ..." or "k = 2e-4 1/s: half-life, in min": what its last
    sentence names without a value, or the clause before the unit that it ends in."""
    if leading := asked_in_unit(wording, 0, len(wording.plain)):
        return [leading]
    *rest, (start, end) = sentences(wording.plain) or [(0, 0)]
    alone = read_answer_unit(wording, start, "") if rest and end - start < SHORTEST else None
    if alone and POLITE_END.fullmatch(wording.folded, alone[1], end):  # limiting current density: n = 2. mA/cm2
        before = Wording(wording.plain[:start], wording.folded[:start], wording.silent[:start], wording.values)
        return [with_unit(one, alone[0]) for one in read_fragment(before)]
    for start, end in reversed(sentences(wording.plain)):
        names = find_unvalued(wording, start, end)
        found = None if ANSWER_IN.search(wording.folded, start, end) else last_unit(wording, start, end)
        if found:
            unit, at = found
            names = [name for name in names if same_dimension(name[2], unit)]
            edges = [start, *(start + match.end() for match in EDGE.finditer(wording.folded[start:at]))]
            last = next((edge for edge in reversed(edges) if stems(wording.silent[edge:at])), start)
            begin = name_begins(wording, start, names[0][0]) if names else last
            return [with_unit(make_asked(wording, begin, end, "", "value"), unit)]
        middle = make_asked(wording, start, end, "", "value")  # friction loss in feet for 500 ft
        if middle.unit and not names and not ANSWER_IN.search(wording.folded, start, end):
            return [middle]
        if names:
            return [make_asked(wording, name_begins(wording, start, names[0][0]), end, "", "value")]
    return []


def name_begins(wording: Wording, start: int, at: int) -> int:
    """Where the name of a quantity begins whose noun stands at a place, after `start`: RMS voltage."""
    words = re.compile(r"(?:(?:[a-z-]{3,} ){1,2})$").search(wording.silent[start:at])
    return start + words.start() if words and not CONDITION.search(words[0]) else at


def asked_in_unit(wording: Wording, start: int, end: int) -> Asked | None:
    """What is asked for in the unit that a clause begins with: "grams of CO2", "hours of firing", "kg per m2"."""
    start += len(wording.folded[start:end]) - len(wording.folded[start:end].lstrip())
    unit = read_unit(wording.plain, wording.folded, start)
    if not isinstance(unit, UnitText) or unit.end < start + 2 or wording.folded.startswith("ph", start):
        return None
    behind = r" (?:of|de|d'|needed|per|par|deposited|produced|consumed|lost|used|gained|plated)\b ?[a-z]"
    if not re.match(behind, wording.folded[unit.end : min(end, unit.end + 14)]):
        return None
    return make_asked(wording, start, end, "how many", "value")


def read_unit_alone(wording: Wording, start: int, end: int, asked: Asked) -> str | None:
    """The unit that is all of a sentence, for what was asked before it: "? kJ/mol", "? In percent."."""
    lead = re.compile(r"\s*(?:\(|in |en )?").match(wording.folded, start)
    found = read_answer_unit(wording, lead.end(), fold_characters(asked.what)) if lead else None
    return found[0] if found and POLITE_END.fullmatch(wording.folded, found[1], end) else None
