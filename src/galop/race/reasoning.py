"""Arithmetic, logic and instructions to follow, drawn from a seed; every answer is exact, every rule checkable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise, permutations, product
from random import Random
from typing import Any

from galop.race.question import Question
from galop.race.question_file import FORM

NAMES = ["Ada", "Boris", "Chloé", "Dinh", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"]
THINGS = ["a pump", "a bridge", "a battery", "a compass", "a lighthouse", "a kite", "a telescope", "a sewing machine"]
WORDS = ["copper", "harbour", "signal", "morning", "valve", "orbit", "pepper", "ladder"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


Wanted = str | tuple[tuple[str, Any], ...]
Drawn = tuple[str, Wanted]
"""A question's text, and its answer or the rules that a reply has to keep."""
KINDS: dict[str, tuple[str, Callable[[Random], Drawn]]] = {}
"""Part and maker of each kind of question, by the maker's name."""


def kind(part: str) -> Callable[[Callable[[Random], Drawn]], Callable[[Random], Drawn]]:
    """Adds a maker of questions to KINDS, as a kind of `part`."""

    def register(draw: Callable[[Random], Drawn]) -> Callable[[Random], Drawn]:
        KINDS[draw.__name__] = (part, draw)
        return draw

    return register


def draw_questions(count: int, seed: int) -> list[Question]:
    """Each kind as often as the others; the same from the same seed."""
    random = Random(f"reasoning {seed}")
    return [draw_question(name, random, i) for name, i in zip(shuffle_kinds(random), range(count), strict=False)]


def shuffle_kinds(random: Random) -> Iterator[str]:
    """All kinds in one order after another, without end."""
    while True:
        yield from random.sample(list(KINDS), len(KINDS))


def draw_question(name: str, random: Random, number: int) -> Question:
    """The question `number` of a set, of the kind `name`."""
    part, draw = KINDS[name]
    text, wanted = draw(random)
    if isinstance(wanted, str):
        return Question(f"{name}-{number}", name, f"{text}\n{FORM['en']}", wanted, part=part)
    return Question(f"{name}-{number}", name, text, rules=wanted, part=part)


@kind("arithmetic")
def long_sum(r: Random) -> Drawn:
    """A sum and a difference of numbers of up to five digits."""
    a, b, c = (r.randrange(1000, 99_999) for _ in range(3))
    return f"What is {a} + {b} - {c}?", str(a + b - c)


@kind("arithmetic")
def times(r: Random) -> Drawn:
    """A product of two numbers of two digits."""
    a, b = r.randrange(13, 99), r.randrange(13, 99)
    return f"What is {a} times {b}?", str(a * b)


@kind("arithmetic")
def left_over(r: Random) -> Drawn:
    """The remainder of a division."""
    a, b = r.randrange(200, 2000), r.randrange(7, 30)
    return f"{a} bolts are packed in boxes of {b}. How many bolts are left over?", str(a % b)


@kind("arithmetic")
def price_after(r: Random) -> Drawn:
    """A price after a fall and a rise in percent."""
    price, off, more = r.randrange(2, 40) * 50, r.choice([10, 20, 25, 30, 40]), r.choice([10, 20, 50])
    after = price * (100 - off) * (100 + more)
    return (
        f"A machine costs {price} euros. Its price falls by {off} % and then rises by {more} %. What does it cost "
        "then, in euros?"
    ), f"{after / 10_000:.10g}"  # fmt: skip


@kind("arithmetic")
def weekday(r: Random) -> Drawn:
    """The day of the week some days later."""
    start = date(2024, 1, 1) + timedelta(days=r.randrange(700))
    days = r.randrange(10, 120)
    then = start + timedelta(days=days)
    return (
        f"{start.day} {start:%B %Y} is a {DAYS[start.weekday()]}. Which day of the week is it {days} days later?",
        DAYS[then.weekday()],
    )


@kind("arithmetic")
def clock(r: Random) -> Drawn:
    """The time of day some minutes later."""
    begin, minutes = r.randrange(24 * 60), r.randrange(35, 700)
    end = (begin + minutes) % (24 * 60)
    return (
        f"A test starts at {begin // 60:02}:{begin % 60:02} and takes {minutes} minutes. At what time does it end, as "
        "HH:MM on a 24-hour clock?"
    ), f"{end // 60:02}:{end % 60:02}"  # fmt: skip


@kind("logic")
def tallest(r: Random) -> Drawn:
    """A place in an order that follows from comparisons of neighbours."""
    people = r.sample(NAMES, 5)
    facts = [f"{a} is taller than {b}." for a, b in pairwise(people)]
    r.shuffle(facts)
    place = r.choice([("tallest", 0), ("second tallest", 1), ("shortest", 4)])
    return f"{' '.join(facts)} Who is the {place[0]}?", people[place[1]]


