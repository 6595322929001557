"""Electrolytes: conductivity, ohmic drop, molar conductivities, ionic strength."""

from __future__ import annotations

from math import gcd, sqrt
from typing import Annotated

from galop.science.fields.electrolysis import Area, Current, CurrentDensity
from galop.science.fields.potentials import ATKINS, BF
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

CRC = "CRC Handbook of Chemistry and Physics, 95th ed., sec. 5"
Resistance = Annotated[float, Quantity("ohm", "resistance", 1e-12, 1e15, words="R, résistance")]
Conductivity = Annotated[
    float, Quantity("S/m", "conductivity", 1e-12, 1e9, words="conductance specific kappa κ sigma, conductivité")
]
SaltConcentration = Annotated[float, Quantity("mol/L", "concentration", 1e-12, 50, words="molarity c, concentration")]
MOLAR = "S*cm^2/mol"
LimitingConductivity = Annotated[
    float,
    Quantity(MOLAR, "limiting molar conductivity", 1e-3, 2000,
             words="at infinite dilution Λ0 Λ°, conductivité molaire limite à dilution infinie"),
]  # fmt: skip


@formula(
    "K = d / A", f"{BF}, sec. 2.3",
    {"cell_constant": Quantity("1/cm", "cell constant", words="conductivity cell geometry, constante de cellule")},
    words="cell constant of a conductivity cell from its geometry, constante de cellule conductimétrique",
)  # fmt: skip
def cell_constant(
    distance: Annotated[
        float,
        Quantity(
            "cm", "distance between the electrodes", 1e-6, 1e4, words="gap length d l, distance entre les électrodes"
        ),
    ],
    area: Annotated[
        float, Quantity("cm^2", "area of an electrode", 1e-9, 1e6, words="surface A S, aire surface des électrodes")
    ],
) -> float:
    """Cell constant of two parallel electrodes."""
    return distance / area


@formula(
    "kappa = K / R", f"{BF}, sec. 2.3",
    {"conductivity": Quantity("S/m", "conductivity", words="κ, conductivité")},
    words="conductivity from a measured resistance and cell constant, conductivité résistance mesurée constante de "
          "cellule",
)  # fmt: skip
def solution_conductivity(
    cell_constant: Annotated[float, Quantity("1/m", "cell constant", 1e-4, 1e9, words="K, constante de cellule")],
    resistance: Resistance,
) -> float:
    """Conductivity of a solution from the resistance of a cell of known constant."""
    return cell_constant / resistance


@formula(
    "G = 1 / R", "SI Brochure, 2019", {"conductance": Quantity("S", "conductance", words="G siemens, conductance")},
    words="conductance from resistance, conductance résistance",
)  # fmt: skip
def conductance(resistance: Resistance) -> float:
    """Conductance that a resistance means."""
    return 1 / resistance


@formula(
    "R = d / (kappa A)", f"{BF}, sec. 2.3",
    {"resistance": Quantity("ohm", "resistance of the electrolyte",
                            words="ohmic solution membrane R, résistance de l'électrolyte")},
    words="electrolyte resistance gap membrane separator conductivity, résistance de l'électrolyte membrane "
          "conductivité",
)  # fmt: skip
def electrolyte_resistance(
    distance: Annotated[
        float,
        Quantity(
            "m",
            "distance between the electrodes",
            1e-9,
            1e4,
            words="gap thickness membrane length d, distance épaisseur",
        ),
    ],
    area: Area,
    conductivity: Conductivity,
) -> float:
    """Resistance of an electrolyte between two parallel electrodes."""
    return distance / (conductivity * area)


