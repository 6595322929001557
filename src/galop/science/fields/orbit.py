"""Orbits around one body: velocities, periods, transfers and changes of plane."""

from __future__ import annotations

from math import asin, cos, degrees, pi, radians, sin, sqrt
from typing import Annotated, Literal

from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

VALLADO = "Vallado, Fundamentals of Astrodynamics and Applications, 4th ed."
TABLE = (
    "GM by JPL (DE440: Park et al., AJ 161 (2021) 105, and the satellites' ephemerides), equatorial radii by the IAU "
    "(Archinal et al., 2018)"
)
Body = Literal[
    "Earth", "Moon", "Mars", "Sun", "Mercury", "Venus", "Jupiter", "Saturn", "Uranus", "Neptune", "Pluto", "Ceres",
    "Io", "Europa", "Ganymede", "Callisto", "Titan",
]  # fmt: skip
BODIES: dict[str, tuple[float, float]] = {  # GM [m^3/s^2], equatorial radius [m]
    "Sun": (1.32712440041e20, 695.7e6), "Mercury": (2.2031868551e13, 2_440_530.0),
    "Venus": (3.24858592e14, 6_051_800.0), "Earth": (3.98600435507e14, 6_378_136.6),
    "Moon": (4.902800118e12, 1_737_400.0), "Mars": (4.282837362e13, 3_396_190.0),
    "Jupiter": (1.266865319e17, 71_492e3), "Saturn": (3.793120623e16, 60_268e3),
    "Uranus": (5.793951256e15, 25_559e3), "Neptune": (6.83509997e15, 24_764e3),
    "Pluto": (8.6961e11, 1_188_300.0), "Ceres": (6.26288887e10, 487_300.0),
    "Io": (5.959915466e12, 1_829_400.0), "Europa": (3.202712099e12, 1_562_600.0),
    "Ganymede": (9.887832752e12, 2_631_200.0), "Callisto": (7.179283402e12, 2_410_300.0),
    "Titan": (8.97813703e12, 2_575_150.0),
}  # fmt: skip
Altitude = Annotated[
    float,
    Quantity("km", "altitude above the equator", 0, 1e9, "height orbit altitude, altitude de l'orbite, hauteur"),
]
Radius = Annotated[
    float,
    Quantity("km", "distance from the centre", 1, 1e12, "orbital radius, rayon de l'orbite, distance au centre"),
]
SemiMajorAxis = Annotated[float, Quantity("km", "semi-major axis", 1, 1e12, "semimajor axis a, demi-grand axe")]
VELOCITY = Quantity(
    "m/s", "orbital velocity", words="orbit speed, circular velocity, vitesse orbitale, vitesse sur l'orbite"
)
PERIOD = Quantity("s", "orbital period", words="revolution duration, période orbitale, durée d'une révolution")
FIRST_BURN = Quantity("m/s", "first burn", words="departure delta-v, première impulsion, première poussée")
SECOND_BURN = Quantity("m/s", "second burn", words="arrival circularisation delta-v, seconde deuxième impulsion")
BOTH_BURNS = Quantity(
    "m/s", "velocity change of both burns", words="total delta-v, variation de vitesse totale, delta-v total"
)
TRANSFER_TIME = Quantity("s", "transfer time", words="duration of the transfer, durée du transfert")


Parameter = Annotated[
    float | None,
    Quantity("km^3/s^2", "gravitational parameter GM", 1e-6, 1e15, "mu µ of the body, paramètre gravitationnel"),
]
BodyRadius = Annotated[
    float | None,
    Quantity("km", "radius of the body", 1, 1e7, "planet Earth's radius, rayon terrestre, de la planète"),
]


def gm(body: str, parameter: float | None = None) -> float:
    """The gravitational parameter of a body [m^3/s^2], or the one that is given [km^3/s^2]."""
    return BODIES[body][0] if parameter is None else parameter * 1e9


def distance(body: str, altitude: float, ground: float | None = None) -> float:
    """From a body's centre to an altitude [m], which is given in km, as is the body's radius if it is."""
    return (BODIES[body][1] if ground is None else ground * 1e3) + altitude * 1e3


