"""Numbers and units as people and models write them, on top of pint."""

from __future__ import annotations

import re
import sys
from functools import cache, lru_cache
from typing import Any

import pint

from galop.errors import GalopError

UNITS = (  # that a model may choose from; more are understood
    "s ms µs min h day year m km cm dm mm µm um nm inch ft m² m^2 dm² dm^2 cm² cm^2 mm² mm^2 µm² ft² kg g mg t lb "
    "kg/s g/s t/s lb/s kg/h t/h Pa kPa MPa GPa hPa bar mbar atm psi torr mmHg K °C degC °F degF W kW MW GW hp V "
    "mV µV uV kV A mA µA uA kA nA A/m² A/m^2 A/cm² A/cm^2 A/dm² A/dm^2 mA/m² mA/m^2 mA/cm² mA/cm^2 µA/cm² µA/cm^2 "
    "uA/cm² uA/cm^2 A/ft² mol/L mmol/L µmol/L mol/m³ mol/m^3 mol/dm³ mol/dm^3 mol/cm³ mol/cm^3 mmol/cm³ M mM µM "
    "uM m²/s m^2/s cm²/s cm^2/s mm²/s mm^2/s V/s mV/s V/min g/mol kg/mol kg/kmol kg/m³ kg/m^3 g/cm³ g/cm^3 g/mL "
    "g/L kg/L kg/dm³ m/s km/s cm/s mm/s km/h ft/s J/mol/K kJ/mol/K kJ/mol J/mol J/kg/K kJ/kg/K J/g/K J/kg kJ/kg "
    "mA*h/g mAh/g A*h/kg Ah/kg C/g Pa*s mPa*s W*h/kg Wh/kg kW*h kWh J kJ MJ ohm Ω kΩ mΩ µF F mF Hz kHz W/m²/K "
    "W/m^2/K kW/m²/K W/m/K W/m² W/m^2 kW/m² W/cm² MW/m² MW/m^2 N kN MN mm/year mol mmol L mL m³ cm³ mm³ L/s L/min m³/s "
    "m/s² kN*s Ah mAh A*h"
).split()
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
TIMES_TEN = rf"(?:[x×*]|\\times|\\cdot)\s*10\s*(?:(?:\^|\*\*)\s*\{{?\s*([-+−]?\d+)\s*\}}?|([-−]\d+|[{RAISED}]+))"
NUMBER = rf"[-+−]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][-+−]?\d+|\s*{TIMES_TEN})?"
LONGEST_UNIT = 60  # characters


class ScienceError(GalopError):
    """An input that a formula cannot take: of the wrong kind, of the wrong dimension, or out of its range."""

    exit_code = 2


@cache
def unit_registry() -> pint.UnitRegistry[Any]:
    """The units of pint, and what else rockets and cells are measured in."""
    units: pint.UnitRegistry[Any] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    units.define("decade = 1 = _ = dec")
    units.define("lbm = pound")
    units.define("psia = psi")
    units.define("lbmol = 453.59237 * mole")
    for column, metre in {"mWC": 1, "cmWC": 0.01, "mmWC": 0.001, "inWC": 0.0254}.items():
        units.define(f"{column} = {metre} * 9806.65 * pascal")  # of water at 4 °C
    for gauge, pascal in {"psig": 6894.757293168361, "barg": 1e5, "mbarg": 100, "kPag": 1e3, "MPag": 1e6}.items():
        units.define(f"{gauge} = {pascal} * pascal; offset: 101325")  # above one standard atmosphere
    units.define("tr = turn")
    units.define("gpm = gallon / minute")
    units.define("mpy = thou / year")
    return units


@cache
def compatible_units(unit: str) -> list[str]:
    """`unit` and those of UNITS that measure the same, those of "K" for "ΔK"; none for a pure number."""
    unit = unit.removeprefix("Δ")
    asked = unit_registry().Unit(normalise_unit(unit)) if unit else None
    alike = [u for u in UNITS if asked and unit_registry().Unit(normalise_unit(u)).is_compatible_with(asked)]
    return list(dict.fromkeys([unit, *alike])) if asked else []


@lru_cache(5_000)
def same_dimension(unit: str, other: str) -> bool:
    """Whether two units measure the same; "" measures nothing."""
    if not unit or not other:
        return unit == other
    try:
        registry = unit_registry()
        return bool(registry.Unit(normalise_unit(unit)).is_compatible_with(registry.Unit(normalise_unit(other))))
    except Exception:  # what pint's parser stumbles on
        return False


def quantity_pattern(unit: str) -> str:
    """A pattern of numbers in `unit` or one like it, so that no model leaves it out or mistakes it."""
    return rf"^-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)? ({'|'.join(map(re.escape, compatible_units(unit)))})$"


