"""The answer to a technical question: a number that was computed, or one sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from galop.science.formula import format_number

Status = Literal["computed", "missing", "ambiguous", "no_formula", "contradictory", "unfinished", "not_computed"]


@dataclass(frozen=True)
class ComputedStep:
    """A formula with the values it was computed with: what it gave, and what that rests on."""

    name: str
    what: str
    value: float
    unit: str
    inputs: Mapping[str, str]
    solved: bool  # for an input, numerically
    formula: str
    source: str
    valid: str

    def text(self) -> str:
        """All of it, for a person."""
        how = " (solved numerically)" if self.solved else ""
        lines = [
            f"{self.what} = {format_number(self.value)} {self.unit}".rstrip(),
            f"  {self.name}: {self.formula}{how}",
            f"  with {', '.join(f'{name} = {value}' for name, value in self.inputs.items())}",
            f"  source: {self.source}",
        ]
        return "\n".join([*lines, f"  valid for: {self.valid}"] if self.valid else lines)


@dataclass(frozen=True)
class Answer:
    """What a question comes to. `value` is None unless something was computed; then it is in `unit`, as asked."""

    status: Status
    sentence: str
    value: float | None = None
    unit: str = ""
    steps: Sequence[ComputedStep] = ()
    assumptions: Sequence[str] = ()
    missing: Sequence[str] = ()
    unused: Sequence[str] = ()

    @property
    def is_own(self) -> bool:
        """Whether nothing is to be computed, and a model answers in its own words."""
        return self.status == "not_computed"

    @property
    def lead(self) -> str:
        """What stands before a model's own words."""
        return f"{self.sentence}\n\n"

    def text(self) -> str:
        """The answer alone: the number with its unit, or the sentence."""
        return f"{format_number(self.value)} {self.unit}".rstrip() if self.value is not None else self.sentence

    def details(self) -> str:
        """What the number rests on: formulas, inputs, sources, ranges, assumptions; "" where nothing was computed."""
        lines = [step.text() for step in self.steps]
        lines += [f"assumed: {assumption}" for assumption in self.assumptions]
        if self.unused:
            lines.append(f"not used: {', '.join(self.unused)}")
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """All of it, as JSON would have it."""
        return {
            "status": self.status, "sentence": self.sentence, "value": self.value, "unit": self.unit,
            "steps": [
                {"name": s.name, "what": s.what, "value": s.value, "unit": s.unit, "inputs": dict(s.inputs),
                 "solved": s.solved, "formula": s.formula, "source": s.source, "valid": s.valid}
                for s in self.steps
            ],
            "assumptions": list(self.assumptions), "missing": list(self.missing), "unused": list(self.unused),
        }  # fmt: skip

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """What `data` gave."""
        return cls(**{**data, "steps": tuple(ComputedStep(**step) for step in data["steps"])})
