"""Formulas with units, sources and ranges; questions with answers."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from galop.errors import GalopError

MISSING = "this needs {}; install it with: pip install 'galop[science]'"

try:
    from galop.science.formula import Formula, FormulaResult
except ImportError as error:
    raise GalopError(MISSING.format(error.name)) from None

MODULES = ("calculator", "rocket", "electrochemistry", "fluids", "sandbox")

__all__ = ["Formula", "FormulaResult", "formulas"]


@cache
def formulas() -> dict[str, Formula]:
    """All of them by name. Raises GalopError if the extra is not installed."""
    try:
        modules = [import_module(f"galop.science.{name}") for name in MODULES]
    except ImportError as error:
        raise GalopError(MISSING.format(error.name)) from None
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Formula)]
    return {formula.name: formula for formula in found}
