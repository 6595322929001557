"""Ideal nozzles: one-dimensional isentropic flow of a perfect gas, and shocks in it."""

from __future__ import annotations

from math import asin, atan, degrees, sqrt
from typing import Annotated, Literal

from galop.science.constants import R
from galop.science.fields.inputs import (
    ANDERSON,
    RPE,
    AreaRatio,
    ChamberPressure,
    ChamberTemperature,
    Gamma,
    Mach,
    MolarMass,
)
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

MACH = Quantity("", "Mach number", words="nombre de Mach")
SupersonicMach = Annotated[
    float, Quantity("", "Mach number ahead, supersonic", 1, 50, "upstream Mach, nombre de Mach amont")
]
TotalPressure = Annotated[
    float, Quantity("Pa", "stagnation pressure", 1e-9, 1e12, "total chamber reservoir pressure, pression totale, de "
                                                             "chambre, d'arrêt")
]  # fmt: skip
BarPressure = Annotated[float, Quantity("bar", "chamber pressure", 0.01, 10_000, "pc, pression de chambre, foyer")]


@formula(
    "c_star = sqrt(R T / M) / G, G = sqrt(gamma) (2 / (gamma + 1))^((gamma + 1) / (2 (gamma - 1)))",
    f"{RPE}, eq. 3-32", {"c_star": Quantity("m/s", "characteristic velocity c*", words="c-star, vitesse "
                                                                                       "caractéristique")},
    words="vitesse caractéristique c* d'un gaz de combustion, masse molaire, température de chambre",
)  # fmt: skip
def characteristic_velocity(gamma: Gamma, molar_mass: MolarMass, temperature: ChamberTemperature) -> float:
    """Ideal characteristic velocity of a combustion gas."""
    return sqrt(R * temperature / (molar_mass * 1e-3)) / throat_function(gamma)


def throat_function(gamma: float) -> float:
    """The function of gamma alone in the mass flow through a throat."""
    return sqrt(gamma) * float((2 / (gamma + 1)) ** ((gamma + 1) / (2 * (gamma - 1))))


@formula(
    "A/At = (1/M) (2/(gamma+1) (1 + (gamma-1)/2 M^2))^((gamma+1)/(2(gamma-1)))", f"{RPE}, eq. 3-14",
    {
        "area_ratio": Quantity("", "area over throat area", words="area expansion ratio, rapport de section, de "
                                                                  "détente, A/A*"),
        "pressure_ratio": Quantity("", "static over chamber pressure", words="p/p0, rapport de pression"),
    },
    words="rapport de section à un nombre de Mach",
)  # fmt: skip
def area_at_mach(gamma: Gamma, mach: Mach) -> dict[str, float]:
    """Area ratio at which an ideal nozzle's flow has a Mach number."""
    return {"area_ratio": area_ratio_of(mach, gamma), "pressure_ratio": pressure_ratio_of(mach, gamma)}


def area_ratio_of(mach: float, gamma: float) -> float:
    """Area over throat area where an ideal flow has a Mach number."""
    return float((2 / (gamma + 1) * heated(mach, gamma)) ** ((gamma + 1) / (2 * (gamma - 1))) / mach)


def heated(mach: float, gamma: float) -> float:
    """Stagnation over static temperature."""
    return 1 + (gamma - 1) / 2 * mach * mach


def pressure_ratio_of(mach: float, gamma: float) -> float:
    """Static over chamber pressure where an ideal flow has a Mach number."""
    return float(heated(mach, gamma) ** (-gamma / (gamma - 1)))


def find_mach(area_ratio: float, gamma: float, supersonic: bool = True) -> float:
    """The Mach number of an area ratio, by bisection; the ratio grows with it above 1 and falls below.

    Raises ScienceError for a Mach number above 1e4.
    """
    low, high = (1.0, 2.0) if supersonic else (0.0, 1.0)
    while supersonic and area_ratio_of(high, gamma) < area_ratio:
        low, high = high, 2 * high
        if high > 1e4:
            raise ScienceError(f"area_ratio {area_ratio:g} is out of any nozzle's reach at gamma {gamma:g}")
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        wider = area_ratio_of(middle, gamma) > area_ratio
        low, high = (low, middle) if wider is supersonic else (middle, high)