def above_ground(body: str, radius: float, parameter: float | None, share: float = 0.99) -> float:
    """A distance from the centre [m], which is given in km.

    Raises ScienceError for less than a `share` of the body's radius; 1 %, as a mean or polar radius may be meant. Of a
    body whose gravitational parameter is given, none is known.
    """
    ground = BODIES[body][1] / 1e3
    if radius < share * ground and parameter is None:
        raise ScienceError(f"{radius:g} km from the centre lies within {body}, whose radius is {ground:g} km")
    return radius * 1e3


def period(mu: float, axis: float) -> float:
    """Of an orbit by its semi-major axis [m], in seconds (Kepler)."""
    return 2 * pi * sqrt(axis**3 / mu)


@formula(
    "velocity = sqrt(GM / r), period = 2 pi sqrt(r^3 / GM), r = body's radius + altitude", f"{VALLADO}, ch. 1; {TABLE}",
    {"velocity": VELOCITY, "period": PERIOD, "radius": Quantity("km", "orbital radius", words="rayon de l'orbite")},
    words="circular orbit at an altitude up above, satellite station ISS spacecraft probe circles round lap "
          "revolution, "
          "tourne autour fait le tour, orbite circulaire à une altitude, satellite en orbite basse, LEO, vitesse, "
          "période",
)  # fmt: skip
def circular_orbit(
    altitude: Altitude, body: Body = "Earth", gravitational_parameter: Parameter = None, body_radius: BodyRadius = None
) -> dict[str, float]:
    """Velocity and period of a circular orbit at an altitude."""
    mu, r = gm(body, gravitational_parameter), distance(body, altitude, body_radius)
    return {"velocity": sqrt(mu / r), "period": period(mu, r), "radius": r / 1e3}


@formula(
    "velocity = sqrt(GM / r), period = 2 pi sqrt(r^3 / GM)", f"{VALLADO}, ch. 1; {TABLE}",
    {"velocity": VELOCITY, "period": PERIOD,
     "altitude": Quantity("km", "altitude above the equator", words="altitude de l'orbite, hauteur")},
    words="circular orbit of a radius from the centre, orbite circulaire de rayon, geostationary, géostationnaire, "
          "vitesse, période",
)  # fmt: skip
def circular_orbit_of_radius(
    radius: Radius, body: Body = "Earth", gravitational_parameter: Parameter = None, body_radius: BodyRadius = None
) -> dict[str, float]:
    """Velocity and period of a circular orbit of a radius."""
    mu, r = gm(body, gravitational_parameter), above_ground(body, radius, gravitational_parameter, 1)
    found = {"velocity": sqrt(mu / r), "period": period(mu, r)}
    if gravitational_parameter is not None and body_radius is None:
        return found  # of another body, maybe
    return {**found, "altitude": (r - distance(body, 0, body_radius)) / 1e3}


@formula(
    "v = sqrt(2 GM / r)", f"{VALLADO}, ch. 1; {TABLE}",
    {"velocity": Quantity("m/s", "escape velocity", words="vitesse de libération, vitesse d'évasion")},
    words="escape velocity from the surface or an altitude, vitesse de libération, vitesse d'évasion",
)  # fmt: skip
def escape_velocity(
    body: Body = "Earth",
    altitude: Altitude = 0.0,
    gravitational_parameter: Parameter = None,
    body_radius: BodyRadius = None,
) -> float:
    """Escape velocity from a body's equator or an altitude above it."""
    return sqrt(2 * gm(body, gravitational_parameter) / distance(body, altitude, body_radius))


