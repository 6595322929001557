"""Formulas with units, sources and ranges; questions with answers."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from galop.errors import GalopError

MISSING = "this needs {}; install it with: pip install 'galop[science]'"

try:
    from galop.science.formula import Formula, FormulaResult
except ImportError as error:
    raise GalopError(MISSING.format(error.name)) from None

__all__ = ["Formula", "FormulaResult", "formulas"]


@cache
def formulas() -> dict[str, Formula]:
    """All of them by name: the calculator, those of every field, the sandbox. Raises GalopError if the extra is not
    installed."""
    try:
        fields = import_module("galop.science.fields")
        names = [f"fields.{module.name}" for module in pkgutil.iter_modules(fields.__path__)]
        modules = [import_module(f"galop.science.{name}") for name in ("calculator", *names, "sandbox")]
    except ImportError as error:
        raise GalopError(MISSING.format(error.name)) from None
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Formula)]
    return {formula.name: formula for formula in found}
