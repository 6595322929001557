"""What a text leaves unsaid of its quantities: units of bare numbers, sums, which mass is propellant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from galop.science.reading.passage import Passage
from galop.science.reading.quantities import Given, Unread
from galop.science.reading.substances import Name
from galop.science.reading.words import stems
from galop.science.units import parse_quantity, same_dimension

LEADS = re.compile(r"(?:\bat|\bfrom|\ba|\bde|\bof|\bentre|\bbetween|\bwas|\bis) $")
GOES_ON = re.compile(r",? (?:and|et|to|a|then|puis|but|mais)(?: [a-z]+){0,3} ?(?:at|to|of|a|de|with)? ?")
PLUS = re.compile(
    r"((?: [a-z'-]+){0,3}) (?:plus|\+) (?:an? |the |une? |le |la |l'|his |her |its |son |sa )?((?:[a-z'-]+ ){0,2})"
)
RESISTIVITY = frozenset(stems("resistivity résistivité rho ρ"))
THRUSTER = re.compile(r"\bisp\b|specific impulse|impulsion specifique|delta-?v|thruster|propulseur|exhaust velocity")
FUELS = frozenset(
    "LH2 LOX LCH4 RP-1 ethanol methanol MMH UDMH N2H4 NH3 Jet-A C3H8 N2O4 H2O2 N2O AP HTPB nitrogen xenon argon helium "
    "propane ammonia oxygen hydrogen methane".split()
)
OF = re.compile(r" (?:of |de |d')?(?:liquid |gaseous )?")
PROPELLANT = stems("propellant ergols")


def fill_in(passage: Passage, found: Sequence[Given | Unread], names: Sequence[Name]) -> list[Given | Unread]:
    """The quantities of a passage with what it leaves unsaid of them, in their order."""
    made = [state_resistivity(item, names) for item in share_unit_ahead(passage, found)]
    return add_up_pairs(passage, [name_propellant(passage, item, names) for item in made])


def share_unit_ahead(passage: Passage, found: Sequence[Given | Unread]) -> list[Given | Unread]:
    """With the unit of the next one for a bare number: enters at 37 and leaves at 29 °C."""
    made = list(found)
    for i in reversed(range(len(made) - 1)):
        one, other = made[i], made[i + 1]
        if not isinstance(one, Given) or not isinstance(other, Given) or one.kind != "number" or not other.unit:
            continue
        if one.symbol or not LEADS.search(passage.folded[max(0, one.start - 9) : one.start]):
            continue
        if GOES_ON.fullmatch(passage.folded, one.end, other.start):
            made[i] = replace(one, unit=other.unit, kind="measure", assumed=f"{one.text} is read in {other.unit}")
    return made


def state_resistivity(item: Given | Unread, names: Sequence[Name]) -> Given | Unread:
    """A bare number as a resistivity, where it is called one or stands behind a metal's name, and is as small."""
    if not isinstance(item, Given) or item.kind != "number" or not 1e-9 < item.value < 1e-6:
        return item
    metal = any(name.kind == "metal" and 0 <= item.start - name.end <= 3 for name in names)
    if not metal and not RESISTIVITY & {*item.before[:2], *stems(item.symbol)}:
        return item
    return replace(
        item, unit="ohm*m", kind="measure", before=(*stems("resistivity"), *item.before),
        assumed=f"{item.text} is read as {item.value:g} ohm m",
    )  # fmt: skip


def name_propellant(passage: Passage, item: Given | Unread, names: Sequence[Name]) -> Given | Unread:
    """A mass of a fuel or a gas as propellant, where a text is of a rocket's thrust: 0.9 kg nitrogen, Isp 65 s."""
    if not isinstance(item, Given) or not item.unit or not same_dimension(item.unit, "kg"):
        return item
    of = next((name for name in names if OF.fullmatch(passage.folded, item.end, name.start)), None)
    if of is None or not FUELS & {*of.called} or not THRUSTER.search(passage.folded):
        return item
    return replace(item, before=tuple(dict.fromkeys((*PROPELLANT, *item.before))))


def add_up_pairs(passage: Passage, found: Sequence[Given | Unread]) -> list[Given | Unread]:
    """With one quantity for two of a kind that are joined by "plus": a 75 kg cyclist plus a 9 kg bike."""
    made: list[Given | Unread] = []
    for item in found:
        last = made[-1] if made else None
        alike = isinstance(last, Given) and isinstance(item, Given) and last.kind == item.kind == "measure"
        if not alike or not isinstance(last, Given) or not isinstance(item, Given):
            made.append(item)
        elif same_dimension(last.unit, item.unit) and PLUS.fullmatch(passage.folded, last.end, item.start):
            value = last.value + parse_quantity(item.quantity, last.unit, "")
            said = f"{last.text} and {item.text} are {value:g} {last.unit}"
            whole = passage.plain[last.start : item.end]
            after = (*last.after, *item.after)
            made[-1] = replace(last, value=value, text=whole, after=after, assumed=said, end=item.end)
        else:
            made.append(item)
    return made
