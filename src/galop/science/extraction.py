"""The quantities that a question gives: its numbers with their units, which may be filled into formulas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

from galop.science.names import OTHER_NAMES
from galop.science.units import NUMBER, UNITS, parse_number

WORDS = {
    "seconde?s?": "s", "minutes?": "min", "hours?|heures?": "h", "days?|jours?": "day", "years?|ans?": "year",
    "tonnes?": "t", "volts?": "V", "kelvins?": "K", "amp(?:ere|ère)?s?": "A", "bars": "bar", "moles?": "mol",
    "lit(?:re|er)s?": "L", "watts?": "W", "m(?:et|èt)(?:re|er)s?": "m", "F": "farad",
}  # fmt: skip
SPACE = "[ \u00a0\u202f]"
FRENCH = r"\b(?:une|est|quel(?:le)?|du|des?|la|le)\b"
MOST = 30  # quantities of a question


@dataclass(frozen=True)
class KnownValue:
    """A number with its unit, "" for none, written as formulas take it."""

    value: float
    unit: str

    @property
    def text(self) -> str:
        """As formulas take it."""
        return f"{self.value:.12g} {self.unit}".rstrip()

    @property
    def choice(self) -> str | float:
        """As a model writes it in a call."""
        if self.unit:
            return self.text
        return int(self.value) if self.value.is_integer() and abs(self.value) < 1e15 else self.value


@cache
def unit_pattern() -> tuple[str, dict[str, str]]:
    """A pattern of what may follow a number, and each unit that is found so in one way of writing."""
    known: dict[str, str] = {}
    for unit in UNITS:
        ours = re.sub("[²³]", lambda m: f"^{'23'['²³'.index(m[0])]}", unit)
        known |= {unit: ours, ours: ours, ours.replace("^", ""): ours}
    either = [re.escape(unit) for unit in sorted(known, key=len, reverse=True)]
    part_of_more = r"(?![\w/²³^*⁻])"
    return rf"{SPACE}?{SPACE}?-?({'|'.join([*either, *WORDS])}|%){part_of_more}", known


def extract_values(text: str) -> list[KnownValue]:
    """Those of a text, in its order. Numbers inside of names, such as LiCoO2, RP-1 or 1st, and those whose unit is not
    understood, are none."""
    text = normalise_text(text)
    comma = len(re.findall(FRENCH, text)) > 1 or (
        bool(re.search(r"\d,(?:\d{1,2}|\d{4,})(?!\d)", text)) and not re.search(r"\d\.\d", text)
    )
    pattern, known = unit_pattern()
    found = []
    for match in re.finditer(rf"(?<![\w^.])(?<![A-Za-z]-){NUMBER}", text):
        digits = match[0].rstrip(",.")
        after = text[match.start() + len(digits) :]
        try:
            value = parse_number(digits.replace(",", ".") if comma and "." not in digits else digits)
        except ValueError:
            continue
        unit = re.match(pattern, after) or re.match(rf"{SPACE}(?:to|à){SPACE}{NUMBER}{pattern}", after)
        if unit is None:
            if not re.match(rf"[A-Za-zµΩ°]|{SPACE}?[A-Za-zµΩ°]+[/^⁻*]", after):
                found.append(KnownValue(value, ""))
        elif unit[unit.lastindex or 1] == "%":
            found.append(KnownValue(value / 100, ""))
        else:
            name = unit[unit.lastindex or 1]
            name = next((ours for theirs, ours in WORDS.items() if re.fullmatch(theirs, name)), name)
            if name in ("°F", "degF"):
                value, name = (value - 32) / 1.8 + 273.15, "K"
            found.append(KnownValue(value, known.get(name, name)))
    return found[:MOST]


def normalise_text(text: str) -> str:
    """With units, thousands, powers of ten and ranges as they are looked for."""
    for theirs, ours in {"μ": "µ", "℃": "°C", "·": "*", "⋅": "*"}.items():
        text = text.replace(theirs, ours)
    for theirs, ours in (*WORDS.items(), ("mol|kg|s|h", "")):
        text = re.sub(rf"\s(?:per|par)\s({theirs})\b", lambda m, ours=ours: f"/{ours or m[1]}", text)  # type: ignore[misc]
    for _ in range(3):  # W m⁻² K⁻¹
        text = re.sub(r"(?:(?<=[A-Za-zµ])|(?<=\^[23]))[ *]([A-Za-z]+)(?:⁻|\^-)([123¹²³])", as_quotient, text)
    text = re.sub(r"(?<![\dx×*.])(?<![x×*]\s)10(?=\^|[⁻⁰-⁹¹²³])", "1×10", text)
    text = re.sub(rf"(?<![\d.,])\d{{1,3}}(?:{SPACE}\d{{3}})+(?!\d)", lambda m: re.sub(SPACE, "", m[0]), text)
    return re.sub(r"(?<=\d)(?<![x×*]10)(?<![x×*]\s10)\s?[-–]\s?(?=\d)", " to ", text)


def as_quotient(match: re.Match[str]) -> str:
    """A unit with a negative power, written with a stroke."""
    power = "123"["¹²³".find(match[2])] if match[2] in "¹²³" else match[2]
    return f"/{match[1]}{'' if power == '1' else f'^{power}'}"


def find_choices(choices: Iterable[str], text: str) -> list[str]:
    """The choices that a text names, in English or French."""
    text = plain(text)
    names = {choice: [choice, *OTHER_NAMES.get(choice, [])] for choice in choices}
    return [
        c for c, called in names.items() if any(re.search(rf"(?<!\w){re.escape(plain(n))}(?!\w)", text) for n in called)
    ]


def plain(text: str) -> str:
    """In small letters, without accents."""
    return "".join(c for c in normalize("NFD", text.lower()) if not "\u0300" <= c <= "\u036f")
