"""The words around each quantity of a text that tell its role, as stems."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from galop.science.reading.passage import Passage
from galop.science.reading.words import GREEK, stem, stems
from galop.science.units import same_dimension

WINDOW = 90  # characters on either side in which the words of a role stand
MOST = 16  # words
SENTENCE = re.compile(r"[.!?](?=\s)|[\n;]")
CLAUSE = re.compile(r"[,;:.()|]|\b(?:and|et|with|avec|while|where|puis|then|whose|dont|or|ou)\b")
SYMBOL = re.compile(
    r"([^\s,;=:()\[\]]{1,24}(?:\([^()\s]{1,16}\))?) ?(?:=|≈|≃|~|:|:=|->) ?[-+–]? ?$"
    r"|(?<!\w)([A-Z][A-Z\d]{0,3}|[^\W\d]\w?_\w{1,8}|[A-Z]/[A-Z]|[A-Z]?[a-z]\d|Isp|[Α-ω]\w{0,2}) "
    r"(?:is|est|vaut|of|de) [-+–]?$"
)
BARE_SYMBOL = re.compile(
    r"(?<![\w/])([A-Z][a-z]?_?[a-z*0°]?|[a-z][a-z]?(?:_[a-z]{1,4}|[*0°])|[Α-Ωα-ω]\w?|[A-Z]/[A-Z]|mdot|eps|gamma|isp) $"
)
JOINED = re.compile(r" ?,? (?:and|et)(?: (?:of|de|a|at))? (?:d')?")
TWO_ROLES = re.compile(
    r"(?<!\w)([a-z]{3,}) (?:and|et) (?:(?:the|at|la|le|les|a|de|of|in|on|from|du|au) |l'|d'){0,3}([a-z]{3,})"
)


ROUND = re.compile(  # what a length is the diameter of
    r"\b(?:spheres?|sphères?|balls?|dis[ck]s?|billes?|boules?|disques?|balloons?|droplets?|gouttes?|bubbles?|bulles?) "
    r"(?:of|de|d')? ?$"
)
ACROSS = stems("diameter")
CONDITION = re.compile(r"\b(?:if|when|si|quand|lorsque|lorsqu'|sachant que|given that)\b ?")
DOES = re.compile(r"\b(?:burns|brûle|consumes|consomme|carries|emporte|holds|contient)\b")
CHANGED_TO = re.compile(
    r"\b(?:compress|expand|compri|détend|heat|cool|warm|chauff|refroid|ris|rais|increas|drop|fall|augment|pass)\w* "
    r"(?:up |down )?(?:to|à|jusqu'à) ?$"
)
FROM = re.compile(r"(?:from|depuis|de|d') ?(?:(?:an?|the|une?|la|le) )?$")
TO = re.compile(r"(?<!\w)(?:to|a|jusqu'a|vers|up to|into) ?(?:(?:an?|the|une?|la|le) )?$")


@dataclass(frozen=True)
class Role:
    """Stems around a quantity: `before` and `after` it within its clause, the nearest first; `context` before that
    clause in its sentence; and the `symbol` before it as it stands, "" for none, with
    whether it is `equated` to that."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    symbol: str = ""
    equated: bool = False


def read_roles(passage: Passage, places: Sequence[tuple[int, int]], alike: Sequence[bool]) -> list[Role]:
    """The roles of the quantities at these places, in their order; `alike` says of each whether it measures what the
    next one does."""
    found: list[Role] = []
    for i, (start, end) in enumerate(places):
        before = places[i - 1][1] if i else 0
        behind = places[i + 1][0] if i + 1 < len(places) else len(passage.plain)
        found.append(read_role(passage, before, start, end, behind, found[-1] if found else None))
    for i, same in enumerate(alike[: len(places) - 1]):
        (start, end), (then, _) = places[i : i + 2]
        lead = passage.folded[max(0, start - 14) : start]
        if same and FROM.search(lead) and then - end < WINDOW and TO.search(passage.folded, end, then):
            found[i] = replace(found[i], before=("initia", *found[i].before))
            found[i + 1] = replace(found[i + 1], before=("final", *found[i + 1].before))
        elif same and JOINED.fullmatch(passage.folded, end, then):
            found[i : i + 2] = share_roles(passage, start, found[i], found[i + 1])
    return found


