"""The problems of the mini family: drawn from a seed, worked out and answered exactly, held out by what they ask."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

HELD_OUT = 0.1  # of all problems, never trained on in any wording or language
FRENCH = 0.3
MISTAKES = 0.2  # of the workings hold a wrong item that is found and mended
MEND = " no "  # stands between a wrong item and the right one


@dataclass(frozen=True)
class WorkingPiece:
    """A part of a working. What is wrong in it is read, never learnt."""

    text: str
    learnt: bool = True


@dataclass(frozen=True)
class Problem:
    """A question with its answer and how it is worked out."""

    task: str
    level: str  # digits of the operands, such as 4x4, of the longer one of a sum, or how many steps
    key: str  # what is asked, whatever the words
    question: str
    answer: str
    working: tuple[WorkingPiece, ...]
    steps: frozenset[str]  # the keys of the problems that its working solves on the way

    @property
    def thinking(self) -> str:
        return "".join(piece.text for piece in self.working)


def is_held_out(key: str) -> bool:
    """Whether a problem is kept for testing, by the SHA-256 of its key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") < HELD_OUT * 2**32


def correct(problem: Problem, answer: str) -> bool:
    """Number and unit have to be exact; spaces do not count."""
    return "".join(answer.split()) == "".join(problem.answer.split())


LEVELS: dict[str, dict[str, float]] = {
    "add": {"1": 1, "2": 2, "3": 2, "4": 2, "5": 2, "6": 2},
    "subtract": {"1": 1, "2": 2, "3": 2, "4": 2, "5": 2, "6": 2},
    "multiply": {"1x1": 1, "2x1": 2, "3x1": 2, "4x1": 2, "2x2": 3, "3x2": 3, "4x2": 2, "3x3": 3, "4x3": 2, "4x4": 2},
    "convert": {"1": 2, "2": 3, "3": 2, "4": 1},
    "formula": {"2": 3, "3": 2},
}
EDGE = [
    ("multiply", "4x3"), ("multiply", "4x4"), ("convert", "4"), ("formula", "3"), ("multiply", "3x3"), ("convert", "3"),
]  # fmt: skip
"""The hardest levels."""
SHARES: dict[str, float] = {"add": 4, "subtract": 5, "multiply": 4, "convert": 3, "formula": 2}
"""How often each task and each of its levels is drawn."""


def edge(tasks: Sequence[str]) -> list[tuple[str, str]]:
    """The hardest levels of these tasks."""
    return [(task, level) for task, level in EDGE if task in tasks]


def draw(
    random: Random,
    held: bool = False,
    task: str | None = None,
    level: str | None = None,
    mistakes: float = MISTAKES,
    tasks: Sequence[str] = tuple(LEVELS),
) -> Problem:
    """One problem, of the task and level named or of any, from the training side or from the held-out one.

    What is trained on solves no held-out problem on its way either, but for the product of two digits.
    """
    while True:
        chosen = task or random.choices(tasks, [SHARES[name] for name in tasks])[0]
        of = level or random.choices(list(LEVELS[chosen]), list(LEVELS[chosen].values()))[0]
        problem = MAKERS[chosen](random, of, mistakes)
        if held and is_held_out(problem.key):
            return problem
        if not held and not any(map(is_held_out, problem.steps | {problem.key})):
            return problem


# Workings. Inside them numbers are written units first (least significant digit first), since that is the order in
# which carries run; a step of a product is a digit times a digit plus the carry, written as two digits.


@dataclass(frozen=True)
class WorkingItem:
    """A part of a working that can go wrong."""

    text: str


Line = list[str | WorkingItem]


def units_first(number: int) -> str:
    """Its digits, the least significant first."""
    return str(number)[::-1]


