"""What may be assumed where a question does not give it: by role, each with its source."""

from __future__ import annotations

import pytest

from galop.science.elements import ATOMIC_WEIGHTS, DENSITIES, molar_mass
from galop.science.planning.assumptions import find_assumptions, tables
from galop.science.reading.question import read_question
from galop.science.units import ScienceError, parse_quantity

COPPER = "How much copper does 10 A deposit in 1 h?"


@pytest.mark.parametrize(
    ("text", "unit", "role", "value", "of"),
    [
        (COPPER, "g/mol", "molar mass of the metal", 63.546, "Cu"),
        (COPPER, "", "electrons exchanged per formula unit", 2, "Cu2+/Cu"),
        (COPPER, "g/cm^3", "density of the metal", 8.96, "Cu"),
        (COPPER, "kg/m^3", "density of the metal", 8.96, "Cu"),
        (COPPER, "K", "temperature", 298.15, ""),
        (COPPER, "V", "standard voltage or potential", 0.34, "Cu2+/Cu"),
        ("Quelle masse d'argent dépose-t-on ?", "g/mol", "masse molaire", 107.8682, "Ag"),
        ("Du fer(III) est réduit.", "", "nombre d'électrons", 3, "Fe3+"),
        ("MnO4-/Mn2+ at pH 3", "", "electrons of the couple", 5, "MnO4-/Mn2+"),
        ("A pile of LiFePO4", "kg/mol", "molar mass", 157.755, "LiFePO4"),
        ("un ion SO4^2-", "", "charge number of the ion", -2, "SO42-"),
        ("Na+ across a membrane", "", "charge of the ion", 1, "Na+"),
        ("un réservoir d'oxygène liquide", "kg/m^3", "masse volumique", 1141.2, "LOX"),
        ("30 m deep in sea water", "kg/m^3", "density", 1025, "seawater"),
        ("Combien de litres de dihydrogène (CNTP) ?", "K", "temperature of the gas", 273.15, ""),
        ("litres of hydrogen at STP", "Pa", "pressure", 101_325, ""),
        ("A rocket on the ground", "m/s^2", "gravity", 9.80665, ""),
        ("A hopper on the Moon", "m/s^2", "gravity", 1.625, ""),
        ("une tuyère dans le vide", "Pa", "ambient pressure", 0, ""),
        ("a nozzle at sea level", "bar", "ambient pressure, 0 in vacuum", 101_325, ""),
        ("air in a duct", "", "ratio of specific heats", 1.4, "air"),
        ("an orbit", "m^3/s^2", "gravitational parameter of the body", 3.986004418e14, ""),
        ("une orbite autour de Mars", "m^3/s^2", "gravitational parameter", 4.282837e13, ""),
        ("an orbit of 400 km", "m", "radius of the planet", 6378.137, ""),
    ],
)
def test_what_a_question_leaves_out_is_found_by_its_role(
    text: str, unit: str, role: str, value: float, of: str
) -> None:
    first = find_assumptions(unit, role, read_question(text))[0]
    assert first.value == pytest.approx(value, rel=1e-5) and first.of == of and first.source
    parse_quantity(first.quantity, unit, "")


@pytest.mark.parametrize(
    ("unit", "role"),
    [
        ("K", "chamber temperature"), ("K", "wall temperature"), ("kg", "mass before the burn"), ("A", "current"),
        ("m/s", "exit velocity"), ("V", "overpotential"), ("", "efficiency"), ("Pa", "chamber pressure"), ("", "reaction quotient"),
    ],
)  # fmt: skip
def test_what_nobody_would_assume_is_not_assumed(unit: str, role: str) -> None:
    assert find_assumptions(unit, role, read_question(COPPER)) == []


def test_a_gas_has_no_temperature_of_its_own() -> None:
    assert find_assumptions("K", "temperature", read_question("50 L of nitrogen at 180 bar: what mass?")) == []


@pytest.mark.parametrize(
    ("formula", "mass"),
    [
        ("H2O", 18.015), ("Ca(OH)2", 74.092), ("CuSO4·5H2O", 249.677), ("Fe(CN)6^3-", 211.949), ("LiNi0.8Co0.15Al0.05O2", 96.08),
        ("SO4^2-", 96.056), ("Li4Ti5O12", 459.09), ("NaCl", 58.44), ("C6H12O6", 180.156), ("Al2(SO4)3", 342.132),
    ],
)  # fmt: skip
def test_molar_masses_follow_from_formulas(formula: str, mass: float) -> None:
    assert molar_mass(formula) == pytest.approx(mass, rel=2e-4)


@pytest.mark.parametrize("text", ["", "Xx2", "water", "H2O)", "((((H))))", "H" * 100, "2", "Cu2+/Cu"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ScienceError, match="no chemical formula"):
        molar_mass(text)


def test_the_tables_hold_what_they_should() -> None:
    assert len(ATOMIC_WEIGHTS) > 80 and all(0 < weight < 240 for weight in ATOMIC_WEIGHTS.values())
    assert set(DENSITIES) <= set(ATOMIC_WEIGHTS) and all(0.5 < density < 23 for density in DENSITIES.values())
    for _, _, assumption in tables()[0]:
        assert assumption.source
        parse_quantity(assumption.quantity, assumption.unit, "")