@formula(
    "M from A/At = (1/M) (2/(gamma+1) (1 + (gamma-1)/2 M^2))^((gamma+1)/(2(gamma-1)))", f"{RPE}, eq. 3-14",
    {
        "mach": MACH,
        "pressure_ratio": Quantity("", "static over chamber pressure", words="p/p0, rapport de pression"),
    },
    words="Mach number from area ratio A/A*, subsonic or supersonic, nombre de Mach à un rapport de section, "
          "subsonique, supersonique, convergent, divergent",
)  # fmt: skip
def mach_at_area(
    gamma: Gamma, area_ratio: AreaRatio, flow: Literal["supersonic", "subsonic"] = "supersonic"
) -> dict[str, float]:
    """Mach number of an ideal flow at an area ratio, supersonic behind the throat or subsonic before it."""
    mach = find_mach(area_ratio, gamma, flow == "supersonic")
    return {"mach": mach, "pressure_ratio": pressure_ratio_of(mach, gamma)}


@formula(
    "T0/T = 1 + (gamma-1)/2 M^2, p0/p = (T0/T)^(gamma/(gamma-1)), rho0/rho = (T0/T)^(1/(gamma-1))",
    f"{ANDERSON}, eq. 3.28 to 3.31",
    {
        "temperature_ratio": Quantity("", "stagnation over static temperature T0/T", words="rapport de température"),
        "pressure_ratio": Quantity("", "stagnation over static pressure p0/p", words="rapport de pression"),
        "density_ratio": Quantity("", "stagnation over static density", words="rho0/rho, rapport de masse volumique"),
    },
    words="isentropic relations of a Mach number, total to static, relations isentropiques, totale, statique",
)  # fmt: skip
def stagnation_ratios(gamma: Gamma, mach: Mach) -> dict[str, float]:
    """Stagnation over static temperature, pressure and density at a Mach number."""
    ratio = heated(mach, gamma)
    return {
        "temperature_ratio": ratio,
        "pressure_ratio": ratio ** (gamma / (gamma - 1)),
        "density_ratio": ratio ** (1 / (gamma - 1)),
    }


@formula(
    "p*/p0 = (2/(gamma+1))^(gamma/(gamma-1))", f"{ANDERSON}, eq. 3.35",
    {
        "throat_pressure": Quantity("Pa", "pressure at the throat", words="critical sonic static pressure, pression "
                                                                          "au col, pression critique"),
        "pressure_ratio": Quantity("", "critical pressure ratio p*/p0", words="rapport de pression critique"),
    },
    words="critical pressure at the throat of a choked nozzle, sonic, pression au col, pression critique, col sonique",
)  # fmt: skip
def throat_pressure(gamma: Gamma, total_pressure: TotalPressure) -> dict[str, float]:
    """Static pressure at the throat of a choked nozzle."""
    ratio = (2 / (gamma + 1)) ** (gamma / (gamma - 1))
    return {"throat_pressure": total_pressure * ratio, "pressure_ratio": ratio}


@formula(
    "T*/T0 = 2/(gamma+1)", f"{ANDERSON}, eq. 3.34",
    {"throat_temperature": Quantity("K", "temperature at the throat", words="critical static, température au col")},
    words="critical temperature at the throat of a choked nozzle, sonic, température au col, température critique",
)  # fmt: skip
def throat_temperature(gamma: Gamma, chamber_temperature: ChamberTemperature) -> float:
    """Static temperature at the throat of a choked nozzle."""
    return chamber_temperature * 2 / (gamma + 1)


