"""What a text leaves unsaid of its quantities: units of bare numbers, sums, which mass is propellant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from galop.science.constants import R
from galop.science.reading.passage import Passage
from galop.science.reading.quantities import Given, Unread
from galop.science.reading.quantity_words import find_measures
from galop.science.reading.substances import Name
from galop.science.reading.unit_context import is_pure_cue
from galop.science.reading.words import stems
from galop.science.units import parse_quantity, same_dimension

LEADS = re.compile(r"(?:\bat|\bfrom|\ba|\bde|\bof|\bentre|\bbetween|\bwas|\bis) $")
UP_TO = re.compile(
    r" ?(?:to|a|jusqu'a|->|→|up to|down to)(?: (?:boiling|ebullition|freezing|about|environ)){0,2}(?: (?:at|a))? ?"
)
WITHIN = re.compile(r"(?: [a-z]+){0,3},?(?: (?:and|et|but|mais|/))?(?: [a-z]+){0,2} ?")  # 20 °C inside and -5 outside
WITHOUT = re.compile(r" (?:outside|inside|outdoors|indoors|dehors|dedans|au[- ]dehors|a l'(?:ext|int)erieur)(?!\w)")
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
PROPELLANT, ALTITUDE = stems("propellant ergols"), stems("altitude")
ALOFT = re.compile(
    r"(?:\borbit\w*|\bcircl\w*|\bsatellites?|\bspacecraft|\bsondes?|\bcubesats?|\bleo|\bstation|\biss)\b[^.;?!]{0,40}? "
    r"(?:at|a) (?:about |environ )?$"
)
EXCHANGER = re.compile(r"exchang|echang|counterflow|counter-?current|contre-?courant|co-?courant|\blmtd\b|\bdtlm\b")
STREAM = re.compile(
    r"[^.;\d]{0,40}?(?:->|→|\bto\b|\ba\b|\bjusqu|\bleav\w+|\bout\b|\bsort\w*|\bexit\w*|\bcooled\b|\bheated\b)[^.;\d]{0,16}"
)
DENSITY, GASES = frozenset(stems("density densité volumique rho")), frozenset(stems("air gas gaz"))
CONDUCTIVITY = frozenset(stems("conductivity conductivité lambda λ"))
WALLS = re.compile(r"insul|isol|\bwalls?\b|\bmurs?\b|\bwool\b|laine|thick|epais|window|vitrage|\bpipe")
OF_FLOWS = re.compile(  # that are told by their Mach numbers
    r"\bmach\b|sonic|nozzle|tuyere|\bshock|\bchoc\b|isentrop|stagnation|wind tunnel|souffl|aircraft|avion|missile|"
    r"\bduct|inlet|area ratio|rapport (?:de|des) section"
)
HEAVY = 12  # g/mol, above which a number M is hardly Mach's
GAS_CONSTANT = re.compile(r"(?:gas constant|constante (?:specifique |massique )?(?:du |des |d'un )?gaz)[^.;,]{0,12}$")
CENTRAL = re.compile(r"radius|rayon|semi|axe|axis|cent(?:re|er)|apog|perig|apoaps|periaps")


def fill_in(passage: Passage, found: Sequence[Given | Unread], names: Sequence[Name]) -> list[Given | Unread]:
    """The quantities of a passage with what it leaves unsaid of them, in their order."""
    made = share_unit_in_brackets(passage, share_unit_ahead(passage, found))
    made = [state_gas_constant(passage, state_molar_mass(passage, state_gravity(item))) for item in made]
    made = [name_altitude(passage, name_density_of_gas(state_density(state_resistivity(item, names)))) for item in made]
    made = name_streams(passage, [state_conductivity(passage, item) for item in made])
    return add_up_pairs(passage, [name_propellant(passage, item, names) for item in made])


def share_unit_ahead(passage: Passage, found: Sequence[Given | Unread]) -> list[Given | Unread]:
    """With the unit of the next one for a bare number, enters at 37 and leaves at 29 °C, or of a temperature before it:
    from 16 °C to boiling at 100; but not for an efficiency of 0.65 and a flow of 9 m³/h."""
    made = list(found)
    for i in reversed(range(len(made) - 1)):
        one, other = made[i], made[i + 1]
        if not isinstance(one, Given) or not isinstance(other, Given) or one.kind != "number" or not other.unit:
            continue
        if one.symbol or not LEADS.search(passage.folded[max(0, one.start - 9) : one.start]):
            continue
        between, ahead = passage.folded[one.end : other.start], passage.folded[max(0, one.start - 16) : one.start]
        if GOES_ON.fullmatch(between) and not find_measures(between) and not is_pure_cue(ahead):
            made[i] = replace(one, unit=other.unit, kind="measure", assumed=f"{one.text} is read in {other.unit}")
    for i in range(1, len(made)):
        one, other = made[i - 1], made[i]
        if not isinstance(one, Given) or not isinstance(other, Given) or other.kind != "number" or other.symbol:
            continue
        beside = WITHIN.fullmatch(passage.folded, one.end, other.start) and WITHOUT.match(passage.folded, other.end)
        if one.unit in ("°C", "°F", "K") and (beside or UP_TO.fullmatch(passage.folded, one.end, other.start)):
            made[i] = replace(other, unit=one.unit, kind="measure", assumed=f"{other.text} is read in {one.unit}")
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


def state_gravity(item: Given | Unread) -> Given | Unread:
    """A bare number g as the acceleration of gravity on Earth: (rho 1000, g 9.81)."""
    if not isinstance(item, Given) or item.kind != "number" or item.before[:1] != ("g",):
        return item
    if not 9.7 < item.value < 10.1:
        return item
    return replace(item, unit="m/s^2", kind="measure", assumed=f"{item.text} is read as {item.value:g} m/s^2")


def state_gas_constant(passage: Passage, item: Given | Unread) -> Given | Unread:
    """The constant of one gas as what it says: its molar mass, R / r. Air's is known where it stands without a name."""
    if not isinstance(item, Given) or not item.unit or not same_dimension(item.unit, "J/kg/K"):
        return item
    value = parse_quantity(item.quantity, "J/kg/K", "")
    named = item.symbol in ("R", "r", "Rs", "R_s") or GAS_CONSTANT.search(passage.folded[: item.start])
    if not (named and 20 < value < 5000) and not 286.5 <= value <= 287.5:
        return item
    mass = float(f"{1000 * R / value:.6g}")
    return replace(
        item, value=mass, unit="g/mol", before=(*stems("molar mass"), *item.before), symbol="",
        assumed=f"the gas constant {item.text} is of {mass:g} g/mol",
    )  # fmt: skip


