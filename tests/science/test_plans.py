"""Plans for questions as people ask them: formulas, inverses, results of results, and what is missing."""

from __future__ import annotations

from math import asinh, exp, log, pi

import pytest

from galop.science.constants import G0, F, R
from galop.science.planning.candidates import find_candidates
from galop.science.planning.conclusion import answer
from galop.science.planning.plans import find_plans
from galop.science.reading.question import read_question


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        # One formula, its inputs told by words, symbols and dimensions; what it does not need is left out.
        ("The stage weighs 33 t at ignition and 8.1 t at burnout, Isp 351 s. Delta-v in km/s?",
         351 * G0 * log(33 / 8.1) / 1e3, "km/s"),
        ("Le banc, long de 12 m, alimente une pompe de rendement 68 % : 31 kg/s d'un liquide de 806 kg/m³, élévation "
         "de pression 7,2 MPa. Quelle puissance à l'arbre en kW ?", 31 * 7.2e6 / 806 / 0.68 / 1e3, "kW"),
        ("How many grams of silver do 7.5 A deposit in half an hour (107.87 g/mol, one electron)?",
         7.5 * 1800 * 107.87 / F, "g"),
        # Solved for an input.
        ("How many hours must 14 A flow to deposit 90 g of nickel (58.69 g/mol, 2 electrons)?",
         90 * 2 * F / 58.69 / 14 / 3600, "h"),
        ("Quelle impulsion spécifique faut-il pour 2,9 km/s avec un étage de 40 t qui pèse 15 t à vide ?",
         2900 / G0 / log(40 / 15), "s"),
        ("A cell shows 1.52 V; its standard voltage is 1.56 V, 2 electrons, 25 °C. What is the reaction quotient?",
         exp(0.04 * 2 * F / R / 298.15), ""),
        # Results of results.
        ("The engine gives 64 kN at an Isp of 318 s for 150 s. How many kg of propellant does it burn?",
         64e3 / 318 / G0 * 150, "kg"),
        ("A pump takes liquid in at 4 bar and delivers it at 160 bar: 21 kg/s, 1140 kg/m³, efficiency 66 %. Power in kW?",
         21 * 156e5 / 1140 / 0.66 / 1e3, "kW"),
        ("A chamber at 48 bar feeds a throat 11 cm in diameter; c* is 1690 m/s. What mass flow in kg/s?",
         48e5 * pi / 4 * 0.11**2 / 1690, "kg/s"),
    ],
)  # fmt: skip
def test_the_first_plan_answers(text: str, value: float, unit: str) -> None:
    question = read_question(text)
    [first, *_] = find_candidates(question)
    assert first.computation is not None, first.problem
    assert (first.computation.value, first.computation.unit) == (pytest.approx(value, rel=1e-3), unit)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        # Two of a kind are told apart by the words that only one of them has.
        ("By Butler-Volmer (alpha 0.5, one electron, 25 °C, i0 = 0.8 mA/cm2) which overpotential gives 3 mA/cm2, in mV?",
         2e3 * R * 298.15 / F * asinh(3 / 0.8 / 2), "mV"),
        ("How thick, in mm, must the wall of a cylindrical tank 1.2 m in diameter at 30 bar be if the steel is allowed "
         "400 MPa?", 4.5, "mm"),
        ("At which pressure, in MPa, does a propellant with 4.5 mm/s at 1 MPa and exponent 0.4 burn at 9 mm/s?",
         2**2.5, "MPa"),
        # What is stated twice in a list is there twice, and both have what both are said to have.
        ("A wall: 12 mm board (0.2 W/mK), 120 mm wool (0.036 W/mK), 12 mm board (0.2 W/mK), inside 20 °C, outside "
         "-6 °C, no film resistances. Heat flux in W/m2?", 26 / (0.024 / 0.2 + 0.12 / 0.036), "W/m^2"),
        ("Corrosion runs at 8 µA/cm2 with both Tafel slopes 120 mV/decade. What polarisation resistance in kohm*cm2 "
         "(Stern-Geary)?", 0.12 / 2 / log(10) / 8e-6 / 1e3, "kΩ*cm^2"),
        # Several that are connected.
        ("Two heaters of 40 ohm are wired in parallel across 230 V. What total power do they draw, in kW?",
         230**2 / 20 / 1e3, "kW"),
        ("Four 3.7 V cells in series feed a 30 ohm load. Current in A?", 4 * 3.7 / 30, "A"),
        ("Two boosters of 500 kN and a core of 800 kN fire together. Total thrust in kN?", 1800.0, "kN"),
        # Right by what things measure, though few words say so.
        ("Une plaque de 0,6 m² à 75 °C est refroidie par de l'air à 18 °C, coefficient de convection 14 W/m²/K. Quelle "
         "puissance évacue-t-elle en W ?", 14 * 0.6 * 57, "W"),
        ("Water leaves a hole in a tank at 9 m/s. How high above it is the surface in m (ideal)?", 81 / 2 / G0, "m"),
        ("Heat lost in W through a brick wall of 12 m2, 20 cm thick, k = 0.7 W/m/K, 20 °C inside and 2 °C outside?",
         756.0, "W"),
        ("Combien de coulombs dans une batterie de 65 Ah ?", 65 * 3600.0, "C"),
    ],
)  # fmt: skip
def test_the_answer_is_told(text: str, value: float, unit: str) -> None:
    found = answer(read_question(text))
    assert (found.status, found.value, found.unit) == ("computed", pytest.approx(value, rel=2e-3), unit), found.sentence


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("A pump lifts 12 kg/s of a liquid of 990 kg/m³ at an efficiency of 71 %. What shaft power in kW?", "pressure"),
        ("Un étage de 52 t a une impulsion spécifique de 310 s. Quelle variation de vitesse fournit-il ?", "burn"),
        ("What mass flow passes a throat of 30 cm² at a chamber pressure of 62 bar?", "velocity"),
    ],
)
def test_what_is_missing_is_named(text: str, missing: str) -> None:
    found = answer(read_question(text))
    assert found.status == "missing" and missing in found.sentence
    assert all(missing in what for what in found.missing)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        # Most inputs are missing: the formula is told by the words of the question.
        ("What is the Reynolds number in a pipe carrying water?", ("diameter", "viscosity")),
        ("What is the thrust of a stage with a burn time of 140 s?", ("propellant mass", "specific impulse")),
        ("Quelle est la contrainte dans un fil tendu par 800 N ?", ("diameter",)),
        ("terminal velocity of an 80 kg skydiver?", ("drag coefficient", "area")),
        # One that looks as if it were given is of another kind.
        ("A simply supported beam 3 m long carries 5 kN at mid-span; what is the deflection?", ("modulus", "moment")),
    ],
)
def test_all_that_is_missing_is_named_with_its_unit(text: str, missing: tuple[str, ...]) -> None:
    found = answer(read_question(text))
    assert found.status == "missing" and all(any(word in what for what in found.missing) for word in missing), found
    assert "(" in found.sentence and not found.steps


