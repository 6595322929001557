"""What is missing from a question: the formulas that would lead to what it asks, and the inputs that they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from galop.science.formula import Quantity
from galop.science.planning.answer import Answer
from galop.science.planning.candidates import prepare
from galop.science.planning.formula_plan import FormulaPlan
from galop.science.planning.plans import find_lacking
from galop.science.planning.variables import by_formula
from galop.science.reading.quantities import Unread
from galop.science.reading.question import TechnicalQuestion
from galop.science.reading.words import stems

LEAST, LEAST_ABOUT = -0.75, 0.05  # a formula that fits less is not meant
LEAST_ALONE = -3.0  # the same where nothing else was found
UNUSED_ABOUT = 0.4  # the same of one that uses nothing given
NEAR = 0.6  # another formula is told too where its score is less by no more


@dataclass(frozen=True)
class Lacking:
    """The likeliest formula with its gaps, and what is told of it."""

    plan: FormulaPlan
    answer: Answer


def name_missing(question: TechnicalQuestion, least: float = LEAST) -> Lacking | None:
    """What a question would have to say; None where no formula is about what it asks, by at least that score."""
    question, asked = prepare(question)
    plans = [plan for plan in find_lacking(question, asked)[:8] if is_meant(plan, least)]
    if not plans:
        return None
    first = plans[0]
    others = [
        p for p in plans[1:]
        if p.score > first.score - NEAR and len(p.missing) <= len(first.missing) and p.used >= first.used
    ]  # fmt: skip
    other = next((p for p in others if lacks(p) != lacks(first)), None)
    return Lacking(first, say_missing(question, [first, *([other] if other else [])]))


def is_meant(plan: FormulaPlan, least: float) -> bool:
    """Whether a question is about a formula that lacks an input, by its words and by what it uses."""
    return plan.score > least and plan.about >= (LEAST_ABOUT if plan.used else UNUSED_ABOUT)


def lacks(plan: FormulaPlan) -> Sequence[str]:
    """What a plan lacks, in words."""
    return tuple(dict.fromkeys(variable.of.what for variable in plan.missing))


def say_missing(question: TechnicalQuestion, plans: Sequence[FormulaPlan]) -> Answer:
    """The answer that names what each of some plans lacks, with its unit, and the formula that would use it."""
    french = question.language == "fr"
    ways = []
    for plan in plans:
        named = list(dict.fromkeys(name_input(variable.of, french) for variable in plan.missing))
        listed = (" et " if french else " and ").join([", ".join(named[:-1]), named[-1]] if named[1:] else named)
        formula, gives = plan.step.formula.name, plan.step.target.of.what
        if french:
            ways.append(f"{listed}, pour calculer {french_name(plan.step.target.of) or gives} par {formula}")
        else:
            verb = "are" if named[1:] else "is"
            ways.append(f"{listed} {verb} missing, which {formula} needs to give the {gives}")
    missing = tuple(dict.fromkeys(what for plan in plans for what in lacks(plan)))
    if question.unread:  # the likely culprit
        ways[-1] += " ; " if french else "; "
        ways[-1] += say_unread(question.unread[0], french)
    if french:
        many = "Il manque des données" if missing[1:] else "Il manque une donnée"
        return Answer("missing", f"{many} : {' ; ou bien '.join(ways)} ; rien n'a été calculé.", missing=missing)
    return Answer("missing", f"Not enough is given: {'; or '.join(ways)}; nothing was computed.", missing=missing)


def say_unread(item: Unread, french: bool) -> str:
    """Why a number of the question was not understood."""
    if item.unit and item.why.endswith("known"):
        return f"{item.unit!r} n'est pas une unité connue" if french else f"{item.unit!r} is not a unit that is known"
    if item.unit:
        return item.why
    return f"{item.text} est un nombre trop grand" if french else f"{item.text}: {item.why}"


def name_input(of: Quantity, french: bool) -> str:
    """An input as a sentence names it, with its unit."""
    unit = of.unit.replace("*", "·")
    if french:
        name = french_name(of)
        return (
            f"{name} ({', '.join(filter(None, (of.what, unit)))})"
            if name
            else f"{of.what}{f' ({unit})' if unit else ''}"
        )
    return f"the {of.what}{f' ({unit})' if unit else ''}"


@cache
def french_name(of: Quantity) -> str:
    """What a quantity is called in French, "" where nothing that is known of it is French."""
    said = [phrase.strip() for phrase in of.words.split(",")]
    return next((phrase for phrase in said if is_name(phrase) and not {*stems(phrase)} & english()), "")


def is_name(phrase: str) -> bool:
    """Whether words name a quantity by themselves, and do not go on from another word: au col, de service."""
    return len(phrase) > 3 and phrase.split()[0] not in ("de", "du", "des", "au", "aux", "en", "par", "sur", "à")


@cache
def english() -> frozenset[str]:
    """The stems that formulas are described in."""
    every = (v for of in by_formula().values() for v in of)
    said = (f"{v.of.what} {v.formula.about} {v.name} {v.formula.name}".replace("_", " ") for v in every)
    return frozenset(stem for text in said for stem in stems(text)) | {*stems("emf")}