@formula(
    "U = j d / kappa", f"{BF}, sec. 1.3.4",
    {"voltage": Quantity("mV", "ohmic drop", words="iR drop ohmic loss, chute ohmique")},
    words="iR drop ohmic loss electrolyte gap conductivity current density, chute ohmique électrolyte densité de "
          "courant",
)  # fmt: skip
def electrolyte_drop(
    current_density: CurrentDensity,
    distance: Annotated[
        float, Quantity("m", "distance or thickness", 1e-9, 1e4, words="gap membrane d, distance épaisseur")
    ],
    conductivity: Conductivity,
) -> float:
    """Voltage that a current density loses in an electrolyte (iR drop)."""
    return 1000 * current_density * distance / conductivity


@formula(
    "U = I R", f"{BF}, sec. 1.3.4",
    {"voltage": Quantity("mV", "ohmic drop", words="iR drop uncompensated resistance, chute ohmique")},
    words="iR drop uncompensated resistance ohmic loss, chute ohmique résistance non compensée",
)  # fmt: skip
def ir_drop(current: Current, resistance: Resistance) -> float:
    """Voltage that a current loses in a solution's resistance (iR drop)."""
    return 1000 * current * resistance


@formula(
    "Lambda = kappa / c", f"{ATKINS}, sec. 20C",
    {"molar_conductivity": Quantity(MOLAR, "molar conductivity", words="Λm, conductivité molaire")},
    words="molar conductivity from conductivity and concentration, conductivité molaire concentration",
)  # fmt: skip
def molar_conductivity(conductivity: Conductivity, concentration: SaltConcentration) -> float:
    """Molar conductivity of a salt from the conductivity of its solution."""
    return conductivity / (concentration * 1000) * 1e4


@formula(
    "Lambda = Lambda0 - K sqrt(c)", "Kohlrausch, Ann. Phys. 262 (1885) 161",
    {"molar_conductivity": Quantity(MOLAR, "molar conductivity", words="Λm, conductivité molaire")},
    words="Kohlrausch law molar conductivity square root concentration, loi de Kohlrausch racine de la concentration",
)  # fmt: skip
def kohlrausch(
    limiting: LimitingConductivity,
    coefficient: Annotated[
        float, Quantity("S*cm^2*L^0.5/mol^1.5", "Kohlrausch's coefficient", 0, 2000, words="K slope, coefficient pente")
    ],
    concentration: SaltConcentration,
) -> float:
    """Molar conductivity of a strong electrolyte at a concentration (Kohlrausch)."""
    return limiting - coefficient * sqrt(concentration)


IONS: dict[str, tuple[float, int]] = {  # limiting molar conductivity at 25 degC [S cm^2/mol], charge
    "H+": (349.65, 1), "Li+": (38.66, 1), "Na+": (50.08, 1), "K+": (73.48, 1), "Ag+": (61.9, 1), "NH4+": (73.5, 1),
    "Mg2+": (106.0, 2), "Ca2+": (118.94, 2), "Ba2+": (127.2, 2), "Cu2+": (107.2, 2), "Zn2+": (105.6, 2),
    "Al3+": (183.0, 3),
    "OH-": (198.0, -1), "F-": (55.4, -1), "Cl-": (76.31, -1), "Br-": (78.1, -1), "I-": (76.8, -1), "NO3-": (71.42, -1),
    "ClO4-": (67.3, -1), "CH3COO-": (40.9, -1), "HCO3-": (44.5, -1), "SO4^2-": (160.0, -2), "CO3^2-": (138.6, -2),
}  # fmt: skip
Cation = Annotated[str, tuple(ion for ion, (_, charge) in IONS.items() if charge > 0)]
Anion = Annotated[str, tuple(ion for ion, (_, charge) in IONS.items() if charge < 0)]


@formula(
    "Lambda0 = nu_cation lambda_cation + nu_anion lambda_anion", f"Kohlrausch, 1876; {CRC}",
    {"limiting": Quantity(MOLAR, "limiting molar conductivity",
                          words="Λ0 infinite dilution, conductivité molaire limite")},
    words="limiting molar conductivity of a salt from its ions at 25 °C, conductivité molaire limite d'un sel à "
          "partir de ses ions",
)  # fmt: skip
def limiting_conductivity(cation: Cation, anion: Anion) -> float:
    """Limiting molar conductivity of a salt in water at 25 degC, for a mole of formula units."""
    (plus, up), (minus, down) = IONS[cation], IONS[anion]
    common = gcd(up, -down)
    return -down / common * plus + up / common * minus


