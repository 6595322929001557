"""The ions of a salt's formula."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

CATIONS = {
    **dict.fromkeys(("NH4", "Li", "Na", "K", "Rb", "Cs", "Ag", "Tl", "H"), 1),
    **dict.fromkeys(("Mg", "Ca", "Sr", "Ba", "Zn", "Cd", "Ni", "Co", "Mn", "Pb", "Cu", "Fe", "Hg", "Sn"), 2),
    **dict.fromkeys(("Al", "La", "Cr", "Bi", "Ce"), 3),
}
ANIONS = {
    **dict.fromkeys(("ClO4", "ClO3", "NO3", "NO2", "HCO3", "HSO4", "MnO4", "SCN", "CN", "OH", "Cl", "Br", "F", "I",
                     "IO3", "CH3COO", "PF6", "BF4"), 1),
    **dict.fromkeys(("SO4", "SO3", "S2O3", "CO3", "CrO4", "Cr2O7", "C2O4", "S"), 2),
    **dict.fromkeys(("PO4", "AsO4"), 3),
}  # fmt: skip
CHARGES = {"Fe": (2, 3), "Cu": (2, 1), "Sn": (2, 4), "Hg": (2, 1), "Pb": (2, 4), "Cr": (3, 2), "Co": (2, 3)}


def listed(names: dict[str, int]) -> str:
    """The names as a pattern, the longest first."""
    return "|".join(sorted(names, key=len, reverse=True))


SALT = re.compile(rf"\(?({listed(CATIONS)})\)?(\d?)\(?({listed(ANIONS)})\)?(\d?)")


@dataclass(frozen=True)
class Salt:
    """How many of each ion a formula has, and their charges without signs."""

    cations: int
    cation_charge: int
    anions: int
    anion_charge: int


@lru_cache(1000)
def ions_of(formula: str) -> Salt | None:
    """The ions of a formula such as Na2SO4 or Al(OH)3; None for what is no salt, acid or base of known ions."""
    match = SALT.fullmatch(formula)
    if match is None:
        return None
    cations, anions, charge = int(match[2] or 1), int(match[4] or 1), ANIONS[match[3]]
    for each in CHARGES.get(match[1], (CATIONS[match[1]],)):
        if cations * each == anions * charge and gcd(cations, anions) == 1:
            return Salt(cations, each, anions, charge)
    return None