def product(a: int, b: int) -> Line:
    """The long multiplication of a and b: a row for each digit of the shorter number, added up as it goes."""
    if len(str(b)) > len(str(a)):
        a, b = b, a
    top, total = units_first(a), 0
    line: Line = [f"{top}*{units_first(b)}\n"]
    for place, digit in enumerate(units_first(b)):
        line.append(f"{top}*{digit}:")
        carry = 0
        for other in top:
            step = int(other) * int(digit) + carry
            carry = step // 10
            line += [" ", WorkingItem(f"{step:02d}")]
        row = a * int(digit)
        line += ["=", WorkingItem("0" * place + units_first(row))]
        total += row * 10**place
        if place:
            line += [" +", WorkingItem(units_first(total))]
        line.append("\n")
    return line


def product_key(a: int, b: int) -> str:
    """The key of a product, whatever its order."""
    return "*".join(str(n) for n in sorted((a, b)))


def product_keys(a: int, b: int) -> set[str]:
    """Of a product and of its rows; none where both are digits."""
    longer, shorter = sorted((a, b), key=lambda n: len(str(n)), reverse=True)
    rows = [product_key(longer, int(d)) for d in str(shorter) if d != "0"]
    return {product_key(a, b), *rows} if longer > 9 else set()


def sum_key(a: int, b: int) -> str:
    """The key of a sum, whatever its order."""
    return "+".join(str(n) for n in sorted((a, b)))


def finish(line: Line, random: Random, mistakes: float) -> tuple[WorkingPiece, ...]:
    """The pieces of a working without its last line break; some with one item first wrong, then mended."""
    items = [i for i, part in enumerate(line) if isinstance(part, WorkingItem)]
    wrong = random.choice(items) if items and random.random() < mistakes else -1
    pieces: list[WorkingPiece] = []
    text = ""
    for i, part in enumerate(line):
        content = part.text if isinstance(part, WorkingItem) else part
        if i == wrong:
            pieces += [WorkingPiece(text)] if text else []
            pieces.append(WorkingPiece(spoil(content, random), learnt=False))
            text = MEND
        text += content
    pieces.append(WorkingPiece(text.removesuffix("\n")))
    return tuple(pieces)


def spoil(text: str, random: Random) -> str:
    """The same with one digit changed."""
    place = random.randrange(len(re.match(r"\d+", text)[0]))  # type: ignore[index]
    return text[:place] + random.choice([d for d in "0123456789" if d != text[place]]) + text[place + 1 :]


def number(random: Random, digits: int) -> int:
    """So many digits, the first not 0."""
    return random.randrange(10 ** (digits - 1) if digits > 1 else 1, 10**digits)


# Arithmetic


ASK = {
    "en": ["What is {0}?", "Compute {0}.", "{0}=?", "How much is {0}?"],
    "fr": ["Combien font {0} ?", "Calcule {0}.", "{0}=?", "Que vaut {0} ?"],
}


def language(random: Random) -> str:
    """`fr` or `en`, by the share of French."""
    return "fr" if random.random() < FRENCH else "en"


def ask(random: Random, expression: str) -> str:
    """A question in one of its wordings, signs and spacings."""
    expression = expression.replace("*", random.choice("***×x"))
    if random.random() < 0.3:
        expression = "".join(c if c.isdigit() else f" {c} " for c in expression)
    return random.choice(ASK[language(random)]).format(expression)


def addition(random: Random, level: str, mistakes: float) -> Problem:
    """A sum of two numbers."""
    a = number(random, int(level))
    b = number(random, int(level) if random.random() < 0.7 else random.randint(1, int(level)))
    line: Line = [f"{units_first(a)}+{units_first(b)}=", WorkingItem(units_first(a + b))]
    working = finish(line, random, mistakes)
    return Problem("add", level, sum_key(a, b), ask(random, f"{a}+{b}"), str(a + b), working, frozenset())