@formula(
    "t+ = lambda+ / (lambda+ + lambda-)", f"{ATKINS}, sec. 20C",
    {"transport_number": Quantity("", "transport number of the cation",
                                  words="transference t+, nombre de transport du cation")},
    words="transport transference number of an ion from ionic conductivities, nombre de transport d'un ion "
          "conductivités ioniques",
)  # fmt: skip
def transport_number(
    cation_conductivity: Annotated[
        float,
        Quantity(MOLAR, "molar conductivity of the cation", 1e-6, 1000, words="λ+, conductivité molaire du cation"),
    ],
    anion_conductivity: Annotated[
        float,
        Quantity(MOLAR, "molar conductivity of the anion", 1e-6, 1000, words="λ-, conductivité molaire de l'anion"),
    ],
) -> float:
    """Share of the current that the cation of a symmetric salt carries."""
    return cation_conductivity / (cation_conductivity + anion_conductivity)


@formula(
    "alpha = Lambda / Lambda0, K = c alpha^2 / (1 - alpha)", "Ostwald, Z. Phys. Chem. 2 (1888) 36",
    {
        "dissociation_constant": Quantity("mol/L", "dissociation constant",
                                          words="Ka Kd, constante de dissociation d'acidité"),
        "degree": Quantity("", "degree of dissociation", words="α ionisation fraction, degré taux de dissociation"),
    },
    words="Ostwald dilution law weak electrolyte dissociation from conductivity, loi de dilution d'Ostwald "
          "électrolyte faible",
)  # fmt: skip
def ostwald_dilution(
    molar_conductivity: Annotated[
        float, Quantity(MOLAR, "molar conductivity", 1e-6, 2000, words="Λm, conductivité molaire")
    ],
    limiting: LimitingConductivity,
    concentration: SaltConcentration,
) -> dict[str, float]:
    """Degree of dissociation of a weak electrolyte and its constant, from its molar conductivity.

    Raises ScienceError where the molar conductivity reaches its limit.
    """
    if molar_conductivity >= limiting:
        raise ScienceError("molar_conductivity has to be below the limiting one, which it reaches at infinite dilution")
    degree = molar_conductivity / limiting
    return {"dissociation_constant": concentration * degree * degree / (1 - degree), "degree": degree}


@formula(
    "I = c / 2 (nu+ z+^2 + nu- z-^2)", "Lewis & Randall, J. Am. Chem. Soc. 43 (1921) 1112",
    {"ionic_strength": Quantity("mol/L", "ionic strength", words="I, force ionique")},
    words="ionic strength of a salt solution from its concentration, force ionique d'une solution de sel",
)  # fmt: skip
def ionic_strength(
    concentration: SaltConcentration,
    cation_charge: Annotated[
        float, Quantity("", "charge number of the cation", 1, 6, words="z+ valence, charge du cation")
    ] = 1.0,
    anion_charge: Annotated[
        float, Quantity("", "charge number of the anion, without its sign", 1, 6, words="z- valence, charge de l'anion")
    ] = 1.0,
) -> float:
    """Ionic strength of a solution of one salt that dissociates fully, such as NaCl (1, 1) or Na2SO4 (1, 2).

    Raises ScienceError for charges that are no whole numbers.
    """
    if cation_charge % 1 or anion_charge % 1:
        raise ScienceError("charge numbers of ions are whole")
    common = gcd(int(cation_charge), int(anion_charge))
    cations, anions = anion_charge / common, cation_charge / common
    return concentration / 2 * (cations * cation_charge**2 + anions * anion_charge**2)
