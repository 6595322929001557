"""Quantities as people write them in English and French: values worked out by hand, units as formulas take them."""

from __future__ import annotations

import pytest

from galop.science.quantities import Given, Unread, read_quantities
from galop.science.unit_names import tables
from galop.science.units import parse_quantity

ENGLISH: list[tuple[str, list[tuple[float, str]]]] = [
    # Units, the longest that is there
    ("viscosity 1.8e-5 Pa s", [(1.8e-5, "Pa*s")]),
    ("a film of 0.9 mPa·s", [(0.9, "mPa*s")]),
    ("45 µA cm⁻² on the sample", [(45, "µA/cm^2")]),
    ("45 uA/cm2", [(45, "µA/cm^2")]),
    ("a thrust of 22,000 lbf", [(22_000, "lbf")]),
    ("3200 pounds of thrust", [(3200, "lbf")]),
    ("145 psia upstream, 30 psig downstream", [(145, "psi"), (30, "psig")]),
    ("760 Torr or 14.7 psi", [(760, "torr"), (14.7, "psi")]),
    ("a shunt of 5 mOhm", [(5, "mΩ")]),
    ("0.8 mΩ cm²", [(0.8, "mΩ*cm^2")]),
    ("an electrode of 2.5 dm²", [(2.5, "dm^2")]),
    ("a 3500 mA·h cell", [(3500, "mA*h")]),
    ("3400mAh", [(3400, "mA*h")]),
    ("rated 2.6 A h", [(2.6, "A*h")]),
    ("170 A·h/kg", [(170, "A*h/kg")]),
    ("0.26 kWh/kg", [(0.26, "kW*h/kg")]),
    ("7.8 km/s", [(7.8, "km/s")]),
    ("12 mL/min", [(12, "mL/min")]),
    ("a boiler at 3 bars", [(3, "bar")]),
    ("a k of 0.6 W/(m·K)", [(0.6, "W/m/K")]),
    ("h = 25 W/m2K", [(25, "W/m^2/K")]),
    ("h of 25 W/m²·K", [(25, "W/m^2/K")]),
    ("15 kW m^-2 K^-1", [(15, "kW/m^2/K")]),
    ("cp = 2.1 kJ/kg K", [(2.1, "kJ/kg/K")]),
    ("4180 J kg-1 K-1", [(4180, "J/kg/K")]),
    ("52 J/(mol·K)", [(52, "J/mol/K")]),
    ("9.81 m/s2", [(9.81, "m/s^2")]),
    ("9.81 m s⁻²", [(9.81, "m/s^2")]),
    ("3 metres per second squared", [(3, "m/s^2")]),
    ("800 kilograms per cubic metre", [(800, "kg/m^3")]),
    ("4 square metres and 12 cubic feet", [(4, "m^2"), (12, "ft^3")]),
    ("a torque of 15 N m", [(15, "N*m")]),
    ("a torque of 15 N-m", [(15, "N*m")]),
    ("total impulse 850 kN s", [(850, "kN*s")]),
    ("an impulse of 1200 lbf·s", [(1200, "lbf*s")]),
    ("55 foot-pounds", [(55, "ft*lbf")]),
    ("1200 pounds per square inch", [(1200, "psi")]),
    ("65 degrees Celsius, 150 degrees Fahrenheit", [(65, "°C"), (150, "°F")]),
    ("a slope of 0.5 mV/°C", [(0.5, "mV/K")]),
    ("shaft at 36,000 rpm", [(36_000, "rpm")]),
    ("6 g per 100 mL", [(0.06, "g/mL")]),
    ("a rate constant of 0.02 s⁻¹", [(0.02, "1/s")]),
    ("12.3 mS/cm at 25 °C", [(12.3, "mS/cm"), (25, "°C")]),
    ("126 S cm² mol⁻¹", [(126, "S*cm^2/mol")]),
    ("1.2 Btu/(lb·°F)", [(1.2, "Btu/lb/degR")]),
    ("3 mils per year", [(3, "thou/year")]),
    ("0.11 mm/yr", [(0.11, "mm/year")]),
    ("20 kg of water per second", [(20, "kg/s")]),
    ("5 furlongs", [(5, "furlong")]),
    ("300 Kelvin and 2 Amperes", [(300, "K"), (2, "A")]),
    ("6.5 Mpa", [(6.5, "MPa")]),
    ("250 KW and 12 Khz", [(250, "kW"), (12, "kHz")]),
    # Numbers
    ("1,217.5 kg", [(1217.5, "kg")]),
    ("1.217 × 10^5 Pa", [(121_700, "Pa")]),
    ("3 x 10-9 m²/s", [(3e-9, "m^2/s")]),
    ("4.5·10⁻⁶ mol", [(4.5e-6, "mol")]),
    ("2.5*10**3 N", [(2500, "N")]),
    ("10⁻⁴ mol/L", [(1e-4, "mol/L")]),
    ("10^5 Pa", [(1e5, "Pa")]),
    ("6.0221e23 atoms", [(6.0221e23, "")]),
    ("12 500 kg and 1 234 567 J", [(12_500, "kg"), (1_234_567, "J")]),
    ("12\u2009500 kg, 3\u202f200 K", [(12_500, "kg"), (3200, "K")]),
    ("1'250 kg", [(1250, "kg")]),
    ("twelve kg of lead", [(12, "kg")]),
    ("one hundred and five volts", [(105, "V")]),
    ("two point five amps for three quarters of an hour", [(2.5, "A"), (0.75, "h")]),
    ("one and a half litres", [(1.5, "L")]),
    ("half a mole of silver", [(0.5, "mol")]),
    ("an hour and a half at 2 A", [(1.5, "h"), (2, "A")]),
    ("a 3/4 inch pipe and 1 1/2 in of insulation", [(0.75, "inch"), (1.5, "inch")]),
    ("2½ miles", [(2.5, "mile")]),
    ("twenty-five thousand newtons", [(25_000, "N")]),
    ("a dozen kilograms", [(12, "kg")]),
    ("1.5 million joules", [(1.5e6, "J")]),
    ("electrolysis for an hour", [(1, "h")]),
    ("-40 °C, minus 40 °C and −0.76 V", [(-40, "°C"), (-40, "°C"), (-0.76, "V")]),
    ("ΔG = - 237 kJ/mol", [(-237, "kJ/mol")]),
    ("15 °C below zero", [(-15, "°C")]),
    ("+0.34 V vs SHE", [(0.34, "V")]),
    # Several numbers, one unit
    ("between 10 and 20 bar", [(10, "bar"), (20, "bar")]),
    ("300-400 K", [(300, "K"), (400, "K")]),
    ("from 20 to 80 °C", [(20, "°C"), (80, "°C")]),
    ("an 8- to 16-meter mast", [(8, "m"), (16, "m")]),
    ("at 0.1, 0.2 and 0.5 A", [(0.1, "A"), (0.2, "A"), (0.5, "A")]),
    ("a plate of 2 × 3 cm", [(2, "cm"), (3, "cm")]),
    ("2 h 30 min", [(2.5, "h")]),
    ("3 hours and 15 minutes", [(3.25, "h")]),
    ("5 ft 3 in tall", [(5.25, "ft")]),
    ("lasted 1 min 12 s", [(1.2, "min")]),
    ("5.00 ± 0.02 V and 3.1 mm ± 5 %", [(5, "V"), (3.1, "mm")]),
    ("70 bar (7 MPa)", [(70, "bar")]),
    # Pure
    ("an expansion ratio of 40:1", [(40, "")]),
    ("a mixture of 1 : 2.5", [(0.4, "")]),
    ("a ratio of 16 to 1", [(16, "")]),
    ("68 percent, 3 per cent and 0.5 %", [(0.68, ""), (0.03, ""), (0.005, "")]),
    ("250 ppm", [(2.5e-4, "")]),
    ("70 wt% and 12 mol %", [(0.7, ""), (0.12, "")]),
    ("an O/F of 2.3 gives 70 bar", [(2.3, ""), (70, "bar")]),
    ("gamma = 1.22, pH 4 and Mach 3.5", [(1.22, ""), (4, ""), (3.5, "")]),
    ("an efficiency of 0.72 means", [(0.72, "")]),
    ("3.5 times the dry mass", [(3.5, "")]),
    ("twice the mass", [(2, "")]),
    ("2 electrons, three stages", [(2, ""), (3, "")]),
    ("5 g/kg of salt", [(0.005, "")]),
    # Symbols of several meanings
    ("heated to 80 C", [(80, "°C")]),
    ("a charge of 500 C", [(500, "C")]),
    ("discharged at 2C", [(2, "1/h")]),
    ("a room at 77 F", [(77, "°F")]),
    ("a capacitor of 2 F", [(2, "F")]),
    ("passing 0.2 F of charge", [(0.2, "faraday")]),
    ("0.1 N HCl", [(0.1, "mol/L")]),
    ("pulled with 0.1 N", [(0.1, "N")]),
    ("a 0.5 M solution", [(0.5, "M")]),
    ("a rise of 20 °C", [(20, "K")]),
    ("warmed by 18 °F", [(10, "K")]),
    ("from 20 °C to 60 °C", [(20, "°C"), (60, "°C")]),
    ("an angle of 30 degrees", [(30, "deg")]),
    ("a 2 in pipe with 5 in it", [(2, "inch"), (5, "")]),
    ("at \\(70\\,\\mathrm{bar}\\) and $3\\times 10^{5}$ Pa", [(70, "bar"), (3e5, "Pa")]),
    ("a 12-volt battery of 50 Ah", [(12, "V"), (50, "A*h")]),
    ("0.34 V/SHE", [(0.34, "V")]),
    ("p = 70 [bar], m = 5 (kg)", [(70, "bar"), (5, "kg")]),
    ("0.17 W/mK, 4.18 kJ/kgK and 0.7 J/g C", [(0.17, "W/m/K"), (4.18, "kJ/kg/K"), (0.7, "J/g/K")]),
    ("3 N/m²·s, 100 Btu/hr-ft2-F and 53.3 ft-lbf/lbm-R", [(3, "N*s/m^2"), (100, "Btu/h/ft^2/degR"), (53.3, "ft*lbf/lb/degR")]),
    ("20 Nm3/h and 50 sccm", [(20, "m^3/h"), (50, "cm^3/min")]),
    ("a reaction with one electron, a single electron transfer", [(1, ""), (1, "")]),
    ("an area ratio of 25, at T = 25 C", [(25, ""), (25, "°C")]),
    ("1 : 0.05 : 0.45", [(1, ""), (0.05, ""), (0.45, "")]),
    ("7/110 mM", [(7, "mM"), (110, "mM")]),
    ("a 10-fold rise", [(10, "")]),
]  # fmt: skip
FRENCH: list[tuple[str, list[tuple[float, str]]]] = [
    ("une viscosité de 1,8·10⁻⁵ Pa·s", [(1.8e-5, "Pa*s")]),
    ("une viscosité d'un millipascal-seconde, 3 pascal-secondes", [(3, "Pa*s")]),
    ("un courant de 2,5 A", [(2.5, "A")]),
    ("une masse de 1,234 kg", [(1.234, "kg")]),
    ("une masse de 12 500,5 kg", [(12_500.5, "kg")]),
    ("0,001 mol/L de nitrate", [(0.001, "mol/L")]),
    ("1.234,5 kg", [(1234.5, "kg")]),
    ("douze kilos d'étain", [(12, "kg")]),
    ("deux virgule cinq ampères", [(2.5, "A")]),
    ("zéro virgule zéro cinq volt", [(0.05, "V")]),
    ("quatre-vingt-dix-sept kilogrammes", [(97, "kg")]),
    ("soixante-quinze tonnes", [(75, "t")]),
    ("mille deux cents newtons", [(1200, "N")]),
    ("trois millions de joules", [(3e6, "J")]),
    ("2,5 millions de watts", [(2.5e6, "W")]),
    ("une demi-heure sous trois ampères", [(0.5, "h"), (3, "A")]),
    ("une heure et demie, puis deux heures et quart", [(1.5, "h"), (2.25, "h")]),
    ("trois quarts d'heure", [(0.75, "h")]),
    ("un quart de litre", [(0.25, "L")]),
    ("la moitié de la masse, soit 5 kg", [(5, "kg")]),
    ("une douzaine de grammes", [(12, "g")]),
    ("pendant une heure", [(1, "h")]),
    ("5 litres d'eau par minute", [(5, "L/min")]),
    ("40 kilogrammes par seconde", [(40, "kg/s")]),
    ("90 km/h ou 25 mètres par seconde", [(90, "km/h"), (25, "m/s")]),
    ("9,81 mètres par seconde carrée", [(9.81, "m/s^2")]),
    ("7 800 kilogrammes par mètre cube", [(7800, "kg/m^3")]),
    ("3 mètres carrés et 50 centimètres cubes", [(3, "m^2"), (50, "cm^3")]),
    ("25 watts par mètre carré et par kelvin", [(25, "W/m^2/K")]),
    ("4180 joules par kilogramme kelvin", [(4180, "J/kg/K")]),
    ("12 ampères-heures", [(12, "A*h")]),
    ("2200 milliampères-heures", [(2200, "mA*h")]),
    ("55 kilowattheures par kilogramme", [(55, "kW*h/kg")]),
    ("un couple de 30 newtons-mètres", [(30, "N*m")]),
    ("3 atmosphères, 2 bars et 300 kelvins", [(3, "atm"), (2, "bar"), (300, "K")]),
    ("15 µm/an puis 0,2 mm par an", [(15, "µm/year"), (0.2, "mm/year")]),
    ("3000 tr/min", [(3000, "rpm")]),
    ("12 000 tours par minute", [(12_000, "rpm")]),
    ("80 tonnes de poussée", [(80, "tf")]),
    ("25 degrés Celsius", [(25, "°C")]),
    ("moins 18 °C", [(-18, "°C")]),
    ("10 °C sous zéro", [(-10, "°C")]),
    ("une élévation de 15 °C", [(15, "K")]),
    ("chauffée de 15 °C à 40 °C", [(15, "°C"), (40, "°C")]),
    ("entre 3 et 5 kN", [(3, "kN"), (5, "kN")]),
    ("de 20 à 80 °C", [(20, "°C"), (80, "°C")]),
    ("de 10 à 12,5 bar", [(10, "bar"), (12.5, "bar")]),
    ("2 h 45", [(2.75, "h")]),
    ("2h30", [(2.5, "h")]),
    ("1 h 12 min", [(1.2, "h")]),
    ("trois minutes et vingt secondes", [(3 + 1 / 3, "min")]),
    ("un rendement de 68 pour cent", [(0.68, "")]),
    ("un rendement de 68 %", [(0.68, "")]),
    ("un rendement de 0,72", [(0.72, "")]),
    ("un rapport de section de 40 pour 1", [(40, "")]),
    ("un rapport de mélange O/F égal à 2,3", [(2.3, "")]),
    ("une réaction à deux électrons", [(2, "")]),
    ("un électron par motif", [(1, "")]),
    ("trois étages identiques", [(3, "")]),
    ("4,2 fois celle d'après", [(4.2, "")]),
    ("200 ppm de chlorures", [(2e-4, "")]),
    ("5 pouces de diamètre", [(5, "inch")]),
    ("150 chevaux", [(150, "metric_horsepower")]),
    ("3 nœuds", [(3, "knot")]),
    ("mol.L-1 : 0,1 mol.L-1", [(0.1, "mol/L")]),
    ("4,18 kJ.kg-1.K-1", [(4.18, "kJ/kg/K")]),
    ("50 mA.cm-2", [(50, "mA/cm^2")]),
    ("une eau à 60 degrés", [(60, "°C")]),
    ("p_c = 70 bar ; O/F = 2,3 ; ε = 40", [(70, "bar"), (2.3, ""), (40, "")]),
    ("0,5 à 1 V", [(0.5, "V"), (1, "V")]),
    ("10-20 bar", [(10, "bar"), (20, "bar")]),
    ("vingt-quatre heures, sept jours et un an", [(24, "h"), (7, "day"), (1, "year")]),
    ("1,5 10^5 Pa", [(1.5e5, "Pa")]),
    ("2,3 bars relatifs", [(2.3, "barg")]),
    ("une charge de 500 coulombs", [(500, "C")]),
    ("760 mm de mercure", [(760, "mmHg")]),
    ("un rapport de section 12", [(12, "")]),
    ("un écart de vingt-cinq degrés", [(25, "K")]),
    ("plaque de demi-épaisseur 9 mm", [(9, "mm")]),
    ("r = 5,0e-5 * p^0,35", [(5e-5, "")]),
    ("essai du 12 mars à 31 bar", [(31, "bar")]),
]  # fmt: skip
NO_QUANTITIES = [
    "LiCoO2 with H2SO4 and Cu2+ in K2SO4", "RP-1, Li-ion and U-235", "the 1st and 2nd stages", "le 1er étage, la 3e pompe",
    "NACA 0012", "eq. 3-2 and figure 4", "step 2 of the course", "in 1969, since 2003", "en 1998", "Ariane 5 and Falcon 9",
    "C_F and p_0", "Ti-6Al-4V", "AISI 304 steel, 316L", "table 5-1", "étape 3", "Inconel 718", "on 12 March 2019",
    "a pump and an engine", "une pile et un étage", "the second stage", "half-cell potentials", "the one pump", "T2 and H2O2",
    "an 18650 cell", "on 12/05/2021 and 2021-05-12", "kJ·kg^{-1}·K^{-1}", "a membrane Nafion 117",
]  # fmt: skip
UNREAD = [
    ("5 zorks of lead", "zorks"), ("3 kg/zork", "kg/zork"), ("2.5 blorp", "blorp"), ("12 qux/s", "qux/s"), ("4,5 trucs de plomb", "trucs"),
    ("1e400 kg", ""), ("7.5 flurbs per second", "flurbs"), ("une pression de 3,5 glups", "glups"), ("5zork", "zork"), ("a price of 12 €", "€"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [*ENGLISH, *FRENCH])
def test_quantities_are_read_with_their_units(text: str, expected: list[tuple[float, str]]) -> None:
    found = [given for given in read_quantities(text) if isinstance(given, Given)]
    assert [given.unit for given in found] == [unit for _, unit in expected], found
    assert [given.value for given in found] == pytest.approx([value for value, _ in expected], rel=1e-9), found
    for given in found:
        if given.kind == "measure":
            parse_quantity(given.quantity, given.unit, "")  # a unit that formulas take
    assert not [item for item in read_quantities(text) if isinstance(item, Unread)]


def test_every_unit_that_a_text_may_name_is_one_that_formulas_take() -> None:
    kinds = ("symbols", "prefixable_symbols", "fused_symbols", "prefixable_words", "words", "phrases")
    names = {name for kind in kinds for name in tables()[kind].values()}
    prefixed = {p + n for p in tables()["symbol_prefixes"].values() for n in tables()["prefixable_symbols"].values()}
    for name in (*names, *prefixed):
        assert parse_quantity(f"1 {name}", name, "x") == pytest.approx(1)


@pytest.mark.parametrize("text", NO_QUANTITIES)
def test_numbers_in_names_are_no_quantities(text: str) -> None:
    assert read_quantities(text) == []


@pytest.mark.parametrize(("text", "unit"), UNREAD)
def test_a_number_whose_unit_is_not_understood_is_never_pure(text: str, unit: str) -> None:
    [item] = read_quantities(text)
    assert isinstance(item, Unread) and item.unit == unit and item.why
    assert text[item.start : item.end] == item.text
