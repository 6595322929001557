"""Mechanics: energy, force, pressure, stress, falls and oscillations."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import ATMOSPHERE, G0
from galop.science.formula import Quantity, formula

MECHANICS = "Newton, 1687"
HOOKE = "Hooke, 1678; Timoshenko, Strength of Materials, 1930"
Mass = Annotated[float, Quantity("kg", "mass", 0, 1e30, words="m, masse")]
Force = Annotated[float, Quantity("N", "force", 0, 1e15, words="load F, force charge")]
Section = Annotated[float, Quantity("m^2", "area", 1e-18, 1e12, words="cross-section A S, aire section surface")]
Speed = Annotated[float, Quantity("m/s", "velocity", 0, 3e7, words="speed v, vitesse")]
Gravity = Annotated[float, Quantity("m/s^2", "acceleration of gravity", 0, 1000, words="g, pesanteur gravité")]


@formula(
    "E = m v^2 / 2", MECHANICS, {"energy": Quantity("J", "kinetic energy", words="E, énergie cinétique")},
    words="kinetic energy of a mass at a velocity, énergie cinétique d'une masse vitesse",
)  # fmt: skip
def kinetic_energy(mass: Mass, velocity: Speed) -> float:
    """Kinetic energy of a mass; solved for it, the velocity."""
    return mass * velocity**2 / 2


@formula(
    "E = m |v1^2 - v2^2| / 2", MECHANICS,
    {"energy": Quantity("J", "change of kinetic energy", words="absorbed released dissipated by the brakes needed to "
                        "accelerate, énergie cinétique perdue gagnée dissipée absorbée par les freins")},
    words="kinetic energy lost braking slowing down from one speed to another, gained accelerating, brakes absorb, "
          "freiner ralentir accélérer d'une vitesse à une autre",
)  # fmt: skip
def kinetic_energy_change(
    mass: Mass,
    initial_velocity: Annotated[float, Quantity("m/s", "initial velocity", 0, 3e7, "speed from, vitesse initiale")],
    final_velocity: Annotated[float, Quantity("m/s", "final velocity", 0, 3e7, "speed to, vitesse finale")],
) -> float:
    """Kinetic energy that a mass gains or loses from one velocity to another."""
    return mass * abs(initial_velocity**2 - final_velocity**2) / 2


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
    "F = m g", MECHANICS, {"force": Quantity("N", "weight", words="force of gravity weighs, poids, pèse")},
    words="weight of a mass gravity, poids d'une masse pesanteur",
)  # fmt: skip
def weight(mass: Mass, gravity: Gravity = G0) -> float:
    """Weight of a mass."""
    return mass * gravity


@formula(
    "v = sqrt(2 g h), t = sqrt(2 h / g)", "Galilei, 1638",
    {
        "velocity": Quantity("m/s", "velocity after the fall", words="impact speed hits ground, vitesse d'impact"),
        "time": Quantity("s", "time of the fall", words="duration t, durée temps de chute"),
    },
    words="free fall falls drops dropped velocity time height hits the ground, tombe, lâché, chute libre "
          "vitesse durée hauteur",
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
    {"pressure": Quantity("Pa", "pressure at the depth", words="hydrostatic gauge p bottom below under, "
                                                               "pression hydrostatique au fond, relative"),
     "absolute_pressure": Quantity("Pa", "absolute pressure at the depth", words="total, pression absolue totale")},
    words="hydrostatic pressure at a depth under a liquid column diver sea water, pression hydrostatique profondeur "
          "colonne de liquide plongeur eau de mer",
)  # fmt: skip
def hydrostatic_pressure(
    depth: Annotated[
        float,
        Quantity(
            "m",
            "depth",
            0,
            1e5,
            words="height column h level deep below under the sea diver, profondeur sous la surface hauteur de "
            "liquide plongeur",
        ),
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
) -> dict[str, float]:
    """Pressure at a depth in a liquid, above that at the surface unless this is given; absolute with one atmosphere
    on the surface."""
    pressure = surface_pressure + density * gravity * depth
    return {"pressure": pressure, "absolute_pressure": pressure if surface_pressure else pressure + ATMOSPHERE}


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
    "efficiency = 1 - P_lost / P_in", "definition", {"efficiency": Quantity("", "efficiency", words="η, rendement")},
    words="efficiency of what wastes loses rejects dissipates a part of the power it takes in, rendement puissance "
          "perdue gaspillée dissipée absorbée",
)  # fmt: skip
def efficiency_of_loss(
    loss: Annotated[
        float, Quantity("W", "power lost", 0, 1e18, "wastes wasted heat rejected dissipated, perdue gaspillée dissipée")
    ],
    intake: Annotated[
        float, Quantity("W", "power taken", 1e-9, 1e18, "input takes consumes absorbs draws, absorbée consommée")
    ],
) -> float:
    """Efficiency of what loses a part of the power that it takes."""
    return 1 - loss / intake


@formula(
    "efficiency = P_out / P_in", "definition", {"efficiency": Quantity("", "efficiency", words="η ratio, rendement")},
    words="efficiency output over input power, rendement puissance utile absorbée",
)  # fmt: skip
def power_efficiency(
    output: Annotated[
        float,
        Quantity(
            "W",
            "power given",
            0,
            1e18,
            words="useful output gives delivers supplies produces puts, puissance utile fournie délivre restitue donne",
        ),
    ],
    intake: Annotated[
        float,
        Quantity(
            "W",
            "power taken",
            1e-18,
            1e18,
            words="consumed input takes draws absorbs from, puissance absorbée consommée prend absorbe",
        ),
    ],
) -> float:
    """Efficiency of a machine."""
    return output / intake


@formula(
    "T = 2 pi sqrt(m / k)", "Hooke, 1678",
    {
        "period": Quantity("s", "period", words="T oscillation, période"),
        "frequency": Quantity("Hz", "frequency", words="natural f, fréquence propre"),
    },
    words="spring mass oscillator period natural frequency, oscillateur masse ressort période fréquence propre",
)  # fmt: skip
def spring_oscillation(
    mass: Annotated[float, Quantity("kg", "mass", 1e-15, 1e12, words="m, masse")],
    stiffness: Annotated[
        float, Quantity("N/m", "stiffness", 1e-9, 1e15, words="spring constant k, raideur constante du ressort")
    ],
) -> dict[str, float]:
    """Period and frequency of a mass on a spring."""
    period = 2 * pi * sqrt(mass / stiffness)
    return {"period": period, "frequency": 1 / period}


@formula(
    "T = 2 pi sqrt(L / g)", "Huygens, 1673", {"period": Quantity("s", "period", words="T swing, période")},
    words="simple pendulum period length, pendule simple période longueur",
)  # fmt: skip
def pendulum(
    length: Annotated[float, Quantity("m", "length", 1e-9, 1e6, words="L, longueur")], gravity: Gravity = G0
) -> float:
    """Period of a pendulum that swings little."""
    return 2 * pi * sqrt(length / gravity)


@formula(
    "F = m v^2 / r", MECHANICS, {"force": Quantity("N", "centripetal force", words="F, force centripète")},
    words="centripetal force circular motion, force centripète mouvement circulaire",
)  # fmt: skip
def centripetal_force(
    mass: Mass, velocity: Speed, radius: Annotated[float, Quantity("m", "radius", 1e-12, 1e15, words="r circle, rayon")]
) -> float:
    """Force that keeps a mass on a circle."""
    return mass * velocity**2 / radius


@formula(
    "W = F d", MECHANICS, {"work": Quantity("J", "work", words="energy W, travail énergie")},
    words="work of a force over a distance, travail d'une force distance",
)  # fmt: skip
def work(
    force: Force, distance: Annotated[float, Quantity("m", "distance", 0, 1e15, words="d along, distance")]
) -> float:
    """Work of a force along a distance."""
    return force * distance
