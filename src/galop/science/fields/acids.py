"""Weak acids and bases given by their constants Ka and Kb."""

from __future__ import annotations

from math import log10, sqrt
from typing import Annotated

from galop.science.fields.solutions import HARRIS, PH
from galop.science.formula import Quantity, formula


def protons(constant: float, concentration: float) -> float:
    """What an acid or a base of a constant gives off, in mol/L."""
    return (-constant + sqrt(constant * constant + 4 * constant * concentration)) / 2


@formula("[H+]^2 + Ka [H+] - Ka c = 0", f"{HARRIS}, ch. 8", PH,
         words="pH of a weak acid from its Ka dissociation constant, pH d'un acide faible constante d'acidité "
               "Ka")  # fmt: skip
def weak_acid_ph_of_ka(
    concentration: Annotated[
        float, Quantity("mol/L", "concentration of the acid", 1e-5, 20, "c weak, concentration de l'acide faible")
    ],
    ka: Annotated[
        float, Quantity("", "acid dissociation constant Ka", 1e-14, 1, "Ka acidity K_a, constante d'acidité")
    ],
) -> float:
    """pH of a weak acid in water from its dissociation constant, water's own protons left out."""
    return -log10(protons(ka, concentration))


@formula("[OH-]^2 + Kb [OH-] - Kb c = 0, pH = 14 + log10 [OH-]", f"{HARRIS}, ch. 8", PH,
         words="pH of a weak base such as ammonia from its Kb, pH d'une base faible ammoniac constante de basicité "
               "Kb")  # fmt: skip
def weak_base_ph_of_kb(
    concentration: Annotated[
        float, Quantity("mol/L", "concentration of the base", 1e-5, 20, "c weak ammonia, concentration de la base")
    ],
    kb: Annotated[
        float, Quantity("", "base dissociation constant Kb", 1e-14, 1, "Kb basicity K_b, constante de basicité")
    ],
) -> float:
    """pH of a weak base in water at 25 degC from its dissociation constant."""
    return 14 + log10(protons(kb, concentration))