def state_molar_mass(passage: Passage, item: Given | Unread) -> Given | Unread:
    """A bare number M as a molar mass in g/mol, where no flow is spoken of that has a Mach number: M = 4.0026."""
    if not isinstance(item, Given) or item.kind != "number" or item.symbol != "M" or item.value < 1:
        return item
    flows = OF_FLOWS.search(passage.folded)
    if flows and (item.value < HEAVY or "mach" in passage.folded):
        return item
    before = (*stems("molar mass"), *(s for s in item.before if s not in stems("mach number nombre")))
    return replace(
        item, unit="g/mol", kind="measure", before=before, assumed=f"{item.text} is read as {item.value:g} g/mol"
    )


def state_density(item: Given | Unread) -> Given | Unread:
    """A bare number whose symbol is rho as a density, of a solid or liquid: g/cm³ up to 30, kg/m³ above."""
    if not isinstance(item, Given) or item.kind != "number" or item.before[:1] != ("rho",) or item.value < 0.05:
        return item
    unit = "g/cm^3" if item.value < 30 else "kg/m^3"
    before = tuple(dict.fromkeys((*stems("density"), *item.before)))
    return replace(
        item, unit=unit, kind="measure", before=before, assumed=f"{item.text} is read as {item.value:g} {unit}"
    )


