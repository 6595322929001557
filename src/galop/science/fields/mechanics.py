"""Mechanics and electric circuits: what is asked beside everything else."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.formula import Quantity, formula

OHM = "Ohm, 1827"
JOULE = "Joule, 1841"
MECHANICS = "Newton, 1687"
HOOKE = "Hooke, 1678; Timoshenko, Strength of Materials, 1930"
Voltage = Annotated[float, Quantity("V", "voltage", 0, 1e9, words="U potential difference across, tension")]
ElectricCurrent = Annotated[float, Quantity("A", "current", 0, 1e9, words="I amperage, courant intensité")]
Resistance = Annotated[float, Quantity("ohm", "resistance", 1e-12, 1e15, words="R, résistance")]
Power = Annotated[float, Quantity("W", "power", 0, 1e18, words="P, puissance")]
Duration = Annotated[float, Quantity("s", "time", 0, 1e15, words="duration for t, durée temps pendant")]
Mass = Annotated[float, Quantity("kg", "mass", 0, 1e30, words="m, masse")]
Force = Annotated[float, Quantity("N", "force", 0, 1e15, words="load F, force charge")]
Section = Annotated[float, Quantity("m^2", "area", 1e-18, 1e12, words="cross-section A S, aire section surface")]
Speed = Annotated[float, Quantity("m/s", "velocity", 0, 3e7, words="speed v, vitesse")]
Gravity = Annotated[float, Quantity("m/s^2", "acceleration of gravity", 0, 1000, words="g, pesanteur gravité")]
VOLTAGE = Quantity("V", "voltage", words="U drop across, tension")
POWER = Quantity("W", "power", words="P electric dissipated, puissance électrique dissipée")


@formula(
    "U = R I", OHM, {"voltage": VOLTAGE},
    words="Ohm's law voltage current resistance, loi d'Ohm tension courant résistance",
)  # fmt: skip
def ohm(current: ElectricCurrent, resistance: Resistance) -> float:
    """Voltage across a resistance; solved for it, current or resistance (Ohm)."""
    return current * resistance


@formula(
    "P = U I", JOULE, {"power": POWER}, words="electric power voltage current, puissance électrique tension courant",
)  # fmt: skip
def electric_power(voltage: Voltage, current: ElectricCurrent) -> float:
    """Electric power of a current at a voltage."""
    return voltage * current


@formula(
    "P = R I^2", JOULE, {"power": POWER},
    words="Joule heating power dissipated in a resistance current, effet Joule puissance dissipée résistance courant",
)  # fmt: skip
def joule_heating(current: ElectricCurrent, resistance: Resistance) -> float:
    """Power that a current turns into heat in a resistance (Joule)."""
    return resistance * current**2


@formula(
    "P = U^2 / R", JOULE, {"power": POWER},
    words="power of a resistor at a voltage, puissance d'une résistance sous une tension",
)  # fmt: skip
def power_at_voltage(voltage: Voltage, resistance: Resistance) -> float:
    """Power of a resistance at a voltage."""
    return voltage**2 / resistance


@formula(
    "W = P t", "definition", {"energy": Quantity("kW*h", "energy",
                                                 words="consumption kWh W used, énergie consommation consommée")},
    words="energy from power and time consumption, énergie puissance durée consommation électrique",
)  # fmt: skip
def energy_of_power(power: Power, time: Duration) -> float:
    """Energy of a power over a time."""
    return power * time / 3.6e6


@formula(
    "R = rho L / A", f"{OHM}; Pouillet, 1837",
    {"resistance": Quantity("ohm", "resistance of the wire", words="R cable conductor, résistance du fil câble")},
    words="resistance of a wire cable from resistivity length section, résistance d'un fil résistivité longueur "
          "section",
)  # fmt: skip
def wire_resistance(
    resistivity: Annotated[float, Quantity("ohm*m", "resistivity", 1e-12, 1e18, words="rho ρ copper, résistivité")],
    length: Annotated[float, Quantity("m", "length", 0, 1e9, words="L cable, longueur")],
    area: Section,
) -> float:
    """Resistance of a wire."""
    return resistivity * length / area


@formula(
    "1 / R = 1 / R1 + 1 / R2", OHM,
    {"resistance": Quantity("ohm", "resistance of both", words="parallel, équivalente en parallèle")},
    words="resistors in parallel equivalent resistance, résistances en parallèle équivalente",
)  # fmt: skip
def parallel_resistance(
    first: Annotated[float, Quantity("ohm", "first resistance", 1e-12, 1e15, words="R1, première résistance")],
    second: Annotated[float, Quantity("ohm", "second resistance", 1e-12, 1e15, words="R2, deuxième résistance")],
) -> float:
    """Resistance of two resistors in parallel."""
    return 1 / (1 / first + 1 / second)


@formula(
    "tau = R C, f = 1 / (2 pi R C)", "Horowitz & Hill, The Art of Electronics, 3rd ed., sec. 1.4 and 1.7",
    {
        "time_constant": Quantity("s", "time constant", words="τ RC, constante de temps"),
        "frequency": Quantity("Hz", "cutoff frequency", words="corner -3 dB, fréquence de coupure"),
    },
    words="RC circuit time constant cutoff frequency, circuit RC constante de temps fréquence de coupure",
)  # fmt: skip
def rc_circuit(
    resistance: Resistance,
    capacitance: Annotated[
        float, Quantity("F", "capacitance", 1e-18, 1e9, words="C capacitor, capacité du condensateur")
    ],
) -> dict[str, float]:
    """Time constant and cutoff frequency of a resistor and a capacitor."""
    tau = resistance * capacitance
    return {"time_constant": tau, "frequency": 1 / (2 * pi * tau)}


@formula(
    "E = m v^2 / 2", MECHANICS, {"energy": Quantity("J", "kinetic energy", words="E, énergie cinétique")},
    words="kinetic energy of a mass at a velocity, énergie cinétique d'une masse vitesse",
)  # fmt: skip
def kinetic_energy(mass: Mass, velocity: Speed) -> float:
    """Kinetic energy of a mass; solved for it, the velocity."""
    return mass * velocity**2 / 2


@formula(
    "E = m g h", MECHANICS, {"energy": Quantity("J", "potential energy", words="E lifting, énergie potentielle")},
    words="potential energy of a mass lifted to a height, énergie potentielle de pesanteur hauteur",
)  # fmt: skip
def potential_energy(
    mass: Mass,
    height: Annotated[float, Quantity("m", "height", 0, 1e7, words="h lifted, hauteur")],
    gravity: Gravity = G0,
) -> float:
    """Potential energy of a mass at a height."""
    return mass * gravity * height


@formula(
    "F = m a", MECHANICS, {"force": Quantity("N", "force", words="F net thrust, force")},
    words="Newton second law force mass acceleration, deuxième loi de Newton force masse accélération",
)  # fmt: skip
def newton(
    mass: Mass, acceleration: Annotated[float, Quantity("m/s^2", "acceleration", 0, 1e9, words="a, accélération")]
) -> float:
    """Force that accelerates a mass (Newton)."""
    return mass * acceleration


@formula(
    "F = m g", MECHANICS, {"force": Quantity("N", "weight", words="force of gravity, poids")},
    words="weight of a mass gravity, poids d'une masse pesanteur",
)  # fmt: skip
def weight(mass: Mass, gravity: Gravity = G0) -> float:
    """Weight of a mass."""
    return mass * gravity


@formula(
    "v = sqrt(2 g h), t = sqrt(2 h / g)", "Galilei, 1638",
    {
        "velocity": Quantity("m/s", "velocity after the fall", words="impact speed, vitesse d'impact"),
        "time": Quantity("s", "time of the fall", words="duration t, durée temps de chute"),
    },
    words="free fall velocity time height, chute libre vitesse durée hauteur",
)  # fmt: skip
def free_fall(
    height: Annotated[float, Quantity("m", "height", 0, 1e6, words="h dropped from, hauteur")], gravity: Gravity = G0
) -> dict[str, float]:
    """Velocity and time of a free fall without drag."""
    return {"velocity": sqrt(2 * gravity * height), "time": sqrt(2 * height / gravity)}


@formula(
    "rho = m / V", "definition", {"density": Quantity("kg/m^3", "density", words="rho ρ, masse volumique densité")},
    words="density mass volume, masse volumique masse volume",
)  # fmt: skip
def density_of_mass(
    mass: Mass, volume: Annotated[float, Quantity("m^3", "volume", 1e-24, 1e27, words="V, volume")]
) -> float:
    """Density of a mass in a volume; solved for it, mass or volume."""
    return mass / volume


@formula(
    "p = F / A", "definition", {"pressure": Quantity("Pa", "pressure", words="p, pression")},
    words="pressure from force and area, pression force surface",
)  # fmt: skip
def pressure_of_force(force: Force, area: Section) -> float:
    """Pressure of a force on an area."""
    return force / area


@formula(
    "p = p0 + rho g h", "Stevin, 1586; Pascal, 1653",
    {"pressure": Quantity("Pa", "pressure at the depth", words="hydrostatic p bottom, pression hydrostatique au fond")},
    words="hydrostatic pressure depth column of liquid, pression hydrostatique profondeur colonne de liquide",
)  # fmt: skip
def hydrostatic_pressure(
    depth: Annotated[
        float, Quantity("m", "depth", 0, 1e5, words="height column h level, profondeur hauteur de liquide")
    ],
    density: Annotated[
        float, Quantity("kg/m^3", "density of the liquid", 1e-3, 30_000, words="rho ρ, masse volumique du liquide")
    ],
    surface_pressure: Annotated[
        float,
        Quantity(
            "Pa",
            "pressure at the surface, 0 for the gauge pressure",
            0,
            1e10,
            words="atmospheric p0, pression à la surface",
        ),
    ] = 0.0,
    gravity: Gravity = G0,
) -> float:
    """Pressure at a depth in a liquid, above that at the surface unless this is given."""
    return surface_pressure + density * gravity * depth


@formula(
    "F = rho g V", "Archimedes", {"force": Quantity("N", "buoyancy",
                                                    words="buoyant force upthrust, poussée d'Archimède")},
    words="buoyancy Archimedes displaced volume, poussée d'Archimède volume déplacé",
)  # fmt: skip
def buoyancy(
    volume: Annotated[float, Quantity("m^3", "volume displaced", 0, 1e15, words="V submerged, volume déplacé immergé")],
    density: Annotated[
        float, Quantity("kg/m^3", "density of the fluid", 1e-6, 30_000, words="rho ρ, masse volumique du fluide")
    ],
    gravity: Gravity = G0,
) -> float:
    """Buoyancy of a volume in a fluid (Archimedes)."""
    return density * gravity * volume


@formula(
    "stress = F / A, strain = stress / E", HOOKE,
    {
        "stress": Quantity("MPa", "stress", words="normal tensile σ, contrainte"),
        "strain": Quantity("", "strain", words="ε relative elongation, déformation allongement relatif"),
    },
    words="stress strain of a rod under a load Young's modulus, contrainte déformation d'une barre module de Young",
)  # fmt: skip
def stress_and_strain(
    force: Force,
    area: Section,
    elastic_modulus: Annotated[
        float, Quantity("GPa", "elastic modulus", 1e-9, 2000, words="Young's modulus E, module d'Young d'élasticité")
    ] = 210.0,
) -> dict[str, float]:
    """Stress and strain of a rod under a load; the strain is steel's unless a modulus is given."""
    stress = force / area / 1e6
    return {"stress": stress, "strain": stress / (elastic_modulus * 1000)}


