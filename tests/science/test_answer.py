"""Answers: the number first, what it rests on beneath, or one sentence that names what is wrong."""

from __future__ import annotations

import json

import pytest

from galop.science.planning import conclusion
from galop.science.planning.answer import Answer
from galop.science.reading.question import read_question


def answer(text: str) -> Answer:
    return conclusion.answer(read_question(text))


def test_a_number_comes_with_what_it_rests_on() -> None:
    found = answer("Quelle masse de cuivre, en g, 10 A déposent-ils en 1 h ?")
    assert (found.status, found.value, found.unit) == ("computed", pytest.approx(11.855, rel=1e-3), "g")
    assert found.text() == "11.8549 g"
    details = found.details()
    for said in ("I t M / (z F)", "current = 10 A", "time = 3600 s", "source: Faraday", "assumed: molar mass of Cu"):
        assert said in details, details
    data = json.loads(json.dumps(found.data()))
    [step] = data["steps"]
    assert step["inputs"]["time"] == "3600 s" and not step["solved"] and len(data["assumptions"]) >= 2


def test_a_bare_m_beside_a_gas_is_its_molar_mass() -> None:
    found = answer("Speed of sound in helium at 300 K, gamma = 1.667, M = 4.0026?")
    assert (found.value, found.unit) == (pytest.approx(1019.24, rel=1e-3), "m/s")


