"""Computes chemical equilibria in a child process: `python -m galop.science.cea_child` answers a line of JSON with one.

NASA's CEA is Fortran: it prints what it thinks of its input, and may stop or turn in circles on a stranger's numbers.
Here that is nobody's terminal and nobody's end. Its own search for an area ratio gives up where species condense, so
what it finds is checked, and the exit's pressure is found by bisection where it is not what was asked for.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from math import exp, isfinite, log
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread takes address space, and none is needed

import cea
import numpy as np

from galop.child import answer_lines

MEMORY = 2 << 30  # of this process
SECONDS = 5.0  # to compute one
CLOSE = 1e-4  # of the area ratio
STEPS = 60  # of the bisection
HIGHEST = 1e9  # chamber over exit pressure
SHOWN = 1e-4  # mole fraction of a species that is told


class Propellants:
    """Reactants at their temperatures and shares, as CEA's solvers take them."""

    def __init__(self, reactants: list[dict[str, Any]]) -> None:
        names = [self._reactant(**r["custom"]) if "custom" in r else r["name"] for r in reactants]
        self.mixture = cea.Mixture(names)
        self.products = cea.Mixture(names, products_from_reactants=True)
        weights = np.array([r["weight"] for r in reactants], dtype=np.float64)
        self.weights = weights / weights.sum()
        temperatures = np.array([r["temperature"] for r in reactants], dtype=np.float64)
        self.enthalpy = self.mixture.calc_property(cea.ENTHALPY, self.weights, temperatures) / cea.R

    @staticmethod
    def _reactant(name: str, formula: dict[str, float], molar_mass: float, enthalpy: float) -> cea.Reactant:
        return cea.Reactant(
            name=name, formula=formula, molecular_weight=molar_mass, enthalpy=enthalpy, enthalpy_units="kJ/mol",
            temperature=298.15,
        )  # fmt: skip

    def chamber(self, pressure: float) -> dict[str, Any] | None:
        """The equilibrium at a pressure [bar] and the reactants' enthalpy; None where it is not found."""
        solver = cea.EqSolver(self.products, reactants=self.mixture, transport=True)
        found = cea.EqSolution(solver)
        solver.solve(found, cea.HP, self.enthalpy, pressure, self.weights)
        if not found.converged or not isfinite(found.T):
            return None
        species = sorted(found.mole_fractions.items(), key=lambda one: -one[1])
        return {
            "temperature": float(found.T), "molar_mass": float(found.MW), "gamma": float(found.gamma_s),
            "heat_capacity": float(found.cp_eq) * 1e3, "frozen_heat_capacity": float(found.cp_fr) * 1e3,
            "density": float(found.density), "viscosity": float(found.viscosity) * 1e-4, "prandtl": float(found.Pr_fr),
            "species": {name: float(share) for name, share in species if share >= SHOWN},
        }  # fmt: skip

    def expand(self, pressure: float, frozen: bool, where: str, ratio: float) -> cea.RocketSolution | None:
        """The flow through a throat to an exit, by chamber over exit pressure (`pi_p`) or by area ratio (`supar`); None
        where it is not found."""
        solver = cea.RocketSolver(self.products, reactants=self.mixture)
        found = cea.RocketSolution(solver)
        exits = {"supar": [ratio]} if where == "supar" else {}
        freeze = {"n_frz": 1} if frozen else {}
        ratios = [ratio if where == "pi_p" else 1.5]
        solver.solve(found, self.weights, pressure, ratios, hc=self.enthalpy, iac=True, **exits, **freeze)
        values = (found.Isp_vacuum[-1], found.T[-1], found.ae_at[-1], found.c_star[0])
        return found if found.converged and all(map(isfinite, values)) else None

    def nozzle(self, pressure: float, area_ratio: float, frozen: bool) -> dict[str, float] | None:
        """Performance at an area ratio; None where it is not found."""
        found = self.expand(pressure, frozen, "supar", area_ratio)
        if found is None or not is_close(found, area_ratio):
            found = self.search(pressure, area_ratio, frozen)
        if found is None or not is_close(found, area_ratio):
            return None
        return {
            "c_star": float(found.c_star[0]), "isp_vacuum": float(found.Isp_vacuum[-1]), "isp": float(found.Isp[-1]),
            "exit_temperature": float(found.T[-1]), "exit_pressure": float(found.P[-1]),
        }  # fmt: skip

    def c_star(self, pressure: float) -> dict[str, float] | None:
        """The characteristic velocity of shifting flow alone; None where it is not found."""
        found = self.expand(pressure, False, "pi_p", 1.5)
        return None if found is None else {"c_star": float(found.c_star[0])}

    def search(self, pressure: float, area_ratio: float, frozen: bool) -> cea.RocketSolution | None:
        """By bisection over the logarithm of chamber over exit pressure, with which the area ratio grows."""
        low, high = log(2.0), log(HIGHEST)
        best = None
        for _ in range(STEPS):
            middle = (low + high) / 2
            found = self.expand(pressure, frozen, "pi_p", exp(middle))
            if found is not None and found.ae_at[-1] < area_ratio:
                low, best = middle, found
            else:
                high, best = middle, found or best
            if best is not None and is_close(best, area_ratio):
                break
        return best


def is_close(found: cea.RocketSolution, area_ratio: float) -> bool:
    """Whether the exit is where it was asked for."""
    return bool(abs(found.ae_at[-1] / area_ratio - 1) < CLOSE)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The chamber, and of each of the flows asked for (`shifting`, `frozen`) what the nozzle gives, or without an area
    ratio what the throat gives. What is not found is None."""
    try:
        propellants = Propellants(request["reactants"])
    except Exception as error:  # of CEA, for reactants it cannot take
        return {"error": f"{type(error).__name__}: {error}"}
    pressure, area_ratio = request["pressure"], request["area_ratio"]

    def attempt(compute: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
        try:
            return compute()
        except Exception:  # of CEA, which has an error for each way not to converge
            return None

    found = {"chamber": attempt(lambda: propellants.chamber(pressure))}
    for flow in request["flows"]:
        if area_ratio is None:
            found[flow] = attempt(lambda: propellants.c_star(pressure))
        else:
            found[flow] = attempt(lambda frozen=flow == "frozen": propellants.nozzle(pressure, area_ratio, frozen))
    return found


if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")  # the answers'; CEA prints where it always does,
    os.dup2(2, 1)  # which nobody reads
    warnings.simplefilter("ignore")
    answer_lines(answer, MEMORY, SECONDS)
