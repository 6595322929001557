"""Substances, metals, ions and couples that a text names, as formulas and tables call them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from galop.science import formulas
from galop.science.couples import couples
from galop.science.elements import ATOMIC_WEIGHTS
from galop.science.names import OTHER_NAMES
from galop.science.reading.plain_text import fold_characters, make_plain
from galop.science.reading.words import language_of

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-0123456789+-")
ELEMENT = rf"(?:{'|'.join(sorted(ATOMIC_WEIGHTS, key=len, reverse=True))})"
ATOMS = rf"(?:{ELEMENT}\d{{0,2}}|\((?:{ELEMENT}\d{{0,2}}){{1,4}}\)\d{{0,2}})"
ION = re.compile(rf"(?<![\w/])({ATOMS}{{1,8}})(?:\^?\(?\{{?(\d?)([+-])\}}?\)?|\(([IV]{{1,4}})\))(?!\w)")
FORMULA = re.compile(rf"(?<![\w+^.])({ATOMS}{{2,10}}|{ELEMENT}\d{{1,2}})(?![\w+^]|[⁺⁻]|-\w)")
SPECIES = r"[A-Z][\w()^]{0,12}[+-]?"
COUPLE = re.compile(rf"(?<![\w/])({SPECIES}) ?/ ?({SPECIES})(?![\w/])")
SMALL = frozenset("CO NO HF HI KI KF KOH HCN SO NaOH".split())  # formulas of capitals alone; IN and HOW are words
LIQUID = ("LH2", "LOX", "LCH4")
NO_SYMBOLS = frozenset("In I V K W U Bi Si Au He".split())  # letters that are words or units as often
ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}


@dataclass(frozen=True)
class Name:
    """A substance, ion or couple that a text names, at a place of it.

    `called` is what formulas and tables may call it: its choice in a formula (LOX, oxygen), a chemical formula (O2), a
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


def formula_choices() -> set[str]:
    """All that the inputs of formulas can be called."""
    kinds = [kind for formula in formulas().values() for kind, _ in formula.parameters.values()]
    return {choice for kind in kinds if isinstance(kind, tuple) for choice in kind if len(choice) > 1}


Meaning = tuple[tuple[str, ...], str]


@cache
def name_pattern() -> tuple[re.Pattern[str], dict[str, Meaning]]:
    """A pattern of the names in words, of formulas' choices and `substances.json`, the longest first, and what each is
    called."""
    read: dict[str, Any] = json.loads((files("galop.science.reading") / "substances.json").read_text("utf-8"))
    called_by: dict[str, list[str]] = {}
    for choice in sorted(formula_choices()):
        for name in (choice, *OTHER_NAMES.get(choice, ())):
            plain = fold_characters(name) if name[1:].islower() else name
            at = 0 if name == choice else len(called_by.get(plain, []))  # its own name first
            called_by.setdefault(plain, []).insert(at, choice)
    for entry in read["substances"]:
        for name in entry["names"]:
            called_by.setdefault(name, []).extend(entry["called"])
    known: dict[str, Meaning] = {}
    for name, called in called_by.items():
        if "liq" not in name and name[0] != "L":
            called = sorted(called, key=lambda choice: choice in LIQUID)  # oxygen is a gas before it is liquid
        made_of = [read["formulas"][choice] for choice in called if choice in read["formulas"]]
        known[name] = tuple(dict.fromkeys([*called, *made_of])), "substance"
    for entry in read["metals"]:
        symbol, ion = entry["symbol"], entry["ion"]
        forms = (symbol, *([ion, f"{ion}/{symbol}"] if ion else []))
        names = entry["names"] if symbol in NO_SYMBOLS else [*entry["names"], symbol]
        known |= {name: ((*forms, *known.get(name, ((), ""))[0]), "metal") for name in names}
    listed = "|".join(
        re.escape(name) + ("s?" if name.islower() else "") for name in sorted(known, key=len, reverse=True)
    )
    return re.compile(rf"(?<![\w+-])(?:{listed})(?![\w+]|-\d|-ion| ?[=≈] ?[-\d]| \d+(?![\d.,]* ?[a-zA-Z°µ%]))"), known


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
        tail = match[2].removesuffix(")") if match[2].count(")") > match[2].count("(") else match[2]
        end = match.start(2) + len(tail)
        key = f"{match[1]}/{tail}".replace("^", "").replace("(s)", "").replace("(aq)", "")
        if key in table or ("+" in key and re.search(r"[A-Z]", tail)):
            add(match.start(), end, (table.get(key, key),), "couple")
    for match in ION.finditer(plain):
        charge = ROMAN[match[4]] if match[4] in ROMAN else int(match[2] or 1)
        sign = match[3] or "+"
        symbol = match[1]
        if not match[4] and not match[2] and re.fullmatch(rf"{ELEMENT}\d", symbol) and match[0][len(symbol)] in "+-":
            symbol, charge = symbol[:-1], int(symbol[-1])  # Cu2+ is no dimer of copper
        name = f"{symbol}{charge if charge > 1 else ''}{sign}"
        metal = table.get(f"{name}/{symbol}")
        add(match.start(), match.end(), (name, symbol, *([metal] if metal else [])), "ion")
    for match in pattern.finditer(plain):
        if match[0] in known and "/" in match[0]:  # a reference electrode, not what it is made of
            add(match.start(), match.end(), *known[match[0]])
    for match in FORMULA.finditer(plain):
        if match[1] not in known and (re.search(r"\d|[a-z]", match[1]) or match[1] in SMALL):
            add(match.start(), match.end(), (match[1],), "formula")
    french = language_of(text) == "fr"
    for match in pattern.finditer(folded):
        word = lower.get(match[0]) or lower.get(match[0].removesuffix("s"))
        if word == "or" and not (
            french and folded[max(0, match.start() - 3) : match.start()].endswith(("d'", "l'", "en "))
        ):
            continue
        if word:
            called, kind = known[word]
            end = match.end()
            if kind == "metal" and (ion := re.match(r" ?\(([IV]{1,4})\)", plain[end : end + 8])):
                charged = f"{called[0]}{ROMAN[ion[1]] if ion[1] != 'I' else ''}+"
                called, end = (charged, called[0], f"{charged}/{called[0]}"), end + len(ion[0])
            add(match.start(), end, called, kind)
    for match in pattern.finditer(plain):
        if match[0] in known and not match[0].islower() and match[0] not in NO_SYMBOLS:
            add(match.start(), match.end(), *known[match[0]])
    return sorted(found, key=lambda name: name.start)
