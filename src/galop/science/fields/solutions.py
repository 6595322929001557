"""Solutions: amounts, dilution, pH, osmotic pressure, rates that follow temperature."""

from __future__ import annotations

from math import exp, log, log10, sqrt
from typing import Annotated

from galop.science.constants import ROOM, R
from galop.science.fields.electrolysis import MolarMass
from galop.science.fields.potentials import ATKINS
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

HARRIS = "Harris, Quantitative Chemical Analysis, 8th ed."
IUPAC = "IUPAC Gold Book, 2014"
Amount = Annotated[float, Quantity("mol", "amount of substance", 0, words="moles n, quantité de matière")]
Mass = Annotated[float, Quantity("g", "mass", 0, words="weigh m, masse")]
Molarity = Annotated[float, Quantity("mol/L", "concentration", 0, 100, words="molarity c, concentration molaire")]
SolutionVolume = Annotated[
    float, Quantity("L", "volume", 1e-12, 1e12, words="volume of solution V, volume de solution")
]
PKa = Annotated[float, Quantity("", "pKa of the acid", -10, 20, words="acid constant pKa, constante d'acidité")]
PH = {"ph": Quantity("", "pH", words="acidity, acidité")}


@formula(
    "n = m / M", IUPAC,
    {"amount": Quantity("mol", "amount of substance", words="moles n how many, quantité de matière combien de moles")},
    words="moles from mass and molar mass, quantité de matière masse molaire",
)  # fmt: skip
def amount_of_substance(mass: Mass, molar_mass: MolarMass) -> float:
    """Amount of a substance from its mass."""
    return mass / molar_mass


@formula(
    "c = n / V", IUPAC, {"concentration": Quantity("mol/L", "concentration",
                                                   words="molarity c, concentration molaire")},
    words="molarity from moles and volume, concentration molaire quantité de matière volume",
)  # fmt: skip
def molarity(amount: Amount, volume: SolutionVolume) -> float:
    """Concentration of an amount in a volume of solution."""
    return amount / volume


@formula(
    "c = m / (M V)", IUPAC, {"concentration": Quantity("mol/L", "concentration",
                                                       words="molarity c, concentration molaire")},
    words="molarity of a solution from the mass dissolved, mass to weigh, concentration masse dissoute à peser",
)  # fmt: skip
def solution_concentration(mass: Mass, molar_mass: MolarMass, volume: SolutionVolume) -> float:
    """Concentration of a solution from the mass dissolved in it; solved for it, the mass to weigh."""
    return mass / (molar_mass * volume)


@formula(
    "c2 = c1 V1 / V2", HARRIS,
    {"concentration": Quantity("mol/L", "concentration after dilution",
                               words="final diluted c2, concentration finale diluée")},
    words="dilution of a stock solution final volume, dilution solution mère fille volume final",
)  # fmt: skip
def dilution(
    stock: Annotated[
        float,
        Quantity("mol/L", "concentration before dilution", 0, 100, words="stock initial c1, solution mère initiale"),
    ],
    volume: Annotated[float, Quantity("mL", "volume taken", 0, 1e12, words="aliquot V1 pipetted, volume prélevé")],
    final_volume: Annotated[
        float, Quantity("mL", "volume after dilution", 1e-9, 1e12, words="final total V2 flask, volume final fiole")
    ],
) -> float:
    """Concentration after a volume has been diluted to another.

    Raises ScienceError where the volume after it is the smaller one.
    """
    if final_volume < volume:
        raise ScienceError("final_volume has to be at least the volume taken")
    return stock * volume / final_volume


@formula(
    "c = ratio c_titrant V_titrant / V", HARRIS,
    {"concentration": Quantity("mol/L", "concentration of the sample",
                               words="unknown analyte acid c, concentration de l'échantillon inconnue acide")},
    words="titration equivalence volume concentration, titrage dosage volume à l'équivalence concentration",
)  # fmt: skip
def titration(
    titrant: Annotated[
        float, Quantity("mol/L", "concentration of the titrant", 0, 100, words="burette, concentration du titrant")
    ],
    titrant_volume: Annotated[
        float,
        Quantity(
            "mL",
            "volume of titrant at equivalence",
            0,
            1e6,
            words="burette end point titration base, volume versé à l'équivalence titrage soude",
        ),
    ],
    volume: Annotated[
        float,
        Quantity(
            "mL",
            "volume of the sample",
            1e-6,
            1e9,
            words="aliquot analyte acid neutralises, volume de l'échantillon prise d'essai acide neutralisent",
        ),
    ],
    ratio: Annotated[
        float, Quantity("", "moles of sample for a mole of titrant", 0.01, 100, words="stoichiometry, stoechiométrie")
    ] = 1.0,
) -> float:
    """Concentration of a sample from the titrant that it took."""
    return ratio * titrant * titrant_volume / volume


