"""A formula as a tool: a typed function whose inputs are quantities, and whose answer says where it comes from."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from galop.errors import GalopError
from galop.science.names import find_choice
from galop.science.units import ScienceError, parse_quantity, quantity_pattern

DIGITS = 6


Tool = dict[str, Any]
"""As OpenAI's API describes a tool."""


@dataclass(frozen=True)
class Quantity:
    """What an input or a result is: its unit, its meaning, and from where to where the formula holds, in that unit.

    `words` are what it is also called, in English and French, for finding it in a text.
    """

    unit: str
    what: str
    low: float = -math.inf
    high: float = math.inf
    words: str = ""

    @property
    def valid(self) -> str:
        """Its range in words; "" where there is none."""
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.high):
            return f"above {self.low:g} {self.unit}".strip()
        if math.isinf(self.low):
            return f"below {self.high:g} {self.unit}".strip()
        return f"{self.low:g} to {self.high:g} {self.unit}".strip()

    def check(self, name: str, value: float) -> float:
        """The value, if the formula holds for it. Raises ScienceError for what is out of range or no finite number."""
        if not abs(value) <= sys.float_info.max:
            raise ScienceError(f"{name} ({self.what}) is no finite number")
        if not self.low <= value <= self.high:
            stated = f"{value:g} {self.unit}".rstrip()
            raise ScienceError(f"{name} ({self.what}) is {stated}; the formula holds for {self.valid}")
        return value


@dataclass(frozen=True)
class TextInput:
    """A text: what it is, what a model's has to look like, and what questions hold that have one."""

    what: str
    pattern: str
    sign: str
    words: str = ""


@dataclass(frozen=True)
class FormulaResult:
    """An answer with what it rests on."""

    name: str
    results: dict[str, tuple[float | str, str, str]]  # value, unit, what it is
    inputs: dict[str, str]
    formula: str
    source: str
    valid: str

    def text(self) -> str:
        """All of it, for a person."""
        lines = [f"{what}: {format_number(value)} {unit}".rstrip() for value, unit, what in self.results.values()]
        lines.append(f"inputs: {', '.join(f'{name} = {value}' for name, value in self.inputs.items())}")
        lines.append(f"formula: {self.formula}")
        lines.append(f"source: {self.source}")
        if self.valid:
            lines.append(f"valid for: {self.valid}")
        return "\n".join(lines)

    def brief(self) -> str:
        """For a reader who knows what was asked."""
        lines = [f"{what}: {format_number(value)} {unit}".rstrip() for value, unit, what in self.results.values()]
        return "\n".join([*lines, f"(source: {self.source})"])

    def data(self) -> dict[str, Any]:
        """All of it, as JSON would have it."""
        return {
            "name": self.name,
            "results": {n: {"value": v, "unit": u, "what": w} for n, (v, u, w) in self.results.items()},
            "inputs": self.inputs, "formula": self.formula, "source": self.source, "valid": self.valid,
        }  # fmt: skip


def format_number(value: float | str) -> str:
    """With DIGITS digits; a word as it stands."""
    return value if isinstance(value, str) else f"{value:.{DIGITS}g}"


