"""Rocket propulsion: ideal nozzles in closed form, combustion at equilibrium by NASA's CEA."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Annotated, Literal

import cea
import numpy as np

from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

G0, R = 9.80665, 8.314462618
RPE = "Sutton & Biblarz, Rocket Propulsion Elements, 9th ed."
CEA = "NASA CEA (Gordon & McBride, NASA RP-1311, 1994)"
Gamma = Annotated[float, Quantity("", "ratio of specific heats", 1.01, 1.67)]
Pressure = Annotated[float, Quantity("bar", "chamber pressure", 0.1, 1000)]
AreaRatio = Annotated[float, Quantity("", "nozzle exit area over throat area", 1, 1000)]
Fuel = Literal["LH2", "LCH4", "RP-1", "ethanol", "methanol", "MMH", "UDMH", "N2H4", "NH3", "Jet-A", "C3H8"]
Oxidiser = Literal["LOX", "N2O4", "H2O2", "N2O"]
# CEA's name, the temperature at which it is stored [K], as a liquid but for N2O, and the formula for stoichiometry.
REACTANTS: dict[str, tuple[str, float, dict[str, float]]] = {
    "LH2": ("H2(L)", 20.27, {"H": 2}), "LCH4": ("CH4(L)", 111.643, {"C": 1, "H": 4}),
    "RP-1": ("RP-1", 298.15, {"C": 1, "H": 1.95}), "ethanol": ("C2H5OH(L)", 298.15, {"C": 2, "H": 6, "O": 1}),
    "methanol": ("CH3OH(L)", 298.15, {"C": 1, "H": 4, "O": 1}),
    "MMH": ("CH6N2(L)", 298.15, {"C": 1, "H": 6, "N": 2}),
    "UDMH": ("C2H8N2(L),UDMH", 298.15, {"C": 2, "H": 8, "N": 2}),
    "N2H4": ("N2H4(L)", 298.15, {"N": 2, "H": 4}), "NH3": ("NH3(L)", 239.72, {"N": 1, "H": 3}),
    "Jet-A": ("Jet-A(L)", 298.15, {"C": 12, "H": 23}), "C3H8": ("C3H8(L)", 231.08, {"C": 3, "H": 8}),
    "LOX": ("O2(L)", 90.17, {"O": 2}), "N2O4": ("N2O4(L)", 298.15, {"N": 2, "O": 4}),
    "H2O2": ("H2O2(L)", 298.15, {"H": 2, "O": 2}), "N2O": ("N2O", 298.15, {"N": 2, "O": 1}),
}  # fmt: skip
MASS = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999}
VALENCE = {"C": 4, "H": 1, "O": -2, "N": 0}  # of the elements in CO2, H2O and N2


@formula(
    "delta_v = isp * g0 * ln(initial_mass / final_mass)",
    f"Tsiolkovsky, 1903; {RPE}, ch. 4", {"delta_v": Quantity("m/s", "velocity change")},
)  # fmt: skip
def rocket_equation(
    isp: Annotated[float, Quantity("s", "specific impulse", 1, 20_000)],
    initial_mass: Annotated[float, Quantity("kg", "mass before the burn", 0)],
    final_mass: Annotated[float, Quantity("kg", "mass after the burn", 0)],
) -> float:
    """Velocity change of a rocket stage (Tsiolkovsky).

    Raises ScienceError where the mass after the burn is none, or more than before.
    """
    if not 0 < final_mass <= initial_mass:
        raise ScienceError("final_mass has to be above 0 and at most initial_mass")
    return isp * G0 * log(initial_mass / final_mass)


@formula(
    "thrust = mass_flow * exit_velocity + (exit_pressure - ambient_pressure) * exit_area", f"{RPE}, eq. 2-13",
    {"thrust": Quantity("N", "thrust"), "isp": Quantity("s", "specific impulse")},
)  # fmt: skip
def thrust(
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 1e-9)],
    exit_velocity: Annotated[float, Quantity("m/s", "exit velocity", 0, 100_000)],
    exit_pressure: Annotated[float, Quantity("Pa", "pressure at the nozzle exit", 0)] = 0.0,
    ambient_pressure: Annotated[float, Quantity("Pa", "ambient pressure", 0)] = 0.0,
    exit_area: Annotated[float, Quantity("m^2", "nozzle exit area", 0)] = 0.0,
) -> dict[str, float]:
    """Thrust of a rocket engine from its momentum and pressure terms."""
    force = mass_flow * exit_velocity + (exit_pressure - ambient_pressure) * exit_area
    return {"thrust": force, "isp": force / (mass_flow * G0)}


@formula(
    "elements balanced to CO2, H2O and N2", f"{RPE}, ch. 5",
    {"of": Quantity("", "stoichiometric mixture ratio O/F by mass")},
)  # fmt: skip
def stoichiometric_ratio(fuel: Fuel, oxidiser: Oxidiser) -> float:
    """Fuel and oxidiser that burn completely, by mass."""

    def mass_and_valence(name: str) -> tuple[float, float]:
        atoms = REACTANTS[name][2]
        return sum(MASS[e] * n for e, n in atoms.items()), sum(VALENCE[e] * n for e, n in atoms.items())

    fuel_mass, needed = mass_and_valence(fuel)
    oxidiser_mass, brought = mass_and_valence(oxidiser)
    return needed / -brought * oxidiser_mass / fuel_mass


@formula(
    "c_star = sqrt(R T / M) / G, G = sqrt(gamma) (2 / (gamma + 1))^((gamma + 1) / (2 (gamma - 1)))",
    f"{RPE}, eq. 3-32", {"c_star": Quantity("m/s", "characteristic velocity c*")},
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
    "mass_flow = pressure * throat_area / c_star", f"{RPE}, eq. 3-32",
    {"mass_flow": Quantity("kg/s", "mass flow")},
)  # fmt: skip
def choked_flow(
    pressure: Annotated[float, Quantity("Pa", "chamber pressure", 1, 1e9)],
    throat_area: Annotated[float, Quantity("m^2", "throat area", 0)],
    c_star: Annotated[float, Quantity("m/s", "characteristic velocity c*", 100, 10_000)],
) -> float:
    """Mass flow through a choked throat."""
    return pressure * throat_area / c_star


@formula(
    "A/At = (1/M) (2/(gamma+1) (1 + (gamma-1)/2 M^2))^((gamma+1)/(2(gamma-1)))", f"{RPE}, eq. 3-14",
    {
        "area_ratio": Quantity("", "area over throat area"),
        "pressure_ratio": Quantity("", "static over chamber pressure"),
    },
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


def equilibrium(
    fuel: str, oxidiser: str, of: float, pressure: float, area_ratio: float, freeze: int = 0
) -> cea.RocketSolution:
    """CEA's solution for an infinite-area combustor, frozen from point `freeze` (1 chamber, 2 throat; 0 shifting).

    Raises ScienceError where it does not converge.
    """
    (fuel_name, fuel_t, _), (oxidiser_name, oxidiser_t, _) = REACTANTS[fuel], REACTANTS[oxidiser]
    reactants = cea.Mixture([fuel_name, oxidiser_name])
    solver = cea.RocketSolver(
        cea.Mixture([fuel_name, oxidiser_name], products_from_reactants=True), reactants=reactants
    )
    solution = cea.RocketSolution(solver)
    weights = reactants.of_ratio_to_weights(np.array([0.0, 1.0]), np.array([1.0, 0.0]), of)
    enthalpy = reactants.calc_property(cea.ENTHALPY, weights, np.array([fuel_t, oxidiser_t])) / cea.R
    frozen = {"n_frz": freeze} if freeze else {}
    solver.solve(solution, weights, pressure, [1.5], supar=[area_ratio], hc=enthalpy, iac=True, **frozen)
    if not solution.converged:
        raise ScienceError(f"CEA finds no equilibrium for {fuel}/{oxidiser} at O/F {of:g} and {pressure:g} bar")
    return solution


@formula(
    "minimum of Gibbs energy in the chamber at the propellants' enthalpy, isentropic expansion", CEA,
    {
        "isp_vacuum": Quantity("s", "vacuum specific impulse, shifting equilibrium"),
        "isp_frozen": Quantity("s", "vacuum specific impulse, frozen from the chamber"),
        "c_star": Quantity("m/s", "characteristic velocity c*"),
        "chamber_temperature": Quantity("K", "chamber temperature"),
        "gamma": Quantity("", "isentropic exponent in the chamber"),
        "molar_mass": Quantity("g/mol", "molar mass of the chamber gas"),
    },
)  # fmt: skip
def isp(
    fuel: Fuel,
    oxidiser: Oxidiser,
    of: Annotated[float, Quantity("", "mixture ratio O/F by mass", 0.05, 100)],
    pressure: Pressure,
    area_ratio: Annotated[float, Quantity("", "nozzle exit area over throat area", 1.01, 1000)],
) -> dict[str, float]:
    """Theoretical performance of a propellant pair at chemical equilibrium, with a nozzle of an area ratio in
    vacuum."""
    shifting = equilibrium(fuel, oxidiser, of, pressure, area_ratio)
    frozen = equilibrium(fuel, oxidiser, of, pressure, area_ratio, 1)
    return {
        "isp_vacuum": float(shifting.Isp_vacuum[-1]) / G0,
        "isp_frozen": float(frozen.Isp_vacuum[-1]) / G0,
        "c_star": float(shifting.c_star[0]),
        "chamber_temperature": float(shifting.T[0]),
        "gamma": float(shifting.gamma_s[0]),
        "molar_mass": float(shifting.MW[0]),
    }


@formula(
    "golden-section search over O/F, shifting equilibrium",
    CEA,
    {
        "of": Quantity("", "mixture ratio O/F by mass"),
        "isp_vacuum": Quantity("s", "vacuum specific impulse there"),
    },
)  # fmt: skip
def best_mixture_ratio(
    fuel: Fuel,
    oxidiser: Oxidiser,
    pressure: Pressure,
    area_ratio: Annotated[float, Quantity("", "nozzle exit area over throat area", 1.01, 1000)],
) -> dict[str, float]:
    """Mixture ratio with the highest vacuum specific impulse."""

    def value(of: float) -> float:
        return float(equilibrium(fuel, oxidiser, of, pressure, area_ratio).Isp_vacuum[-1]) / G0

    full = stoichiometric_ratio.function(fuel, oxidiser)
    low, high, golden = 0.3 * full, 1.2 * full, (sqrt(5) - 1) / 2
    while high - low > 1e-3 * full:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (a, high) if value(a) < value(b) else (low, b)
    return {"of": (low + high) / 2, "isp_vacuum": value((low + high) / 2)}


@formula(
    "power = mass_flow * pressure_rise / (density * efficiency)",
    "Huzel & Huang, Design of Liquid Propellant Rocket Engines, NASA SP-125, 1971, ch. VI",
    {"power": Quantity("W", "shaft power")},
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


@formula(
    "h = 0.026 / Dt^0.2 (mu^0.2 cp / Pr^0.6) (pc / c*)^0.8 (Dt / rc)^0.1 (At / A)^0.9 sigma",
    "Bartz, Jet Propulsion 27 (1957) 49; NASA SP-125, eq. 4-13",
    {
        "heat_transfer": Quantity("W/m^2/K", "heat-transfer coefficient"),
        "sigma": Quantity("", "correction for properties"),
    },
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


@formula("area = pi d^2 / 4", "geometry", {"area": Quantity("m^2", "area")})
def circle_area(diameter: Annotated[float, Quantity("m", "diameter", 0)]) -> float:
    """Area of a circle, such as a throat's from its diameter."""
    return pi * diameter * diameter / 4
