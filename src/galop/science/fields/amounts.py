"""How much there is of a substance: particles, electrons, concentrated solutions, buffers of amounts, half-lives."""

from __future__ import annotations

from math import log, log10
from typing import Annotated

from galop.science.constants import F, R
from galop.science.fields.electrolysis import CurrentEfficiency, Electrons, MolarMass
from galop.science.fields.potentials import ATKINS
from galop.science.fields.solutions import HARRIS, PH, Amount, PKa
from galop.science.formula import Quantity, formula

AVOGADRO = 6.02214076e23  # 1/mol, exact


@formula("N = m NA / M", "definition of the mole, SI Brochure, 2019",
         {"molecules": Quantity("", "number of molecules", words="molecules atoms particles how many, nombre de "
                                                                 "molécules "
                                                                 "d'atomes")},
         words="how many molecules atoms in a mass grams of a substance, combien de molécules d'atomes dans une "
               "masse")  # fmt: skip
def molecules_of_mass(
    mass: Annotated[float, Quantity("g", "mass", 0, 1e18, "m grams, masse")],
    molar_mass: Annotated[float, Quantity("g/mol", "molar mass", 0.5, 1e7, "M, masse molaire")],
) -> float:
    """Molecules, or atoms of an element, in a mass."""
    return mass / molar_mass * AVOGADRO


@formula(
    "N = n N_A", "SI Brochure, 9th ed., 2019",
    {"particles": Quantity("", "number of particles", words="atoms molecules ions how many, nombre d'atomes")},
    words="number of atoms molecules Avogadro, nombre d'atomes molécules particules Avogadro",
)  # fmt: skip
def number_of_particles(amount: Amount) -> float:
    """Atoms, molecules or ions in an amount of substance."""
    return amount * AVOGADRO


@formula(
    "M = sum of the atomic weights", "IUPAC standard atomic weights 2021, abridged",
    {"compound_mass": Quantity("g/mol", "molar mass of the compound", words="molecular weight of, masse molaire du")},
    words="molar mass molecular weight of a compound, masse molaire moléculaire d'un composé",
)  # fmt: skip
def molar_mass_of_compound(molar_mass: MolarMass) -> float:
    """Molar mass of what is named by its formula."""
    return molar_mass


@formula(
    "n = Q / F", "Faraday, 1834",
    {"amount": Quantity("mol", "moles of electrons", words="amount charge passed, quantité d'électrons")},
    words="moles of electrons from a charge in coulombs, moles d'électrons charge en coulombs faraday",
)  # fmt: skip
def electrons_of_charge(
    charge: Annotated[float, Quantity("C", "charge", 0, words="coulombs passed Q, quantité d'électricité charge")],
) -> float:
    """Amount of electrons that carry a charge."""
    return charge / F