def normalise_unit(text: str) -> str:
    """A unit as people write it, in pint's spelling. Raises ValueError for what is too long, or a power too high."""
    text = text.strip().strip("$")
    if len(text) > LONGEST_UNIT:
        raise ValueError("it is too long for a unit")
    text = re.sub(r"\\(?:mathrm|text|,|;|!)\s*\{?|[{}]", "", text)
    for theirs, ours in {"°C": "degC", "℃": "degC", "°F": "degF", "·": "*", "⋅": "*", "\\cdot": "*", "−": "-",
                         "µ": "u", "μ": "u", "Ω": "ohm", "Å": "angstrom", "%": "percent", "∆": "Δ", "ΔK": "K",
                         "Δ": "delta_"}.items():  # fmt: skip
        text = text.replace(theirs, ours)
    text = re.sub(f"[{RAISED}]+", lambda m: f"**{plain_digits(m[0])}", text).replace("^", "**")
    text = re.sub(r"/([A-Za-z]+)(\d)([A-Za-z]+)", r"/\1**\2/\3", text)  # W/m2K
    text = re.sub(r"\bNm(?=3|\*\*3)", "m", text)  # a normal cubic metre
    text = re.sub(r"/ ?(m(?:\*\*2|2)?|kg|g|mol)[* ]?K\b", r"/\1/K", text)  # W/mK: no millikelvin; J/kg K
    text = re.sub(r"^/", "1/", text)
    text = re.sub(r"(?<=[A-Za-z])(-?\d+)(?![\d*.])", r"**\1 ", text)  # m s-2
    if re.search(r"\*\*\s*(?!-?\d{1,2}(?!\d|\s*\*\*))", text):
        raise ValueError("a power in a unit is a whole number of at most two digits")
    return re.sub(r"(?<=[\w)])\s+(?=[A-Za-z(])", "*", text)


def parse_number(text: str) -> float:
    """As people write it: 1,234.5, 1,5 (a decimal comma), 4.2×10^3, 1e-6. Raises ValueError."""
    text = re.sub(TIMES_TEN, lambda m: f"e{plain_digits(m[1] or m[2])}", text).replace("−", "-")
    if re.fullmatch(r"[-+]?(?:\d+,(?!\d{3}(?:\D|$))\d+|0,\d+)(?:e.*)?", text.strip(), re.IGNORECASE):
        text = text.replace(",", ".")
    return float(re.sub(r"[,_\s]", "", text))


def plain_digits(text: str) -> str:
    """Raised digits as digits."""
    return text.translate(str.maketrans(RAISED, "0123456789-"))


def parse_quantity(given: float | str, unit: str, what: str) -> float:
    """The number of `unit` that a text such as "70 bar" stands for, or, where `unit` is "", a pure number.

    In "ΔK", what is given in °C or °F is a difference of temperatures.

    Raises ScienceError for a number that lacks its unit, for a unit of something else or of nothing, and for a number
    that is too large.
    """
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        if not abs(given) <= sys.float_info.max:
            raise ScienceError(f"{what}: the number is too large, or none")
        if not unit:
            return float(given)
        given = f"{given:g}"
    match = re.fullmatch(rf"\s*({NUMBER})\s*(.*?)\s*", str(given), re.DOTALL)
    if not match:
        raise ScienceError(f"{what}: {str(given)[:60]!r} is no number with a unit, such as 1 {unit}".rstrip())
    value = parse_number(match[1])
    if abs(value) > sys.float_info.max:
        raise ScienceError(f"{what}: the number is too large")
    if not match[4]:
        if unit:
            raise ScienceError(f"{what}: {match[1]} has no unit; write it with one, such as {match[1]} {unit}")
        return value
    if not unit and re.fullmatch(r":\s*1", match[4]):  # 40:1
        return value
    try:
        theirs = normalise_unit(match[4])
        if unit in ("K", "ΔK") and theirs in ("C", "F"):  # no charge
            theirs = f"deg{theirs}"
        if unit == "ΔK" and theirs in ("degC", "degF"):
            theirs = f"delta_{theirs}"
        found = unit_registry().Quantity(value, theirs)
        return float(found.to(normalise_unit(unit) or "dimensionless").magnitude)
    except pint.DimensionalityError:
        raise ScienceError(f"{what}: {match[4][:40]} is not a unit of {unit or 'a pure number'}") from None
    except Exception as error:  # pint raises what its parser stumbles on
        raise ScienceError(f"{what}: {match[4][:40]!r} is not a unit that is known ({type(error).__name__})") from None
