"""What is told of a question: the number of its first plan, or one sentence that says why there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from galop.science.formula import format_number
from galop.science.planning.answer import Answer, ComputedStep
from galop.science.planning.candidates import Candidate, find_candidates, things_asked
from galop.science.planning.formula_plan import FormulaPlan
from galop.science.planning.lacking import LEAST_ALONE, name_missing, say_missing
from galop.science.planning.variables import convert, rarity
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion
from galop.science.reading.words import stems
from galop.science.units import same_dimension

CONVERT = re.compile(r"\b(?:convert|convertir|convertis|convertissez|conversion)\b")
CONTAINED = re.compile(r"(?:de |d')?\w+ (?:are (?:there )?|y a-t-il )?(?:in|dans) (?:a|an|one|une?|l[ea]|\d)")
ABSOLUTE, CHANGE = (
    frozenset(stems("absolute absolue absolu")),
    frozenset(stems("change difference variation écart loss")),
)
ASKED_IN = re.compile(  # where a unit stands that is asked for, at the end of a question
    r"(?:[,(]|\b(?:answer|result|reponse|resultat|express\w*|exprim\w*|convert\w*)\b[^.?;]{0,80}) ?"
    r"(?:give \w+ |expressed |exprimee? )?\b(?:in|en|into|to) (?P<unit>[a-z]{3,20})(?: please)?\)?[ ?.!]*$"
)
NO_UNITS = frozenset(
    "vacuum vacuo orbit total all space practice theory general air water series parallel summer winter reality "
    "english french words detail short full tout moyenne vide orbite pratique theorie service ete hiver francais "
    "anglais serie parallele bref detail eau air regime vol".split()
)
MACH = stems("mach")
REGIMES = (
    ("supersonic", frozenset(stems("supersonic supersonique"))),
    ("subsonic", frozenset(stems("subsonic subsonique"))),
)
NOTHING = {"en": "nothing was computed", "fr": "rien n'a été calculé"}
EQUAL = 0.07  # plans of one rank differ in their scores by no more
MEANT, BETTER = 0.8, 0.5  # how surely a formula that lacks an input is meant, to go before a number
MORE = 0.5  # so much more does the question speak of it
OTHER = 0.13  # the same of plans that use other quantities
SPOKEN = 0.3  # so much more does the question speak of one plan of a rank than of the others, which is then the first
SHOWN = 4  # plans of one rank that are told
LEFT, MUCH_LEFT = 0.6, 0.8  # what a plan may leave unused, and one that is clearly meant
CLEARLY = 0.5  # how much a question speaks of the formula of one
SURE = 0.73  # no number of a plan that fits less: they were a quarter of the wrong ones, and one in 150 of the right
UNSURE = 0.3  # but where no other plan is near and all is used; several readings are told where one fits so well
ALONE = 2.5  # a lead that no other plan comes near
COMPOSED = 0.7  # a lead without which no number is told that needs several formulas: so many more can be composed


def answer(question: TechnicalQuestion) -> Answer:
    """What a question comes to, by the formulas that are known."""
    if found := answer_at_once(question):
        return found
    candidates = find_candidates(question)
    found = conclude(question, first_rank(candidates))
    lacking = name_missing(question) or (None if candidates else name_missing(question, LEAST_ALONE))
    return lacking.answer if lacking and is_lacking(question, candidates, found, lacking.plan) else found


def is_lacking(
    question: TechnicalQuestion, candidates: Sequence[Candidate], found: Answer, lacking: FormulaPlan
) -> bool:
    """Whether an input is missing from the formula that is meant, rather than what was found."""
    if found.status == "contradictory":  # not where what is given is the culprit
        return not any(given.text in found.sentence for given in question.given)
    if not candidates or found.status in ("missing", "no_formula"):
        return True
    first = candidates[0].plan
    if found.value is not None and lacking.step.formula is first.step.formula and lacking.used <= first.used:
        return False  # it lacks nothing
    if found.status == "ambiguous" and first.left > LEFT / 2:
        return lacking.used > first.used
    meant = lacking.about >= MEANT and lacking.score > first.score + BETTER
    return not lacking.used < first.used and (meant or lacking.about > first.about + MORE)


def first_rank(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The first of some plans, with those that nothing tells from it. What cannot be is no alternative to a number, and
    a number none to an input that is missing."""
    first = next((c for c in candidates[:1] if c.computation), None)
    if first is None:
        return candidates[:1]
    used = first.plan.used
    rank = [
        c for c in candidates
        if c is first or (c.computation and not c.plan.used < used
                          and c.plan.score >= first.plan.score - (EQUAL if c.plan.used == used else OTHER))
    ]  # fmt: skip
    meant = max(rank, key=lambda c: c.plan.about)
    if len(rank) > 1 and all(c is meant or c.plan.about < meant.plan.about - SPOKEN for c in rank):
        return [meant]
    return rank[:SHOWN]


def answer_at_once(question: TechnicalQuestion) -> Answer | None:
    """The answer to what needs no plan: a conversion, or what cannot be answered as it is asked; else None."""
    if len(asked := things_asked(question)) > 1:
        said = " and ".join(f"{a.what.strip()!r}" for a in asked)
        return Answer("contradictory", f"This asks {len(asked)} things at once, {said}; ask them one by one.")
    for given in question.given:
        kelvin = convert(given.value, given.unit, "K") if given.unit else None
        if kelvin is not None and kelvin < 0 and not given.assumed:
            return Answer("contradictory", f"{given.text} is below absolute zero; {NOTHING[question.language]}.")
        if given.value < 0 and not given.assumed and is_amount(given):
            what = "a mass" if same_dimension(given.unit, "kg") else "an absolute pressure"
            return Answer("contradictory", f"{given.text} cannot be {what}; {NOTHING[question.language]}.")
        if regime := other_regime(given, asked):
            said = f"What is asked for is {regime}, and Mach {given.text} is not"
            return Answer("contradictory", f"{said}; {NOTHING[question.language]}.")
    if unit := unknown_unit(question, asked):
        return Answer("contradictory", f"{unit!r} is not a unit that is known; {NOTHING[question.language]}.")
    return convert_given(question)


