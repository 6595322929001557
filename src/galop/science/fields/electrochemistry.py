"""Electrochemistry: potentials, kinetics, transport, corrosion and cells."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from math import exp, log, log10, pi, sqrt
from typing import Annotated, Any

from galop.science.constants import EPSILON0, NA, ROOM, E, F, R
from galop.science.formula import Quantity, TextInput, formula
from galop.science.units import ScienceError

BF = "Bard & Faulkner, Electrochemical Methods, 2nd ed."
BPJ = "Bard, Parsons & Jordan, Standard Potentials in Aqueous Solution, 1985"
Temperature = Annotated[float, Quantity("K", "temperature", 200, 1500)]
MolarMass = Annotated[float, Quantity("g/mol", "molar mass", 1, 1000)]
Electrons_ = Annotated[float, Quantity("", "electrons exchanged per formula unit", 0.1, 20)]
Couple = Annotated[str, TextInput("a couple such as Cu2+/Cu", r"^[^/ ]+/[^/ ]+$", r"\w[+⁺]")]


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
    "table", BPJ,
    {"potential": Quantity("V", "standard potential"), "electrons": Quantity("", "electrons of the couple")},
    words="potentiel standard d'un couple redox",
)  # fmt: skip
def standard_potential(couple: Couple) -> dict[str, float]:
    """Standard potential of a redox couple such as Cu2+/Cu, against the standard hydrogen electrode."""
    _, data = couple_of(couple)
    return {"potential": data["E"], "electrons": float(data["n"])}


@formula(
    "E = E_cathode - E_anode",
    BPJ,
    {"voltage": Quantity("V", "standard cell voltage")},
    words="tension standard d'une pile, cathode et anode",
)
def cell_voltage(cathode: Couple, anode: Couple) -> float:
    """Standard voltage of a cell from its two couples, such as Cu2+/Cu and Zn2+/Zn."""
    return float(couple_of(cathode)[1]["E"] - couple_of(anode)[1]["E"])


@formula(
    "E = E0 - R T / (z F) ln(Q)", f"{BF}, eq. 2.1.40",
    {"voltage": Quantity("V", "voltage or potential")},
    words="équation de Nernst, quotient réactionnel, tension de la pile, force électromotrice",
)  # fmt: skip
def nernst(
    standard_voltage: Annotated[float, Quantity("V", "standard voltage or potential", -10, 10)],
    electrons: Electrons_,
    quotient: Annotated[float, Quantity("", "reaction quotient Q, reduced over oxidised", 1e-200, 1e200)],
    temperature: Temperature = ROOM,
) -> float:
    """Voltage or potential away from standard conditions (Nernst)."""
    return standard_voltage - R * temperature / (electrons * F) * log(quotient)


@formula(
    "m = I t M / (z F)",
    "Faraday, 1834",
    {"mass": Quantity("g", "mass")},
    words="masse déposée ou dissoute par un courant, électrolyse, loi de Faraday, courant et durée",
)
def faraday_mass(
    current: Annotated[float, Quantity("A", "current", 0)],
    time: Annotated[float, Quantity("s", "time", 0)],
    molar_mass: MolarMass,
    electrons: Electrons_,
    efficiency: Annotated[float, Quantity("", "current efficiency", 0, 1)] = 1.0,
) -> float:
    """Mass deposited or dissolved by a current (Faraday)."""
    return current * time * molar_mass * efficiency / (electrons * F)


@formula(
    "dG = -z F E, K = exp(z F E / (R T))",
    f"{BF}, eq. 2.1.26",
    {"gibbs_energy": Quantity("kJ/mol", "Gibbs energy of reaction"), "ln_k": Quantity("", "natural logarithm of K")},
    words="enthalpie libre de Gibbs et constante d'équilibre de la réaction d'une pile",
)  # fmt: skip
def gibbs_energy(
    voltage: Annotated[float, Quantity("V", "standard cell voltage", -10, 10)],
    electrons: Electrons_,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Gibbs energy and equilibrium constant of a cell's reaction."""
    return {
        "gibbs_energy": -electrons * F * voltage / 1000,
        "ln_k": electrons * F * voltage / (R * temperature),
    }


@formula(
    "dE/dT = dS / (z F)", f"{BF}, sec. 2.1",
    {"coefficient": Quantity("mV/K", "change of voltage with temperature")},
    words="variation de la tension avec la température, entropie de réaction",
)  # fmt: skip
def temperature_coefficient(
    entropy: Annotated[float, Quantity("J/mol/K", "entropy of reaction", -1000, 1000)], electrons: Electrons_
) -> float:
    """How a cell's voltage changes with temperature."""
    return 1000 * entropy / (electrons * F)


