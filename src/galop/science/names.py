"""Substances, metals, ions and couples that a text names, as formulas and tables call them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from galop.science.electrochemistry import couples
from galop.science.plain_text import fold_characters, make_plain

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-0123456789+-")
CALLED = {  # how texts call it, folded: what formulas and tables do
    "LH2|liquid hydrogen|hydrogene liquide|hydrogen liquid": "LH2 hydrogen parahydrogen H2",
    "LOX|LO2|liquid oxygen|oxygene liquide|oxygen liquid|O2 liquide": "LOX oxygen O2",
    "LCH4|LNG|liquid methane|methane liquide|liquid natural gas|gaz naturel liquefie|GNL": "LCH4 methane CH4",
    "RP-1|RP1|kerosene|kerolox|kerosine|rocket propellant 1": "RP-1",
    "Jet-A|jet a|jet fuel|carbureacteur|jet a-1|jet a1": "Jet-A",
    "hydrolox": "LH2 LOX", "methalox": "LCH4 LOX",
    "N2O4|NTO|nitrogen tetroxide|dinitrogen tetroxide|peroxyde d'azote|tetroxyde d'azote|tetroxyde de diazote": "N2O4",
    "H2O2|hydrogen peroxide|peroxyde d'hydrogene|eau oxygenee|HTP": "H2O2",
    "N2O|nitrous oxide|protoxyde d'azote|oxyde nitreux": "N2O nitrous_oxide",
    "MMH|monomethylhydrazine|monomethyl hydrazine": "MMH",
    "UDMH|unsymmetrical dimethylhydrazine|dimethylhydrazine|dimethylhydrazine asymetrique": "UDMH",
    "N2H4|hydrazine": "N2H4", "ethanol|alcool ethylique|ethyl alcohol|C2H5OH": "ethanol",
    "methanol|methyl alcohol|alcool methylique|CH3OH": "methanol",
    "NH3|ammonia|ammoniac|liquid ammonia|ammoniac liquide": "NH3 ammonia",
    "C3H8|propane|liquid propane|propane liquide": "C3H8 propane",
    "water|eau|H2O|eau liquide|liquid water|steam|vapeur d'eau|seawater|eau de mer|pure water|eau pure": "water H2O",
    "hydrogen|hydrogene|H2|dihydrogene|hydrogen gas": "hydrogen LH2 H2", "parahydrogen|parahydrogene": "parahydrogen H2 LH2",
    "oxygen|oxygene|O2|dioxygene|oxygen gas|GOX": "oxygen LOX O2",
    "nitrogen|azote|N2|diazote|liquid nitrogen|azote liquide|LN2|GN2": "nitrogen N2",
    "methane|CH4|natural gas|gaz naturel": "methane LCH4 CH4",
    "carbon dioxide|dioxyde de carbone|gaz carbonique|CO2": "carbon_dioxide CO2",
    "argon|Ar": "argon", "helium|He|GHe": "helium", "air|dry air|air sec": "air",
    "HTPB": "HTPB", "ammonium perchlorate|perchlorate d'ammonium|AP": "AP", "sodium chloride|chlorure de sodium|NaCl": "NaCl",
    "chlorine|chlore|dichlore|Cl2": "Cl2", "sulfuric acid|acide sulfurique|sulphuric acid|H2SO4": "H2SO4",
    "lithium iron phosphate|phosphate de fer lithie|LFP|LiFePO4": "LiFePO4", "LCO|LiCoO2": "LiCoO2",
    "LMO|LiMn2O4": "LiMn2O4", "graphite": "C6 C", "NMC": "NMC", "LTO|Li4Ti5O12": "Li4Ti5O12",
    "carbon monoxide|monoxyde de carbone": "CO", "sulfur|sulphur|soufre": "S", "carbon|carbone": "C",
    "glucose": "C6H12O6", "sodium hydroxide|soude|hydroxyde de sodium": "NaOH",
    "hydrochloric acid|acide chlorhydrique": "HCl", "hydroxide|hydroxyde": "OH-",
}  # fmt: skip
METALS = {  # folded names: the symbol, and the ion that is meant where none is named
    "copper|cuivre": "Cu Cu2+", "zinc": "Zn Zn2+", "silver|argent": "Ag Ag+", "gold|or": "Au Au3+", "iron|fer": "Fe Fe2+",
    "steel|acier|carbon steel|acier au carbone|mild steel|acier doux": "Fe Fe2+", "nickel": "Ni Ni2+", "lead|plomb": "Pb Pb2+",
    "tin|etain": "Sn Sn2+", "aluminium|aluminum": "Al Al3+", "magnesium": "Mg Mg2+", "chromium|chrome": "Cr Cr3+",
    "cadmium": "Cd Cd2+", "cobalt": "Co Co2+", "lithium": "Li Li+", "sodium": "Na Na+", "potassium": "K K+",
    "calcium": "Ca Ca2+", "platinum|platine": "Pt Pt2+", "palladium": "Pd Pd2+", "titanium|titane": "Ti Ti2+",
    "manganese": "Mn Mn2+", "mercury|mercure": "Hg Hg2+", "vanadium": "V V2+", "tungsten|tungstene": "W", "molybdenum|molybdene": "Mo",
    "rhodium": "Rh Rh3+", "uranium": "U", "silicon|silicium": "Si", "gallium": "Ga Ga3+", "indium": "In In3+", "bismuth": "Bi Bi3+",
}  # fmt: skip
ELEMENT = r"(?:A[cglmrstu]|B[aehikr]?|C[adelorsu]?|D[bsy]|E[rsu]|F[er]?|G[ade]|H[efgos]?|I[nr]?|K[r]?|L[aiu]|M[gnot]|N[abdeip]?|" \
    r"O[s]?|P[abdmortu]?|R[abhu]|S[bceimnr]?|T[abehil]|U|V|W|X[e]|Y[b]?|Z[nr])"  # fmt: skip
ION = re.compile(
    rf"(?<![\w/])((?:{ELEMENT}\d{{0,2}}|\((?:{ELEMENT}\d{{0,2}}){{1,4}}\)\d{{0,2}}){{1,8}})(?:\^?\(?\{{?(\d?)([+-])\}}?\)?|\(([IV]{{1,4}})\))(?![\w])"
)
FORMULA = re.compile(rf"(?<![\w+^.])((?:{ELEMENT}\d{{0,2}}|\((?:{ELEMENT}\d{{0,2}}){{1,4}}\)\d{{1,2}}){{2,10}}|{ELEMENT}\d{{1,2}})(?![\w+^]|[⁺⁻]|-\w)")
COUPLE = re.compile(r"(?<![\w/])([A-Z][\w()^]{0,12}[+-]?|[A-Z][\w()^]{0,12}\d?[+-]?) ?/ ?([A-Z][\w()^]{0,12}[+-]?)(?![\w/])")
ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}


@dataclass(frozen=True)
class Name:
    """A substance, ion or couple that a text names, at a place of it.

    `called` is what formulas and tables may call it: its choice in a formula (LOX, oxygen), its chemical formula (O2), a
    metal's symbol (Cu), an ion (Cu2+), a couple (Cu2+/Cu); the one meant first. `kind` is "substance", "metal", "ion",
    "formula" (a compound such as LiFePO4) or "couple".
    """

    text: str
    start: int
    end: int
    called: tuple[str, ...]
    kind: str

    def choice_among(self, choices: Iterable[str]) -> str | None:
        """The first of these choices of a formula that this name is, if any."""
        return next((choice for choice in choices if choice in self.called), None)


@cache
def name_pattern() -> tuple[re.Pattern[str], dict[str, tuple[tuple[str, ...], str]]]:
    """A pattern of the names in words, the longest first, and what each is."""
    known: dict[str, tuple[tuple[str, ...], str]] = {}
    for names, called in CALLED.items():
        for name in names.split("|"):
            known[name] = tuple(c.replace("_", " ") for c in called.split()), "substance"
    for names, called in METALS.items():
        symbol, *ion = called.split()
        for name in names.split("|"):
            known[name] = (symbol, *ion, *(f"{i}/{symbol}" for i in ion)), "metal"
    symbols = {metal[0][0]: metal for metal in known.values() if metal[1] == "metal"}
    known |= {symbol: metal for symbol, metal in symbols.items() if symbol not in ("In", "I", "V", "K", "W", "U", "Bi")}
    listed = sorted(known, key=len, reverse=True)
    return re.compile(rf"(?<![\w/+-])(?:{'|'.join(re.escape(n) + ('s?' if n.islower() else '') for n in listed)})(?![\w+]|-\d)"), known


def read_names(text: str) -> list[Name]:
    """All names of a text in their order: couples, then ions, formulas, and names in words, the longest first."""
    plain = make_plain(text).translate(SUBSCRIPTS)
    folded = fold_characters(plain)
    pattern, known = name_pattern()
    lower = {name.lower(): name for name in known if len(name) > 2 or name.islower()}
    found: list[Name] = []
    taken = [False] * len(plain)

    def add(start: int, end: int, called: Iterable[str], kind: str) -> None:
        if not any(taken[start:end]):
            taken[start:end] = [True] * (end - start)
            found.append(Name(text[start:end], start, end, tuple(dict.fromkeys(called)), kind))

    table = {key.replace("^", ""): key for key in couples()}
    for match in COUPLE.finditer(plain):
        key = f"{match[1]}/{match[2]}".replace("^", "").replace("(s)", "").replace("(aq)", "")
        if key in table or ("+" in key and re.search(r"[A-Z]", match[2])):
            add(match.start(), match.end(), (table.get(key, key),), "couple")
    for match in ION.finditer(plain):
        charge = ROMAN.get(match[4] or "", 0) if match[4] else int(match[2] or 1)
        sign = match[3] or "+"
        symbol = match[1]
        if not match[4] and not match[2] and re.search(r"\d[+-]$", match[0]) and re.fullmatch(rf"{ELEMENT}\d", symbol):
            symbol, charge = symbol[:-1], int(symbol[-1])  # Cu2+ is no dimer of copper
        name = f"{symbol}{charge if charge > 1 else ''}{sign}"
        add(match.start(), match.end(), (name, symbol), "ion")
    for match in pattern.finditer(folded if folded.isascii() else folded):
        name = lower.get(match[0]) or lower.get(match[0].removesuffix("s"))
        if name:
            called, kind = known[name]
            ion = re.match(r"\(([IV]{1,4})\)", plain[match.end() :])
            if ion and kind == "metal":
                charged = f"{called[0]}{ROMAN[ion[1]] if ion[1] != 'I' else ''}+"
                called = (charged, called[0], f"{charged}/{called[0]}")
            add(match.start(), match.end(), called, kind)
    for match in pattern.finditer(plain):
        if match[0] in known:
            add(match.start(), match.end(), *known[match[0]])
    for match in FORMULA.finditer(plain):
        add(match.start(), match.end(), (match[1],), "formula")
    return sorted(found, key=lambda name: name.start)
