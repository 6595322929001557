"""Several alike: what is said of each of them, and of how many, is what all of them have together."""

from __future__ import annotations

import re
from dataclasses import replace

from galop.science.planning.evidence import ALL
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion
from galop.science.reading.words import stems
from galop.science.units import same_dimension, unit_registry

SUMS = (
    "N",
    "kg",
    "kg/s",
    "m^3/s",
    "W",
    "J",
    "N*s",
    "mol",
    "m^3",
)  # what several have together is the sum of what each has
JOINED = {  # of several in series: times how many, or divided by it; in parallel
    "ohm": (1, -1), "H": (1, -1), "F": (-1, 1), "V": (1, 0), "A*h": (0, 1), "W*h": (1, 1), "N/m": (-1, 1),
    "K/W": (1, -1),
}  # fmt: skip
IN_SERIES, IN_PARALLEL = re.compile(r"\bserie?s?\b"), re.compile(r"\bparallele?\b|\bderivation\b")
COUNTS = "two three four five six seven eight nine ten".split()
COUNTED = re.compile(
    rf"\b({'|'.join(COUNTS)}) (?:identical |equal )?(?:[a-z]+ )?[a-z]+s(?: in series| in parallel)?,? (?:each )?of "
    r"(?:about )?$"
)  # of things whose number is not read as one
EACH = re.compile(
    r"\W*(?:of \w+ |de \w+ )?(?:each|apiece|chacune?s?|per (?!second|hour|minute|day|kg|m)\w+|par (?!seconde|"
    r"heure|minute|jour)\w+)\b"
)
OF_STUFF = re.compile(r" (?:of |de |d')(?:liquid |la |l')?")
OXIDISERS = frozenset({"LOX", "N2O4", "H2O2", "N2O", "HNO3", "NTO", "AP"})
RATIO = re.compile(r"\bo/f\b|mixture|melange")
EACH_BEFORE = re.compile(  # but not: they each push a 6 t vehicle, which is one
    r"\b(?:each|every|chacune?|chaque)\b(?! (?:push|propel|accelerat|pouss|propuls)\w* (?:an?|the|une?|le|la) )"
    r"(?: (?!and\b|et\b|with\b|avec\b)[a-z'-]+){0,4} ?$"
)
OF_IT = re.compile(r"[ -](?:[a-z-]+ ){0,3}?[a-z-]+ (?:of|at|with|de|d'|a|x|@|avec) ?(?:about |environ )?")
PLURAL = re.compile(r"[ -](?:[a-z]+ )?[a-z]+[sx]\b")
OF_ONE = re.compile(
    r"\b(?:each|every|per (?:engine|motor|pump|tank|cell|unit|thruster)|one (?:of|engine|motor|pump|tank)|"
    r"single|chacune?|chaque|"
    r"par (?:moteur|pompe|cuve|etage)|un seul|une seule)\b"
)


def add_up(question: TechnicalQuestion, asked: Asked) -> TechnicalQuestion:
    """A question in which what each of several has is what all have together: "three engines of 320 kN each".

    It stays as it is where what each has is asked for, or how much that is together."""
    folded = fold_characters(question.text)
    wanted = asked.unit if asked.unit is not None else asked.measures
    if OF_ONE.search(folded[asked.start : asked.end]):
        return question
    given = list(question.given)
    counted: set[int] = set()
    for i, one in enumerate(question.given):
        summed = next((unit for unit in SUMS if one.unit and same_dimension(one.unit, unit)), None)
        if summed is None or (wanted and same_dimension(wanted, one.unit) and not is_part(question, asked, one)):
            continue
        count = count_of(folded, question.given, one)
        if count is None:
            continue
        number = question.given[count]
        given[i] = replace(
            one, value=one.value * number.value,
            assumed=f"{number.text} times {one.text} are {one.value * number.value:g} {one.unit}",
        )  # fmt: skip
        counted.add(count)
    return replace(question, given=tuple(g for i, g in enumerate(given) if i not in counted)) if counted else question


