"""What questions ask for, in English and French: the thing, its unit, its dimension; and the names they hold."""

from __future__ import annotations

import random

import pytest

from galop.science.reading.quantities import Given, Unread
from galop.science.reading.question import read_asked, read_question
from galop.science.reading.substances import read_names
from galop.science.reading.words import stems
from galop.science.units import same_dimension

Wanted = tuple[str, str | None, str | None]  # a word of what is asked, the unit named, a unit of its dimension
ASKED: list[tuple[str, list[Wanted]]] = [
    ("What thrust does the engine produce, in kN?", [("thrust", "kN", "N")]),
    ("What is the thrust of the engine in kN?", [("thrust", "kN", "N")]),
    ("How many kilograms of propellant are burnt in 30 s?", [("propellant", "kg", "kg")]),
    ("Quelle masse de cuivre un courant de 10 A dépose-t-il en 1 h ?", [("masse", None, "kg")]),
    ("Combien de temps faut-il pour déposer 2 g de zinc sous 3 A ?", [("temps", None, "s")]),
    ("Compute the mass flow and the thrust of the engine.", [("flow", None, "kg/s"), ("thrust", None, "N")]),
    ("A pump moves 5 kg/s. Find the shaft power in kW. Give the answer to 3 digits.", [("power", "kW", "W")]),
    ("How heavy is the stage after the burn?", [("stage", None, "kg")]),
    ("What is the Mach number at the exit?", [("mach", "", "")]),
    ("Calculez la puissance de la pompe (kW).", [("puissance", "kW", "W")]),
    ("Une pompe élève de 12 MPa la pression de 16 kg/s d'eau, rendement 70 %. Puissance ?", [("puissance", None, "W")]),
    ("How long does the battery last at 2 A?", [("battery", None, "s")]),
    ("How long is the pipe if the pressure drops by 2 bar?", [("pipe", None, "m")]),
    ("At what temperature does water boil at 0.7 bar? Give the result in °C.", [("temperature", "°C", "K")]),
    ("Quel est le rendement en pourcentage ?", [("rendement", "%", "")]),
    ("À quelle vitesse l'ergol est-il éjecté ?", [("vitesse", None, "m/s")]),
    ("How many electrons are exchanged?", [("electrons", "", "")]),
    ("Combien de kilowattheures par kilogramme d'hydrogène ?", [("hydrogène", "kW*h/kg", "J/kg")]),
    ("What is the exhaust velocity? And what is the thrust in lbf?", [("velocity", None, "m/s"), ("thrust", "lbf", "N")]),
    ("Exprimez la variation de vitesse en km/s.", [("vitesse", "km/s", "m/s")]),
    ("Thrust in kN for 5 kg/s at 3000 m/s", [("thrust", "kN", "N")]),
    ("Convert 70 bar to psi.", [("", "psi", "Pa")]),
    ("Que vaut la tension de la pile, en mV ?", [("tension", "mV", "V")]),
    ("Quelle poussée le moteur fournit-il, en kN, sous 70 bar ?", [("poussée", "kN", "N")]),
    ("En kW, quelle est la puissance de la turbine ?", [("puissance", "kW", "W")]),
    ("What, in km/s, is the velocity change?", [("velocity", "km/s", "m/s")]),
    ("Quelle est, en kN, la poussée ?", [("poussée", "kN", "N")]),
    ("How much energy per kilogram does the cell store?", [("energy", None, "J/kg")]),
    ("What is the pressure at which water boils at 80 °C?", [("pressure", None, "Pa")]),
    ("Combien d'ampères faut-il pour déposer 3 g d'argent en 10 min ?", [("ampères", "A", "A")]),
    ("De combien la masse diminue-t-elle ?", [("masse", None, "kg")]),
    ("Tell me what the thrust is, in N.", [("thrust", "N", "N")]),
    ("Determine the corrosion rate in mm/year of steel at 10 µA/cm².", [("corrosion", "mm/year", "m/s")]),
    ("If 5 A flows for 1 h, how much copper is deposited (in g)?", [("copper", "g", "kg")]),
    ("what's the delta-v of a stage with isp 300 s", [("delta", None, "m/s")]),
    ("A tank holds 5 kg of helium. Answer in K: what is its temperature?", [("temperature", "K", "K")]),
    ("Give the value of the Reynolds number.", [("reynolds", "", "")]),
    ("Quelle est la durée de vie de la paroi ? Répondez en années.", [("durée", "year", "s")]),
    ("Trouver la quantité d'électricité et la charge en coulombs.", [("électricité", None, "C"), ("charge", "C", "C")]),
    ("What percentage of the propellant is left?", [("propellant", "%", "")]),
    ("How hot does the wall get, in F?", [("wall", "°F", "K")]),
    ("By how many volts does the potential shift?", [("potential", "V", "V")]),
    ("Donnez l'épaisseur déposée en µm.", [("épaisseur", "µm", "m")]),
    ("Estimate the limiting current density (mA/cm²).", [("current", "mA/cm^2", "A/m^2")]),
    ("Quelle densité de courant limite obtient-on ?", [("courant", None, "A/m^2")]),
    ("Sous 3,5 V et 2 A, quelle énergie en Wh délivre la cellule en 3 h ?", [("énergie", "W*h", "J")]),
    ("Which chamber pressure gives 50 kN?", [("pressure", None, "Pa")]),
    ("Quel débit massique faut-il pour 120 kN ?", [("débit", None, "kg/s")]),
    ("What diameter must the throat have, in millimetres?", [("diameter", "mm", "m")]),
    ("Quelle est la constante d'équilibre ?", [("équilibre", "", "")]),
    ("How fast is the jet, in feet per second?", [("jet", "ft/s", "m/s")]),
    ("Combien pèse l'étage à vide ?", [("étage", None, "kg")]),
    ("After how many years is a wall of 6 mm through?", [("years", "year", "s")]),
    ("Au bout de combien de temps la paroi est-elle percée ?", [("temps", None, "s")]),
    ("Quelle masse molaire a le gaz ?", [("masse", None, "kg/mol")]),
    ("What is the specific impulse?", [("impulse", None, "s")]),
    ("Determine R, the internal resistance, in mΩ.", [("resistance", "mΩ", "ohm")]),
    ("Please work out the Debye length in nm", [("debye", "nm", "m")]),
    ("Give the thrust coefficient", [("coefficient", "", "")]),
    ("I need the burn time in minutes.", [("time", "min", "s")]),
    ("potentiel de l'électrode Cu2+/Cu quand la concentration est 0,002 mol/L", [("potentiel", None, "V")]),
    ("How long until a 60 Ah battery at 80 % charge is empty at 5 A?", [("time", None, "s")]),
    ("Donnez-moi le temps de charge, en s.", [("temps", "s", "s")]),
    ("Give me the mass of copper in g", [("mass", "g", "kg")]),
    ("How much hydrogen (in litres at 0 °C and 1 atm) do 500 mA produce?", [("hydrogen", "L", "m^3")]),
    ("Je dois dimensionner la section du col : débit 42 kg/s, 55 bar. Réponse en cm².", [("section", "cm^2", "m^2")]),
    ("Isp 285 s, initial mass 12 t, final mass 4 t -> delta v?", [("delta", None, "m/s")]),
    (
        "Determine (a) the mass flow rate, (b) the thrust in kN and (c) the specific impulse.",
        [("flow", None, "kg/s"), ("thrust", "kN", "N"), ("impulse", None, "s")],
    ),
    ("Given: i = 20 mA/cm², n = 1. Required: eta in mV.", [("eta", "mV", "V")]),
    (
        "For a transfer from 6,700 km, calculate the total delta-v required and the transfer time in hours.",
        [("delta", None, "m/s"), ("time", "h", "s")],
    ),
    ("What is the thrust if the pressure and the throat area double?", [("thrust", None, "N")]),
    ("A probe needs 1.7 km/s to get to its orbit, Isp 320 s. What mass ratio?", [("ratio", "", "")]),
    ("We want a thrust of 50 kN. What mass flow?", [("flow", None, "kg/s")]),
    ("We need 4.2 km/s of delta-v at 340 s. The stage has 3.1 t dry. How much propellant, in t?", [("propellant", "t", "kg")]),
    ("A 2 kW kettle is on. How long, in seconds?", [("time", "s", "s")]),
    ("Quel est le rapport entre la masse au départ et la masse à la fin ?", [("rapport", "", "")]),
    ("How many kWh does each kg of aluminium cost?", [("aluminium", "kW*h/kg", "J/kg")]),
    ("Pipe of 150 mm, water at 1.8 m/s, pressure drop over 200 m, factor 0.021. kPa?", [("pressure", "kPa", "Pa")]),
    ("buoyant force in N on 2 m³ of cork, forget its weight", [("force", "N", "N")]),
    ("cell constant 0.95 /cm, 412 ohm, 0.020 mol/L. Molar conductivity, S cm2/mol", [("conductivity", "S*cm^2/mol", "S*m^2/mol")]),
    ("- masse : 350 kg\n- Isp : 305 s\nQuestion : le delta v, et c'est tout", [("delta", None, "m/s")]),
    ("Jet speed, frictionless, from a hole 3 m deep?", [("jet", None, "m/s")]),
    ("vitesse limite en mm/s d'une bille de 40 µm, loi de Stokes ?", [("vitesse", "mm/s", "m/s")]),
    ("need expansion ratio for Me = 3.85, gamma 1.19", [("expansion", "", "")]),
]  # fmt: skip
OTHER_KINDS = [
    ("Is the flow laminar at 2 m/s?", "yes_no"), ("La vitesse dépasse-t-elle 3 km/s ?", "yes_no"),
    ("Does the tank hold at 30 bar?", "yes_no"), ("Est-ce que 3 A suffisent ?", "yes_no"),
    ("Which is heavier, 3 mol of Cu or 4 mol of Zn?", "comparison"), ("Lequel est le plus lourd ?", "comparison"),
    ("Pourquoi ma cellule de 3 000 mA·h gonfle-t-elle ?", "open"), ("Why does my pump of 5 kW rattle?", "open"),
    ("How many stages does it have?", "count"), ("Combien d'étages a la fusée ?", "count"),
]  # fmt: skip
NAMES: list[tuple[str, list[str]]] = [
    ("LOX with RP-1", ["LOX", "RP-1"]), ("liquid oxygen and kerosene", ["LOX", "RP-1"]),
    ("de l'oxygène liquide et de l'hydrogène liquide", ["LOX", "LH2"]), ("l'ammoniac et l'eau", ["NH3", "water"]),
    ("Cu²⁺/Cu", ["Cu2+/Cu"]), ("Zn2+ / Zn", ["Zn2+/Zn"]), ("the MnO4-/Mn2+ couple", ["MnO4-/Mn2+"]),
    ("du cuivre dans Cu²⁺", ["Cu", "Cu2+"]), ("iron(III) and iron (II)", ["Fe3+", "Fe2+"]), ("fer(III)", ["Fe3+"]),
    ("LiFePO4 against graphite", ["LiFePO4", "C6"]), ("K2SO4 and Ca(OH)2", ["K2SO4", "Ca(OH)2"]), ("SO4^2-", ["SO42-"]),
    ("un dépôt d'or sur de l'argent", ["Au", "Ag"]), ("gold or silver", ["Au", "Ag"]), ("saturated water at 3 K", ["water"]),
    ("MMH and nitrogen tetroxide", ["MMH", "N2O4"]), ("le peroxyde d'azote", ["N2O4"]), ("carbon dioxide", ["carbon dioxide"]),
    ("No names In a voltage V or current I", []), ("methane, méthane liquide", ["methane", "LCH4"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ASKED)
def test_what_is_asked_its_unit_and_its_dimension(text: str, expected: list[Wanted]) -> None:
    asked = read_asked(text)
    assert len(asked) == len(expected), asked
    for one, (word, unit, measures) in zip(asked, expected, strict=True):
        assert not word or stems(word)[-1] in one.stems, one
        assert one.unit == unit, one
        assert one.measures == measures or (
            one.measures is not None and measures is not None and same_dimension(one.measures, measures)
        ), one


@pytest.mark.parametrize(("text", "kind"), OTHER_KINDS)
def test_questions_that_no_value_answers_are_told(text: str, kind: str) -> None:
    assert [one.kind for one in read_asked(text)] == [kind]


@pytest.mark.parametrize(("text", "expected"), NAMES)
def test_substances_ions_and_couples_are_named(text: str, expected: list[str]) -> None:
    found = read_names(text)
    assert [name.called[0] for name in found] == expected, found
    for name in found:
        assert text[name.start : name.end] == name.text


def test_the_words_of_a_role_stand_around_each_quantity() -> None:
    question = read_question(
        "Une fusée de 549 t avant et de 138 t après la combustion : p_c = 70 bar, un col de 12 cm de diamètre. "
        "The cathode delivers 170 mAh/g and the anode 372 mAh/g; pressure at the inlet 3 bar, at the outlet 70 bar."
    )
    given = {g.quantity: g for g in question.given}
    roles = {quantity: {*g.before, *g.after} for quantity, g in given.items()}
    assert "avant" in roles["549 t"] and "avant" not in roles["138 t"] and "apre" in roles["138 t"]
    assert given["70 bar"].before[0] == "outlet"
    assert {"col", "diamet"} <= roles["12 cm"]
    assert "cathod" in roles["170 mA*h/g"] and "cathod" not in roles["372 mA*h/g"] and "anode" in roles["372 mA*h/g"]
    assert "inlet" in roles["3 bar"] and "outlet" not in roles["3 bar"]
    [symbol] = [g.symbol for g in question.given if g.symbol]
    assert symbol == "p_c"


@pytest.mark.parametrize(
    ("text", "quantity", "words"),
    [
        ("Pc = 70 bar", "70 bar", {"chambe", "pressu"}), ("A test at Pc 48 bar", "48 bar", {"chambe"}),
        ("D = 1e-9 m²/s", "1e-09 m^2/s", {"diffus"}), ("D = 5 cm", "5 cm", {"diamet"}), ("η = 0,72", "0.72", {"effici"}),
        ("i0 = 2 µA/cm²", "2 µA/cm^2", {"exchan"}), ("E°(Cu) = 0.34 V", "0.34 V", {"cu"}), ("ρ = 998 kg/m³", "998 kg/m^3", {"densit"}),
        ("Me = 3.85", "3.85", {"mach", "exit"}), ("heated from 20 to 80 °C", "20 °C", {"initia"}), ("de 20 à 80 °C", "80 °C", {"final"}),
        ("transfer from a 300 km orbit to a 35786 km one", "35786 km", {"final"}),
    ],
)  # fmt: skip
def test_symbols_and_prepositions_tell_roles(text: str, quantity: str, words: set[str]) -> None:
    [given] = [given for given in read_question(text).given if given.quantity == quantity]
    assert words <= {*given.before, *given.after}, given


def test_electrodes_are_no_electrons() -> None:
    assert len({stems(word)[0] for word in ("electrons", "electrode", "electrolyte")}) == 3


def test_a_question_is_understood_as_a_whole() -> None:
    text = "A cell at 25 °C has a Cu cathode in 0.1 mol/L Cu2+ and 3 zorks of acid. What is its voltage in mV?"
    question = read_question(text)
    assert question.language == "en" and [g.quantity for g in question.given] == ["25 °C", "0.1 mol/L"]
    assert [u.unit for u in question.unread] == ["zorks"] and [n.called[0] for n in question.names] == ["Cu", "Cu2+"]
    assert [a.unit for a in question.asked] == ["mV"]
    assert read_question("Quelle est la tension d'une pile de 3 cellules ?").language == "fr"
    assert read_question("").asked == () and read_question("Hello there.").asked == ()


PIECES = [
    "1e400 ", "70 bar ", "2 h ", "½", "(", ")", "one ", "quatre-vingt-", "m·", "kg/", "Cu2+/", "what is ", "quelle est ", "in kN ",
    "1,", "1.", "-", "± ", "×10^", "10⁻", "$", "\\mathrm{", "Zn", "d'un ", "?", "\n", ":", "and ", "°", "%", "\u202f", "²", "a ",
    "e\u0301", "\x00", "😀", "half a ", "per ", "of ", "=", "thrust ", "[", "{", "^", "_", "'", "to ", "5",
]  # fmt: skip


def test_any_text_is_read_and_every_place_is_its_own() -> None:
    dice = random.Random(19)
    for _ in range(400):
        text = "".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 40)))
        question = read_question(text)
        for item in (*question.given, *question.unread, *question.names):
            assert 0 <= item.start < item.end <= len(text) and text[item.start : item.end] == item.text, text
        for given in question.given:
            assert isinstance(given, Given) and abs(given.value) < float("inf"), text
        for unread in question.unread:
            assert isinstance(unread, Unread) and unread.why, text


