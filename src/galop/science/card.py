"""A formula as a tool: a typed function whose inputs are quantities, and whose answer says where it comes from."""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pint

from galop.errors import GalopError

DIGITS = 6
UNITS = (  # that a model may choose from; more are understood
    "s ms µs min h day year m km cm dm mm µm um nm inch ft m² m^2 dm² dm^2 cm² cm^2 mm² mm^2 µm² ft² kg g mg t lb "
    "kg/s g/s t/s lb/s kg/h t/h Pa kPa MPa GPa hPa bar mbar atm psi torr mmHg K °C degC °F degF W kW MW GW hp V "
    "mV µV uV kV A mA µA uA kA nA A/m² A/m^2 A/cm² A/cm^2 A/dm² A/dm^2 mA/m² mA/m^2 mA/cm² mA/cm^2 µA/cm² µA/cm^2 "
    "uA/cm² uA/cm^2 A/ft² mol/L mmol/L µmol/L mol/m³ mol/m^3 mol/dm³ mol/dm^3 mol/cm³ mol/cm^3 mmol/cm³ M mM µM "
    "uM m²/s m^2/s cm²/s cm^2/s mm²/s mm^2/s V/s mV/s V/min g/mol kg/mol kg/kmol kg/m³ kg/m^3 g/cm³ g/cm^3 g/mL "
    "g/L kg/L kg/dm³ m/s km/s cm/s mm/s km/h ft/s J/mol/K kJ/mol/K kJ/mol J/mol J/kg/K kJ/kg/K J/g/K J/kg kJ/kg "
    "mA*h/g mAh/g A*h/kg Ah/kg C/g Pa*s mPa*s W*h/kg Wh/kg kW*h kWh J kJ MJ ohm Ω kΩ mΩ µF F mF Hz kHz W/m²/K "
    "W/m^2/K kW/m²/K W/m/K W/m² W/m^2 kW/m² W/cm² MW/m² MW/m^2 N kN MN mm/year mol mmol L mL m³ cm³ mm³ L/s L/min m³/s "
    "m/s² kN*s Ah mAh A*h"
).split()
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
TIMES_TEN = rf"(?:[x×*]|\\times|\\cdot)\s*10\s*(?:(?:\^|\*\*)\s*\{{?\s*([-+−]?\d+)\s*\}}?|([-−]\d+|[{RAISED}]+))"
NUMBER = rf"[-+−]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][-+−]?\d+|\s*{TIMES_TEN})?"
LONGEST_UNIT = 60  # characters


class ScienceError(GalopError):
    """An input that a formula cannot take: of the wrong kind, of the wrong dimension, or out of its range."""

    exit_code = 2


@dataclass(frozen=True)
class Of:
    """A quantity: its unit, what it is, and from where to where the formula holds, in that unit."""

    unit: str
    what: str
    low: float = -math.inf
    high: float = math.inf

    @property
    def valid(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.high):
            return f"above {self.low:g} {self.unit}".strip()
        return f"{self.low:g} to {self.high:g} {self.unit}".strip()


@dataclass(frozen=True)
class Word:
    """A text: what it is, what a model's has to look like, and what questions hold that have one."""

    what: str
    pattern: str
    sign: str


@cache
def registry() -> pint.UnitRegistry[Any]:
    units: pint.UnitRegistry[Any] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    units.define("decade = 1 = _ = dec")
    units.define("lbm = pound")
    units.define("psia = psi")
    return units


@cache
def units_like(unit: str) -> list[str]:
    """`unit` and those of UNITS that measure the same; none for a pure number."""
    asked = registry().Unit(unit_text(unit)) if unit else None
    alike = [u for u in UNITS if asked and registry().Unit(unit_text(u)).is_compatible_with(asked)]
    return list(dict.fromkeys([unit, *alike])) if asked else []


def with_unit(unit: str) -> str:
    """A pattern of numbers in `unit` or one like it, so that no model leaves it out or mistakes it."""
    return rf"^-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)? ({'|'.join(map(re.escape, units_like(unit)))})$"


