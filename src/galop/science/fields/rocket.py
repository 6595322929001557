"""Rockets in flight: velocity change, propellants and masses, impulse and time."""

from __future__ import annotations

from math import exp, log
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.inputs import RPE, DeltaV, Isp, Thrust
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

TSIOLKOVSKY = f"Tsiolkovsky, 1903; {RPE}, ch. 4"
InitialMass = Annotated[
    float,
    Quantity("kg", "mass before the burn", 1e-9, 1e12,
             "initial wet total all-up tout compris lift-off launch gross full loaded fuelled start starts "
             "started begins "
             "separation ignition including propellant, "
             "of a stage spacecraft satellite probe rocket, masse initiale, au départ, à l'allumage, avant "
             "combustion, pleine, d'un étage, d'une sonde, d'une fusée"),
]  # fmt: skip
FinalMass = Annotated[
    float,
    Quantity("kg", "mass after the burn", 1e-9, 1e12,
             "final dry burnout burns out burned cutoff shutdown empty, dry mass of a stage, masse finale, "
             "sèche, à vide, après combustion, à la coupure, extinction"),
]  # fmt: skip
PropellantMass = Annotated[
    float,
    Quantity("kg", "propellant mass", 0, 1e12, "fuel burned consumed, masse d'ergols, masse de propergol, consommée"),
]
MASS_RATIO = Quantity("", "mass ratio, before over after", words="rapport de masse, rapport de masses m0/mf")
BURNED = Quantity("kg", "propellant mass", words="propellant burned needed, masse d'ergols, de propergol, nécessaire")


@formula(
    "delta_v = isp * g0 * ln(initial_mass / final_mass)", TSIOLKOVSKY,
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse"), "mass_ratio": MASS_RATIO},
    words="équation de la fusée de Tsiolkovski, variation de vitesse delta-v, impulsion spécifique, masse initiale et "
          "finale, étage",
)  # fmt: skip
def rocket_equation(isp: Isp, initial_mass: InitialMass, final_mass: FinalMass) -> dict[str, float]:
    """Velocity change of a rocket stage (Tsiolkovsky).

    Raises ScienceError where the mass after the burn is more than before.
    """
    if final_mass > initial_mass:
        raise ScienceError("final_mass has to be at most initial_mass")
    return {"delta_v": isp * G0 * log(initial_mass / final_mass), "mass_ratio": initial_mass / final_mass}


def burn(delta_v: float, isp: float) -> float:
    """The mass ratio, before over after, of a velocity change.

    Raises ScienceError for one that no rocket has.
    """
    if delta_v > 100 * isp * G0:
        raise ScienceError(
            f"a velocity change of {delta_v / (isp * G0):g} exhaust velocities is out of any rocket's reach"
        )
    return exp(delta_v / (isp * G0))


@formula(
    "initial_mass / final_mass = exp(delta_v / (isp g0)); propellant_fraction = 1 - final_mass / "
    "initial_mass", TSIOLKOVSKY,
    {
        "mass_ratio": MASS_RATIO,
        "propellant_fraction": Quantity("", "propellant over initial mass", words="propellant fraction, fraction "
                                                                                  "d'ergols"),
    },
    words="mass ratio required for a delta-v, rapport de masse nécessaire, fraction massique d'ergols",
)  # fmt: skip
def mass_ratio(delta_v: DeltaV, isp: Isp) -> dict[str, float]:
    """Mass ratio and propellant fraction that a velocity change takes."""
    ratio = burn(delta_v, isp)
    return {"mass_ratio": ratio, "propellant_fraction": 1 - 1 / ratio}


@formula(
    "propellant_mass = final_mass (exp(delta_v / (isp g0)) - 1)", TSIOLKOVSKY,
    {
        "propellant_mass": BURNED,
        "initial_mass": Quantity("kg", "mass before the burn", words="initial wet lift-off mass, masse initiale au "
                                                                     "départ"),
    },
    words="propellant needed to give a dry mass or payload a delta-v, masse d'ergols nécessaire pour une masse sèche, "
          "masse initiale, manœuvre",
)  # fmt: skip
def propellant_needed(delta_v: DeltaV, isp: Isp, final_mass: FinalMass) -> dict[str, float]:
    """Propellant that a velocity change takes, from the mass after the burn."""
    ratio = burn(delta_v, isp)
    return {"propellant_mass": final_mass * (ratio - 1), "initial_mass": final_mass * ratio}


