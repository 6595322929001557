"""Python that a model has written, in a sandbox without files, network or packages (pydantic-monty)."""

from __future__ import annotations

import pydantic_monty as monty

from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

SECONDS = 5.0
MEMORY = 128 << 20
SHOWN = 4000  # characters of what it prints


@formula(
    "the program",
    "pydantic-monty",
    {"output": Quantity("", "output")},
    words="programme Python, calcul itératif, boucle",
)
def python(code: str) -> dict[str, float | str]:
    """Runs Python for a calculation and gives what it prints and its last value; the math module is there,
    files, network and other packages are not.

    Raises ScienceError for a program that fails, takes too long or too much memory.
    """
    printed = monty.CollectString()
    try:
        with (
            monty.Monty(request_timeout=2 * SECONDS) as pool,
            pool.checkout(
                limits={"max_feed_duration_secs": SECONDS, "max_memory": MEMORY, "max_recursion_depth": 500}
            ) as session,
        ):
            value = session.feed_run(code, print_callback=printed)
    except monty.MontyCrashedError:
        raise ScienceError(f"the program was stopped after {2 * SECONDS:g} s, or for the memory it took") from None
    except monty.MontyError as error:
        raise ScienceError(f"the program failed: {str(error)[:300]}") from None
    text = printed.output + ("" if value is None else f"{value}\n")
    return {"output": text[:SHOWN] + (" (cut off)" if len(text) > SHOWN else "")}
