"""What the words around the quantities of a question say of what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from galop.science.formula import Quantity
from galop.science.quantities import Given
from galop.science.question import TechnicalQuestion
from galop.science.units import same_dimension
from galop.science.variables import Variable, by_formula, convert, stems_of
from galop.science.words import stems

FADE = 0.85  # of the weight of a word, for each word nearer the number
CLOSE = 8  # characters between a quantity and what it is of
CONSTANTS = ((9.80665, "m/s^2"), (8.314462618, "J/mol/K"), (96485.33212, "C/mol"), (3.986004418e14, "m^3/s^2"),
             (6378.137, "km"), (6.02214076e23, "1/mol"))  # fmt: skip  # fmt: skip
EACH = frozenset(stems("each apiece chacun chacune chaque"))
FIRST, LAST = stems("initial inlet before lower cold"), stems("final outlet after higher hot")
CHANGE = stems("rise difference change")
OPPOSITES = tuple(
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        ("radius rayon", "diameter diamètre"), ("initial before initiale départ", "final after finale"),
        ("inlet suction entrée aspiration", "outlet discharge sortie refoulement"), ("anode", "cathode"),
        ("hot chaud chaude", "cold froid froide"),
        ("fuel carburant combustible", "oxidiser oxidizer comburant oxydant"),
        ("exit sortie", "throat col"), ("exit sortie", "chamber chambre"), ("ambient ambiante", "chamber chambre"),
        ("payload utile", "propellant ergols"), ("dry empty sèche vide", "propellant ergols"),
        ("lost loss perdu perdue pertes", "useful output efficiency utile rendement"),
        ("exchange échange", "limiting limite"), ("length longueur", "diameter diamètre"),
        ("centre center radius rayon", "altitude"),
    )
)  # fmt: skip


def contexts_of(question: TechnicalQuestion) -> list[dict[str, float]]:
    """For each quantity of a question the stems that may say what it is, with their weights."""
    contexts = [context_of(given, question.text) for given in question.given]
    for name in question.names:
        near = [i for i, g in enumerate(question.given) if 0 <= name.start - g.end <= CLOSE]
        if near:
            contexts[near[-1]].update(dict.fromkeys(kinds_of(name.called), 1.0))
    for before, after in pairwise(range(len(question.given))):
        add_change(question, before, after, contexts)
    return contexts


def context_of(given: Given, text: str) -> dict[str, float]:
    """The stems around a number with weights, those near it weighing more."""
    weights: dict[str, float] = {}
    if given.kind == "count":
        return dict.fromkeys(given.after[:1], 1.0)  # what is counted
    for words, weight in ((given.before, 1.0), (given.after, 0.9), (given.context, 0.35)):
        for stem in words[:6]:
            weights[stem] = max(weights.get(stem, 0.0), weight)
            weight *= FADE
    if re.search(r"\bby (?:about )?$", text[: given.start]):
        weights |= dict.fromkeys(CHANGE, 0.6)
    return weights | dict.fromkeys(stems(given.symbol), 1.2)


def add_change(question: TechnicalQuestion, before: int, after: int, contexts: Sequence[dict[str, float]]) -> None:
    """Says of two quantities of a kind, from one to the other, which was first."""
    one, other = question.given[before], question.given[after]
    between = question.text[one.end : other.start]
    if same_dimension(one.unit, other.unit) and re.fullmatch(r"\s*(?:down |up )?(?:to|à|jusqu'à)\s*", between):
        for at, words in ((before, FIRST), (after, LAST)):
            contexts[at].update({s: 0.6 for s in words if s not in contexts[at]})


@cache
def kinds_of(called: tuple[str, ...]) -> frozenset[str]:
    """What a substance is as an input of formulas, such as a fuel: the stems of these inputs' names."""
    found: set[str] = set()
    for of in by_formula().values():
        for name, (kind, _) in of[0].formula.parameters.items():
            if isinstance(kind, tuple) and any(c in kind for c in called):
                found.update(stems(name.replace("_", " ")))
    return frozenset(found - {"name", "fluid"})


def is_constant(given: Given, value: float, unit: str) -> bool:
    """Whether a quantity is a constant that formulas have in them, as questions state them."""
    stated = convert(given.value, given.unit, unit) if given.unit else None
    return stated is not None and abs(stated - value) <= 0.01 * value


def counts(given: Given, of: Quantity) -> bool:
    """Whether a variable is the number of what is counted."""
    return any(given.after[:1] == (stem,) for text in (of.what, *of.words.split(",")) for stem in stems(text)[:2])


def clashes(given: Given, role: Variable) -> bool:
    """Whether a quantity is said to be the opposite of a variable."""
    near = {*given.before[:3], *given.after[:2], *stems(given.symbol)}
    what = stems_of(role.of.what)
    return any(
        (near & one and not near & other and what & other and not what & one)
        or (near & other and not near & one and what & one and not what & other)
        for one, other in OPPOSITES
    )
