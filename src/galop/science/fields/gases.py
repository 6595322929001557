"""Ideal gases: state, amount, density, sound, isentropic and isothermal compression."""

from __future__ import annotations

from math import log
from typing import Annotated

from galop.science.constants import ATMOSPHERE, R
from galop.science.formula import Quantity, formula

CLAPEYRON = "Clapeyron, 1834"
CENGEL = "Çengel & Boles, Thermodynamics, 7th ed."
GasPressure = Annotated[float, Quantity("Pa", "pressure", 1e-6, 1e9, words="absolute p, pression absolue")]
GasTemperature = Annotated[float, Quantity("K", "temperature", 1, 10_000, words="T, température")]
GasVolume = Annotated[
    float, Quantity("m^3", "volume", 1e-15, 1e12, words="tank bottle cylinder V, volume bouteille réservoir")
]
GasMolarMass = Annotated[
    float, Quantity("g/mol", "molar mass of the gas", 1, 500, words="molecular weight M, masse molaire du gaz")
]
HeatRatio = Annotated[
    float,
    Quantity(
        "", "ratio of specific heats", 1.001, 1.7, words="gamma γ cp/cv adiabatic index, rapport des chaleurs massiques"
    ),
]


@formula(
    "p = n R T / V", CLAPEYRON, {"pressure": Quantity("Pa", "pressure", words="p, pression")},
    words="ideal gas law pressure moles volume temperature, loi des gaz parfaits pression quantité de matière volume",
)  # fmt: skip
def ideal_gas(
    amount: Annotated[float, Quantity("mol", "amount of gas", 1e-15, 1e12, words="moles n, quantité de matière")],
    volume: GasVolume,
    temperature: GasTemperature,
) -> float:
    """Pressure of an ideal gas; solved for it, amount, volume or temperature."""
    return amount * R * temperature / volume


@formula(
    "m = p V M / (R T)", CLAPEYRON, {"mass": Quantity("kg", "mass of gas", words="m stored, masse de gaz")},
    words="mass of gas in a tank pressure volume, masse de gaz dans un réservoir bouteille pression volume",
)  # fmt: skip
def gas_mass(pressure: GasPressure, volume: GasVolume, molar_mass: GasMolarMass, temperature: GasTemperature) -> float:
    """Mass of an ideal gas in a volume."""
    return pressure * volume * molar_mass / 1000 / (R * temperature)


@formula(
    "rho = p M / (R T)", CLAPEYRON, {"density": Quantity("kg/m^3", "density of the gas",
                                                         words="rho ρ, masse volumique du gaz")},
    words="density of an ideal gas from pressure temperature molar mass, masse volumique d'un gaz parfait",
)  # fmt: skip
def gas_density(molar_mass: GasMolarMass, temperature: GasTemperature, pressure: GasPressure = ATMOSPHERE) -> float:
    """Density of an ideal gas."""
    return pressure * molar_mass / 1000 / (R * temperature)


@formula(
    "p2 = p1 T2 / T1", "Gay-Lussac, 1802",
    {"pressure": Quantity("Pa", "pressure afterwards", words="p2 final, pression finale")},
    words="Gay-Lussac constant volume rigid sealed vessel cylinder tyre gas heated, volume constant bouteille "
          "réservoir rigide fermé "
    "pneu gaz chauffé",
)  # fmt: skip
def isochoric_pressure(
    first_pressure: Annotated[
        float, Quantity("Pa", "pressure before", 1e-6, 1e9, words="p1 initial, pression initiale")
    ],
    first_temperature: Annotated[
        float, Quantity("K", "temperature before", 1, 10_000, words="T1 initial, température initiale")
    ],
    second_temperature: Annotated[
        float, Quantity("K", "temperature afterwards", 1, 10_000, words="T2 final gas, température finale")
    ],
) -> float:
    """Absolute pressure of a gas in a closed rigid vessel after its temperature has changed."""
    return first_pressure * second_temperature / first_temperature


