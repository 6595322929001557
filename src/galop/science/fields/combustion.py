"""Combustion and expansion at chemical equilibrium, by NASA's CEA."""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Literal

import cea
import numpy as np

from galop.science.constants import G0
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

RPE = "Sutton & Biblarz, Rocket Propulsion Elements, 9th ed."
CEA = "NASA CEA (Gordon & McBride, NASA RP-1311, 1994)"
Pressure = Annotated[float, Quantity("bar", "chamber pressure", 0.1, 1000)]
Fuel = Literal["LH2", "LCH4", "RP-1", "ethanol", "methanol", "MMH", "UDMH", "N2H4", "NH3", "Jet-A", "C3H8"]
Oxidiser = Literal["LOX", "N2O4", "H2O2", "N2O"]
# CEA's name, the temperature at which it is stored [K], as a liquid but for N2O, and the formula for stoichiometry.
REACTANTS: dict[str, tuple[str, float, dict[str, float]]] = {
    "LH2": ("H2(L)", 20.27, {"H": 2}), "LCH4": ("CH4(L)", 111.643, {"C": 1, "H": 4}),
    "RP-1": ("RP-1", 298.15, {"C": 1, "H": 1.95}), "ethanol": ("C2H5OH(L)", 298.15, {"C": 2, "H": 6, "O": 1}),
    "methanol": ("CH3OH(L)", 298.15, {"C": 1, "H": 4, "O": 1}),
    "MMH": ("CH6N2(L)", 298.15, {"C": 1, "H": 6, "N": 2}),
    "UDMH": ("C2H8N2(L),UDMH", 298.15, {"C": 2, "H": 8, "N": 2}),
    "N2H4": ("N2H4(L)", 298.15, {"N": 2, "H": 4}), "NH3": ("NH3(L)", 239.72, {"N": 1, "H": 3}),
    "Jet-A": ("Jet-A(L)", 298.15, {"C": 12, "H": 23}), "C3H8": ("C3H8(L)", 231.08, {"C": 3, "H": 8}),
    "LOX": ("O2(L)", 90.17, {"O": 2}), "N2O4": ("N2O4(L)", 298.15, {"N": 2, "O": 4}),
    "H2O2": ("H2O2(L)", 298.15, {"H": 2, "O": 2}), "N2O": ("N2O", 298.15, {"N": 2, "O": 1}),
}  # fmt: skip
MASS = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999}
VALENCE = {"C": 4, "H": 1, "O": -2, "N": 0}  # of the elements in CO2, H2O and N2


@formula(
    "elements balanced to CO2, H2O and N2", f"{RPE}, ch. 5",
    {"of": Quantity("", "stoichiometric mixture ratio O/F by mass")},
    words="rapport de mélange stœchiométrique du carburant et du comburant",
)  # fmt: skip
def stoichiometric_ratio(fuel: Fuel, oxidiser: Oxidiser) -> float:
    """Fuel and oxidiser that burn completely, by mass."""

    def mass_and_valence(name: str) -> tuple[float, float]:
        atoms = REACTANTS[name][2]
        return sum(MASS[e] * n for e, n in atoms.items()), sum(VALENCE[e] * n for e, n in atoms.items())

    fuel_mass, needed = mass_and_valence(fuel)
    oxidiser_mass, brought = mass_and_valence(oxidiser)
    return needed / -brought * oxidiser_mass / fuel_mass


