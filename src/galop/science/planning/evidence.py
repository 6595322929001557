"""What the words around the quantities of a question say of what they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import combinations, pairwise

from galop.science.formula import Formula, Quantity
from galop.science.planning.clashes import are_opposed
from galop.science.planning.variables import (
    Dimension,
    Variable,
    by_dimension,
    by_formula,
    convert,
    dimension,
    knowns,
    likeness,
    rarity,
    stems_of,
)
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion
from galop.science.reading.words import stems
from galop.science.units import same_dimension

FADE = 0.85  # of the weight of a word, for each word nearer the number
CLOSE = 8  # characters between a quantity and what it is of
CONSTANTS = ((9.80665, "m/s^2"), (8.314462618, "J/mol/K"), (96485.33212, "C/mol"), (3.986004418e14, "m^3/s^2"),
             (6378.137, "km"), (6.02214076e23, "1/mol"),
             (0.2412, "V"), (0.244, "V"), (0.197, "V"))  # the last are reference electrodes against SHE # fmt: skip
EARLIER = frozenset(stems("reference référence first initial before premier initiale"))
QUALIFIED = frozenset(stems("exchange limiting corrosion critical motor échange limite limitant critique moteur"))
SHOCKS, SHOCK = frozenset(stems("shock")), frozenset(stems("shock choc bow"))  # are spoken of, where there is one
EITHER = tuple(  # of which what is said to be one is not the other
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        ("series série", "parallel parallèle"),
        ("subsonic subsonique", "supersonic supersonique"),
        ("adiabatic isentropic adiabatique isentropique", "isothermal isotherme"),
        ("circular circulaire", "ellipse elliptic elliptical elliptique eccentric excentrique"),
        ("cylinder cylindrical cylindre cylindrique sphere spherical sphère", "slab dalle flat plane plan"),
    )
)
SUBSTANCES = frozenset(stems("hydrogen oxygen"))  # which a formula is of
PARTS = frozenset(stems("resistors résistances capacitors condensateurs coils bobines"))
ALPHA = frozenset(stems("alpha α"))
ENDS = frozenset(stems("initial final"))  # of what goes from one to the other
VOLTAGES = frozenset(stems("e0 e° eo"))
WHOLE = frozenset(stems("electrons electron number cells particles stages turns"))  # no share is one
ONE = frozenset(stems("one each single first second third fourth upper lower"))  # of several
ALL = frozenset(stems("total overall equivalent combined altogether totale équivalente"))
STARTING = EARLIER | frozenset(stems(
    "start begin original was origin launch liftoff ignition loaded wet full gross upstream inlet intake ahead entrée "
    "depart amont aspiration décollage allumage plein"
))  # fmt: skip
LIKE, LIKE_RARE = 0.55, 0.3  # likeness from which a result can be an input; where few variables measure that
COMMON = 40  # variables of a dimension that tells little
TOLD = 0.25  # support from which words speak of a variable
MOST = 16  # quantities that are placed
DENSITY = frozenset(stems("density densité volumique"))
DEVICES = frozenset(  # of which several do more than one
    stems("cells cell cellules batteries battery accus accumulateurs piles éléments series série parallel parallèle "
          "panels panneaux bulbs lamps lampes ampoules resistors résistances capacitors condensateurs coils bobines "
          "engines engine moteurs thrusters propulseurs boosters pumps pompes tubes pipes plates plaques modules")
)  # fmt: skip
EACH = frozenset(stems("each apiece chacun chacune chaque"))
PIPES = r"(?:pipes?|tubes?|lines?|hoses?|wires?|bores?|capillar\w+|conduites?|tuyaux?|fils?)\b"
PIPE = re.compile(rf"[ -](?:\w+ )?{PIPES}")
OF_PIPE = re.compile(rf" (?:of|de|d') ?(?:[\w.,]+ ){{0,4}}{PIPES}")
OF_ENGINE = re.compile(r"[ -](?:[a-z]+ )?(?:engines?|motors?|thrusters?)\b(?! (?:burn|test|firing|fire))")
OF_PROPELLANT = re.compile(
    r" (?:of |de |d')(?:liquid |gaseous )?(?:xenon|krypton|argon|hydrazine|propellants?|"
    r"ergols?|kerosene)\b"
)
PROPELLANT = stems("propellant ergols")
IMPULSE = stems("isp specific impulse")
LENGTH, ACROSS = stems("length longueur"), stems("diameter diamètre")
PROPERTIES = frozenset(dimension(unit) for unit in ("kg/m^3", "J/kg/K", "W/m/K", "Pa*s", "m^2/s"))
MATERIAL = frozenset(dimension(unit) for unit in ("J/kg", "J/kg/K", "W/m/K", "W/m^2/K", "Pa*s", "J/mol"))  # none idle
SMALLER = tuple(
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        ("roughness rugosité", "diameter length"), ("thickness épaisseur", "diameter length height distance"),
        ("diameter", "length distance"), ("exit", "chamber"), ("ambient", "chamber"), ("cold lower", "hot higher"),
        ("throat", "exit burning chamber"), ("taken", "dilution"), ("vapour", "tank"), ("pressure", "stress strength"),
        ("after final dry", "before initial"),
    )
)  # fmt: skip
INNOCENT = frozenset(stems("area expansion section detente gamma mixture o/f melange"))  # often given and not needed
ORDINAL = re.compile(r"(first|second|third|fourth)(?:_(\w+))?|(\w+)_([1-4])")
BODY = re.compile(
    r"(?<!\w)(?:from|around|round|on|above|over|orbiting|orbits?|autour de|depuis|sur|au-dessus de|planet|"
    r"planete|moon|lune|asteroid|"
    r"(?:velocity|speed|gravity|vitesse de liberation|gravite) (?:of|de)) (?:the |la |le |l')?([a-z]{3,})(?!\w)"
)
BEFORE, AFTER = frozenset(stems("before ahead reference")), frozenset(stems("afterwards behind"))
BOTH = re.compile(r"\b(?:both|les deux|each of the two)\b(?: [a-z-]+){1,4} ?[=:]? ?$")
END = re.compile(r"[.;?!:]\s")  # of a sentence
LISTED = re.compile(r"\W*(?:and|et|or|ou|to|à)?\W*")
FIRST, LAST = stems("initial inlet before lower cold"), stems("final outlet after higher hot")
CHANGE = stems("rise difference change")


def contexts_of(question: TechnicalQuestion, asked: Asked) -> list[dict[str, float]]:
    """For each quantity of a question the stems that may say what it is, with their weights."""
    contexts = [context_of(given, question.text) for given in part_words(question)]
    for given, context in zip(question.given, contexts, strict=True):
        if asked.start <= given.start < asked.end:  # words of what is asked are hardly those of what is given
            apart = re.search(r"\w\w", question.text[asked.start + len(asked.what) : given.start])
            beside = {*given.after[:1]} if apart else {*given.before[:1], *given.after[:1]}
            context.update({s: 0.3 * context[s] for s in asked.stems[:3] if s in context and s not in beside})
    for name in question.names:
        near = [i for i, g in enumerate(question.given) if 0 <= name.start - g.end <= CLOSE]
        if near:
            contexts[near[-1]].update(dict.fromkeys(kinds_of(name.called), 1.0))
    for before, after in pairwise(range(len(question.given))):
        add_change(question, before, after, contexts)
    return contexts


def part_words(question: TechnicalQuestion) -> list[Given]:
    """The quantities of a question, of each no word by which the text calls another one of its kind: the symbol and the
    words beside one say little of those that follow, but in a list, and a word between two is of the nearer one."""
    parted = []
    for i, given in enumerate(question.given):
        context, after = given.context, given.after
        for other in question.given[max(0, i - 4) : i]:
            between = question.text[other.end : given.start]
            if not same_dimension(other.unit, given.unit) or LISTED.fullmatch(between):
                continue
            theirs = {*other.before[:3], *other.after[:1], *stems(other.symbol)}
            context = tuple(stem for stem in context if stem not in theirs)
        for other in question.given[i + 1 : i + 2]:
            nearer = {s for s in after if s in other.before and other.before.index(s) < after.index(s)}
            after = tuple(stem for stem in after if stem not in nearer)
        parted.append(replace(given, context=context, after=after))
    return parted


def context_of(given: Given, text: str) -> dict[str, float]:
    """The stems around a number with weights, those near it weighing more."""
    weights: dict[str, float] = {}
    if given.kind == "count":
        return dict.fromkeys(given.after[:1], 1.0)  # what is counted
    for words, weight in ((given.before, 1.0), (given.after, 0.9), (given.context, 0.35)):
        for stem in words[:6]:
            weights[stem] = max(weights.get(stem, 0.0), weight)
            weight *= FADE
    after = text[given.end : given.end + 40].lower()
    if OF_PIPE.match(after):
        weights |= dict.fromkeys(LENGTH, 0.7)
    elif PIPE.match(after):
        weights |= dict.fromkeys(ACROSS, 0.7)
    if OF_PROPELLANT.match(fold_characters(after)):
        weights |= dict.fromkeys(PROPELLANT, 0.9)
    if given.unit in ("s", "sec") and OF_ENGINE.match(after):
        weights |= dict.fromkeys(IMPULSE, 1.0)
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


def weigh_left(
    left: Sequence[tuple[Given, float]],
    used: Sequence[Given],
    asked: Asked,
    words: frozenset[str],
    lacking: frozenset[Dimension],
    named: bool,
) -> float:
    """How much what a plan leaves unused looks as if it mattered; each comes with how well its words fit anything.

    What measures the same as what is used or asked is likely to be needed, and what measures the same as what is
    `lacking`, left to its default; of the rest what tells most counts."""
    wanted = asked.unit if asked.unit is not None else asked.measures
    alike = {dimension(g.unit) for g in used if g.unit} | lacking
    strong = weak = 0.0
    for given, best in left:
        if any(is_constant(given, *constant) for constant in CONSTANTS):
            continue
        measure = dimension(given.unit)
        same = bool(measure) and wanted is not None and measure == dimension(wanted)
        cost = matters(given, best, words) + (0.7 if same else 0.0)
        if measure in MATERIAL:
            cost += 1.0
        if named and measure in PROPERTIES:  # a plan that looks up what the question states
            cost += 2.0
        innocent = given.kind in ("number", "ratio") and bool(INNOCENT & {*given.before[:3]}) and best > TOLD
        idle = given.kind == "measure" and not same and measure not in alike | MATERIAL
        if innocent or idle:
            weak = max(weak, 0.5 * cost)
        else:
            strong += cost + (0.2 if measure in alike else 0.0)
    return strong + weak


def matters(given: Given, best: float, words: frozenset[str]) -> float:
    """How much a quantity looks as if an answer needed it: by its words, and if it measures what few variables do."""
    if given.kind == "count":
        return 1.0 if EACH & words or DEVICES & {*given.after[:1]} else 0.3 * best
    if given.kind == "fraction" or (given.kind in ("number", "ratio") and (given.before or given.symbol)):
        return 1.25  # nobody states them for nothing
    rare = len(by_dimension().get(dimension(given.unit) or (), ())) < COMMON
    return 1.2 * best + 0.3 if rare else 0.7 * best + 0.15


def count_crossed(used: Mapping[int, Variable], question: TechnicalQuestion) -> int:
    """How many of the quantities that a formula numbers (first, second) stand in a text the other way round."""
    placed = [(i, *numbered) for i, role in used.items() if (numbered := number_of(role.name))]
    crossed = sum((i < j) != (n < m) for (i, of, n), (j, also, m) in combinations(placed, 2) if of == also)
    states = [(i, role.dimension, state) for i, role in used.items() if (state := state_of(role.of.what))]
    for (i, measure, n), (j, other, m) in combinations(sorted(states), 2):
        if measure == other:
            crossed += n > m
        elif j == i + 1 and n != m:  # what stands side by side is of one state
            between = question.text[question.given[i].end : question.given[j].start]
            crossed += not END.search(between)
    return crossed


@lru_cache(10_000)
def state_of(what: str) -> int:
    """1 for what is before a change, 2 for what is after it, 0 for neither."""
    said = stems_of(what)
    return 1 if said & BEFORE else 2 if said & AFTER else 0


def in_order(used: Mapping[int, Variable], roles: Sequence[Variable]) -> int:
    """How many quantities of a kind stand in a text in the order in which a formula takes them, less those that do not:
    before and after, first and second."""
    placed = sorted((roles.index(role), i, role.dimension) for i, role in used.items())
    return sum((1 if a[1] < b[1] else -1) for a, b in combinations(placed, 2) if a[2] == b[2])


@lru_cache(10_000)
def number_of(name: str) -> tuple[str, int] | None:
    """Of an input such as second_thickness: ("thickness", 2)."""
    found = ORDINAL.fullmatch(name)
    if not found:
        return None
    if found[1]:
        return found[2] or "", ("first", "second", "third", "fourth").index(found[1]) + 1
    return found[3], int(found[4])


def names_other_body(question: TechnicalQuestion) -> bool:
    """Whether a question is of a celestial body that is not known: around Vulcan, on an asteroid."""
    folded = fold_characters(question.text)
    for match in BODY.finditer(folded):
        at = match.start(1)
        named = any(n.start <= at < n.end for n in question.names)
        if not named and (question.text[at].isupper() or match[1] in ("asteroid", "exoplanet", "comet", "comete")):
            return not any("Earth" in n.called or "Mars" in n.called or "Moon" in n.called for n in question.names)
    return False


def counts(given: Given, of: Quantity) -> bool:
    """Whether a variable is the number of what is counted."""
    return any(given.after[:1] == (stem,) for text in (of.what, *of.words.split(",")) for stem in stems(text)[:2])


@cache
def is_earlier(target: Variable) -> bool:
    """Whether a variable is what the result of its formula was before a change, hardly asked for without saying so."""
    alike = (v for v in by_formula()[target.formula.name] if v is not target and v.dimension == target.dimension)
    return not target.is_result and bool(BEFORE & stems_of(target.of.what)) and next(alike, None) is not None


@cache
def is_smaller(one: Variable, other: Variable) -> bool:
    """Whether a variable is hardly ever larger than another, as a diameter than a length."""
    ours, theirs = stems_of(one.of.what), stems_of(other.of.what)
    return any(ours & less and theirs & more and not theirs & less for less, more in SMALLER)


def is_other_way(formula: Formula, words: frozenset[str]) -> bool:
    """Whether a formula is of what a question says that it is not: of what is in series, where all is in parallel."""
    said = stems_of(f"{formula.name.replace('_', ' ')} {formula.about}")
    if SHOCKS & said and not SHOCK & words:
        return True
    return any(
        (said & one and words & other and not said & other and not words & one)
        or (said & other and words & one and not said & one and not words & other)
        for one, other in EITHER
    )


def contrast(context: Mapping[str, float], one: Variable, other: Variable) -> float:
    """How much more words with their weights speak of one variable than of another, by what tells these apart."""
    known = rarity()
    return sum(
        weight * known.get(stem, 0.0) * (one.stems.get(stem, 0.0) - other.stems.get(stem, 0.0))
        for stem, weight in context.items()
    )


@cache
def sources(wanted: Variable) -> tuple[tuple[Variable, float], ...]:
    """The variables of other formulas that may be an input, with how much they are what it wants."""
    found = []
    for made in by_dimension().get(wanted.dimension, ()):
        link = likeness(made, wanted)
        # Of pure numbers there are too many to solve for one on the way.
        again = made is wanted and len(knowns(made)) > 1  # from one result to its inputs, and to another result
        if are_opposed(made.of.what, wanted.of.what) or (ONE & stems_of(made.of.what)) - stems_of(wanted.of.what):
            continue
        rare = len(by_dimension()[wanted.dimension]) < COMMON
        if (
            (again or made.formula is not wanted.formula)
            and link >= (LIKE_RARE if rare else LIKE)
            and (wanted.of.unit or made.is_result)
        ):
            found.append((made, link))
    return tuple(found)


def with_units(question: TechnicalQuestion) -> TechnicalQuestion:
    """A question whose bare numbers that are called densities have their unit: g/cm³ up to 30, kg/m³ above.

    What is given twice is given once, and of more than MOST quantities those nearest the ends of the text are kept."""
    given = [
        replace(g, unit=unit, kind="measure", assumed=f"{g.text} is read as {g.value:g} {unit}")
        if g.kind == "number" and g.value > 0 and DENSITY & {*g.before[:2], *g.after[:1]} else g
        for g in question.given for unit in ["g/cm^3" if g.value < 30 else "kg/m^3"]
    ]  # fmt: skip
    listed = Counter(dimension(g.unit) for g in given if g.unit).values()
    given = [g for g in given if g.kind != "count" or g.value not in listed or not PARTS & {*g.after[:1]}]
    given = [
        replace(g, unit="1/K", kind="measure", assumed=f"{g.text} is read as {g.value:g} 1/K")
        if g.kind == "number" and abs(g.value) < 0.1 and ALPHA & {*g.before[:1], *stems(g.symbol)} else g for g in given
    ]  # fmt: skip
    given = [
        replace(g, unit="V", kind="measure", assumed=f"{g.text} is read as {g.value:g} V")
        if g.kind == "number" and abs(g.value) < 4 and VOLTAGES & {*g.before[:1], *stems(g.symbol)} else g
        for g in given
    ]  # fmt: skip
    once: list[Given] = []
    for each in given:
        if not any(restates(each, other, question.text) for other in once):
            once.append(each)
            if BOTH.search(fold_characters(question.text)[: each.start]):
                once.append(each)  # it is what two things are
    if len(once) > MOST:
        once = [*once[: MOST // 2], *once[-MOST // 2 :]]
    return replace(question, given=tuple(once))


def restates(given: Given, earlier: Given, text: str) -> bool:
    """Whether a quantity is an earlier one again, and not its like in a list."""
    same = (given.value, given.unit, given.symbol) == (earlier.value, earlier.unit, earlier.symbol)
    alike = given.before[:1] == earlier.before[:1] and given.after[:1] == earlier.after[:1]
    return same and alike and (bool(given.symbol) or END.search(text[earlier.end : given.start]) is not None)