@formula(
    "delta_v = isp g0 ln(initial_mass / (initial_mass - propellant_mass))", TSIOLKOVSKY,
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse, gain de vitesse")},
    words="delta-v of a spacecraft satellite probe from its total mass and its propellant, cold gas, delta-v d'un "
          "satellite, masse totale, masse d'ergols",
)  # fmt: skip
def delta_v_of_propellant(
    isp: Isp,
    spacecraft_mass: Annotated[
        float, Quantity("kg", "mass of the loaded spacecraft", 1e-9, 1e12, "satellite probe cubesat rocket total wet "
                                                                           "initial, masse totale du satellite")
    ],
    propellant_mass: PropellantMass,
) -> float:  # fmt: skip
    """Velocity change of a spacecraft that burns a mass of propellant.

    Raises ScienceError where there is no less propellant than spacecraft.
    """
    if propellant_mass >= spacecraft_mass:
        raise ScienceError(f"propellant_mass ({propellant_mass:g} kg) has to be less than spacecraft_mass")
    return isp * G0 * log(spacecraft_mass / (spacecraft_mass - propellant_mass))


@formula(
    "propellant_mass = initial_mass (1 - exp(-delta_v / (isp g0)))", TSIOLKOVSKY,
    {
        "propellant_mass": BURNED,
        "final_mass": Quantity("kg", "mass after the burn", words="final dry afterwards left remaining, masse finale, "
                                                                  "restante"),
    },
    words="propellant burned by a spacecraft of initial mass for a delta-v manoeuvre, masse d'ergols consommée, masse "
          "finale",
)  # fmt: skip
def propellant_burned(delta_v: DeltaV, isp: Isp, initial_mass: InitialMass) -> dict[str, float]:
    """Propellant that a velocity change takes, from the mass before the burn."""
    final = initial_mass / burn(delta_v, isp)
    return {"propellant_mass": initial_mass - final, "final_mass": final}


@formula(
    "c = isp g0", f"{RPE}, eq. 2-6",
    {"exhaust_velocity": Quantity("m/s", "effective exhaust velocity", words="vitesse d'éjection effective, "
                                  "gases leave exit ejected, gaz éjectés sortent")},
    words="effective exhaust velocity from specific impulse, vitesse d'éjection effective, impulsion spécifique",
)  # fmt: skip
def exhaust_velocity(isp: Isp) -> float:
    """Effective exhaust velocity of a specific impulse."""
    return isp * G0


@formula(
    "isp = thrust / (mass_flow g0)", f"{RPE}, eq. 2-5",
    {
        "isp": Quantity("s", "specific impulse", words="Isp impulsion spécifique"),
        "exhaust_velocity": Quantity("m/s", "effective exhaust velocity", words="vitesse d'éjection effective"),
    },
    words="specific impulse from thrust and propellant flow, impulsion spécifique, poussée et débit massique",
)  # fmt: skip
def specific_impulse(
    thrust: Thrust,
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 1e-12, 1e6, "débit massique, consommation")],
) -> dict[str, float]:
    """Specific impulse from thrust and mass flow."""
    return {"isp": thrust / (mass_flow * G0), "exhaust_velocity": thrust / mass_flow}


@formula(
    "total_impulse = thrust burn_time", f"{RPE}, eq. 2-2",
    {"total_impulse": Quantity("N*s", "total impulse", words="impulsion totale")},
    words="total impulse of a motor, impulsion totale, poussée constante et durée",
)  # fmt: skip
def total_impulse(
    thrust: Thrust,
    burn_time: Annotated[float, Quantity("s", "burn time", 0, 1e10, "burning duration, durée de combustion, temps")],
) -> float:
    """Total impulse of a constant (or mean) thrust over a burn time."""
    return thrust * burn_time


@formula(
    "total_impulse = isp g0 propellant_mass", f"{RPE}, eq. 2-4",
    {"total_impulse": Quantity("N*s", "total impulse", words="impulsion totale")},
    words="total impulse of propellant, impulsion totale, masse d'ergols, impulsion spécifique",
)  # fmt: skip
def impulse_of_propellant(isp: Isp, propellant_mass: PropellantMass) -> float:
    """Total impulse that a mass of propellant gives at a specific impulse."""
    return isp * G0 * propellant_mass