def test_steps_stand_in_the_order_in_which_they_are_computed() -> None:
    found = answer("A pump raises 16 kg/s of saturated liquid oxygen at 90 K by 12 MPa, efficiency 70 %. Power in kW?")
    assert [step.what for step in found.steps] == ["density of the liquid", "shaft power"]
    assert found.steps[-1].value == pytest.approx(1000 * (found.value or 0))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [("Convert 3 bar to psi", 43.5113, "psi"), ("Combien font 12 lbf en newtons ?", 53.3787, "N"),
     ("What is 25 °C in kelvin?", 298.15, "K")],
)  # fmt: skip
def test_a_conversion_is_computed(text: str, value: float, unit: str) -> None:
    found = answer(text)
    assert (found.status, found.value, found.unit) == ("computed", pytest.approx(value, rel=1e-5), unit)


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("What mass flow in kg/s passes a throat of 30 cm² at a chamber pressure of 62 bar?", "missing", "characteristic velocity"),
        ("What final mass in kg has a stage of 3 t?", None, None),
        ("What is the price in dollars of 12 t of RP-1?", "no_formula", "price"),
        ("A pump raises 20 kg/s of 1000 kg/m³ by 5 MPa at an efficiency of 170 %. What power in kW?", "contradictory", "170 %"),
        ("Nernst voltage at -300 °C, standard voltage 1.1 V, 2 electrons, quotient 10?", "contradictory", "absolute zero"),
        ("What is the thrust of 100 kg/s at 3000 m/s, and what is the Isp?", "contradictory", "one by one"),
        ("What is the supersonic area ratio for Mach 0.6 with gamma 1.4?", "contradictory", "Mach 0.6"),
        ("How fast does water leave a hole 3.5 m below the surface, in flurbs?", "contradictory", "'flurbs'"),
        ("What is the thrust of an engine with 1e400 kg/s and 3000 m/s?", "missing", "1e400: the number is too large"),
        ("Supercap electrode discharges at 0.5 A for 40 s from 2.7 V to 1.35 V. Capacitance per gram?", "missing", "mass"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said_in_a_sentence(text: str, status: str | None, said: str | None) -> None:
    found = answer(text)
    assert found.value is None and "\n" not in found.text() and found.text() == found.sentence
    if status and said:
        assert found.status == status and said in found.sentence, found


@pytest.mark.parametrize(
    "text", ["1e400 bar?", "What pressure? " * 3000, "9" * 5000 + " bar in psi?", "", "?", "bar " * 500]
)
def test_no_text_breaks_it(text: str) -> None:
    question = read_question(text)
    if question.asked:
        assert answer(text).text()


def test_nothing_is_told_that_takes_a_quantity_for_what_it_is_said_not_to_be() -> None:
    for text in (
        "aerodynamic drag of a cyclist with 0.6 m² frontal area riding 36 km/h through 1.2 kg/m³ air?",  # no CdA
        "What is the half-life in days of a source that loses 18 % in 5 days?",  # 18 % is not what is left
        "Water (998 kg/m3, 1.0 mPa·s) loses 30 kPa over 60 m of smooth 50 mm pipe with a friction factor of 0.02. Flow "
        "in L/min?",  # a flow from the factor alone would leave the loss aside
        "A stage of 800 kg (of which 350 kg is propellant, Isp 290 s) also carries a 120 kg payload. Delta-v?",  # no dry mass
        "How much energy, in kJ, turns 300 g of ice at 0 °C into water at 20 °C? (334 kJ/kg; 4.18 kJ/kg/K)",  # melting too
        "Convective loss of a 2 m² panel at 45 °C with a coefficient of 12 W/m²/K?",  # 45 °C is no difference
    ):
        assert answer(text).value is None, text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("What current, in kA, makes two tonnes of aluminium a day at 95 % current efficiency?", 261.40),
        ("A potential of -0.61 V vs SCE: what is it against SHE? (SCE = +0.241 V)", -0.3688),
        ("A couple sits at +0.40 V vs SHE. What would I see against a saturated calomel electrode?", 0.1588),
        ("Chamber at 3200 K, gamma 1.22, gas of 23 g/mol, nozzle pressure ratio 70 to 1. Exit velocity, m/s?", 2620.38),
        ("Steel rail of 30 m, 12e-6 per K. How much longer, in mm, from -10 °C to 35 °C?", 16.2),
        ("How many joules must the brakes absorb to bring a 1.2 t car from 108 km/h down to 72 km/h?", 300_000),
        ("How many mL of 12 M HCl to make 500 mL of 0.5 M?", 20.8333),
        ("Two identical engines of 25 kN each push a 5 t vehicle. What acceleration do they give it?", 10),
        ("Avec quelle accélération décolle une fusée de 10 t dont le moteur pousse 150 kN ?", 5.19335),
        ("Burning 9 t of propellant, a 15 t vehicle with an exhaust velocity of 3 km/s gains what delta-v?", 2748.87),
        ("20 % of the 500 W that a kettle draws is lost. How long to warm 1 kg from 20 to 80 °C (4.18 kJ/kg/K), in s?", 627),
        ("Une pompe de 3 kW à l'arbre, rendement de 0,6 et débit de 6 m³/h : quelle pression différentielle en bar ?", 10.8),
        ("Une conduite de 50 mm et 100 m de long, coefficient de Darcy 0,02, eau à 2 m/s (1 000 kg/m³). Perte de charge en bar ?", 0.8),
        ("Log10 of the equilibrium constant of a two electron reaction, E° = 0.30 V, 25 °C?", 10.1421),
        ("A fridge takes 200 W and removes 500 W from the cold room. COP?", 2.5),
        ("Air at 280 K (gamma 1.4, R = 287 J/kg/K) flows at 400 m/s. Mach number?", 1.19255),
    ],
)  # fmt: skip
def test_words_decide_what_a_quantity_is(text: str, value: float) -> None:
    found = answer(text)
    assert found.value == pytest.approx(value, rel=2e-3), found.text()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("The activation energy is 60 kJ/mol and the pre-exponential factor 2e11 1/s. Rate constant?", "temperature"),
        ("A sugar solution of 0.3 mol/L: what is its osmotic pressure?", "temperature"),
        ("A plate at 350 °C radiates how much per square metre?", "emissivity"),
        ("Quelle est la vitesse de libération d'une planète de 4e24 kg ?", "radius"),
        ("Chamber at 60 bar and 3300 K, gamma 1.2, molar mass 21 g/mol. What ideal Isp?", "exit pressure"),
        ("Quel volume occupent 2 kg d'hélium à 12 bar ?", "temperature"),
        ("A normal shock stands in air, gamma 1.4. By what ratio does the pressure rise?", "Mach"),
        ("Un mur de 25 cm d'épaisseur sépare 20 °C de 3 °C. Quel flux de chaleur passe, en W/m² ?", "conductivity"),
    ],
)  # fmt: skip
def test_no_default_stands_for_what_a_question_has_to_say(text: str, missing: str) -> None:
    found = answer(text)
    assert found.status == "missing" and any(missing in what for what in found.missing), found


def test_what_is_assumed_is_no_difference_of_temperatures() -> None:
    assert answer("What flow of cooling water carries away 35 kW?").value is None


def test_waste_is_no_output() -> None:
    assert answer("An engine takes 5 kW of heat and wastes 3.4 kW. Efficiency in percent?").value == pytest.approx(32)


def test_a_stock_is_not_thinner_than_what_is_made_of_it() -> None:
    found = answer("Quel volume d'eau ajouter à 80 mL d'une solution à 3 M pour obtenir 0,5 M ? (mL)")
    assert found.value == pytest.approx(400), found.text()
