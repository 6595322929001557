"""Electrochemistry: potentials, kinetics, transport, corrosion and cells."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from math import exp, log, log10, pi, sqrt
from typing import Annotated, Any

from galop.science.card import Of, ScienceError, Word, formula

F, R, NA, E = 96485.33212, 8.314462618, 6.02214076e23, 1.602176634e-19  # CODATA 2018
EPSILON0 = 8.8541878128e-12
BF = "Bard & Faulkner, Electrochemical Methods, 2nd ed."
BPJ = "Bard, Parsons & Jordan, Standard Potentials in Aqueous Solution, 1985"
Temperature = Annotated[float, Of("K", "temperature", 200, 1500)]
MolarMass = Annotated[float, Of("g/mol", "molar mass", 1, 1000)]
Electrons_ = Annotated[float, Of("", "electrons exchanged per formula unit", 0.1, 20)]
Couple = Annotated[str, Word("a couple such as Cu2+/Cu", r"^[^/ ]+/[^/ ]+$", r"\w[+⁺]")]
ROOM = 298.15


@cache
def couples() -> dict[str, dict[str, Any]]:
    """Standard potentials at 298.15 K by couple, oxidised form first."""
    found: dict[str, dict[str, Any]] = json.loads((files("galop.science") / "potentials.json").read_text("utf-8"))
    return found


def couple_of(name: str) -> tuple[str, dict[str, Any]]:
    """By its name, or by its metal where only one couple has it. Raises ScienceError."""
    known = {key.lower().replace(" ", ""): key for key in couples()}
    wanted = name.lower().replace(" ", "")
    if wanted in known:
        return known[wanted], couples()[known[wanted]]
    reduced = [key for low, key in known.items() if low.split("/")[1] == wanted or low.split("/")[0] == wanted]
    if len(reduced) == 1:
        return reduced[0], couples()[reduced[0]]
    listed = ", ".join(reduced or sorted(couples()))
    raise ScienceError(f"{name[:40]!r} names no single couple of the table; it has: {listed}")


@formula(
    "Standard potential of a redox couple such as Cu2+/Cu, against the standard hydrogen electrode.", "table", BPJ,
    {"potential": Of("V", "standard potential"), "electrons": Of("", "electrons of the couple")},
)  # fmt: skip
def standard_potential(couple: Couple) -> dict[str, float]:
    _, data = couple_of(couple)
    return {"potential": data["E"], "electrons": float(data["n"])}


@formula(
    "Standard voltage of a cell from its two couples, such as Cu2+/Cu and Zn2+/Zn.", "E = E_cathode - E_anode", BPJ,
    {"voltage": Of("V", "standard cell voltage")},
)  # fmt: skip
def cell_voltage(cathode: Couple, anode: Couple) -> float:
    return float(couple_of(cathode)[1]["E"] - couple_of(anode)[1]["E"])


@formula(
    "Voltage or potential away from standard conditions (Nernst).", "E = E0 - R T / (z F) ln(Q)", f"{BF}, eq. 2.1.40",
    {"voltage": Of("V", "voltage or potential")},
)  # fmt: skip
def nernst(
    standard_voltage: Annotated[float, Of("V", "standard voltage or potential", -10, 10)],
    electrons: Electrons_,
    quotient: Annotated[float, Of("", "reaction quotient Q, reduced over oxidised", 1e-200, 1e200)],
    temperature: Temperature = ROOM,
) -> float:
    return standard_voltage - R * temperature / (electrons * F) * log(quotient)


@formula(
    "Mass deposited or dissolved by a current (Faraday).", "m = I t M / (z F)", "Faraday, 1834",
    {"mass": Of("g", "mass")},
)  # fmt: skip
def faraday_mass(
    current: Annotated[float, Of("A", "current", 0)],
    time: Annotated[float, Of("s", "time", 0)],
    molar_mass: MolarMass,
    electrons: Electrons_,
    efficiency: Annotated[float, Of("", "current efficiency", 0, 1)] = 1.0,
) -> float:
    return current * time * molar_mass * efficiency / (electrons * F)


@formula(
    "Gibbs energy and equilibrium constant of a cell's reaction.", "dG = -z F E, K = exp(z F E / (R T))",
    f"{BF}, eq. 2.1.26",
    {"gibbs_energy": Of("kJ/mol", "Gibbs energy of reaction"), "ln_k": Of("", "natural logarithm of K")},
)  # fmt: skip
def gibbs_energy(
    voltage: Annotated[float, Of("V", "standard cell voltage", -10, 10)],
    electrons: Electrons_,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    return {
        "gibbs_energy": -electrons * F * voltage / 1000,
        "ln_k": electrons * F * voltage / (R * temperature),
    }


@formula(
    "How a cell's voltage changes with temperature.", "dE/dT = dS / (z F)", f"{BF}, sec. 2.1",
    {"coefficient": Of("mV/K", "change of voltage with temperature")},
)  # fmt: skip
def temperature_coefficient(
    entropy: Annotated[float, Of("J/mol/K", "entropy of reaction", -1000, 1000)], electrons: Electrons_
) -> float:
    return 1000 * entropy / (electrons * F)


@formula(
    "Tafel slope of a charge-transfer reaction.", "b = ln(10) R T / (alpha F)", f"{BF}, sec. 3.4.3",
    {"slope": Of("mV", "Tafel slope for each decade of current")},
)  # fmt: skip
def tafel_slope(
    alpha: Annotated[float, Of("", "transfer coefficient", 0.05, 2)], temperature: Temperature = ROOM
) -> float:
    return 1000 * log(10) * R * temperature / (alpha * F)


@formula(
    "Current density of a charge-transfer reaction at an overpotential (Butler-Volmer).",
    "i = i0 (exp(alpha F eta / (R T)) - exp(-(1 - alpha) F eta / (R T)))", f"{BF}, eq. 3.4.11",
    {"current_density": Of("A/m^2", "current density"), "resistance": Of("ohm*m^2", "charge-transfer resistance")},
)  # fmt: skip
def butler_volmer(
    exchange_current_density: Annotated[float, Of("A/m^2", "exchange current density", 1e-15, 1e8)],
    overpotential: Annotated[float, Of("V", "overpotential", -3, 3)],
    alpha: Annotated[float, Of("", "anodic transfer coefficient", 0.01, 0.99)] = 0.5,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    f = F / (R * temperature)
    current = exp(alpha * f * overpotential) - exp(-(1 - alpha) * f * overpotential)
    return {
        "current_density": exchange_current_density * current,
        "resistance": 1 / (f * exchange_current_density),
    }


@formula(
    "Diffusion-limited current after a potential step (Cottrell).", "i = n F A c sqrt(D / (pi t))", f"{BF}, eq. 5.2.11",
    {"current": Of("A", "current")},
)  # fmt: skip
def cottrell(
    electrons: Electrons_,
    area: Annotated[float, Of("m^2", "electrode area", 0)],
    concentration: Annotated[float, Of("mol/m^3", "bulk concentration", 0, 100_000)],
    diffusivity: Annotated[float, Of("m^2/s", "diffusion coefficient", 1e-15, 1e-6)],
    time: Annotated[float, Of("s", "time after the step", 1e-9)],
) -> float:
    return electrons * F * area * concentration * sqrt(diffusivity / (pi * time))


@formula(
    "Peak current of a reversible couple in cyclic voltammetry (Randles-Sevcik).",
    "i = 0.4463 n F A c sqrt(n F v D / (R T))", f"{BF}, eq. 6.2.18", {"current": Of("A", "peak current")},
)  # fmt: skip
def randles_sevcik(
    electrons: Electrons_,
    area: Annotated[float, Of("m^2", "electrode area", 0)],
    concentration: Annotated[float, Of("mol/m^3", "bulk concentration", 0, 100_000)],
    diffusivity: Annotated[float, Of("m^2/s", "diffusion coefficient", 1e-15, 1e-6)],
    scan_rate: Annotated[float, Of("V/s", "scan rate", 1e-6, 1e6)],
    temperature: Temperature = ROOM,
) -> float:
    root = sqrt(electrons * F * scan_rate * diffusivity / (R * temperature))
    return 0.4463 * electrons * F * area * concentration * root


@formula(
    "Thickness of the double layer in an electrolyte (Debye).",
    "lambda = sqrt(eps_r eps_0 k T / (2 N_A e^2 I))", f"{BF}, eq. 13.3.15", {"length": Of("nm", "Debye length")},
)  # fmt: skip
def debye_length(
    ionic_strength: Annotated[float, Of("mol/L", "ionic strength", 1e-8, 0.2)],
    permittivity: Annotated[float, Of("", "relative permittivity of the solvent", 1, 200)] = 78.4,
    temperature: Temperature = ROOM,
) -> float:
    kt = R / NA * temperature
    return 1e9 * sqrt(permittivity * EPSILON0 * kt / (2 * NA * E * E * ionic_strength * 1000))


@formula(
    "Mean activity coefficient of an ion in water at 25 degC (Davies).",
    "log10(gamma) = -0.509 z^2 (sqrt(I) / (1 + sqrt(I)) - 0.3 I)", "Davies, Ion Association, 1962",
    {"activity_coefficient": Of("", "activity coefficient")},
)  # fmt: skip
def activity_coefficient(
    charge: Annotated[float, Of("", "charge number of the ion", -4, 4)],
    ionic_strength: Annotated[float, Of("mol/L", "ionic strength", 0, 0.5)],
) -> float:
    root = sqrt(ionic_strength)
    return float(10 ** (-0.509 * charge * charge * (root / (1 + root) - 0.3 * ionic_strength)))


@formula(
    "Penetration rate of uniform corrosion from its current density.", "rate = i M / (z F density)", "ASTM G102-89",
    {"rate": Of("mm/year", "corrosion rate")},
)  # fmt: skip
def corrosion_rate(
    current_density: Annotated[float, Of("A/m^2", "corrosion current density", 0, 1e6)],
    molar_mass: MolarMass,
    electrons: Electrons_,
    density: Annotated[float, Of("g/cm^3", "density of the metal", 0.5, 23)],
) -> float:
    year = 365.25 * 86_400
    return current_density * molar_mass / (electrons * F * density * 1e6) * 1000 * year


@formula(
    "Theoretical specific capacity of an electrode material.", "q = z F / (3.6 M)",
    "Faraday's law in mAh", {"capacity": Of("mA*h/g", "specific capacity")},
)  # fmt: skip
def specific_capacity(molar_mass: MolarMass, electrons: Electrons_) -> float:
    return electrons * F / (3.6 * molar_mass)


@formula(
    "Theoretical specific energy of a cell, both electrodes' masses counted.", "w = U / (1 / q_cathode + 1 / q_anode)",
    "mass balance over both electrodes", {"energy": Of("W*h/kg", "specific energy of the active materials")},
)  # fmt: skip
def specific_energy(
    voltage: Annotated[float, Of("V", "mean cell voltage", 0, 10)],
    cathode_capacity: Annotated[float, Of("mA*h/g", "specific capacity of the cathode", 1, 10_000)],
    anode_capacity: Annotated[float, Of("mA*h/g", "specific capacity of the anode", 1, 10_000)],
) -> float:
    return voltage / (1 / cathode_capacity + 1 / anode_capacity)


@formula(
    "Largest current density that diffusion through a layer can feed.", "i = n F D c / delta", f"{BF}, eq. 1.4.9",
    {"current_density": Of("A/m^2", "limiting current density")},
)  # fmt: skip
def limiting_current(
    electrons: Electrons_,
    diffusivity: Annotated[float, Of("m^2/s", "diffusion coefficient", 1e-15, 1e-3)],
    concentration: Annotated[float, Of("mol/m^3", "bulk concentration", 0, 100_000)],
    thickness: Annotated[float, Of("m", "thickness of the diffusion layer", 1e-9, 1)],
) -> float:
    return electrons * F * diffusivity * concentration / thickness


@formula(
    "Concentration overpotential near the limiting current.", "eta = R T / (n F) ln(1 - i / i_limiting)",
    f"{BF}, sec. 1.4.2", {"overpotential": Of("mV", "concentration overpotential")},
)  # fmt: skip
def concentration_overpotential(
    fraction: Annotated[float, Of("", "current over limiting current", 0, 0.9999)],
    electrons: Electrons_,
    temperature: Temperature = ROOM,
) -> float:
    return 1000 * R * temperature / (electrons * F) * log(1 - fraction)


@formula(
    "Equilibrium potential of a couple with protons at a pH (Pourbaix line).",
    "E = E0 - ln(10) R T / F (protons / electrons) pH", "Pourbaix, Atlas of Electrochemical Equilibria, 1966",
    {"potential": Of("V", "equilibrium potential against the standard hydrogen electrode")},
)  # fmt: skip
def pourbaix_line(
    standard_voltage: Annotated[float, Of("V", "standard potential at pH 0", -5, 5)],
    protons: Annotated[float, Of("", "protons consumed", 0, 20)],
    electrons: Electrons_,
    ph: Annotated[float, Of("", "pH", -2, 16)],
    temperature: Temperature = ROOM,
) -> float:
    return standard_voltage - log(10) * R * temperature / F * protons / electrons * ph


@formula(
    "pH of a solution from the activity of its protons.", "pH = -log10(a)", "IUPAC definition", {"ph": Of("", "pH")},
)  # fmt: skip
def ph_of(activity: Annotated[float, Of("", "activity of protons", 1e-16, 100)]) -> float:
    return -log10(activity)