@formula("pH = -log10(a)", IUPAC, PH, words="pH from the activity of protons, pH activité des protons")
def ph_of(
    activity: Annotated[
        float, Quantity("", "activity of protons", 1e-16, 100, words="H+ H3O+ hydronium, activité des protons")
    ],
) -> float:
    """pH of a solution from the activity of its protons."""
    return -log10(activity)


@formula(
    "pH = -log10(c / (1 mol/L))",
    IUPAC,
    PH,
    words="pH of a strong acid proton concentration, pH d'un acide fort concentration en protons oxonium",
)
def ph_of_acid(
    concentration: Annotated[
        float,
        Quantity(
            "mol/L",
            "concentration of protons",
            1e-14,
            15,
            words="H+ H3O+ strong acid hydronium, concentration acide fort ions oxonium",
        ),
    ],
) -> float:
    """pH of a solution from the concentration of its protons, or of a strong acid, taken as the activity."""
    return -log10(concentration)


@formula(
    "pH = 14 + log10(c / (1 mol/L))",
    f"{HARRIS}, ch. 6",
    PH,
    words="pH of a strong base hydroxide concentration, pH d'une base forte concentration hydroxyde",
)
def ph_of_base(
    concentration: Annotated[
        float,
        Quantity(
            "mol/L",
            "concentration of hydroxide",
            1e-14,
            15,
            words="OH- strong base NaOH KOH, base forte soude ions hydroxyde",
        ),
    ],
) -> float:
    """pH of a solution at 25 degC from the concentration of its hydroxide, or of a strong base."""
    return 14 + log10(concentration)


@formula(
    "[H+]^2 + Ka [H+] - Ka c = 0", f"{HARRIS}, ch. 8", PH,
    words="pH of a weak acid from its pKa and concentration, pH d'un acide faible pKa concentration",
)  # fmt: skip
def weak_acid_ph(
    concentration: Annotated[
        float, Quantity("mol/L", "concentration of the acid", 1e-5, 20, words="c weak, concentration de l'acide faible")
    ],
    pka: PKa,
) -> float:
    """pH of a weak acid in water, water's own protons left out."""
    ka = 10.0**-pka
    return -log10((-ka + sqrt(ka * ka + 4 * ka * concentration)) / 2)


@formula(
    "pH = pKa + log10(c_base / c_acid)", "Henderson, 1908; Hasselbalch, 1917", PH,
    words="buffer pH Henderson-Hasselbalch, pH d'un tampon Henderson-Hasselbalch",
)  # fmt: skip
def buffer_ph(
    pka: PKa,
    base: Annotated[
        float, Quantity("mol/L", "concentration of the base", 1e-6, 20, words="conjugate base A-, base conjuguée")
    ],
    acid: Annotated[
        float, Quantity("mol/L", "concentration of the acid", 1e-6, 20, words="weak acid HA, acide faible")
    ],
) -> float:
    """pH of a buffer of an acid and its base (Henderson-Hasselbalch)."""
    return pka + log10(base / acid)


@formula(
    "Ksp = (x s)^x (y s)^y", f"{ATKINS}, ch. 6",
    {"solubility": Quantity("mol/L", "molar solubility", words="s dissolves saturated, solubilité molaire")},
    words="molar solubility from the solubility product Ksp, solubilité produit de solubilité Ks",
)  # fmt: skip
def solubility(
    solubility_product: Annotated[
        float, Quantity("", "solubility product", 1e-100, 100, words="Ksp Ks, produit de solubilité")
    ],
    cations: Annotated[
        float, Quantity("", "cations in the formula", 1, 5, words="stoichiometry x, nombre de cations")
    ] = 1.0,
    anions: Annotated[
        float, Quantity("", "anions in the formula", 1, 5, words="stoichiometry y, nombre d'anions")
    ] = 1.0,
) -> float:
    """Solubility of a salt in pure water from its solubility product, activities taken as concentrations."""
    return float((solubility_product / (cations**cations * anions**anions)) ** (1 / (cations + anions)))


