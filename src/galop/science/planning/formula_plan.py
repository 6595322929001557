"""A plan: formulas with where their inputs come from, towards what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from galop.science.formula import Formula
from galop.science.planning.assumptions import Assumption
from galop.science.planning.variables import Variable
from galop.science.reading.quantities import Given
from galop.science.reading.question import Asked


@dataclass(frozen=True)
class Missing:
    """An input that nothing gives."""

    variable: Variable


@dataclass(frozen=True)
class FormulaStep:
    """A formula with where its inputs come from; solved for an input where `known` is the result that is given."""

    target: Variable
    inputs: Mapping[str, Given | Assumption | Missing | FormulaStep | str]  # a text is a choice
    known: Variable | None = None

    @property
    def formula(self) -> Formula:
        """The formula that is computed with."""
        return self.target.formula

    def walk(self) -> Iterator[FormulaStep]:
        """The steps, those that are computed first in front."""
        for source in self.inputs.values():
            if isinstance(source, FormulaStep):
                yield from source.walk()
        yield self


@dataclass(frozen=True)
class FormulaPlan:
    """A way to what is asked, with how well it fits the question and what it leaves out."""

    asked: Asked
    step: FormulaStep
    score: float
    unused: tuple[Given, ...]
    left: float = 0.0  # how much what is unused looks as if it mattered
    about: float = 0.0  # how much the question speaks of its formula and of what that gives
    is_against: bool = False  # a given is taken for what the words around it say that it is not

    @cached_property
    def fit(self) -> float:
        """How well it fits the question for what it has to explain: its score for each quantity that it uses."""
        every = (source for step in self.step.walk() for source in step.inputs.values())
        return self.score / (1 + sum(isinstance(source, Given) for source in every))

    @cached_property
    def used(self) -> frozenset[int]:
        """Where the quantities that it uses stand in the question."""
        every = (source for step in self.step.walk() for source in step.inputs.values())
        return frozenset(source.start for source in every if isinstance(source, Given))

    @cached_property
    def is_straight(self) -> bool:
        """Whether it is one formula, of what is given or what one quantity alone tells: the area of a diameter."""
        *before, _ = self.step.walk()
        return all(sum(isinstance(source, (Given, FormulaStep)) for source in s.inputs.values()) == 1 for s in before)

    @cached_property
    def missing(self) -> tuple[Variable, ...]:
        """The inputs that nothing gives."""
        every = (source for step in self.step.walk() for source in step.inputs.values())
        return tuple(source.variable for source in every if isinstance(source, Missing))
