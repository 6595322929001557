"""Ways to compute what a question asks: formulas, their inverses and results of results, the likeliest first.

The search goes backwards from what is asked, as in Bundy et al., "Solving mechanics problems using meta-level
inference" (IJCAI 1979): a formula that has the wanted quantity is taken, its inputs are what is given, assumed, or
wanted next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice, product

from galop.science.planning.assumptions import Assumption, follows_from_names
from galop.science.planning.clashes import are_opposed
from galop.science.planning.evidence import number_of, sources
from galop.science.planning.fitting import ASSUMED, LEAST, REUSED, USED, Fitting, Placement
from galop.science.planning.formula_plan import FormulaPlan, FormulaStep, Missing
from galop.science.planning.variables import Variable, by_formula, knowns
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion

DEPTH = 3  # formulas on the longest way
KEPT = 4  # ways to get one quantity
MOST = 60_000  # formulas that are looked at for one question
NAMED = 0.4
STEP, LINK, STRANGE, INVERSE = -0.8, 1.5, 1.0, -0.5
KNOWN, MISSING = 0.1, -3.0
BESIDE = 0.8  # what it costs that something is assumed where a quantity of the kind is given
UNSPOKEN, GUESSED, MISTAKEN = 1.0, 0.8, 1.5
TOPIC, LOOP, LEFT = 2.0, 2.5, 1.0
SPOKEN = 0.4  # for each telling word of what is asked that the formulas do not know
LACK, MOST_LACKING = 0.7, 4  # what it costs that an input is missing; so many are named
STRAY = 2.5  # a variable that fits what is asked so much less is computed by one formula, if at all
NAMED_AT_LEAST = 0.3  # of what a formula gives, that the question says
LIQUIDS = frozenset({"water", "seawater", "ethanol", "methanol", "acetone", "benzene", "toluene"})
SAME = 0.999  # likeness of what is the same, in floating point
IDLE = 0.05  # relevance of a formula from which it may be a step


@dataclass(frozen=True)
class _Way:
    """A way to one quantity: the step, the givens it uses by their numbers, and what speaks for it."""

    step: FormulaStep
    used: Mapping[int, Variable]  # what each given is taken for
    score: float
    derived: frozenset[str] = frozenset()  # what is computed on the way


def find_plans(question: TechnicalQuestion, asked: Asked, most: int = 60) -> list[FormulaPlan]:
    """The likeliest plans for what is asked, best first; also those that lack an input."""
    return search(question, asked).plans(most)


def find_lacking(question: TechnicalQuestion, asked: Asked) -> list[FormulaPlan]:
    """Formulas that would give what is asked if more were given, the likeliest first, each with what it lacks: those
    that are about what is asked and use most of what is given."""
    return search(question, asked).lacking()


@lru_cache(maxsize=4)  # of plans, and of what they lack
def search(question: TechnicalQuestion, asked: Asked) -> _Search:
    """The search for a question, with what it found on the way."""
    return _Search(question, asked)


class _Search:
    """The search for one question."""

    def __init__(self, question: TechnicalQuestion, asked: Asked) -> None:
        self._asked = asked
        self._given = question.given
        self._fit = Fitting(question, asked)
        self._memory: dict[tuple[Variable, frozenset[int], int], list[_Way]] = {}
        self._sources: dict[tuple[Variable, bool], list[tuple[Variable, Variable | None, float]]] = {}
        self._most: dict[int, list[FormulaPlan]] = {}
        self.looked = 0

    def plans(self, most: int) -> list[FormulaPlan]:
        if most not in self._most:
            self._most[most] = self._search(most)
        return self._most[most]

    def _search(self, most: int) -> list[FormulaPlan]:
        every = frozenset(range(len(self._given)))
        ways: list[_Way] = []
        targets = self._fit.targets()
        for target, fit in targets:
            depth = DEPTH - 1 if fit > targets[0][1] - STRAY else 0
            for known in knowns(target):
                for way in self._complete(target, known, every, depth):
                    score = (
                        way.score
                        + fit
                        + TOPIC * self._fit.topic_of(way.step)
                        - LEFT * self._fit.weigh_unused(way.used, way.step)
                    )
                    if known and self._fit.is_guessed(way.step, way.used, known):
                        score -= GUESSED
                    relevance = self._fit.relevance(target.formula.name)
                    score -= STRANGE / 2 * (1 - relevance) + (UNSPOKEN if relevance < 0.1 else 0.0)
                    earlier = list(way.step.walk())[:-1]
                    on_the_way = [s.known.of.what for s in earlier if s.known]
                    on_the_way += [s.target.of.what for s in earlier if s.formula is not target.formula]
                    score -= MISTAKEN * sum(is_mistaken(step) for step in way.step.walk())
                    if target.of.what in (*on_the_way, *(role.of.what for role in way.used.values())):
                        score -= LOOP
                    ways.append(_Way(way.step, way.used, score, way.derived))
        covers = [self._fit.covers(way.step) for way in ways]
        ways = [replace(w, score=w.score - SPOKEN * (max(covers) - c)) for w, c in zip(ways, covers, strict=True)]
        ways.sort(key=lambda w: -w.score)
        unused = (self._unused(w.used) for w in ways)
        found = islice(zip(ways, unused, strict=True), most)
        return [
            FormulaPlan(
                self._asked,
                w.step,
                w.score,
                rest,
                self._fit.weigh_unused(w.used, w.step),
                self._about(w.step.target),
                self._fit.is_against(w.used),
            )
            for w, rest in found
        ]

    def _unused(self, used: Mapping[int, Variable]) -> tuple[Given, ...]:
        """What a way leaves of what is given."""
        taken = [self._given[i] for i in used]
        return tuple(given for given in self._given if given not in taken)

    def _about(self, target: Variable) -> float:
        """How much the question speaks of a result and of its formula, from 0 to 1."""
        return max(0.0, min(self._fit.said_of(target), 1.0)) * self._fit.relevance(target.formula.name)

    def lacking(self) -> list[FormulaPlan]:
        """Formulas of what is asked with what nothing gives left open."""
        every = frozenset(range(len(self._given)))
        found = []
        for target, fit in self._fit.targets():
            said, relevance = self._fit.said_of(target), self._fit.relevance(target.formula.name)
            if said < NAMED_AT_LEAST or not self._fit.choose_names(target.formula):
                continue
            for known in knowns(target):
                for way in self._leave_open(target, known, every):
                    lacks = sum(isinstance(source, Missing) for source in way.step.inputs.values())
                    if not 0 < lacks <= MOST_LACKING:
                        continue
                    left = self._fit.weigh_unused(way.used, way.step)
                    score = way.score + fit + TOPIC * self._fit.topic_of(way.step) + SPOKEN * self._fit.covers(way.step)
                    score -= LACK * lacks + LEFT * left + 2 * STRANGE * (1 - relevance) - (INVERSE if known else 0.0)
                    rest = self._unused(way.used)
                    found.append(FormulaPlan(self._asked, way.step, score, rest, left, self._about(target)))
        return sorted(found, key=lambda plan: -plan.score)

    def _leave_open(self, target: Variable, known: Variable | None, every: frozenset[int]) -> list[_Way]:
        """The formula of a variable with what is given placed, what follows from that or is assumed, and gaps."""
        roles = roles_of(target, known)
        ways = []
        for state in self._fit.place(roles, every, None):
            if known and known.name not in state.inputs:
                continue  # nothing to go back from
            placed: Placement | None = state
            for role in (r for r in roles if r.is_required and r.name not in state.inputs):
                computed = [w for w in self._ways(role, every.difference(state.used), 1) if w.score > 0]
                taken = [s.what for s in placed.inputs.values() if isinstance(s, Assumption)] if placed else []
                assumed = [a for a in self._fit.assume(role) if a.what not in taken]
                part = (
                    Placement({role.name: computed[0].step}, computed[0].used, computed[0].score) if computed
                    else Placement({role.name: assumed[0]}) if assumed
                    else Placement({role.name: Missing(role)})
                )  # fmt: skip
                placed = placed and join(placed, part)
            if placed:
                names = self._fit.choose_names(target.formula)[0]
                ways.append(_Way(FormulaStep(target, {**names, **placed.inputs}, known), placed.used, placed.score))
        return ways

    def _ways(self, wanted: Variable, free: frozenset[int], depth: int) -> list[_Way]:
        """Ways to compute an input from what is given."""
        key = wanted, free, depth
        if key in self._memory:
            return self._memory[key]
        self._memory[key] = []  # not by itself
        ways: list[_Way] = []
        for target, known, cost in self._starts(wanted, depth > 1):
            for way in self._complete(target, known, free, depth - 1, wanted):
                if free & way.used.keys() or any(isinstance(s, str) for s in way.step.inputs.values()):
                    ways.append(_Way(way.step, way.used, way.score - cost, way.derived | {target.of.what}))
        self._memory[key] = sorted(ways, key=lambda w: -w.score)[:KEPT]
        return self._memory[key]

    def _starts(self, wanted: Variable, goes_on: bool) -> list[tuple[Variable, Variable | None, float]]:
        """The variables from which an input may come, the results by which their formulas are solved for them, and what
        that costs: those that need nothing else where a way does not go on from there."""
        key = wanted, goes_on
        if key not in self._sources:
            self._sources[key] = found = []
            for target, link in sources(wanted):
                relevance = self._fit.relevance(target.formula.name)
                if link < SAME and relevance < IDLE:
                    continue  # nothing in the question is about it
                if not self._fit.choose_names(target.formula):
                    continue
                cost = LINK * (1 - link) + STRANGE * (1 - relevance) - STEP
                found += [
                    (target, known, cost) for known in knowns(target)
                    if goes_on or not any(self._fit.is_open(r) for r in roles_of(target, known) if is_needed(r))
                ]  # fmt: skip
        return self._sources[key]

    def _complete(
        self, target: Variable, known: Variable | None, free: frozenset[int], depth: int, parent: Variable | None = None
    ) -> list[_Way]:
        """Ways to fill the inputs of the formula of `target`."""
        self.looked += 1
        chosen = self._fit.choose_names(target.formula)
        if self.looked > MOST or not chosen:
            return []
        roles = roles_of(target, known)
        states = self._fit.place(roles, free, parent, depth == 0 and parent is not None)
        ways = []
        for state in states:
            for filled in self._fill(state, roles, free.difference(state.used), depth, parent is None):
                if not (filled.used or any(chosen) or follows_from_names(filled.inputs)):
                    continue
                if is_half(filled.inputs, roles):
                    continue
                for names in chosen:
                    if is_cold_gas(names, filled.inputs, roles):
                        continue
                    score = filled.score + NAMED * len(names) + (INVERSE if known else 0.0)
                    step = FormulaStep(target, {**names, **filled.inputs}, known)
                    ways.append(_Way(step, filled.used, score, filled.derived))
        return sorted(ways, key=lambda w: -w.score)[:KEPT]

    def _fill(
        self, state: Placement, roles: Sequence[Variable], free: frozenset[int], depth: int, lacking: bool
    ) -> Iterator[Placement]:
        """What is open filled by results of other formulas, by what is assumed, or by nothing."""
        open_ = [r for r in roles if is_needed(r) and r.name not in state.inputs]
        if len(open_) > 3:
            return
        options: list[list[Placement]] = []
        for role in open_:
            found: list[Placement] = []
            if depth > 0:
                found += [
                    Placement({role.name: w.step}, w.used, w.score, w.derived) for w in self._ways(role, free, depth)
                ]
            beside = BESIDE * self._fit.is_stated(role)
            found += [
                Placement({role.name: a}, {}, (KNOWN if a.of else ASSUMED) - 0.1 * i - beside * (not a.told))
                for i, a in enumerate(self._fit.assume(role))
            ]
            if lacking and not role.is_result:
                found.append(Placement({role.name: Missing(role)}, {}, MISSING))
            if not found:
                return
            options.append(found)
        optional = [r for r in roles if not is_needed(r) and r.name not in state.inputs]
        for role in optional:  # what is known of a substance goes before a default
            options += [[Placement({role.name: a}, {}, KNOWN)] for a in self._fit.assume(role)[:1] if a.of]
        spare = [r for r in optional if r.of.unit]
        if lacking and depth > 0 and free:
            for role in spare:
                direct = [w for w in self._ways(role, free, depth) if not any(s.known for s in w.step.walk())]
                if good := [
                    Placement({role.name: w.step}, w.used, w.score, w.derived) for w in direct if w.score > LEAST
                ]:
                    options.append([Placement(), *good])
        for role in spare:  # the gravity of another planet
            told = next((a for a in self._fit.assume(role) if a.told and a.value != role.default), None)
            if told is not None and isinstance(role.default, float):
                options.append([Placement({role.name: told})])
        for chosen in islice(product(*options), 64):
            filled = [source for part in chosen for source in part.inputs.values()]
            made: list[object] = [source.target for source in filled if isinstance(source, FormulaStep)]
            made += [s.what for s in filled if isinstance(s, Assumption) and s.of and s.unit]
            if len(made) > len(set(made)):  # one number as two inputs
                continue
            whole: Placement | None = Placement(
                state.inputs, state.used, state.score - ASSUMED * len(open_), state.derived
            )
            for part in chosen:
                whole = whole and join(whole, part)
            if whole:
                yield whole


@cache
def roles_of(target: Variable, known: Variable | None) -> tuple[Variable, ...]:
    """What a formula is computed from: its inputs but for the one that it is solved for, that result in front."""
    inputs = (v for v in by_formula()[target.formula.name] if not v.is_result and v is not target)
    return (known, *inputs) if known else tuple(inputs)


def is_needed(role: Variable) -> bool:
    """Whether a formula cannot be computed, or solved, without it."""
    return role.is_required or role.is_result


def join(one: Placement, other: Placement) -> Placement | None:
    """Two parts of a plan as one; None where a given would be two things, or what is given would be computed."""
    score = one.score + other.score
    for i in one.used.keys() & other.used.keys():
        if one.used[i].of.what != other.used[i].of.what and one.used[i].name != other.used[i].name:
            return None
        score += REUSED - USED
    used, derived = {**one.used, **other.used}, one.derived | other.derived
    if any(v.of.what in derived for v in used.values()):
        return None
    return Placement({**one.inputs, **other.inputs}, used, score, derived)


def is_mistaken(step: FormulaStep) -> bool:
    """Whether an input is computed, over another step, from the opposite of what it is: a throat's area from the exit's
    diameter."""
    return any(
        are_opposed(role.of.what, behind.target.of.what)
        for role in by_formula()[step.formula.name]
        if isinstance(source := step.inputs.get(role.name), FormulaStep)
        for behind in source.inputs.values()
        if isinstance(behind, FormulaStep)
    )


def is_cold_gas(names: Mapping[str, str], inputs: Mapping[str, object], roles: Sequence[Variable]) -> bool:
    """Whether a property is looked up at a pressure that is given and at a temperature that is not, of what is no
    common liquid."""
    if "name" not in names or names["name"] in LIQUIDS or "pressure" not in inputs or "temperature" in inputs:
        return False
    return any(role.name == "temperature" and not role.is_required for role in roles)


def is_half(inputs: Mapping[str, object], roles: Sequence[Variable]) -> bool:
    """Whether of the inputs that a formula numbers, and does without, some of one number are there and some are not:
    the thickness of a third layer, but not its conductivity."""
    there: dict[int, set[bool]] = {}
    for role in roles:
        numbered = number_of(role.name)
        if numbered and not role.is_required and not role.is_result:
            there.setdefault(numbered[1], set()).add(role.name in inputs)
    return any(len(either) > 1 for either in there.values())
