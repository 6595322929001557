"""Motion: uniform acceleration, projectiles, power of a force, friction, gravitation of bodies of known mass."""

from __future__ import annotations

from math import cos, pi, radians, sin, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.formula import Quantity, formula

HALLIDAY = "Halliday, Resnick & Walker, Fundamentals of Physics, 10th ed."
GRAVITATION = 6.67430e-11  # N m²/kg², CODATA 2018
CODATA = f"Newton, 1687; {HALLIDAY}, ch. 13; G of CODATA 2018"
Mass = Annotated[float, Quantity("kg", "mass", 0, 1e30, "m weighs, masse, pèse")]
Time = Annotated[float, Quantity("s", "time", 1e-12, 1e15, "t during within, temps, durée, pendant")]
Start = Annotated[float, Quantity("m/s", "initial velocity", 0, 1e7, "v0 u from speed before, vitesse initiale")]
End = Annotated[float, Quantity("m/s", "final velocity", 0, 1e7, "v to reaches speed after, vitesse finale, atteinte")]
Acceleration = Annotated[float, Quantity("m/s^2", "acceleration", 0, 1e9, "a deceleration, accélération")]
Distance = Annotated[float, Quantity("m", "distance", 1e-12, 1e15, "s over travelled within, distance parcourue, sur")]
Gravity = Annotated[float, Quantity("m/s^2", "acceleration of gravity", 1e-6, 1000, "g, pesanteur gravité")]
Planet = Annotated[float, Quantity("kg", "mass of the body", 1e8, 1e36, "planet star asteroid M, masse de l'astre, de "
                                                                        "la planète")]  # fmt: skip
PlanetRadius = Annotated[float, Quantity("km", "radius of the body", 1e-6, 1e12, "planet star R, rayon de l'astre")]
UNIFORM = "uniform constant acceleration, accélération constante, uniforme"


@formula("a = (v - v0) / t", f"{HALLIDAY}, ch. 2",
         {"acceleration": Quantity("m/s^2", "mean acceleration", words="a average, accélération moyenne")},
         words=f"{UNIFORM}, speed change in a time, passe de à en")  # fmt: skip
def mean_acceleration(final_velocity: End, time: Time, initial_velocity: Start = 0.0) -> float:
    """Acceleration that changes a velocity in a time."""
    return (final_velocity - initial_velocity) / time


@formula("F = m (v - v0) / t", f"{HALLIDAY}, ch. 9",
         {"force": Quantity("N", "mean force", words="average, force moyenne")},
         words="mass brought to a speed in a time, masse amenée à une vitesse en un temps, passe de à en")  # fmt: skip
def mean_force(mass: Mass, final_velocity: End, time: Time, initial_velocity: Start = 0.0) -> float:
    """Mean force that changes the velocity of a mass in a time."""
    return mass * (final_velocity - initial_velocity) / time


@formula("a = v^2 / (2 s), t = 2 s / v", f"{HALLIDAY}, ch. 2",
         {"deceleration": Quantity("m/s^2", "deceleration", words="a braking, décélération, freinage"),
          "time": Quantity("s", "stopping time", words="braking, temps d'arrêt, de freinage")},
         words="braking to rest stops within a stopping distance, freinage, distance d'arrêt, s'arrête")  # fmt: skip
def braking(
    velocity: Annotated[
        float, Quantity("m/s", "velocity before", 1e-9, 1e7, "initial speed from at, vitesse initiale")
    ],
    distance: Annotated[float, Quantity("m", "stopping distance", 1e-12, 1e15, "braking within in, distance d'arrêt")],
) -> dict[str, float]:
    """Deceleration to rest within a distance; solved for it, the distance."""
    return {"deceleration": velocity**2 / (2 * distance), "time": 2 * distance / velocity}


@formula("v = sqrt(v0^2 + 2 a s)", f"{HALLIDAY}, ch. 2",
         {"final_velocity": Quantity("m/s", "final velocity", words="speed reached, vitesse atteinte finale")},
         words=f"{UNIFORM}, over a distance, sur une distance")  # fmt: skip