def other_regime(given: Given, asked: Sequence[Asked]) -> str:
    """What is asked for, supersonic or subsonic, where a Mach number is of the other regime; else ""."""
    if given.kind != "number" or not {*MACH} & {*given.before[:2], *given.after[:1]}:
        return ""
    said = [name for name, words in REGIMES if any(words & {*stems(one.what)} for one in asked)]
    return said[0] if len(said) == 1 and (given.value < 1 if said[0] == "supersonic" else given.value > 1) else ""


def unknown_unit(question: TechnicalQuestion, asked: Sequence[Asked]) -> str:
    """The word behind "in" that a question ends in and that is no unit, where it names none; else ""."""
    found = ASKED_IN.search(fold_characters(question.text)[-160:])
    if found is None or any(one.unit is not None for one in asked) or not asked:
        return ""
    word = found["unit"]
    known = word in NO_UNITS or any(stem in rarity() for stem in stems(word)) or not stems(word)
    return "" if known or any(fold_characters(n.text).startswith(word) for n in question.names) else word


def is_amount(given: Given) -> bool:
    """Whether a quantity cannot be below zero: a mass that is no change of one, a pressure that is called absolute."""
    said = {*given.before[:3], *given.after[:2]}
    if same_dimension(given.unit, "Pa"):
        return bool(ABSOLUTE & said)
    return same_dimension(given.unit, "kg") and not CHANGE & said


def convert_given(question: TechnicalQuestion) -> Answer | None:
    """The only quantity of a question in the unit that is asked for, where nothing else is asked; else None."""
    [asked, *_], given = things_asked(question), question.given
    if not asked.unit or len(given) != 1 or question.names or not same_dimension(given[0].unit, asked.unit):
        return None
    said = {*stems(question.text)}  # not the words of the unit's dimension
    folded = fold_characters(question.text)
    plain = CONVERT.search(folded) or CONTAINED.match(folded, asked.start, given[0].start)
    if not plain and any(stem in rarity() and stem in said for stem in asked.stems):
        return None  # it is what something measures that is asked for
    value = convert(given[0].value, given[0].unit, asked.unit)
    if value is None:
        return None
    step = ComputedStep(
        "convert", "conversion", value, asked.unit, {"quantity": given[0].text}, False, "units of one dimension",
        "SI Brochure, 2019", "",
    )  # fmt: skip
    return Answer("computed", f"{format_number(value)} {asked.unit}", value, asked.unit, (step,))


def conclude(question: TechnicalQuestion, candidates: Sequence[Candidate]) -> Answer:
    """The answer by the plans of the first rank: one of them, none, or several between which nothing decides."""
    if not candidates:
        [asked, *_] = things_asked(question)
        return Answer(
            "no_formula", f"No formula here leads to {asked.what!r} from what is given; nothing was computed."
        )
    if len(candidates) > 1 and any(c.plan.fit >= UNSURE for c in candidates):
        said = "; or ".join(f"{c.text}, which gives {c.number}" for c in candidates)
        return Answer("ambiguous", f"This can be read in {len(candidates)} ways, say which is meant: {said}.")
    candidate = candidates[0]
    plan, made = candidate.plan, candidate.computation
    if made is None:
        if plan.missing:
            return say_missing(question, [plan])
        return Answer("contradictory", f"{candidate.problem}; {NOTHING[question.language]}.")
    if not is_sure(candidate):
        return Answer(
            "no_formula", "No formula here fits the question well enough to be relied on; the nearest is "
            f"{plan.step.formula.name} ({plan.step.target.of.what}); nothing was computed."
        )  # fmt: skip
    clear = plan.about >= CLEARLY and candidate.lead >= 1 and plan.is_straight
    if plan.left > (MUCH_LEFT if clear else LEFT):
        unused = " and ".join(g.text for g in plan.unused)
        return Answer(
            "ambiguous", f"No formula here uses {unused}, without which {candidate.number} would be uncertain."
        )
    unused_given = tuple(g.text for g in plan.unused)
    return Answer(
        "computed", candidate.number, made.value, made.unit, made.steps, made.assumptions, unused=unused_given
    )


def leaves_result(plan: FormulaPlan) -> bool:
    """Whether what a plan leaves unused may be what one of its formulas gives besides: a pressure loss that is stated,
    beside a flow that was found from another quantity."""
    left = [given.unit for given in plan.unused if given.kind == "measure" and given.unit]
    return any(
        same_dimension(unit, quantity.unit)
        for step in plan.step.walk()
        for name, quantity in step.formula.gives.items()
        if quantity.unit and name not in (step.target.name, step.known.name if step.known else "")
        for unit in left
    )


def is_sure(candidate: Candidate) -> bool:
    """Whether a number may be told: its plan fits the question well, or uses all of it as no other plan does."""
    plan = candidate.plan
    if plan.is_against or leaves_result(plan) or (not plan.is_straight and candidate.lead < COMPOSED):
        return False
    alone = not plan.unused and candidate.lead >= ALONE
    return plan.fit >= (UNSURE if alone else SURE)
