"""Electrode rates: mass for each hour, currents compared, the exchange current of a whole electrode."""

from __future__ import annotations

from math import log10
from typing import Annotated

from galop.science.constants import ROOM, F, R
from galop.science.fields.electrolysis import CurrentDensity, CurrentEfficiency, Electrons, MolarMass, Time
from galop.science.fields.kinetics import OVERPOTENTIAL, TAFEL, Slope
from galop.science.fields.potentials import BF, Temperature
from galop.science.formula import Quantity, formula


@formula("C = I t / (m dU)", "Stoller & Ruoff, Energy Environ. Sci. 3 (2010) 1294",
         {"specific_capacitance": Quantity("F/g", "specific capacitance", words="gravimetric, capacité spécifique "
                                                                                "massique")},
         words="specific capacitance of an electrode galvanostatic discharge mass voltage window supercapacitor, "
               "capacité spécifique d'une électrode supercondensateur décharge")  # fmt: skip
def specific_capacitance(
    current: Annotated[float, Quantity("A", "current", 1e-15, 1e7, words="discharge I, courant de décharge")],
    time: Annotated[float, Quantity("s", "discharge time", 1e-9, 1e9, words="t duration, durée temps de décharge")],
    mass: Annotated[float, Quantity("g", "active mass", 1e-12, 1e9, words="electrode m, masse active électrode")],
    window: Annotated[float, Quantity("V", "voltage window", 1e-6, 100, words="range ΔV drop, fenêtre de tension")],
) -> float:
    """Capacitance of each gram of an electrode, from a discharge at constant current."""
    return current * time / (mass * window)


@formula("areal = loading capacity", "Linden's Handbook of Batteries, 4th ed., ch. 3",
         {"areal_capacity": Quantity("mA*h/cm^2", "areal capacity", words="of each area, capacité surfacique")},
         words="areal capacity of an electrode loading specific capacity, capacité surfacique d'une électrode grammage "
               "capacité spécifique")  # fmt: skip
def areal_capacity(
    loading: Annotated[float, Quantity("mg/cm^2", "active loading", 1e-6, 1e4, words="mass of area, grammage masse "
                                                                                    "surfacique")],
    capacity: Annotated[float, Quantity("mA*h/g", "specific capacity", 1e-3, 1e5, words="gravimetric, capacité "
                                                                                       "spécifique massique")],
) -> float:  # fmt: skip
    """Charge that each area of an electrode holds."""
    return loading * capacity / 1e3


@formula("efficiency = discharged / charged", "Linden's Handbook of Batteries, 4th ed., ch. 3",
         {"efficiency": Quantity("", "coulombic efficiency", words="faradaic charge, rendement coulombique faradique")},
         words="coulombic efficiency discharge capacity over charge capacity cycle, rendement coulombique capacité de "
               "décharge sur capacité de charge")  # fmt: skip
def coulombic_efficiency(
    discharged: Annotated[float, Quantity("A*h", "charge discharged", 0, 1e9, words="delivered returned, déchargée "
                                                                                  "restituée")],
    charged: Annotated[float, Quantity("A*h", "charge put in", 1e-12, 1e9, words="charged stored input, chargée "
                                                                               "fournie")],
) -> float:  # fmt: skip
    """Share of the charge put into a battery that comes back."""
    return discharged / charged


@formula("I = (dm/dt) z F / (M efficiency)", "Faraday, 1834",
         {"current": Quantity("A", "current of a rate of deposition", words="I needed, courant nécessaire")},
         words="current to deposit plate make grams of metal per hour, courant pour déposer produire une masse par "
               "heure")  # fmt: skip
