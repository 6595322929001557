"""Of spacecraft: ascent against gravity, ions, sunlight, burns that lower an orbit, horizons, nozzles by diameters."""

from __future__ import annotations

from math import acos, log, pi, sqrt
from typing import Annotated

from galop.science.constants import G0, F
from galop.science.fields.inputs import RPE, Isp
from galop.science.fields.orbit import BODIES, TABLE, VALLADO, Altitude, Body
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

SOLAR_CONSTANT = 1361.0  # W/m^2 at 1 au: Kopp & Lean, Geophys. Res. Lett. 38 (2011) L01706
GOEBEL = "Goebel & Katz, Fundamentals of Electric Propulsion, 2008"


@formula(
    "v = Isp g0 ln(m1 / m2) - g t",
    f"{RPE}, ch. 4",
    {
        "velocity": Quantity(
            "m/s", "velocity at burnout", words="speed end of burn gravity loss, vitesse en fin de combustion"
        )
    },
    words="vertical ascent velocity at burnout with gravity loss, vitesse en fin de combustion ascension verticale "
    "pertes par gravité",
)
def burnout_velocity(
    isp: Isp,
    initial_mass: Annotated[
        float,
        Quantity("kg", "mass before the burn", 1e-9, 1e12, "initial liftoff wet full, masse initiale au décollage"),
    ],
    final_mass: Annotated[
        float, Quantity("kg", "mass after the burn", 1e-9, 1e12, "final burnout dry empty, masse finale à vide")
    ],
    burn_time: Annotated[float, Quantity("s", "burn time", 0, 1e6, "burns for duration t, durée de combustion")],
    gravity: Annotated[float, Quantity("m/s^2", "gravity", 0, 300, "g, pesanteur gravité")] = G0,
) -> float:
    """Velocity of a rocket that climbs straight up from rest, drag apart, when its propellant is burnt."""
    return isp * G0 * log(initial_mass / final_mass) - gravity * burn_time


@formula(
    "v = sqrt(2 z F U / M)",
    f"{GOEBEL}, eq. 2.3-6",
    {
        "exhaust_velocity": Quantity(
            "m/s", "exhaust velocity of the ions", words="ion beam speed, vitesse d'éjection des ions"
        )
    },
    words="ion thruster exhaust velocity acceleration grid voltage xenon, vitesse d'éjection d'un propulseur "
    "ionique tension d'accélération",
)
def ion_velocity(
    voltage: Annotated[float, Quantity("V", "acceleration voltage", 0, 1e6, "beam grid net, tension d'accélération")],
    molar_mass: Annotated[float, Quantity("g/mol", "molar mass of the ion", 1, 400, "atomic mass, masse molaire")],
    charge: Annotated[float, Quantity("", "charge number", 1, 10, "z singly doubly, charge")] = 1.0,
) -> float:
    """Velocity that a voltage gives to ions."""
    return sqrt(2 * charge * F * voltage / (molar_mass / 1e3))


@formula(
    "S = 1361 W/m^2 / d^2, d in au",
    "inverse square; Kopp & Lean, Geophys. Res. Lett. 38 (2011) L01706",
    {"flux": Quantity("W/m^2", "solar flux", words="sunlight irradiance intensity constant, flux solaire éclairement")},
    words="solar flux irradiance at a distance from the Sun au, flux solaire à une distance du Soleil ua",
)
def solar_flux(
    distance: Annotated[
        float, Quantity("au", "distance from the Sun", 1e-3, 1e5, "AU astronomical units, distance au Soleil")
    ],
) -> float:
    """Power of sunlight on an area across it."""
    return SOLAR_CONSTANT / distance**2