@formula(
    "p2 = p1 V1 / V2", "Boyle, 1662",
    {"pressure": Quantity("Pa", "pressure afterwards", words="p2 final, pression finale")},
    words="Boyle-Mariotte constant temperature isothermal compression volume, loi de Boyle-Mariotte température "
          "constante compression",
)  # fmt: skip
def isothermal_pressure(
    first_pressure: Annotated[
        float, Quantity("Pa", "pressure before", 1e-6, 1e9, words="p1 initial, pression initiale")
    ],
    first_volume: Annotated[float, Quantity("m^3", "volume before", 1e-15, 1e12, words="V1 initial, volume initial")],
    second_volume: Annotated[float, Quantity("m^3", "volume afterwards", 1e-15, 1e12, words="V2 final, volume final")],
) -> float:
    """Absolute pressure of a gas after its volume has changed at one temperature (Boyle)."""
    return first_pressure * first_volume / second_volume


@formula(
    "V2 = V1 T2 / T1", "Charles, 1787",
    {"volume": Quantity("m^3", "volume afterwards", words="V2 final, volume final")},
    words="Charles's law constant pressure gas volume temperature balloon, loi de Charles pression constante volume "
          "température ballon",
)  # fmt: skip
def isobaric_volume(
    first_volume: Annotated[float, Quantity("m^3", "volume before", 1e-15, 1e12, words="V1 initial, volume initial")],
    first_temperature: Annotated[
        float, Quantity("K", "temperature before", 1, 10_000, words="T1 initial, température initiale")
    ],
    second_temperature: Annotated[
        float, Quantity("K", "temperature afterwards", 1, 10_000, words="T2 final, température finale")
    ],
) -> float:
    """Volume of a gas after its temperature has changed at one pressure (Charles)."""
    return first_volume * second_temperature / first_temperature


@formula(
    "p2 = p1 V1 T2 / (V2 T1)", "Boyle, 1662; Charles, 1787",
    {"pressure": Quantity("Pa", "pressure afterwards", words="p2 final, pression finale")},
    words="combined gas law pressure volume temperature change, changement de pression volume température d'un gaz",
)  # fmt: skip
def gas_change(
    first_pressure: Annotated[
        float, Quantity("Pa", "pressure before", 1e-6, 1e9, words="p1 initial, pression initiale")
    ],
    first_volume: Annotated[float, Quantity("m^3", "volume before", 1e-15, 1e12, words="V1 initial, volume initial")],
    second_volume: Annotated[float, Quantity("m^3", "volume afterwards", 1e-15, 1e12, words="V2 final, volume final")],
    first_temperature: Annotated[
        float, Quantity("K", "temperature before", 1, 10_000, words="T1 initial, température initiale")
    ],
    second_temperature: Annotated[
        float, Quantity("K", "temperature afterwards", 1, 10_000, words="T2 final, température finale")
    ],
) -> float:
    """Absolute pressure of an amount of gas after its volume and its temperature have changed."""
    return first_pressure * first_volume / second_volume * second_temperature / first_temperature


@formula(
    "M = v / a", "Mach, 1887", {"mach": Quantity("", "Mach number", words="Ma, nombre de Mach")},
    words="Mach number from velocity and speed of sound, nombre de Mach vitesse vitesse du son",
)  # fmt: skip
def mach_number(
    velocity: Annotated[float, Quantity("m/s", "velocity", 0, 1e5, words="speed v airspeed, vitesse")],
    speed_of_sound: Annotated[float, Quantity("m/s", "speed of sound", 1, 1e5, words="a c, vitesse du son")],
) -> float:
    """Mach number of a velocity."""
    return velocity / speed_of_sound


@formula(
    "T2 = T1 (p2 / p1)^((gamma - 1) / gamma)", f"{CENGEL}, eq. 7-43",
    {"temperature": Quantity("K", "temperature afterwards", words="T2 final outlet exit end, température finale "
                                                                  "de sortie")},
    words="isentropic adiabatic compression expansion temperature pressure ratio, compression détente isentropique "
          "adiabatique température",
)  # fmt: skip
def isentropic_temperature(
    first_temperature: Annotated[
        float,
        Quantity(
            "K",
            "temperature before",
            1,
            10_000,
            words="T1 initial inlet chamber from, température initiale d'entrée, de chambre",
        ),
    ],
    first_pressure: Annotated[
        float, Quantity("Pa", "pressure before", 1e-6, 1e10, words="p1 initial inlet, pression initiale d'entrée")
    ],
    second_pressure: Annotated[
        float, Quantity("Pa", "pressure afterwards", 1e-6, 1e10, words="p2 final outlet, pression finale de sortie")
    ],
    heat_ratio: HeatRatio = 1.4,
) -> float:
    """Temperature of an ideal gas after an isentropic change of pressure."""
    return float(first_temperature * (second_pressure / first_pressure) ** ((heat_ratio - 1) / heat_ratio))