@formula(
    "dL = F L / (E A)", HOOKE, {"elongation": Quantity("mm", "elongation", words="ΔL stretch, allongement")},
    words="elongation of a rod under a load Hooke, allongement d'une barre sous charge Hooke",
)  # fmt: skip
def elongation(
    force: Force,
    length: Annotated[float, Quantity("m", "length", 0, 1e7, words="L, longueur")],
    area: Section,
    elastic_modulus: Annotated[
        float, Quantity("GPa", "elastic modulus", 1e-9, 2000, words="Young's modulus E, module d'Young d'élasticité")
    ],
) -> float:
    """How much a load stretches a rod (Hooke)."""
    return 1000 * force * length / (elastic_modulus * 1e9 * area)


@formula(
    "efficiency = P_out / P_in", "definition", {"efficiency": Quantity("", "efficiency", words="η ratio, rendement")},
    words="efficiency output over input power, rendement puissance utile absorbée",
)  # fmt: skip
def power_efficiency(
    output: Annotated[float, Quantity("W", "power given", 0, 1e18, words="useful output, puissance utile fournie")],
    intake: Annotated[
        float, Quantity("W", "power taken", 1e-18, 1e18, words="consumed input, puissance absorbée consommée")
    ],
) -> float:
    """Efficiency of a machine."""
    return output / intake
