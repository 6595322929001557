"""What a quantity cannot be, by the words around it: the opposite of a variable, of another measure or substance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from galop.science.planning.variables import Variable, is_difference, stems_of
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.quantities import Given
from galop.science.reading.question import TechnicalQuestion
from galop.science.reading.words import stems
from galop.science.units import same_dimension

AGAINST = re.compile(
    r"\W*(?:measured )?(?:vs\.?|versus|against|relative to|par rapport a|contre|/)?\W*(?:an? |the |une? |la |le |l')?"
    r"(?:electrode (?:au |a |de )?(?:l')?)?"
)
SAID_DIFFERENT = re.compile(
    r"difference|ecart|\brise\b|elevation|delta|δ|hausse|\bdrop\b|gradient|\bby\b|superheat|hotter|warmer|colder|cooler|"
    r"plus (?:chaud|froid)"
)
MOST_DIFFERENT = 200.0  # K by which two temperatures that are not said to differ so would
OF_WHICH = frozenset(stems("hydrogen oxygen water air methane"))  # which a variable is of
OF_STUFF = re.compile(r" (?:of |de |d')(?:liquid |gaseous )?")
PROPELLANTS = stems("fuel oxidiser")
FRONTAL, DRAG_AREA = frozenset(stems("frontal frontale cross-section")), frozenset(stems("drag area"))
LOST = frozenset(stems("lost loses lose losing wasted dissipated perd perdu perdue perdent gaspillé dissipé"))
OF_IT_LOST = re.compile(
    r" (?:of|de|du|des|d')\b[^.;:?!]{0,80}?\b(?:(?:is|are|gets?|goes|est|sont|part(?:ent)?) (?:\w+ )?"
    r"(?:lost|wasted|dissipated|perdue?s?|dissipee?s?|gaspillee?s?|en pertes?)|se perd(?:ent)?)\b"
)
OF_WHICH_PART = re.compile(r"(?: [a-z]+){0,3}[ ,(]{1,3}(?:of which|including|from which|dont)\b")  # behind a whole
PARTS_OF_MASS = frozenset(stems("structural dry empty inert propellant payload sèche vide ergols"))
KEPT = frozenset(stems("left remaining restante useful utile efficiency rendement"))
MEASURES = frozenset(stems("pressure temperature area section mass density velocity volume power pression température "
                           "aire masse volumique vitesse puissance"))  # fmt: skip
OPPOSITES = tuple(
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        ("radius rayon", "diameter diamètre"), ("initial before initiale départ", "final after finale"),
        ("inlet suction entrée aspiration", "outlet discharge sortie refoulement"), ("anode", "cathode"),
        ("hot chaud chaude", "cold froid froide"),
        ("fuel carburant combustible", "oxidiser oxidizer comburant oxydant"),
        ("exit sortie", "throat col"), ("exit sortie", "chamber chambre"), ("ambient ambiante", "chamber chambre"),
        ("payload utile", "propellant ergols"), ("dry empty structural structure sèche vide", "propellant ergols"),
        ("lost loss waste dissipated perdu perdue pertes gaspille dissipé",
         "useful output given efficiency utile rendement"),
        ("exchange échange", "limiting limite"), ("length long longueur", "diameter diamètre radius rayon "
                                                                          "thickness épaisseur"),
        ("centre center radius rayon", "altitude above"),
        ("initial before initiale depart start liftoff", "structural propellant ergols empty dry vide sèche"),
        ("final finale", "propellant ergols"),
        ("vehicle rocket spacecraft launcher véhicule fusée lanceur", "structural dry empty inert burnout sèche vide"),
        ("upstream amont", "downstream aval"), ("exit sortie", "before initial"),
        ("thick thickness épaisseur épais", "radius rayon diameter diamètre"),
        ("depth deep profondeur", "altitude"), ("electrons", "gas substance metal"),
        ("stack pack empilement", "cell cellule each"),
        ("both together total altogether totale", "fuel oxidiser comburant carburant lox oxygen oxygène "
                                                  "kerosene kérosène methane "
         "méthane hydrogen hydrogène"),
    )
)  # fmt: skip


def clashes(given: Given, role: Variable, context: Mapping[str, float]) -> bool:
    """Whether a quantity is said to be the opposite of a variable."""
    near = {*given.before[:3], *given.after[:2], *stems(given.symbol)}
    near |= {s for s in PROPELLANTS if context.get(s, 0.0) >= 1.0} if given.kind == "measure" else set()
    what = stems_of(role.of.what)
    return any(
        (near & one and not near & other and what & other and not what & one)
        or (near & other and not near & one and what & one and not what & other)
        for one, other in OPPOSITES
    )


def is_no_difference(given: Given, role: Variable, text: str) -> bool:
    """Whether a temperature is no difference of two: one in degrees, or one too high, that is not said to be one."""
    if not is_difference(role.of) or given.unit not in ("°C", "°F", "K"):
        return False
    if given.unit == "K" and abs(given.value) < MOST_DIFFERENT:
        return False
    return not SAID_DIFFERENT.search(fold_characters(text[max(0, given.start - 40) : given.end + 20]))


def is_of_other(given: Given, role: Variable, question: TechnicalQuestion) -> bool:
    """Whether a quantity is said to be of one substance where a variable is of another one: a ton of aluminium as
    water."""
    theirs = OF_WHICH & stems_of(role.of.what)
    if not theirs:
        return False
    own = [n for n in question.names if given.start < n.start < given.end
           or OF_STUFF.fullmatch(question.text, given.end, max(given.end, n.start))]  # fmt: skip
    said = frozenset(stems(" ".join(f"{n.text} {' '.join(n.called)}" for n in own[:1])))
    return bool(own) and not theirs & said


def own_references(question: TechnicalQuestion) -> frozenset[str]:
    """What the reference electrodes are called against which the potentials of a question are given."""
    folded = fold_characters(question.text)
    return frozenset(
        called for given in question.given if given.unit and same_dimension(given.unit, "V")
        for name in question.names if name.start > given.end and AGAINST.fullmatch(folded, given.end, name.start)
        for called in name.called
    )  # fmt: skip


def measures_other(given: Given, role: Variable) -> bool:
    """Whether a pure number is said to be of other measures than a variable: a ratio of pressures is none of areas."""
    told = MEASURES & {*given.before[:5]} if given.kind in ("number", "ratio") else frozenset()
    theirs = MEASURES & role.stems.keys()
    return bool(told and theirs) and not told & theirs


@lru_cache(10_000)
def are_opposed(one: str, other: str) -> bool:
    """Whether two descriptions are opposites of each other."""
    ours, theirs = stems_of(one), stems_of(other)
    return any(
        (ours & a and theirs & b and not ours & b and not theirs & a)
        or (ours & b and theirs & a and not ours & a and not theirs & b)
        for a, b in OPPOSITES
    )


def is_lost(given: Given, text: str) -> bool:
    """Whether a quantity is a share that is lost: 12 % losses, loses 12 %, 12 % of the 300 W that it draws is lost."""
    if given.kind != "fraction":
        return False
    near = {*given.before[:1], *given.after[:2]}
    return bool(LOST & near) or OF_IT_LOST.match(fold_characters(text), given.end) is not None


def cannot_be(given: Given, role: Variable, question: TechnicalQuestion) -> bool:
    """Whether a quantity is of another measure or substance than a variable, a temperature that is no difference, an
    area that is no drag area or a share that is lost and not left: no number that rests on that is told."""
    lost = is_lost(given, question.text) and KEPT & stems_of(role.of.what)
    frontal = FRONTAL & {*given.before[:3], *given.after[:2]} and stems_of(role.of.what) >= DRAG_AREA
    if OF_WHICH_PART.match(fold_characters(question.text), given.end) and PARTS_OF_MASS & stems_of(role.of.what):
        return True
    if lost or frontal or measures_other(given, role) or is_of_other(given, role, question):
        return True
    return is_no_difference(given, role, question.text)
