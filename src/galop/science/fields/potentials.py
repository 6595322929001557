"""Potentials at equilibrium: couples, cells, Nernst, reference electrodes, gases and pH."""

from __future__ import annotations

from math import gcd, log
from typing import Annotated

from galop.science.constants import ROOM, F, R
from galop.science.couples import BPJ, Couple, find_couple
from galop.science.fields.electrolysis import Electrons
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

BF = "Bard & Faulkner, Electrochemical Methods, 2nd ed."
ATKINS = "Atkins & de Paula, Physical Chemistry, 9th ed."
Temperature = Annotated[float, Quantity("K", "temperature", 200, 1500, words="T, température")]
Potential = Quantity("V", "potential", words="electrode equilibrium half-cell E, potentiel d'électrode d'équilibre")
Voltage = Quantity(
    "V",
    "voltage of the cell",
    words="emf electromotive force cell potential, tension de la pile force électromotrice fem",
)
StandardVoltage = Annotated[
    float, Quantity("V", "standard voltage or potential", -10, 10,
                    words="E0 E° standard emf, tension potentiel standard")
]  # fmt: skip
Concentration = Quantity("mol/L", "concentration", 1e-30, 100, words="activity molarity, concentration activité")


def concentration_of(what: str, words: str = "", high: float = 100.0) -> Quantity:
    """An input that is a concentration or activity in mol/L."""
    return Quantity(
        "mol/L", what, 1e-30, high, words=f"activity molarity ions in solution {words}, activité concentration"
    )


Acidity = Annotated[float, Quantity("", "pH", -2, 16, words="acidity, acidité")]


@formula(
    "table", BPJ,
    {
        "potential": Quantity("V", "standard potential", words="E0 E°, potentiel standard"),
        "electrons": Quantity("", "electrons of the couple", words="number of electrons, nombre d'électrons"),
    },
    words="standard potential redox couple half-reaction, potentiel standard d'un couple redox",
)  # fmt: skip
def standard_potential(couple: Couple) -> dict[str, float]:
    """Standard potential of a redox couple such as Cu2+/Cu, against the standard hydrogen electrode."""
    found = find_couple(couple)
    return {"potential": found.potential, "electrons": float(found.electrons)}


@formula(
    "E = E_cathode - E_anode", BPJ,
    {
        "voltage": Quantity("V", "standard cell voltage", words="emf E0, tension standard force électromotrice fem"),
        "electrons": Quantity("", "electrons exchanged by the balanced reaction", words="nombre d'électrons"),
    },
    words="standard voltage emf of a galvanic cell from two couples, tension standard d'une pile, cathode et anode",
)  # fmt: skip
def cell_voltage(cathode: Couple, anode: Couple) -> dict[str, float]:
    """Standard voltage of a cell from its two couples, such as Cu2+/Cu and Zn2+/Zn."""
    above, below = find_couple(cathode), find_couple(anode)
    common = above.electrons * below.electrons // gcd(above.electrons, below.electrons)
    return {"voltage": above.potential - below.potential, "electrons": float(common)}


@formula(
    "E = E0_cathode + R T / (z_c F) ln(a_c) - E0_anode - R T / (z_a F) ln(a_a)", f"{BPJ}; {BF}, eq. 2.1.40",
    {"voltage": Voltage},
    words="galvanic cell voltage from concentrations Nernst Daniell, tension d'une pile concentrations Nernst",
)  # fmt: skip
def galvanic_cell(
    cathode: Couple,
    anode: Couple,
    cathode_concentration: Annotated[float, concentration_of("concentration of the cathode's ion", "oxidised")] = 1.0,
    anode_concentration: Annotated[float, concentration_of("concentration of the anode's ion", "oxidised")] = 1.0,
    temperature: Temperature = ROOM,
) -> float:
    """Voltage of a cell of two couples, each of an ion and its metal, at their concentrations.

    Raises ScienceError where the cathode has the lower potential.
    """
    rt = R * temperature / F
    above, below = find_couple(cathode), find_couple(anode)
    high = above.potential + rt / above.electrons * log(cathode_concentration)
    low = below.potential + rt / below.electrons * log(anode_concentration)
    if high < low:
        raise ScienceError(f"cathode ({cathode}) has a lower potential than anode ({anode}); they look swapped")
    return high - low