def state_conductivity(passage: Passage, item: Given | Unread) -> Given | Unread:
    """A bare number as a thermal conductivity, where a text is of walls and their insulation: insulation k = 0.036."""
    if not isinstance(item, Given) or item.kind != "number" or not 0.005 <= item.value <= 500:
        return item
    if item.symbol.lower() not in ("k", "λ", "lambda") and not CONDUCTIVITY & {*item.before[:2]}:
        return item
    if not WALLS.search(passage.folded):
        return item
    before = (*stems("conductivity"), *(s for s in item.before if s not in stems("ratio specific heats")))
    return replace(
        item, unit="W/m/K", kind="measure", before=before, assumed=f"{item.text} is read as {item.value:g} W/m/K"
    )


def share_unit_in_brackets(passage: Passage, found: Sequence[Given | Unread]) -> list[Given | Unread]:
    """With the unit of the others for a bare number in brackets: brick (0.7 W/mK), wool (0.035)."""
    alone = [item for item in found if isinstance(item, Given) and is_bracketed(passage, item)]
    units = [item.unit for item in alone if item.unit]
    if not units or not all(same_dimension(units[0], unit) for unit in units):
        return list(found)
    return [
        replace(item, unit=units[0], kind="measure", assumed=f"{item.text} is read as {item.value:g} {units[0]}")
        if item in alone and isinstance(item, Given) and item.kind == "number" else item for item in found
    ]  # fmt: skip


def is_bracketed(passage: Passage, item: Given) -> bool:
    """Whether a quantity stands alone in round brackets."""
    return passage.plain[item.start - 1 : item.start] == "(" and passage.plain[item.end : item.end + 1] == ")"


def name_altitude(passage: Passage, item: Given | Unread) -> Given | Unread:
    """A height at which something circles a body as an altitude: a satellite at 800 km around Mars."""
    if not isinstance(item, Given) or item.unit not in ("km", "mile", "nmi") or item.symbol:
        return item
    if not ALOFT.search(passage.folded[max(0, item.start - 60) : item.start]):
        return item
    if CENTRAL.search(passage.folded[max(0, item.start - 60) : item.end + 30]):
        return item
    return replace(item, before=tuple(dict.fromkeys((*ALTITUDE, *item.before))))


def name_streams(passage: Passage, found: Sequence[Given | Unread]) -> list[Given | Unread]:
    """Where two streams of an exchanger change their temperatures, what cools is the hot one: oil 95 -> 60 °C."""
    made = list(found)
    if not EXCHANGER.search(passage.folded):
        return made
    for i in range(len(made) - 1):
        one, other = made[i], made[i + 1]
        if not isinstance(one, Given) or not isinstance(other, Given) or not is_warm(one) or not is_warm(other):
            continue
        if STREAM.fullmatch(passage.folded, one.end, other.start):
            first, last = (parse_quantity(given.quantity, "K", "") for given in (one, other))
            side = stems("hot" if first > last else "cold")
            for at, end in ((i, "inlet"), (i + 1, "outlet")):
                given = made[at]
                made[at] = replace(given, before=tuple(dict.fromkeys((*side, *stems(end), *given.before))))
    return made


def is_warm(given: Given) -> bool:
    """Whether a quantity is a temperature."""
    return given.unit in ("°C", "°F", "K")


def name_density_of_gas(item: Given | Unread) -> Given | Unread:
    """A bare density of a gas in kg/m³."""
    if not isinstance(item, Given) or item.kind != "number" or not DENSITY & {*item.before[:2], *item.after[:1]}:
        return item
    if not GASES & {*item.before[:3], *item.after[:2]} or not 0 < item.value < 20:
        return item
    return replace(item, unit="kg/m^3", kind="measure", assumed=f"{item.text} is read as {item.value:g} kg/m^3")


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