def test_what_is_given_is_neither_used_twice_nor_computed_again() -> None:
    question = read_question("With gamma 1.21 and an area ratio of 30, what is the exit Mach number?")
    [asked] = question.asked
    for plan in find_plans(question, asked):
        roles = [name for step in plan.step.walk() for name, source in step.inputs.items() if source in question.given]
        assert roles, plan
        derived = {step.target.of.what for step in plan.step.walk()} - {plan.step.target.of.what}
        given = {step.formula.parameters[n][0].what for step in plan.step.walk() for n, s in step.inputs.items()
                 if s in question.given and n in step.formula.parameters}  # fmt: skip
        assert not derived & given


def test_a_question_that_nothing_leads_to_has_no_plan() -> None:
    for text in (
        "What is the price in dollars of 12 t of RP-1?",
        "How many decibels louder is a 180 kN engine than a 90 kN one?",
        "How many turns has a coil of 3 µH on a core of 12 mm?",
    ):
        assert find_candidates(read_question(text)) == [], text


def test_a_radius_is_no_diameter() -> None:
    [first, *_] = find_candidates(
        read_question("What hoop stress in MPa acts in a tank of 1.2 m radius and 4 mm wall at 20 bar?")
    )
    assert first.computation is not None and first.computation.value == pytest.approx(600, rel=1e-3)