@formula(
    "E = E0 + R T / (z F) ln(c_cathode / c_anode)", f"{BF}, eq. 2.1.40", {"voltage": Voltage},
    words="voltage emf of a galvanic cell from its standard voltage and both concentrations, Daniell Nernst, tension "
          "d'une pile tension standard et concentrations",
)  # fmt: skip
def cell_voltage_at_concentrations(
    standard_voltage: Annotated[
        float, Quantity("V", "standard voltage of the cell", -10, 10, words="E0 E° emf, tension standard de la pile")
    ],
    electrons: Electrons,
    cathode_concentration: Annotated[float, concentration_of("concentration of the cathode's ion", "oxidised")],
    anode_concentration: Annotated[float, concentration_of("concentration of the anode's ion", "oxidised")],
    temperature: Temperature = ROOM,
) -> float:
    """Voltage of a cell of two metals in their ions of equal charge, from its standard voltage (Nernst)."""
    return standard_voltage + R * temperature / (electrons * F) * log(cathode_concentration / anode_concentration)


@formula(
    "E = E0 - R T / (z F) ln(Q)", f"{BF}, eq. 2.1.40",
    {"voltage": Quantity("V", "voltage or potential",
                         words="emf cell potential E, tension potentiel force électromotrice")},
    words="Nernst equation reaction quotient, équation de Nernst, quotient réactionnel, tension de la pile, force "
          "électromotrice",
)  # fmt: skip
def nernst(
    standard_voltage: StandardVoltage,
    electrons: Electrons,
    quotient: Annotated[
        float, Quantity("", "reaction quotient Q, reduced over oxidised", 1e-200, 1e200, words="quotient réactionnel")
    ],
    temperature: Temperature = ROOM,
) -> float:
    """Voltage or potential away from standard conditions (Nernst)."""
    return standard_voltage - R * temperature / (electrons * F) * log(quotient)


REFERENCES: dict[str, float] = {
    "SHE": 0.0, "Ag/AgCl (sat. KCl)": 0.197, "Ag/AgCl (3.5 M KCl)": 0.205, "Ag/AgCl (3 M KCl)": 0.210,
    "Ag/AgCl (1 M KCl)": 0.236, "Ag/AgCl (0.1 M KCl)": 0.2881, "SCE": 0.2412, "calomel (1 M KCl)": 0.2801,
    "calomel (0.1 M KCl)": 0.3337, "Hg/HgO (standard)": 0.098, "Hg/HgO (1 M NaOH)": 0.1077,
    "Hg/HgO (0.1 M NaOH)": 0.1634, "Hg/Hg2SO4 (sat. K2SO4)": 0.64, "Cu/CuSO4 (sat.)": 0.316,
}  # fmt: skip
"""Potentials at 25 degC against the standard hydrogen electrode [V], without what a junction adds."""
REFERENCE_SOURCE = (
    "Bard & Faulkner, 2nd ed., inside back cover; Sawyer, Sobkowiak & Roberts, Electrochemistry for Chemists, "
    "2nd ed., sec. 5.2 (3 M, 3.5 M); J. Power Sources 161 (2006) 1217 (Hg/HgO); NACE SP0169 (Cu/CuSO4)"
)
Reference = Annotated[str, tuple(REFERENCES)]
AGAINST = {
    "potential": Quantity("V", "potential against the reference, the standard hydrogen electrode unless another is "
                               "named",
                          words="electrode half-cell E versus vs, potentiel d'électrode par rapport à"),
}  # fmt: skip


@formula(
    "E = E0 + R T / (z F) ln(c_oxidised / c_reduced) - E_reference", f"{BF}, eq. 2.1.44", AGAINST,
    words="Nernst electrode potential from concentrations activities, potentiel d'électrode concentrations activités",
)  # fmt: skip
def electrode_potential(
    standard_voltage: StandardVoltage,
    electrons: Electrons,
    oxidised: Annotated[float, concentration_of("concentration of the oxidised form", "ion, forme oxydée oxydant")],
    reduced: Annotated[
        float, concentration_of("concentration of the reduced form", "1 for a metal, forme réduite")
    ] = 1.0,
    temperature: Temperature = ROOM,
    reference: Reference = "SHE",
) -> float:
    """Potential of an electrode from the concentrations of both forms of its couple (Nernst)."""
    shift = R * temperature / (electrons * F) * log(oxidised / reduced)
    return standard_voltage + shift - REFERENCES[reference]


