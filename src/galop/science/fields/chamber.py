"""Combustion chambers: their walls and what heats them."""

from __future__ import annotations

from typing import Annotated

from galop.science.fields.nozzle import AreaRatio, Gamma
from galop.science.formula import Quantity, formula


@formula(
    "h = 0.026 / Dt^0.2 (mu^0.2 cp / Pr^0.6) (pc / c*)^0.8 (Dt / rc)^0.1 (At / A)^0.9 sigma",
    "Bartz, Jet Propulsion 27 (1957) 49; NASA SP-125, eq. 4-13",
    {
        "heat_transfer": Quantity("W/m^2/K", "heat-transfer coefficient"),
        "sigma": Quantity("", "correction for properties"),
    },
    words="transfert de chaleur à la paroi de la tuyère, coefficient d'échange de Bartz",
)  # fmt: skip
def bartz(
    throat_diameter: Annotated[float, Quantity("m", "throat diameter", 1e-4, 10)],
    curvature: Annotated[float, Quantity("m", "radius of curvature of the throat's wall", 1e-4, 100)],
    viscosity: Annotated[float, Quantity("Pa*s", "viscosity of the gas", 1e-7, 1e-2)],
    heat_capacity: Annotated[float, Quantity("J/kg/K", "specific heat of the gas", 100, 50_000)],
    prandtl: Annotated[float, Quantity("", "Prandtl number", 0.1, 10)],
    pressure: Annotated[float, Quantity("Pa", "chamber pressure", 1e4, 1e8)],
    c_star: Annotated[float, Quantity("m/s", "characteristic velocity c*", 100, 10_000)],
    gamma: Gamma,
    wall_temperature: Annotated[float, Quantity("K", "wall temperature", 50, 4000)],
    chamber_temperature: Annotated[float, Quantity("K", "chamber temperature", 300, 6000)],
    mach: Annotated[float, Quantity("", "Mach number there, 1 at the throat", 0, 20)] = 1.0,
    area_ratio: AreaRatio = 1.0,
) -> dict[str, float]:
    """Heat transfer from the gas to a nozzle wall (Bartz)."""
    heated = 1 + (gamma - 1) / 2 * mach * mach
    sigma = (0.5 * wall_temperature / chamber_temperature * heated + 0.5) ** -0.68 * heated**-0.12
    h = 0.026 / throat_diameter**0.2 * viscosity**0.2 * heat_capacity / prandtl**0.6 * (pressure / c_star) ** 0.8
    return {"heat_transfer": h * (throat_diameter / curvature) ** 0.1 * area_ratio**-0.9 * sigma, "sigma": sigma}