def subtraction(random: Random, level: str, mistakes: float) -> Problem:
    """A difference that is not negative."""
    b, a = sorted((number(random, int(level)), number(random, int(level))))
    line: Line = [f"{units_first(a)}-{units_first(b)}=", WorkingItem(units_first(a - b))]
    working = finish(line, random, mistakes)
    return Problem("subtract", level, f"{a}-{b}", ask(random, f"{a}-{b}"), str(a - b), working, frozenset())


def multiplication(random: Random, level: str, mistakes: float) -> Problem:
    """A product, worked out in rows."""
    a, b = (number(random, int(digits)) for digits in level.split("x"))
    if random.random() < 0.5:
        a, b = b, a
    working = finish(product(a, b), random, mistakes)
    steps = frozenset(product_keys(a, b))
    return Problem("multiply", level, product_key(a, b), ask(random, f"{a}*{b}"), str(a * b), working, steps)


# Conversions: from a unit down a chain to smaller ones, or up where that is by powers of ten.


@dataclass(frozen=True)
class Unit:
    """A unit of a chain, and how many of the next one it holds."""

    symbol: str
    english: str
    french: str
    of_next: int  # of the next smaller unit


CHAINS = [
    [Unit("wk", "weeks", "semaines", 7), Unit("d", "days", "jours", 24), Unit("h", "hours", "heures", 60),
     Unit("min", "minutes", "minutes", 60), Unit("s", "seconds", "secondes", 1)],
    [Unit("km", "kilometres", "kilomètres", 1000), Unit("m", "metres", "mètres", 10),
     Unit("dm", "decimetres", "décimètres", 10), Unit("cm", "centimetres", "centimètres", 10),
     Unit("mm", "millimetres", "millimètres", 1)],
    [Unit("mi", "miles", "milles", 1760), Unit("yd", "yards", "yards", 3), Unit("ft", "feet", "pieds", 12),
     Unit("in", "inches", "pouces", 1)],
    [Unit("t", "tonnes", "tonnes", 1000), Unit("kg", "kilograms", "kilogrammes", 1000),
     Unit("g", "grams", "grammes", 1000), Unit("mg", "milligrams", "milligrammes", 1)],
    [Unit("m3", "cubic metres", "mètres cubes", 1000), Unit("L", "litres", "litres", 1000),
     Unit("mL", "millilitres", "millilitres", 1)],
    [Unit("kWh", "kilowatt hours", "kilowattheures", 3600), Unit("kJ", "kilojoules", "kilojoules", 1000),
     Unit("J", "joules", "joules", 1)],
    [Unit("MPa", "megapascals", "mégapascals", 10), Unit("bar", "bar", "bars", 100),
     Unit("kPa", "kilopascals", "kilopascals", 1000), Unit("Pa", "pascals", "pascals", 1)],
    [Unit("Ah", "ampere hours", "ampères-heures", 3600), Unit("C", "coulombs", "coulombs", 1000),
     Unit("mC", "millicoulombs", "millicoulombs", 1)],
]  # fmt: skip
ASK_UNIT = {
    "en": ["Convert {n} {a} to {b}.", "How many {b} are {n} {a}?", "{n} {a} in {b}?"],
    "fr": ["Convertis {n} {a} en {b}.", "Combien de {b} font {n} {a} ?", "{n} {a} en {b} ?"],
}


