"""What can go wrong at the command line alone."""

from __future__ import annotations

from galop.errors import GalopError


class UsageError(GalopError):
    """The command cannot be carried out as it was given."""

    exit_code = 2


def missing_extra(error: ImportError, extra: str, what: str = "this") -> GalopError:
    """The error to raise where a package of an optional dependency group is not installed."""
    return GalopError(f"{what} needs {error.name}; install it with: pip install 'galop[{extra}]'")
