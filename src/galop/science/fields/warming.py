"""Warming and cooling: heat to warm, melt or boil, time that it takes, mixtures, expansion, bodies that cool."""

from __future__ import annotations

from math import exp
from typing import Annotated

from galop.science.fields.heat import INCROPERA, Area, Difference, HeatCapacity, HeatTransfer
from galop.science.formula import Quantity, formula

HEAT = Quantity("kJ", "heat", words="energy needed Q, chaleur énergie nécessaire")
Mass = Annotated[float, Quantity("kg", "mass", 0, 1e15, words="m, masse")]


@formula(
    "Q = m c (T2 - T1)", "first law", {"heat": HEAT},
    words="heat to warm a mass sensible heat energy between two temperatures, chaleur pour chauffer une masse énergie "
          "deux températures",
)  # fmt: skip
def sensible_heat(
    mass: Mass,
    heat_capacity: HeatCapacity,
    start: Annotated[
        float, Quantity("K", "temperature at the start", 0, 20_000, words="initial from T1, température initiale")
    ],
    end: Annotated[float, Quantity("K", "temperature at the end", 0, 20_000, words="final to T2, température finale")],
) -> float:
    """Heat that takes a mass from one temperature to another."""
    return mass * heat_capacity * (end - start) / 1000


@formula(
    "Q = m c dT", "first law", {"heat": HEAT},
    words="heat to warm a mass by a temperature rise, chaleur pour élever la température d'une masse élévation",
)  # fmt: skip
def sensible_heat_of_rise(mass: Mass, heat_capacity: HeatCapacity, temperature_difference: Difference) -> float:
    """Heat that raises the temperature of a mass by some kelvins."""
    return mass * heat_capacity * temperature_difference / 1000


@formula(
    "Q = m L", "definition", {"heat": HEAT},
    words="latent heat to melt or evaporate a mass, chaleur latente pour fondre ou vaporiser une masse",
)  # fmt: skip
def latent_heat(
    mass: Mass,
    latent: Annotated[
        float,
        Quantity(
            "kJ/kg",
            "latent heat",
            1e-3,
            1e6,
            words="of vaporisation fusion melting L, chaleur latente de vaporisation fusion",
        ),
    ],
) -> float:
    """Heat that melts or evaporates a mass."""
    return mass * latent


@formula(
    "t = m L / (eta P)", "definition",
    {"time": Quantity("s", "time of melting, freezing or boiling", words="durée temps de fusion congélation")},
    words="time to melt freeze boil off evaporate a mass with a power, temps pour fondre congeler évaporer vaporiser "
          "une masse avec une puissance, congélateur",
)  # fmt: skip
def phase_change_time(
    mass: Mass,
    latent: Annotated[
        float,
        Quantity("kJ/kg", "latent heat", 1e-3, 1e6, "of vaporisation fusion melting L, chaleur latente de fusion"),
    ],
    power: Annotated[float, Quantity("W", "power", 1e-9, 1e12, "heater removes, puissance retire fournit")],
    efficiency: Annotated[float, Quantity("", "efficiency", 1e-3, 1, "rendement")] = 1.0,
) -> float:
    """Time in which a power melts, freezes or evaporates a mass."""
    return mass * latent * 1000 / (efficiency * power)


@formula(
    "m = m_w c (T1 - T2) / (L + c T2), temperatures in degC", "first law",
    {"ice_mass": Quantity("kg", "mass of ice", words="ice cubes at 0 °C needed, masse de glace glaçons")},
    words="ice needed to cool water drink, melting ice cubes, glace pour refroidir de l'eau une boisson, glaçons "
          "fondent",
)  # fmt: skip
def ice_to_cool(
    mass: Annotated[float, Quantity("kg", "mass that is cooled", 0, 1e15, words="water drink m, masse d'eau")],
    start: Annotated[
        float, Quantity("K", "temperature at the start", 273.15, 400, words="initial from, température initiale de")
    ],
    end: Annotated[float, Quantity("K", "temperature at the end", 273.15, 400, words="final to, température finale à")],
    latent: Annotated[
        float, Quantity("kJ/kg", "latent heat of melting", 1, 1e4, words="fusion ice L, chaleur latente de fusion")
    ] = 333.55,
    heat_capacity: Annotated[
        float, Quantity("kJ/kg/K", "specific heat of the water", 0.1, 20, words="c, chaleur massique de l'eau")
    ] = 4.186,
) -> float:
    """Ice of 0 degC that cools water, its own water warmed to the same end."""
    return mass * heat_capacity * (start - end) / (latent + heat_capacity * (end - 273.15))


