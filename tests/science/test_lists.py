"""What stands in lists is handed out in order, what is written in two parts is one, and a cell's ions are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from galop.science.planning import conclusion
from galop.science.planning.answer import Answer
from galop.science.reading.quantities import Given
from galop.science.reading.question import read_question
from galop.science.reading.words import stem, stems


def given(text: str) -> list[Given]:
    return list(read_question(text).given)


def answer(text: str) -> Answer:
    return conclusion.answer(read_question(text))


def test_pairs_are_of_what_stands_before_them_and_share_a_unit() -> None:
    found = given("K 140/5, Na 10/145, Cl 8/110 mM (in/out)")
    assert [(g.value, g.unit) for g in found] == [(v, "mM") for v in (140, 5, 10, 145, 8, 110)]
    told = [stems(f"{side} {ion}") for ion in ("potassium", "sodium", "chloride") for side in ("inside", "outside")]
    assert [g.before[:2] for g in found] == told


@pytest.mark.parametrize("names", ["pK:pNa:pCl = 1 : 0.05 : 0.45", "P_K:P_Na:P_Cl of 1:0.05:0.45"])
def test_ratios_are_of_their_letters(names: str) -> None:
    ions = [g.before[0] for g in given(f"Goldman potential, permeabilities {names}?")]
    assert ions == [stem(name) for name in ("potassium", "sodium", "chloride")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The inlet and outlet pressures are 3 bar and 8 bar respectively", ["inlet", "outlet"]),
        ("Les résistances de la lampe, du fil et du moteur sont respectivement de 3, 5 et 7 Ω", ["lampe", "fil", "moteur"]),
        ("Les concentrations en Zn2+ et Cu2+ valent respectivement 0,1 mol/L et 0,01 mol/L", ["anode", "cathode"]),
    ],
)  # fmt: skip
def test_respectively_hands_out_in_order(text: str, words: list[str]) -> None:
    assert [g.before[0] for g in given(text)] == [stem(word) for word in words]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("une plaque de 8 cm sur 12 cm", [(96, "cm^2")]), ("a 20 x 30 cm plate", [(600, "cm^2")]),
        ("a window measuring 1.2 m by 1.5 m", [(1.8, "m^2")]), ("a beam of 50 x 100 mm", [(50, "mm"), (100, "mm")]),
        ("a plate of 8 x 12 x 2 cm", [(8, "cm"), (12, "cm"), (2, "cm")]), ("a cable of 2 x 25 m", [(50, "m")]),
        ("4.2 kg in 11 s, the load cell", [(4.2, "kg"), (11, "s")]), ("a 13s pack of cells", [(13, "")]),
        ("the rate doubles between 25 and 35 °C", [(2, ""), (25, "°C"), (35, "°C")]),
        ("a double wall of brick", []), ("a 75 kg cyclist plus a 9 kg bike", [(84, "kg")]),
        ("enters at 37 and leaves at 29 °C", [(37, "°C"), (29, "°C")]), ("copper 1.72e-8, 8 m", [(1.72e-8, "ohm*m"), (8, "m")]), ("blood at 37 degrees", [(37, "°C")]),
        ("thrown at 40 degrees above the horizontal", [(40, "deg")]), ("a plane change of 12 degrees", [(12, "deg")]),
        ("Charge transfer resistance at 25 C", [(25, "°C")]), ("a charge of 25 C", [(25, "C")]),
    ],
)  # fmt: skip
def test_what_two_parts_are(text: str, values: list[tuple[float, str]]) -> None:
    assert [(pytest.approx(g.value), g.unit) for g in given(text)] == values


def test_what_is_counted_is_told_by_its_noun() -> None:
    [count] = given("a rocket with 9 identical engines")
    assert count.kind == "count" and count.after[0] == stem("engine")


def test_sound_is_no_french_his() -> None:
    assert stem("sound") in stems("la vitesse du son dans l'air") and "son" not in stems("le moteur et son poids")


@pytest.mark.parametrize(
    ("text", "what", "unit"),
    [
        ("Burn rate 7.2 mm/s at 7 MPa with exponent 0.33. What is it at 4 MPa?", "Burn rate", "m/s"),
        ("LMTD of a counterflow exchanger, hot 120 to 70 °C, cold 25 to 60 °C", "LMTD", "K"), ("RMS voltage of a 325 V peak sine", "RMS", "V"),
        ("It burns 8 mm/s at 60 bar and 9.6 mm/s at 95 bar. Pressure exponent?", "Pressure exponent", ""),
        ("What heat removes 3.5 kg/s of water from 85 to 40 °C? MW", "heat", "MW"),
        ("-0.25 V vs Ag/AgCl (sat. KCl) is what against SHE?", "against SHE", "V"),
        ("Friction loss in feet for 500 ft of 6 inch pipe at 7 ft/s, f = 0.019", "loss", "ft"),
        ("grams of CO2 from burning 1 kg of octane", "grams", "g"),
    ],
)  # fmt: skip
def test_what_is_asked_in_few_words(text: str, what: str, unit: str) -> None:
    [asked] = read_question(text).asked
    assert what in asked.what and asked.measures == unit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Pile Daniell (E° = 1,10 V), [Zn2+] = 0,02 mol/L, [Cu2+] = 0,9 mol/L : f.é.m. à 25 °C ?", 1.14889),
        ("My motor burned 4.2 kg of propellant in 11 s, mean thrust 790 N. Isp?", 210.984),
        ("Theoretical capacity of LiFePO4 in mAh/g", 169.9), ("pH of 0.2 M acetic acid with Ka = 1.8e-5", 2.7239),
        ("Work to compress 2 mol isothermally at 300 K from 20 L to 5 L, in kJ", 6.91578),
        ("What current gives 5 g/h of copper?", 4.21765), ("Molar mass of K2Cr2O7 in g/mol", 294.18),
        ("Booster stage loaded 120 t, empty 12 t, Isp 290 s; upper mass 40 t. delta-v?", 3196.4),
        ("A cubesat of 11 kg has 0.9 kg nitrogen, Isp 65 s. Total delta-v?", 54.411),
        ("Un plongeur est à 40 m dans l'eau de mer (1 025 kg/m³) : pression absolue en bar ?", 5.034),
        ("Pression finale si 3 L d'air à 1 bar sont comprimés à 0,4 L à température constante ?", 750e3),
        ("Black plate in sunlight 1361 W/m2, lit on one face, radiates from both: temperature?", 330.98),
    ],
)  # fmt: skip
def test_what_engineers_ask_in_few_words_is_computed(text: str, value: Any) -> None:
    found = answer(text)
    assert (found.status, found.value) == ("computed", pytest.approx(value, rel=1e-3)), found
