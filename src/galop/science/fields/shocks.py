"""Pressures and temperatures behind a normal shock."""

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
