"""What several different things are together: thrusts, masses and powers added up."""

from __future__ import annotations

from typing import Annotated

from galop.science.formula import Quantity, formula

SUM = "sum of like quantities"


def one_of(ordinal: str, unit: str, what: str, words: str) -> Quantity:
    """An input that is one of several like quantities."""
    return Quantity(unit, f"{ordinal} {what}", 0, 1e18, words=words)


@formula("total = first + second + third", SUM,
         {"total": Quantity("N", "combined thrust", words="total together all at liftoff, poussée totale, ensemble")},
         words="total combined thrust of boosters and core engines firing together, poussée totale au décollage "
               "étage central et propulseurs d'appoint")  # fmt: skip
def total_thrust(
    first_thrust: Annotated[float, one_of("first", "N", "thrust", "booster boosters core main, propulseur d'appoint")],
    second_thrust: Annotated[float, one_of("second", "N", "thrust", "core central main, étage central moteur")],
    third_thrust: Annotated[float, one_of("third", "N", "thrust", "vernier, troisième")] = 0.0,
) -> float:
    """Thrust of up to three unlike engines that fire together."""
    return first_thrust + second_thrust + third_thrust


@formula("total = first + second + third", SUM,
         {"total": Quantity("kg", "combined mass", words="total together altogether, masse totale, ensemble")},
         words="total combined mass of several parts together, masse totale de plusieurs parties")  # fmt: skip
def total_mass(
    first_mass: Annotated[float, one_of("first", "kg", "mass", "part component, première")],
    second_mass: Annotated[float, one_of("second", "kg", "mass", "part component, deuxième")],
    third_mass: Annotated[float, one_of("third", "kg", "mass", "part component, troisième")] = 0.0,
) -> float:
    """Mass of up to three parts together."""
    return first_mass + second_mass + third_mass


@formula("total = first + second + third", SUM,
         {"total": Quantity("W", "combined power", words="total together altogether, puissance totale, ensemble")},
         words="total combined power of several appliances loads together, puissance totale de plusieurs "
               "appareils")  # fmt: skip
def total_power(
    first_power: Annotated[float, one_of("first", "W", "power", "appliance load, appareil")],
    second_power: Annotated[float, one_of("second", "W", "power", "appliance load, appareil")],
    third_power: Annotated[float, one_of("third", "W", "power", "appliance load, appareil")] = 0.0,
) -> float:
    """Power of up to three loads together."""
    return first_power + second_power + third_power