def speed_after_distance(acceleration: Acceleration, distance: Distance, initial_velocity: Start = 0.0) -> float:
    """Velocity after an acceleration over a distance."""
    return sqrt(initial_velocity**2 + 2 * acceleration * distance)


@formula("v = v0 + a t, s = v0 t + a t^2 / 2", f"{HALLIDAY}, ch. 2",
         {"final_velocity": Quantity("m/s", "final velocity", words="speed reached, vitesse atteinte finale"),
          "distance": Quantity("m", "distance", words="s travelled covered, distance parcourue")},
         words=f"{UNIFORM}, for a time, pendant une durée")  # fmt: skip
def accelerated_motion(acceleration: Acceleration, time: Time, initial_velocity: Start = 0.0) -> dict[str, float]:
    """Velocity and distance after an acceleration for a time."""
    distance = initial_velocity * time + acceleration * time**2 / 2
    return {"final_velocity": initial_velocity + acceleration * time, "distance": distance}


@formula("R = v^2 sin(2 a) / g, H = (v sin a)^2 / (2 g), t = 2 v sin a / g", f"{HALLIDAY}, ch. 4",
         {"range": Quantity("m", "range", words="distance lands, portée"),
          "height": Quantity("m", "largest height", words="apex maximum altitude, hauteur maximale, flèche"),
          "time": Quantity("s", "time of flight", words="duration, durée du vol, temps de vol")},
         words="projectile thrown fired over level ground, projectile, tir, lancé")  # fmt: skip
def projectile(
    velocity: Annotated[float, Quantity("m/s", "launch velocity", 0, 1e6, "initial muzzle speed, vitesse initiale")],
    angle: Annotated[float, Quantity("deg", "launch angle", 0, 90, "elevation above the horizontal, angle de tir")],
    gravity: Gravity = G0,
) -> dict[str, float]:
    """Range, height and time of a projectile over level ground without drag."""
    up = velocity * sin(radians(angle))
    time = 2 * up / gravity
    return {"range": velocity * cos(radians(angle)) * time, "height": up**2 / (2 * gravity), "time": time}


@formula("P = F v / efficiency", f"{HALLIDAY}, ch. 7",
         {"power": Quantity("W", "power", words="P propulsive needed, puissance nécessaire")},
         words="power of a force that moves at a speed, puissance d'une force à une vitesse")  # fmt: skip
def power_of_force(
    force: Annotated[float, Quantity("N", "force", 0, 1e12, "thrust drag pull resistance, traînée, traction")],
    velocity: Annotated[float, Quantity("m/s", "velocity", 0, 1e7, "speed at v, vitesse")],
    efficiency: Annotated[float, Quantity("", "efficiency", 1e-3, 1, "rendement")] = 1.0,
) -> float:
    """Power of a force that moves with a velocity."""
    return force * velocity / efficiency


@formula("P = Cd A rho v^3 / 2", "Rayleigh's drag equation",
         {"power": Quantity("W", "power to overcome drag", words="drag power needed, puissance de traînée, "
                                                                 "aérodynamique")},
         words="drag of a car cyclist aircraft, power against air resistance, traînée aérodynamique, vélo, "
               "voiture")  # fmt: skip
def drag_power(
    drag_coefficient: Annotated[float, Quantity("", "drag coefficient", 0, 100, "Cd Cx, coefficient de traînée")],
    area: Annotated[float, Quantity("m^2", "frontal area", 0, 1e9, "reference A S, surface frontale, maître-couple")],
    velocity: Annotated[float, Quantity("m/s", "velocity", 0, 1e6, "speed at v, vitesse")],
    density: Annotated[float, Quantity("kg/m^3", "density of the fluid", 0, 30_000, "air rho ρ, masse volumique")],
) -> float:
    """Power that drag takes at a velocity."""
    return drag_coefficient * area * density * velocity**3 / 2


@formula("P = m g h / (t efficiency)", f"{HALLIDAY}, ch. 7",
         {"power": Quantity("W", "lifting power", words="P motor hoist crane, puissance de levage")},
         words="lifts raises a mass by a height in a time, crane hoist lift, grue treuil ascenseur soulève "
               "monte")  # fmt: skip
