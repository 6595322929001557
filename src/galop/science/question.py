"""What a text asks for, in which unit, and what it gives: read before anything is computed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from galop.science.names import Name, read_names
from galop.science.plain_text import fold_characters, make_plain
from galop.science.quantities import Given, Unread, read_quantities
from galop.science.quantity_words import find_implied, find_measures
from galop.science.unit_context import settle_unit
from galop.science.unit_text import UnitText, read_unit
from galop.science.words import language_of, stems

AskedKind = Literal["value", "count", "yes_no", "comparison"]


@dataclass(frozen=True)
class Asked:
    """One thing that a text asks for.

    `what` is its words as they stand ("thrust of the engine"), `stems` their stems, the asked quantity's first.
    `unit` is the unit the text names for it ("kN", "%", "" for a pure number asked as such), None where it names none.
    `measures` is a unit of the dimension that unit or the words imply (SI, "N" for thrust, "s" for how long, "" for a
    pure number), None where neither tells. `kind` is "value", "count" (how many stages: the thing is in `what`),
    "yes_no" or "comparison".
    """

    what: str
    stems: tuple[str, ...]
    unit: str | None
    measures: str | None
    start: int
    end: int
    kind: AskedKind = "value"


@dataclass(frozen=True)
class Question:
    """A text as it was understood: what is asked (nothing, one, or several), the quantities given, the numbers whose
    units are not understood, and the substances, ions and couples named, each in the order of the text."""

    text: str
    language: str
    asked: tuple[Asked, ...]
    given: tuple[Given, ...]
    unread: tuple[Unread, ...]
    names: tuple[Name, ...]


LONGEST = 200_000  # characters
MOST = 8  # things asked for
SENTENCE_END = re.compile(r"(?<=[?!])[\s)\"»]+|(?<=\.)\s+(?=[^\W\d_a-z]|\d|[(\"«])|\n+")
IMPERATIVE = (
    r"(?:please |then |and |also |veuillez |puis |et )?(?:compute|find|calculate|estimate|determine|give|evaluate|"
    r"work out|obtain|convert|express|size|predict|state|tell me|derive|deduce|report|quote|get|i need|i want|i "
    r"would like|we need|"
    r"we want|calculez|calculer|calcule|trouvez|trouver|trouve|determinez|determiner|estimez|estimer|donnez|donner|"
    r"donne|"
    r"evaluez|evaluer|convertissez|convertir|convertis|exprimez|exprimer|dites|indiquez|deduisez|en deduire|deduire|"
    r"precisez|chiffrez|dimensionnez|je cherche|on cherche|je veux|il faut calculer|on veut|on demande)(?!\w)"
)
ANSWER = r"(?:answer|result|reply|value|reponse|resultat|valeur)s?"
ANSWER_IN = re.compile(
    rf"(?:(?:give|express|state|report|write|quote|round|donnez|donner|exprimez|exprimer|ecrivez)?\s?(?:the |your |"
    rf"me the |"
    rf"la |le |votre )?(?:final )?{ANSWER}|answer|repondez|repondre)"
    rf"(?: (?:should be|must be|is|sera|est|doit etre|expressed|given|wanted|expected|attendue?|exprimee?|donnee?|"
    rf"your|the|"
    rf"la|le|votre|{ANSWER}))*\s?:?,? (?:in|en|as) "
)
HOW = (
    r"how (?:much|many|long|fast|heavy|far|tall|high|deep|thick|wide|hot|cold|large|big|strong|often|quickly|dense|"
    r"warm|"
    r"soon|efficient|powerful|massive|rapidly|small|low|great)"
)
WHAT = (
    r"(?:(?:at|in|to|by|from|for|over|with|of|after|within|under|on|up to) )?(?:what|which)"
    r"(?:'s| is| are| was| would be| will be| must be| should be)?|when (?:is|will|does|are|do)"
)
QUEL = (
    r"(?:(?:a|de|en|pour|sous|dans|par|avec|vers|sur|jusqu'a|apres|pendant|au bout de) )?"
    r"(?:quel|quelle|quels|quelles|combien|lequel|laquelle)(?: est| sont| serait| sera| vaut)?|"
    r"que (?:vaut|valent|vaudra|vaudrait|devient)|quand"
)
ASKING = re.compile(rf"(?:^|(?<=[\s(,;:—–-]))(?:(?P<wh>{HOW}|{WHAT}|{QUEL})(?!\w)|(?P<do>{IMPERATIVE}))")
YES_NO = re.compile(
    r"(?:so |and |but |then |alors |et )?(?:is|are|was|does|do|will|would|can|could|should|has|did|est-ce qu|est-il|"
    r"est-elle|"
    r"peut-on|sera-t-)\b"
)
INVERTED = re.compile(r"-(?:t-)?(?:il|elle|on|ils|elles)\b")  # suffit-il
COMPARE = re.compile(
    r"(?:which|what|lequel|laquelle|lesquels|quel|quelle)\b[^?]{0,80}\b(?:larger|smaller|greater|higher|lower|"
    r"heavier|lighter|"
    r"faster|slower|better|longer|bigger|more|less|most|meilleur\w*|le plus|la plus|"
    r"plus (?:grand|petit|lourd|leger|rapide|lent|eleve|faible|long|court)\w*)\b"
)
IN_UNIT = re.compile(
    r"(?<![\w-])(?:in|en|into|to|as|unit:?|units of|unite:?|vers)\s+(?:units of |the unit )?|[(\[]\s?(?:in |en )?|, "
)
HOW_MANY = re.compile(r"(?:how many|combien (?:de |d')|(?:what|which|the|a) number of |(?:quel|le) nombre (?:de |d'))")
OF_THEM = re.compile(r" ?(?:de |d')?")
STOP = re.compile(r"[?;]|\.(?=\s|$)")
TAIL = re.compile(  # where the name of what is asked ends
    r"\b(?:does|do|did|will|would|can|could|must|should|is|are|was|if|when|given|assuming|knowing|sachant|si|"
    r"lorsque|quand|"
    r"needed|required|necessary|necessaire|que|qu'|for which|at which|produced|fournit|produit|donne|faut|peut|doit|"
    r"est|sont|"
    r"a-t|in order|so that|afin|to)\b|[,:(]|(?<=\w) en (?=\S+ ?\?)"
)
PERCENT = re.compile(r"\b(?:percent|per cent|percentage|pourcentage|pour cent)\b|%")
PERCENT_UNIT = re.compile(r"%|(?:per ?cent|percentage|pour ?cents?|pourcentage)\b")
BOTH = re.compile(r",? (?:and|et|as well as|ainsi que)(?: also| then| puis)? |, ")


def read_question(text: str) -> Question:
    """A text in English or French, understood. Nothing is computed, and nothing but the text is known."""
    text = text[:LONGEST]
    found = read_quantities(text)
    return Question(
        text,
        language_of(text),
        read_asked(text),
        tuple(item for item in found if isinstance(item, Given)),
        tuple(item for item in found if isinstance(item, Unread)),
        tuple(read_names(text)),
    )


def read_asked(text: str) -> tuple[Asked, ...]:
    """What a text asks for, in its order; a unit that is asked for in a sentence of its own belongs to the last."""
    plain = make_plain(text)
    folded = fold_characters(plain)
    found: list[Asked] = []
    for start, end in sentences(plain):
        said = ANSWER_IN.search(folded, start, end) if found else None
        if said and (wanted := read_answer_unit(plain, folded, said.end(), fold_characters(found[-1].what))):
            found[-1] = with_unit(found[-1], wanted[0])
            continue
        found += read_sentence(plain, folded, start, end)
    if not found:
        found = read_fragment(plain, folded)
    return tuple(found[:MOST])


def sentences(plain: str) -> list[tuple[int, int]]:
    """Where each sentence stands."""
    edges = [0]
    for match in SENTENCE_END.finditer(plain):
        edges.append(match.end())
    edges.append(len(plain))
    return [(a, b) for a, b in pairwise(edges) if plain[a:b].strip()][:2000]


def read_sentence(plain: str, folded: str, start: int, end: int) -> list[Asked]:
    """What one sentence asks for."""
    asks = "?" in plain[start:end]
    matches = [m for m in ASKING.finditer(folded, start, end) if is_asking(folded, m, start, asks)]
    if not matches:
        body = folded[start:end].strip()
        if asks and (YES_NO.match(body) or INVERTED.search(body)):
            return [make_asked(plain, folded, start, end, "", "yes_no")]
        return [make_asked(plain, folded, start, end, "", "value")] if asks else []
    found = []
    for match, then in zip(matches, [*matches[1:], None], strict=True):
        limit = then.start() if then else end
        if then is not None and not find_measures(folded[match.end() : limit]) and match["do"]:
            continue  # "tell me what the thrust is"
        kind: AskedKind = "comparison" if COMPARE.match(folded[match.start() : limit]) else "value"
        found += split_asked(plain, folded, match.start(), match.end(), limit, kind)
    return found


def is_asking(folded: str, match: re.Match[str], start: int, asks: bool) -> bool:
    """Whether an interrogative or imperative stands where it asks, and is no relative pronoun."""
    lead = folded[start : match.start()].rstrip()
    if match["do"]:
        return not lead or lead[-1] in ",;:.-–)" or lead.endswith((" and", " et", " then", " puis", "please"))
    word = match["wh"]
    opens = not lead or lead[-1] in ",;:"
    if "which" in word or "lequel" in word or "laquelle" in word:
        return asks and (opens or not word.startswith("which"))
    return asks or opens or bool(re.search(rf"{IMPERATIVE}$", lead))


def split_asked(plain: str, folded: str, begin: int, start: int, end: int, kind: AskedKind) -> list[Asked]:
    """One or, where two quantities are joined by "and", several."""
    whole = make_asked(plain, folded, start, end, folded[begin:start], kind)
    head_end = start + len(whole.what)
    parts = [start, *(m.end() for m in BOTH.finditer(folded, start, min(head_end, end))), head_end]
    if len(parts) > 2 and kind == "value":
        named = [bool(find_measures(folded[a:b])) for a, b in pairwise(parts)]
        if all(named):
            edges = list(zip(parts, [*parts[1:-1], end], strict=False))
            return [make_asked(plain, folded, a, b, folded[begin:start], kind) for a, b in edges]
    return [whole]


def make_asked(plain: str, folded: str, start: int, end: int, interrogative: str, kind: AskedKind) -> Asked:
    """What stands between two places, asked by an interrogative."""
    if stop := STOP.search(folded, start, end):
        end = stop.start()
    while start < end and plain[start] in " ,:":
        start += 1
    clause = folded[start:end]
    head = clause
    if (tail := TAIL.search(clause, 1)) and stems(clause[: tail.start()]):
        head = clause[: tail.start()]
    named = find_measures(head) or find_measures(clause)
    many = HOW_MANY.search(f"{interrogative} {clause}")
    unit = asked_unit(plain, folded, start, end, interrogative, clause)
    measures = find_implied(f"{interrogative.strip()} {clause}".strip())
    if measures is None and named:
        measures = named[0][2]
    if unit is not None:
        measures = unit if unit != "%" else ""
    elif many and (measures is None or re.match(r"how many|combien", interrogative)):
        kind = "count" if kind == "value" and measures is None else kind
        measures = "" if measures is None else measures
    if measures == "" and unit is None and PERCENT.search(f"{interrogative} {clause}"):
        unit = "%"
    what = plain[start : start + len(head)].strip()
    first = stems(head[named[0][0] : named[0][1]]) if named and named[0][1] <= len(head) else ()
    words = tuple(dict.fromkeys([*first, *stems(what), *stems(clause)]))[:16]
    return Asked(what, words, unit, measures, start, end, kind)


def asked_unit(plain: str, folded: str, start: int, end: int, interrogative: str, clause: str) -> str | None:
    """The unit that a clause names for what it asks, if any: how many kilograms, in kN, (kg)."""
    many = HOW_MANY.match(clause) or (OF_THEM.match(clause) if re.search(r"how many|combien", interrogative) else None)
    if many:
        unit = read_unit(plain, folded, start + many.end())
        if isinstance(unit, UnitText):
            return settle_unit(unit.unit, clause, plain[unit.end : unit.end + 20])[0]
    asked = None
    for match in IN_UNIT.finditer(folded, start, end):
        found = read_answer_unit(plain, folded, match.end(), clause)
        if found is None:
            continue
        unit_name, place = found
        if match[0][0] in "([" and not re.match(r"\s?[)\]]", plain[place : place + 2]):
            continue
        if match[0] == ", " and not re.match(r" ?(?:[?.!]|$)", plain[place : place + 2]):
            continue
        asked = unit_name
    return asked


def read_answer_unit(plain: str, folded: str, at: int, about: str) -> tuple[str, int] | None:
    """The unit that stands at a place by itself, for an answer about something, and its end; None for none."""
    if percent := PERCENT_UNIT.match(folded, at):
        return "%", percent.end()
    unit = read_unit(plain, folded, at)
    if not isinstance(unit, UnitText):
        return None
    run, behind = folded[at : unit.end], folded[unit.end : unit.end + 2]
    if run in ("a", "an", "the", "h", "second", "mole", "bar") and re.match(r" [a-z]", behind):
        return None
    if unit.unit == "C" and any(measures == "K" for _, _, measures in find_measures(about)):
        return "°C", unit.end
    return settle_unit(unit.unit, about, "")[0], unit.end


def with_unit(asked: Asked, unit: str) -> Asked:
    """The same, wanted in a unit."""
    return replace(asked, unit=unit, measures="" if unit == "%" else unit)


def read_fragment(plain: str, folded: str) -> list[Asked]:
    """A text that is no question: the first thing it names before its first number, such as "Thrust in kN of ..."."""
    digit = re.search(r"\d", folded)
    end = digit.start() if digit else min(len(folded), 300)
    named = find_measures(folded[:end])
    if not named:
        return []
    asked = make_asked(plain, folded, named[0][0], len(folded), "", "value")
    return [asked]
