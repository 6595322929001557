"""What the names of quantities measure (`quantity_words.json`), in English and French, each in its SI unit."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from galop.science.reading.plain_text import fold_characters
from galop.science.units import same_dimension

HOW: list[tuple[str, str]] = [  # interrogatives that imply what is asked, folded, and its SI unit
    (
        r"how (?:long|much longer|soon) (?:does|do|will|can|would|could|must|should|to|did|until|before|after|it|may)",
        "s",
    ),
    (
        r"how long (?:is|are|was|were) (?:the|a|an|its|this) (?:\w+ )?(?:burn|test|process|charge|discharge|run|flight|"
        r"transfer|orbit|man\w+|electrolysis|deposition|period|time|coast|boost|cycle)",
        "s",
    ),
    (r"how long(?= ?[?,]|$)", "s"),
    (r"how long|how (?:far|tall|high|deep|thick|wide|broad)", "m"),
    (r"how (?:heavy|massive)|how much (?:does|do|will|would|did) [^?]{0,60}?weigh", "kg"),
    (r"how (?:fast|quickly|rapidly)", "m/s"),
    (r"how (?:hot|cold|warm)", "K"),
    (r"how much time|at what time|when (?:is|will|does|are|do)", "s"),
    (r"how (?:strong|big|large) a (?:force|thrust)", "N"),
    (r"how (?:strong|large|big|high) a current", "A"),
    (r"how efficient|how many times", ""),
    (r"how dense", "kg/m^3"),
    (r"how often", "Hz"),
    (r"how powerful", "W"),
    (r"how viscous", "Pa*s"),
    (r"combien de temps|combien dure|(?<![\w-] )quand (?:est|sera|la|le|l')", "s"),
    (r"combien (?:\w+ ){0,3}(?:pese|pesent)(?!\w)", "kg"),
    (r"combien mesure|a quelle (?:distance|hauteur|profondeur|altitude)", "m"),
    (r"combien de fois", ""),
    (r"a quelle (?:vitesse|allure)", "m/s"),
    (r"de combien (?:\S+ ){0,4}(?:chauffe|refroidit|s'eleve)", "K"),
]
PER = {
    "kilogram": "kg", "kilogramme": "kg", "kg": "kg", "gram": "kg", "gramme": "kg",
    "mole": "mol", "second": "s", "seconde": "s", "hour": "s",
    "heure": "s", "day": "s", "jour": "s", "year": "s", "an": "s", "area": "m^2", "surface": "m^2",
    "square metre": "m^2", "square meter": "m^2", "metre carre": "m^2", "metre": "m", "meter": "m", "length": "m",
    "longueur": "m", "volume": "m^3", "mass": "kg", "masse": "kg", "litre": "m^3", "liter": "m^3",
    "cubic metre": "m^3", "metre cube": "m^3",
}  # fmt: skip
CALLED = {  # what an interrogative that only implies it, or a unit, asks for
    "s": "time duration temps duree", "kg": "mass masse", "m/s": "velocity speed vitesse", "K": "temperature",
    "m": "length distance longueur", "N": "force thrust poussee", "A": "current courant", "V": "voltage tension",
    "W": "power puissance", "J": "energy energie", "Pa": "pressure pression", "m^3": "volume", "C": "charge",
    "mol": "amount quantite", "Hz": "frequency frequence", "kg/m^3": "density masse volumique", "m^2": "area surface",
}  # fmt: skip
STUFFS = (
    "propellants?|fuel|oxidi[sz]er|copper|zinc|silver|nickel|gold|iron|lead|tin|aluminium|aluminum|chromium|metal|"
    "mass|water|"
    "ergols?|carburant|comburant|cuivre|argent|fer|or|plomb|etain|eau|masse|lox|rp-1|lh2|hydrogen|oxygen|hydrogene|"
    "oxygene|"
    "kerosene|steel|acier|lithium|material|matiere|payload|charge utile|salt|sel|powder|poudre"
)
STUFF = re.compile(  # how much of it is a mass
    rf"(?:how much (?:more )?(?:[a-z]+ (?!is|are|does|do|can|will))?|combien (?:de |d'))(?:{STUFFS})(?!\w)(?! "
    rf"(?:pressure|power|flow|vapour|temperature|volume))"
)


@cache
def names_of_measures() -> dict[str, list[str]]:
    """The names of what each unit measures."""
    read: dict[str, list[str]] = json.loads((files("galop.science.reading") / "quantity_words.json").read_text("utf-8"))
    return read


def known_units() -> list[str]:
    """A unit of each dimension that has names."""
    return [unit for unit in names_of_measures() if unit]


@cache
def word_pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all names of quantities, the longest first, and what each measures."""
    known = {fold_characters(name): unit for unit, names in names_of_measures().items() for name in names}
    listed = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({listed})(?:s|x)?(?![\w*]|-off)"), known


def find_measures(folded: str) -> list[tuple[int, int, str]]:
    """The quantities that a folded text names: where each stands, and its SI unit; "" for a pure number."""
    pattern, known = word_pattern()
    return [(m.start(), m.end(), known[m[1]]) for m in pattern.finditer(folded)]


def find_implied(folded: str) -> str | None:
    """The SI unit of what an interrogative implies, such as how long; None where it implies nothing."""
    if STUFF.search(folded[:60]):
        return "kg"
    begins = r"(?:\S+ ){0,3}?"  # au bout de combien de temps
    return next((unit for pattern, unit in HOW if re.match(rf"{begins}(?:{pattern})(?!\w)", folded)), None)


def words_for(unit: str) -> str:
    """What is asked for where only a unit of it is named: time, where how many minutes is asked."""
    return next((words for measured, words in CALLED.items() if same_dimension(measured, unit)), "")