def join(question: TechnicalQuestion, asked: Asked) -> TechnicalQuestion:
    """A question in which several alike are one, as they are connected: "two heaters of 40 ohm in parallel" are 20 ohm.

    It stays as it is where what they have together, or each of them, is asked for."""
    folded = fold_characters(question.text)
    series, parallel = IN_SERIES.search(folded) is not None, IN_PARALLEL.search(folded) is not None
    wanted = asked.unit if asked.unit is not None else asked.measures
    if series == parallel or OF_ONE.search(folded[asked.start : asked.end]):
        return question
    given = list(question.given)
    counted: set[int] = set()
    for i, one in enumerate(question.given):
        power = next((p[parallel] for unit, p in JOINED.items() if one.unit and same_dimension(one.unit, unit)), None)
        if power is None or (wanted and same_dimension(wanted, one.unit)):
            continue
        count = count_of(folded, question.given, one)
        said = COUNTED.search(folded[: one.start])
        if count is None and not said:
            continue
        many = question.given[count].value if count is not None else float(COUNTS.index(said[1]) + 2) if said else 1.0
        value, how = one.value * many**power, "parallel" if parallel else "series"
        given[i] = replace(one, value=value, assumed=f"{many:g} of {one.text} in {how} are {value:g} {one.unit}")
        counted |= {count} if count is not None else set()
    return replace(question, given=tuple(g for i, g in enumerate(given) if i not in counted))


def pour_together(question: TechnicalQuestion, asked: Asked) -> TechnicalQuestion:
    """A question in which fuel and oxidiser that a stage holds are its propellant: "11 t of LOX and 2 t of LH2".

    It stays as it is where one of them, or their ratio, is asked for or given."""
    folded = fold_characters(question.text)
    parts = [
        (i, name) for i, g in enumerate(question.given) for name in question.names
        if same_dimension(g.unit, "kg") and OF_STUFF.fullmatch(folded, g.end, name.start)
    ]  # fmt: skip
    kinds = [bool(set(name.called) & OXIDISERS) for _, name in parts]
    wanted = asked.unit if asked.unit is not None else asked.measures
    if len(parts) != 2 or sum(kinds) != 1 or not wanted or same_dimension(wanted, "kg") or RATIO.search(folded):
        return question
    (one, _), (other, _) = parts
    first, second = question.given[one], question.given[other]
    more = float(unit_registry().Quantity(second.value, second.unit).to(first.unit).magnitude)
    whole = replace(
        first, value=first.value + more, before=("propel", *first.before), after=(),
        assumed=f"{first.text} and {second.text} are {first.value + more:g} {first.unit} of propellant",
    )  # fmt: skip
    given = tuple(whole if i == one else g for i, g in enumerate(question.given) if i != other)
    names = tuple(name for name in question.names if name not in (parts[0][1], parts[1][1]))
    return replace(question, given=given, names=names)


def count_of(folded: str, given: tuple[Given, ...], one: Given) -> int | None:
    """Which count of a text says how many have a quantity; None where none does."""
    counts = [i for i, g in enumerate(given) if g.kind == "count" and g.value > 1 and g.value.is_integer()]
    before = [i for i in counts if given[i].end <= one.start]
    if before and (
        OF_IT.fullmatch(folded, given[before[-1]].end, one.start) or is_counted(folded, given[before[-1]], one)
    ):
        return before[-1]
    sentence = max(folded.rfind(mark, 0, one.start) for mark in (". ", "; ", "? ")) + 1
    theirs = [EACH.match(folded, g.end) for g in given if g.end <= one.start and is_summed(g)]  # 80 kN each push 9 t
    sentence = max(sentence, *(own.end() for own in theirs if own), 0)
    each = EACH.match(folded, one.end) or EACH_BEFORE.search(folded[sentence : one.start])
    if not each or not counts:
        return None
    return before[-1] if before else counts[0]


def is_summed(given: Given) -> bool:
    """Whether what several have together is the sum of what each has."""
    return any(given.unit and same_dimension(given.unit, unit) for unit in SUMS)


def is_counted(folded: str, number: Given, one: Given) -> bool:
    """Whether a count stands right before what each has: "two 320 kN boosters"."""
    return folded[number.end : one.start].strip(" -") == "" and PLURAL.match(folded, one.end) is not None


def is_part(question: TechnicalQuestion, asked: Asked, one: Given) -> bool:
    """Whether what all have together is asked for, to which others than those counted add something of the kind."""
    others = sum(same_dimension(g.unit, one.unit) for g in question.given if g.unit)
    return others > 1 and bool(ALL & {*asked.stems, *stems(asked.what)})