@formula(
    "P = eta S A",
    "definition of a panel's efficiency",
    {
        "power": Quantity(
            "W", "power of the panel", words="electrical output produced generated, puissance produite par le panneau"
        )
    },
    words="solar panel array power area efficiency sunlight irradiance, puissance d'un panneau solaire "
    "photovoltaïque surface rendement ensoleillement",
)
def panel_power(
    area: Annotated[float, Quantity("m^2", "area of the panel", 0, 1e9, "array solar cells, surface du panneau")],
    efficiency: Annotated[float, Quantity("", "efficiency", 1e-3, 1, "η cells, rendement")],
    flux: Annotated[
        float, Quantity("W/m^2", "solar flux", 0, 1e8, "sunlight irradiance sun, ensoleillement éclairement")
    ] = SOLAR_CONSTANT,
) -> float:
    """Electric power of a solar panel across the sunlight."""
    return area * efficiency * flux


@formula(
    "dv = sqrt(mu / r1) (1 - sqrt(2 r2 / (r1 + r2)))",
    f"{VALLADO}, ch. 6; {TABLE}",
    {
        "delta_v": Quantity(
            "m/s",
            "velocity change of the deorbit burn",
            words="retro burn braking, impulsion de désorbitation freinage",
        )
    },
    words="deorbit burn lower the perigee of a circular orbit, désorbitation abaisser le périgée d'une orbite "
    "circulaire",
)
def deorbit_burn(
    altitude: Altitude,
    periapsis: Annotated[
        float, Quantity("km", "altitude of the new perigee", -6000, 1e9, "lowered to perigee periapsis, périgée visé")
    ],
    body: Body = "Earth",
) -> float:
    """Burn that lowers the perigee of a circular orbit.

    Raises ScienceError where the new perigee is not the lower one.
    """
    if periapsis > altitude:
        raise ScienceError("the new perigee has to lie below the circular orbit")
    mu, ground = BODIES[body]
    one, other = ground + altitude * 1e3, ground + periapsis * 1e3
    return sqrt(mu / one) * (1 - sqrt(2 * other / (one + other)))


@formula(
    "d = sqrt(h (2 R + h)), angle = acos(R / (R + h))",
    f"geometry; {TABLE}",
    {
        "horizon_distance": Quantity("km", "distance to the horizon", words="line of sight, distance de l'horizon"),
        "horizon_angle": Quantity("deg", "angle at the centre to the horizon", words="coverage, angle de couverture"),
    },
    words="distance to the horizon from a height altitude line of sight, distance de l'horizon vue d'une altitude",
)
def horizon(altitude: Altitude, body: Body = "Earth") -> dict[str, float]:
    """Distance and angle from a height to the horizon, refraction apart."""
    ground = BODIES[body][1] / 1e3
    return {
        "horizon_distance": sqrt(altitude * (2 * ground + altitude)),
        "horizon_angle": 180 / pi * acos(ground / (ground + altitude)),
    }


@formula(
    "1 / S = |1 / P1 - 1 / P2|",
    f"{VALLADO}, ch. 6",
    {"synodic_period": Quantity("day", "synodic period", words="launch window repeats, période synodique")},
    words="synodic period of two planets orbits, période synodique de deux planètes orbites",
)
def synodic_period(
    first_period: Annotated[float, Quantity("day", "first period", 1e-6, 1e9, "orbital inner P1, première période")],
    second_period: Annotated[float, Quantity("day", "second period", 1e-6, 1e9, "orbital outer P2, deuxième période")],
) -> float:
    """How long two bodies on circular orbits take to stand alike again."""
    return 1 / abs(1 / first_period - 1 / second_period)


@formula(
    "ratio = (exit_diameter / throat_diameter)^2",
    "geometry",
    {
        "area_ratio": Quantity(
            "",
            "nozzle exit area over throat area",
            words="expansion ratio, rapport de section, de détente, d'expansion",
        )
    },
    words="expansion ratio from exit and throat diameters of a nozzle, rapport d'expansion diamètres de sortie et "
    "du col d'une tuyère",
)
def area_ratio_of_diameters(
    exit_diameter: Annotated[float, Quantity("m", "exit diameter", 0, 1e4, "nozzle exit, diamètre de sortie")],
    throat_diameter: Annotated[float, Quantity("m", "throat diameter", 1e-9, 1e4, "throat, diamètre au col")],
) -> float:
    """Area ratio of a nozzle from both diameters."""
    return (exit_diameter / throat_diameter) ** 2
