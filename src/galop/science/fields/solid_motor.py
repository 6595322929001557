"""Solid-propellant motors: burn rate, chamber pressure, flow and time."""

from __future__ import annotations

from math import exp, log
from typing import Annotated

from galop.science.fields.inputs import RPE, CStar
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

RateCoefficient = Annotated[
    float,
    Quantity("mm/s", "burn rate at the reference pressure", 1e-4, 1e4, "burning rate coefficient a, coefficient de "
                                                                       "vitesse de combustion a"),
]  # fmt: skip
PressureExponent = Annotated[
    float, Quantity("", "pressure exponent n", 0, 0.95, "burning rate exponent, combustion index, exposant de pression")
]
ReferencePressure = Annotated[
    float, Quantity("Pa", "reference pressure of the coefficient", 1, 1e9, "coefficient a at, pression de référence")
]
MotorPressure = Annotated[
    float,
    Quantity("Pa", "chamber pressure", 1, 1e9, "combustion motor pressure, pression de chambre, de combustion, foyer"),
]
BurnRate = Annotated[
    float, Quantity("mm/s", "burn rate", 1e-4, 1e5, "burning regression rate, vitesse de combustion, de régression")
]
GrainDensity = Annotated[
    float,
    Quantity(
        "kg/m^3", "density of the propellant", 100, 5000, "grain solid density, masse volumique du propergol, du bloc"
    ),
]
RATE = Quantity("mm/s", "burn rate", words="burning regression rate, vitesse de combustion, vitesse de régression")
SAINT_ROBERT = f"Saint-Robert's and Vieille's law; {RPE}, ch. 12.1"


@formula(
    "burn_rate = coefficient (pressure / reference_pressure)^exponent", SAINT_ROBERT, {"burn_rate": RATE},
    words="burn rate of a solid propellant, r = a p^n, loi de Saint-Robert et Vieille, vitesse de combustion d'un "
          "propergol solide, poudre",
)  # fmt: skip
def burn_rate(
    coefficient: RateCoefficient,
    reference_pressure: ReferencePressure = 1e6,
    *,
    exponent: PressureExponent,
    pressure: MotorPressure,
) -> float:
    """Burn rate of a solid propellant at a pressure (Saint-Robert, Vieille); the coefficient is the rate at the
    reference pressure, 1 MPa unless it is given."""
    return float(coefficient * (pressure / reference_pressure) ** exponent)


@formula(
    "exponent = ln(rate_2 / rate_1) / ln(pressure_2 / pressure_1)", SAINT_ROBERT,
    {"exponent": Quantity("", "pressure exponent n", words="exposant de pression")},
    words="pressure exponent from two burn rates, exposant de pression à partir de deux vitesses de combustion",
)  # fmt: skip
def burn_rate_exponent(
    rate_1: BurnRate, pressure_1: MotorPressure, rate_2: BurnRate, pressure_2: MotorPressure
) -> float:
    """Pressure exponent of a solid propellant from its burn rates at two pressures.

    Raises ScienceError where both pressures are the same.
    """
    if pressure_1 == pressure_2:
        raise ScienceError("pressure_1 and pressure_2 are the same; an exponent takes two pressures")
    return log(rate_2 / rate_1) / log(pressure_2 / pressure_1)


@formula(
    "burn_rate = rate exp(sensitivity temperature_change)", f"{RPE}, ch. 12.1", {"burn_rate": RATE},
    words="temperature sensitivity of the burn rate, sensibilité à la température initiale, vitesse de combustion",
)  # fmt: skip
def burn_rate_when_warm(
    rate: BurnRate,
    sensitivity: Annotated[
        float,
        Quantity(
            "1/K", "temperature sensitivity at constant pressure", 0, 0.1, "sigma_p, sensibilité à la température"
        ),
    ],
    temperature_change: Annotated[
        float,
        Quantity(
            "ΔK", "grain's temperature above its reference's", -200, 200, "temperature difference, écart de température"
        ),
    ],
) -> float:
    """Burn rate of a solid propellant that is warmer or colder than at its reference."""
    return rate * exp(sensitivity * temperature_change)


@formula(
    "pressure = (kn density coefficient c_star / reference_pressure^exponent)^(1 / (1 - exponent))", f"{RPE}, ch. 12.1",
    {
        "pressure": Quantity("Pa", "chamber pressure", words="equilibrium operating pressure, pression de chambre, "
                                                             "d'équilibre"),
        "burn_rate": RATE,
    },
    words="chamber pressure of a solid motor from Kn, klemmung, burning area over throat area, pression d'un moteur à "
          "propergol solide, serrage",
)  # fmt: skip
def motor_pressure(
    kn: Annotated[
        float, Quantity("", "burning area over throat area", 1, 1e5, "Kn K_n klemmung, rapport de serrage, surface de "
                                                                     "combustion sur section du col")
    ],
    density: GrainDensity,
    coefficient: RateCoefficient,
    exponent: PressureExponent,
    c_star: CStar,
    reference_pressure: ReferencePressure = 1e6,
) -> dict[str, float]:  # fmt: skip
    """Chamber pressure at which a solid motor burns as much as its throat lets out, from Kn and its burn-rate law."""
    at_reference = kn * density * coefficient * 1e-3 * c_star / reference_pressure
    pressure = reference_pressure * at_reference ** (1 / (1 - exponent))
    return {"pressure": pressure, "burn_rate": coefficient * (pressure / reference_pressure) ** exponent}


@formula(
    "kn = burning_area / throat_area", f"{RPE}, ch. 12.1",
    {"kn": Quantity("", "burning area over throat area", words="Kn of a motor, klemmung, rapport de serrage")},
    words="Kn of a solid motor, klemmung, serrage, surface de combustion et section du col",
)  # fmt: skip
def burning_area_ratio(
    burning_area: Annotated[
        float, Quantity("m^2", "burning area", 0, 1e5, "grain burning surface, surface de combustion")
    ],
    throat_area: Annotated[float, Quantity("m^2", "throat area", 1e-12, 1000, "section aire surface du col")],
) -> float:
    """Burning area of a solid motor over its throat's area, Kn."""
    return burning_area / throat_area


@formula(
    "mass_flow = density burning_area burn_rate", f"{RPE}, eq. 12-1",
    {"mass_flow": Quantity("kg/s", "mass flow", words="gas generated, débit massique, débit de gaz")},
    words="mass flow of a burning grain, débit massique d'un bloc de propergol solide, surface de combustion",
)  # fmt: skip
def grain_mass_flow(
    burning_area: Annotated[
        float, Quantity("m^2", "burning area", 0, 1e5, "grain burning surface, surface de combustion")
    ],
    density: GrainDensity,
    burn_rate: BurnRate,
) -> float:
    """Gas that a burning grain makes."""
    return burning_area * density * burn_rate * 1e-3


@formula(
    "burn_time = web / burn_rate", f"{RPE}, ch. 12.2",
    {"burn_time": Quantity("s", "burn time", words="durée de combustion")},
    words="burn time of a grain's web thickness, durée de combustion, épaisseur à brûler",
)  # fmt: skip
def web_burn_time(
    web: Annotated[
        float, Quantity("m", "web thickness", 0, 100, "grain thickness to burn, épaisseur à brûler, du bloc")
    ],
    burn_rate: BurnRate,
) -> float:
    """How long a web of solid propellant burns."""
    return web / (burn_rate * 1e-3)