@formula(
    "T0 = T (1 + (gamma-1)/2 M^2)", f"{ANDERSON}, eq. 3.28",
    {"total_temperature": Quantity("K", "stagnation temperature", words="total, température totale, d'arrêt")},
    words="stagnation or total temperature of a flow at a Mach number, static temperature, température totale, "
          "statique",
)  # fmt: skip
def stagnation_temperature(
    temperature: Annotated[
        float, Quantity("K", "static temperature", 1, 10_000, "température statique, de l'écoulement")
    ],
    mach: Mach,
    gamma: Gamma,
) -> float:
    """Stagnation temperature of a flow."""
    return temperature * heated(mach, gamma)


@formula(
    "p0 = p (1 + (gamma-1)/2 M^2)^(gamma/(gamma-1))", f"{ANDERSON}, eq. 3.30",
    {"total_pressure": Quantity("Pa", "stagnation pressure", words="total, pression totale, d'arrêt, chamber "
                                                                   "pressure")},
    words="stagnation or total pressure of a flow at a Mach number, static pressure, pression totale, statique",
)  # fmt: skip
def stagnation_pressure(
    pressure: Annotated[float, Quantity("Pa", "static pressure", 1e-9, 1e12, "pression statique, exit pressure")],
    mach: Mach,
    gamma: Gamma,
) -> float:
    """Stagnation pressure of a flow."""
    return pressure / pressure_ratio_of(mach, gamma)


@formula(
    "M = sqrt(2/(gamma-1) ((p0/p)^((gamma-1)/gamma) - 1))", f"{ANDERSON}, eq. 3.30", {"mach": MACH},
    words="Mach number from pressure ratio p0/p, stagnation and static pressure, nombre de Mach, pression totale, "
          "statique",
)  # fmt: skip
def mach_at_pressure(
    total_pressure: TotalPressure,
    pressure: Annotated[
        float, Quantity("Pa", "static pressure", 1e-9, 1e12, "exit local pressure, pression statique, de sortie, "
                                                             "locale")
    ],
    gamma: Gamma,
) -> float:  # fmt: skip
    """Mach number of an ideal flow from its stagnation and static pressure.

    Raises ScienceError where the static pressure is the higher.
    """
    if pressure > total_pressure:
        raise ScienceError(
            "pressure has to be at most total_pressure: a flow's static pressure is below its stagnation's"
        )
    return sqrt(2 / (gamma - 1) * ((total_pressure / pressure) ** ((gamma - 1) / gamma) - 1))


@formula(
    "a = sqrt(gamma R T / M)", f"{ANDERSON}, eq. 3.20",
    {"speed_of_sound": Quantity("m/s", "speed of sound", words="sonic velocity, vitesse du son, célérité")},
    words="speed of sound of an ideal gas, vitesse du son, célérité, gaz parfait",
)  # fmt: skip
def speed_of_sound(
    gamma: Gamma,
    molar_mass: MolarMass,
    temperature: Annotated[
        float, Quantity("K", "static temperature", 1, 10_000, "gas temperature, température du gaz")
    ],
) -> float:
    """Speed of sound in an ideal gas."""
    return sqrt(gamma * R * temperature / (molar_mass * 1e-3))