@formula(
    "W = m z F U / (M efficiency)", "Faraday, 1834",
    {"energy": Quantity("kW*h", "energy of the electrolysis", words="kWh consumed cost takes, énergie consommée")},
    words="energy in kWh to make refine a mass of metal by electrolysis electrowinning, énergie pour produire une "
          "masse de métal par électrolyse",
)  # fmt: skip
def electrolysis_energy_of_mass(
    mass: Annotated[float, Quantity("g", "mass", 0, words="make produce of metal, masse de métal produite")],
    voltage: Annotated[float, Quantity("V", "cell voltage", 1e-3, 100, words="at U, tension de cellule")],
    molar_mass: MolarMass,
    electrons: Electrons,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Electric energy that it takes to make a mass by electrolysis at a voltage."""
    return mass * electrons * F * voltage / (molar_mass * efficiency) / 3.6e6


@formula(
    "c = w density / M", HARRIS,
    {"concentration": Quantity("mol/L", "concentration of the concentrated solution",
                               words="molarity of concentrated acid reagent, concentration molaire")},
    words="molarity of a concentrated acid from mass percent and density, concentration molaire pourcentage massique "
          "densité acide concentré",
)  # fmt: skip
def concentration_of_mass_share(
    share: Annotated[
        float,
        Quantity("", "mass of solute over mass of solution", 0, 1, words="percent by mass weight, titre massique"),
    ],
    density: Annotated[float, Quantity("g/L", "density of the solution", 500, 5000, words="masse volumique densité")],
    molar_mass: MolarMass,
) -> float:
    """Concentration of a solution of which the share of solute by mass and the density are known."""
    return share * density / molar_mass


@formula(
    "pH = pKa + log10(n_base / n_acid)", "Henderson, 1908; Hasselbalch, 1917", PH,
    words="buffer pH of amounts moles of acid and conjugate base, pH d'un tampon quantités de matière acide et base "
          "conjuguée",
)  # fmt: skip
def ph_of_buffer_amounts(
    pka: PKa,
    base: Annotated[
        float, Quantity("mol", "amount of the base", 1e-9, 1e6, words="conjugate base acetate salt A-, base conjuguée")
    ],
    acid: Annotated[float, Quantity("mol", "amount of the acid", 1e-9, 1e6, words="weak acid HA, acide faible")],
) -> float:
    """pH of a buffer from the amounts of its acid and base."""
    return pka + log10(base / acid)


@formula(
    "t_half = ln 2 / k", f"{ATKINS}, ch. 17",
    {"half_life": Quantity("s", "half-life", words="half life first order, demi-vie temps de demi-réaction")},
    words="half-life of a first-order reaction rate constant, demi-vie réaction du premier ordre constante de vitesse",
)  # fmt: skip
def half_life(
    rate_constant: Annotated[float, Quantity("1/s", "rate constant", 1e-30, 1e20, words="k, constante de vitesse")],
) -> float:
    """Half-life of a first-order reaction; solved for it, the rate constant."""
    return log(2) / rate_constant


@formula(
    "Ea = R ln(k2 / k1) / (1 / T1 - 1 / T2)", "Arrhenius, 1889",
    {"energy": Quantity("kJ/mol", "activation energy", words="Ea of two rate constants, énergie d'activation")},
    words="activation energy from rate constants at two temperatures, énergie d'activation constantes de vitesse à "
          "deux températures",
)  # fmt: skip
def activation_energy_of_rates(
    first_rate: Annotated[
        float, Quantity("1/s", "first rate constant", 1e-30, 1e20, words="k1 initial from, première")
    ],
    second_rate: Annotated[float, Quantity("1/s", "second rate constant", 1e-30, 1e20, words="k2 final to, deuxième")],
    first_temperature: Annotated[float, Quantity("K", "first temperature", 1, 5000, words="T1 initial from, première")],
    second_temperature: Annotated[float, Quantity("K", "second temperature", 1, 5000, words="T2 final to, deuxième")],
) -> float:
    """Activation energy from a rate constant at two temperatures (Arrhenius)."""
    return R * log(second_rate / first_rate) / (1 / first_temperature - 1 / second_temperature) / 1000


@formula(
    "log10(gamma) = -0.509 z^2 sqrt(I)", "Debye & Hückel, Phys. Z. 24 (1923) 185",
    {"activity_coefficient": Quantity("", "activity coefficient of an ion", words="γ single, coefficient d'activité")},
    words="Debye-Hückel limiting law activity coefficient of a single ion, loi limite de Debye-Hückel coefficient "
          "d'activité d'un ion",
)  # fmt: skip
def ion_limiting_law(
    ionic_strength: Annotated[float, Quantity("mol/L", "ionic strength", 0, 0.01, words="I, force ionique")],
    charge: Annotated[
        float, Quantity("", "charge number of the ion", -6, 6, words="z valence monovalent divalent, charge de l'ion")
    ],
) -> float:
    """Activity coefficient of one ion in water at 25 degC, to 0.01 mol/L (Debye-Hückel's limiting law)."""
    return float(10 ** (-0.509 * charge * charge * ionic_strength**0.5))


def strength_factor(ordinal: str) -> Quantity:
    """What a salt's concentration is multiplied by for its ionic strength: 1 for NaCl, 3 for CaCl2."""
    return Quantity("", f"ionic strength over concentration of the {ordinal} salt", 0.5, 50, words="factor, facteur")


@formula(
    "I = f1 c1 + f2 c2, f = (nu+ z+^2 + nu- z-^2) / 2", "Lewis & Randall, J. Am. Chem. Soc. 43 (1921) 1112",
    {"ionic_strength": Quantity("mol/L", "ionic strength", words="I mixture, force ionique du mélange")},
    words="ionic strength of a mixture of two salts, force ionique d'un mélange de deux sels",
)  # fmt: skip
def mixture_ionic_strength(
    first: Annotated[float, Quantity("mol/L", "concentration of the first salt", 0, 20, words="c1, premier sel")],
    second: Annotated[float, Quantity("mol/L", "concentration of the second salt", 0, 20, words="c2, deuxième sel")],
    first_factor: Annotated[float, strength_factor("first")],
    second_factor: Annotated[float, strength_factor("second")],
) -> float:
    """Ionic strength of a solution of two salts that dissociate fully."""
    return first_factor * first + second_factor * second
