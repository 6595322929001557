"""Numbers in English and French words: twelve, one and a half, two point five, quatre-vingt-dix-sept, trois quarts."""

from __future__ import annotations

import re

from galop.science.reading.words import fold

ONES = (
    "zero|one un une a an|two deux|three trois|four quatre|five cinq|six|seven sept|eight huit|nine neuf|ten dix|"
    "eleven onze|twelve douze|thirteen treize|fourteen quatorze|fifteen quinze|sixteen seize|seventeen|eighteen|"
    "nineteen"
)
TENS = (
    "||twenty vingt vingts|thirty trente|forty fourty quarante|fifty cinquante|sixty soixante|seventy septante|"
    "eighty huitante octante|ninety nonante"
)
NUMBERS = {word: value for value, words in enumerate(ONES.split("|")) for word in words.split()} | {
    word: 10 * value for value, words in enumerate(TENS.split("|")) for word in words.split()
}
HUNDREDS = ("hundred", "cent", "cents")
SCALES = {
    "hundred": 1e2, "thousand": 1e3, "mille": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "billions": 1e9,
    "milliard": 1e9, "milliards": 1e9, "trillion": 1e12,
}  # fmt: skip
GROUPS = {
    "dozen": 12, "dozens": 12, "douzaine": 12, "dizaine": 10, "quinzaine": 15, "vingtaine": 20, "trentaine": 30,
    "quarantaine": 40, "cinquantaine": 50, "soixantaine": 60, "centaine": 100, "millier": 1000, "milliers": 1000,
}  # fmt: skip
PARTS = {
    "half": 1 / 2, "halves": 1 / 2, "demi": 1 / 2, "demie": 1 / 2, "demis": 1 / 2, "quarter": 1 / 4, "quarters": 1 / 4,
    "quart": 1 / 4, "quarts": 1 / 4, "third": 1 / 3, "thirds": 1 / 3, "tiers": 1 / 3, "fifths": 1 / 5,
    "cinquiemes": 1 / 5, "tenth": 1 / 10, "tenths": 1 / 10, "dixieme": 1 / 10, "dixiemes": 1 / 10,
    "hundredth": 1 / 100, "hundredths": 1 / 100, "centieme": 1 / 100, "centiemes": 1 / 100,
}  # fmt: skip
BEGINNINGS = frozenset([*NUMBERS, "half", "demi", "demie", "moitie", "cent", "mille"])
ARTICLES = ("a", "an", "one", "un", "une")
LINKS = ("of", "a", "an", "de", "d", "un", "une")
FIRST = re.compile(r"[^\W\d_]{1,12}(?!\w)")
NEXT = re.compile(r"[ \-'’]{1,2}([^\W\d_]{1,14})(?!\w)")
MOST = 24  # words of a number


def read_number_words(text: str, at: int) -> tuple[float, int, str] | None:
    """The number in words that begins at `at`: its value, its end, and "words", "fraction", or "article" for a single
    a, an, one, un or une."""
    first = FIRST.match(text, at)
    if first is None or fold(first[0]) not in BEGINNINGS:
        return None
    words, ends = [fold(first[0])], [first.end()]
    while len(words) < MOST and (then := NEXT.match(text, ends[-1])):
        words.append(fold(then[1]))
        ends.append(then.end())
    words += ["", "", "", ""]
    found = read_number(words)
    if found is None:
        return None
    value, count, form = found
    return value, ends[count - 1], form


def read_number(words: list[str]) -> tuple[float, int, str] | None:
    """Of folded words with some empty ones at the end: a value, the count of its words and its form."""
    if words[0] in ("half", "demi", "demie", "moitie"):
        return 0.5, skip_links(words, 1), "fraction"
    value, at = read_cardinal(words)
    if at == 0:
        return None
    word, then = words[at], words[at + 1]
    if word in ("point", "virgule", "comma"):
        digits, end = read_decimals(words, at + 1)
        return (float(f"{value:.0f}.{digits}"), end, "words") if digits else (value, at, "words")
    if word in ("and", "et"):
        part = at + 1 + (then in ARTICLES)
        if words[part] in PARTS:
            return value + PARTS[words[part]], part + 1, "words"
        if then in ("three", "trois") and words[at + 2] in ("quarters", "quarts"):
            return value + 0.75, at + 3, "words"
    if word in PARTS and (value == 1 or word.endswith("s")):
        return value * PARTS[word], skip_links(words, at + 1), "fraction"
    if word in GROUPS:
        return value * GROUPS[word], at + 1 + (words[at + 1] in ("of", "de", "d")), "words"
    if word in ("of", "de", "d") and value >= 1e6:
        at += 1
    if words[0] in ("a", "an") and at == 1:
        return 1.0, 1, "article"
    return value, at, "article" if at == 1 and words[0] in ARTICLES else "words"


def read_cardinal(words: list[str]) -> tuple[float, int]:
    """The value of the words of a whole number that the list begins with, and how many they are."""
    total = current = 0.0
    room = 100  # what may still be added is below it
    at = 0
    while True:
        here = at + (at > 0 and words[at] in ("and", "et"))
        word = words[here]
        value = NUMBERS.get(word, -1)
        if word in ("vingt", "vingts") and at and words[at - 1] == "quatre" and here == at:
            current, room = current + 76, 20
        elif 0 <= value < room and (value or not at) and (at == 0 or word not in ("a", "an")):
            if here > at and word in ("one", "two", "three", "four", "five", "six", "seven", "eight") and room < 100:
                return total + current, at  # twenty and five are two numbers
            current += value
            room = 20 if value in (60, 80) else 10 if value >= 20 or word == "dix" else 1
        elif word in HUNDREDS and here == at and (1 <= current < 100 or (not current and word == "cent")):
            current, room = max(current, 1) * 100, 100
        elif word in SCALES and word not in HUNDREDS and here == at and (current or (not at and word == "mille")):
            total, current, room = total + max(current, 1) * SCALES[word], 0.0, 100
        else:
            return total + current, at
        at = here + 1


def read_decimals(words: list[str], at: int) -> tuple[str, int]:
    """The digits after a spoken point or virgule, and the place behind them."""
    digits = ""
    while words[at] in NUMBERS and words[at] not in ("a", "an", "une"):
        value, count = read_cardinal(words[at:])
        if NUMBERS[words[at]] == 0 or words[at] in (
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
        ):
            value, count = NUMBERS[words[at]], 1
        digits += f"{value:.0f}"
        at += count
    return digits, at


def skip_links(words: list[str], at: int) -> int:
    """The place behind the words that link a part to what it is a part of: half a mole, un quart d'heure."""
    while words[at] in LINKS:
        at += 1
    return at
