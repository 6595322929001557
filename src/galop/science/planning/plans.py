"""Ways to compute what a question asks: formulas, their inverses and results of results, the likeliest first.

The search goes backwards from what is asked, as in Bundy et al., "Solving mechanics problems using meta-level
inference" (IJCAI 1979): a formula that has the wanted quantity is taken, its inputs are what is given, assumed, or
wanted next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, permutations, product

from galop.science.formula import Formula, TextInput
from galop.science.planning.assumptions import Assumption, find_assumptions, follows_from_names
from galop.science.planning.evidence import (  # fmt: skip
    ALL,
    CLOSE,
    EARLIER,
    ENDS,
    FADE,
    ONE,
    QUALIFIED,
    STARTING,
    SUBSTANCES,
    TOLD,
    WHOLE,
    clashes,
    contexts_of,
    count_crossed,
    counts,
    in_order,
    is_earlier,
    is_smaller,
    kinds_of,
    names_other_body,
    sources,
    weigh_left,
)
from galop.science.planning.formula_plan import FormulaPlan, FormulaStep, Missing
from galop.science.planning.variables import (  # fmt: skip
    Variable,
    by_dimension,
    by_formula,
    convert,
    dimension,
    is_difference,
    knowns,
    names_of,
    phrases,
    stems_of,
    support,
    topic_rarity,
    topics,
    weigh_stems,
)
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked, TechnicalQuestion
from galop.science.reading.words import stems

DEPTH = 3  # formulas on the longest way
WIDTH = 12  # ways to place what is given that are followed
KEPT = 4  # ways to get one quantity
MOST = 60_000  # formulas that are looked at for one question
USED, REUSED, NAMED = 1.0, -0.5, 0.4
ROLE, REGRET, BARE = 1.5, 1.2, -1.2
STEP, LINK, STRANGE, INVERSE = -0.8, 1.5, 1.0, -0.5
ASSUMED, KNOWN, MISSING, OUTSIDE = -0.3, 0.1, -3.0, -1.5
ORDER, CROSSED, UPSIDE, UNSPOKEN, GUESSED = 0.05, 0.3, 0.6, 1.0, 0.8
LOGARITHMIC = ("decibel", "dB", "neper", "octave")  # of which no formula gives any
TARGET, WANDER, TOPIC, CLAIM, EXTRA, LOOP, LEFT, CLASH = 2.5, 2.5, 2.0, 1.0, 1.0, 2.5, 1.0, 2.0
SPOKEN = 0.4  # for each telling word of what is asked that the formulas do not know
PART = 1.5  # what it costs that one of several is no total
IDLE = 0.05  # relevance of a formula from which it may be a step
LEAST = 0.3  # gain from which a quantity takes the place of a default


@dataclass(frozen=True)
class _Way:
    """A way to one quantity: the step, the givens it uses by their numbers, and what speaks for it."""

    step: FormulaStep
    used: Mapping[int, Variable]  # what each given is taken for
    score: float
    derived: frozenset[str] = frozenset()  # what is computed on the way


@dataclass
class _State:
    """Some inputs of a formula, placed."""

    inputs: dict[str, Given | Assumption | Missing | FormulaStep | str] = field(default_factory=dict)
    used: Mapping[int, Variable] = field(default_factory=dict)
    score: float = 0.0
    derived: frozenset[str] = frozenset()


def find_plans(question: TechnicalQuestion, asked: Asked, most: int = 60) -> list[FormulaPlan]:
    """The likeliest plans for what is asked, best first; also those that lack an input."""
    return _Search(question, asked).plans(most)


class _Search:
    """The search for one question."""

    def __init__(self, question: TechnicalQuestion, asked: Asked) -> None:
        self._asked = asked
        self._question = question
        self._given = question.given
        self._contexts = contexts_of(question, asked)
        self._names = tuple(question.names)
        self._words = frozenset(stems(question.text)).union(
            *(kinds_of(n.called) | stems_of(" ".join(n.called)) for n in question.names)
        )
        self._elsewhere = names_other_body(question)
        self._memory: dict[tuple[Variable, frozenset[int], int], list[_Way]] = {}
        self._assumed: dict[Variable, list[Assumption]] = {}
        self._gains: dict[tuple[int, Variable, Variable | None], float] = {}
        self._chosen: dict[str, list[dict[str, str]]] = {}
        self._relevances: dict[str, float] = {}
        self._fits_of: dict[Variable, list[int]] = {}
        self._fit: dict[tuple[int, Variable], tuple[float, float] | None] = {}
        self._best: dict[tuple[int, object], float] = {}
        self.looked = 0

    def plans(self, most: int) -> list[FormulaPlan]:
        every = frozenset(range(len(self._given)))
        ways: list[_Way] = []
        targets = self._targets()
        for target, fit in targets:
            for known in knowns(target):
                for way in self._complete(target, known, every, DEPTH - 1):
                    score = way.score + fit + TOPIC * self._topic(way.step) - LEFT * self._left(way.used, way.step)
                    if known and self._is_guessed(way, known):
                        score -= GUESSED
                    relevance = self._relevance(target.formula.name)
                    score -= STRANGE / 2 * (1 - relevance) + (UNSPOKEN if relevance < 0.1 else 0.0)
                    on_the_way = [s.known.of.what for s in list(way.step.walk())[:-1] if s.known]
                    if target.of.what in (*on_the_way, *(role.of.what for role in way.used.values())):
                        score -= LOOP
                    ways.append(_Way(way.step, way.used, score, way.derived))
        covers = [self._covers(way.step) for way in ways]
        ways = [replace(w, score=w.score - SPOKEN * (max(covers) - c)) for w, c in zip(ways, covers, strict=True)]
        ways.sort(key=lambda w: -w.score)
        unused = (tuple(g for i, g in enumerate(self._given) if i not in w.used) for w in ways)
        found = islice(zip(ways, unused, strict=True), most)
        return [FormulaPlan(self._asked, w.step, w.score, rest, self._left(w.used, w.step)) for w, rest in found]

    def _targets(self) -> list[tuple[Variable, float]]:
        """The variables that may be what is asked, with how well they fit."""
        asked = self._asked
        alike: Sequence[Variable]
        measures = asked.unit if asked.unit is not None else asked.measures
        if measures in LOGARITHMIC:
            return []
        if measures is not None:
            alike = by_dimension().get(dimension(measures) or (), ())
        else:
            alike = [v for of in by_dimension().values() for v in of]
        words: dict[str, float] = {}
        for name in self._question.names:
            if asked.start <= name.start < asked.start + len(asked.what) + CLOSE:
                words |= dict.fromkeys(kinds_of(name.called), FADE**2)
        for i, stem in enumerate(asked.stems):
            words.setdefault(stem, FADE ** (2 * i))
        fits = [(v, support(words, v)) for v in alike]
        if not measures:  # no dimension tells what is asked
            fits = [(v, s) for v, s in fits if s > TOLD]
        best = max((s for _, s in fits), default=0.0)
        found = [(v, TARGET * s - WANDER * (best - s) - self._claim(v) - EXTRA * (1 - self._said(v))) for v, s in fits]
        if ALL & {*asked.stems}:
            found = [(v, score - PART * bool(ONE & stems_of(v.of.what))) for v, score in found]
        return sorted(found, key=lambda f: -f[1])

    def _is_guessed(self, way: _Way, known: Variable) -> bool:
        """Whether a longer way goes back from a result that nothing says is one."""
        i = next((i for i, role in way.used.items() if role is known), None)
        return i is not None and support(self._contexts[i], known) < 0.1 and len(list(way.step.walk())) > 1

    def _said(self, target: Variable) -> float:
        """How much of what a variable is called the question says, from 0 to 1."""
        said = max(weigh_stems(name & self._words) / weigh_stems(name) for name in names_of(target))
        return said - (is_earlier(target) and not STARTING & self._words)

    def _claim(self, target: Variable) -> float:
        """How much what is given is that variable already."""
        alike = [i for i, g in enumerate(self._given) if dimension(g.unit) == target.dimension]
        return max((CLAIM * support(self._contexts[i], target) for i in alike), default=0.0)

    def _left(self, used: Mapping[int, Variable], step: FormulaStep) -> float:
        """How much what is left unused looks as if it mattered."""
        lacking = frozenset(
            role.dimension for each in step.walk() for role in by_formula()[each.formula.name]
            if role.of.unit and not role.is_result and role is not each.target and role.name not in each.inputs
        )  # fmt: skip
        left = [(g, self._best_support(i)) for i, g in enumerate(self._given) if i not in used]
        named = any(v.formula.parameters.get("name") for v in used.values())
        return weigh_left(left, [self._given[i] for i in used], self._asked, self._words, lacking, named)

    def _topic(self, step: FormulaStep) -> float:
        """The share of the question's telling words that the formulas' words have."""
        known = topic_rarity()
        told = {s for s in self._words if s in known}
        size = sum(known[s] for s in told)
        words = frozenset[str]().union(*(topics()[s.formula.name] for s in step.walk()))
        return sum(known[s] for s in told & words) / size if size else 0.0

    def _covers(self, step: FormulaStep) -> float:
        """How many of the telling words of what is asked the formulas' words have."""
        words = frozenset[str]().union(*(topics()[s.formula.name] for s in step.walk()))
        return sum(topic_rarity().get(s, 0.0) for s in self._asked.stems[:6] if s in words)

    def _relevance(self, name: str) -> float:
        """How much the question speaks of what a formula is about, from 0 to 1."""
        if name not in self._relevances:
            known = topic_rarity()
            told = min(1.0, sum(known[s] ** 2 for s in self._words & topics()[name]))
            said = max(
                sum(known[s] for s in phrase & self._words) / sum(known[s] for s in phrase)
                for phrase in phrases()[name]
            )
            self._relevances[name] = (told + said) / 2
        return self._relevances[name]

    def _ways(self, wanted: Variable, free: frozenset[int], depth: int) -> list[_Way]:
        """Ways to compute an input from what is given."""
        key = wanted, free, depth
        if key in self._memory:
            return self._memory[key]
        self._memory[key] = []  # not by itself
        ways: list[_Way] = []
        for target, link in sources(wanted):
            if link < 1 and self._relevance(target.formula.name) < IDLE:
                continue  # nothing in the question is about it
            for known in knowns(target):
                for way in self._complete(target, known, free, depth - 1, wanted):
                    if free & way.used.keys() or any(isinstance(s, str) for s in way.step.inputs.values()):
                        score = (
                            way.score + STEP - LINK * (1 - link) - STRANGE * (1 - self._relevance(target.formula.name))
                        )
                        ways.append(_Way(way.step, way.used, score, way.derived | {target.of.what}))
        self._memory[key] = sorted(ways, key=lambda w: -w.score)[:KEPT]
        return self._memory[key]

    def _complete(
        self, target: Variable, known: Variable | None, free: frozenset[int], depth: int, parent: Variable | None = None
    ) -> list[_Way]:
        """Ways to fill the inputs of the formula of `target`."""
        self.looked += 1
        if self.looked > MOST:
            return []
        formula = target.formula
        chosen = self._choose_names(formula)
        if not chosen:
            return []
        roles = [v for v in by_formula()[formula.name] if not v.is_result and v is not target]
        if known:
            roles.insert(0, known)
        if parent is not None and depth == 0 and any(self._is_open(r) for r in roles if r.is_required or r.is_result):
            return []
        states = self._place(roles, free, parent)
        ways = []
        for state in states:
            for filled in self._fill(state, roles, free.difference(state.used), depth, parent is None):
                if not (filled.used or any(chosen) or follows_from_names(filled.inputs)):
                    continue
                for names in chosen:
                    score = filled.score + NAMED * len(names) + (INVERSE if known else 0.0)
                    step = FormulaStep(target, {**names, **filled.inputs}, known)
                    ways.append(_Way(step, filled.used, score, filled.derived))
        return sorted(ways, key=lambda w: -w.score)[:KEPT]

    def _place(self, roles: Sequence[Variable], free: frozenset[int], parent: Variable | None) -> list[_State]:
        """The best ways to place what is given; an input that must be there and is not costs what it may cost."""
        states = [_State()]
        for role in sorted(roles, key=lambda r: (not r.is_required and not r.is_result, len(self._fitting(r)))):
            grown = []
            for state in states:
                needed = role.is_required or role.is_result
                grown.append(_State(state.inputs, state.used, state.score + (ASSUMED if needed else 0.0)))
                for i in self._fitting(role):
                    if i in state.used:
                        continue
                    gain = self._gain(i, role, parent) + (USED if i in free else REUSED)
                    if not needed and gain < (LEAST if role.of.unit else USED - 0.5):
                        continue  # what may be left out is not filled by chance
                    inputs = {**state.inputs, role.name: self._given[i]}
                    grown.append(_State(inputs, {**state.used, i: role}, state.score + gain))
            states = sorted(grown, key=lambda s: -s.score)[:WIDTH]
        for state in states:
            state.score += ORDER * in_order(state.used, roles) - UPSIDE * self._upside_down(state.used)
            state.score -= CROSSED * count_crossed(state.used, self._question)
        return sorted(states, key=lambda s: -s.score)[: 2 * KEPT]

    def _upside_down(self, used: Mapping[int, Variable]) -> int:
        """How many quantities are larger than another that is hardly ever smaller: a diameter than a length."""
        found = 0
        for (i, one), (j, other) in permutations(used.items(), 2):
            if one.dimension == other.dimension and is_smaller(one, other):
                less, more = self._fits(i, one), self._fits(j, other)
                found += less is not None and more is not None and less[0] > more[0]
        return found

    def _fill(
        self, state: _State, roles: Sequence[Variable], free: frozenset[int], depth: int, lacking: bool
    ) -> Iterator[_State]:
        """What is open filled by results of other formulas, by what is assumed, or by nothing."""
        open_ = [r for r in roles if (r.is_required or r.is_result) and r.name not in state.inputs]
        if len(open_) > 3:
            return
        options: list[list[_State]] = []
        for role in open_:
            found: list[_State] = []
            if depth > 0:
                found += [
                    _State({role.name: w.step}, w.used, w.score, w.derived) for w in self._ways(role, free, depth)
                ]
            found += [
                _State({role.name: a}, {}, (KNOWN if a.of else ASSUMED) - 0.1 * i)
                for i, a in enumerate(self._assume(role))
            ]
            if lacking and not role.is_result:
                found.append(_State({role.name: Missing(role)}, {}, MISSING))
            if not found:
                return
            options.append(found)
        optional = [r for r in roles if not (r.is_required or r.is_result) and r.name not in state.inputs]
        for role in optional:  # what is known of a substance goes before a default
            options += [[_State({role.name: a}, {}, KNOWN)] for a in self._assume(role)[:1] if a.of]
        spare = [r for r in optional if r.of.unit]
        if lacking and depth > 0 and free:
            for role in spare:
                direct = [w for w in self._ways(role, free, depth) if not any(s.known for s in w.step.walk())]
                if good := [_State({role.name: w.step}, w.used, w.score, w.derived) for w in direct if w.score > LEAST]:
                    options.append([_State(), *good])
        for role in spare:  # the gravity of another planet
            told = next((a for a in self._assume(role) if a.told and a.value != role.default), None)
            if told is not None and isinstance(role.default, float):
                options.append([_State({role.name: told})])
        for chosen in islice(product(*options), 64):
            made = [id(s.target) for part in chosen for s in part.inputs.values() if isinstance(s, FormulaStep)]
            if len(made) > len(set(made)):  # one number as two inputs
                continue
            whole: _State | None = _State(state.inputs, state.used, state.score - ASSUMED * len(open_), state.derived)
            for part in chosen:
                whole = whole and join(whole, part)
            if whole:
                yield whole

    def _is_open(self, role: Variable) -> bool:
        """Whether neither what is given nor what is assumed can be that variable."""
        return not self._fitting(role) and not self._assume(role)

    def _assume(self, role: Variable) -> list[Assumption]:
        """What a variable may be where nothing is said of it, the likeliest first."""
        if role not in self._assumed:
            told = f"{role.of.what} {role.of.words} {role.name.replace('_', ' ')}"
            self._assumed[role] = [] if role.is_result else find_assumptions(role.of.unit, told, self._question)[:3]
        return self._assumed[role]

    def _fitting(self, role: Variable) -> list[int]:
        """The givens that may be that variable."""
        if role not in self._fits_of:
            self._fits_of[role] = [i for i in range(len(self._given)) if self._fits(i, role) is not None]
        return self._fits_of[role]

    def _fits(self, i: int, role: Variable) -> tuple[float, float] | None:
        """The value of a given in a variable's unit, and what its range costs; None where it measures another thing."""
        key = i, role
        if key not in self._fit:
            given, of = self._given[i], role.of
            self._fit[key] = None
            if (
                not (given.kind == "fraction" and WHOLE & stems_of(of.what))
                and bool(given.unit) == bool(of.unit)
                and dimension(given.unit) == role.dimension
            ):
                value = convert(given.value, given.unit, of.unit, is_difference(of))
                told = support(self._contexts[i], role)
                inside = value is not None and of.low <= value <= of.high
                if value is not None and (inside or told > TOLD) and (given.kind != "count" or counts(given, of)):
                    self._fit[key] = value, 0.0 if inside else OUTSIDE
        return self._fit[key]

    def _gain(self, i: int, role: Variable, parent: Variable | None) -> float:
        """What the words around a given say of its being that variable."""
        key = i, role, parent
        if key not in self._gains:
            context, given = self._contexts[i], self._given[i]
            own = support(context, role)
            if parent is not None:
                own = max(own, 0.8 * support(context, parent))
            best = self._best_support(i)
            fit = self._fits(i, role)
            bare = BARE if not role.of.unit and own < 0.1 else 0.0
            clash = CLASH if clashes(given, role, context) else 0.0
            if not role.of.unit and own < 0.1 and best > 1.2 * TOLD:
                clash = CLASH  # a pure number is what it is called
            if self._asked.start <= self._given[i].start < self._asked.end and EARLIER & stems_of(role.of.what):
                clash += CLASH / 2  # it is what something is asked for
            of = SUBSTANCES & stems_of(role.of.what)
            if (QUALIFIED & role.stems.keys() and not QUALIFIED & role.stems.keys() & self._words) or of - self._words:
                clash += CLASH
            if given.kind == "fraction" and (told := ENDS & {*given.before[:1]}) and not told & role.stems.keys():
                clash += CLASH
            outside = fit[1] if fit else 0.0
            self._gains[key] = ROLE * own - REGRET * max(0.0, best - own) + bare + outside - clash
        return self._gains[key]

    def _best_support(self, i: int) -> float:
        """How well the words around a given fit any variable of its dimension."""
        key = i, None
        if key not in self._best:
            alike = by_dimension().get(dimension(self._given[i].unit) or (), ())
            self._best[key] = max((support(self._contexts[i], v) for v in alike), default=0.0)
        return self._best[key]

    def _choose_names(self, formula: Formula) -> list[dict[str, str]]:
        """The ways to fill the inputs that take a name; none where the question names too few."""
        if formula.name in self._chosen:
            return self._chosen[formula.name]
        found: list[dict[str, str]] = [{}]
        for name, (kind, default) in formula.parameters.items():
            if isinstance(kind, tuple):
                named = [n.choice_among(kind) for n in self._names]
            elif isinstance(kind, TextInput):
                named = [next((c for c in n.called if "/" in c), None) for n in self._names]
            else:
                continue
            options = list(dict.fromkeys(n for n in named if n))
            if not options and default is not None and isinstance(default, str):
                if default == "Earth" and self._elsewhere:
                    found = []
                continue
            found = [{**f, name: o} for f in found for o in options if o not in f.values()]
        self._chosen[formula.name] = found[:4]
        return self._chosen[formula.name]


def join(one: _State, other: _State) -> _State | None:
    """Two parts of a plan as one; None where a given would be two things, or what is given would be computed."""
    score = one.score + other.score
    for i in one.used.keys() & other.used.keys():
        if one.used[i].of.what != other.used[i].of.what and one.used[i].name != other.used[i].name:
            return None
        score += REUSED - USED
    used, derived = {**one.used, **other.used}, one.derived | other.derived
    if any(v.of.what in derived for v in used.values()):
        return None
    return _State({**one.inputs, **other.inputs}, used, score, derived)