def lifting_power(
    mass: Mass,
    height: Annotated[float, Quantity("m", "height", 0, 1e7, "h lifted by up, hauteur, soulevée de")],
    time: Time,
    efficiency: Annotated[float, Quantity("", "efficiency", 1e-3, 1, "rendement")] = 1.0,
    gravity: Gravity = G0,
) -> float:
    """Power that lifts a mass by a height in a time."""
    return mass * gravity * height / (time * efficiency)


@formula("p = m v", f"{HALLIDAY}, ch. 9", {"momentum": Quantity("N*s", "momentum", words="p, quantité de mouvement")},
         words="momentum of a mass at a speed, quantité de mouvement d'une masse")  # fmt: skip
def momentum(mass: Mass, velocity: Annotated[float, Quantity("m/s", "velocity", 0, 3e7, "speed v, vitesse")]) -> float:
    """Momentum of a mass at a velocity."""
    return mass * velocity


@formula("v = pi D n", "geometry",
         {"velocity": Quantity("m/s", "rim speed", words="tip peripheral blade speed, vitesse périphérique, en bout de "
                                                         "pale")},
         words="wheel impeller blade rotor tip, roue, pale, rotor")  # fmt: skip
def rim_speed(
    diameter: Annotated[float, Quantity("m", "diameter", 1e-9, 1e6, "wheel impeller rotor, diamètre de la roue")],
    speed: Annotated[float, Quantity("rpm", "rotational speed", 0, 1e7, "rpm turns, vitesse de rotation, tr/min")],
) -> float:
    """Speed of the rim of what turns."""
    return pi * diameter * speed / 60


@formula("F = mu N", "Coulomb, 1785", {"force": Quantity("N", "friction force", words="friction, force de frottement")},
         words="dry friction sliding, frottement sec, glissement")  # fmt: skip
def friction_force(
    coefficient: Annotated[float, Quantity("", "friction coefficient", 0, 10, "mu μ, coefficient de frottement")],
    normal_force: Annotated[float, Quantity("N", "normal force", 0, 1e12, "load pressing, force normale, appui")],
) -> float:
    """Friction of a body that is pressed on another."""
    return coefficient * normal_force


@formula("g = G M / R^2", CODATA,
         {"gravity": Quantity("m/s^2", "surface gravity", words="acceleration, gravité, pesanteur à la surface")},
         words="gravity of a planet of a mass and a radius, gravité d'une planète de masse et rayon")  # fmt: skip
def gravity_of_mass(mass: Planet, radius: PlanetRadius) -> float:
    """Gravity at a distance from the centre of a body of known mass."""
    return GRAVITATION * mass / (radius * 1e3) ** 2


@formula("v = sqrt(2 G M / R)", CODATA,
         {"velocity": Quantity("m/s", "escape velocity", words="vitesse de libération, d'évasion")},
         words="escape velocity of a planet of a mass and a radius, vitesse de libération d'une planète de "
               "masse")  # fmt: skip
def escape_velocity_of_mass(mass: Planet, radius: PlanetRadius) -> float:
    """Escape velocity at a distance from the centre of a body of known mass."""
    return sqrt(2 * GRAVITATION * mass / (radius * 1e3))


@formula("v = sqrt(G M / r)", CODATA,
         {"velocity": Quantity("m/s", "orbital velocity", words="circular speed, vitesse orbitale circulaire"),
          "period": Quantity("s", "orbital period", words="revolution, période orbitale, révolution")},
         words="circular orbit around a planet star of known mass, orbite circulaire autour d'un astre de "
               "masse")  # fmt: skip
def orbit_around_mass(
    mass: Planet,
    radius: Annotated[
        float, Quantity("km", "orbital radius", 1e-6, 1e15, "distance from the centre, rayon de l'orbite")
    ],
) -> dict[str, float]:
    """Velocity and period of a circular orbit around a body of known mass."""
    velocity = sqrt(GRAVITATION * mass / (radius * 1e3))
    return {"velocity": velocity, "period": 2 * pi * radius * 1e3 / velocity}


