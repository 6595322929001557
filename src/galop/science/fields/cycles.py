"""Ideal gases that are compressed or heated in a cylinder, and the ideal cycles of engines."""

from __future__ import annotations

from math import log
from typing import Annotated

from galop.science.fields.gases import CENGEL
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

GAS_CONSTANT = 8.31446261815324
Gamma = Annotated[float, Quantity("", "ratio of specific heats", 1.01, 1.67, "gamma kappa k cp/cv, rapport des "
                                                                             "chaleurs spécifiques")]  # fmt: skip
FirstVolume = Annotated[float, Quantity("m^3", "volume before", 1e-15, 1e9, "V1 initial from, volume initial")]
SecondVolume = Annotated[float, Quantity("m^3", "volume afterwards", 1e-15, 1e9, "V2 final to, volume final")]
ADIABATIC = ("adiabatic isentropic reversible compression expansion of a volume in a cylinder, compression détente "
             "adiabatique réversible")  # fmt: skip
RATIO = Quantity("", "compression ratio", 1.000001, 1000, "volume ratio r, taux rapport de compression volumétrique")
EFFICIENCY = {"efficiency": Quantity("", "thermal efficiency", words="ideal cycle, rendement thermique théorique")}


@formula("p2 = p1 (V1 / V2)^gamma", f"{CENGEL}, eq. 7-44",
         {"pressure": Quantity("Pa", "pressure afterwards", words="p2 final, pression "
                                                                  "finale")}, words=ADIABATIC)  # fmt: skip
def adiabatic_pressure(
    first_pressure: Annotated[float, Quantity("Pa", "pressure before", 1e-6, 1e10, "p1 initial at, pression initiale")],
    first_volume: FirstVolume,
    second_volume: SecondVolume,
    gamma: Gamma = 1.4,
) -> float:
    """Pressure of an ideal gas after an adiabatic change of volume."""
    return float(first_pressure * (first_volume / second_volume) ** gamma)


@formula("T2 = T1 (V1 / V2)^(gamma - 1)", f"{CENGEL}, eq. 7-42",
         {"temperature": Quantity("K", "temperature afterwards", words="T2 final, température finale")},
         words=ADIABATIC)  # fmt: skip
def adiabatic_temperature(
    first_temperature: Annotated[float, Quantity("K", "temperature before", 1, 10_000, "T1 initial at, température "
                                                                                       "initiale")],
    first_volume: FirstVolume,
    second_volume: SecondVolume,
    gamma: Gamma = 1.4,
) -> float:  # fmt: skip
    """Temperature of an ideal gas after an adiabatic change of volume."""
    return float(first_temperature * (first_volume / second_volume) ** (gamma - 1))


@formula("T2 = T1 r^(gamma - 1)", f"{CENGEL}, eq. 7-42",
         {"temperature": Quantity("K", "temperature afterwards", words="T2 final end of compression, "
                                                                       "température en fin "
                                                                       "de compression")}, words=ADIABATIC)  # fmt: skip
def temperature_of_compression(
    first_temperature: Annotated[float, Quantity("K", "temperature before", 1, 10_000, "T1 initial at intake, "
                                                                                       "température initiale")],
    ratio: Annotated[float, RATIO],
    gamma: Gamma = 1.4,
) -> float:  # fmt: skip
    """Temperature of an ideal gas after an adiabatic compression by a volume ratio."""
    return float(first_temperature * ratio ** (gamma - 1))


@formula("T2 = T1 r^((gamma - 1) / gamma)", f"{CENGEL}, eq. 7-43",
         {"temperature": Quantity("K", "temperature afterwards", words="T2 outlet final compressor, température de "
                                                                       "sortie finale")},
         words="isentropic temperature from a pressure ratio compressor turbine, température isentropique rapport de "
               "pression compresseur")  # fmt: skip
def temperature_of_pressure_ratio(
    first_temperature: Annotated[float, Quantity("K", "temperature before", 1, 10_000, "T1 inlet initial from, "
                                                                                       "température d'entrée")],
    pressure_ratio: Annotated[float, Quantity("", "pressure ratio", 1e-4, 1e4, "p2/p1, rapport de pression")],
    gamma: Gamma = 1.4,
) -> float:  # fmt: skip
    """Temperature of an ideal gas after an isentropic change of its pressure."""
    return float(first_temperature * pressure_ratio ** ((gamma - 1) / gamma))