@dataclass(frozen=True)
class Formula:
    """A function of numbers, whose annotations say what each input is; from that come tools, schemas and checks.

    `words` are what it is also called, in English and French, for finding it in a text.
    """

    name: str
    about: str
    formula: str
    source: str
    gives: Mapping[str, Quantity]
    function: Callable[..., Any]
    words: str = ""

    @cached_property
    def parameters(self) -> dict[str, tuple[Any, Any]]:
        """For each input its kind (Quantity, TextInput, a tuple of choices, or str) and its default.

        The default is inspect.Parameter.empty where there is none.
        """
        hints = get_type_hints(self.function, include_extras=True)
        found = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            hint = hints[name]
            kind = hint.__metadata__[0] if get_origin(hint) is Annotated else hint
            found[name] = get_args(kind) if get_origin(kind) is Literal else kind, parameter.default
        return found

    def __call__(self, /, **given: float | str) -> FormulaResult:
        """Computes with inputs by name, as people give them: quantities with their units, such as "70 bar".

        Raises ScienceError for an input that is not there, not known, has no unit or is out of its range, and for what
        gives nothing.
        """
        values = {
            name: read_input(name, self.parameters[name][0], value) if name in self.parameters else value
            for name, value in given.items()
        }
        results = self.apply(**values)
        inputs = {
            name: f"{format_number(values.get(name, default))} {getattr(kind, 'unit', '')}".rstrip()
            for name, (kind, default) in self.parameters.items()
            if values.get(name, default) is not None
        }
        valid = [f"{n} {k.valid}" for n, (k, _) in self.parameters.items() if isinstance(k, Quantity) and k.valid]
        return FormulaResult(
            self.name,
            {name: (value, self.gives[name].unit, self.gives[name].what) for name, value in results.items()},
            inputs, self.formula, self.source, ", ".join(valid),
        )  # fmt: skip

    def apply(self, /, **values: float | str) -> dict[str, float | str]:
        """The results by name, for numbers that are in the formula's own units already: what programs call.

        Raises ScienceError for an input that is not there, not known or out of its range, and for what gives nothing.
        """
        for name in values:
            if name not in self.parameters:
                raise ScienceError(f"{self.name} has no input {name!r}; it has: {', '.join(self.parameters)}")
        for name, (kind, default) in self.parameters.items():
            if name not in values and default is inspect.Parameter.empty:
                raise ScienceError(f"{self.name} needs {name}{f' ({kind.what})' if isinstance(kind, Quantity) else ''}")
            if name in values:
                self._check(name, kind, values[name])
        try:
            made = self.function(**values)
        except GalopError:
            raise
        except Exception as error:  # a library's, for inputs that nobody thought of
            reason = f"{type(error).__name__}: {error}"[:200]
            raise ScienceError(f"{self.name}: these inputs give no finite number ({reason})") from None
        results = made if isinstance(made, dict) else {next(iter(self.gives)): made}
        for value in results.values():
            if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
                raise ScienceError(f"{self.name}: these inputs give no finite number")
        return results

    def _check(self, name: str, kind: Any, value: float | str) -> None:
        if isinstance(kind, Quantity):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ScienceError(f"{name} ({kind.what}) is {str(value)[:40]!r}, which is no number")
            kind.check(name, value)
        elif isinstance(kind, tuple) and value not in kind:
            said = f"{name} is {str(value)[:40]!r}"
            for other, (choices, _) in self.parameters.items():
                if other != name and isinstance(choices, tuple) and find_choice(str(value), choices):
                    raise ScienceError(f"{said}, which is for {other}; {name} and {other} look swapped")
            raise ScienceError(f"{said}; it can be: {', '.join(kind)}")

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the inputs."""
        properties: dict[str, dict[str, Any]] = {}
        required = []
        for name, (kind, default) in self.parameters.items():
            if isinstance(kind, Quantity) and kind.unit:
                about = f"{kind.what}, a number and its unit such as {kind.unit}"
                properties[name] = {"type": "string", "description": about, "pattern": quantity_pattern(kind.unit)}
            elif isinstance(kind, Quantity):
                limits = {"minimum": kind.low, "maximum": kind.high}
                finite = {limit: value for limit, value in limits.items() if value == 0 or 1e-6 < abs(value) < 1e6}
                properties[name] = {"type": "number", "description": kind.what, **finite}
            elif isinstance(kind, tuple):
                properties[name] = {"type": "string", "enum": list(kind)}
            elif isinstance(kind, TextInput):
                properties[name] = {"type": "string", "description": kind.what, "pattern": kind.pattern}
            else:
                properties[name] = {"type": "string"}
            if default is inspect.Parameter.empty:
                required.append(name)
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def tool(self) -> Tool:
        """As OpenAI's API describes a tool."""
        outcome = ", ".join(f"{of.what} [{of.unit}]" if of.unit else of.what for of in self.gives.values())
        about = f"{self.about} Gives {outcome}."
        return {"type": "function", "function": {"name": self.name, "description": about, "parameters": self.schema()}}


def read_input(name: str, kind: Any, given: Any) -> Any:
    """An input as people write it, as the function takes it: a number in the formula's unit, a choice by its own name.

    What is no choice stays as it is. Raises ScienceError.
    """
    if isinstance(kind, Quantity):
        return parse_quantity(given, kind.unit, f"{name} ({kind.what})")
    if isinstance(kind, tuple):
        return find_choice(str(given), kind) or str(given)
    return str(given)


def formula(
    formula: str, source: str, gives: Mapping[str, Quantity], words: str = ""
) -> Callable[[Callable[..., Any]], Formula]:
    """Makes a function of numbers in the units of its annotations into a Formula of that name.

    The first paragraph of its docstring is what models and people read of it. It returns one number, the first of
    `gives`, or a dictionary of them, from which results may be missing.
    """

    def make(function: Callable[..., Any]) -> Formula:
        about = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        return Formula(function.__name__, about, formula, source, gives, function, words)

    return make