def current_of_deposition_rate(
    rate: Annotated[float, Quantity("g/s", "mass deposited for each time", 0, 1e9, "per hour rate, par heure débit")],
    molar_mass: MolarMass,
    electrons: Electrons,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Current that deposits so much of a metal a time (Faraday)."""
    return rate * electrons * F / (molar_mass * efficiency)


@formula("Q = m z F / (M efficiency)", "Faraday, 1834",
         {"charge": Quantity("C", "charge of a deposit", words="Q coulombs ampere-hours needed, quantité d'électricité "
                                                               "nécessaire Ah")},
         words="charge needed to deposit dissolve make a mass of metal, charge pour déposer dissoudre une masse de "
               "métal")  # fmt: skip
def charge_of_deposit(
    mass: Annotated[float, Quantity("g", "mass deposited", 0, 1e12, "metal deposit m, masse déposée")],
    molar_mass: MolarMass,
    electrons: Electrons,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Charge that deposits a mass of a metal (Faraday)."""
    return mass * electrons * F / (molar_mass * efficiency)


@formula("m / A = efficiency j t M / (z F)", "Faraday, 1834",
         {"mass_of_area": Quantity("kg/m^2", "mass deposited on each area", words="per m2 square metre cathode, masse "
                                                                                  "par mètre carré")},
         words="mass of metal deposited per area of cathode from a current density, masse déposée par surface densité "
               "de courant")  # fmt: skip
def deposit_of_area(
    current_density: CurrentDensity,
    time: Time,
    molar_mass: MolarMass,
    electrons: Electrons,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Mass that a current density deposits on each area (Faraday)."""
    return efficiency * current_density * time * molar_mass * 1e-3 / (electrons * F)


@formula("t = m q u / I", "DNV-RP-B401, Cathodic protection design",
         {"life": Quantity("year", "life of the anode", words="lifetime years lasts, durée de vie années")},
         words="life of a sacrificial galvanic anode zinc aluminium cathodic protection, durée de vie d'une anode "
               "sacrificielle protection cathodique")  # fmt: skip
def anode_life(
    mass: Annotated[float, Quantity("kg", "mass of the anode", 0, 1e9, "zinc net, masse d'anode")],
    capacity: Annotated[float, Quantity("A*h/kg", "capacity of the anode", 1, 1e5, "Ah per kg, capacité pratique")],
    current: Annotated[float, Quantity("A", "current of the anode", 1e-12, 1e6, "mean output, courant moyen")],
    utilisation: Annotated[
        float, Quantity("", "utilisation factor", 1e-3, 1, "share used, facteur d'utilisation")
    ] = 1.0,
) -> float:
    """How long a sacrificial anode lasts."""
    return mass * capacity * utilisation / current / 8766


@formula("deta = b log10(i2 / i1)", f"{TAFEL}; {BF}, sec. 3.4.3",
         {"change": Quantity("mV", "change of the overpotential", words=f"more additional increase {OVERPOTENTIAL}")},
         words="overpotential more for a larger current, Tafel slope two current densities, augmentation de la "
               "surtension, deux densités de courant")  # fmt: skip
def overpotential_change(
    first_current: Annotated[float, Quantity("A/m^2", "first current density", 1e-15, 1e9, "initial from, de")],
    second_current: Annotated[float, Quantity("A/m^2", "second current density", 1e-15, 1e9, "final to, à")],
    slope: Slope,
) -> float:
    """How much the overpotential grows from one current density to another on a Tafel line."""
    return slope * log10(second_current / first_current)


@formula("R_ct = R T / (n F i0)", f"{BF}, eq. 3.4.13",
         {"resistance": Quantity("ohm", "charge-transfer resistance of the electrode",
                                 words="Rct, résistance de transfert de charge")},
         words="charge-transfer resistance of an electrode from its exchange current, résistance de transfert de "
               "charge d'une électrode courant d'échange")  # fmt: skip
def charge_transfer_resistance_of_current(
    exchange_current: Annotated[float, Quantity("A", "exchange current", 1e-15, 1e6, "i0 I0, courant d'échange")],
    electrons: Electrons = 1.0,
    temperature: Temperature = ROOM,
) -> float:
    """Resistance of a charge-transfer reaction near equilibrium, of a whole electrode."""
    return R * temperature / (electrons * F * exchange_current)