@formula("E = J w^2 / 2", f"{HALLIDAY}, ch. 10",
         {"energy": Quantity("J", "kinetic energy", words="rotational stored E, énergie cinétique de rotation")},
         words="flywheel rotor that turns, moment of inertia, volant d'inertie, rotation")  # fmt: skip
def rotational_energy(
    inertia: Annotated[float, Quantity("kg*m^2", "moment of inertia", 0, 1e12, "J I, moment d'inertie")],
    speed: Annotated[float, Quantity("rpm", "rotational speed", 0, 1e7, "rpm turns, vitesse de rotation, tr/min")],
) -> float:
    """Energy of what turns."""
    return inertia * (2 * pi * speed / 60) ** 2 / 2


@formula("E = J |w1^2 - w2^2| / 2", f"{HALLIDAY}, ch. 10",
         {"energy": Quantity("J", "change of rotational energy", words="kinetic energy released delivered stored "
                             "absorbed, énergie cinétique de rotation libérée fournie")},
         words="flywheel that slows down speeds up from one speed to another, volant d'inertie qui ralentit "
               "accélère d'une vitesse à une autre")  # fmt: skip
def rotational_energy_change(
    inertia: Annotated[float, Quantity("kg*m^2", "moment of inertia", 0, 1e12, "J I, moment d'inertie")],
    initial_speed: Annotated[float, Quantity("rpm", "initial rotational speed", 0, 1e7, "from, vitesse initiale")],
    final_speed: Annotated[float, Quantity("rpm", "final rotational speed", 0, 1e7, "to, vitesse finale")],
) -> float:
    """Energy that what turns gains or gives from one speed to another."""
    return inertia * (2 * pi / 60) ** 2 * abs(initial_speed**2 - final_speed**2) / 2


@formula("F = k x, E = k x^2 / 2", "Hooke, 1678",
         {"force": Quantity("N", "force of the spring", words="pull push, force du ressort, de rappel"),
          "energy": Quantity("J", "energy of the spring", words="stored elastic, énergie élastique emmagasinée")},
         words="spring stretched compressed extended, ressort étiré comprimé allongé")  # fmt: skip
def spring_force(
    stiffness: Annotated[float, Quantity("N/m", "stiffness", 0, 1e12, "spring constant rate k, raideur")],
    stretch: Annotated[float, Quantity("m", "stretch", 0, 1e3, "by x compression extension, allongement, étiré de")],
) -> dict[str, float]:
    """Force and energy of a spring."""
    return {"force": stiffness * stretch, "energy": stiffness * stretch**2 / 2}


@formula("F = m v^2 / (2 s)", f"{HALLIDAY}, ch. 7",
         {"force": Quantity("N", "mean force", words="average stopping braking, force moyenne d'arrêt, de freinage")},
         words="stops stopped within a distance, bullet car, s'arrête sur une distance, freinage")  # fmt: skip
def stopping_force(
    mass: Mass,
    velocity: Annotated[float, Quantity("m/s", "velocity before", 0, 1e7, "initial speed at, vitesse initiale")],
    distance: Annotated[float, Quantity("m", "stopping distance", 1e-12, 1e12, "within in, distance d'arrêt, sur")],
) -> float:
    """Mean force that stops a mass within a distance."""
    return mass * velocity**2 / (2 * distance)


@formula("v = first + second - losses", "sum of velocity changes",
         {"velocity": Quantity("m/s", "velocity reached", words="orbital net speed, vitesse atteinte nette")},
         words="ideal velocity changes of stages less gravity and drag losses, étages moins pertes "
               "gravitationnelles")  # fmt: skip
def velocity_after_losses(
    first: Annotated[float, Quantity("m/s", "first velocity change", 0, 1e6, "delta-v stage gives, premier étage")],
    losses: Annotated[float, Quantity("m/s", "losses", 0, 1e6, "gravity drag steering, pertes")],
    second: Annotated[float, Quantity("m/s", "second velocity change", 0, 1e6, "delta-v stage, second étage")] = 0.0,
) -> float:
    """Velocity that is left of what stages give after losses."""
    return first + second - losses