@formula(
    "E = E0 + R T / (z F) ln(c_oxidised / c_reduced) - E_reference, E0 and z from the "
    "table", f"{BPJ}; {BF}, eq. 2.1.44",
    AGAINST,
    words="Nernst potential of a couple metal electrode in its ions, potentiel d'un couple électrode plongée dans "
          "ses ions",
)  # fmt: skip
def couple_potential(
    couple: Couple,
    oxidised: Annotated[float, concentration_of("concentration of the oxidised form", "ion, forme oxydée oxydant")],
    reduced: Annotated[
        float, concentration_of("concentration of the reduced form", "1 for a metal, forme réduite")
    ] = 1.0,
    temperature: Temperature = ROOM,
    reference: Reference = "SHE",
) -> float:
    """Potential of a couple such as Ag+/Ag at concentrations of its forms, against a reference electrode (Nernst)."""
    found = find_couple(couple)
    shift = R * temperature / (found.electrons * F) * log(oxidised / reduced)
    return found.potential + shift - REFERENCES[reference]


@formula(
    "E = R T / (z F) ln(c_more / c_less)", f"{ATKINS}, ch. 6", {"voltage": Voltage},
    words="concentration cell same electrodes different concentrations, pile de concentration",
)  # fmt: skip
def concentration_cell(
    concentrated: Annotated[float, concentration_of("higher concentration", "plus concentrée cathode")],
    dilute: Annotated[float, concentration_of("lower concentration", "plus diluée anode")],
    electrons: Electrons,
    temperature: Temperature = ROOM,
) -> float:
    """Voltage of a cell of two like electrodes in different concentrations of their ion."""
    return R * temperature / (electrons * F) * log(concentrated / dilute)


@formula(
    "E(against the other) = E + E_reference - E_other, both against SHE", REFERENCE_SOURCE,
    {"potential": Quantity("V", "potential against the other reference",
                           words="converted versus, potentiel converti par rapport")},
    words="reference electrode conversion vs SHE NHE SCE Ag/AgCl Hg/HgO, électrode de référence conversion par "
          "rapport à ESH ECS",
)  # fmt: skip
def convert_potential(
    measured: Annotated[
        float,
        Quantity("V", "potential against the first reference", -10, 10, words="measured versus, potentiel mesuré"),
    ],
    reference: Reference,
    other: Reference = "SHE",
) -> float:
    """A potential against one reference electrode, against another, at 25 degC."""
    return measured + REFERENCES[reference] - REFERENCES[other]


@formula(
    "E(RHE) = E + E_reference + ln(10) R T / F pH", f"{REFERENCE_SOURCE}; {BF}, eq. 2.1.40",
    {"potential": Quantity("V", "potential against the reversible hydrogen electrode", words="RHE, ERH potentiel")},
    words="RHE reversible hydrogen electrode conversion pH, électrode réversible à hydrogène conversion pH",
)  # fmt: skip
def rhe_potential(
    measured: Annotated[
        float, Quantity("V", "potential against the reference", -10, 10, words="measured versus, potentiel mesuré")
    ],
    reference: Reference,
    ph: Acidity,
    temperature: Annotated[float, Quantity("K", "temperature", 273.15, 373.15, words="température")] = ROOM,
) -> float:
    """A potential against a reference electrode, against the reversible hydrogen electrode at a pH."""
    return measured + REFERENCES[reference] + log(10) * R * temperature / F * ph


