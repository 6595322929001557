"""Ideal nozzles: one-dimensional flow of a perfect gas."""

from __future__ import annotations

from math import sqrt
from typing import Annotated

from galop.science.constants import R
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

RPE = "Sutton & Biblarz, Rocket Propulsion Elements, 9th ed."
Gamma = Annotated[float, Quantity("", "ratio of specific heats", 1.01, 1.67)]
Pressure = Annotated[float, Quantity("bar", "chamber pressure", 0.1, 1000)]
AreaRatio = Annotated[float, Quantity("", "nozzle exit area over throat area", 1, 1000)]


@formula(
    "c_star = sqrt(R T / M) / G, G = sqrt(gamma) (2 / (gamma + 1))^((gamma + 1) / (2 (gamma - 1)))",
    f"{RPE}, eq. 3-32", {"c_star": Quantity("m/s", "characteristic velocity c*")},
    words="vitesse caractéristique c* d'un gaz de combustion, masse molaire, température de chambre",
)  # fmt: skip
def characteristic_velocity(
    gamma: Gamma,
    molar_mass: Annotated[float, Quantity("g/mol", "molar mass of the gas", 1, 200)],
    temperature: Annotated[float, Quantity("K", "chamber temperature", 100, 6000)],
) -> float:
    """Ideal characteristic velocity of a combustion gas."""
    return sqrt(R * temperature / (molar_mass * 1e-3)) / throat_function(gamma)


def throat_function(gamma: float) -> float:
    """The function of gamma alone in the mass flow through a throat."""
    return sqrt(gamma) * float((2 / (gamma + 1)) ** ((gamma + 1) / (2 * (gamma - 1))))


@formula(
    "A/At = (1/M) (2/(gamma+1) (1 + (gamma-1)/2 M^2))^((gamma+1)/(2(gamma-1)))", f"{RPE}, eq. 3-14",
    {
        "area_ratio": Quantity("", "area over throat area"),
        "pressure_ratio": Quantity("", "static over chamber pressure"),
    },
    words="rapport de section à un nombre de Mach",
)  # fmt: skip
def area_at_mach(gamma: Gamma, mach: Annotated[float, Quantity("", "Mach number", 1e-3, 50)]) -> dict[str, float]:
    """Area ratio at which an ideal nozzle's flow has a Mach number."""
    return {"area_ratio": area_ratio_of(mach, gamma), "pressure_ratio": pressure_ratio_of(mach, gamma)}


def area_ratio_of(mach: float, gamma: float) -> float:
    """Area over throat area where an ideal flow has a Mach number."""
    base = 2 / (gamma + 1) * (1 + (gamma - 1) / 2 * mach * mach)
    return float(base ** ((gamma + 1) / (2 * (gamma - 1))) / mach)


def pressure_ratio_of(mach: float, gamma: float) -> float:
    """Static over chamber pressure where an ideal flow has a Mach number."""
    return float((1 + (gamma - 1) / 2 * mach * mach) ** (-gamma / (gamma - 1)))


def exit_mach(area_ratio: float, gamma: float) -> float:
    """The supersonic root, by bisection; the area ratio grows with the Mach number there."""
    low, high = 1.0, 2.0
    while area_ratio_of(high, gamma) < area_ratio:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if area_ratio_of(middle, gamma) < area_ratio else (low, middle)
    return (low + high) / 2


@formula(
    "the Mach number from A/At; pe/pc = (1 + (gamma-1)/2 M^2)^(-gamma/(gamma-1)); CF = sqrt(2 gamma^2/(gamma-1) "
    "(2/(gamma+1))^((gamma+1)/(gamma-1)) (1 - (pe/pc)^((gamma-1)/gamma))) + (pe/pc - pa/pc) A/At",
    f"{RPE}, eq. 3-14, 3-25 and 3-30",
    {
        "mach": Quantity("", "exit Mach number"), "pressure_ratio": Quantity("", "exit over chamber pressure"),
        "thrust_coefficient": Quantity("", "thrust coefficient CF"),
    },
    words="tuyère idéale, nombre de Mach de sortie, rapport de pression, coefficient de poussée",
)  # fmt: skip
def nozzle(
    gamma: Gamma,
    area_ratio: AreaRatio,
    pressure: Pressure = 1.0,
    ambient_pressure: Annotated[float, Quantity("bar", "ambient pressure, 0 in vacuum", 0, 100)] = 0.0,
) -> dict[str, float]:
    """Ideal nozzle of a given area ratio, full and supersonic.

    Raises ScienceError where the flow would separate from the wall.
    """
    mach = exit_mach(area_ratio, gamma)
    ratio = pressure_ratio_of(mach, gamma)
    momentum = throat_function(gamma) * sqrt(2 * gamma / (gamma - 1) * (1 - ratio ** ((gamma - 1) / gamma)))
    if ambient_pressure and ratio * pressure < 0.25 * ambient_pressure:
        raise ScienceError(
            f"the flow would separate: the exit pressure {ratio * pressure:.3g} bar is below a quarter of the ambient"
        )
    return {
        "mach": mach,
        "pressure_ratio": ratio,
        "thrust_coefficient": momentum + (ratio - ambient_pressure / pressure) * area_ratio,
    }