@formula(
    "the Mach number from A/At; pe/pc = (1 + (gamma-1)/2 M^2)^(-gamma/(gamma-1)); CF = sqrt(2 gamma^2/(gamma-1) "
    "(2/(gamma+1))^((gamma+1)/(gamma-1)) (1 - (pe/pc)^((gamma-1)/gamma))) + (pe/pc - pa/pc) A/At",
    f"{RPE}, eq. 3-14, 3-25 and 3-30",
    {
        "mach": Quantity("", "exit Mach number", words="nombre de Mach de sortie"),
        "pressure_ratio": Quantity("", "exit over chamber pressure", words="pe/pc, rapport de pression"),
        "thrust_coefficient": Quantity("", "thrust coefficient CF", words="C_F, coefficient de poussée"),
    },
    words="tuyère idéale, nombre de Mach de sortie, rapport de pression, coefficient de poussée",
)  # fmt: skip
def nozzle(
    gamma: Gamma,
    area_ratio: AreaRatio,
    pressure: BarPressure = 1.0,
    ambient_pressure: Annotated[
        float, Quantity("bar", "ambient pressure, 0 in vacuum", 0, 100, "atmospheric, pression ambiante, atmosphérique")
    ] = 0.0,
) -> dict[str, float]:
    """Ideal nozzle of a given area ratio, full and supersonic.

    Raises ScienceError where the flow would separate from the wall.
    """
    mach = find_mach(area_ratio, gamma)
    ratio = pressure_ratio_of(mach, gamma)
    if ambient_pressure and ratio * pressure < 0.25 * ambient_pressure:
        raise ScienceError(
            f"the flow would separate: the exit pressure {ratio * pressure:.3g} bar is below a quarter of the ambient"
        )
    return {
        "mach": mach,
        "pressure_ratio": ratio,
        "thrust_coefficient": momentum(ratio, gamma) + (ratio - ambient_pressure / pressure) * area_ratio,
    }


def momentum(ratio: float, gamma: float) -> float:
    """The part of the thrust coefficient that the exit velocity makes, at an exit over chamber pressure."""
    return throat_function(gamma) * sqrt(2 * gamma / (gamma - 1) * (1 - ratio ** ((gamma - 1) / gamma)))


@formula(
    "pe = pc (1 + (gamma-1)/2 M^2)^(-gamma/(gamma-1)), M from the area ratio", f"{RPE}, eq. 3-13 and 3-14",
    {
        "exit_pressure": Quantity("Pa", "pressure at the nozzle exit", words="exit pressure, pression de sortie"),
        "mach": Quantity("", "exit Mach number", words="nombre de Mach de sortie"),
    },
    words="exit pressure of a nozzle from area ratio and chamber pressure, pression de sortie d'une tuyère",
)  # fmt: skip
def exit_pressure(gamma: Gamma, area_ratio: AreaRatio, chamber_pressure: ChamberPressure) -> dict[str, float]:
    """Pressure at the exit of an ideal nozzle of an area ratio, full and supersonic."""
    mach = find_mach(area_ratio, gamma)
    return {"exit_pressure": chamber_pressure * pressure_ratio_of(mach, gamma), "mach": mach}


@formula(
    "ve = sqrt(2 gamma/(gamma-1) R T/M (1 - (pe/pc)^((gamma-1)/gamma))), Te = T (pe/pc)^((gamma-1)/gamma)",
    f"{RPE}, eq. 3-16",
    {
        "exit_velocity": Quantity("m/s", "exit velocity", words="exhaust jet velocity, vitesse de sortie, d'éjection"),
        "exit_temperature": Quantity("K", "temperature at the nozzle exit", words="température de sortie"),
        "mach": Quantity("", "exit Mach number", words="nombre de Mach de sortie"),
    },
    words="exhaust velocity of a nozzle from chamber temperature, molar mass and pressure ratio, vitesse d'éjection, "
          "pression de chambre, pression de sortie, masse molaire",
)  # fmt: skip
def exit_velocity(
    gamma: Gamma,
    molar_mass: MolarMass,
    chamber_temperature: ChamberTemperature,
    chamber_pressure: ChamberPressure,
    exit_pressure: Annotated[
        float,
        Quantity("Pa", "pressure at the nozzle exit", 0, 1e9, "exit pressure p2, pression de sortie"),
    ],
) -> dict[str, float]:
    """Exit velocity of an ideal nozzle that expands to an exit pressure.

    Raises ScienceError where the exit's pressure is not below the chamber's.
    """
    if not exit_pressure < chamber_pressure:
        raise ScienceError("exit_pressure has to be below chamber_pressure, or nothing flows out")
    share = (exit_pressure / chamber_pressure) ** ((gamma - 1) / gamma)
    velocity = sqrt(2 * gamma / (gamma - 1) * R * chamber_temperature / (molar_mass * 1e-3) * (1 - share))
    found = {"exit_velocity": velocity, "exit_temperature": chamber_temperature * share}
    return found if not share else {**found, "mach": sqrt(2 / (gamma - 1) * (1 / share - 1))}