def conversion(random: Random, level: str, mistakes: float) -> Problem:
    """A quantity in another unit, step by step along a chain."""
    steps = int(level)
    chain = random.choice([c for c in CHAINS if len(c) > steps])
    first = random.randrange(len(chain) - steps)
    units = chain[first : first + steps + 1]
    factors = [unit.of_next for unit in units[:-1]]
    value = number(random, random.choice([1, 2, 2, 3]))
    upwards = all(str(f).strip("0") == "1" for f in factors) and random.random() < 0.4
    symbols = [unit.symbol for unit in units]
    line: Line = []
    if upwards:
        factors.reverse()
        symbols.reverse()
        units = units[::-1]
        for factor in factors:
            value *= factor
    values = [value]
    solved: set[str] = set()
    for factor, source, target in zip(factors, symbols, symbols[1:], strict=False):
        if upwards:
            line += [f"{value} {source}/{factor}=", WorkingItem(f"{value // factor} {target}"), "\n"]
            value //= factor
            values.append(value)
            continue
        line.append(f"{value} {source}*{factor}=")
        if str(factor).strip("0") != "1":
            line += ["\n", *product(value, factor), "="]
            solved |= product_keys(value, factor)
        value *= factor
        values.append(value)
        line += [WorkingItem(f"{value} {target}"), "\n"]
    for i, j in combinations(range(len(symbols)), 2):
        solved.add(f"{values[i]} {symbols[i]} {symbols[j]}")
    tongue = language(random)
    names = symbols
    if random.random() < 0.5:
        names = [unit.french if tongue == "fr" else unit.english for unit in units]
    question = random.choice(ASK_UNIT[tongue]).format(n=values[0], a=names[0], b=names[-1])
    key = f"{values[0]} {symbols[0]} {symbols[-1]}"
    working = finish(line, random, mistakes)
    return Problem("convert", level, key, question, f"{value} {symbols[-1]}", working, frozenset(solved))


# FormulaTask problems: what is known, then one formula after the other, each with its unit.


@dataclass(frozen=True)
class FormulaTask:
    """A question in two languages and the formulas that answer it, one after another."""

    english: str
    french: str
    known: dict[str, str]  # the unit of each given quantity
    steps: list[tuple[str, str, str]]  # symbol, formula of two symbols, unit
    constants: dict[str, int] | None = None


FORMULAS = [
    FormulaTask("A mass of {m} kg is accelerated at {a} m/s2 over {d} m. What work is done?",
            "Une masse de {m} kg est accélérée à {a} m/s2 sur {d} m. Quel est le travail ?",
            {"m": "kg", "a": "m/s2", "d": "m"}, [("F", "m*a", "N"), ("W", "F*d", "J")]),
    FormulaTask("A current of {I} A flows through {R} ohm. What power is lost?",
            "Un courant de {I} A traverse {R} ohm. Quelle puissance est perdue ?",
            {"I": "A", "R": "ohm"}, [("U", "R*I", "V"), ("P", "U*I", "W")]),
    FormulaTask("A motor takes {I} A at {U} V for {t} s. What energy does it use?",
            "Un moteur prend {I} A sous {U} V pendant {t} s. Quelle énergie utilise-t-il ?",
            {"I": "A", "U": "V", "t": "s"}, [("P", "U*I", "W"), ("E", "P*t", "J")]),
    FormulaTask("A current of {I} A flows through {R} ohm for {t} s. What heat comes out?",
            "Un courant de {I} A traverse {R} ohm pendant {t} s. Quelle chaleur en sort ?",
            {"I": "A", "R": "ohm", "t": "s"}, [("U", "R*I", "V"), ("P", "U*I", "W"), ("E", "P*t", "J")]),
    FormulaTask("What heat warms {m} kg from {T} to {H} C at {c} J/kgK?",
            "Quelle chaleur porte {m} kg de {T} à {H} C avec {c} J/kgK ?",
            {"m": "kg", "T": "C", "H": "C", "c": "J/kgK"}, [("D", "H-T", "K"), ("k", "m*c", "J/K"), ("Q", "k*D", "J")]),
    FormulaTask("A rocket engine burns {q} kg/s at {v} m/s for {t} s. What is its impulse?",
            "Un moteur-fusée brûle {q} kg/s à {v} m/s pendant {t} s. Quelle est son impulsion ?",
            {"q": "kg/s", "v": "m/s", "t": "s"}, [("F", "q*v", "N"), ("J", "F*t", "Ns")]),
    FormulaTask("A rocket engine burns {q} kg/s at {v} m/s; {p} Pa push on {S} m2. What is its thrust?",
            "Un moteur-fusée brûle {q} kg/s à {v} m/s ; {p} Pa poussent sur {S} m2. Quelle est sa poussée ?",
            {"q": "kg/s", "v": "m/s", "p": "Pa", "S": "m2"}, [("M", "q*v", "N"), ("A", "p*S", "N"), ("F", "M+A", "N")]),
    FormulaTask("What charge plates {n} mol of a metal of valence {z}?",
            "Quelle charge dépose {n} mol d'un métal de valence {z} ?",
            {"n": "mol", "z": ""}, [("e", "n*z", "mol"), ("Q", "e*F", "C")], {"F": 96485}),
    FormulaTask("A cell gives {I} A for {h} min at {U} V. What energy does it give?",
            "Une pile donne {I} A pendant {h} min sous {U} V. Quelle énergie donne-t-elle ?",
            {"I": "A", "h": "min", "U": "V"}, [("t", "h*k", "s"), ("Q", "I*t", "C"), ("E", "Q*U", "J")], {"k": 60}),
    FormulaTask("A tank of {a} m by {b} m by {h} m holds a liquid of {r} kg/m3. What is its mass?",
            "Une cuve de {a} m sur {b} m sur {h} m contient un liquide de {r} kg/m3. Quelle est sa masse ?",
            {"a": "m", "b": "m", "h": "m", "r": "kg/m3"}, [("S", "a*b", "m2"), ("V", "S*h", "m3"), ("m", "V*r", "kg")]),
    FormulaTask("A force of {F} N acts at {r} m on a shaft turning at {w} rad/s. What is its power?",
            "Une force de {F} N agit à {r} m sur un arbre qui tourne à {w} rad/s. Quelle est sa puissance ?",
            {"F": "N", "r": "m", "w": "rad/s"}, [("T", "F*r", "Nm"), ("P", "T*w", "W")]),
    FormulaTask("A train runs at {v} m/s for {h} min. How far does it come?",
            "Un train roule à {v} m/s pendant {h} min. Quelle distance parcourt-il ?",
            {"v": "m/s", "h": "min"}, [("t", "h*k", "s"), ("d", "v*t", "m")], {"k": 60}),
]  # fmt: skip


