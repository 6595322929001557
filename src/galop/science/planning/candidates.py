"""The likeliest plans for a question, each with its number, or with why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from galop.science.formula import format_number
from galop.science.planning.clashes import LOST, is_lost
from galop.science.planning.computation import Computation, compute
from galop.science.planning.evidence import with_units
from galop.science.planning.formula_plan import FormulaPlan, FormulaStep, Missing
from galop.science.planning.inverse import NoRoot, UselessStep
from galop.science.planning.multiples import add_up, join, pour_together
from galop.science.planning.plans import find_plans
from galop.science.planning.variables import convert, stems_of
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion
from galop.science.reading.words import stems
from galop.science.units import ScienceError, same_dimension

SAME = 0.004  # numbers this near, relatively, are one
TRIED = 16  # plans that are computed
WORK = 48  # after so much, no more are but those close to the first: counted, so that every machine says the same
SOLVED, LIBRARY = 2, 12  # the work of a formula that is solved for an input; of one that a library computes, times that
CLOSE = 0.3  # of two plans with one number but for its sign, the score by which the second may be less
FAR = 2.5  # a plan whose score is so much less than the best one's is none
LEAST = -0.3  # a plan whose score is less does not fit the question
NONE = 1.5  # what it costs a plan that nothing makes it give what is given
LEAST_MISSING = -1.5  # so much less fits one that lacks an input
SOON = 8  # characters from what is said to be given to how much it is
NARROW = 0.5  # how much better a plan has to be that leaves what another one uses
BAD = 0.5  # a plan that cannot be, is what was meant where its score is so much more than any other's
LEFT = 0.24  # what a plan that lacks an input may leave unused
APART = 0.5  # what it costs to take a rate apart
REST = 0.2  # what it costs to take what is left for what is lost
LONG = frozenset("h day week month year".split())
PERIODS = frozenset("s min h day week month year second minute hour".split())


@dataclass(frozen=True)
class Candidate:
    """A plan with what it comes to; None where an input is missing, or cannot be, which `problem` then says."""

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
    question, asked = prepare(question)
    work = 0
    found: list[Candidate] = []
    plans = find_plans(question, asked)
    if (apart := take_apart(question)) and not (asked.unit or "").partition("/")[2]:
        other = [replace(plan, score=plan.score - APART) for plan in find_plans(apart, asked)]
        plans = sorted([*plans, *other], key=lambda plan: -plan.score)
    if kept := keep_rest(question, asked):
        left = [plan for plan in find_plans(kept, asked) if not LOST & stems_of(plan.step.target.of.what)]
        other = [replace(plan, score=plan.score - REST) for plan in left]
        plans = sorted([*plans, *other], key=lambda plan: -plan.score)
    if amount := as_amount(question, asked):
        made = [plan for plan in find_plans(*amount) if amount[0].given[-1] not in plan.unused]
        plans = sorted([*plans, *made], key=lambda plan: -plan.score)
    for plan in plans[:TRIED]:
        if plan.score < (LEAST_MISSING if plan.missing else LEAST) or (plan.missing and plan.left > LEFT):
            continue
        if found and plan.score < found[0].plan.score - (CLOSE if work > WORK else FAR):
            break
        if plan.missing:
            found.append(Candidate(plan, None))
            continue
        work += effort(plan)
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
    found = put_whole_first(found)
    found = [c for c in found if not (c.problem and not c.plan.missing and has_better(c, found))]
    return [replace(c, lead=lead_of(c, found)) for c in found]


def lead_of(one: Candidate, found: Sequence[Candidate]) -> float:
    """How much better a plan is than any other with another number, those that use less of what is given left out."""
    near = one.plan.score + NARROW
    rest = (
        c.plan
        for c in found
        if c is not one
        and not (c.plan.used < one.plan.used and c.plan.score < near and one.plan.is_straight)
        and not (c.plan.missing and c.plan.used <= one.plan.used and not one.plan.unused and one.computation)
    )
    return one.plan.score - max((plan.score for plan in rest), default=-9)


def prepare(question: TechnicalQuestion) -> tuple[TechnicalQuestion, Asked]:
    """A question with its quantities as plans take them, and what it asks first."""
    question = with_units(question)
    [asked, *_] = things_asked(question)
    return pour_together(join(add_up(question, asked), asked), asked), asked


def as_amount(question: TechnicalQuestion, asked: Asked) -> tuple[TechnicalQuestion, Asked] | None:
    """What asks for so much a time, as what asks for how much that is in one unit of it: g/min, g in 1 min."""
    amount, _, time = (asked.unit or "").rpartition("/")
    if not amount or time not in PERIODS:
        return None
    one = Given(1.0, time, len(question.text), len(question.text), f"1 {time}", stems("time durée"))
    return replace(question, given=(*question.given, one)), replace(asked, unit=amount, measures=amount)


def take_apart(question: TechnicalQuestion) -> TechnicalQuestion | None:
    """What gives one mass or amount a time as so much of it in one unit of time: a ton a day; None where a time, or no
    such rate, is given."""
    given = list(question.given)
    for i, each in enumerate(given):
        amount, _, time = each.unit.rpartition("/")
        if time not in LONG or not any(same_dimension(amount, unit) for unit in ("kg", "mol")):
            continue
        if any(same_dimension(other.unit, "s") for other in given if other.unit):
            return None
        one = Given(1.0, time, each.end, each.end, f"1 {time}", stems("time durée"))
        return replace(question, given=(*given[:i], replace(each, unit=amount), one, *given[i + 1 :]))
    return None


def keep_rest(question: TechnicalQuestion, asked: Asked) -> TechnicalQuestion | None:
    """What says which share is lost, as what says which is left: the efficiency; None where nothing is lost, or where
    that is asked for."""
    lost = [given for given in question.given if is_lost(given, question.text)]
    if len(lost) != 1 or LOST & {*asked.stems} or not 0 < lost[0].value < 1:
        return None
    said = f"{lost[0].text} lost are {1 - lost[0].value:.6g} left"
    left = replace(lost[0], value=1 - lost[0].value, kind="number", before=stems("efficiency"), after=(), context=(),
                   assumed=said)  # fmt: skip
    return replace(question, given=tuple(left if given is lost[0] else given for given in question.given))


def effort(plan: FormulaPlan) -> int:
    """How much work it is to compute a plan, where a formula is 1."""
    steps = list(plan.step.walk())
    return sum((SOLVED if s.known else 1) * (LIBRARY if "CEA" in s.formula.source else 1) for s in steps)


def put_whole_first(found: Sequence[Candidate]) -> list[Candidate]:
    """Plans in their order, but before the first another about as good that uses more of what is given."""
    first = next((c for c in found[:1] if c.computation), None)
    if found and found[0].plan.missing:  # what lacks nothing, uses everything, and is about as good, goes before it
        for c in found[1:]:
            if c.computation and not c.plan.unused and c.plan.score > found[0].plan.score - CLOSE:
                return [c, *(other for other in found if other is not c)]
    for c in found[1:]:
        near = first and c.computation and c.plan.score > first.plan.score - NARROW
        if first and near and c.plan.used > first.plan.used and is_clear(c.plan, first.plan):
            return [c, *(other for other in found if other is not c)]
    return list(found)


def is_clear(plan: FormulaPlan, other: FormulaPlan) -> bool:
    """Whether a plan that uses more is one formula, or uses at least twice as much as another one."""
    return plan.is_straight or len(plan.used) >= 2 * len(other.used)


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
    if len(real) > 1:  # "we need 3 km/s and ..."
        unstated = [a for a in real if not states(question, a, a.end)]
        real = unstated or [a for a in real if not states(question, a, a.start + len(a.what) + SOON)] or real
    return real or list(question.asked[:1])


def states(question: TechnicalQuestion, asked: Asked, end: int) -> bool:
    """Whether what seems to be asked for, without a unit, is given up to a place of the text."""
    alike = (g for g in question.given if asked.start <= g.start < end)
    return asked.unit is None and any(same_dimension(g.unit, asked.measures or "") for g in alike)