@pytest.mark.timeout(20)  # a pattern that goes back over its text would take hours
@pytest.mark.parametrize(
    "piece",
    [
        *PIECES,
        "9",
        "a",
        " ",
        "what is ",
        "1 000 ",
        "H2",
        "((Al",
        "m.",
        "x 10",
        "kN? ",
        "thrust? ",
        "the mass and ",
        "5 t and ",
    ],
)
def test_long_texts_are_read_in_one_pass(piece: str) -> None:
    question = read_question(piece * (60_000 // len(piece)) + "\nWhat is the thrust in kN?")
    assert question.asked[-1].unit == "kN"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("What RPM gives a rotor of 9 cm radius an acceleration of 2000 g?", "rpm"),
        ("How many normal litres of hydrogen per minute does a stack of 90 A make?", "L/min"),
    ],
)
def test_a_unit_is_asked_for_by_its_name(text: str, unit: str) -> None:
    assert [asked.unit for asked in read_question(text).asked] == [unit]


def test_when_is_no_question_within_another() -> None:
    [asked] = read_question("Quelle tension donne la batterie quand le démarreur tire 150 A ?").asked
    assert asked.measures == "V"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("An acceleration of 2000 g at a radius of 9 cm: speed?", [(2000.0, "g_0"), (9.0, "cm")]),
        ("How many rpm for 500 x g at 12 cm?", [(500.0, "g_0"), (12.0, "cm")]),
        ("accelerate a 300 g cart at 2 m/s2", [(300.0, "g"), (2.0, "m/s^2")]),
        ("Il fait 20 °C dedans et moins cinq dehors. Puissance ?", [(20.0, "°C"), (-5.0, "°C")]),
        ("20 °C inside and -5 outside, heat loss?", [(20.0, "°C"), (-5.0, "°C")]),
        ("47 kilo-ohm and 220 nF: cutoff frequency in Hz?", [(47.0, "kΩ"), (220.0, "nF")]),
        ("What current makes one metric ton of aluminium a day?", [(1.0, "t/day")]),
        ("Heat through a 3 m by 4 m concrete slab", [(12.0, "m^2")]),
    ],
)  # fmt: skip
def test_units_by_the_words_around_them(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(given.value, given.unit) for given in read_question(text).given] == expected
