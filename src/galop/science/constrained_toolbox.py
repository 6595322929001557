"""The formulas as tools for one question, constrained so that a small model cannot make up what it lacks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from galop.science import formulas
from galop.science.expressions import find_expressions
from galop.science.extraction import KnownValue, extract_values, find_choices
from galop.science.formula import Formula, FormulaResult, Quantity, TextInput, Tool, format_number
from galop.science.matching import choice_inputs, count_placed, fits, has_default, quantity_inputs, same_dimension
from galop.science.toolbox import can_give, score_formulas
from galop.science.units import ScienceError, parse_quantity

MISSING = "unknown"
TOLD = 2  # formulas at a time
SHOWN = 10  # expressions that a model reads before it takes one


class ConstrainedToolbox:
    """A toolbox for a question whose answer is wanted in `unit`, "" for a pure number.

    What goes into a formula is chosen among the quantities of the question and of results, by dimension and range, so
    that nothing is made up or converted wrongly. Offered are the formulas that take all that is given and give what is
    asked; else those that lead to one; else, where no expression of what is given is asked either, the one that takes
    it all but lacks an input, which can only be called unknown; else those whose words the question shares, and a
    calculator over the same quantities. It goes on until what is asked has come out and nothing given is left over.
    """

    def __init__(self, question: str, unit: str) -> None:
        self._question = question
        self._unit = unit.removeprefix("Δ")
        self._scores = score_formulas(question)
        self._given = extract_values(question)
        self._unused = list(self._given)
        self._results: list[list[KnownValue]] = []  # of each call
        self._called: set[str] = set()
        self._tools: list[Tool] = []
        self._found: list[str] | None = None  # expressions, since the last call
        self.answered = False
        self.stuck = False

    @property
    def _known(self) -> list[KnownValue]:
        return [*self._given, *chain(*self._results)]

    @property
    def is_finished(self) -> bool:
        """Whether no more calls are wanted."""
        return self.stuck or (self.answered and not self._unused)

    def tools(self, question: str) -> Sequence[Tool]:
        """What may be called next, each input limited to what is known."""
        if not self.is_finished:
            self._tools = [self._narrow(f) for f in self._choose_formulas()]
        return self._tools

    def asks_first(self, name: str) -> bool:
        """Never: a formula changes nothing."""
        return False

    def _choose_formulas(self) -> list[Formula]:
        known = sorted(
            (f for f in formulas().values() if all(kind is not str for kind, _ in f.parameters.values())),
            key=lambda f: -self._scores[f.name],
        )
        able = [f for f in known if self._lacks(f) == [] and self._fresh(f)]
        wanted = [f for f in known if any(same_dimension(of.unit, self._unit) for of in f.gives.values())]
        if whole := [f for f in wanted if f in able and self._takes(f)]:
            return whole[:TOLD]
        for f in wanted:
            lacking = self._lacks(f)
            sources = [s for s in able if lacking and any(s is not f and can_give(s, of) for of in lacking)]
            if lacking and all(any(can_give(s, of) for s in sources) for of in lacking) and self._takes(f, *sources):
                return sources[:TOLD]
        short = [f for f in wanted if self._scores[f.name] > 0 and self._lacks(f) and self._takes(f)]
        if short and not self._called and not self._expressions():
            return [min(short, key=lambda f: len(self._lacks(f) or ()))]
        useful = [f for f in able if self._scores[f.name] > 0 and (not self._called or self._serves(f))][:TOLD]
        if useful and (not self._called or not self._expressions()):
            return useful
        return [*useful, formulas()["calculate"]]

    def _lacks(self, formula: Formula) -> list[Quantity] | None:
        """The inputs that nothing known fits; None if it is one that no result can be."""
        if not all(self._choices(kind) for kind in choice_inputs(formula)):
            return None
        found: list[Quantity] = []
        lacking = []
        for of in quantity_inputs(formula, optional=False).values():
            if count_placed([*found, of], self._known) > len(found):
                found.append(of)
            else:
                lacking.append(of)
        return lacking

    def _fresh(self, formula: Formula) -> bool:
        return formula.name not in self._called or self._serves(formula)

    def _serves(self, formula: Formula) -> bool:
        """Whether it has a use for something that is left over."""
        return any(g.unit and fits(g, of) for g in self._unused for of in quantity_inputs(formula).values())

    def _expressions(self) -> list[str]:
        """Those that have the dimension that is asked for and use all that is left over."""
        if self._found is None:
            unused, spare = list(dict.fromkeys(self._unused)), [] if self._unused else self._given
            self._found = find_expressions(unused, self._results, spare, self._unit, self._hints())
        return self._found

    def _hints(self) -> str:
        """The formulas whose words fit best of those not used."""
        fresh = [f for f in formulas().values() if f.name not in self._called and self._scores[f.name] > 0]
        return "; ".join(f.formula for f in sorted(fresh, key=lambda f: -self._scores[f.name])[:TOLD])

    def _takes(self, formula: Formula, *sources: Formula) -> bool:
        """Whether there is an input for all that is given and not used yet, and any for sources, which may be called
        more than once."""
        if not self._given:
            return False
        if not sources:
            unused = list(dict.fromkeys(self._unused))  # what is said twice may be meant once
            return count_placed(list(quantity_inputs(formula).values()), unused) == len(unused)
        every = [of for f in (formula, *sources) for of in quantity_inputs(f).values()]
        return all(any(fits(given, of) for of in every) for given in self._unused)

    def _choices(self, kind: tuple[str, ...] | TextInput) -> list[str]:
        if isinstance(kind, TextInput):
            return [kind.pattern] if re.search(kind.sign, self._question) else []
        return find_choices(kind, self._question)

    def _narrow(self, formula: Formula) -> Tool:
        """As a tool whose inputs can only be what is known."""
        if formula.name == "calculate":
            return self._calculator(formula)
        tool = formula.tool()
        properties, required = {}, []
        inputs = self._inputs(formula)
        for name, (kind, default) in formula.parameters.items():
            told = tool["function"]["parameters"]["properties"][name]
            if isinstance(kind, Quantity):
                if name not in inputs:
                    continue
                fitting = [g for g in self._known if fits(g, kind)]
                if formula.name in self._called and kind.unit:
                    fitting = [g for g in fitting if g in self._unused] or fitting
                choices: list[Any] = list(dict.fromkeys(g.choice for g in fitting))
                if self._lacks(formula):
                    choices.append(MISSING)
                elif not kind.unit and 1 not in choices and kind.low <= 1 <= kind.high:
                    choices.append(1)
                told = {"description": kind.what, "enum": choices}
            elif isinstance(kind, tuple):
                told = {"type": "string", "enum": self._choices(kind)}
            properties[name] = told
            if not has_default(default) or self._is_needed(formula, name):
                required.append(name)
        parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        return {"type": "function", "function": {**tool["function"], "parameters": parameters}}

    def _inputs(self, formula: Formula) -> dict[str, Quantity]:
        """Those that take quantities, but for what may be left out and would have none of its own."""
        kept = quantity_inputs(formula)
        for name in reversed(kept):
            others = {other: of for other, of in kept.items() if other != name}
            spare = name not in quantity_inputs(formula, optional=False)
            known = self._known
            if spare and count_placed(list(others.values()), known) == count_placed(list(kept.values()), known):
                kept = others
        return kept

    def _is_needed(self, formula: Formula, name: str) -> bool:
        """Whether something given has no other place than an input that may be left out."""
        others = [of for other, of in quantity_inputs(formula).items() if other != name]
        every = list(quantity_inputs(formula).values())
        return count_placed(every, self._unused) > count_placed(others, self._unused)

    def _calculator(self, formula: Formula) -> Tool:
        held = self._expressions() or [MISSING]
        about = f"Evaluates an expression that gives {self._unit or 'a pure number'}. May help: {self._hints()}"
        expression: dict[str, Any] = {"enum": held}
        if len(held) > SHOWN:
            expression = {"type": "string", "pattern": f"^({'|'.join(map(re.escape, held))})$"}
        parameters = {"type": "object", "properties": {"expression": expression}, "required": ["expression"],
                      "additionalProperties": False}  # fmt: skip
        return {"type": "function", "function": {"name": formula.name, "description": about, "parameters": parameters}}

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Computes with a formula and keeps its results. Raises ScienceError for what is unknown, or given twice."""
        formula = formulas()[name]
        if name == "calculate":
            text = str(arguments["expression"])
            if text == MISSING:
                self.stuck = True
                raise ScienceError("nothing that is given can be made into what is asked")
            result = self._keep(formula(expression=text, in_unit=self._unit))
            self._unused = []
        else:
            result = self._keep(formula(**self._check(formula, arguments)))
            used = [g for g in self._given if g.choice in arguments.values()]
            self._unused = [g for g in self._unused if g not in used]
        self._called.add(name)
        self._found = None
        return result.brief()

    def _check(self, formula: Formula, arguments: dict[str, Any]) -> dict[str, Any]:
        """Raises ScienceError for what is not known, or is put into two inputs."""
        for name, value in arguments.items():
            if value == MISSING:
                self.stuck = True
                raise ScienceError(
                    f"{name} ({quantity_inputs(formula)[name].what}) is not given, and no formula gives it"
                )
        times = Counter(g.choice for g in self._known)
        for value, count in Counter(v for n, v in arguments.items() if n in quantity_inputs(formula)).items():
            if count > max(1, times[value]) and value != 1:
                names = [n for n, v in arguments.items() if v == value]
                raise ScienceError(f"{' and '.join(names)} are all {value}, which is given once")
        return arguments

    def _keep(self, result: FormulaResult) -> FormulaResult:
        """Its results as they can be used later, first those that measure what is asked, in that unit."""
        made: list[KnownValue] = []
        asked: dict[str, tuple[float | str, str, str]] = {}
        for name, (value, unit, what) in result.results.items():
            text = value if isinstance(value, str) else f"{value!r} {unit}".rstrip()
            number, _, own = text.partition(" ")
            if not re.match(r"[-+]?\d", number):
                continue  # a word
            if same_dimension(own, self._unit):
                asked[name] = (parse_quantity(text, self._unit, what), self._unit, what)
            value, unit, _ = asked.get(name, (value, unit, what))
            if isinstance(value, float):
                made.append(KnownValue(float(format_number(value)), unit))
            elif own:
                made.append(KnownValue(float(number), own))
        self._results.append(made)
        self.answered = self.answered or bool(asked)
        return replace(result, results=asked | {n: r for n, r in result.results.items() if n not in asked})
