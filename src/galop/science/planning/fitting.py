"""How well what a question says fits formulas, their results and their inputs: numbers, the more the likelier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, permutations

from galop.science.formula import Formula, TextInput
from galop.science.planning.assumptions import Assumption, find_assumptions, potentials
from galop.science.planning.clashes import are_opposed, cannot_be, clashes, own_references
from galop.science.planning.evidence import (
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
    contexts_of,
    contrast,
    count_crossed,
    counts,
    in_order,
    is_constant,
    is_earlier,
    is_other_way,
    is_smaller,
    kinds_of,
    names_other_body,
    number_of,
    state_of,
    weigh_left,
)
from galop.science.planning.formula_plan import FormulaStep, Missing
from galop.science.planning.variables import (  # fmt: skip
    Variable,
    by_dimension,
    by_formula,
    convert,
    dimension,
    is_difference,
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
from galop.science.reading.words import STEM, stems

WIDTH = 12  # ways to place what is given that are followed
PLACED = 8  # of them that are kept
LAYERED, MIXED = 4, 0.6  # numbered inputs of a formula of several alike; what it costs that two are the other way round
USED, REUSED = 1.0, -0.5
ROLE, REGRET, BARE = 1.5, 1.2, -1.2
ASSUMED, OUTSIDE = -0.3, -1.5
ORDER, CROSSED, UPSIDE, CONTRAST = 0.05, 0.3, 0.6, 0.5
SIBLING = 0.6  # what it costs that a quantity is measured with its time: power, where heat is asked for without a unit
SIBLINGS = {"J": "W", "W": "J", "m^3/s": "kg/s", "kg/s": "m^3/s"}
LOGARITHMIC = ("decibel", "dB", "neper", "octave")  # of which no formula gives any
TARGET, WANDER, CLAIM, EXTRA, CLASH = 2.5, 2.5, 1.0, 1.0, 2.0
NAMED_NUMBERS = frozenset(stems(
    "Reynolds Prandtl Nusselt Mach Grashof Weber Froude Biot Rayleigh Schmidt Péclet Strouhal Bond Knudsen Sherwood "
    "Damköhler Fourier Stanton"
))  # fmt: skip
OPPOSED = 1.0  # what it costs a result that the opposite of it is asked for
UNSAID = 0.8  # what it costs to be off the ground, or of sound, where nothing says so
SELDOM_MEANT = frozenset(stems("sound sonic sonique célérité characteristic caractéristique c*"))  # unless said
UPWARDS = frozenset(stems("straight"))
ALOFT = frozenset(stems(
    "up upwards straight vertical lift-off liftoff lift takeoff launch leaves pad ground climb rise gravity net "
    "décollage décolle verticale monte gravité pesanteur sol poids weight"
))  # fmt: skip
PART = 1.5  # what it costs that one of several is no total
TOLD_OTHERWISE = 0.3  # what it costs a quantity to be what words tell: the pressure around in a vacuum
SAID_BY_SYMBOL = 0.75  # share of the best support without which a pure number is not what its symbol stands for
KINDRED = 0.1  # support for being of the substance of which something is asked
LEAST = 0.3  # gain from which a quantity takes the place of a default


@dataclass
class Placement:
    """Some inputs of a formula, placed."""

    inputs: dict[str, Given | Assumption | Missing | FormulaStep | str] = field(default_factory=dict)
    used: Mapping[int, Variable] = field(default_factory=dict)
    score: float = 0.0
    derived: frozenset[str] = frozenset()


@lru_cache(5_000)
def orders(roles: Sequence[Variable]) -> tuple[int, bool]:
    """How many of a formula's variables are numbered, and whether any are, or are before or after a change."""
    numbered = sum(number_of(role.name) is not None for role in roles)
    return numbered, numbered > 0 or any(state_of(role.of.what) for role in roles)


