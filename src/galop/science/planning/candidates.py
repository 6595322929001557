"""The plans between which a model may choose, each with its number; and what is answered after it has chosen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from galop.science.formula import format_number
from galop.science.planning.answer import Answer, ComputedStep
from galop.science.planning.computation import Computation, compute
from galop.science.planning.evidence import with_units
from galop.science.planning.formula_plan import FormulaPlan, FormulaStep, Missing
from galop.science.planning.inverse import NoRoot, UselessStep
from galop.science.planning.multiples import add_up, pour_together
from galop.science.planning.plans import find_plans
from galop.science.planning.variables import convert, rarity
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion
from galop.science.reading.words import stems
from galop.science.units import ScienceError, same_dimension

NOTHING = {"en": "nothing was computed", "fr": "rien n'a été calculé"}
SHOWN = 4  # candidates
SAME = 0.004  # numbers this near, relatively, are one
TRIED = 16  # plans that are computed
SECONDS = 3.0  # after which no more are, however few
CLOSE = 0.3  # plans whose scores differ by no more are about as likely
FAR = 2.5  # a plan whose score is so much less than the best one's is none
LEAST = -0.3  # a plan whose score is less does not fit the question
NONE = 1.5  # what it costs a plan that nothing makes it give what is given
LEAST_MISSING = -1.5  # so much less fits one that lacks an input
BAD = 0.5  # a plan that cannot be, is what was meant where its score is so much more than any other's
LEFT = 0.6  # what a plan may leave unused
PERIODS = frozenset("s min h day week month year second minute hour".split())
SURE, UNSURE = 0.75, 0.3  # a number of a plan that fits less is told where nothing else is as likely, or not at all


@dataclass(frozen=True)
class Candidate:
    """A plan with what it comes to; or, where an input is missing or cannot be, the sentence that says so."""

    plan: FormulaPlan
    computation: Computation | None
    problem: str = ""
    lead: float = 0.0  # how much better its plan is than any with another number

    @property
    def text(self) -> str:
        """The plan in a line."""
        return describe(self.plan.step)

    @property
    def number(self) -> str:
        """What it comes to."""
        made = self.computation
        return f"{format_number(made.value)} {made.unit}".rstrip() if made else ""


def find_candidates(question: TechnicalQuestion) -> list[Candidate]:
    """The likeliest plans whose numbers differ, the likeliest first, and those that lack an input or cannot be."""
    question = with_units(question)
    [asked, *_] = things_asked(question)
    question = pour_together(add_up(question, asked), asked)
    start = time.monotonic()
    found: list[Candidate] = []
    plans = find_plans(question, asked)
    if amount := as_amount(question, asked):
        made = [plan for plan in find_plans(*amount) if amount[0].given[-1] not in plan.unused]
        plans = sorted([*plans, *made], key=lambda plan: -plan.score)
    for plan in plans[:TRIED]:
        if plan.score < (LEAST_MISSING if plan.missing else LEAST) or (plan.missing and plan.left > LEFT / 2.5):
            continue
        if found and (plan.score < found[0].plan.score - FAR or time.monotonic() > start + SECONDS):
            break
        if plan.missing:
            found.append(Candidate(plan, None, say_missing(plan, question.language)))
            continue
        try:
            values = compute(plan)
            if plan.asked is not asked:  # an amount in a unit of time
                values = [replace(value, unit=asked.unit or value.unit) for value in values]
        except ScienceError as error:
            steps = list(plan.step.walk())
            if isinstance(error, UselessStep) or (isinstance(error, NoRoot) and len(steps) > 1):
                continue  # it is the plan that cannot be, not what is given
            cost = NONE if isinstance(error, NoRoot) else 0.0
            found.append(Candidate(replace(plan, score=plan.score - cost), None, str(error)))
            continue
        for value in values:
            near = 0.01 if len(steps_of(plan)) > 1 else 1e-9
            if any(is_given(value, g, near) for g in question.given):
                continue  # it says what the question said
            turned = [c for c in found if c.computation and is_turned(value, c.computation)]
            if twin := next((c for c in turned if steps_of(c.plan) == steps_of(plan)), None):
                if value.value > 0 and plan.score > twin.plan.score - CLOSE:  # two things exchanged
                    found[found.index(twin)] = Candidate(plan, value)
                continue
            if not any(c.computation and is_same(c.computation, value) for c in found):
                found.append(Candidate(plan, value))
    found.sort(key=lambda c: (-c.plan.score, c.computation is not None and c.computation.value < 0))
    found = [c for c in found if not (c.problem and not c.plan.missing and has_better(c, found))]
    return [replace(c, lead=c.plan.score - max([d.plan.score for d in found if d is not c], default=-9)) for c in found]


def is_sure(candidate: Candidate) -> bool:
    """Whether a number may be told: its plan fits the question well, or uses what is given as no other plan does."""
    plan = candidate.plan
    if plan.fit >= SURE:
        return True
    given = {g.start for s in plan.step.walk() for g in s.inputs.values() if isinstance(g, Given)}
    lead, fit = (CLOSE, UNSURE) if len(given) > 1 else (3 * CLOSE, SURE - 0.15)
    return plan.fit >= fit and candidate.lead >= lead and plan.left <= LEFT / 2


def as_amount(question: TechnicalQuestion, asked: Asked) -> tuple[TechnicalQuestion, Asked] | None:
    """What asks for so much a time, as what asks for how much that is in one unit of it: g/min, g in 1 min."""
    amount, _, time = (asked.unit or "").rpartition("/")
    if not amount or time not in PERIODS:
        return None
    one = Given(1.0, time, len(question.text), len(question.text), f"1 {time}", stems("time durée"))
    return replace(question, given=(*question.given, one)), replace(asked, unit=amount, measures=amount)


def has_better(bad: Candidate, found: Sequence[Candidate]) -> bool:
    """Whether a plan that cannot be is another one with what is given mistaken for something else: the same formulas,
    about as likely."""
    return any(
        steps_of(c.plan) == steps_of(bad.plan) and c.plan.score > bad.plan.score - BAD for c in found if c.computation
    )


def is_given(made: Computation, given: Given, near: float) -> bool:
    """Whether a result is only a quantity of the question again, within a share of it."""
    value = convert(given.value, given.unit, made.unit) if given.unit else None
    return value is not None and abs(value - made.value) <= near * abs(value)


def is_turned(one: Computation, other: Computation) -> bool:
    """Whether one number is the other with its sign turned."""
    return one.value * other.value < 0 and is_same(replace(one, value=-one.value), other)


def steps_of(plan: FormulaPlan) -> list[str]:
    """The formulas of a plan."""
    return [step.formula.name for step in plan.step.walk()]


def is_same(one: Computation, other: Computation) -> bool:
    """Whether two numbers are the same for whoever asked."""
    return one.unit == other.unit and abs(one.value - other.value) <= SAME * max(abs(one.value), abs(other.value))


def say_missing(plan: FormulaPlan, language: str) -> str:
    """Which inputs of a plan are not given, in a sentence."""
    what = " and ".join(dict.fromkeys(v.of.what for v in plan.missing))
    if language == "fr":
        return f"Il manque une donnée : {what} (entrée de {plan.step.formula.name}) ; rien n'a été calculé."
    return (
        f"Not enough is given: the {what} is missing, which {plan.missing[0].formula.name} needs; nothing was computed."
    )


def describe(step: FormulaStep) -> str:
    """A step in a line: what it gives, by which formula, from what."""
    parts = []
    for name, source in step.inputs.items():
        if isinstance(source, FormulaStep):
            parts.append(f"{name} = ({describe(source)})")
        elif isinstance(source, Given):
            parts.append(f"{name} = {source.text}")
        elif isinstance(source, Missing):
            parts.append(f"{name} = ?")
        else:
            parts.append(
                f"{name} = {source if isinstance(source, str) else f'{source.value:g} {source.unit}'.rstrip()}"
            )
    return f"{step.target.of.what} by {step.formula.name}: {', '.join(parts)}"


def things_asked(question: TechnicalQuestion) -> list[Asked]:
    """What is asked for, without what only looks like it: what is given a few words on, and what measures nothing."""
    asked = list({(a.stems, a.unit): a for a in reversed(question.asked)}.values())  # what is said twice is asked once
    real = [a for a in reversed(asked) if a.measures is not None or a.unit is not None]
    if len(real) > 1:
        real = [
            a
            for a in real
            if a.unit is not None
            or not any(a.start <= g.start < a.end and same_dimension(g.unit, a.measures or "") for g in question.given)
        ] or real  # "we need 3 km/s and ..."
    return real or list(question.asked[:1])


def answer_at_once(question: TechnicalQuestion) -> Answer | None:
    """The answer to what needs no plan: a conversion, or what cannot be answered as it is asked; else None."""
    if len(asked := things_asked(question)) > 1:
        said = " and ".join(f"{a.what.strip()!r}" for a in asked)
        return Answer("contradictory", f"This asks {len(asked)} things at once, {said}; ask them one by one.")
    for given in question.given:
        kelvin = convert(given.value, given.unit, "K") if given.unit else None
        if kelvin is not None and kelvin < 0 and not given.assumed:
            return Answer("contradictory", f"{given.text} is below absolute zero; {NOTHING[question.language]}.")
    return convert_given(question)


def convert_given(question: TechnicalQuestion) -> Answer | None:
    """The only quantity of a question in the unit that is asked for, where nothing else is asked; else None."""
    [asked, *_], given = things_asked(question), question.given
    if not asked.unit or len(given) != 1 or question.names or not same_dimension(given[0].unit, asked.unit):
        return None
    said = {*stems(question.text)}  # not the words of the unit's dimension
    if any(
        stem in rarity() and stem in said for stem in asked.stems
    ):  # it is what something measures that is asked for
        return None
    value = convert(given[0].value, given[0].unit, asked.unit)
    if value is None:
        return None
    step = ComputedStep(
        "convert", "conversion", value, asked.unit, {"quantity": given[0].text}, False, "units of one dimension",
        "SI Brochure, 2019", "",
    )  # fmt: skip
    return Answer("computed", f"{format_number(value)} {asked.unit}", value, asked.unit, (step,))


def about_as_likely(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The first of some plans with those that are about as likely. What cannot be is no alternative to a number, and a
    number none to an input that is missing."""
    near = [c for c in candidates if c.plan.score > candidates[0].plan.score - CLOSE]
    numbers = [c for c in near if c.computation]
    return near[:1] if candidates[0].plan.missing or not numbers else numbers[:SHOWN]