def formula(random: Random, level: str, mistakes: float) -> Problem:
    """A quantity from one formula after another."""
    which = random.choice([f for f in FORMULAS if len(f.steps) == int(level)])
    values = {symbol: random.randrange(2, 10 if random.random() < 0.4 else 100) for symbol in which.known}
    if "T" in values and "H" in values:
        values["H"] += values["T"]
    if "z" in values:
        values["z"] = random.randrange(1, 5)
    question = (which.french if language(random) == "fr" else which.english).format(**values)
    key = f"{FORMULAS.index(which)} " + " ".join(f"{s}={v}" for s, v in values.items())
    line: Line = [", ".join(f"{s}={values[s]} {unit}".rstrip() for s, unit in which.known.items()), "\n"]
    values |= which.constants or {}
    steps: set[str] = set()
    for symbol, rule, unit in which.steps:
        left, sign, right = values[rule[0]], rule[1], values[rule[2]]
        line.append(f"{symbol}={rule}={left}{sign}{right}\n")
        if sign == "*":
            result = left * right
            line += product(left, right)
            steps |= product_keys(left, right)
        else:
            result = left + right if sign == "+" else left - right
            steps.add(sum_key(left, right) if sign == "+" else f"{left}-{right}")
            line += [f"{units_first(left)}{sign}{units_first(right)}=", WorkingItem(units_first(result)), "\n"]
        line += [f"{symbol}=", WorkingItem(f"{result} {unit}"), "\n"]
        values[symbol] = result
    answer = f"{result} {unit}"
    return Problem("formula", level, key, question, answer, finish(line, random, mistakes), frozenset(steps))


MAKERS = {
    "add": addition,
    "subtract": subtraction,
    "multiply": multiplication,
    "convert": conversion,
    "formula": formula,
}
