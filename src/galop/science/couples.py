"""Redox couples: standard potentials by a couple's name, as people write it."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated
from unicodedata import normalize

from galop.science.formula import TextInput
from galop.science.names import fold
from galop.science.units import ScienceError

Couple = Annotated[
    str,
    TextInput(
        "a couple such as Cu2+/Cu", r"^[^/ ]+/[^/ ]+$", r"\w[+⁺]", words="couple redox electrode half-cell demi-pile"
    ),
]
BPJ = "Bard, Parsons & Jordan, Standard Potentials in Aqueous Solution, 1985"
SIGNS = str.maketrans({"−": "-", "–": "-", "⁻": "-", "⁺": "+", "₊": "+", "₋": "-"})
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7"}


@dataclass(frozen=True)
class RedoxCouple:
    """A couple at 298.15 K: its name with the oxidised form first, its potential against the standard hydrogen
    electrode [V], its electrons, and what its element or ion is called."""

    name: str
    potential: float
    electrons: int
    words: tuple[str, ...] = ()


@cache
def couples() -> dict[str, RedoxCouple]:
    """The table, by name (Bard, Parsons & Jordan, 1985)."""
    table = json.loads((files("galop.science") / "potentials.json").read_text("utf-8"))
    return {
        name: RedoxCouple(name, row["E"], row["n"], tuple(row.get("names", "").split())) for name, row in table.items()
    }


def fold_species(text: str) -> str:
    """An ion or molecule in one way of writing: `Cu²⁺`, `Cu^{2+}`, `Cu(II)`, `Cu++` and `Cu2+(aq)` are `cu2+`."""
    text = normalize("NFKC", text.translate(SIGNS)).translate(SIGNS)
    text = re.sub(r"\((?:aq|s|l|g|cr)\)|[\s^{}$]", "", text).casefold()
    text = re.sub(r"\(([iv]+)\)$", lambda m: f"{ROMAN.get(m[1], m[1])}+", text)
    text = re.sub(r"([+-])\1+$", lambda m: f"{len(m[0])}{m[1]}", text)
    text = re.sub(r"(?<=[a-z)])\+(\d)$", r"\1+", text)  # Cu+2
    return re.sub(r"(?<=[a-z])1([+-])$", r"\1", text)


def fold_couple(text: str) -> str:
    """A couple in one way of writing, the forms in the order given."""
    return "/".join(fold_species(part) for part in re.split(r"\s*(?:/|\||→|->|=>)+\s*", text.strip()))


@cache
def couples_by_name() -> dict[str, RedoxCouple]:
    """Every way in which a couple may be called, folded: its name in both orders, its element, its words."""
    found: dict[str, RedoxCouple] = {}
    for couple in couples().values():
        oxidised, reduced = fold_couple(couple.name).split("/")
        found |= {f"{oxidised}/{reduced}": couple, f"{reduced}/{oxidised}": couple}
    for couple in couples().values():
        for word in couple.words:
            found.setdefault(fold(word), couple)
    alone: dict[str, list[RedoxCouple]] = {}
    for couple in couples().values():
        for part in fold_couple(couple.name).split("/"):
            alone.setdefault(part, []).append(couple)
    for part, those in alone.items():
        usual = [couple for couple in those if couple.words]
        if len(those) == 1 or len(usual) == 1:
            found.setdefault(part, (usual or those)[0])
    return found


def find_couple(name: str) -> RedoxCouple:
    """By its name in either order, by its ion or metal alone where that means one couple, or by a word such as copper.

    Raises ScienceError for what is none of the table's, or several of them.
    """
    known = couples_by_name()
    couple = known.get(fold_couple(name)) or known.get(fold(name))
    if couple:
        return couple
    wanted = fold_couple(name)
    parts = [c.name for c in couples().values() if wanted in fold_couple(c.name).split("/")]
    if parts:
        raise ScienceError(f"{name[:40]!r} names no single couple of the table: {', '.join(parts)}; name one of them")
    near = difflib.get_close_matches(wanted, [key for key in known if "/" in key], n=3, cutoff=0.5)
    hint = f"near it are {', '.join(dict.fromkeys(known[key].name for key in near))}" if near else "such as Cu2+/Cu"
    raise ScienceError(f"{name[:40]!r} names no single couple of the table of standard potentials; {hint}")
