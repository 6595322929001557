"""Entropy of ideal gases and of heating, work of adiabatic changes, speeds of molecules."""

from __future__ import annotations

from math import log, sqrt
from typing import Annotated

from galop.science.constants import R
from galop.science.fields.inputs import Gamma
from galop.science.formula import Quantity, formula

ATKINS = "Atkins & de Paula, Physical Chemistry, 10th ed."
Amount = Annotated[float, Quantity("mol", "amount of gas", 0, 1e12, "moles n, quantité de matière moles")]


@formula(
    "dS = m c ln(T2 / T1)",
    f"{ATKINS}, ch. 3",
    {"entropy": Quantity("J/K", "entropy change", words="dS ΔS, variation d'entropie")},
    words="entropy change of heating cooling a mass from one temperature to another, variation d'entropie d'un "
    "corps chauffé refroidi",
)
def entropy_of_heating(
    mass: Annotated[float, Quantity("kg", "mass", 0, 1e15, "m, masse")],
    heat_capacity: Annotated[float, Quantity("J/kg/K", "specific heat", 1, 1e5, "c cp, chaleur massique")],
    start: Annotated[float, Quantity("K", "temperature at the start", 0.01, 2e4, "initial from T1, initiale de")],
    end: Annotated[float, Quantity("K", "temperature at the end", 0.01, 2e4, "final to T2, finale à")],
) -> float:
    """Entropy that a mass takes up when it is heated."""
    return mass * heat_capacity * log(end / start)


@formula(
    "dS = n R ln(V2 / V1)",
    f"{ATKINS}, ch. 3",
    {"entropy": Quantity("J/K", "entropy change", words="dS ΔS, variation d'entropie")},
    words="entropy change of an isothermal expansion of an ideal gas volume, variation d'entropie détente "
    "isotherme gaz parfait",
)
def entropy_of_expansion(
    amount: Amount,
    first_volume: Annotated[float, Quantity("L", "volume before", 1e-12, 1e15, "initial V1 from, volume initial")],
    second_volume: Annotated[float, Quantity("L", "volume afterwards", 1e-12, 1e15, "final V2 to, volume final")],
) -> float:
    """Entropy that an ideal gas takes up when it expands at one temperature."""
    return amount * R * log(second_volume / first_volume)


@formula(
    "dS = Q / T",
    f"{ATKINS}, ch. 3",
    {"entropy": Quantity("J/K", "entropy change", words="dS ΔS, variation d'entropie")},
    words="entropy change of heat at a constant temperature reservoir melting, variation d'entropie chaleur à "
    "température constante",
)
def entropy_of_heat(
    heat: Annotated[float, Quantity("J", "heat", -1e18, 1e18, "energy Q absorbed transferred, chaleur reçue")],
    temperature: Annotated[float, Quantity("K", "temperature", 0.01, 2e4, "T reservoir, température")],
) -> float:
    """Entropy that heat brings at one temperature."""
    return heat / temperature


@formula(
    "W = (p1 V1 - p2 V2) / (gamma - 1), p2 = p1 (V1 / V2)^gamma",
    f"{ATKINS}, ch. 2",
    {
        "work_of_gas": Quantity("kJ", "work done by the gas", words="expansion, travail fourni par le gaz"),
        "work_on_gas": Quantity("kJ", "work done on the gas", words="compression needed, travail reçu"),
    },
    words="adiabatic isentropic work of expanding compressing a gas volume, travail d'une détente compression "
    "adiabatique",
)
def adiabatic_work(
    first_pressure: Annotated[float, Quantity("Pa", "pressure before", 1e-3, 1e10, "initial p1, pression initiale")],
    first_volume: Annotated[float, Quantity("m^3", "volume before", 1e-12, 1e12, "initial V1, volume initial")],
    second_volume: Annotated[float, Quantity("m^3", "volume afterwards", 1e-12, 1e12, "final V2, volume final")],
    gamma: Gamma = 1.4,
) -> dict[str, float]:
    """Work of an ideal gas that expands, or is compressed, without heat."""
    after = first_pressure * (first_volume / second_volume) ** gamma
    work = (first_pressure * first_volume - after * second_volume) / (gamma - 1) / 1e3
    return {"work_of_gas": work, "work_on_gas": -work}


@formula(
    "v = sqrt(3 R T / M)",
    f"{ATKINS}, ch. 1",
    {
        "speed": Quantity(
            "m/s", "rms speed of the molecules", words="root mean square velocity, vitesse quadratique moyenne"
        )
    },
    words="rms root-mean-square speed of gas molecules kinetic theory, vitesse quadratique moyenne des molécules "
    "d'un gaz",
)
def molecular_speed(
    molar_mass: Annotated[float, Quantity("g/mol", "molar mass", 0.5, 1e4, "M molecules, masse molaire")],
    temperature: Annotated[float, Quantity("K", "temperature", 0.01, 1e6, "T gas, température")],
) -> float:
    """Root-mean-square speed of the molecules of a gas."""
    return sqrt(3 * R * temperature / (molar_mass / 1e3))