@formula(
    "ve = sqrt(2 gamma/(gamma-1) R T/M (1 - (pc/pe)^(-(gamma-1)/gamma)))", f"{RPE}, eq. 3-16",
    {"exit_velocity": Quantity("m/s", "exit velocity", words="exhaust jet velocity, vitesse de sortie, d'éjection")},
    words="ideal exhaust velocity of a nozzle from its pressure ratio, vitesse d'éjection, rapport de pression",
)  # fmt: skip
def exit_velocity_of_ratio(
    gamma: Gamma,
    molar_mass: MolarMass,
    chamber_temperature: ChamberTemperature,
    expansion: Annotated[float, Quantity("", "chamber over exit pressure", 1, 1e9, "nozzle pressure ratio pc/pe, NPR, "
                                         "rapport de pression")],
) -> float:  # fmt: skip
    """Exit velocity of an ideal nozzle that expands by a pressure ratio."""
    share = expansion ** -((gamma - 1) / gamma)
    return sqrt(2 * gamma / (gamma - 1) * R * chamber_temperature / (molar_mass * 1e-3) * (1 - share))


@formula(
    "pe = pa; M from pc/pa, the area ratio from M, CF = G sqrt(2 gamma/(gamma-1) (1 - (pe/pc)^((gamma-1)/gamma)))",
    f"{RPE}, ch. 3.3",
    {
        "area_ratio": Quantity("", "nozzle exit area over throat area", words="area expansion ratio, rapport de "
                                                                              "section"),
        "mach": Quantity("", "exit Mach number", words="nombre de Mach de sortie"),
        "thrust_coefficient": Quantity("", "thrust coefficient CF", words="C_F, coefficient de poussée"),
    },
    words="optimum expansion, adapted matched nozzle, ideal area ratio at an altitude or sea level, tuyère adaptée, "
          "détente optimale, rapport de section optimal",
)  # fmt: skip
def optimum_expansion(
    gamma: Gamma,
    chamber_pressure: ChamberPressure,
    exit_pressure: Annotated[
        float, Quantity("Pa", "pressure to which the nozzle is adapted", 1e-3, 1e8, "sea level, pression de sortie, "
                        "d'adaptation, niveau de la mer")
    ],
) -> dict[str, float]:  # fmt: skip
    """Area ratio and thrust coefficient of an ideal nozzle whose exit pressure is the ambient pressure.

    Raises ScienceError where the throat would not be sonic.
    """
    ratio = exit_pressure / chamber_pressure
    if ratio > (2 / (gamma + 1)) ** (gamma / (gamma - 1)):
        raise ScienceError("chamber_pressure is too low over exit_pressure for a sonic throat")
    mach = sqrt(2 / (gamma - 1) * (ratio ** ((1 - gamma) / gamma) - 1))
    return {"area_ratio": area_ratio_of(mach, gamma), "mach": mach, "thrust_coefficient": momentum(ratio, gamma)}