def equilibrium(
    fuel: str, oxidiser: str, of: float, pressure: float, area_ratio: float, freeze: int = 0
) -> cea.RocketSolution:
    """CEA's solution for an infinite-area combustor, frozen from point `freeze` (1 chamber, 2 throat; 0 shifting).

    Raises ScienceError where it does not converge.
    """
    (fuel_name, fuel_t, _), (oxidiser_name, oxidiser_t, _) = REACTANTS[fuel], REACTANTS[oxidiser]
    reactants = cea.Mixture([fuel_name, oxidiser_name])
    solver = cea.RocketSolver(
        cea.Mixture([fuel_name, oxidiser_name], products_from_reactants=True), reactants=reactants
    )
    solution = cea.RocketSolution(solver)
    weights = reactants.of_ratio_to_weights(np.array([0.0, 1.0]), np.array([1.0, 0.0]), of)
    enthalpy = reactants.calc_property(cea.ENTHALPY, weights, np.array([fuel_t, oxidiser_t])) / cea.R
    frozen = {"n_frz": freeze} if freeze else {}
    solver.solve(solution, weights, pressure, [1.5], supar=[area_ratio], hc=enthalpy, iac=True, **frozen)
    if not solution.converged:
        raise ScienceError(f"CEA finds no equilibrium for {fuel}/{oxidiser} at O/F {of:g} and {pressure:g} bar")
    return solution


@formula(
    "minimum of Gibbs energy in the chamber at the propellants' enthalpy, isentropic expansion", CEA,
    {
        "isp_vacuum": Quantity("s", "vacuum specific impulse, shifting equilibrium"),
        "isp_frozen": Quantity("s", "vacuum specific impulse, frozen from the chamber"),
        "c_star": Quantity("m/s", "characteristic velocity c*"),
        "chamber_temperature": Quantity("K", "chamber temperature"),
        "gamma": Quantity("", "isentropic exponent in the chamber"),
        "molar_mass": Quantity("g/mol", "molar mass of the chamber gas"),
    },
    words="impulsion spécifique dans le vide, ergols, hydrogène, oxygène, méthane, kérosène, pression de chambre, "
          "rapport de section",
)  # fmt: skip
def isp(
    fuel: Fuel,
    oxidiser: Oxidiser,
    of: Annotated[float, Quantity("", "mixture ratio O/F by mass", 0.05, 100)],
    pressure: Pressure,
    area_ratio: Annotated[float, Quantity("", "nozzle exit area over throat area", 1.01, 1000)],
) -> dict[str, float]:
    """Theoretical performance of a propellant pair at chemical equilibrium, with a nozzle of an area ratio in
    vacuum."""
    shifting = equilibrium(fuel, oxidiser, of, pressure, area_ratio)
    frozen = equilibrium(fuel, oxidiser, of, pressure, area_ratio, 1)
    return {
        "isp_vacuum": float(shifting.Isp_vacuum[-1]) / G0,
        "isp_frozen": float(frozen.Isp_vacuum[-1]) / G0,
        "c_star": float(shifting.c_star[0]),
        "chamber_temperature": float(shifting.T[0]),
        "gamma": float(shifting.gamma_s[0]),
        "molar_mass": float(shifting.MW[0]),
    }


@formula(
    "golden-section search over O/F, shifting equilibrium",
    CEA,
    {
        "of": Quantity("", "mixture ratio O/F by mass"),
        "isp_vacuum": Quantity("s", "vacuum specific impulse there"),
    },
    words="meilleur rapport de mélange pour l'impulsion spécifique dans le vide",
)  # fmt: skip
def best_mixture_ratio(
    fuel: Fuel,
    oxidiser: Oxidiser,
    pressure: Pressure,
    area_ratio: Annotated[float, Quantity("", "nozzle exit area over throat area", 1.01, 1000)],
) -> dict[str, float]:
    """Mixture ratio with the highest vacuum specific impulse."""

    def value(of: float) -> float:
        return float(equilibrium(fuel, oxidiser, of, pressure, area_ratio).Isp_vacuum[-1]) / G0

    full = stoichiometric_ratio.function(fuel, oxidiser)
    low, high, golden = 0.3 * full, 1.2 * full, (sqrt(5) - 1) / 2
    while high - low > 1e-3 * full:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (a, high) if value(a) < value(b) else (low, b)
    return {"of": (low + high) / 2, "isp_vacuum": value((low + high) / 2)}
