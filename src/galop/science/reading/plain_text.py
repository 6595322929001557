"""A text with its spaces, signs and marks of LaTeX made plain, character for character, so that places stay."""

from __future__ import annotations

import re
from unicodedata import category, normalize

SAME = str.maketrans(
    {
        **dict.fromkeys([*map(chr, range(0x2000, 0x200C)), "\u00a0", "\u202f", "\u205f", "\u2060", "\u3000"], " "),
        **dict.fromkeys("\u2212\u2010\u2011\ufe63\uff0d", "-"), **dict.fromkeys("\u2013\u2014\u2015", "–"),
        "∆": "Δ", "μ": "µ", "Ω": "Ω", "K": "K", "Å": "Å", "∶": ":", "⁄": "/", "∕": "/", "÷": "/", "⋅": "·", "∙": "·", 
        "‧": "·", "•": "·", "✕": "×", "✖": "×", "⨯": "×", "´": "'", "‘": "'", "’": "'", "ʼ": "'", "，": ",", "；": ";",
        "（": "(", "）": ")", "\ufeff": " ", "\t": " ",
    }
)  # fmt: skip
LATEX = re.compile(
    r"\\(?:(times|cdot)|(circ|degree)|(mu|Omega|pm)|(?:mathrm|text|mathit|rm|unit|si|SI|num)\b\{?|approx|[,;!: ]|%|~|"
    r"left|right|quad)"
)
SIGNS = {"times": "×", "cdot": "·", "circ": "°", "degree": "°", "mu": "µ", "Omega": "Ω", "pm": "±"}


def make_plain(text: str) -> str:
    """The text, of the same length, with plain spaces, minus signs, apostrophes and full-width characters, and without
    the marks of LaTeX around numbers and units."""
    text = text.translate(SAME)
    if not text.isascii():
        text = "".join(single(c) if ord(c) > 0xFF00 else c for c in text)
    if "\\" in text or "$" in text:
        text = re.sub(r"\^\{?\\circ\}?", lambda m: "°".ljust(len(m[0])), text)
        text = LATEX.sub(replace_latex, text)
        text = re.sub(r"\$([^$\n]{1,300})\$", r" \1 ", text)
        text = re.sub(r"(?<=\d)~", " ", text)
        text = re.sub(r"(?<=[\w)°])\}|(?<!\^)\{(?=\d)", " ", text)
    return text


def replace_latex(match: re.Match[str]) -> str:
    """One mark, as long as it was: a sign, against what it belongs to, or spaces."""
    name = match[1] or match[2] or match[3]
    if not name:
        return "%".rjust(len(match[0])) if match[0].endswith("%") else " " * len(match[0])
    return SIGNS[name].rjust(len(match[0])) if match[3] else SIGNS[name].ljust(len(match[0]))


def single(character: str) -> str:
    """A full-width character as the plain one."""
    plain = normalize("NFKC", character)
    return plain if len(plain) == 1 else character


def fold_characters(text: str) -> str:
    """In small letters without accents, character by character."""
    if text.isascii():
        return text.lower()
    return "".join(fold_character(c) for c in text)


def fold_character(character: str) -> str:
    """A small letter without its accent; what combines with the letter before, as it is."""
    plain = normalize("NFD", character.lower())[:1]
    return plain if plain and not category(plain).startswith("M") else character
