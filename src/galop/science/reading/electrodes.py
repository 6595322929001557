"""Which of two metals' ions in a text is the cathode's: the concentrations of a cell that names no electrode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from galop.science.couples import couples
from galop.science.reading.quantities import Given
from galop.science.reading.substances import Name
from galop.science.reading.words import stem
from galop.science.units import same_dimension

CATHODE, ANODE = stem("cathode"), stem("anode")
BEHIND = re.compile(r"\s*(?:(?:of|de|d'|in|en) ?)?\[?")
BEFORE = re.compile(r"[^,;.\d]{0,24}")


def name_electrodes(text: str, given: tuple[Given, ...], names: Sequence[Name]) -> tuple[Given, ...]:
    """The quantities of a text, where that names two metals' ions with a concentration each: that of the nobler one as
    the cathode's, the other as the anode's."""
    ions = [(name, found) for name in names if (found := metal_of(name))]
    potentials = dict(found for _, found in ions)
    moles = [i for i, each in enumerate(given) if each.unit and same_dimension(each.unit, "mol/L")]
    if len(potentials) != 2 or len(moles) != 2:
        return given
    nobler = max(potentials, key=lambda metal: potentials[metal])
    owners = [owner_of(text, given[i], ions) for i in moles]
    if {owner for owner in owners if owner} != set(potentials) and (len(ions) != 2 or None in owners):
        owners = list(dict.fromkeys(metal for _, (metal, _) in ions))  # both names stand before both
    made = list(given)
    for i, owner in zip(moles, owners, strict=True):
        side = CATHODE if owner == nobler else ANODE
        made[i] = replace(given[i], before=tuple(dict.fromkeys((side, *given[i].before))))
    return tuple(made)


def owner_of(text: str, given: Given, ions: Sequence[tuple[Name, tuple[str, float]]]) -> str | None:
    """The metal whose ion is named right behind a quantity, or before it in its clause."""
    for name, (metal, _) in ions:
        if BEHIND.fullmatch(text, given.end, name.start):
            return metal
    for name, (metal, _) in reversed(ions):
        if BEFORE.fullmatch(text, name.end, given.start):
            return metal
    return None


def metal_of(name: Name) -> tuple[str, float] | None:
    """The metal of an ion, a metal or a couple, with the standard potential of its couple."""
    table = {key.replace("^", ""): couple for key, couple in couples().items()}
    for called in name.called:
        key = called.replace("^", "")
        couple = table.get(key) if "/" in key else next((table[k] for k in table if k.startswith(f"{key}/")), None)
        if couple is not None and (key.endswith("+") or "/" in key):
            oxidised, reduced = couple.name.replace("^", "").split("/")
            if oxidised.startswith(reduced) and "H" not in reduced:
                return reduced, couple.potential
    return None
