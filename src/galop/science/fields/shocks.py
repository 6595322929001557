"""Pressures and temperatures behind a normal shock, and of a wall in fast flow."""

from __future__ import annotations

from typing import Annotated

from galop.science.fields.inputs import ANDERSON, Gamma
from galop.science.fields.nozzle import SupersonicMach, normal_shock
from galop.science.formula import Quantity, formula

SHOCK = "normal shock wave behind after downstream, onde de choc droite, derrière en aval du choc"


@formula("p2 = p1 (1 + 2 gamma / (gamma + 1) (M^2 - 1))", f"{ANDERSON}, eq. 3.57",
         {"pressure": Quantity("Pa", "static pressure behind the shock", words="after downstream p2, pression en aval "
                                                                               "derrière le "
                                                                               "choc")}, words=SHOCK)  # fmt: skip
def shock_pressure(
    gamma: Gamma,
    mach: SupersonicMach,
    ahead: Annotated[float, Quantity("Pa", "static pressure ahead of the shock", 0, 1e10, "before upstream p1, "
                                                                                          "pression "
                                     "en amont avant le choc")],
) -> float:  # fmt: skip
    """Static pressure behind a normal shock."""
    return ahead * float(normal_shock.function(gamma=gamma, mach=mach)["pressure_ratio"])


@formula("T2 = T1 (p2 / p1) / (rho2 / rho1)", f"{ANDERSON}, eq. 3.59",
         {"temperature": Quantity("K", "static temperature behind the shock", words="after downstream T2, "
                                                                                    "température en "
                                  "aval derrière le choc")}, words=SHOCK)  # fmt: skip
def shock_temperature(
    gamma: Gamma,
    mach: SupersonicMach,
    ahead: Annotated[float, Quantity("K", "static temperature ahead of the shock", 1, 1e5, "before upstream T1, "
                                     "température en amont avant le choc")],
) -> float:  # fmt: skip
    """Static temperature behind a normal shock."""
    return ahead * float(normal_shock.function(gamma=gamma, mach=mach)["temperature_ratio"])


@formula("T_aw = T (1 + r (gamma - 1) / 2 M^2)", f"{ANDERSON}, ch. 18",
         {"temperature": Quantity("K", "adiabatic wall temperature", words="recovery insulated wall, température de "
                                  "paroi adiabatique, de récupération")},
         words="recovery factor of a boundary layer, adiabatic wall, facteur de récupération, paroi "
               "adiabatique")  # fmt: skip
def recovery_temperature(
    static_temperature: Annotated[float, Quantity("K", "static temperature", 1, 1e5, "free stream gas, température "
                                                  "statique")],
    mach: Annotated[float, Quantity("", "Mach number", 0, 50, "nombre de Mach")],
    recovery_factor: Annotated[float, Quantity("", "recovery factor", 0.1, 1, "r, facteur de récupération")],
    gamma: Gamma,
) -> float:  # fmt: skip
    """Temperature of a wall that takes no heat from a fast flow."""
    return static_temperature * (1 + recovery_factor * (gamma - 1) / 2 * mach**2)