@formula(
    "isp = thrust burn_time / (propellant_mass g0)", f"{RPE}, eq. 2-4",
    {"isp": Quantity("s", "specific impulse", words="Isp impulsion spécifique")},
    words="specific impulse of a motor from its mean thrust, burn time and propellant, load cell test, impulsion "
          "spécifique, poussée moyenne, durée de combustion, masse d'ergols",
)  # fmt: skip
def isp_of_burn(
    thrust: Annotated[float, Quantity("N", "mean thrust", 0, 1e12, "average load cell force, poussée moyenne")],
    burn_time: Annotated[float, Quantity("s", "burn time", 1e-6, 1e10, "burning duration in, durée de combustion en")],
    propellant_mass: PropellantMass,
) -> float:
    """Specific impulse from what a motor burned, how long, and its mean thrust."""
    return thrust * burn_time / (propellant_mass * G0)


@formula(
    "burn_time = propellant_mass / mass_flow", f"{RPE}, ch. 2",
    {"burn_time": Quantity("s", "burn time", words="durée de combustion, temps de combustion")},
    words="how long an engine burns its propellant, durée de combustion, combien de temps, débit massique",
)  # fmt: skip
def burn_time(
    propellant_mass: PropellantMass,
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 1e-12, 1e6, "débit massique, consommation")],
) -> float:
    """Burn time of a propellant mass at a mass flow."""
    return propellant_mass / mass_flow


@formula(
    "burn_time = propellant_mass isp g0 / thrust", f"{RPE}, ch. 2",
    {"burn_time": Quantity("s", "burn time", words="durée de combustion, temps de combustion")},
    words="how long an engine of a thrust burns, durée de combustion, combien de temps, poussée, impulsion spécifique",
)  # fmt: skip
def burn_time_at_thrust(
    propellant_mass: PropellantMass, isp: Isp, thrust: Annotated[float, Quantity("N", "thrust", 1e-12, 1e12, "poussée")]
) -> float:
    """Burn time of a propellant mass at a thrust and specific impulse."""
    return propellant_mass * isp * G0 / thrust


Gravity = Annotated[
    float, Quantity("m/s^2", "gravity", 1e-6, 1000, "gravitational acceleration, pesanteur, gravité locale")
]


@formula(
    "thrust_to_weight = thrust / (mass gravity), acceleration = thrust / mass - gravity", f"{RPE}, ch. 2",
    {
        "thrust_to_weight": Quantity("", "thrust over weight", words="thrust-to-weight ratio, T/W, TWR, rapport "
                                                                     "poussée poids"),
        "acceleration": Quantity("m/s^2", "acceleration straight up", words="lift-off initial acceleration rocket, "
                                                                            "accélération verticale au décollage"),
    },
    words="thrust to weight ratio, acceleration at lift-off, take-off, launch, leaving the pad, rapport poussée sur "
          "poids, accélération au décollage",
)  # fmt: skip
def thrust_to_weight(
    thrust: Thrust,
    mass: Annotated[
        float,
        Quantity(
            "kg", "mass of the vehicle", 1e-9, 1e12, "lift-off liftoff rocket weighs, masse au décollage, du véhicule"
        ),
    ],
    gravity: Gravity = G0,
) -> dict[str, float]:
    """Thrust-to-weight ratio of a vehicle, and how fast it accelerates upwards."""
    return {"thrust_to_weight": thrust / (mass * gravity), "acceleration": thrust / mass - gravity}


@formula(
    "a = F / m", f"{RPE}, ch. 4",
    {"acceleration": Quantity("m/s^2", "acceleration", words="a in space or level, accélération dans le vide")},
    words="acceleration that the thrust of engines or thrusters gives a vehicle, spacecraft or satellite it pushes, no "
          "gravity, accélération que la poussée de moteurs donne à un véhicule, engin, satellite",
)  # fmt: skip
def thrust_acceleration(
    thrust: Thrust,
    mass: Annotated[float, Quantity("kg", "mass that is pushed", 1e-9, 1e12, "of the vehicle, masse du véhicule")],
) -> float:
    """How fast thrust accelerates a vehicle where its weight does not count."""
    return thrust / mass


MixtureRatio = Annotated[
    float,
    Quantity("", "mixture ratio O/F by mass", 1e-3, 1000, "O/F oxidiser to fuel ratio, rapport de mélange comburant "
                                                          "carburant"),
]  # fmt: skip


