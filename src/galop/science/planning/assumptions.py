"""Data that a question leaves to its reader (`assumptions.json`), each with a source, found by the role it fills.

find_assumptions("g/mol", "molar mass of the metal", read_question("How much copper does 10 A deposit in 1 h?"))
-> [Assumption("molar mass of Cu", 63.546, "g/mol", "IUPAC standard atomic weights 2021, abridged", "Cu")]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from galop.science.couples import BPJ, couples
from galop.science.elements import (
    DENSITIES,
    DENSITY_SOURCE,
    WEIGHTS_SOURCE,
    molar_mass,
)
from galop.science.reading.plain_text import fold_characters
from galop.science.reading.question import TechnicalQuestion
from galop.science.reading.substances import Name
from galop.science.salts import Salt, ions_of
from galop.science.units import ScienceError, same_dimension


@dataclass(frozen=True)
class Assumption:
    """A value that is taken for an input that a question does not give: what it is, its source, and the substance it
    is of ("" for none)."""

    what: str
    value: float
    unit: str
    source: str
    of: str = ""
    told: bool = False  # by words of the question

    @property
    def quantity(self) -> str:
        """As formulas take it: the number and its unit."""
        return f"{self.value:.12g} {self.unit}".rstrip()


ROOM = 298.15  # K
NOT_ROOM = re.compile(
    r"chamber|chambre|wall|paroi|combust|stagnat|total|gas|gaz|flame|flamme|inlet|outlet|entree|sortie|final|initial|hot|"
    r"cold|chaud|froid|boil|adiabat|throat|col\b|exit|ejection|surface|fluid|liquid"
)
BOILING = ("LOX", "LH2", "LCH4", "NH3", "propane", "nitrogen")  # gases but for what is said to be liquid
GASES = {"H2": 2.0, "O2": 4.0, "Cl2": 2.0}  # electrons that a molecule takes or gives in electrolysis
HOST = re.compile(r"(?:Li|Na)(\d?)(?=\w*(?:Fe|Co|Mn|Ni|Ti|V|S\d?$))")  # of lithium or sodium in a battery
VALENTS = {"mono": 1, "uni": 1, "di": 2, "bi": 2, "tri": 3}
VALENT = re.compile(r"\b(mono|uni|di|bi|tri)valente?s?\b")
CHARGE = re.compile(r"(\d?)([+-])$")


@cache
def tables() -> tuple[list[tuple[str, str, Assumption]], dict[str, tuple[float, str]]]:
    """The assumptions of `assumptions.json`, each with patterns of the role it fills and of where it holds ("" for
    everywhere); and the densities of liquids in kg/m³, each with where it holds."""
    read: dict[str, Any] = json.loads((files("galop.science.planning") / "assumptions.json").read_text("utf-8"))
    roles = []
    for entry in read["roles"]:
        role, where = entry.pop("role"), entry.pop("where")
        roles.append((role, where, Assumption(**entry, told=bool(where))))
    return roles, {name: (value, source) for name, (value, source) in read["liquids"].items()}


def find_assumptions(unit: str, words: str, question: TechnicalQuestion) -> list[Assumption]:
    """What may be taken for an input measured in `unit` whose role is told in `words` (`Quantity.what` and its words of
    the role), in a question that does not give it: the likeliest first, nothing where nobody would assume anything."""
    role, text = fold_once(words), fold_once(question.text)
    found = [*of_words(unit, role, text), *of_names(unit, role, question.names)]
    for pattern, where, assumption in tables()[0]:
        fits = same_dimension(assumption.unit, unit) and re.search(pattern, role) and re.search(where, text)
        if fits and not (assumption.value == ROOM and NOT_ROOM.search(role)):
            found.append(assumption)
    return list({a.what: a for a in found}.values())[:8]


fold_once = lru_cache(20_000)(fold_characters)  # of the words of all roles, and of the question


def follows_from_names(inputs: Mapping[str, object]) -> bool:
    """Whether all inputs of a formula are known of the substances that are named."""
    return bool(inputs) and all(isinstance(source, Assumption) and source.of for source in inputs.values())


def of_words(unit: str, role: str, text: str) -> Iterator[Assumption]:
    """The charge of an ion that a folded text calls divalent."""
    if not unit and re.search(r"charge (?:number )?of the ion", role) and (said := VALENT.search(text)):
        yield Assumption("charge number of the ion", float(VALENTS[said[1]]), "", f"{said[0]}, as asked", said[0])


def of_names(unit: str, role: str, names: tuple[Name, ...]) -> Iterator[Assumption]:
    """What is known of the substances that a question names."""
    salts = [(called, salt) for name in names for called in name.called if (salt := ions_of(called))]
    if not unit and re.search(r"charge number of the (?:cation|anion)|(?:cations|anions) in the formula|salt", role):
        yield from of_salts(role, salts)
        return
    for name in names:
        if same_dimension("g/mol", unit) and re.search(r"mola|molec|atomi", role):
            yield from molar_masses(name)
        elif not unit and re.search(r"electron|valence|(?<!dis)charge (?:number|of the|de l|du )", role):
            yield from electrons_of(name, bool(re.search(r"charge", role) and not re.search("electron", role)))
        elif same_dimension("kg/m^3", unit) and re.search(r"densit|masse volumique", role):
            yield from densities(name)
        elif same_dimension("V", unit) and re.search(r"standard", role) and not re.search(r"of the cell", role):
            yield from potentials(name)


def of_salts(role: str, salts: Sequence[tuple[str, Salt]]) -> Iterator[Assumption]:
    """What the formulas of salts say of their ions: charges, counts, and ionic strength over concentration."""
    for called, salt in salts[1:] if "second" in role else salts[:1]:
        ion = "cation" if "cation" in role else "anion"
        charge, count = getattr(salt, f"{ion}_charge"), getattr(salt, f"{ion}s")
        if "salt" in role:
            strength = (salt.cations * salt.cation_charge**2 + salt.anions * salt.anion_charge**2) / 2
            yield Assumption(f"ionic strength of {called} over its concentration", strength, "", "its formula", called)
        elif "charge" in role:
            yield Assumption(f"charge number of the {ion} of {called}", charge, "", "its formula", called)
        else:
            yield Assumption(f"{ion}s in {called}", count, "", "its formula", called)
        return


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
    if not signed and (gas := next((c for c in name.called if c in GASES), None)):
        yield Assumption(f"electrons for a molecule of {gas}", GASES[gas], "", "its half-reaction", gas)
        return
    if not signed and (host := HOST.match(name.called[0])):
        count = float(host[1] or 1)
        yield Assumption(f"electrons of {name.called[0]}", count, "", "one for each lithium", name.called[0])
        return
    table = {name.replace("^", ""): couple for name, couple in couples().items()}
    for called in name.called:
        key = called.replace("^", "")
        if "/" in key and key in table and not (signed and name.kind == "ion"):
            yield Assumption(f"electrons of {called}", float(table[key].electrons), "", BPJ, called)
            return
    for called in name.called:
        if (charge := CHARGE.search(called)) and "/" not in called:
            count = float(charge[1] or 1)
            if signed:
                yield Assumption(
                    f"charge of {called}", count if charge[2] == "+" else -count, "", "its formula", called
                )
            else:
                yield Assumption(f"electrons of {called}", count, "", "the charge of the ion", called)
            return


def densities(name: Name) -> Iterator[Assumption]:
    """The density of a metal near 20 °C, or of a liquid as it is stored."""
    liquid = "liq" in name.text.lower() or name.text.startswith("L")
    for called in name.called:
        if called in tables()[1] and (liquid or called not in BOILING):
            value, where = tables()[1][called]
            yield Assumption(f"density of {called}", value, "kg/m^3", where, called)
            return
        if called in DENSITIES and name.kind in ("metal", "ion", "couple"):
            yield Assumption(f"density of {called}", DENSITIES[called], "g/cm^3", DENSITY_SOURCE, called)
            return


def potentials(name: Name) -> Iterator[Assumption]:
    """The standard potential of a couple, or of a metal's usual one."""
    table = {name.replace("^", ""): couple for name, couple in couples().items()}
    for called in (*name.called, *(f"{c}/{b}" for c in name.called for b in name.called)):
        if found := table.get(called.replace("^", "")):
            yield Assumption(f"standard potential of {found.name}", found.potential, "V", BPJ, found.name)
            return
