"""The quantities that a question gives: its numbers with their units, which may be filled into formulas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from unicodedata import normalize

from galop.science.card import NUMBER, UNITS, Formula, Of, ScienceError, Word, in_unit, number, unit_text

WORDS = {"seconds?": "s", "secondes?": "s", "minutes?": "min", "hours?": "h", "heures?": "h", "days?": "day",
         "jours?": "day", "years?": "year", "ans?": "year", "tonnes?": "t", "volts?": "V", "kelvins?": "K"}  # fmt: skip
MOST = 30  # quantities of a question
FRENCH = r"\b(?:une|est|quel(?:le)?|du|des)\b"
ALSO = {  # what a fuel, an oxidiser or a fluid may also be called
    "LH2": ["liquid hydrogen", "hydrogene liquide"], "LOX": ["liquid oxygen", "oxygene liquide"],
    "LCH4": ["liquid methane", "methane liquide"], "RP-1": ["kerosene"], "N2O4": ["nitrogen tetroxide", "NTO"],
    "oxygen": ["oxygene"], "hydrogen": ["hydrogene"], "parahydrogen": ["parahydrogene"], "nitrogen": ["azote"],
    "water": ["eau"], "ammonia": ["ammoniac"], "carbon dioxide": ["dioxyde de carbone", "CO2"],
    "nitrous oxide": ["protoxyde d'azote"],
}  # fmt: skip


@dataclass(frozen=True)
class Given:
    """A number with its unit, "" for none, written as formulas take it."""

    value: float
    unit: str

    @property
    def text(self) -> str:
        return f"{self.value:.12g} {self.unit}".rstrip()

    def fits(self, of: Of) -> bool:
        """Whether it measures that, and lies within its range."""
        return fitting(self, of)


@lru_cache(10_000)
def fitting(given: Given, of: Of) -> bool:
    if bool(of.unit) != bool(given.unit):
        return False
    try:
        return of.low <= in_unit(given.text, of.unit, "") <= of.high
    except ScienceError:
        return False


@cache
def units() -> tuple[str, dict[str, str]]:
    """A pattern of what may follow a number, and each unit that is found so in one way of writing."""
    known = {unit: re.sub("[²³]", lambda m: f"^{'23'['²³'.index(m[0])]}", unit) for unit in UNITS}
    either = [re.escape(unit) for unit in sorted(known, key=len, reverse=True)]
    return rf"(?:{'|'.join([*either, *WORDS])}|%)(?![\w/²³^*])", known


def quantities(text: str) -> list[Given]:
    """Those of a text, in its order. Numbers inside of names, such as LiCoO2, Cu2+ or RP-1, are none."""
    text = re.sub(r"\s(?:per|par)\smole?\b", "/mol", text.replace("μ", "µ"))
    comma = bool(re.search(rf"\d,(?:\d{{1,2}}|\d{{4,}})(?!\d)|{FRENCH}", text)) and not re.search(r"\d\.\d", text)
    pattern, known = units()
    found = []
    for match in re.finditer(rf"(?<![\w^.])(?<![A-Za-z]-){NUMBER}", text):
        try:
            digits = match[0].rstrip(",.")
            value = number(digits.replace(",", ".") if comma else digits)
        except ValueError:
            continue
        unit = re.match(rf"\s?({pattern})", text[match.start() + len(digits) :])
        if unit is None:
            found.append(Given(value, ""))
        elif unit[1] == "%":
            found.append(Given(value / 100, ""))
        else:
            word = next((ours for theirs, ours in WORDS.items() if re.fullmatch(theirs, unit[1])), unit[1])
            found.append(Given(value, known.get(word, word)))
    return found[:MOST]


def mentioned(choices: Iterable[str], text: str) -> list[str]:
    """The choices that a text names, in English or French."""
    text = plain(text)
    names = {choice: [choice, *ALSO.get(choice, [])] for choice in choices}
    return [
        c for c, called in names.items() if any(re.search(rf"(?<!\w){re.escape(plain(n))}(?!\w)", text) for n in called)
    ]


def plain(text: str) -> str:
    """In small letters, without accents."""
    return "".join(c for c in normalize("NFD", text.lower()) if not "\u0300" <= c <= "\u036f")


@lru_cache(10_000)
def alike(unit: str, other: str) -> bool:
    """Whether two units measure the same."""
    if not unit or not other:
        return unit == other
    try:
        in_unit(f"1 {unit_text(unit)}", unit_text(other), "")
    except ScienceError:
        return False
    return True


def placed(slots: Sequence[Of], given: Sequence[Given]) -> int:
    """The most of `given` that can be put into `slots` at once, one in each (Kuhn's algorithm)."""
    taken: dict[int, int] = {}

    def put(one: int, tried: set[int]) -> bool:
        for i, slot in enumerate(slots):
            if i not in tried and given[one].fits(slot):
                tried.add(i)
                if i not in taken or put(taken[i], tried):
                    taken[i] = one
                    return True
        return False

    return sum(put(one, set()) for one in range(len(given)))


def slots(formula: Formula, optional: bool = True) -> dict[str, Of]:
    """The inputs that take quantities."""
    return {
        name: kind
        for name, (kind, default) in formula.parameters.items()
        if isinstance(kind, Of) and (optional or not has_default(default))
    }


def has_default(default: object) -> bool:
    from inspect import Parameter

    return default is not Parameter.empty


def words(formula: Formula) -> dict[str, tuple[str, ...] | Word]:
    """The inputs that take a name: one of some choices, or a text of a form."""
    return {n: kind for n, (kind, _) in formula.parameters.items() if isinstance(kind, (tuple, Word))}
