"""What brings propellants into a chamber: pumps, tanks, injectors."""

from __future__ import annotations

from typing import Annotated

from galop.science.constants import G0
from galop.science.formula import Quantity, formula


@formula(
    "power = mass_flow * pressure_rise / (density * efficiency)",
    "Huzel & Huang, Design of Liquid Propellant Rocket Engines, NASA SP-125, 1971, ch. VI",
    {"power": Quantity("W", "shaft power")},
    words="puissance d'une pompe, turbopompe, débit, élévation de pression, rendement",
)  # fmt: skip
def pump_power(
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 0)],
    pressure_rise: Annotated[float, Quantity("Pa", "pressure rise", 0)],
    density: Annotated[float, Quantity("kg/m^3", "density of the liquid", 1, 25_000)],
    efficiency: Annotated[float, Quantity("", "pump efficiency", 0.01, 1)],
) -> float:
    """Shaft power of a propellant pump."""
    return mass_flow * pressure_rise / (density * efficiency)


@formula(
    "npsh = (tank_pressure - vapour_pressure - loss) / (density g0) + height", "NASA SP-8107, 1974",
    {"npsh": Quantity("m", "net positive suction head available")},
    words="hauteur nette d'aspiration d'une pompe, pression de réservoir, pression de vapeur, pertes",
)  # fmt: skip
def npsh(
    tank_pressure: Annotated[float, Quantity("Pa", "pressure in the tank", 0)],
    vapour_pressure: Annotated[float, Quantity("Pa", "vapour pressure of the liquid", 0)],
    density: Annotated[float, Quantity("kg/m^3", "density of the liquid", 1, 25_000)],
    height: Annotated[float, Quantity("m", "height of liquid above the inlet")] = 0.0,
    loss: Annotated[float, Quantity("Pa", "pressure lost in the line", 0)] = 0.0,
) -> float:
    """Net positive suction head available at a pump inlet."""
    return (tank_pressure - vapour_pressure - loss) / (density * G0) + height