@formula(
    "P = m cp T1 ((p2 / p1)^((gamma - 1) / gamma) - 1) / efficiency", f"{CENGEL}, sec. 7-11",
    {"power": Quantity("kW", "shaft power", words="compressor work, puissance du compresseur")},
    words="compressor power isentropic efficiency mass flow pressure ratio, puissance d'un compresseur rendement "
          "isentropique débit",
)  # fmt: skip
def compressor_power(
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 0, 1e7, words="ṁ, débit massique")],
    temperature: Annotated[
        float, Quantity("K", "temperature at the inlet", 1, 10_000, words="T1, température d'entrée")
    ],
    first_pressure: Annotated[
        float, Quantity("Pa", "pressure at the inlet", 1e-3, 1e10, words="p1 suction, pression d'aspiration d'entrée")
    ],
    second_pressure: Annotated[
        float,
        Quantity("Pa", "pressure at the outlet", 1e-3, 1e10, words="p2 delivery, pression de refoulement de sortie"),
    ],
    heat_capacity: Annotated[
        float, Quantity("J/kg/K", "specific heat at constant pressure", 100, 20_000, words="cp, chaleur massique")
    ] = 1005.0,
    heat_ratio: HeatRatio = 1.4,
    efficiency: Annotated[
        float, Quantity("", "isentropic efficiency", 0.01, 1, words="η, rendement isentropique")
    ] = 1.0,
) -> float:
    """Shaft power of a compressor of an ideal gas, air unless told otherwise."""
    rise = (second_pressure / first_pressure) ** ((heat_ratio - 1) / heat_ratio) - 1
    return float(mass_flow * heat_capacity * temperature * rise / efficiency / 1000)


@formula(
    "W = n R T ln(p2 / p1)", f"{CENGEL}, sec. 7-10",
    {"work": Quantity("kJ", "work", words="energy isothermal, travail énergie isotherme")},
    words="isothermal compression work of a gas, travail de compression isotherme d'un gaz",
)  # fmt: skip
def isothermal_work(
    amount: Annotated[float, Quantity("mol", "amount of gas", 1e-15, 1e12, words="moles n, quantité de matière")],
    first_pressure: Annotated[
        float, Quantity("Pa", "pressure before", 1e-6, 1e10, words="p1 initial, pression initiale")
    ],
    second_pressure: Annotated[
        float, Quantity("Pa", "pressure afterwards", 1e-6, 1e10, words="p2 final, pression finale")
    ],
    temperature: GasTemperature,
) -> float:
    """Work that compresses an amount of ideal gas at one temperature."""
    return amount * R * temperature * log(second_pressure / first_pressure) / 1000


@formula(
    "T0 = T + v^2 / (2 cp)", f"{CENGEL}, sec. 17-1",
    {"total_temperature": Quantity("K", "stagnation temperature", words="total, température totale, d'arrêt")},
    words="stagnation or total temperature of a flow at a velocity, speed of flight, aircraft, température totale, "
          "température d'arrêt, vitesse de l'écoulement",
)  # fmt: skip
def stagnation_temperature_of_velocity(
    temperature: Annotated[
        float, Quantity("K", "static temperature", 1, 10_000, "température statique, de l'écoulement, air")
    ],
    velocity: Annotated[float, Quantity("m/s", "velocity", 0, 20_000, "v speed flies, vitesse")],
    heat_capacity: Annotated[
        float, Quantity("J/kg/K", "specific heat at constant pressure", 100, 20_000, "cp, chaleur massique")
    ] = 1004.7,
) -> float:
    """Stagnation temperature of a flow by its velocity, of air where nothing else is said."""
    return temperature + velocity**2 / (2 * heat_capacity)
