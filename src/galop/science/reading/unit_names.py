"""The names of units in texts, symbols and English and French words (`unit_names.json`), and what each is in answers.

The name in answers (`kg`, `°C`, `µA`, `lbf`, a product such as `N*m`) is one that `units.unit_registry` understands.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from galop.science.reading.plain_text import fold_characters
from galop.science.units import unit_registry

BELOW_ALONE = {  # below a stroke: W/mK, mm/a
    "mK": "m*K", "kgK": "kg*K", "molK": "mol*K", "gK": "g*K", "R": "degR", "a": "year", "an": "year", "y": "year",
    "yr": "year",
}  # fmt: skip
UNLIKELY = frozenset("pa ha cd das".split())  # a French word, hectares, candela, an article
WRONG_CASE = {  # what is meant where no unit is written so
    name.lower(): name
    for name in "kPa MPa GPa hPa kW MW GW kWh MWh mAh kJ MJ Hz kHz MHz GHz kN MN mL kV mV mA kA mol mmol kmol kg mg Pa "
    "bar mbar psi psig psia torr atm mmHg Wh Ah eV keV rpm min lbf lb ft km mm cm nm kcal cal kΩ MΩ ms".split()
}  # fmt: skip


@cache
def tables() -> dict[str, Any]:
    """The tables of the file, each turned around: what a symbol, a word or a phrase is in answers."""
    read: dict[str, Any] = json.loads((files("galop.science.reading") / "unit_names.json").read_text("utf-8"))
    for kind, entries in read.items():
        if isinstance(entries, dict) and not kind.endswith("prefixes"):
            read[kind] = {written: name for name, all_written in entries.items() for written in all_written}
    read["no_units"] = frozenset(read["no_units"])
    return read


@cache
def phrase_pattern() -> re.Pattern[str]:
    """Units of several words, the longest first, folded."""
    known = sorted(tables()["phrases"], key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, known))})(?!\w)")


@lru_cache(20_000)
def find_name(run: str, below: bool = False) -> str:
    """What a symbol or word is in answers; "" where it is no unit. Some are one `below` a stroke alone."""
    if below and run in BELOW_ALONE:
        return BELOW_ALONE[run]
    run = run.replace("μ", "µ")
    found = tables()["symbols"].get(run) or find_symbol(run) or find_word(run)
    if not found and len(run) > 1 and run.lower() in WRONG_CASE:
        return find_name(WRONG_CASE[run.lower()])
    return str(found)


def find_symbol(run: str) -> str:
    """A symbol with or without a prefix, or several written in one."""
    prefixes: dict[str, str] = tables()["symbol_prefixes"]
    for kind in ("prefixable_symbols", "fused_symbols"):
        table: dict[str, str] = tables()[kind]
        if run in table and run != "P":  # a poise alone is a letter
            return table[run]
        for size in (1, 2):
            if run[:size] in prefixes and run[size:] in table and run not in UNLIKELY:
                return prefixes[run[:size]] + table[run[size:]]
    return ""


def find_word(run: str) -> str:
    """A word, in the singular or the plural, with or without a prefix; or another that pint knows."""
    word = fold_characters(run)
    prefixed: dict[str, str] = tables()["prefixable_words"]
    plain: dict[str, str] = tables()["words"]
    for singular in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("x")):
        if singular in prefixed and len(singular) > 2:
            return prefixed[singular]
        if singular in plain and (len(singular) > 2 or singular != word):
            return plain[singular]
        for prefix, symbol in tables()["word_prefixes"].items():
            rest = singular.removeprefix(prefix)
            if rest != singular and rest in prefixed:
                return f"{symbol}{prefixed[rest]}"
    if 4 < len(word) <= 30 and word.isascii() and run.islower():
        return find_in_pint(word)
    return ""


def find_in_pint(word: str) -> str:
    """A word as pint spells it, if it is a unit there, and no constant or everyday word."""
    for singular in (word.removesuffix("s"), word):
        if word in tables()["no_units"] or singular in tables()["no_units"]:
            return ""
        if singular in {unit for prefix, unit, _ in unit_registry().parse_unit_name(singular) if not prefix}:
            return singular
    return ""