def unit_text(text: str) -> str:
    """A unit as people write it, in pint's spelling. Raises ValueError for what is too long, or a power too high."""
    text = text.strip().strip("$")
    if len(text) > LONGEST_UNIT:
        raise ValueError("it is too long for a unit")
    text = re.sub(r"\\(?:mathrm|text|,|;|!)\s*\{?|[{}]", "", text)
    for theirs, ours in {"°C": "degC", "℃": "degC", "°F": "degF", "·": "*", "⋅": "*", "\\cdot": "*", "−": "-",
                         "µ": "u", "μ": "u", "Ω": "ohm", "Å": "angstrom", "%": "percent"}.items():  # fmt: skip
        text = text.replace(theirs, ours)
    text = re.sub(f"[{RAISED}]+", lambda m: f"**{plain(m[0])}", text).replace("^", "**")
    text = re.sub(r"/([A-Za-z]+)(\d)([A-Za-z]+)", r"/\1**\2/\3", text)  # W/m2K
    text = re.sub(r"(?<=[A-Za-z])(-?\d+)(?![\d*.])", r"**\1 ", text)  # m s-2
    if re.search(r"\*\*\s*(?!-?\d{1,2}(?!\d|\s*\*\*))", text):
        raise ValueError("a power in a unit is a whole number of at most two digits")
    return re.sub(r"(?<=[\w)])\s+(?=[A-Za-z(])", "*", text)


def number(text: str) -> float:
    """As people write it: 1,234.5, 1,5 (a decimal comma), 4.2×10^3, 1e-6. Raises ValueError."""
    text = re.sub(TIMES_TEN, lambda m: f"e{plain(m[1] or m[2])}", text).replace("−", "-")
    if re.fullmatch(r"[-+]?(?:\d+,(?!\d{3}(?:\D|$))\d+|0,\d+)(?:e.*)?", text.strip(), re.IGNORECASE):
        text = text.replace(",", ".")
    return float(re.sub(r"[,_\s]", "", text))


def plain(text: str) -> str:
    """Raised digits as digits."""
    return text.translate(str.maketrans(RAISED, "0123456789-"))


def in_unit(given: float | str, unit: str, what: str) -> float:
    """The number of `unit` that a number or a text such as "70 bar" stands for. Raises ScienceError."""
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        if abs(given) > sys.float_info.max:
            raise ScienceError(f"{what}: the number is too large")
        return float(given)
    match = re.fullmatch(rf"\s*({NUMBER})\s*(.*?)\s*", str(given), re.DOTALL)
    if not match:
        raise ScienceError(f"{what}: {str(given)[:60]!r} is no number with a unit, such as 1 {unit}".rstrip())
    value = number(match[1])
    if not match[4]:
        return value
    try:
        theirs = unit_text(match[4])
        if unit == "K" and theirs in ("C", "F"):  # no charge
            theirs = f"deg{theirs}"
        found = registry().Quantity(value, theirs)
        return float(found.to(unit or "dimensionless").magnitude)
    except pint.DimensionalityError:
        raise ScienceError(f"{what}: {match[4][:40]} is not a unit of {unit or 'a pure number'}") from None
    except Exception as error:  # pint raises what its parser stumbles on
        raise ScienceError(f"{what}: {match[4][:40]!r} is not a unit that is known ({type(error).__name__})") from None


@dataclass(frozen=True)
class Card:
    """An answer with what it rests on."""

    name: str
    results: dict[str, tuple[float | str, str, str]]  # value, unit, what it is
    inputs: dict[str, str]
    formula: str
    source: str
    valid: str

    def text(self) -> str:
        lines = [f"{what}: {shown(value)} {unit}".rstrip() for value, unit, what in self.results.values()]
        lines.append(f"inputs: {', '.join(f'{name} = {value}' for name, value in self.inputs.items())}")
        lines.append(f"formula: {self.formula}")
        lines.append(f"source: {self.source}")
        if self.valid:
            lines.append(f"valid for: {self.valid}")
        return "\n".join(lines)

    def brief(self) -> str:
        """For a reader who knows what was asked."""
        lines = [f"{what}: {shown(value)} {unit}".rstrip() for value, unit, what in self.results.values()]
        return "\n".join([*lines, f"(source: {self.source})"])

    def data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "results": {n: {"value": v, "unit": u, "what": w} for n, (v, u, w) in self.results.items()},
            "inputs": self.inputs, "formula": self.formula, "source": self.source, "valid": self.valid,
        }  # fmt: skip


def shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.{DIGITS}g}"


@dataclass(frozen=True)
class Formula:
    name: str
    about: str
    formula: str
    source: str
    gives: Mapping[str, Of]
    function: Callable[..., Any]

    @property
    def parameters(self) -> dict[str, tuple[Any, Any]]:
        """For each its kind (Of, Word, a tuple of choices, or str) and its default, inspect.Parameter.empty if none."""
        hints = get_type_hints(self.function, include_extras=True)
        found = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            hint = hints[name]
            kind = hint.__metadata__[0] if get_origin(hint) is Annotated else hint
            found[name] = get_args(kind) if get_origin(kind) is Literal else kind, parameter.default
        return found

    def __call__(self, /, **given: Any) -> Card:
        """Raises ScienceError."""
        parameters = self.parameters
        for name in given:
            if name not in parameters:
                raise ScienceError(f"{self.name} has no input {name!r}; it has: {', '.join(parameters)}")
        values, told = {}, {}
        for name, (kind, default) in parameters.items():
            if name not in given and default is inspect.Parameter.empty:
                raise ScienceError(f"{self.name} needs {name}{f' ({kind.what})' if isinstance(kind, Of) else ''}")
            values[name] = checked(name, kind, given[name]) if name in given else default
            told[name] = f"{shown(values[name])} {kind.unit}".rstrip() if isinstance(kind, Of) else str(values[name])
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
        valid = [f"{n} {k.valid}" for n, (k, _) in parameters.items() if isinstance(k, Of) and k.valid]
        return Card(
            self.name,
            {name: (value, self.gives[name].unit, self.gives[name].what) for name, value in results.items()},
            told, self.formula, self.source, ", ".join(valid),
        )  # fmt: skip

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the inputs."""
        properties: dict[str, dict[str, Any]] = {}
        required = []
        for name, (kind, default) in self.parameters.items():
            if isinstance(kind, Of) and kind.unit:
                about = f"{kind.what}, a number and its unit such as {kind.unit}"
                properties[name] = {"type": "string", "description": about, "pattern": with_unit(kind.unit)}
            elif isinstance(kind, Of):
                limits = {"minimum": kind.low, "maximum": kind.high}
                finite = {limit: value for limit, value in limits.items() if value == 0 or 1e-6 < abs(value) < 1e6}
                properties[name] = {"type": "number", "description": kind.what, **finite}
            elif isinstance(kind, tuple):
                properties[name] = {"type": "string", "enum": list(kind)}
            elif isinstance(kind, Word):
                properties[name] = {"type": "string", "description": kind.what, "pattern": kind.pattern}
            else:
                properties[name] = {"type": "string"}
            if default is inspect.Parameter.empty:
                required.append(name)
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def tool(self) -> dict[str, Any]:
        """As OpenAI's API describes a tool."""
        outcome = ", ".join(f"{of.what} [{of.unit}]" if of.unit else of.what for of in self.gives.values())
        about = f"{self.about} Gives {outcome}."
        return {"type": "function", "function": {"name": self.name, "description": about, "parameters": self.schema()}}


def checked(name: str, kind: Any, given: Any) -> Any:
    """The value of an input in the formula's unit. Raises ScienceError."""
    if isinstance(kind, Of):
        value = in_unit(given, kind.unit, f"{name} ({kind.what})")
        if not kind.low <= value <= kind.high:
            raise ScienceError(f"{name} ({kind.what}) is {value:g} {kind.unit}; the formula holds for {kind.valid}")
        return value
    if isinstance(kind, tuple):
        known = {choice.lower(): choice for choice in kind}
        if str(given).lower() not in known:
            raise ScienceError(f"{name} is {str(given)[:40]!r}; it can be: {', '.join(kind)}")
        return known[str(given).lower()]
    return str(given)


def formula(about: str, formula: str, source: str, gives: Mapping[str, Of]) -> Callable[[Callable[..., Any]], Formula]:
    """Makes a function of numbers in the units of its annotations into a Formula of that name."""
    return lambda function: Formula(function.__name__, about, formula, source, gives, function)
