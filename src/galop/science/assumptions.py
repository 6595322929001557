"""Data that a question leaves to its reader, each with its source, found by the role that they fill.

    find_assumptions("g/mol", "molar mass of the metal", read_question("How much copper does 10 A deposit in 1 h?"))
    -> [Assumption("molar mass of Cu", 63.546, "g/mol", "IUPAC standard atomic weights 2021, abridged", "Cu")]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from galop.science.electrochemistry import BPJ, couples
from galop.science.elements import (
    DENSITIES,
    DENSITY_SOURCE,
    WEIGHTS_SOURCE,
    molar_mass,
)
from galop.science.names import Name
from galop.science.plain_text import fold_characters
from galop.science.question import Question
from galop.science.units import ScienceError, normalise_unit, unit_registry

CODATA = "CODATA 2018"
SI = "SI Brochure, 9th ed., 2019"
NIST = "NIST Chemistry WebBook, SRD 69"
RPE = "Sutton & Biblarz, Rocket Propulsion Elements, 9th ed., table 7-1"


@dataclass(frozen=True)
class Assumption:
    """A value that is taken for an input that a question does not give: what it is, its source, and the substance it
    is of ("" for none)."""

    what: str
    value: float
    unit: str
    source: str
    of: str = ""

    @property
    def quantity(self) -> str:
        """As formulas take it: the number and its unit."""
        return f"{self.value:.12g} {self.unit}".rstrip()


ROLES: list[tuple[str, str, str, Assumption]] = [
    # unit, words of the role, words that the question must have ("" for none), what is assumed
    ("m/s^2", r"gravit|pesanteur|\bg0\b|\bg\b", r"\bmoon\b|\blune\b|lunar|lunaire",
     Assumption("gravity on the Moon", 1.625, "m/s^2", "NASA Planetary Fact Sheet")),
    ("m/s^2", r"gravit|pesanteur|\bg0\b|\bg\b", r"\bmars\b|martian|martien",
     Assumption("gravity on Mars", 3.73, "m/s^2", "NASA Planetary Fact Sheet")),
    ("m/s^2", r"gravit|pesanteur|\bg0\b|\bg\b", "", Assumption("standard gravity g0", 9.80665, "m/s^2", SI)),
    ("Pa", r"ambient|atmospher|outside|exter|ambian|back", r"\bvacuum\b|\bdans le vide\b|\bin space\b|sous vide|\bvide\b|\bespace\b",
     Assumption("ambient pressure in vacuum", 0.0, "Pa", "as the question says")),
    ("Pa", r"ambient|atmospher|outside|exter|ambian|back|^pressure$|^pression$|surface", "",
     Assumption("ambient pressure, one standard atmosphere", 101_325.0, "Pa", SI)),
    ("K", r"temper", r"room temperature|temperature ambiante|standard|ambient", Assumption("temperature, 25 °C", 298.15, "K", "IUPAC, standard ambient temperature")),
    ("K", r"temper", "", Assumption("temperature, 25 °C", 298.15, "K", "IUPAC, standard ambient temperature")),
    ("", r"gamma|specific heats|chaleurs specifiques|isentrop", r"\bair\b", Assumption("ratio of specific heats of air", 1.4, "", "ISO 2533, standard atmosphere", "air")),
    ("g/mol", r"molar|molair|molec", r"\bair\b", Assumption("molar mass of air", 28.9644, "g/mol", "ISO 2533, standard atmosphere", "air")),
    ("", r"permittivit|dielectr", "", Assumption("relative permittivity of water at 25 °C", 78.4, "", "CRC Handbook, 97th ed., sec. 6")),
    ("J/kg/K", r"heat|therm|calor|chaleur", r"\bwater\b|\beau\b", Assumption("specific heat of water at 25 °C", 4181.6, "J/kg/K", "IAPWS-95", "water")),
    ("J/kg/K", r"heat|therm|calor|chaleur", r"\bair\b", Assumption("specific heat of air at 25 °C", 1006.0, "J/kg/K", NIST, "air")),
    ("m^3/s^2", r"gravitation|parameter|parametre|\bmu\b", r"\bmars\b|martian|martien", Assumption("gravitational parameter of Mars", 4.282837e13, "m^3/s^2", "NASA JPL, DE440")),
    ("m^3/s^2", r"gravitation|parameter|parametre|\bmu\b", r"\bmoon\b|\blune\b|lunar|lunaire", Assumption("gravitational parameter of the Moon", 4.9028e12, "m^3/s^2", "NASA JPL, DE440")),
    ("m^3/s^2", r"gravitation|parameter|parametre|\bmu\b", r"\bsun\b|\bsoleil\b|solar orbit|heliocentri", Assumption("gravitational parameter of the Sun", 1.32712440018e20, "m^3/s^2", "NASA JPL, DE440")),
    ("m^3/s^2", r"gravitation|parameter|parametre|\bmu\b", "", Assumption("gravitational parameter of the Earth", 3.986004418e14, "m^3/s^2", "WGS 84")),
    ("km", r"planet|earth|terre|body|astre|surface", r"\bmars\b|martian|martien", Assumption("equatorial radius of Mars", 3396.2, "km", "NASA Planetary Fact Sheet")),
    ("km", r"planet|earth|terre|body|astre|surface", r"\bmoon\b|\blune\b|lunar|lunaire", Assumption("radius of the Moon", 1737.4, "km", "NASA Planetary Fact Sheet")),
    ("km", r"planet|earth|terre|body|astre|surface", "", Assumption("equatorial radius of the Earth", 6378.137, "km", "WGS 84")),
    ("C/mol", r"faraday", "", Assumption("Faraday constant", 96485.33212, "C/mol", CODATA)),
    ("J/mol/K", r"gas constant|constante des gaz", "", Assumption("gas constant R", 8.314462618, "J/mol/K", CODATA)),
    ("m/s", r"speed of light|vitesse de la lumiere", "", Assumption("speed of light c", 299_792_458.0, "m/s", SI)),
    ("C", r"elementary charge|charge elementaire", "", Assumption("elementary charge e", 1.602176634e-19, "C", SI)),
    ("1/mol", r"avogadro", "", Assumption("Avogadro constant", 6.02214076e23, "1/mol", SI)),
    ("J/K", r"boltzmann", "", Assumption("Boltzmann constant", 1.380649e-23, "J/K", SI)),
    ("W/m^2/K^4", r"stefan", "", Assumption("Stefan-Boltzmann constant", 5.670374419e-8, "W/m^2/K^4", CODATA)),
]  # fmt: skip
NOT_ROOM = re.compile(r"chamber|chambre|wall|paroi|combust|stagnat|total|gas|gaz|flame|flamme|inlet|outlet|entree|sortie|final|initial|hot|cold|chaud|froid|boil|adiabat|throat|col\b|exit|ejection|surface|fluid|liquid")
LIQUIDS = {  # kg/m³, with where it holds
    "water": (997.05, "25 °C, IAPWS-95"), "LOX": (1141.2, f"boiling at 1 atm, {NIST}"),
    "LH2": (70.85, f"boiling at 1 atm, {NIST}"), "LCH4": (422.4, f"boiling at 1 atm, {NIST}"), "RP-1": (810.0, f"15 °C, {RPE}"),
    "N2O4": (1440.0, f"20 °C, {RPE}"), "MMH": (878.8, f"20 °C, {RPE}"), "UDMH": (789.0, f"20 °C, {RPE}"),
    "N2H4": (1008.0, f"20 °C, {RPE}"), "ethanol": (785.0, f"25 °C, {NIST}"), "methanol": (786.3, f"25 °C, {NIST}"),
    "NH3": (682.0, f"boiling at 1 atm, {NIST}"), "propane": (580.9, f"boiling at 1 atm, {NIST}"),
    "nitrogen": (806.1, f"liquid, boiling at 1 atm, {NIST}"),
}  # fmt: skip
CHARGE = re.compile(r"(\d?)([+-])$")


def find_assumptions(unit: str, words: str, question: Question) -> list[Assumption]:
    """What may be taken for an input measured in `unit` whose role is told in `words` (`Quantity.what` and its words of
    the role), in a question that does not give it: the likeliest first, nothing where nobody would assume anything."""
    role, text = fold_characters(words), fold_characters(question.text)
    found = [*of_names(unit, role, question.names)]
    for measured, pattern, needed, assumption in ROLES:
        if same_dimension(measured, unit) and re.search(pattern, role):
            if needed and not re.search(needed, text):
                continue
            if measured == "K" and NOT_ROOM.search(role):
                continue
            found.append(assumption)
    return list({a.what: a for a in found}.values())[:8]


def of_names(unit: str, role: str, names: tuple[Name, ...]) -> Iterator[Assumption]:
    """What is known of the substances that a question names."""
    for name in names:
        if same_dimension("g/mol", unit) and re.search(r"mola|molec|atomi", role):
            yield from molar_masses(name)
        elif not unit and re.search(r"electron|valence|charge", role):
            yield from electrons_of(name, bool(re.search(r"charge", role) and not re.search("electron", role)))
        elif same_dimension("kg/m^3", unit) and re.search(r"densit|masse volumique", role):
            yield from densities(name)
        elif same_dimension("V", unit) and re.search(r"standard", role):
            yield from potentials(name)


def molar_masses(name: Name) -> Iterator[Assumption]:
    """The molar mass of the first of a name's formulas."""
    for called in name.called:
        bare = CHARGE.sub("", called.split("/")[0].replace("^", ""))
        if re.match(r"[A-Z]", bare) and bare not in ("LOX", "LH2", "LCH4", "MMH", "UDMH", "HTPB", "AP", "NMC", "RP-1"):
            try:
                yield Assumption(f"molar mass of {bare}", round(molar_mass(bare), 5), "g/mol", WEIGHTS_SOURCE, bare)
            except ScienceError:
                continue
            return


