"""Inputs that several formulas of rockets have."""

from __future__ import annotations

from typing import Annotated

from galop.science.formula import Quantity

RPE = "Sutton & Biblarz, Rocket Propulsion Elements, 9th ed."
HUZEL = "Huzel & Huang, Design of Liquid Propellant Rocket Engines, NASA SP-125, 1971"
ANDERSON = "Anderson, Modern Compressible Flow, 3rd ed."

Gamma = Annotated[
    float,
    Quantity("", "ratio of specific heats", 1.01, 1.67, "gamma kappa k isentropic exponent adiabatic index cp/cv "
                                                        "rapport des chaleurs spécifiques, exposant isentropique, "
                                                        "coefficient adiabatique"),
]  # fmt: skip
Mach = Annotated[float, Quantity("", "Mach number", 1e-3, 50, "nombre de Mach")]
MolarMass = Annotated[
    float,
    Quantity("g/mol", "molar mass of the gas", 1, 400, "molecular weight molecular mass masse molaire moléculaire gaz"),
]
ChamberTemperature = Annotated[
    float,
    Quantity("K", "chamber temperature", 100, 6000,
             "combustion flame stagnation total gas temperature, température de chambre de combustion, de flamme, "
             "totale"),
]  # fmt: skip
ChamberPressure = Annotated[
    float,
    Quantity("Pa", "chamber pressure", 1, 1e9, "pc stagnation total pressure, pression de chambre, pression foyer, "
                                               "totale"),
]  # fmt: skip
AmbientPressure = Annotated[
    float,
    Quantity("Pa", "ambient pressure", 0, 1e8, "outside atmospheric back pressure sea level, pression ambiante "
                                               "atmosphérique extérieure"),
]  # fmt: skip
AreaRatio = Annotated[
    float,
    Quantity("", "nozzle exit area over throat area", 1, 1000, "area ratio expansion ratio epsilon, rapport de "
                                                               "section, rapport de détente, rapport d'aires"),
]  # fmt: skip
ThroatArea = Annotated[float, Quantity("m^2", "throat area", 0, 1000, "section aire surface du col")]
Isp = Annotated[float, Quantity("s", "specific impulse", 1, 20_000, "Isp impulsion spécifique")]
DeltaV = Annotated[
    float,
    Quantity("m/s", "velocity change", 0, 1e6, "delta-v Δv velocity increment, variation incrément gain de vitesse"),
]
CStar = Annotated[
    float, Quantity("m/s", "characteristic velocity c*", 100, 10_000, "c-star cstar vitesse caractéristique")
]
ThrustCoefficient = Annotated[float, Quantity("", "thrust coefficient CF", 0.1, 3, "C_F coefficient de poussée")]
MassFlow = Annotated[
    float, Quantity("kg/s", "mass flow", 0, 1e6, "flow rate propellant flow, débit massique, débit masse, consommation")
]
Thrust = Annotated[float, Quantity("N", "thrust", 0, 1e12, "force, poussée")]
LiquidDensity = Annotated[
    float,
    Quantity("kg/m^3", "density of the liquid", 1, 25_000, "propellant density, masse volumique, densité du liquide"),
]