@formula(
    "v = sqrt(GM (2 / r - 1 / a))", f"{VALLADO}, eq. 1-22; {TABLE}", {"velocity": VELOCITY},
    words="vis-viva, velocity on an elliptic orbit at a distance, vitesse sur une orbite elliptique, demi-grand axe",
)  # fmt: skip
def vis_viva(
    radius: Radius, semi_major_axis: SemiMajorAxis, body: Body = "Earth", gravitational_parameter: Parameter = None
) -> float:
    """Velocity at a distance from the centre on an elliptic orbit (vis-viva).

    Raises ScienceError for a distance that the orbit does not reach.
    """
    if radius >= 2 * semi_major_axis:
        raise ScienceError(
            f"radius is {radius:g} km; an orbit of semi_major_axis {semi_major_axis:g} km does not reach it"
        )
    return sqrt(
        gm(body, gravitational_parameter)
        * (2 / above_ground(body, radius, gravitational_parameter) - 1 / (semi_major_axis * 1e3))
    )


@formula(
    "period = 2 pi sqrt(a^3 / GM)", f"Kepler's third law; {VALLADO}, ch. 1; {TABLE}", {"period": PERIOD},
    words="Kepler third law, orbital period from semi-major axis, troisième loi de Kepler, période, demi-grand axe",
)  # fmt: skip
def orbital_period(
    semi_major_axis: SemiMajorAxis, body: Body = "Earth", gravitational_parameter: Parameter = None
) -> float:
    """Period of an orbit from its semi-major axis (Kepler)."""
    return period(gm(body, gravitational_parameter), semi_major_axis * 1e3)


ELLIPSE = "a = (rp + ra) / 2, e = (ra - rp) / (ra + rp), v = sqrt(GM (2 / r - 1 / a)), period = 2 pi sqrt(a^3 / GM)"
ELLIPTIC = {
    "semi_major_axis": Quantity("km", "semi-major axis", words="demi-grand axe"),
    "eccentricity": Quantity("", "eccentricity", words="excentricité"),
    "period": PERIOD,
    "periapsis_velocity": Quantity("m/s", "velocity at the lowest point", words="perigee periapsis, vitesse au "
                                                                                "périgée"),
    "apoapsis_velocity": Quantity("m/s", "velocity at the highest point", words="apogee apoapsis, vitesse à l'apogée"),
}  # fmt: skip


def ellipse(mu: float, low: float, high: float) -> dict[str, float]:
    """An orbit by its lowest and highest distance from the centre [m]."""
    axis = (low + high) / 2
    return {
        "semi_major_axis": axis / 1e3,
        "eccentricity": (high - low) / (high + low),
        "period": period(mu, axis),
        "periapsis_velocity": sqrt(mu * (2 / low - 1 / axis)),
        "apoapsis_velocity": sqrt(mu * (2 / high - 1 / axis)),
    }


@formula(
    ELLIPSE, f"{VALLADO}, ch. 1; {TABLE}", ELLIPTIC,
    words="elliptic orbit of perigee and apogee altitude, GTO, orbite elliptique, périgée, apogée, excentricité",
)  # fmt: skip
def elliptic_orbit(
    periapsis_altitude: Annotated[
        float, Quantity("km", "lowest altitude", 0, 1e9, "perigee periapsis, altitude du périgée")
    ],
    apoapsis_altitude: Annotated[
        float, Quantity("km", "highest altitude", 0, 1e9, "apogee apoapsis, altitude de l'apogée")
    ],
    body: Body = "Earth",
    gravitational_parameter: Parameter = None,
    body_radius: BodyRadius = None,
) -> dict[str, float]:
    """Axis, eccentricity, period and velocities of an elliptic orbit.

    Raises ScienceError where the highest point is not above the lowest.
    """
    if apoapsis_altitude < periapsis_altitude:
        raise ScienceError("apoapsis_altitude has to be at least periapsis_altitude")
    return ellipse(
        gm(body, gravitational_parameter),
        distance(body, periapsis_altitude, body_radius),
        distance(body, apoapsis_altitude, body_radius),
    )


