"""Atomic weights, densities of elements, and the molar mass of a formula."""

from __future__ import annotations

import re
from functools import lru_cache

from galop.science.units import ScienceError

WEIGHTS_SOURCE = "IUPAC standard atomic weights 2021, abridged"
ATOMIC_WEIGHTS = {
    symbol: float(weight)
    for symbol, weight in re.findall(
        r"([A-Z][a-z]?) ([\d.]+)",
        "H 1.008 He 4.0026 Li 6.94 Be 9.0122 B 10.81 C 12.011 N 14.007 O 15.999 F 18.9984 Ne 20.180 Na 22.98977 "
        "Mg 24.305 Al 26.98154 Si 28.085 P 30.97376 S 32.06 Cl 35.45 Ar 39.95 K 39.0983 Ca 40.078 Sc 44.95591 "
        "Ti 47.867 V 50.9415 Cr 51.9961 Mn 54.93804 Fe 55.845 Co 58.93319 Ni 58.6934 Cu 63.546 Zn 65.38 Ga 69.723 "
        "Ge 72.630 "
        "As 74.92160 Se 78.971 Br 79.904 Kr 83.798 Rb 85.4678 Sr 87.62 Y 88.90584 Zr 91.224 Nb 92.90637 Mo 95.95 "
        "Ru 101.07 Rh 102.90549 Pd 106.42 Ag 107.8682 Cd 112.414 In 114.818 Sn 118.710 Sb 121.760 Te 127.60 I "
        "126.90447 "
        "Xe 131.293 Cs 132.90545 Ba 137.327 La 138.90547 Ce 140.116 Pr 140.90766 Nd 144.242 Sm 150.36 Eu 151.964 "
        "Gd 157.25 Tb 158.92535 Dy 162.500 Ho 164.93033 Er 167.259 Tm 168.93422 Yb 173.045 Lu 174.9668 Hf 178.486 "
        "Ta 180.94788 W 183.84 Re 186.207 Os 190.23 Ir 192.217 Pt 195.084 Au 196.96657 Hg 200.592 Tl 204.38 Pb 207.2 "
        "Bi 208.98040 Th 232.0377 Pa 231.03588 U 238.02891",
    )
}
DENSITY_SOURCE = "CRC Handbook of Chemistry and Physics, 97th ed., sec. 4 (near 20 °C)"
DENSITIES = {  # g/cm³
    symbol: float(density)
    for symbol, density in re.findall(
        r"([A-Z][a-z]?) ([\d.]+)",
        "Li 0.534 Be 1.85 C 2.2 Na 0.97 Mg 1.74 Al 2.70 Si 2.3296 S 2.07 K 0.89 Ca 1.54 Ti 4.506 V 6.0 Cr 7.15 Mn 7.3 "
        "Fe 7.87 Co 8.86 Ni 8.90 Cu 8.96 Zn 7.134 Ga 5.91 Ge 5.3234 Zr 6.52 Nb 8.57 Mo 10.2 Ru 12.1 Rh 12.4 Pd 12.0 "
        "Ag 10.5 Cd 8.69 In 7.31 Sn 7.287 Sb 6.68 Ta 16.4 W 19.3 Re 20.8 Os 22.587 Ir 22.562 Pt 21.5 "
        "Au 19.3 Hg 13.5336 Tl 11.8 Pb 11.3 Bi 9.79 U 19.1",
    )
}
LONGEST = 60  # characters of a formula


@lru_cache(2_000)
def molar_mass(formula: str) -> float:
    """The molar mass in g/mol of a formula such as Ca(OH)2, CuSO4·5H2O or SO4^2-; charges weigh nothing.

    Raises ScienceError for what is no formula.
    """
    text = re.sub(r"\^?\d?[+-]$|\^\d?[+-]$", "", formula.strip())
    if not text or len(text) > LONGEST:
        raise ScienceError(f"{formula[:LONGEST]!r} is no chemical formula")
    total = 0.0
    for part in re.split(r"[·*]|\.(?=\d*H2O)", text):
        times = re.match(r"\d{1,2}", part)
        count, end = weigh_group(part, times.end() if times else 0, formula)
        if end != len(part) or not count:
            raise ScienceError(f"{formula[:LONGEST]!r} is no chemical formula")
        total += count * (int(times[0]) if times else 1)
    return total


def weigh_group(text: str, at: int, formula: str, depth: int = 0) -> tuple[float, int]:
    """The mass of a group of atoms that begins at a place, and where it ends. Raises ScienceError."""
    total = 0.0
    while at < len(text) and text[at] != ")":
        if text[at] == "(" and depth < 3:
            inside, at = weigh_group(text, at + 1, formula, depth + 1)
            at += 1
        else:
            symbol = re.compile(r"[A-Z][a-z]?").match(text, at)
            name = symbol[0] if symbol and symbol[0] in ATOMIC_WEIGHTS else symbol[0][:1] if symbol else ""
            if name not in ATOMIC_WEIGHTS:
                raise ScienceError(f"{formula[:LONGEST]!r} is no chemical formula")
            inside, at = ATOMIC_WEIGHTS[name], at + len(name)
        number = re.compile(r"\d+(?:\.\d+)?").match(text, at)
        if number:
            at = number.end()
        total += inside * (float(number[0]) if number else 1.0)
    return total, at