def electrons_of(name: Name, signed: bool) -> Iterator[Assumption]:
    """The electrons of a couple or ion, of a metal's usual ion, or an ion's charge with its sign."""
    table = {key.replace("^", ""): data for key, data in couples().items()}
    for called in name.called:
        key = called.replace("^", "")
        if "/" in key and key in table:
            yield Assumption(f"electrons of {called}", float(table[key]["n"]), "", BPJ, called)
            return
    for called in name.called:
        if (charge := CHARGE.search(called)) and "/" not in called:
            count = float(charge[1] or 1)
            if signed:
                yield Assumption(f"charge of {called}", count if charge[2] == "+" else -count, "", "its formula", called)
            else:
                yield Assumption(f"electrons of {called}", count, "", "the charge of the ion", called)
            return


def densities(name: Name) -> Iterator[Assumption]:
    """The density of a metal near 20 °C, or of a liquid as it is stored."""
    for called in name.called:
        if called in LIQUIDS:
            value, where = LIQUIDS[called]
            yield Assumption(f"density of {called}", value, "kg/m^3", where, called)
            return
        if called in DENSITIES and name.kind in ("metal", "ion", "couple"):
            yield Assumption(f"density of {called}", DENSITIES[called], "g/cm^3", DENSITY_SOURCE, called)
            return


def potentials(name: Name) -> Iterator[Assumption]:
    """The standard potential of a couple, or of a metal's usual one."""
    table = {key.replace("^", ""): (key, data) for key, data in couples().items()}
    for called in (*name.called, *(f"{c}/{b}" for c in name.called for b in name.called)):
        if found := table.get(called.replace("^", "")):
            key, data = found
            yield Assumption(f"standard potential of {key}", float(data["E"]), "V", BPJ, key)
            return


@lru_cache(5_000)
def same_dimension(unit: str, other: str) -> bool:
    """Whether two units measure the same; "" measures nothing."""
    if not unit or not other:
        return unit == other
    try:
        registry = unit_registry()
        return bool(registry.Unit(normalise_unit(unit)).is_compatible_with(registry.Unit(normalise_unit(other))))
    except Exception:  # what pint's parser stumbles on
        return False