@kind("logic")
def knights(r: Random) -> Drawn:
    """Truth-tellers and liars; drawn until only one arrangement fits, and it answers as was drawn."""
    wanted = r.choice([True, False])
    while True:
        people = r.sample(NAMES, 3)
        asked = r.randrange(3)
        says = [claim(r, i, people) for i in range(3)]
        fitting = [
            world for world in product([True, False], repeat=3)
            if all(world[i] == holds(world) for i, (_, holds) in enumerate(says))
        ]  # fmt: skip
        if len(fitting) == 1 and fitting[0][asked] == wanted:
            break
    told = " ".join(f"{who} says: {words}." for who, (words, _) in zip(people, says, strict=True))
    return (
        f"{people[0]}, {people[1]} and {people[2]} each either always tell the truth or always lie. {told} Does "
        f"{people[asked]} tell the truth? Answer yes or no."
    ), "yes" if wanted else "no"  # fmt: skip


def claim(r: Random, who: int, people: list[str]) -> tuple[str, Callable[[tuple[bool, ...]], bool]]:
    """What somebody says of another or of all three, and whether it holds in a world."""
    if r.random() < 0.4:
        count = r.randrange(3)
        return f"exactly {count} of us three always tell the truth", lambda world: sum(world) == count
    other, honest = r.choice([i for i in range(3) if i != who]), r.choice([True, False])
    return f"{people[other]} always {'tells the truth' if honest else 'lies'}", lambda world: world[other] is honest


@kind("logic")
def seats(r: Random) -> Drawn:
    """Four people in a row; drawn until the clues leave one order."""
    while True:
        people = r.sample(NAMES, 4)
        clues = [clue(a, b, r.choice([True, False])) for a, b in r.sample(list(permutations(people, 2)), 3)]
        fitting = [row for row in permutations(people) if all(holds(row) for _, holds in clues)]
        if len(fitting) == 1:
            break
    place = r.randrange(4)
    ordinal = ("leftmost", "second from the left", "third from the left", "rightmost")[place]
    known = ", ".join(sorted(people))
    return f"{known} sit in a row. {' '.join(c for c, _ in clues)} Who is {ordinal}?", fitting[0][place]


def clue(a: str, b: str, beside: bool) -> tuple[str, Callable[[tuple[str, ...]], bool]]:
    """A clue about two seats, and whether it holds in a row."""
    if beside:
        return f"{a} sits immediately to the left of {b}.", lambda row: row.index(b) - row.index(a) == 1
    return f"{a} sits somewhere to the left of {b}.", lambda row: row.index(a) < row.index(b)


@kind("logic")
def next_number(r: Random) -> Drawn:
    """The next number of a sequence whose steps grow evenly."""
    start, step, growth = r.randrange(1, 20), r.randrange(2, 9), r.randrange(0, 4)
    row = [start]
    for i in range(6):
        row.append(row[-1] + step + growth * i)
    return f"Which number comes next: {', '.join(map(str, row[:-1]))}?", str(row[-1])


@kind("logic")
def how_many_both(r: Random) -> Drawn:
    """The overlap of two sets (inclusion and exclusion)."""
    total = r.randrange(30, 90)
    both, neither = r.randrange(3, 10), r.randrange(2, 9)
    only = total - both - neither
    first = r.randrange(3, only - 2)
    return (
        f"Of {total} engineers, {first + both} know Python, {only - first + both} know C++, and {neither} know "
        "neither. How many know both?"
    ), str(both)  # fmt: skip


@kind("instructions")
def exact_words(r: Random) -> Drawn:
    """So many words, no more and no fewer."""
    count = r.randrange(5, 13)
    return f"Describe {r.choice(THINGS)} in exactly {count} words. Write nothing else.", (("words", count),)


@kind("instructions")
def bullets(r: Random) -> Drawn:
    """So many lines, each a bullet."""
    count, thing = r.randrange(3, 7), r.choice(THINGS)
    return (
        f"List {count} uses of {thing}. Write exactly {count} lines, each beginning with '- ', and nothing else.",
        (("bullets", count),),
    )


@kind("instructions")
def without_capitals(r: Random) -> Drawn:
    """A sentence with a word, in small letters."""
    word = r.choice(WORDS)
    return (
        f"Write one sentence about {r.choice(THINGS)} that contains the word '{word}', in lower-case letters only.",
        (("contains", word), ("lower", True)),
    )


@kind("instructions")
def as_json(r: Random) -> Drawn:
    """A JSON object with given keys."""
    keys = r.sample(["name", "purpose", "weight", "material", "inventor", "colour"], 3)
    return (
        f"Describe {r.choice(THINGS)} as a JSON object with exactly the keys {', '.join(keys)}, all values texts. "
        "Write the JSON alone.",
        (("json", sorted(keys)),),
    )


@kind("instructions")
def begins_and_ends(r: Random) -> Drawn:
    """A sentence of which the first and the last word are given."""
    first, last = r.sample(WORDS, 2)
    return (
        f"Write one sentence about {r.choice(THINGS)} whose first word is '{first}' and whose last word is '{last}'. "
        "Write nothing else.",
        (("first", first), ("last", last)),
    )
