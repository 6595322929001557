"""Computes chemical equilibria in a child process: `python -m galop.science.cea_child` answers a line of JSON with one.

NASA's CEA is Fortran: it prints what it thinks of its input, and may stop or turn in circles on a stranger's numbers.
Here that is nobody's terminal and nobody's end. Its own search for a throat or an area ratio gives up where species
condense, so what it finds is checked; where it is not what was asked for, the flow is found step by step from
equilibria at the chamber's entropy (`Isentrope`).
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
STEPS = 48  # of a bisection over temperature
LOWEST = 1e-7  # exit over chamber pressure
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

    def expand(self, pressure: float, area_ratio: float, frozen: bool) -> dict[str, float] | None:
        """The flow through a throat to an area ratio, by CEA's own search; None where it finds none."""
        solver = cea.RocketSolver(self.products, reactants=self.mixture)
        found = cea.RocketSolution(solver)
        freeze = {"n_frz": 1} if frozen else {}
        solver.solve(found, self.weights, pressure, [1.5], supar=[area_ratio], hc=self.enthalpy, iac=True, **freeze)
        if not found.converged or not abs(found.ae_at[-1] / area_ratio - 1) < CLOSE:
            return None
        flow = {
            "c_star": float(found.c_star[0]), "isp_vacuum": float(found.Isp_vacuum[-1]),
            "exit_temperature": float(found.T[-1]), "exit_pressure": float(found.P[-1]),
        }  # fmt: skip
        return flow if all(map(isfinite, flow.values())) else None

    def shift(self, pressure: float, area_ratio: float) -> dict[str, float] | None:
        """The flow in equilibrium at every point, by CEA's own search or step by step."""
        return self.expand(pressure, area_ratio, False) or Isentrope(self, pressure).expand(area_ratio)

    def c_star(self, pressure: float) -> dict[str, float]:
        """The characteristic velocity alone."""
        return {"c_star": Isentrope(self, pressure).c_star}


class Isentrope:
    """States of equilibrium at a chamber's entropy, and the flow through them.

    Raises ValueError where CEA finds no state at a pressure.
    """

    def __init__(self, propellants: Propellants, pressure: float) -> None:
        self.weights = propellants.weights
        self.pressure = pressure
        self.solver = cea.EqSolver(propellants.products, reactants=propellants.mixture)
        self.found = cea.EqSolution(self.solver)
        self.solver.solve(self.found, cea.HP, propellants.enthalpy, pressure, self.weights)
        self.enthalpy, self.entropy, self.hottest = self.found.enthalpy, self.found.entropy, self.found.T
        self.throat = self.find_throat()
        self.c_star = pressure * 1e5 / self.flux(self.throat)

    def find_throat(self) -> float:
        """Where the mass flux is highest, by golden-section search; it is flat there, so 1e-4 of the way is exact."""
        golden = (5**0.5 - 1) / 2
        low, high = log(0.3), log(0.99)
        a, b = high - golden * (high - low), low + golden * (high - low)
        at_a, at_b = self.flux(a), self.flux(b)
        while high - low > 1e-4:
            if at_a < at_b:
                low, a, at_a = a, b, at_b
                b = low + golden * (high - low)
                at_b = self.flux(b)
            else:
                high, b, at_b = b, a, at_a
                a = high - golden * (high - low)
                at_a = self.flux(a)
        return (low + high) / 2

    def solve(self, logarithm: float) -> None:
        """The state at a pressure over the chamber's, by its logarithm.

        Raises ValueError where CEA finds none.
        """
        pressure = self.pressure * exp(logarithm)
        self.solver.solve(self.found, cea.SP, self.entropy * 1e3 / cea.R, pressure, self.weights)
        if self.found.converged:
            return
        low, high = 100.0, self.hottest  # entropy grows with temperature
        for _ in range(STEPS):
            self.solver.solve(self.found, cea.TP, (low + high) / 2, pressure, self.weights)
            if not self.found.converged:
                raise ValueError(f"no equilibrium at {(low + high) / 2:g} K and {pressure:g} bar")
            low, high = (low, self.found.T) if self.found.entropy > self.entropy else (self.found.T, high)
        if abs(self.found.entropy - self.entropy) > 1e-6 * abs(self.entropy):
            raise ValueError(f"no equilibrium of the chamber's entropy at {pressure:g} bar")

    def velocity(self, logarithm: float) -> float:
        """In m/s."""
        self.solve(logarithm)
        return float(max(0.0, 2e3 * (self.enthalpy - self.found.enthalpy)) ** 0.5)

    def flux(self, logarithm: float) -> float:
        """Mass flow for each area, in kg/s/m^2."""
        return self.velocity(logarithm) * float(self.found.density)

    def expand(self, area_ratio: float) -> dict[str, float]:
        """The flow to an area ratio.

        Raises ValueError where CEA finds no state there.
        """
        asked = self.flux(self.throat) / area_ratio
        low, high = log(LOWEST), self.throat
        while high - low > 1e-6:
            middle = (low + high) / 2
            try:
                low, high = (middle, high) if self.flux(middle) < asked else (low, middle)
            except ValueError:  # too cold for CEA
                low = middle
        velocity = self.velocity(high)
        flux = velocity * float(self.found.density)
        if abs(flux / asked - 1) > CLOSE:
            raise ValueError(f"no equilibrium at area ratio {area_ratio:g}")
        pressure = float(self.found.P)
        return {
            "c_star": self.c_star, "isp_vacuum": velocity + pressure * 1e5 / flux,
            "exit_temperature": float(self.found.T), "exit_pressure": pressure,
        }  # fmt: skip


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
    for flow in request["flows"] if found["chamber"] else ():
        if area_ratio is None:
            found[flow] = attempt(lambda: propellants.c_star(pressure))
        elif flow == "frozen":
            found[flow] = attempt(lambda: propellants.expand(pressure, area_ratio, True))
        else:
            found[flow] = attempt(lambda: propellants.shift(pressure, area_ratio)) or attempt(
                lambda: propellants.c_star(pressure)
            )
    return found


if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")  # the answers'; CEA prints where it always does,
    os.dup2(2, 1)  # which nobody reads
    warnings.simplefilter("ignore")
    answer_lines(answer, MEMORY, SECONDS)