@formula(
    "Pi = i c R T", "van 't Hoff, 1887",
    {"pressure": Quantity("bar", "osmotic pressure", words="Π, pression osmotique")},
    words="osmotic pressure of a solution, pression osmotique d'une solution",
)  # fmt: skip
def osmotic_pressure(
    concentration: Annotated[float, Quantity("mol/L", "concentration", 0, 10, words="molarity c, concentration")],
    particles: Annotated[
        float, Quantity("", "particles for each formula unit", 1, 10, words="van 't Hoff factor i, facteur")
    ] = 1.0,
    temperature: Annotated[float, Quantity("K", "temperature", 250, 400, words="température")] = ROOM,
) -> float:
    """Osmotic pressure of a dilute solution (van 't Hoff)."""
    return particles * concentration * 1000 * R * temperature / 1e5


ActivationEnergy = Annotated[float, Quantity("kJ/mol", "activation energy", 0, 2000, words="Ea, énergie d'activation")]


@formula(
    "k = A exp(-Ea / (R T))", "Arrhenius, Z. Phys. Chem. 4 (1889) 226",
    {"rate_constant": Quantity("1/s", "rate constant", words="k first order, constante de vitesse")},
    words="Arrhenius rate constant pre-exponential factor, Arrhenius constante de vitesse facteur préexponentiel",
)  # fmt: skip
def arrhenius(
    factor: Annotated[
        float,
        Quantity(
            "1/s",
            "pre-exponential factor",
            1e-30,
            1e30,
            words="A frequency factor, facteur préexponentiel de fréquence",
        ),
    ],
    activation_energy: ActivationEnergy,
    temperature: Annotated[float, Quantity("K", "temperature", 100, 5000, words="température")] = ROOM,
) -> float:
    """Rate constant of a first-order reaction at a temperature (Arrhenius)."""
    return factor * exp(-activation_energy * 1000 / (R * temperature))


@formula(
    "k2 / k1 = exp(Ea / R (1 / T1 - 1 / T2))", "Arrhenius, Z. Phys. Chem. 4 (1889) 226",
    {"ratio": Quantity("", "rate at the second over rate at the first temperature",
                       words="k2/k1 factor faster, rapport des vitesses facteur")},
    words="Arrhenius rate ratio two temperatures activation energy, Arrhenius rapport des vitesses deux températures "
          "énergie d'activation",
)  # fmt: skip
def arrhenius_ratio(
    activation_energy: ActivationEnergy,
    first_temperature: Annotated[
        float, Quantity("K", "first temperature", 100, 5000, words="T1 from, première température")
    ],
    second_temperature: Annotated[
        float, Quantity("K", "second temperature", 100, 5000, words="T2 to, deuxième température")
    ],
) -> float:
    """How much faster a reaction is at another temperature (Arrhenius); solved for it, the activation energy."""
    return exp(activation_energy * 1000 / R * (1 / first_temperature - 1 / second_temperature))


@formula(
    "c = c0 exp(-k t), half-life ln(2) / k", f"{ATKINS}, ch. 20",
    {
        "concentration": Quantity("mol/L", "concentration left", words="remaining c, concentration restante"),
        "half_life": Quantity("s", "half-life", words="t1/2, demi-vie temps de demi-réaction"),
    },
    words="first-order reaction concentration with time half-life, réaction du premier ordre concentration demi-vie",
)  # fmt: skip
def first_order_decay(
    initial: Annotated[
        float, Quantity("mol/L", "concentration at the start", 0, 100, words="initial c0, concentration initiale")
    ],
    rate_constant: Annotated[float, Quantity("1/s", "rate constant", 1e-30, 1e15, words="k, constante de vitesse")],
    time: Annotated[float, Quantity("s", "time", 0, 1e20, words="t after duration, temps durée")],
) -> dict[str, float]:
    """Concentration left of what reacts at first order, and its half-life."""
    return {"concentration": initial * exp(-rate_constant * time), "half_life": log(2) / rate_constant}