@formula(
    "t = m c (T2 - T1) / (efficiency P)", "first law",
    {"time": Quantity("min", "time",
                      words="how long duration, durée combien de temps")},
    words="time to heat a mass with a power heater kettle, temps pour chauffer une masse avec une puissance bouilloire",
)  # fmt: skip
def heating_time(
    mass: Mass,
    heat_capacity: HeatCapacity,
    start: Annotated[
        float, Quantity("K", "temperature at the start", 0, 20_000, words="initial from T1, température initiale")
    ],
    end: Annotated[float, Quantity("K", "temperature at the end", 0, 20_000, words="final to T2, température finale")],
    power: Annotated[float, Quantity("W", "power", 1e-12, 1e15, words="heater P, puissance")],
    efficiency: Annotated[float, Quantity("", "efficiency", 0.01, 1, words="η, rendement")] = 1.0,
) -> float:
    """How long a power takes to bring a mass to a temperature."""
    return mass * heat_capacity * (end - start) / (efficiency * power) / 60


@formula(
    "T = (m1 T1 + m2 T2) / (m1 + m2)", "first law",
    {"temperature": Quantity("K", "temperature of the mixture",
                             words="final equilibrium, température finale d'équilibre du mélange")},
    words="mixing two masses of the same liquid water hot and cold final temperature mix add, mélanger deux "
          "masses du même "
          "liquide eau chaude et froide température finale on mélange",
)  # fmt: skip
def mixing_of_one_liquid(
    first_mass: Annotated[float, Quantity("kg", "first mass", 1e-12, 1e15, words="m1, première masse")],
    first_temperature: Annotated[
        float, Quantity("K", "first temperature", 0, 20_000, words="T1, première température")
    ],
    second_mass: Annotated[float, Quantity("kg", "second mass", 1e-12, 1e15, words="m2, deuxième masse")],
    second_temperature: Annotated[
        float, Quantity("K", "second temperature", 0, 20_000, words="T2, deuxième température")
    ],
) -> float:
    """Temperature after two masses of one liquid are mixed."""
    whole = first_mass + second_mass
    return (first_mass * first_temperature + second_mass * second_temperature) / whole


@formula(
    "T = (V1 T1 + V2 T2) / (V1 + V2)", "first law, one density",
    {"temperature": Quantity("K", "temperature of the mixture",
                             words="final equilibrium, température finale d'équilibre du mélange")},
    words="mixing two volumes litres of the same liquid water hot and cold final temperature bath mix add, "
          "mélanger deux "
          "volumes litres d'eau chaude et froide température finale bain",
)  # fmt: skip
def mixing_of_volumes(
    first_volume: Annotated[float, Quantity("L", "first volume", 1e-12, 1e15, words="V1, premier volume")],
    first_temperature: Annotated[
        float, Quantity("K", "first temperature", 0, 20_000, words="T1, première température")
    ],
    second_volume: Annotated[float, Quantity("L", "second volume", 1e-12, 1e15, words="V2, deuxième volume")],
    second_temperature: Annotated[
        float, Quantity("K", "second temperature", 0, 20_000, words="T2, deuxième température")
    ],
) -> float:
    """Temperature after two volumes of one liquid are mixed."""
    whole = first_volume + second_volume
    return (first_volume * first_temperature + second_volume * second_temperature) / whole


@formula(
    "t = rho V c (T2 - T1) / (efficiency P)", "first law",
    {"time": Quantity("s", "time", words="how long duration, durée combien de temps")},
    words="time to heat a volume litres of a liquid of known specific heat with a power heater kettle boiler, temps "
          "pour chauffer un volume de litres d'eau bouilloire chauffe-eau chaleur massique puissance",
)  # fmt: skip
def warming_time(
    volume: Annotated[float, Quantity("m^3", "volume", 0, 1e12, words="tank litres V, contenance volume")],
    density: Annotated[float, Quantity("kg/m^3", "density", 1e-3, 30_000, words="rho ρ, masse volumique")],
    heat_capacity: HeatCapacity,
    start: Annotated[
        float, Quantity("K", "temperature at the start", 0, 20_000, words="initial from T1, température initiale")
    ],
    end: Annotated[float, Quantity("K", "temperature at the end", 0, 20_000, words="final to T2, température finale")],
    power: Annotated[float, Quantity("W", "power", 1e-12, 1e15, words="heater P, puissance")],
    efficiency: Annotated[float, Quantity("", "efficiency", 0.01, 1, words="η heat goes in, rendement")] = 1.0,
) -> float:
    """How long a power takes to bring a volume, whose density and specific heat are known, to a temperature."""
    return volume * density * heat_capacity * (end - start) / (efficiency * power)