@formula("eta = 1 - r^(1 - gamma)", f"{CENGEL}, eq. 9-8", EFFICIENCY,
         words="Otto cycle petrol engine, cycle Otto moteur à essence")  # fmt: skip
def otto_efficiency(ratio: Annotated[float, RATIO], gamma: Gamma = 1.4) -> float:
    """Efficiency of the ideal Otto cycle."""
    return float(1 - ratio ** (1 - gamma))


@formula("eta = 1 - (p2 / p1)^((1 - gamma) / gamma)", f"{CENGEL}, eq. 9-17", EFFICIENCY,
         words="Brayton Joule cycle gas turbine, cycle de Brayton turbine à gaz")  # fmt: skip
def brayton_efficiency(
    pressure_ratio: Annotated[float, Quantity("", "pressure ratio", 1.000001, 1000, "rapport taux de pression, de "
                                                                                    "compression")],
    gamma: Gamma = 1.4,
) -> float:  # fmt: skip
    """Efficiency of the ideal Brayton cycle."""
    return float(1 - pressure_ratio ** ((1 - gamma) / gamma))


@formula("W = p (V2 - V1)", f"{CENGEL}, sec. 4-1",
         {"work": Quantity("kJ", "work of the gas", words="boundary expansion W, travail du gaz, de détente")},
         words="constant pressure isobaric expansion of a gas against a piston, détente isobare, pression "
               "constante")  # fmt: skip
def isobaric_work(
    pressure: Annotated[float, Quantity("Pa", "pressure", 0, 1e10, "constant p, pression constante")],
    first_volume: FirstVolume,
    second_volume: SecondVolume,
) -> float:
    """Work of a gas that expands at constant pressure."""
    return pressure * (second_volume - first_volume) / 1e3


@formula("W = n R T ln(V2 / V1)", f"{CENGEL}, sec. 4-1",
         {"work": Quantity("kJ", "work of the gas", words="expansion W, travail du gaz, de détente"),
          "work_on_gas": Quantity("kJ", "work of compression", words="to compress done on the gas needed, travail pour "
                                                                     "comprimer, de compression")},
         words="isothermal expansion or compression at constant temperature, volumes, détente compression isotherme, "
               "température constante")  # fmt: skip
def isothermal_work_of_volumes(
    amount: Annotated[float, Quantity("mol", "amount of gas", 0, 1e12, "moles n, quantité de gaz")],
    temperature: Annotated[float, Quantity("K", "temperature", 1, 10_000, "T constant, température")],
    first_volume: FirstVolume,
    second_volume: SecondVolume,
) -> dict[str, float]:
    """Work of an ideal gas that expands at constant temperature, or what compressing it takes."""
    work = amount * GAS_CONSTANT * temperature * log(second_volume / first_volume) / 1e3
    return {"work": work, "work_on_gas": -work}


@formula("eta = 1 - heat_out / heat_in", f"{CENGEL}, eq. 6-2",
         {"efficiency": Quantity("", "thermal efficiency", words="heat engine, rendement thermique"),
          "work": Quantity("kJ", "work of the engine", words="net output, travail du moteur")},
         words="heat engine takes in absorbs heat and rejects gives off, moteur thermique reçoit cède "
               "rejette")  # fmt: skip
def heat_engine(
    heat_in: Annotated[float, Quantity("kJ", "heat taken in", 1e-12, 1e15, "absorbs receives from hot, chaleur reçue")],
    heat_out: Annotated[float, Quantity("kJ", "heat rejected", 0, 1e15, "gives off to cold, chaleur cédée rejetée")],
) -> dict[str, float]:
    """Efficiency and work of an engine by the heat that it takes in and rejects.

    Raises ScienceError where it rejects more than it takes.
    """
    if heat_out > heat_in:
        raise ScienceError("heat_out has to be at most heat_in")
    return {"efficiency": 1 - heat_out / heat_in, "work": heat_in - heat_out}