def conclude(question: TechnicalQuestion, candidates: Sequence[Candidate]) -> Answer:
    """The answer by what is left of the plans: one of them, none, or several between which nothing decides."""
    if not candidates:
        [asked, *_] = things_asked(question)
        return Answer(
            "no_formula", f"No formula here leads to {asked.what!r} from what is given; nothing was computed."
        )
    if len(candidates) > 1:
        said = "; or ".join(f"{c.text}, which gives {c.number}" if c.computation else c.problem for c in candidates)
        return Answer("ambiguous", f"This can be read in {len(candidates)} ways, say which is meant: {said}.")
    [candidate] = candidates
    plan, made = candidate.plan, candidate.computation
    if made is None:
        missing = tuple(dict.fromkeys(v.of.what for v in plan.missing))
        if missing:
            return Answer("missing", candidate.problem, missing=missing)
        return Answer("contradictory", f"{candidate.problem}; {NOTHING[question.language]}.")
    if not is_sure(candidate):
        return Answer(
            "no_formula", "No formula here fits the question well enough to be relied on; the nearest is "
            f"{plan.step.formula.name} ({plan.step.target.of.what}); nothing was computed."
        )  # fmt: skip
    if plan.left > LEFT:
        unused = " and ".join(g.text for g in plan.unused)
        return Answer(
            "ambiguous", f"No formula here uses {unused}, without which {candidate.number} would be uncertain."
        )
    unused_given = tuple(g.text for g in plan.unused)
    return Answer(
        "computed", candidate.number, made.value, made.unit, made.steps, made.assumptions, unused=unused_given
    )