@formula(
    ELLIPSE, f"{VALLADO}, ch. 1; {TABLE}", ELLIPTIC,
    words="perigee and apogee radius, at distances from the centre, périgée et apogée à une distance du centre, rayons",
)  # fmt: skip
def elliptic_orbit_of_radii(
    periapsis_radius: Annotated[
        float, Quantity("km", "lowest distance from the centre", 1, 1e12, "perigee periapsis radius, périgée, rayon")
    ],
    apoapsis_radius: Annotated[
        float, Quantity("km", "highest distance from the centre", 1, 1e12, "apogee apoapsis radius, apogée, rayon")
    ],
    body: Body = "Earth",
    gravitational_parameter: Parameter = None,
) -> dict[str, float]:
    """Axis, eccentricity, period and velocities of an elliptic orbit from its lowest and highest radius.

    Raises ScienceError where the highest point is not above the lowest.
    """
    if apoapsis_radius < periapsis_radius:
        raise ScienceError("apoapsis_radius has to be at least periapsis_radius")
    low, high = (above_ground(body, r, gravitational_parameter) for r in (periapsis_radius, apoapsis_radius))
    return ellipse(gm(body, gravitational_parameter), low, high)


def transfer(mu: float, start: float, end: float) -> dict[str, float]:
    """Hohmann's transfer between two radii [m]: both burns [m/s] and its time [s]."""
    axis = (start + end) / 2
    first = abs(sqrt(mu * (2 / start - 1 / axis)) - sqrt(mu / start))
    second = abs(sqrt(mu / end) - sqrt(mu * (2 / end - 1 / axis)))
    return {
        "total_delta_v": first + second, "first_burn": first, "second_burn": second,
            "transfer_time": period(mu, axis) / 2,
    }  # fmt: skip


HOHMANN = "v = sqrt(GM (2 / r - 1 / a)), a = (r1 + r2) / 2; each burn is the difference to the circular velocity"
BURNS = {
    "total_delta_v": BOTH_BURNS,
    "first_burn": FIRST_BURN,
    "second_burn": SECOND_BURN,
    "transfer_time": TRANSFER_TIME,
}


@formula(
    HOHMANN, f"{VALLADO}, ch. 6; {TABLE}", BURNS,
    words="Hohmann transfer between circular orbits by altitude, raise an orbit, transfert de Hohmann, changer "
          "d'orbite, altitude initiale et finale",
)  # fmt: skip
def hohmann(
    initial_altitude: Annotated[
        float, Quantity("km", "altitude of the first orbit", 0, 1e9, "initial lower, altitude initiale")
    ],
    final_altitude: Annotated[
        float, Quantity("km", "altitude of the second orbit", 0, 1e9, "final higher, altitude finale")
    ],
    body: Body = "Earth",
    gravitational_parameter: Parameter = None,
    body_radius: BodyRadius = None,
) -> dict[str, float]:
    """Both burns and the time of a Hohmann transfer between circular orbits at two altitudes."""
    return transfer(
        gm(body, gravitational_parameter),
        distance(body, initial_altitude, body_radius),
        distance(body, final_altitude, body_radius),
    )


@formula(
    HOHMANN, f"{VALLADO}, ch. 6; {TABLE}", BURNS,
    words="Hohmann transfer between circular orbits by radius, transfert de Hohmann entre orbites de rayons, "
          "interplanetary, interplanétaire",
)  # fmt: skip
def hohmann_of_radii(
    initial_radius: Annotated[
        float, Quantity("km", "radius of the first orbit", 1, 1e12, "initial, rayon initial, de départ")
    ],
    final_radius: Annotated[
        float, Quantity("km", "radius of the second orbit", 1, 1e12, "final, rayon final, d'arrivée")
    ],
    body: Body = "Earth",
    gravitational_parameter: Parameter = None,
) -> dict[str, float]:
    """Both burns and the time of a Hohmann transfer between circular orbits of two radii."""
    start, end = (above_ground(body, r, gravitational_parameter) for r in (initial_radius, final_radius))
    return transfer(gm(body, gravitational_parameter), start, end)


PlaneAngle = Annotated[
    float,
    Quantity(
        "deg", "angle of the plane's change", 0, 180, "inclination change, changement d'inclinaison, angle de plan"
    ),
]


