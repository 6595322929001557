"""The ideal rocket: thrust and specific impulse from the gas in the chamber and the pressures."""

from __future__ import annotations

from math import pi
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.inputs import RPE, ChamberPressure, ChamberTemperature, Gamma, MolarMass
from galop.science.fields.nozzle import characteristic_velocity, exit_velocity
from galop.science.formula import Quantity, formula

ExitPressure = Annotated[
    float, Quantity("Pa", "exit pressure", 1e-3, 1e9, "ambient expands to down, pression de sortie")
]


@formula("isp = v_exit / g0", f"{RPE}, eq. 3-16",
         {"isp": Quantity("s", "specific impulse", words="Isp ideal, impulsion spécifique idéale")},
         words="ideal nozzle adapted expansion of hot gas from the chamber pressure to the exit pressure, "
               "tuyère adaptée, "
               "détente")  # fmt: skip
def ideal_isp(
    gamma: Gamma, molar_mass: MolarMass, chamber_temperature: ChamberTemperature, chamber_pressure: ChamberPressure,
    exit_pressure: ExitPressure,
) -> float:  # fmt: skip
    """Specific impulse of gas that expands ideally to the pressure outside."""
    made = exit_velocity.function(
        gamma=gamma, molar_mass=molar_mass, chamber_temperature=chamber_temperature, chamber_pressure=chamber_pressure,
        exit_pressure=exit_pressure,
    )  # fmt: skip
    return float(made["exit_velocity"]) / G0


@formula("m = p A / c*, F = m v_exit", f"{RPE}, eq. 2-14 and 3-16",
         {"thrust": Quantity("N", "thrust", words="ideal, poussée idéale"),
          "mass_flow": Quantity("kg/s", "mass flow", words="propellant flow, débit massique")},
         words="ideal rocket engine adapted nozzle throat diameter, moteur idéal, tuyère adaptée, col")  # fmt: skip
def ideal_thrust(
    gamma: Gamma, molar_mass: MolarMass, chamber_temperature: ChamberTemperature, chamber_pressure: ChamberPressure,
    exit_pressure: ExitPressure,
    throat_diameter: Annotated[float, Quantity("m", "throat diameter", 1e-9, 100, "diamètre du col")],
) -> dict[str, float]:  # fmt: skip
    """Thrust of gas that expands ideally to the pressure outside."""
    speed = float(characteristic_velocity.function(gamma=gamma, molar_mass=molar_mass, temperature=chamber_temperature))
    flow = chamber_pressure * pi / 4 * throat_diameter**2 / speed
    isp = float(
        ideal_isp.function(
            gamma=gamma, molar_mass=molar_mass, chamber_temperature=chamber_temperature,
            chamber_pressure=chamber_pressure, exit_pressure=exit_pressure,
        )
    )  # fmt: skip
    return {"thrust": flow * isp * G0, "mass_flow": flow}
