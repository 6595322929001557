"""Elementary relations between quantities: what links the steps of a longer computation."""

from __future__ import annotations

from typing import Annotated

from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

SI = "SI Brochure, 9th ed., 2019 (definition of the quantity)"
MECHANICS = "Halliday, Resnick & Walker, Fundamentals of Physics, 10th ed."
Time = Annotated[float, Quantity("s", "time", 0, 1e15, "duration, during, durée, temps, pendant")]
Mass = Annotated[float, Quantity("kg", "mass", 0, 1e15, "masse, weigh, pèse")]
Volume = Annotated[float, Quantity("m^3", "volume", 0, 1e15, "capacity, contenance")]
Area = Annotated[float, Quantity("m^2", "area", 0, 1e12, "surface, section, aire")]
Power = Annotated[float, Quantity("W", "power", 0, 1e15, "puissance")]
MassFlow = Annotated[float, Quantity("kg/s", "mass flow", 0, 1e6, "flow rate, débit massique")]


@formula("volume_flow = velocity area", "continuity equation",
         {"volume_flow": Quantity("m^3/s", "volume flow", words="volumetric flow rate, débit volumique")},
         words="vitesse d'écoulement dans une conduite, section, pipe")  # fmt: skip
def volume_flow_in_pipe(
    velocity: Annotated[float, Quantity("m/s", "flow velocity", 0, 1e5, "mean speed, vitesse d'écoulement moyenne")],
    area: Annotated[float, Quantity("m^2", "cross-section", 0, 1e6, "area of the pipe, section de passage, aire")],
) -> float:
    """Volume flow through a cross-section."""
    return velocity * area


@formula("mass = mass_flow time", SI, {"mass": Quantity("kg", "mass that has flowed", words="masse écoulée consommée")},
         words="mass delivered consumed by a flow in a time, masse débitée, consommée pendant une durée")  # fmt: skip
def mass_of_flow(mass_flow: MassFlow, time: Time) -> float:
    """Mass that a flow brings in a time."""
    return mass_flow * time


@formula("difference = outlet - inlet", SI,
         {"pressure_rise": Quantity("Pa", "pressure rise", words="pressure difference drop, élévation, écart, "
                                                                 "différence, chute, perte de pression")},
         words="inlet outlet, entrée sortie, amont aval, suction discharge, aspiration refoulement")  # fmt: skip
def pressure_difference(
    outlet: Annotated[float, Quantity("Pa", "higher pressure", 0, 1e10, "outlet discharge delivers delivery to, "
                                      "sortie, refoulement, aval, refoule")],
    inlet: Annotated[float, Quantity("Pa", "lower pressure", 0, 1e10, "inlet suction takes from, entrée, aspiration, "
                                     "amont, aspire")],
) -> float:  # fmt: skip
    """Difference between two pressures, as of a pump's outlet and inlet."""
    return outlet - inlet


@formula("difference = hot - cold", SI,
         {"temperature_difference": Quantity("K", "temperature difference", words="rise, écart, élévation, différence, "
                                                                                  "échauffement")},
         words="heated cooled from to, chauffé refroidi de à")  # fmt: skip
def temperature_difference(
    hot: Annotated[float, Quantity("K", "higher temperature", 0, 1e5, "hot final outlet to, chaude, sortie, jusqu'à")],
    cold: Annotated[float, Quantity("K", "lower temperature", 0, 1e5, "cold initial inlet from, froide, entrée, de")],
) -> float:
    """Difference between two temperatures."""
    return hot - cold


@formula("total = first + second", SI,
         {"total": Quantity("m/s", "total velocity change", words="sum delta-v, somme, variation de vitesse totale")},
         words="velocity changes of two burns added, somme des variations de vitesse, incréments")  # fmt: skip
def total_velocity_change(
    first: Annotated[float, Quantity("m/s", "first velocity change", 0, 1e6, "delta-v stage burn, premier étage")],
    second: Annotated[float, Quantity("m/s", "second velocity change", 0, 1e6, "delta-v stage burn, second étage")],
) -> float:
    """Sum of two velocity changes."""
    return first + second


@formula("speed = distance / time", MECHANICS, {"speed": Quantity("m/s", "speed", words="velocity rate, vitesse")},
         words="distance travelled covered, parcourue")  # fmt: skip
def mean_speed(
    distance: Annotated[float, Quantity("m", "distance", 0, 1e15, "travelled covered, parcourue")], time: Time
) -> float:
    """Mean speed over a distance."""
    return distance / time


@formula("time = thickness / rate", "ASTM G102-89, uniform attack",
         {"lifetime": Quantity("year", "time until it is through", words="lifetime service life years gone perforated, "
                               "durée de vie, années, percée, disparaît")},
         words="years until a wall is corroded through, lost, gone, durée avant perforation, disparition")  # fmt: skip