@formula(
    "delta_v = 2 v sin(angle / 2)", f"{VALLADO}, ch. 6",
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse")},
    words="plane change, inclination change of a circular orbit, changement de plan, changement d'inclinaison",
)  # fmt: skip
def plane_change(
    velocity: Annotated[float, Quantity("m/s", "orbital velocity", 0, 1e6, "speed, vitesse orbitale")],
    angle: PlaneAngle,
) -> float:
    """Velocity change of a pure change of a circular orbit's plane."""
    return 2 * velocity * sin(radians(angle) / 2)


@formula(
    "delta_v = sqrt(v1^2 + v2^2 - 2 v1 v2 cos(angle))", f"{VALLADO}, ch. 6",
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse")},
    words="combined plane change and change of speed in one burn, changement de plan combiné, une seule impulsion",
)  # fmt: skip
def combined_plane_change(
    initial_velocity: Annotated[float, Quantity("m/s", "velocity before the burn", 0, 1e6, "vitesse initiale, avant")],
    final_velocity: Annotated[float, Quantity("m/s", "velocity after the burn", 0, 1e6, "vitesse finale, après")],
    angle: PlaneAngle,
) -> float:
    """Velocity change of one burn that changes both speed and plane."""
    squared = initial_velocity**2 + final_velocity**2 - 2 * initial_velocity * final_velocity * cos(radians(angle))
    return sqrt(max(squared, 0.0))


@formula(
    "delta_v = sqrt(v_inf^2 + 2 GM / r) - sqrt(GM / r)", f"{VALLADO}, ch. 12; {TABLE}",
    {"delta_v": Quantity("m/s", "velocity change", words="injection burn delta-v, variation de vitesse, impulsion")},
    words="injection burn from a circular parking orbit to a hyperbolic excess velocity, C3, injection "
          "interplanétaire, vitesse d'excès hyperbolique",
)  # fmt: skip
def injection_burn(
    altitude: Altitude,
    excess_velocity: Annotated[
        float, Quantity("m/s", "hyperbolic excess velocity", 0, 1e6, "v infinity vinf, vitesse à l'infini, d'excès")
    ],
    body: Body = "Earth",
    gravitational_parameter: Parameter = None,
    body_radius: BodyRadius = None,
) -> float:
    """Velocity change from a circular orbit to an escape with a velocity left over."""
    mu, r = gm(body, gravitational_parameter), distance(body, altitude, body_radius)
    return sqrt(excess_velocity**2 + 2 * mu / r) - sqrt(mu / r)


@formula(
    "g = GM / r^2", f"Newton, 1687; {TABLE}", {"gravity": Quantity("m/s^2", "gravity", words="pesanteur, gravité")},
    words="gravity of a planet or moon at its surface or an altitude, pesanteur d'une planète, gravité à la surface",
)  # fmt: skip
def surface_gravity(
    body: Body, altitude: Altitude = 0.0, gravitational_parameter: Parameter = None, body_radius: BodyRadius = None
) -> float:
    """Gravity at a body's equator or an altitude above it, without its rotation."""
    return gm(body, gravitational_parameter) / distance(body, altitude, body_radius) ** 2


@formula(
    "half = asin(body's radius / r)", f"{VALLADO}, ch. 1; {TABLE}",
    {
        "shadow_time": Quantity("s", "longest time in shadow", words="eclipse duration, durée d'éclipse"),
        "shadow_fraction": Quantity("", "longest shadow over the period", words="eclipse fraction, fraction d'éclipse"),
    },
    words="eclipse of a circular orbit, time in shadow, durée d'éclipse d'un satellite, ombre",
)  # fmt: skip
def eclipse(altitude: Altitude, body: Body = "Earth") -> dict[str, float]:
    """Longest time that a circular orbit spends in a body's cylindrical shadow."""
    r = distance(body, altitude)
    share = degrees(asin(min(1.0, BODIES[body][1] / r))) / 180
    return {"shadow_time": share * period(gm(body), r), "shadow_fraction": share}
