"""What people call the choices of a formula, in English and French: one table for every door."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from unicodedata import combining, normalize

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    # Fuels.
    "LH2": ("liquid hydrogen", "hydrogène liquide", "hydrogen", "hydrogène", "dihydrogène", "H2"),
    "LCH4": ("liquid methane", "méthane liquide", "methane", "méthane", "CH4", "LNG", "GNL", "liquid natural gas",
             "liquefied natural gas", "gaz naturel liquéfié"),
    "RP-1": ("kerosene", "kérosène", "kerosine", "rocket propellant 1"),
    "ethanol": ("éthanol", "ethyl alcohol", "alcool éthylique", "C2H5OH", "C2H6O", "EtOH"),
    "methanol": ("méthanol", "methyl alcohol", "alcool méthylique", "CH3OH", "CH4O", "MeOH"),
    "MMH": ("monomethylhydrazine", "monométhylhydrazine", "methylhydrazine", "méthylhydrazine", "CH6N2", "CH3NHNH2"),
    "UDMH": ("unsymmetrical dimethylhydrazine", "1,1-dimethylhydrazine", "dimethylhydrazine", "heptyl",
             "diméthylhydrazine asymétrique", "diméthylhydrazine", "C2H8N2"),
    "N2H4": ("hydrazine", "anhydrous hydrazine", "hydrazine anhydre"),
    "NH3": ("ammonia", "liquid ammonia", "ammoniac", "ammoniac liquide", "LNH3"),
    "Jet-A": ("Jet A", "Jet A-1", "jet fuel", "carburéacteur", "kérosène aviation"),
    "C3H8": ("propane", "liquid propane", "propane liquide"),
    "gasoline": ("petrol", "essence", "unleaded petrol", "sans plomb"),
    "diesel fuel": ("diesel", "gazole", "gas oil", "fioul domestique", "heating oil"),
    "carbon": ("carbone", "coal", "charbon", "coke"),
    # Oxidisers.
    "LOX": ("liquid oxygen", "oxygène liquide", "LO2", "O2", "oxygen", "oxygène", "dioxygène"),
    "N2O4": ("nitrogen tetroxide", "dinitrogen tetroxide", "NTO", "tétroxyde d'azote", "peroxyde d'azote",
             "tétraoxyde de diazote"),
    "H2O2": ("hydrogen peroxide", "peroxide", "HTP", "high-test peroxide", "peroxyde d'hydrogène", "eau oxygénée"),
    "N2O": ("nitrous oxide", "nitrous", "protoxyde d'azote", "oxyde nitreux", "monoxyde de diazote"),
    # Fluids of the equations of state.
    "water": ("eau", "H2O", "steam", "vapeur d'eau"),
    "hydrogen": ("hydrogène", "dihydrogène", "H2", "liquid hydrogen", "hydrogène liquide", "LH2"),
    "parahydrogen": ("parahydrogène", "para-hydrogen", "para-hydrogène", "p-H2"),
    "oxygen": ("oxygène", "dioxygène", "O2", "liquid oxygen", "oxygène liquide", "LOX", "LO2"),
    "nitrogen": ("azote", "diazote", "N2", "liquid nitrogen", "azote liquide", "LN2"),
    "methane": ("méthane", "CH4", "liquid methane", "méthane liquide", "LCH4"),
    "ammonia": ("ammoniac", "NH3", "R717"),
    "carbon dioxide": ("dioxyde de carbone", "gaz carbonique", "CO2", "R744"),
    "nitrous oxide": ("protoxyde d'azote", "oxyde nitreux", "N2O"),
    "propane": ("C3H8", "R290"),
    "argon": ("Ar",),
    "helium": ("hélium", "He", "liquid helium", "hélium liquide"),
    "air": ("dry air", "air sec"),
    "heavy water": ("eau lourde", "D2O"), "deuterium": ("deutérium", "D2"), "neon": ("néon",), "xenon": ("xénon",),
    "fluorine": ("fluor", "difluor", "F2"), "chlorine": ("chlore", "dichlore", "Cl2"),
    "carbon monoxide": ("monoxyde de carbone",), "hydrogen sulfide": ("sulfure d'hydrogène", "H2S"),
    "hydrogen chloride": ("chlorure d'hydrogène", "HCl"), "sulfur dioxide": ("dioxyde de soufre", "SO2"),
    "sulfur hexafluoride": ("hexafluorure de soufre", "SF6"), "ethane": ("éthane", "C2H6"),
    "butane": ("n-butane", "C4H10", "R600"), "isobutane": ("R600a",), "pentane": ("n-pentane",),
    "isopentane": ("R601a",), "hexane": ("n-hexane",), "heptane": ("n-heptane",), "octane": ("n-octane",),
    "decane": ("décane", "n-decane"), "dodecane": ("dodécane", "n-dodecane"),
    "ethylene": ("éthylène", "ethene", "C2H4"), 
    "propylene": ("propylène", "propene", "C3H6"), "benzene": ("benzène", "C6H6"), "toluene": ("toluène",),
    "acetone": ("acétone", "propanone"), "dimethyl ether": ("éther diméthylique", "diméthyléther", "DME"),
    # Reference electrodes.
    "SHE": ("NHE", "ESH", "ENH", "standard hydrogen electrode", "normal hydrogen electrode",
            "électrode standard à hydrogène", "électrode normale à hydrogène"),
    "SCE": ("ECS", "saturated calomel", "saturated calomel electrode", "calomel", "électrode au calomel saturée",
            "électrode au calomel saturé", "Hg/Hg2Cl2"),
    "Ag/AgCl (sat. KCl)": ("Ag/AgCl", "Ag/AgCl (sat.)", "Ag/AgCl saturated", "saturated Ag/AgCl", "Ag/AgCl saturé",
                           "Ag/AgCl saturée", "Ag|AgCl", "silver/silver chloride", "Ag/AgCl/KCl sat",
                           "électrode au chlorure d'argent", "AgCl/Ag"),
    "Ag/AgCl (3 M KCl)": ("Ag/AgCl (3 M)", "Ag/AgCl 3 M", "Ag/AgCl 3 M KCl", "Ag/AgCl/KCl 3 M"),
    "Ag/AgCl (3.5 M KCl)": ("Ag/AgCl (3.5 M)", "Ag/AgCl 3.5 M", "Ag/AgCl 3.5 M KCl", "Ag/AgCl 3,5 M"),
    "Ag/AgCl (1 M KCl)": ("Ag/AgCl (1 M)", "Ag/AgCl 1 M", "Ag/AgCl 1 M KCl"),
    "Ag/AgCl (0.1 M KCl)": ("Ag/AgCl (0.1 M)", "Ag/AgCl 0.1 M", "Ag/AgCl 0.1 M KCl", "Ag/AgCl 0,1 M"),
    "calomel (1 M KCl)": ("NCE", "normal calomel electrode", "calomel 1 M"), "calomel (0.1 M KCl)": ("calomel 0.1 M",),
    "Hg/HgO (standard)": ("Hg/HgO", "mercury/mercuric oxide", "HgO/Hg"),
    "Hg/HgO (1 M NaOH)": ("Hg/HgO (1 M)", "Hg/HgO 1 M", "Hg/HgO 1 M NaOH", "Hg/HgO 1 M KOH", "Hg/HgO (1 M KOH)"),
    "Hg/HgO (0.1 M NaOH)": ("Hg/HgO (0.1 M)", "Hg/HgO 0.1 M", "Hg/HgO 0.1 M NaOH", "Hg/HgO 0.1 M KOH"),
    "Hg/Hg2SO4 (sat. K2SO4)": ("Hg/Hg2SO4", "MSE", "mercury/mercurous sulfate", "sulfate mercureux"),
    "Cu/CuSO4 (sat.)": ("Cu/CuSO4", "CSE", "copper/copper sulfate", "Cu/CuSO4 saturé", "Cu/CuSO4 saturée"),
    # Ions of the table of conductivities, exchangers.
    "CH3COO-": ("acetate", "acétate"), "SO4^2-": ("SO4 2-", "SO4--", "sulfate"), "CO3^2-": ("CO3 2-", "carbonate"),
    "counterflow": ("counter-current", "countercurrent", "contre-courant", "à contre-courant"),
    "parallel": ("parallel flow", "cocurrent", "co-courant", "parallèle"),
    "heated": ("heating", "chauffé", "chauffage"), "cooled": ("cooling", "refroidi", "refroidissement"),
    # Bodies.
    "Earth": ("Terre",), "Moon": ("Lune",), "Sun": ("Soleil",), "Mercury": ("Mercure",), "Venus": ("Vénus",),
    "Saturn": ("Saturne",), "Pluto": ("Pluton",), "Ceres": ("Cérès",), "Ganymede": ("Ganymède",),
    # Flows and shapes.
    "subsonic": ("subsonique", "converging", "convergent"), "supersonic": ("supersonique", "diverging", "divergent"),
    "cylinder": ("cylindre", "cylindrical", "cylindrique"), "sphere": ("sphère", "spherical", "sphérique"),
    "laminar": ("laminaire",), "turbulent": ("turbulente",),
}  # fmt: skip


@cache
def fold(text: str) -> str:
    """In small letters, without accents, raised or lowered digits, spaces, hyphens and underscores, so that `LH₂`,
    `lh2` and `LH-2` are the same."""
    plain = normalize("NFKD", text).lower().replace("’", "'")
    return re.sub(r"[\s_\-‐‑–]+", "", "".join(c for c in plain if not combining(c)))


def find_choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a text is another name of, whole; None if it is none's."""
    wanted = fold(text)
    for choice in choices:  # its own name first
        if fold(choice) == wanted:
            return choice
    for choice in choices:
        if any(fold(name) == wanted for name in OTHER_NAMES.get(choice, ())):
            return choice
    return None
