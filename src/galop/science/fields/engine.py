"""Rocket engines: thrust, throat, mass flow and specific impulse."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.inputs import (
    RPE,
    AmbientPressure,
    AreaRatio,
    ChamberPressure,
    CStar,
    ThroatArea,
    Thrust,
    ThrustCoefficient,
)
from galop.science.formula import Quantity, formula

ISP = Quantity("s", "specific impulse", words="Isp impulsion spécifique")
EXHAUST = Quantity("m/s", "effective exhaust velocity", words="vitesse d'éjection effective")
ThroatDiameter = Annotated[
    float, Quantity("m", "throat diameter", 1e-6, 100, "diameter of the throat, diamètre du col, au col")
]
THROAT_DIAMETER = Quantity("m", "throat diameter", words="diamètre du col, diamètre au col")
THROAT_AREA = Quantity("m^2", "throat area", words="section du col, aire du col, surface au col")


@formula(
    "thrust = mass_flow * exit_velocity + (exit_pressure - ambient_pressure) * exit_area", f"{RPE}, eq. 2-13",
    {"thrust": Quantity("N", "thrust", words="force, poussée"), "isp": ISP},
    words="poussée d'un moteur-fusée, débit massique, vitesse d'éjection, pression de sortie et ambiante",
)  # fmt: skip
def thrust(
    mass_flow: Annotated[
        float, Quantity("kg/s", "mass flow", 1e-9, 1e6, "propellant flow, débit massique, consommation")
    ],
    exit_velocity: Annotated[
        float, Quantity("m/s", "exit velocity", 0, 100_000, "exhaust velocity, vitesse de sortie, d'éjection")
    ],
    exit_pressure: Annotated[
        float, Quantity("Pa", "pressure at the nozzle exit", 0, 1e9, "exit pressure, pression de sortie, d'éjection")
    ] = 0.0,
    ambient_pressure: AmbientPressure = 0.0,
    exit_area: Annotated[
        float, Quantity("m^2", "nozzle exit area", 0, 1000, "section de sortie, aire de sortie")
    ] = 0.0,
) -> dict[str, float]:
    """Thrust of a rocket engine from its momentum and pressure terms."""
    force = mass_flow * exit_velocity + (exit_pressure - ambient_pressure) * exit_area
    return {"thrust": force, "isp": force / (mass_flow * G0)}


@formula(
    "thrust = thrust_coefficient * pressure * throat_area", f"{RPE}, eq. 3-31",
    {"thrust": Quantity("N", "thrust", words="force, poussée")},
    words="thrust from thrust coefficient, chamber pressure and throat area, F = CF pc At, poussée, coefficient de "
          "poussée, section du col",
)  # fmt: skip
def nozzle_thrust(thrust_coefficient: ThrustCoefficient, pressure: ChamberPressure, throat_area: ThroatArea) -> float:
    """Thrust of a nozzle from its thrust coefficient, chamber pressure and throat area."""
    return thrust_coefficient * pressure * throat_area


@formula(
    "thrust = thrust_coefficient pressure pi throat_diameter^2 / 4", f"{RPE}, eq. 3-31",
    {"thrust": Quantity("N", "thrust", words="force, poussée")},
    words="thrust or thrust coefficient from chamber pressure and throat diameter, poussée, coefficient de poussée, "
          "diamètre du col",
)  # fmt: skip
def nozzle_thrust_of_diameter(
    thrust_coefficient: ThrustCoefficient, pressure: ChamberPressure, throat_diameter: ThroatDiameter
) -> float:
    """Thrust of a nozzle from its thrust coefficient, chamber pressure and throat diameter."""
    return thrust_coefficient * pressure * pi * throat_diameter**2 / 4


@formula(
    "mass_flow = pressure pi throat_diameter^2 / (4 c_star)", f"{RPE}, eq. 3-32",
    {"mass_flow": Quantity("kg/s", "mass flow", words="propellant flow, débit massique au col")},
    words="c* or mass flow from chamber pressure and throat diameter, test data, vitesse caractéristique, débit "
          "massique, diamètre du col, essai",
)  # fmt: skip
def choked_flow_of_diameter(pressure: ChamberPressure, throat_diameter: ThroatDiameter, c_star: CStar) -> float:
    """Mass flow through a choked throat of a diameter."""
    return pressure * pi * throat_diameter**2 / (4 * c_star)


@formula(
    "thrust = vacuum_thrust - ambient_pressure exit_area", f"{RPE}, eq. 2-13",
    {"thrust": Quantity("N", "thrust", words="force, poussée au sol, au niveau de la mer")},
    words="thrust at sea level or an altitude from vacuum thrust and exit area, poussée au sol, dans le vide, section "
          "de sortie",
)  # fmt: skip
def thrust_at_pressure(
    vacuum_thrust: Annotated[float, Quantity("N", "vacuum thrust", 0, 1e12, "thrust in vacuum, poussée dans le vide")],
    exit_area: Annotated[float, Quantity("m^2", "nozzle exit area", 0, 1000, "section de sortie, aire de sortie")],
    ambient_pressure: AmbientPressure,
) -> float:
    """Thrust at an ambient pressure from the vacuum thrust."""
    return vacuum_thrust - ambient_pressure * exit_area


@formula(
    "throat_area = thrust / (thrust_coefficient pressure), throat_diameter = sqrt(4 throat_area / pi)",
    f"{RPE}, eq. 3-31", {"throat_area": THROAT_AREA, "throat_diameter": THROAT_DIAMETER},
    words="size of the throat for a thrust, dimensionner le col, section et diamètre du col pour une poussée",
)  # fmt: skip
def throat_size(
    thrust: Thrust,
    thrust_coefficient: ThrustCoefficient,
    pressure: Annotated[float, Quantity("Pa", "chamber pressure", 1, 1e9, "pc, pression de chambre")],
) -> dict[str, float]:
    """Throat area and diameter that a thrust takes."""
    area = thrust / (thrust_coefficient * pressure)
    return {"throat_area": area, "throat_diameter": sqrt(4 * area / pi)}


@formula(
    "mass_flow = pressure * throat_area / c_star", f"{RPE}, eq. 3-32",
    {"mass_flow": Quantity("kg/s", "mass flow", words="propellant flow, débit massique au col")},
    words="débit massique au col sonique, section du col, pression de chambre, c* from mass flow, vitesse "
          "caractéristique",
)  # fmt: skip
def choked_flow(pressure: ChamberPressure, throat_area: ThroatArea, c_star: CStar) -> float:
    """Mass flow through a choked throat."""
    return pressure * throat_area / c_star


@formula(
    "isp = c_star thrust_coefficient / g0, exhaust_velocity = c_star thrust_coefficient", f"{RPE}, eq. 3-33",
    {"isp": ISP, "exhaust_velocity": EXHAUST},
    words="specific impulse from c* and CF, impulsion spécifique à partir de c* et du coefficient de poussée, "
          "efficiency, rendement",
)  # fmt: skip
def isp_of_c_star(
    c_star: CStar,
    thrust_coefficient: ThrustCoefficient,
    efficiency: Annotated[
        float,
        Quantity(
            "", "efficiency of combustion and nozzle", 0.1, 1, "c* efficiency, rendement de combustion, de tuyère"
        ),
    ] = 1.0,
) -> dict[str, float]:
    """Specific impulse from characteristic velocity and thrust coefficient."""
    velocity = c_star * thrust_coefficient * efficiency
    return {"isp": velocity / G0, "exhaust_velocity": velocity}


@formula(
    "isp = isp_vacuum - (pa / pc) area_ratio c_star / g0", f"{RPE}, ch. 3.3", {"isp": ISP},
    words="specific impulse at sea level or an altitude from the vacuum's, impulsion spécifique au niveau de la mer, "
          "au sol, en altitude, dans le vide",
)  # fmt: skip
def isp_at_pressure(
    isp_vacuum: Annotated[
        float, Quantity("s", "vacuum specific impulse", 1, 20_000, "Isp in vacuum, impulsion spécifique dans le vide")
    ],
    c_star: CStar,
    area_ratio: AreaRatio,
    chamber_pressure: ChamberPressure,
    ambient_pressure: AmbientPressure,
) -> float:
    """Specific impulse at an ambient pressure from the vacuum specific impulse."""
    return isp_vacuum - ambient_pressure / chamber_pressure * area_ratio * c_star / G0


@formula(
    "mass_flow = thrust / (isp g0), throat_area = mass_flow c_star / pressure", f"{RPE}, ch. 3",
    {
        "mass_flow": Quantity("kg/s", "mass flow", words="propellant flow, débit massique"),
        "throat_area": THROAT_AREA, "throat_diameter": THROAT_DIAMETER,
    },
    words="size an engine from thrust, specific impulse, c* and chamber pressure, dimensionner un moteur, diamètre du "
          "col",
)  # fmt: skip
def engine_size(
    thrust: Thrust,
    isp: Annotated[float, Quantity("s", "specific impulse", 1, 20_000, "Isp impulsion spécifique")],
    c_star: CStar,
    pressure: ChamberPressure,
) -> dict[str, float]:
    """Mass flow and throat of an engine of a thrust and specific impulse."""
    flow = thrust / (isp * G0)
    area = flow * c_star / pressure
    return {"mass_flow": flow, "throat_area": area, "throat_diameter": sqrt(4 * area / pi)}


@formula(
    "power = thrust isp g0 / (2 efficiency)", f"{RPE}, ch. 17",
    {"power": Quantity("W", "power", words="jet electric input power, puissance électrique, puissance du jet")},
    words="power of an electric ion Hall thruster from thrust and specific impulse, puissance d'un propulseur "
          "électrique, ionique, à effet Hall",
)  # fmt: skip
def thruster_power(
    thrust: Thrust,
    isp: Annotated[float, Quantity("s", "specific impulse", 1, 20_000, "Isp impulsion spécifique")],
    efficiency: Annotated[float, Quantity("", "thruster efficiency", 0.01, 1, "rendement du propulseur")] = 1.0,
) -> float:
    """Power that an electric thruster takes, or that of a jet where the efficiency is 1."""
    return thrust * isp * G0 / (2 * efficiency)


@formula(
    "area = pi d^2 / 4", "geometry", {"area": Quantity("m^2", "area", words="section, aire, surface")},
    words="aire d'un cercle, section, diamètre, throat or exit area from diameter, exit diameter",
)  # fmt: skip
def circle_area(
    diameter: Annotated[
        float, Quantity("m", "diameter", 0, 1e9, "diamètre, throat diameter, pipe bore, exit, de sortie du col")
    ],
) -> float:
    """Area of a circle, such as a throat's from its diameter."""
    return pi * diameter * diameter / 4