@formula(
    "b = ln(10) R T / (alpha F)", f"{BF}, sec. 3.4.3",
    {"slope": Quantity("mV", "Tafel slope for each decade of current")},
    words="pente de Tafel, coefficient de transfert",
)  # fmt: skip
def tafel_slope(
    alpha: Annotated[float, Quantity("", "transfer coefficient", 0.05, 2)], temperature: Temperature = ROOM
) -> float:
    """Tafel slope of a charge-transfer reaction."""
    return 1000 * log(10) * R * temperature / (alpha * F)


@formula(
    "i = i0 (exp(alpha F eta / (R T)) - exp(-(1 - alpha) F eta / (R T)))", f"{BF}, eq. 3.4.11",
    {
        "current_density": Quantity("A/m^2", "current density"),
        "resistance": Quantity("ohm*m^2", "charge-transfer resistance"),
    },
    words="densité de courant, surtension, courant d'échange, Butler-Volmer",
)  # fmt: skip
def butler_volmer(
    exchange_current_density: Annotated[float, Quantity("A/m^2", "exchange current density", 1e-15, 1e8)],
    overpotential: Annotated[float, Quantity("V", "overpotential", -3, 3)],
    alpha: Annotated[float, Quantity("", "anodic transfer coefficient", 0.01, 0.99)] = 0.5,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Current density of a charge-transfer reaction at an overpotential (Butler-Volmer)."""
    f = F / (R * temperature)
    current = exp(alpha * f * overpotential) - exp(-(1 - alpha) * f * overpotential)
    return {
        "current_density": exchange_current_density * current,
        "resistance": 1 / (f * exchange_current_density),
    }


@formula(
    "i = n F A c sqrt(D / (pi t))",
    f"{BF}, eq. 5.2.11",
    {"current": Quantity("A", "current")},
    words="courant de diffusion après un saut de potentiel, Cottrell",
)
def cottrell(
    electrons: Electrons_,
    area: Annotated[float, Quantity("m^2", "electrode area", 0)],
    concentration: Annotated[float, Quantity("mol/m^3", "bulk concentration", 0, 100_000)],
    diffusivity: Annotated[float, Quantity("m^2/s", "diffusion coefficient", 1e-15, 1e-6)],
    time: Annotated[float, Quantity("s", "time after the step", 1e-9)],
) -> float:
    """Diffusion-limited current after a potential step (Cottrell)."""
    return electrons * F * area * concentration * sqrt(diffusivity / (pi * time))


@formula(
    "i = 0.4463 n F A c sqrt(n F v D / (R T))", f"{BF}, eq. 6.2.18", {"current": Quantity("A", "peak current")},
    words="courant de pic en voltampérométrie cyclique, vitesse de balayage",
)  # fmt: skip
def randles_sevcik(
    electrons: Electrons_,
    area: Annotated[float, Quantity("m^2", "electrode area", 0)],
    concentration: Annotated[float, Quantity("mol/m^3", "bulk concentration", 0, 100_000)],
    diffusivity: Annotated[float, Quantity("m^2/s", "diffusion coefficient", 1e-15, 1e-6)],
    scan_rate: Annotated[float, Quantity("V/s", "scan rate", 1e-6, 1e6)],
    temperature: Temperature = ROOM,
) -> float:
    """Peak current of a reversible couple in cyclic voltammetry (Randles-Sevcik)."""
    root = sqrt(electrons * F * scan_rate * diffusivity / (R * temperature))
    return 0.4463 * electrons * F * area * concentration * root


@formula(
    "lambda = sqrt(eps_r eps_0 k T / (2 N_A e^2 I))", f"{BF}, eq. 13.3.15", {"length": Quantity("nm", "Debye length")},
    words="longueur de Debye, force ionique, double couche",
)  # fmt: skip
def debye_length(
    ionic_strength: Annotated[float, Quantity("mol/L", "ionic strength", 1e-8, 0.2)],
    permittivity: Annotated[float, Quantity("", "relative permittivity of the solvent", 1, 200)] = 78.4,
    temperature: Temperature = ROOM,
) -> float:
    """Thickness of the double layer in an electrolyte (Debye)."""
    kt = R / NA * temperature
    return 1e9 * sqrt(permittivity * EPSILON0 * kt / (2 * NA * E * E * ionic_strength * 1000))


@formula(
    "log10(gamma) = -0.509 z^2 (sqrt(I) / (1 + sqrt(I)) - 0.3 I)", "Davies, Ion Association, 1962",
    {"activity_coefficient": Quantity("", "activity coefficient")},
    words="coefficient d'activité d'un ion, force ionique",
)  # fmt: skip
def activity_coefficient(
    charge: Annotated[float, Quantity("", "charge number of the ion", -4, 4)],
    ionic_strength: Annotated[float, Quantity("mol/L", "ionic strength", 0, 0.5)],
) -> float:
    """Mean activity coefficient of an ion in water at 25 degC (Davies)."""
    root = sqrt(ionic_strength)
    return float(10 ** (-0.509 * charge * charge * (root / (1 + root) - 0.3 * ionic_strength)))


@formula(
    "rate = i M / (z F density)",
    "ASTM G102-89",
    {"rate": Quantity("mm/year", "corrosion rate")},
    words="vitesse de corrosion, densité de courant de corrosion",
)
def corrosion_rate(
    current_density: Annotated[float, Quantity("A/m^2", "corrosion current density", 0, 1e6)],
    molar_mass: MolarMass,
    electrons: Electrons_,
    density: Annotated[float, Quantity("g/cm^3", "density of the metal", 0.5, 23)],
) -> float:
    """Penetration rate of uniform corrosion from its current density."""
    year = 365.25 * 86_400
    return current_density * molar_mass / (electrons * F * density * 1e6) * 1000 * year


@formula(
    "q = z F / (3.6 M)",
    "Faraday's law in mAh",
    {"capacity": Quantity("mA*h/g", "specific capacity")},
    words="capacité massique théorique d'un matériau d'électrode",
)
def specific_capacity(molar_mass: MolarMass, electrons: Electrons_) -> float:
    """Theoretical specific capacity of an electrode material."""
    return electrons * F / (3.6 * molar_mass)


@formula(
    "w = U / (1 / q_cathode + 1 / q_anode)",
    "mass balance over both electrodes", {"energy": Quantity("W*h/kg", "specific energy of the active materials")},
    words="énergie massique théorique d'une cellule, batterie, accumulateur",
)  # fmt: skip
def specific_energy(
    voltage: Annotated[float, Quantity("V", "mean cell voltage", 0, 10)],
    cathode_capacity: Annotated[float, Quantity("mA*h/g", "specific capacity of the cathode", 1, 10_000)],
    anode_capacity: Annotated[float, Quantity("mA*h/g", "specific capacity of the anode", 1, 10_000)],
) -> float:
    """Theoretical specific energy of a cell, both electrodes' masses counted."""
    return voltage / (1 / cathode_capacity + 1 / anode_capacity)


@formula(
    "i = n F D c / delta", f"{BF}, eq. 1.4.9",
    {"current_density": Quantity("A/m^2", "limiting current density")},
    words="courant limite de diffusion, couche de diffusion",
)  # fmt: skip
def limiting_current(
    electrons: Electrons_,
    diffusivity: Annotated[float, Quantity("m^2/s", "diffusion coefficient", 1e-15, 1e-3)],
    concentration: Annotated[float, Quantity("mol/m^3", "bulk concentration", 0, 100_000)],
    thickness: Annotated[float, Quantity("m", "thickness of the diffusion layer", 1e-9, 1)],
) -> float:
    """Largest current density that diffusion through a layer can feed."""
    return electrons * F * diffusivity * concentration / thickness


@formula(
    "eta = R T / (n F) ln(1 - i / i_limiting)",
    f"{BF}, sec. 1.4.2", {"overpotential": Quantity("mV", "concentration overpotential")},
    words="surtension de concentration",
)  # fmt: skip
def concentration_overpotential(
    fraction: Annotated[float, Quantity("", "current over limiting current", 0, 0.9999)],
    electrons: Electrons_,
    temperature: Temperature = ROOM,
) -> float:
    """Concentration overpotential near the limiting current."""
    return 1000 * R * temperature / (electrons * F) * log(1 - fraction)


@formula(
    "E = E0 - ln(10) R T / F (protons / electrons) pH", "Pourbaix, Atlas of Electrochemical Equilibria, 1966",
    {"potential": Quantity("V", "equilibrium potential against the standard hydrogen electrode")},
    words="potentiel d'équilibre selon le pH, diagramme de Pourbaix",
)  # fmt: skip
def pourbaix_line(
    standard_voltage: Annotated[float, Quantity("V", "standard potential at pH 0", -5, 5)],
    protons: Annotated[float, Quantity("", "protons consumed", 0, 20)],
    electrons: Electrons_,
    ph: Annotated[float, Quantity("", "pH", -2, 16)],
    temperature: Temperature = ROOM,
) -> float:
    """Equilibrium potential of a couple with protons at a pH (Pourbaix line)."""
    return standard_voltage - log(10) * R * temperature / F * protons / electrons * ph


@formula(
    "pH = -log10(a)",
    "IUPAC definition",
    {"ph": Quantity("", "pH")},
    words="pH d'une solution",
)
def ph_of(activity: Annotated[float, Quantity("", "activity of protons", 1e-16, 100)]) -> float:
    """pH of a solution from the activity of its protons."""
    return -log10(activity)
