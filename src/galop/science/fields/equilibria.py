"""What follows from potentials: Gibbs energies, equilibrium constants, solubility; membranes."""

from __future__ import annotations

from math import exp, log
from typing import Annotated

from galop.science.constants import ROOM, F, R
from galop.science.couples import BPJ, Couple, find_couple
from galop.science.fields.electrolysis import Electrons
from galop.science.fields.potentials import ATKINS, BF, Temperature, cell_voltage
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

LARGEST_EXPONENT = 690.0  # e to that is still a float


@formula(
    "dG = -z F E, ln K = z F E / (R T)", f"{BF}, eq. 2.1.26",
    {
        "gibbs_energy": Quantity("kJ/mol", "Gibbs energy of reaction",
                                 words="free energy dG ΔG, enthalpie libre énergie de Gibbs"),
        "ln_k": Quantity("", "natural logarithm of K", words="ln K, logarithme de la constante d'équilibre"),
    },
    words="Gibbs energy equilibrium constant of a cell's reaction, enthalpie libre de Gibbs et constante d'équilibre "
          "de la réaction d'une pile",
)  # fmt: skip
def gibbs_energy(
    voltage: Annotated[float, Quantity("V", "standard cell voltage", -10, 10, words="E0 emf, tension standard")],
    electrons: Electrons,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Gibbs energy and logarithm of the equilibrium constant of a cell's reaction."""
    return {"gibbs_energy": -electrons * F * voltage / 1000, "ln_k": electrons * F * voltage / (R * temperature)}


def power_of_e(exponent: float) -> float:
    """e to that power. Raises ScienceError where it is no float."""
    if abs(exponent) > LARGEST_EXPONENT:
        raise ScienceError(f"the constant is 10^{exponent / log(10):.5g}, which is beyond what a number here can hold")
    return exp(exponent)


EQUILIBRIUM = {
    "equilibrium_constant": Quantity("", "equilibrium constant", words="K, constante d'équilibre"),
    "log10_k": Quantity("", "decimal logarithm of K", words="log K, logarithme décimal"),
}


@formula(
    "K = exp(z F E0 / (R T))", f"{BF}, eq. 2.1.26", EQUILIBRIUM,
    words="equilibrium constant from standard voltage E0, constante d'équilibre à partir de la tension standard",
)  # fmt: skip
def equilibrium_constant(
    voltage: Annotated[float, Quantity("V", "standard cell voltage", -10, 10, words="E0 emf, tension standard")],
    electrons: Electrons,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Equilibrium constant of a cell's reaction from its standard voltage."""
    exponent = electrons * F * voltage / (R * temperature)
    return {"equilibrium_constant": power_of_e(exponent), "log10_k": exponent / log(10)}


@formula(
    "K = exp(-dG / (R T))", f"{ATKINS}, eq. 6.14", EQUILIBRIUM,
    words="equilibrium constant from Gibbs energy, constante d'équilibre à partir de l'enthalpie libre",
)  # fmt: skip
def equilibrium_from_gibbs(
    gibbs_energy: Annotated[
        float,
        Quantity(
            "kJ/mol",
            "standard Gibbs energy of reaction",
            -5000,
            5000,
            words="dG ΔG° free energy, enthalpie libre standard",
        ),
    ],
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Equilibrium constant of a reaction from its standard Gibbs energy."""
    exponent = -gibbs_energy * 1000 / (R * temperature)
    return {"equilibrium_constant": power_of_e(exponent), "log10_k": exponent / log(10)}


@formula(
    "dG = -z F (E0_cathode - E0_anode), K = exp(-dG / (R T)), potentials from the table", f"{BPJ}; {BF}, eq. 2.1.26",
    {
        "gibbs_energy": Quantity("kJ/mol", "Gibbs energy of the cell's reaction",
                                 words="free energy dG ΔG, enthalpie libre énergie de Gibbs"),
        "ln_k": Quantity("", "natural logarithm of K", words="ln K, logarithme de la constante d'équilibre"),
        "log10_k": EQUILIBRIUM["log10_k"], "equilibrium_constant": EQUILIBRIUM["equilibrium_constant"],
    },
    words="equilibrium constant Gibbs energy of a cell from its two couples, constante d'équilibre enthalpie libre "
          "d'une "
          "pile à partir de ses couples",
)  # fmt: skip
def cell_equilibrium(cathode: Couple, anode: Couple, temperature: Temperature = ROOM) -> dict[str, float]:
    """Gibbs energy and equilibrium constant of the reaction of two couples; K is left out where no number holds it."""
    standard: dict[str, float] = cell_voltage.function(cathode, anode)
    exponent = standard["electrons"] * F * standard["voltage"] / (R * temperature)
    found = {
        "gibbs_energy": -standard["electrons"] * F * standard["voltage"] / 1000,
        "ln_k": exponent,
        "log10_k": exponent / log(10),
    }
    return found | ({"equilibrium_constant": exp(exponent)} if abs(exponent) < LARGEST_EXPONENT else {})


SOLUBILITY = {
    "solubility_product": Quantity("", "solubility product", words="Ksp Ks, produit de solubilité"),
    "pks": Quantity("", "pKs, minus its decimal logarithm", words="pKsp"),
}


@formula(
    "Ksp = exp(z F (E0_salt - E0_metal) / (R T))", f"{ATKINS}, ch. 6",
    SOLUBILITY,
    words="solubility product Ksp from standard potentials, produit de solubilité à partir des potentiels standard",
)  # fmt: skip
def solubility_product(
    salt_potential: Annotated[
        float,
        Quantity("V", "standard potential of the salt's couple", -5, 5, words="AgCl/Ag, potentiel du couple du sel"),
    ],
    metal_potential: Annotated[
        float,
        Quantity(
            "V", "standard potential of the metal's couple", -5, 5, words="Ag+/Ag ion, potentiel du couple du métal"
        ),
    ],
    electrons: Electrons,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Solubility product of a salt from the standard potentials of the metal with the salt and with its ion."""
    exponent = electrons * F * (salt_potential - metal_potential) / (R * temperature)
    return {"solubility_product": power_of_e(exponent), "pks": -exponent / log(10)}


@formula(
    "Ksp = exp(z F (E0_salt - E0_metal) / (R T)), potentials from the table", f"{BPJ}; {ATKINS}, ch. 6", SOLUBILITY,
    words="solubility product Ksp from two couples of the table such as AgCl/Ag, produit de solubilité à partir de "
          "deux couples",
)  # fmt: skip
def solubility_product_of_couples(salt: Couple, metal: Couple, temperature: Temperature = ROOM) -> dict[str, float]:
    """Solubility product of a salt from the couples of the metal with the salt and with its ion.

    Raises ScienceError for couples that exchange different numbers of electrons.
    """
    with_salt, with_ion = find_couple(salt), find_couple(metal)
    if with_salt.electrons != with_ion.electrons:
        raise ScienceError(
            f"{with_salt.name} and {with_ion.name} exchange {with_salt.electrons} and {with_ion.electrons} electrons; "
            "the couples of a salt and of its metal exchange the same"
        )
    product: dict[str, float] = solubility_product.function(
        with_salt.potential, with_ion.potential, with_salt.electrons, temperature
    )
    return product


@formula(
    "dE/dT = dS / (z F)", f"{BF}, sec. 2.1",
    {"coefficient": Quantity("mV/K", "change of voltage with temperature",
                             words="temperature coefficient dE/dT, coefficient de température")},
    words="temperature coefficient of a cell voltage entropy, variation de la tension avec la température, entropie "
          "de réaction",
)  # fmt: skip
def temperature_coefficient(
    entropy: Annotated[
        float, Quantity("J/mol/K", "entropy of reaction", -1000, 1000, words="dS ΔS, entropie de réaction")
    ],
    electrons: Electrons,
) -> float:
    """How a cell's voltage changes with temperature."""
    return 1000 * entropy / (electrons * F)


@formula(
    "E = R T / (z F) ln(c_outside / c_inside)", "Hille, Ion Channels of Excitable Membranes, 3rd ed., eq. 1.11",
    {"voltage": Quantity("mV", "equilibrium potential of the ion",
                         words="Nernst reversal membrane, potentiel d'équilibre de l'ion")},
    words="Nernst potential of an ion across a membrane cell, potentiel de Nernst d'un ion à travers une membrane",
)  # fmt: skip
def ion_potential(
    outside: Annotated[
        float, Quantity("mmol/L", "concentration outside", 1e-9, 1e5, words="extracellular, extérieure extracellulaire")
    ],
    inside: Annotated[
        float, Quantity("mmol/L", "concentration inside", 1e-9, 1e5, words="intracellular, intérieure intracellulaire")
    ],
    charge: Annotated[float, Quantity("", "charge number of the ion", -4, 4, words="valence z, charge de l'ion")] = 1.0,
    temperature: Annotated[float, Quantity("K", "temperature", 250, 350, words="température")] = 310.15,
) -> float:
    """Potential at which an ion is at equilibrium across a membrane, inside against outside.

    Raises ScienceError for an ion without a charge.
    """
    if charge == 0:
        raise ScienceError("charge is 0; what has no charge has no equilibrium potential")
    return 1000 * R * temperature / (charge * F) * log(outside / inside)


def membrane_concentration(ion: str, where: str, words: str) -> Quantity:
    """An input of the Goldman equation: how much of an ion there is on one side."""
    return Quantity("mmol/L", f"concentration of {ion} {where}", 0, 1e5, words=words)


@formula(
    "V = R T / F ln((P_K K_out + P_Na Na_out + P_Cl Cl_in) / (P_K K_in + P_Na Na_in + P_Cl Cl_out))",
    "Goldman, 1943; Hodgkin & Katz, J. Physiol. 108 (1949) 37",
    {"voltage": Quantity("mV", "membrane voltage",
                         words="resting potential membrane potential Vm, potentiel de membrane de repos")},
    words="Goldman-Hodgkin-Katz GHK resting membrane potential permeability, potentiel de membrane de repos "
          "perméabilité",
)  # fmt: skip
def goldman_voltage(
    potassium_outside: Annotated[float, membrane_concentration("potassium", "outside", "K+ extracellular, extérieure")],
    potassium_inside: Annotated[float, membrane_concentration("potassium", "inside", "K+ intracellular, intérieure")],
    sodium_outside: Annotated[float, membrane_concentration("sodium", "outside", "Na+ extracellular, extérieure")],
    sodium_inside: Annotated[float, membrane_concentration("sodium", "inside", "Na+ intracellular, intérieure")],
    sodium_permeability: Annotated[
        float,
        Quantity(
            "", "permeability of sodium over potassium's", 0, 1e4, words="P_Na PNa/PK, perméabilité relative du sodium"
        ),
    ],
    chloride_outside: Annotated[
        float, membrane_concentration("chloride", "outside", "Cl- extracellular, chlorure extérieure")
    ] = 0.0,
    chloride_inside: Annotated[
        float, membrane_concentration("chloride", "inside", "Cl- intracellular, chlorure intérieure")
    ] = 0.0,
    chloride_permeability: Annotated[
        float,
        Quantity(
            "",
            "permeability of chloride over potassium's",
            0,
            1e4,
            words="P_Cl PCl/PK, perméabilité relative du chlorure",
        ),
    ] = 0.0,
    potassium_permeability: Annotated[
        float, Quantity("", "permeability of potassium", 1e-9, 1e4, words="P_K, perméabilité relative du potassium")
    ] = 1.0,
    temperature: Annotated[float, Quantity("K", "temperature", 250, 350, words="température")] = 310.15,
) -> float:
    """Voltage of a membrane at rest, inside against outside, from what it lets through (Goldman-Hodgkin-Katz)."""
    k, na, cl = potassium_permeability, sodium_permeability, chloride_permeability
    above = k * potassium_outside + na * sodium_outside + cl * chloride_inside
    below = k * potassium_inside + na * sodium_inside + cl * chloride_outside
    return 1000 * R * temperature / F * log(above / below)