def read_role(passage: Passage, previous: int, start: int, end: int, following: int, last: Role | None) -> Role:
    """The role of a quantity between the end of the one before, whose role is `last`, and the start of the next."""
    text = passage.plain
    begin = max([previous, *(match.end() for match in SENTENCE.finditer(text, previous, start))])
    lead = text[begin:start]
    context: tuple[str, ...] = ()
    if begin == previous and last is not None:  # no sentence has begun since
        context = (*last.after, *last.before, *last.context)
        if cut := CLAUSE.search(lead):
            lead = lead[cut.end() :]
    if asks := last_condition(lead.lower()):  # the final pressure if 3 L are ...
        context = (*reversed(stems(lead[:asks])), *context)
        lead = lead[asks:]
    tail = text[end : min(following, end + WINDOW)]
    if stop := SENTENCE.search(tail):
        tail = tail[: stop.start()]
    if does := DOES.search(tail):  # a stage of 5 t burns its propellant: it is no propellant
        tail = tail[: does.start()]
    if (cut := CLAUSE.search(tail)) and (cut.start() > 0 or cut[0] != "("):
        tail = tail[: cut.start()]
    near = tuple(dict.fromkeys(reversed(stems(lead[-2 * WINDOW :])[-MOST:])))
    if ROUND.search(lead.lower()):
        near = (*near, *ACROSS)
    if CHANGED_TO.search(lead.lower()):
        near = ("final", *near)
    far = tuple(dict.fromkeys(word for word in context if word not in near))[:MOST]
    symbol = SYMBOL.search(text[max(previous, start - 40) : start])
    equated = symbol is not None
    symbol = symbol or BARE_SYMBOL.search(text[max(previous, start - 12) : start])
    name = next(filter(None, symbol.groups())).lstrip("$*-•") if symbol else ""
    return Role(near, stems(tail)[: MOST // 2], far, name, equated)


def last_condition(lead: str) -> int:
    """Where what follows the last "if" of a text begins; 0 where there is none."""
    return max((match.end() for match in CONDITION.finditer(lead)), default=0)


@cache
def symbols() -> dict[str, dict[str, str]]:
    """The words that a symbol stands for, by the unit of what it measures (`symbols.json`)."""
    read: dict[str, dict[str, str]] = json.loads((files("galop.science.reading") / "symbols.json").read_text("utf-8"))
    return read


def words_of_symbol(symbol: str, unit: str) -> tuple[str, ...]:
    """The stems of what a symbol stands for where it measures something in `unit`; none for one that is not known."""
    name = re.sub(r"[_{}\\$,]", "", "".join(GREEK.get(c, c) for c in symbol.replace("ṁ", "mdot"))).lower()
    meanings = symbols().get(name, {})
    return next((stems(words) for measured, words in meanings.items() if same_dimension(measured, unit)), ())


def share_roles(passage: Passage, start: int, one: Role, other: Role) -> list[Role]:
    """Those of two quantities joined by "and", the first at `start`, whose two roles stand before both: the masses
    before and after the burn are 5 t and 3 t. Each keeps its own."""
    lead = passage.folded[max(0, start - WINDOW) : start]
    begin = max((match.end() for match in SENTENCE.finditer(lead)), default=0)
    pairs = list(TWO_ROLES.finditer(lead, begin))
    if not pairs:
        return [one, other]
    first, second = stem(pairs[-1][1]), stem(pairs[-1][2])
    shared = tuple(word for word in one.before if word not in (first, second))
    return [
        replace(one, before=(first, *shared), context=tuple(word for word in one.context if word != second)),
        replace(
            other,
            before=(second, *shared, *(word for word in other.before if word not in shared)),
            context=tuple(word for word in other.context if word != first and word not in shared),
        ),
    ]