def time_to_perforation(
    thickness: Annotated[float, Quantity("mm", "thickness", 0, 1e5, "wall loss, épaisseur, paroi, perte")],
    rate: Annotated[float, Quantity("mm/year", "corrosion rate", 1e-12, 1e6, "penetration rate, vitesse de corrosion")],
) -> float:
    """Time in which corrosion goes through a thickness."""
    return thickness / rate


@formula("heat_flux = power / area", MECHANICS, {"heat_flux": Quantity("W/m^2", "heat flux", words="flux thermique")},
         words="heat flow per area, densité de flux de chaleur")  # fmt: skip
def heat_flux(
    power: Annotated[float, Quantity("W", "heat flow", 0, 1e15, "power, puissance thermique")], area: Area
) -> float:
    """Heat flux of a heat flow through an area."""
    return power / area


@formula("volume = area thickness", "geometry", {"volume": Quantity("m^3", "volume of a layer", words="couche, dépôt")},
         words="layer, coating, plate, couche, dépôt, plaque")  # fmt: skip
def layer_volume(
    area: Area, thickness: Annotated[float, Quantity("m", "thickness", 0, 1e6, "thick, épaisseur, épais")]
) -> float:
    """Volume of a layer of an area."""
    return area * thickness


@formula("ratio = area / throat_area", "geometry",
         {"area_ratio": Quantity("", "nozzle exit area over throat area", words="expansion ratio, rapport de section, "
                                                                               "de détente")},
         words="exit and throat areas, sections de sortie et du col")  # fmt: skip
def nozzle_area_ratio(
    exit_area: Annotated[float, Quantity("m^2", "exit area", 0, 1e6, "section de sortie")],
    throat_area: Annotated[float, Quantity("m^2", "throat area", 1e-12, 1e6, "section du col")],
) -> float:
    """Area ratio of a nozzle from both areas."""
    return exit_area / throat_area


@formula("exit_pressure = ratio chamber_pressure", "definition of a pressure ratio",
         {"pressure": Quantity("Pa", "exit pressure", words="pression de sortie, static pressure, pression statique")},
         words="pressure at the nozzle's exit from the pressure ratio, pression à la sortie de la tuyère")  # fmt: skip
def pressure_from_ratio(
    pressure_ratio: Annotated[float, Quantity("", "exit over chamber pressure", 1e-9, 1, "pressure ratio, rapport de "
                                              "pression")],
    chamber_pressure: Annotated[float, Quantity("Pa", "chamber pressure", 0, 1e10, "stagnation, pression de chambre")],
) -> float:  # fmt: skip
    """Static pressure from its ratio to the chamber's."""
    return pressure_ratio * chamber_pressure


@formula("diameter = 2 radius", "geometry", {"diameter": Quantity("m", "diameter", words="diamètre")},
         words="diameter from a radius, diamètre d'un rayon")  # fmt: skip
def diameter_of_radius(radius: Annotated[float, Quantity("m", "radius", 0, 1e12, "rayon")]) -> float:
    """Diameter of a circle, tank or wire from its radius."""
    return 2 * radius


@formula("thrust = engines thrust_each", MECHANICS, {"thrust": Quantity("N", "total thrust", words="poussée totale")},
         words="cluster of identical engines, each, moteurs identiques, chacun")  # fmt: skip
def cluster_thrust(
    engines: Annotated[float, Quantity("", "engines", 1, 1000, "thrusters boosters motors, moteurs, propulseurs")],
    thrust_each: Annotated[float, Quantity("N", "thrust of each engine", 0, 1e12, "poussée de chaque moteur, chacun")],
) -> float:
    """Thrust of several identical engines together."""
    return engines * thrust_each


@formula("voltage = positive - negative", "IUPAC, electromotive force of a galvanic cell",
         {"voltage": Quantity("V", "cell voltage", words="emf, tension de la pile, force électromotrice")},
         words="voltage of a cell from two electrode potentials, tension d'une pile, potentiels des électrodes, "
               "cathode, anode")  # fmt: skip
def voltage_of_potentials(
    positive: Annotated[float, Quantity("V", "potential of the positive electrode", -10, 10, "cathode, E°, électrode "
                                        "positive, standard potential, potentiel standard")],
    negative: Annotated[float, Quantity("V", "potential of the negative electrode", -10, 10, "anode, E°, électrode "
                                        "négative, standard potential, potentiel standard")],
) -> float:  # fmt: skip
    """Voltage of a galvanic cell from the potentials of its electrodes.

    Raises ScienceError where the positive electrode has the lower potential.
    """
    if positive < negative:
        raise ScienceError("positive has to be at least negative")
    return positive - negative


@formula("area = width height", "geometry",
         {"area": Quantity("m^2", "area of a rectangle", words="section, aire, cross-section")},
         words="rectangular duct or plate, gaine rectangulaire, section rectangulaire, by, sur")  # fmt: skip
def rectangle_area(
    width: Annotated[float, Quantity("m", "width", 0, 1e6, "wide, largeur, large")],
    height: Annotated[float, Quantity("m", "height", 0, 1e6, "high, length, hauteur, haut, longueur")],
) -> float:
    """Area of a rectangle, such as a duct's."""
    return width * height
