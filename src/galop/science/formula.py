"""A formula as a tool: a typed function whose inputs are quantities, and whose answer says where it comes from."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from galop.errors import GalopError
from galop.science.units import ScienceError, parse_quantity, quantity_pattern

DIGITS = 6


Tool = dict[str, Any]
"""As OpenAI's API describes a tool."""


@dataclass(frozen=True)
class Quantity:
    """What an input or a result is: its unit, its meaning, and from where to where the formula holds, in that unit."""

    unit: str
    what: str
    low: float = -math.inf
    high: float = math.inf

    @property
    def valid(self) -> str:
        """Its range in words; "" where there is none."""
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.high):
            return f"above {self.low:g} {self.unit}".strip()
        return f"{self.low:g} to {self.high:g} {self.unit}".strip()


@dataclass(frozen=True)
class TextInput:
    """A text: what it is, what a model's has to look like, and what questions hold that have one."""

    what: str
    pattern: str
    sign: str


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
    """A function of numbers, whose annotations say what each input is; from that come tools, schemas and checks."""

    name: str
    about: str
    formula: str
    source: str
    gives: Mapping[str, Quantity]
    function: Callable[..., Any]

    @property
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
        """Computes with inputs by name, each a number in the formula's unit or a text such as "70 bar".

        Raises ScienceError for an input that is not there, not known, or out of its range, and for what gives nothing.
        """
        parameters = self.parameters
        for name in given:
            if name not in parameters:
                raise ScienceError(f"{self.name} has no input {name!r}; it has: {', '.join(parameters)}")
        values: dict[str, Any] = {}
        inputs: dict[str, str] = {}
        for name, (kind, default) in parameters.items():
            if name not in given and default is inspect.Parameter.empty:
                raise ScienceError(f"{self.name} needs {name}{f' ({kind.what})' if isinstance(kind, Quantity) else ''}")
            values[name] = check_input(name, kind, given[name]) if name in given else default
            inputs[name] = (
                f"{format_number(values[name])} {kind.unit}".rstrip()
                if isinstance(kind, Quantity)
                else str(values[name])
            )
        try:
            made = self.function(**values)
        except GalopError:
            raise
        except Exception as error:  # a library's, for inputs that nobody thought of
            reason = f"{type(error).__name__}: {error}"[:200]
            raise ScienceError(f"{self.name}: these inputs give no finite number ({reason})") from None
        results = made if isinstance(made, dict) else {next(iter(self.gives)): made}
        for value in results.values():
            if isinstance(value, float) and not math.isfinite(value):
                raise ScienceError(f"{self.name}: these inputs give no finite number")
        valid = [f"{n} {k.valid}" for n, (k, _) in parameters.items() if isinstance(k, Quantity) and k.valid]
        return FormulaResult(
            self.name,
            {name: (value, self.gives[name].unit, self.gives[name].what) for name, value in results.items()},
            inputs, self.formula, self.source, ", ".join(valid),
        )  # fmt: skip

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


def check_input(name: str, kind: Any, given: Any) -> Any:
    """The value of an input in the formula's unit. Raises ScienceError."""
    if isinstance(kind, Quantity):
        value = parse_quantity(given, kind.unit, f"{name} ({kind.what})")
        if not kind.low <= value <= kind.high:
            raise ScienceError(f"{name} ({kind.what}) is {value:g} {kind.unit}; the formula holds for {kind.valid}")
        return value
    if isinstance(kind, tuple):
        known = {choice.lower(): choice for choice in kind}
        if str(given).lower() not in known:
            raise ScienceError(f"{name} is {str(given)[:40]!r}; it can be: {', '.join(kind)}")
        return known[str(given).lower()]
    return str(given)


def formula(formula: str, source: str, gives: Mapping[str, Quantity]) -> Callable[[Callable[..., Any]], Formula]:
    """Makes a function of numbers in the units of its annotations into a Formula of that name.

    The first paragraph of its docstring is what models and people read of it. It returns one number, the first of
    `gives`, or a dictionary of them.
    """

    def make(function: Callable[..., Any]) -> Formula:
        about = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        return Formula(function.__name__, about, formula, source, gives, function)

    return make