FUEL_MASS = Quantity("kg", "fuel mass", 1e-9, 1e12, "masse de carburant, de combustible, kerosene, methane, hydrogen")
FUEL_FLOW = Quantity("kg/s", "fuel flow", 1e-9, 1e9, "débit de carburant, de combustible, kerosene, methane, hydrogen")
OXIDISER_MASS = Quantity("kg", "oxidiser mass", words="masse de comburant, d'oxydant, d'oxygène, LOX, oxygen")
OXIDISER_FLOW = Quantity("kg/s", "oxidiser flow", words="débit de comburant, d'oxydant, d'oxygène, LOX, oxygen")
OF_FUEL = "oxidiser = fuel O/F, total = fuel (1 + O/F)"
SHARES = "oxidiser = total O/F / (1 + O/F), fuel = total / (1 + O/F)"


@formula(
    SHARES, f"{RPE}, ch. 6", {"oxidiser_mass": OXIDISER_MASS, "fuel_mass": FUEL_MASS},
    words="split propellant mass into oxidiser and fuel, répartir les ergols, masse de comburant et de carburant",
)  # fmt: skip
def propellant_split(
    propellant_mass: Annotated[
        float, Quantity("kg", "propellant mass, both together", 1e-9, 1e12, "total propellants, ergols, masse totale")
    ],
    of: MixtureRatio,
) -> dict[str, float]:
    """Oxidiser and fuel in a mass of propellants."""
    return {"oxidiser_mass": propellant_mass * of / (1 + of), "fuel_mass": propellant_mass / (1 + of)}


@formula(
    SHARES, f"{RPE}, eq. 6-3 and 6-4", {"oxidiser_flow": OXIDISER_FLOW, "fuel_flow": FUEL_FLOW},
    words="oxidiser and fuel flow of an engine at a mixture ratio, débits de comburant et de carburant, rapport de "
          "mélange",
)  # fmt: skip
def flow_split(
    mass_flow: Annotated[
        float, Quantity("kg/s", "mass flow, both propellants together", 1e-9, 1e9, "total flow, débit total, d'ergols")
    ],
    of: MixtureRatio,
) -> dict[str, float]:
    """Oxidiser and fuel flow in a total mass flow."""
    return {"oxidiser_flow": mass_flow * of / (1 + of), "fuel_flow": mass_flow / (1 + of)}


@formula(
    OF_FUEL, f"{RPE}, eq. 6-1",
    {
        "needed_oxidiser_mass": OXIDISER_MASS,
        "total_propellant_mass": Quantity("kg", "propellant mass, both together", words="total, masse totale d'ergols"),
    },
    words="oxidiser that goes with a mass of fuel at a mixture ratio, comburant pour une masse de carburant",
)  # fmt: skip
def oxidiser_of_fuel_mass(fuel_mass: Annotated[float, FUEL_MASS], of: MixtureRatio) -> dict[str, float]:
    """Mass of oxidiser that a mass of fuel needs at a mixture ratio, and of both."""
    return {"needed_oxidiser_mass": fuel_mass * of, "total_propellant_mass": fuel_mass * (1 + of)}


@formula(
    OF_FUEL, f"{RPE}, eq. 6-1",
    {
        "needed_oxidiser_flow": OXIDISER_FLOW,
        "total_propellant_flow": Quantity("kg/s", "mass flow, both propellants together", words="total, débit total"),
    },
    words="oxidiser flow that goes with a fuel flow at a mixture ratio, débit de comburant pour un débit de carburant",
)  # fmt: skip
def oxidiser_of_fuel_flow(fuel_flow: Annotated[float, FUEL_FLOW], of: MixtureRatio) -> dict[str, float]:
    """Flow of oxidiser that a flow of fuel needs at a mixture ratio, and of both."""
    return {"needed_oxidiser_flow": fuel_flow * of, "total_propellant_flow": fuel_flow * (1 + of)}


@formula(
    "bulk_density = (1 + O/F) / (O/F / oxidiser_density + 1 / fuel_density)", f"{RPE}, eq. 7-1",
    {"bulk_density": Quantity("kg/m^3", "bulk density of the propellants", words="average density, densité moyenne")},
    words="bulk or average density of a propellant pair, masse volumique moyenne des ergols",
)  # fmt: skip
def bulk_density(
    of: MixtureRatio,
    oxidiser_density: Annotated[float, Quantity("kg/m^3", "density of the oxidiser", 1, 5000, "comburant, oxydant")],
    fuel_density: Annotated[float, Quantity("kg/m^3", "density of the fuel", 1, 5000, "carburant, combustible")],
) -> float:
    """Density of both propellants together at a mixture ratio."""
    return (1 + of) / (of / oxidiser_density + 1 / fuel_density)