@formula(
    "T = (m1 c1 T1 + m2 c2 T2) / (m1 c1 + m2 c2)", "first law",
    {"temperature": Quantity("K", "temperature of the mixture",
                             words="final equilibrium, température finale d'équilibre du mélange")},
    words="mixing temperature calorimetry of two masses, température de mélange calorimétrie deux masses",
)  # fmt: skip
def mixing_temperature(
    first_mass: Annotated[float, Quantity("kg", "first mass", 1e-12, 1e15, words="m1, première masse")],
    first_temperature: Annotated[
        float, Quantity("K", "first temperature", 0, 20_000, words="T1, première température")
    ],
    second_mass: Annotated[float, Quantity("kg", "second mass", 1e-12, 1e15, words="m2, deuxième masse")],
    second_temperature: Annotated[
        float, Quantity("K", "second temperature", 0, 20_000, words="T2, deuxième température")
    ],
    first_heat: Annotated[
        float, Quantity("J/kg/K", "specific heat of the first", 1, 1e6, words="c1, chaleur massique du premier")
    ] = 4181.0,
    second_heat: Annotated[
        float, Quantity("J/kg/K", "specific heat of the second", 1, 1e6, words="c2, chaleur massique du second")
    ] = 4181.0,
) -> float:
    """Temperature of two masses after they have been brought together, water unless specific heats are given."""
    one, other = first_mass * first_heat, second_mass * second_heat
    return (one * first_temperature + other * second_temperature) / (one + other)


@formula(
    "dL = alpha L dT", "definition",
    {"elongation": Quantity("mm", "thermal elongation", words="change of length expansion lengthen ΔL, allongement "
                                                            "dilatation")},
    words="linear thermal expansion elongation of a rod rail pipe bridge steel heats up, dilatation linéaire "
          "allongement thermique",
)  # fmt: skip
def thermal_expansion(
    coefficient: Annotated[
        float,
        Quantity(
            "1/K",
            "coefficient of linear expansion",
            1e-9,
            1e-2,
            words="alpha α CTE, coefficient de dilatation linéaire",
        ),
    ],
    length: Annotated[float, Quantity("m", "length", 1e-9, 1e7, words="L initial, longueur initiale")],
    temperature_difference: Annotated[
        float,
        Quantity(
            "ΔK", "change of temperature", -5000, 5000, words="ΔT rise heated by, variation élévation de température"
        ),
    ],
) -> float:
    """How much longer a body gets with a rise of its temperature."""
    return 1000 * coefficient * length * temperature_difference


@formula(
    "stress = E alpha dT", "Timoshenko, Strength of Materials, 1930",
    {"stress": Quantity("MPa", "thermal stress", words="constrained σ, contrainte thermique")},
    words="thermal stress of a constrained rod, contrainte thermique d'une barre bloquée",
)  # fmt: skip
def thermal_stress(
    elastic_modulus: Annotated[
        float, Quantity("GPa", "elastic modulus", 1e-6, 2000, words="Young's modulus E, module d'Young d'élasticité")
    ],
    coefficient: Annotated[
        float,
        Quantity(
            "1/K",
            "coefficient of linear expansion",
            1e-9,
            1e-2,
            words="alpha α CTE, coefficient de dilatation linéaire",
        ),
    ],
    temperature_difference: Annotated[
        float, Quantity("ΔK", "change of temperature", -5000, 5000, words="ΔT, variation de température")
    ],
) -> float:
    """Stress in a rod that is held while its temperature changes."""
    return elastic_modulus * 1000 * coefficient * temperature_difference


@formula(
    "tau = rho V c / (h A); holds for h V / (A k) below 0.1", f"{INCROPERA}, eq. 5.7",
    {"time_constant": Quantity("s", "thermal time constant", words="τ lumped, constante de temps thermique")},
    words="lumped capacitance thermal time constant cooling, constante de temps thermique corps mince refroidissement",
)  # fmt: skip
def lumped_time_constant(
    density: Annotated[float, Quantity("kg/m^3", "density", 1e-3, 30_000, words="rho ρ, masse volumique")],
    heat_capacity: HeatCapacity,
    volume: Annotated[float, Quantity("m^3", "volume", 1e-20, 1e9, words="V, volume")],
    area: Area,
    coefficient: HeatTransfer,
) -> float:
    """Time constant of a body whose inside is at one temperature."""
    return density * volume * heat_capacity / (coefficient * area)


@formula(
    "T = T_fluid + (T0 - T_fluid) exp(-t / tau)", f"{INCROPERA}, eq. 5.6",
    {"temperature": Quantity("K", "temperature after the time", words="body cooled heated, température après")},
    words="lumped cooling heating of a body with time Newton exponential, refroidissement exponentiel d'un corps temps",
)  # fmt: skip
def lumped_temperature(
    start: Annotated[
        float, Quantity("K", "temperature at the start", 0, 20_000, words="initial T0, température initiale")
    ],
    fluid_temperature: Annotated[
        float,
        Quantity(
            "K", "temperature of the fluid", 0, 20_000, words="ambient surroundings T∞, température ambiante du fluide"
        ),
    ],
    time: Annotated[float, Quantity("s", "time", 0, 1e15, words="t after, temps durée")],
    time_constant: Annotated[float, Quantity("s", "thermal time constant", 1e-12, 1e15, words="τ, constante de temps")],
) -> float:
    """Temperature of a body of one temperature inside, some time after it came into a fluid."""
    return fluid_temperature + (start - fluid_temperature) * exp(-time / time_constant)