@formula(
    "E = E0 - ln(10) R T / F (protons / electrons) pH", "Pourbaix, Atlas of Electrochemical Equilibria, 1966",
    {"potential": Quantity("V", "equilibrium potential against the standard hydrogen electrode",
                           words="E, potentiel d'équilibre")},
    words="Nernst pH dependence Pourbaix, potentiel d'équilibre selon le pH, diagramme de Pourbaix",
)  # fmt: skip
def pourbaix_line(
    standard_voltage: Annotated[
        float, Quantity("V", "standard potential at pH 0", -5, 5, words="E0 E°, potentiel standard")
    ],
    protons: Annotated[float, Quantity("", "protons consumed", 0, 20, words="H+ number of protons, nombre de protons")],
    electrons: Electrons,
    ph: Acidity,
    temperature: Temperature = ROOM,
) -> float:
    """Equilibrium potential of a couple with protons at a pH (Pourbaix line)."""
    return standard_voltage - log(10) * R * temperature / F * protons / electrons * ph


GasPressure = Quantity("bar", "partial pressure of the gas", 1e-20, 1000, words="fugacity, pression partielle du gaz")


@formula(
    "E = -R T / F (ln(10) pH + ln(p) / 2)", f"{BF}, eq. 2.1.40",
    {"potential": Quantity("V", "potential against the standard hydrogen electrode", words="E, potentiel")},
    words="hydrogen electrode evolution pH pressure Nernst, électrode à hydrogène pH pression",
)  # fmt: skip
def hydrogen_electrode(
    ph: Acidity,
    pressure: Annotated[float, GasPressure] = 1.0,
    temperature: Annotated[float, Quantity("K", "temperature", 273.15, 373.15, words="température")] = ROOM,
) -> float:
    """Equilibrium potential of hydrogen and protons at a pH and a pressure of hydrogen (Nernst)."""
    return -R * temperature / F * (log(10) * ph + log(pressure) / 2)


@formula(
    "E = 1.229 V - 0.846 mV/K (T - 298.15 K) - R T / F (ln(10) pH - ln(p) / 4)", f"{BPJ}; {BF}, eq. 2.1.40",
    {"potential": Quantity("V", "potential against the standard hydrogen electrode", words="E, potentiel")},
    words="oxygen electrode evolution reduction pH pressure Nernst, électrode à oxygène pH pression",
)  # fmt: skip
def oxygen_electrode(
    ph: Acidity,
    pressure: Annotated[float, GasPressure] = 1.0,
    temperature: Annotated[float, Quantity("K", "temperature", 273.15, 373.15, words="température")] = ROOM,
) -> float:
    """Equilibrium potential of oxygen and water at a pH and a pressure of oxygen (Nernst)."""
    return water_voltage(temperature) - R * temperature / F * (log(10) * ph - log(pressure) / 4)


def water_voltage(temperature: float) -> float:
    """Standard voltage of hydrogen and oxygen to liquid water [V], linear in temperature."""
    return 1.229 - 0.846e-3 * (temperature - ROOM)


@formula(
    "E = 1.229 V - 0.846 mV/K (T - 298.15 K) + R T / (2 F) ln(p_H2 sqrt(p_O2) / a_H2O)",
    "Larminie & Dicks, Fuel Cell Systems Explained, 2nd ed., sec. 2.5",
    {"voltage": Quantity("V", "reversible voltage",
                         words="open circuit Nernst emf ideal, tension réversible à vide force électromotrice")},
    words="hydrogen oxygen fuel cell electrolyser reversible Nernst voltage, pile à combustible électrolyseur tension "
          "réversible",
)  # fmt: skip
def water_cell_voltage(
    hydrogen_pressure: Annotated[
        float, Quantity("bar", "partial pressure of hydrogen", 1e-20, 1000, words="H2 anode, hydrogène")
    ] = 1.0,
    oxygen_pressure: Annotated[
        float, Quantity("bar", "partial pressure of oxygen", 1e-20, 1000, words="O2 air cathode, oxygène")
    ] = 1.0,
    temperature: Annotated[float, Quantity("K", "temperature", 273.15, 373.15, words="température")] = ROOM,
    water_activity: Annotated[float, Quantity("", "activity of the water", 1e-6, 1, words="activité de l'eau")] = 1.0,
) -> float:
    """Reversible voltage of a hydrogen-oxygen cell with liquid water, at pressures of both gases."""
    quotient = log(hydrogen_pressure) + log(oxygen_pressure) / 2 - log(water_activity)
    return water_voltage(temperature) + R * temperature / (2 * F) * quotient
