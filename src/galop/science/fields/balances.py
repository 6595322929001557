"""Tanks and pipes: what is left, how long a vessel takes to fill, outflow through a hole, heads and their losses."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.flow import WHITE
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

BALANCE = "balance of mass"
Initial = Annotated[float, Quantity("kg", "initial content", 0, 1e15, "mass at the start begins loaded full with of, "
                                                                      "masse initiale au départ contient")]  # fmt: skip
Time = Annotated[float, Quantity("s", "time", 0, 1e15, "during for after t, pendant, durée, au bout de")]
Drop = Annotated[float, Quantity("m", "pipe diameter", 1e-9, 1e3, "bore hose D, diamètre du tuyau")]
Velocity = Annotated[float, Quantity("m/s", "flow velocity", 0, 1e5, "speed v, vitesse de l'écoulement")]
FILLED = {"time": Quantity("s", "time", words="fill empty duration, durée du remplissage, temps de vidange")}
HEAD_LOSS = {"head_loss": Quantity("m", "head loss", words="friction loss of head, perte de charge en mètres, hauteur")}


@formula("left = initial - mass_flow time", BALANCE,
         {"left": Quantity("kg", "mass that is left", words="remaining rest in the tank after, masse restante, reste")},
         words="propellant fuel left remaining in a tank after burning consuming, reste dans le réservoir")  # fmt: skip
def mass_left(
    initial: Initial,
    mass_flow: Annotated[
        float, Quantity("kg/s", "mass flow", 0, 1e6, "burns consumes uses at a rate, débit, consomme")
    ],
    time: Time,
) -> float:
    """What is left of a mass from which something flows.

    Raises ScienceError where more flows than there was.
    """
    if mass_flow * time > initial:
        raise ScienceError(f"initial content ({initial:g} kg) is less than what flows out ({mass_flow * time:g} kg)")
    return initial - mass_flow * time


@formula("left = initial - used", BALANCE,
         {"left": Quantity("kg", "mass that is left", words="remaining rest afterwards, masse restante, reste")},
         words="mass left after some was used, reste après consommation")  # fmt: skip
def mass_left_of_used(
    initial: Initial,
    used: Annotated[
        float, Quantity("kg", "mass that was used", 0, 1e15, "propellant burned consumed spent, consommée")
    ],
) -> float:
    """What is left of a mass after some of it was used.

    Raises ScienceError where more was used than there was.
    """
    if used > initial:
        raise ScienceError(f"initial content ({initial:g} kg) is less than what was used ({used:g} kg)")
    return initial - used


@formula("t = volume / flow_rate", "continuity", FILLED,
         words="time to fill empty a tank pool at a flow rate, temps de remplissage vidange d'une cuve, "
               "piscine")  # fmt: skip
def filling_time(
    volume: Annotated[float, Quantity("m^3", "volume", 0, 1e12, "tank pool capacity, cuve réservoir, contenance")],
    flow_rate: Annotated[float, Quantity("m^3/s", "volume flow", 1e-18, 1e6, "flow rate Q pump delivers, débit")],
) -> float:
    """Time in which a flow fills or empties a volume."""
    return volume / flow_rate


@formula("t = 4 volume / (pi D^2 v)", "continuity", FILLED,
         words="time to fill empty a tank pool through a pipe hose, remplit vide par un tuyau, cuve, "
               "piscine")  # fmt: skip
def filling_time_through_pipe(
    volume: Annotated[float, Quantity("m^3", "volume", 0, 1e12, "tank pool capacity, cuve réservoir, contenance")],
    diameter: Drop,
    velocity: Velocity,
) -> float:
    """Time in which the flow in a pipe fills or empties a volume."""
    return 4 * volume / (pi * diameter**2 * velocity)


@formula("H = static + losses", WHITE,
         {"head": Quantity("m", "head", words="total dynamic head of the pump, hauteur manométrique totale")},
         words="static lift and friction losses, total dynamic head, hauteur géométrique et pertes de "
               "charge")  # fmt: skip
def total_head(
    static_head: Annotated[float, Quantity("m", "static head", 0, 1e6, "lift height elevation geodetic, dénivelé "
                                                                       "hauteur géométrique de refoulement")],
    loss: Annotated[float, Quantity("m", "head loss", 0, 1e6, "friction losses, pertes de charge")],
) -> float:  # fmt: skip
    """Head that a pump has to give: what it lifts and what friction takes."""
    return static_head + loss


@formula("h = f L v^2 / (2 g0 D)", f"Darcy & Weisbach; {WHITE}, sec. 6.3", HEAD_LOSS,
         words="Darcy-Weisbach head loss in a pipe with a friction factor, perte de charge en mètres, "
               "frottement")  # fmt: skip
def darcy_head_loss(
    friction_factor: Annotated[float, Quantity("", "Darcy friction factor", 1e-5, 100, "f lambda, coefficient facteur "
                                                                                        "de frottement")],
    length: Annotated[float, Quantity("m", "length of the pipe", 0, 1e8, "L long, longueur de conduite")],
    diameter: Drop,
    velocity: Velocity,
) -> float:  # fmt: skip
    """Head that friction in a pipe takes, which is the same for any liquid."""
    return friction_factor * length * velocity**2 / (2 * G0 * diameter)


@formula("h = K v^2 / (2 g0)", f"{WHITE}, sec. 6.9", HEAD_LOSS,
         words="head loss of a fitting valve bend, perte de charge singulière d'un coude, d'une vanne")  # fmt: skip
def minor_head_loss(
    coefficient: Annotated[float, Quantity("", "loss coefficient", 0, 1e6, "K zeta, coefficient de perte singulière")],
    velocity: Velocity,
) -> float:
    """Head that a fitting takes, which is the same for any liquid."""
    return coefficient * velocity**2 / (2 * G0)


@formula(
    "v = C sqrt(2 g0 h)", f"Torricelli, 1643; {WHITE}, sec. 3.5",
    {"velocity": Quantity("m/s", "velocity of the jet", words="outflow efflux exit speed, vitesse du jet de sortie")},
    words="Torricelli tank hole leak efflux velocity water leaves below the surface height of liquid, Torricelli "
          "réservoir trou orifice vitesse de sortie hauteur de liquide sous la surface",
)  # fmt: skip
def torricelli(
    height: Annotated[
        float,
        Quantity(
            "m",
            "height of liquid above the opening",
            0,
            1e5,
            words="head depth level below the surface h, hauteur de liquide sous la surface",
        ),
    ],
    coefficient: Annotated[
        float, Quantity("", "velocity coefficient", 0.01, 1, words="C Cv discharge, coefficient de vitesse")
    ] = 1.0,
) -> float:
    """Velocity with which a liquid leaves an open tank (Torricelli)."""
    return coefficient * sqrt(2 * G0 * height)


@formula("Q = C pi d^2 / 4 sqrt(2 g0 h)", f"Torricelli, 1643; {WHITE}, sec. 3.5",
         {"flow_rate": Quantity("m^3/s", "volume flow", words="outflow discharge Q, débit volumique de fuite")},
         words="tank hole orifice leak below the surface, discharge coefficient, trou orifice sous la surface, "
               "cuve")  # fmt: skip
def tank_outflow(
    height: Annotated[float, Quantity("m", "height of liquid above the opening", 0, 1e5, "head depth level below the "
                                      "surface, sous la surface, hauteur niveau")],
    diameter: Annotated[float, Quantity("m", "diameter of the opening", 1e-9, 1e3, "hole orifice, trou, orifice")],
    coefficient: Annotated[float, Quantity("", "discharge coefficient", 0.01, 1, "C Cd, coefficient de débit")] = 1.0,
) -> float:  # fmt: skip
    """Flow through a hole in an open tank."""
    return coefficient * pi / 4 * diameter**2 * sqrt(2 * G0 * height)


@formula("F = rho Q v", f"{WHITE}, sec. 3.4",
         {"force": Quantity("N", "force of the jet", words="impact thrust reaction, force du jet")},
         words="jet of water on a plate wall, jet d'eau sur une plaque, lance")  # fmt: skip
def jet_force(
    density: Annotated[float, Quantity("kg/m^3", "density of the liquid", 1e-3, 30_000, "rho ρ, masse volumique")],
    diameter: Annotated[float, Quantity("m", "diameter of the jet", 1e-9, 1e3, "nozzle, diamètre du jet")],
    velocity: Annotated[float, Quantity("m/s", "velocity of the jet", 0, 1e5, "speed v, vitesse du jet")],
) -> float:
    """Force of a jet on a flat plate that it meets at a right angle."""
    return density * pi / 4 * diameter**2 * velocity**2


@formula("F = C_L A rho v^2 / 2", f"{WHITE}, sec. 7.6", {"force": Quantity("N", "lift", words="lift force, portance")},
         words="wing aircraft lift, aile, portance d'un avion")  # fmt: skip
def lift_force(
    lift_coefficient: Annotated[float, Quantity("", "lift coefficient", 0, 10, "C_L Cl Cz, coefficient de portance")],
    area: Annotated[float, Quantity("m^2", "wing area", 0, 1e9, "reference S, surface de l'aile, alaire")],
    velocity: Annotated[float, Quantity("m/s", "velocity", 0, 1e6, "airspeed speed v, vitesse")],
    density: Annotated[float, Quantity("kg/m^3", "density of the fluid", 0, 30_000, "air rho ρ, masse volumique")],
) -> float:
    """Lift of a wing; solved for it, the lift coefficient."""
    return lift_coefficient * area * density * velocity**2 / 2


@formula("dp = rho g0 h", f"{WHITE}, sec. 2.4",
         {"pressure": Quantity("Pa", "pressure difference", words="manometer reading, différence de pression")},
         words="manometer column of mercury water, barometer, manomètre colonne de mercure")  # fmt: skip
def manometer(
    height: Annotated[float, Quantity("m", "height of the column", 0, 1e4, "level difference reading h, hauteur de la "
                                      "colonne, dénivelé")],
    density: Annotated[float, Quantity("kg/m^3", "density of the liquid", 1, 30_000, "rho ρ mercury, masse volumique")],
) -> float:  # fmt: skip
    """Pressure difference that a manometer shows."""
    return density * G0 * height


@formula("dp = rho (v2^2 - v1^2) / 2", f"Bernoulli, 1738; {WHITE}, sec. 3.5",
         {"pressure_drop": Quantity("Pa", "pressure drop", words="fall difference, baisse chute de pression")},
         words="horizontal pipe Bernoulli speeds up without losses, tube horizontal, accélère, sans "
               "pertes")  # fmt: skip
def speed_pressure_drop(
    first_velocity: Annotated[
        float,
        Quantity("m/s", "first velocity", 0, 1e5, "v1 from initial inlet upstream, vitesse initiale amont entrée"),
    ],
    second_velocity: Annotated[
        float, Quantity("m/s", "second velocity", 0, 1e5, "v2 to final throat outlet, vitesse finale aval col sortie")
    ],
    density: Annotated[float, Quantity("kg/m^3", "density", 1e-3, 30_000, "rho ρ fluid, masse volumique")],
) -> float:
    """Pressure that a flow loses where it speeds up at one height."""
    return density * (second_velocity**2 - first_velocity**2) / 2


@formula("Q = a b v", "continuity",
         {"flow_rate": Quantity("m^3/s", "volume flow", words="flow rate Q, débit volumique")},
         words="rectangular duct channel, gaine canal rectangulaire")  # fmt: skip
def duct_volume_flow(
    width: Annotated[float, Quantity("m", "width of the duct", 1e-9, 1e4, "side a, largeur")],
    height: Annotated[float, Quantity("m", "height of the duct", 1e-9, 1e4, "side b, hauteur")],
    velocity: Velocity,
) -> float:
    """Volume flow in a rectangular duct."""
    return width * height * velocity


@formula("F2 = F1 (D2 / D1)^2", "Pascal, 1653",
         {"force": Quantity("N", "force of the large piston", words="big second output, force sur le grand piston")},
         words="hydraulic press jack lift, two pistons, presse vérin hydraulique, deux pistons")  # fmt: skip
def hydraulic_press(
    first_force: Annotated[float, Quantity("N", "force on the small piston", 0, 1e12, "first input, petit piston")],
    first_diameter: Annotated[float, Quantity("m", "diameter of the small piston", 1e-9, 1e3, "first, petit piston")],
    second_diameter: Annotated[float, Quantity("m", "diameter of the large piston", 1e-9, 1e3, "big second, grand")],
) -> float:
    """Force of the large piston of a hydraulic press."""
    return first_force * (second_diameter / first_diameter) ** 2


@formula("Q = V rho cp (T2 - T1)", "conservation of energy",
         {"heat": Quantity("kJ", "heat", words="energy Q, énergie, chaleur")},
         words="heating cooling a volume of a liquid or gas of a density and a specific heat, chauffer un "
               "volume d'air, "
               "d'eau")  # fmt: skip
def heat_of_volume(
    volume: Annotated[float, Quantity("m^3", "volume", 0, 1e12, "room tank, contenance, pièce")],
    density: Annotated[float, Quantity("kg/m^3", "density", 1e-3, 30_000, "rho ρ, masse volumique")],
    heat_capacity: Annotated[float, Quantity("J/kg/K", "specific heat", 1, 1e5, "cp, chaleur massique")],
    start: Annotated[
        float, Quantity("K", "temperature at the start", 0, 1e5, "from initial, température initiale, de")
    ],
    end: Annotated[float, Quantity("K", "temperature at the end", 0, 1e5, "to final, température finale, à")],
) -> float:
    """Heat that warms a volume whose density and specific heat are known."""
    return volume * density * heat_capacity * (end - start) / 1e3