@formula(
    "mass_flow = Cd p0 A G sqrt(M / (R T0)), G = sqrt(gamma) (2 / (gamma + 1))^((gamma + 1) / (2 (gamma - 1)))",
    f"{RPE}, eq. 3-24",
    {"mass_flow": Quantity("kg/s", "mass flow", words="débit massique, débit de gaz")},
    words="choked or sonic flow of a gas through an orifice, hole, venturi, throat, leak, orifice sonique, col, "
          "fuite, débit de gaz",
)  # fmt: skip
def choked_gas_flow(
    gamma: Gamma,
    molar_mass: MolarMass,
    temperature: Annotated[
        float,
        Quantity("K", "stagnation temperature", 1, 6000, "gas temperature upstream, température du gaz amont, totale"),
    ],
    pressure: Annotated[
        float,
        Quantity("Pa", "stagnation pressure", 0, 1e9, "upstream supply tank pressure, pression amont, d'alimentation"),
    ],
    area: Annotated[float, Quantity("m^2", "orifice area", 0, 1000, "throat hole area, section de l'orifice, du col")],
    discharge_coefficient: Annotated[
        float, Quantity("", "discharge coefficient", 0.01, 1, "Cd, coefficient de décharge, de débit")
    ] = 1.0,
) -> float:
    """Mass flow of an ideal gas through a choked orifice or throat."""
    return (
        discharge_coefficient * pressure * area * throat_function(gamma) * sqrt(molar_mass * 1e-3 / (R * temperature))
    )


@formula(
    "M2^2 = (1 + (gamma-1)/2 M1^2) / (gamma M1^2 - (gamma-1)/2), p2/p1 = 1 + 2 gamma/(gamma+1) (M1^2 - 1), rho2/rho1 "
    "= (gamma+1) M1^2 / (2 + (gamma-1) M1^2)", f"{ANDERSON}, eq. 3.51, 3.53 and 3.57",
    {
        "mach_behind": Quantity("", "Mach number behind the shock", words="downstream, Mach aval derrière le choc"),
        "pressure_ratio": Quantity("", "static pressure behind over ahead p2/p1", words="rise factor across, rapport "
                                                                                        "de pression"),
        "density_ratio": Quantity("", "density behind over ahead", words="rho2/rho1, rapport de masse volumique"),
        "temperature_ratio": Quantity("", "static temperature behind over ahead T2/T1", words="rapport de température"),
        "total_pressure_ratio": Quantity("", "stagnation pressure behind over ahead", words="p02/p01 recovery, perte "
                                                                                            "de pression totale"),
    },
    words="normal shock wave, onde de choc droite, choc normal",
)  # fmt: skip
def normal_shock(gamma: Gamma, mach: SupersonicMach) -> dict[str, float]:
    """Flow behind a normal shock."""
    squared = mach * mach
    behind = sqrt(heated(mach, gamma) / (gamma * squared - (gamma - 1) / 2))
    pressure = 1 + 2 * gamma / (gamma + 1) * (squared - 1)
    density = (gamma + 1) * squared / (2 + (gamma - 1) * squared)
    return {
        "mach_behind": behind,
        "pressure_ratio": pressure,
        "density_ratio": density,
        "temperature_ratio": pressure / density,
        "total_pressure_ratio": pressure * pressure_ratio_of(mach, gamma) / pressure_ratio_of(behind, gamma),
    }


@formula(
    "nu = sqrt((gamma+1)/(gamma-1)) atan(sqrt((gamma-1)/(gamma+1) (M^2-1))) - atan(sqrt(M^2-1)), mu = asin(1/M)",
    f"{ANDERSON}, eq. 4.44 and 4.1",
    {
        "angle": Quantity("deg", "Prandtl-Meyer angle", words="turning expansion angle, angle de détente, de "
                                                              "déviation"),
        "mach_angle": Quantity("deg", "Mach angle", words="angle de Mach"),
    },
    words="Prandtl-Meyer function of supersonic expansion, détente de Prandtl-Meyer, angle de Mach",
)  # fmt: skip
def prandtl_meyer(gamma: Gamma, mach: SupersonicMach) -> dict[str, float]:
    """Prandtl-Meyer angle, by which a sonic flow turns while it expands to a Mach number, and the Mach angle."""
    root, ratio = sqrt(mach * mach - 1), sqrt((gamma + 1) / (gamma - 1))
    return {"angle": degrees(ratio * atan(root / ratio) - atan(root)), "mach_angle": degrees(asin(1 / mach))}