class Fitting:
    """The fit of one question."""

    def __init__(self, question: TechnicalQuestion, asked: Asked) -> None:
        self._asked = asked
        self._question = question
        self.given = question.given
        self._contexts = contexts_of(question, asked)
        self._names = tuple(question.names)
        self._words = frozenset(stems(question.text)).union(
            *(kinds_of(n.called) | stems_of(" ".join(n.called)) for n in question.names)
        )
        self._elsewhere = names_other_body(question)
        self._own_references = own_references(question)
        self._stated = {dimension(given.unit) for given in question.given if given.unit}
        self._assumed: dict[Variable, list[Assumption]] = {}
        self._against: set[tuple[int, Variable]] = set()
        self._gains: dict[tuple[int, Variable, Variable | None], float] = {}
        self._chosen: dict[str, list[dict[str, str]]] = {}
        self._relevances: dict[str, float] = {}
        self._alike: dict[Variable, list[int]] = {}
        self._values: dict[tuple[int, Variable], tuple[float, float] | None] = {}
        self._best: dict[tuple[int, object], float] = {}

    def targets(self) -> list[tuple[Variable, float]]:
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
        if asked.unit is None and (sibling := SIBLINGS.get(measures or "")):
            fits += [(v, support(words, v)) for v in by_dimension().get(dimension(sibling) or (), ())]
        if not measures:  # no dimension tells what is asked
            fits = [(v, s) for v, s in fits if s > TOLD]
        best = max((s for _, s in fits), default=0.0)
        found = [
            (v, TARGET * s - WANDER * (best - s) - self.claim_of(v) - EXTRA * (1 - self.said_of(v))) for v, s in fits
        ]
        found = [
            (v, score - SIBLING * (measures is not None and v.dimension != dimension(measures))) for v, score in found
        ]
        called = NAMED_NUMBERS & {*asked.stems}
        found = [
            (v, f) for v, f in found if not called or called & v.stems.keys() or not NAMED_NUMBERS & stems_of(v.of.what)
        ]
        found = [(v, score - OPPOSED * are_opposed(asked.what, v.of.what)) for v, score in found]
        if not SELDOM_MEANT & {*self._words, *asked.stems}:
            found = [(v, score - UNSAID * bool(SELDOM_MEANT & stems_of(v.of.what))) for v, score in found]
        if not ALOFT & self._words:
            found = [(v, score - UNSAID * bool(UPWARDS & stems_of(v.of.what))) for v, score in found]
        if ALL & {*asked.stems}:
            found = [(v, score - PART * bool(ONE & stems_of(v.of.what))) for v, score in found]
        return sorted(found, key=lambda f: -f[1])

    def is_guessed(self, step: FormulaStep, used: Mapping[int, Variable], known: Variable) -> bool:
        """Whether a longer way goes back from a result that nothing says is one."""
        i = next((i for i, role in used.items() if role is known), None)
        return i is not None and support(self._contexts[i], known) < 0.1 and len(list(step.walk())) > 1

    def said_of(self, target: Variable) -> float:
        """How much of what a variable is called the question says, from 0 to 1."""
        said = max(weigh_stems(name & self._words) / weigh_stems(name) for name in names_of(target))
        return said - (is_earlier(target) and not STARTING & self._words)

    def claim_of(self, target: Variable) -> float:
        """How much what is given is that variable already."""
        alike = [i for i, g in enumerate(self.given) if dimension(g.unit) == target.dimension]
        return max((CLAIM * support(self._contexts[i], target) for i in alike), default=0.0)

    def weigh_unused(self, used: Mapping[int, Variable], step: FormulaStep) -> float:
        """How much what is left unused looks as if it mattered."""
        lacking = frozenset(
            role.dimension for each in step.walk() for role in by_formula()[each.formula.name]
            if role.of.unit and not role.is_result and role is not each.target and role.name not in each.inputs
        )  # fmt: skip
        defaults = [
            (float(role.default), role.of.unit) for each in step.walk() for role in by_formula()[each.formula.name]
            if isinstance(role.default, (int, float)) and role.default and role.name not in each.inputs
        ]  # fmt: skip
        defaults += [(a.value, a.unit) for name in self._names for a in potentials(name)]  # which formulas have in them
        taken = [self.given[i] for i in used]
        left = [
            (g, self.best_support(i)) for i, g in enumerate(self.given)
            if i not in used and g not in taken and not any(g.unit and is_constant(g, *default) for default in defaults)
        ]  # fmt: skip
        named = any(v.formula.parameters.get("name") for v in used.values())
        return weigh_left(left, [self.given[i] for i in used], self._asked, self._words, lacking, named)

    def topic_of(self, step: FormulaStep) -> float:
        """The share of the question's telling words that the formulas' words have."""
        known = topic_rarity()
        told = {s for s in self._words if s in known}
        size = sum(known[s] for s in told)
        words = frozenset[str]().union(*(topics()[s.formula.name] for s in step.walk()))
        return sum(known[s] for s in told & words) / size if size else 0.0

    def covers(self, step: FormulaStep) -> float:
        """How many of the telling words of what is asked the formulas' words have."""
        words = frozenset[str]().union(*(topics()[s.formula.name] for s in step.walk()))
        return sum(topic_rarity().get(s, 0.0) for s in self._asked.stems[:6] if s in words)

    def relevance(self, name: str) -> float:
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

    def place(
        self, roles: Sequence[Variable], free: frozenset[int], parent: Variable | None, whole: bool = False
    ) -> list[Placement]:
        """The best ways to place what is given; an input that must be there and is not costs what it may cost, unless
        all must be there that nobody would assume (`whole`)."""
        states = [Placement()]
        numbered, stand_in_order = orders(roles)
        for role in sorted(roles, key=lambda r: (not r.is_required and not r.is_result, len(self.candidates_for(r)))):
            grown = []
            needed = role.is_required or role.is_result
            least = -99.0 if needed else 0.0 if numbered >= LAYERED else LEAST if role.of.unit else USED - 0.5
            gains = [
                (i, gain) for i in self.candidates_for(role)
                if (gain := self.gain(i, role, parent) + (USED if i in free else REUSED)) >= least
            ]  # what may be left out is not filled by chance # fmt: skip
            may_lack = not (whole and needed) or bool(self.assume(role))
            if not gains and may_lack and not needed:
                continue
            for state in states:
                if may_lack:
                    grown.append(Placement(state.inputs, state.used, state.score + (ASSUMED if needed else 0.0)))
                for i, gain in gains:
                    if i in state.used:
                        continue
                    inputs = {**state.inputs, role.name: self.given[i]}
                    grown.append(Placement(inputs, {**state.used, i: role}, state.score + gain))
            if len(grown) > WIDTH and numbered >= LAYERED:  # not more ways to exchange them than are followed
                grown.sort(key=lambda s: MIXED * count_crossed(s.used, self._question) - s.score)
            else:
                grown.sort(key=lambda s: -s.score)
            states = grown[:WIDTH]
        for state in states:
            state.score += ORDER * in_order(state.used, roles) - UPSIDE * self._upside_down(state.used)
            if stand_in_order:
                state.score -= (MIXED if numbered >= LAYERED else CROSSED) * count_crossed(state.used, self._question)
            state.score += CONTRAST * self._tell_apart(state.used)
        return sorted(states, key=lambda s: -s.score)[:PLACED]

    def _tell_apart(self, used: Mapping[int, Variable]) -> float:
        """How much the words that tell two variables of a kind apart say that quantities are not exchanged."""
        told = 0.0
        for (i, one), (j, other) in combinations(used.items(), 2):
            if one.dimension == other.dimension and one.of.what != other.of.what:
                more = contrast(self._contexts[i], one, other) - contrast(self._contexts[j], one, other)
                told += max(-1.0, min(more, 1.0))
        return told

    def _upside_down(self, used: Mapping[int, Variable]) -> int:
        """How many quantities are larger than another that is hardly ever smaller: a diameter than a length."""
        found = 0
        for (i, one), (j, other) in permutations(used.items(), 2):
            if one.dimension == other.dimension and is_smaller(one, other):
                less, more = self.value_as(i, one), self.value_as(j, other)
                found += less is not None and more is not None and less[0] > more[0]
        return found

    def is_open(self, role: Variable) -> bool:
        """Whether neither what is given nor what is assumed can be that variable."""
        return not self.candidates_for(role) and not self.assume(role)

    def assume(self, role: Variable) -> list[Assumption]:
        """What a variable may be where nothing is said of it, the likeliest first."""
        if role not in self._assumed:
            told = f"{role.of.what} {role.of.words} {role.name.replace('_', ' ')}"
            none = role.is_result or is_difference(role.of)  # room temperature is no difference
            none = none or (role.stands_for_data and role.of.unit == "K")
            self._assumed[role] = [] if none else find_assumptions(role.of.unit, told, self._question)[:3]
        return self._assumed[role]

    def candidates_for(self, role: Variable) -> list[int]:
        """The givens that may be that variable."""
        if role not in self._alike:
            self._alike[role] = [i for i in range(len(self.given)) if self.value_as(i, role) is not None]
        return self._alike[role]

    def value_as(self, i: int, role: Variable) -> tuple[float, float] | None:
        """The value of a given in a variable's unit, and what its range costs; None where it measures another thing."""
        key = i, role
        if key not in self._values:
            given, of = self.given[i], role.of
            self._values[key] = None
            if (
                not (given.kind == "fraction" and WHOLE & stems_of(of.what))
                and bool(given.unit) == bool(of.unit)
                and dimension(given.unit) == role.dimension
            ):
                value = convert(given.value, given.unit, of.unit, is_difference(of))
                told = support(self._contexts[i], role)
                inside = value is not None and of.low <= value <= of.high
                if value is not None and (inside or told > TOLD) and (given.kind != "count" or counts(given, of)):
                    self._values[key] = value, 0.0 if inside else OUTSIDE
        return self._values[key]

    def gain(self, i: int, role: Variable, parent: Variable | None) -> float:
        """What the words around a given say of its being that variable."""
        key = i, role, parent
        if key not in self._gains:
            context, given = self._contexts[i], self.given[i]
            own = support(context, role)
            if parent is not None:
                own = max(own, 0.8 * support(context, parent))
            best = self.best_support(i)
            fit = self.value_as(i, role)
            bare = BARE if not role.of.unit and own < 0.1 else 0.0
            clash = CLASH if clashes(given, role, context) else 0.0
            if not role.of.unit and own < 0.1 and best > 1.2 * TOLD:
                clash = CLASH  # a pure number is what it is called
            if not role.of.unit and given.symbol and own < SAID_BY_SYMBOL * best:
                clash = CLASH
                self._against.add((i, role))
            inside = self._asked.start <= given.start < self._asked.start + len(self._asked.what) + CLOSE
            if inside and EARLIER & stems_of(role.of.what) and role.name != "first":
                clash += CLASH / 2  # it is what something is asked for
            of = SUBSTANCES & stems_of(role.of.what)
            own_words = QUALIFIED & stems_of(role.of.what)
            if (own_words and not QUALIFIED & role.stems.keys() & (self._words | context.keys())) or of - self._words:
                clash += CLASH
            if given.kind == "fraction" and (told := ENDS & {*given.before[:1]}) and not told & role.stems.keys():
                clash += CLASH
            if own < best and not role.is_result and any(a.told for a in self.assume(role)):
                clash += TOLD_OTHERWISE
            if cannot_be(given, role, self._question):
                clash += CLASH
                self._against.add((i, role))
            outside = fit[1] if fit else 0.0
            own += KINDRED * bool(SUBSTANCES & stems_of(role.of.what) & {*self._asked.stems[:4]})
            self._gains[key] = ROLE * own - REGRET * max(0.0, best - own) + bare + outside - clash
        return self._gains[key]

    def is_stated(self, role: Variable) -> bool:
        """Whether a question gives something of what a variable measures, which is assumed of it with a worse grace."""
        return bool(role.of.unit) and role.dimension in self._stated

    def is_against(self, used: Mapping[int, Variable]) -> bool:
        """Whether a given is taken for what the words around it say that it is not."""
        return not self._against.isdisjoint(used.items())

    def best_support(self, i: int) -> float:
        """How well the words around a given fit any variable of its dimension."""
        key = i, None
        if key not in self._best:
            alike = by_dimension().get(dimension(self.given[i].unit) or (), ())
            self._best[key] = max((support(self._contexts[i], v) for v in alike), default=0.0)
        return self._best[key]

    def choose_names(self, formula: Formula) -> list[dict[str, str]]:
        """The ways to fill the inputs that take a name; none where the question names too few."""
        if formula.name in self._chosen:
            return self._chosen[formula.name]
        found: list[dict[str, str]] = [] if is_other_way(formula, self._words) else [{}]
        for name, (kind, default) in formula.parameters.items():
            if isinstance(kind, tuple):
                named = [n.choice_among(kind) for n in self._names]
                if not any(named):
                    named = [c for c in kind if len("".join(stems(c))) >= STEM and {*stems(c)} <= self._words]
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
        first = next((n for n, (kind, _) in formula.parameters.items() if isinstance(kind, tuple)), "")
        if len(found) > 1 and (own := [f for f in found if f.get(first) in self._own_references]):
            found = own
        self._chosen[formula.name] = found[:4]
        return self._chosen[formula.name]
