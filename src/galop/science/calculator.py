"""A calculator that checks units, and conversions."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any

from galop.science.constants import C0, G0, KB, NA, SIGMA, F, R
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError, normalise_unit, parse_quantity, unit_registry

LONGEST = 500  # characters of an expression
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp, "ln": math.log, "lg": math.log10, "log10": math.log10, "log2": math.log2, "sin": math.sin,
    "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan, "sinh": math.sinh,
    "cosh": math.cosh, "tanh": math.tanh,
}  # fmt: skip
ATOM = r"[A-Za-zµΩ]+(?:\*\*-?\d+|\d)?(?![\w(])"
CELSIUS = r"((?:(?:(?<=[(*/+,-])|(?<=\*\*)|^)\s*[-+])?(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*degC\b(?!/[A-Za-z])"
"""A temperature; its sign is its own at the beginning and after an operator. Before a stroke it is an interval."""
QUANTITY = rf"(?<![\w.])(\d+\.?\d*(?:[eE][-+]?\d+)?)(?![eE][-+]?\d)\s*({ATOM}(?:[/*]{ATOM})*)"
# Their names are also units' or nobody's; everything else is what pint calls it.
CONSTANTS = {
    "pi": (math.pi, ""), "e": (math.e, ""), "g0": (G0, "m/s**2"), "R": (R, "J/mol/K"), "F": (F, "C/mol"),
    "kB": (KB, "J/K"), "N_A": (NA, "1/mol"), "c0": (C0, "m/s"), "sigma": (SIGMA, "W/m**2/K**4"),
}  # fmt: skip


@formula(
    "as written",
    "CODATA 2018",
    {"result": Quantity("", "result")},
    words="calculer une expression, calculatrice avec unités",
)
def calculate(expression: str, in_unit: str = "") -> dict[str, float | str]:
    """Evaluates an expression of numbers with their units, constants (R, F, g0, kB, pi, e), + - * / **, sqrt, exp,
    ln and log10; in_unit is the unit of the result.

    F is Faraday's constant, but for the farad right after a number (2.5 F).

    Raises ScienceError for what is too long, no arithmetic, or of another dimension.
    """
    if len(expression) > LONGEST:
        raise ScienceError(f"the expression has {len(expression)} characters; at most {LONGEST} are taken")
    text = expression.replace("^", "**").replace("×", "*").replace("·", "*").replace("−", "-").replace("°C", " degC")
    text = re.sub(CELSIUS, lambda m: f"({float(m[1]) + 273.15!r}*kelvin)", text)
    text = text.replace("degC", "kelvin")  # what is left are intervals, as in J/kg/degC
    text = re.sub(QUANTITY, lambda m: f"({m[1]}*{re.sub('^F(?![A-Za-z])', 'farad', m[2])})", text)  # 2 g / (5 g/mol)
    text = re.sub(r"(?<=[\d.)])\s*(?=[A-Za-zµΩ])(?![eE][-+]?\d)", "*", text)  # 2 (kg)
    text = re.sub(r"(?<=[A-Za-z])\s+(?=[A-Za-z(])", "*", text)  # N m
    try:
        value = evaluate(ast.parse(text.strip(), mode="eval").body)
        if not math.isfinite(value.magnitude):
            raise ScienceError(f"{expression[:80]!r} has no finite value")
        if in_unit and value.unitless and not unit_registry().Unit(normalise_unit(in_unit)).dimensionless:
            raise ScienceError(
                f"{expression[:80]!r} is a pure number; write each number with its unit to get {in_unit[:40]}"
            )
        value = value.to(normalise_unit(in_unit)) if in_unit else value.to_base_units()
    except ScienceError:
        raise
    except Exception as error:  # of dimensions that do not fit, arithmetic, or what pint's parser stumbles on
        raise ScienceError(f"{expression[:80]!r} cannot be evaluated: {str(error)[:200]}") from None
    unit = f"{value.units:~C}"
    return {"result": float(value.magnitude) if not unit else f"{value.magnitude:.9g} {unit}"}


def evaluate(node: ast.expr) -> Any:
    """The quantity of an expression; nothing but arithmetic on numbers, units and a few functions is ever run.

    Raises ValueError for anything else, or a power that is too large.
    """
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return unit_registry().Quantity(float(number))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            a, b = evaluate(left), evaluate(right)
            if isinstance(op, ast.Pow):
                b = float(b.to("dimensionless").magnitude)
                if abs(b) > 200:
                    raise ValueError(f"the power {b:g} is too large")
            return OPERATORS[type(op)](a, b)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](evaluate(operand))
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside], keywords=[]):
            return evaluate(inside) ** 0.5
        case ast.Call(func=ast.Name(id="abs"), args=[inside], keywords=[]):
            return abs(evaluate(inside))
        case ast.Call(func=ast.Name(id="log"), args=[inside, base], keywords=[]):
            of, to = (float(evaluate(n).to("dimensionless").magnitude) for n in (inside, base))
            return unit_registry().Quantity(math.log(of, to))
        case ast.Call(func=ast.Name(id="log")):
            raise ValueError("log means ln to some and log10 to others; write ln or log10")
        case ast.Call(func=ast.Name(id=name), args=[inside], keywords=[]) if name in FUNCTIONS:
            return unit_registry().Quantity(FUNCTIONS[name](float(evaluate(inside).to("dimensionless").magnitude)))
        case ast.Name(id=name) if name in CONSTANTS:
            return unit_registry().Quantity(*CONSTANTS[name])
        case ast.Name(id=name):
            return unit_registry().Quantity(1.0, name)
    raise ValueError(f"{ast.unparse(node)[:60]} is no arithmetic")


@formula(
    "units of one dimension",
    "SI Brochure, 2019",
    {"result": Quantity("", "result")},
    words="convertir une grandeur dans une autre unité",
)
def convert(quantity: str, unit: str) -> dict[str, float | str]:
    """Converts a quantity with its unit, such as 70 bar, to another unit.

    Raises ScienceError for units that are not known, or of another dimension, and below absolute zero.
    """
    try:
        known = unit_registry().Unit(normalise_unit(unit))
    except Exception:  # what pint's parser stumbles on
        raise ScienceError(f"{unit[:40]!r} is not a unit that is known") from None
    value = parse_quantity(quantity, normalise_unit(unit), "quantity")
    is_temperature = known.is_compatible_with("kelvin") and "delta" not in normalise_unit(unit)
    if is_temperature and unit_registry().Quantity(value, known).to("kelvin").magnitude < 0:
        raise ScienceError(f"{quantity[:40]} is below absolute zero")
    return {"result": f"{value:.9g} {unit}"}
