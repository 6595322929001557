"""Names of couples and reference electrodes, what formulas of chemistry and fluids refuse, and the calculator's names."""

from __future__ import annotations

from typing import Any

import pytest

from galop.science import formulas
from galop.science.couples import couples, find_couple
from galop.science.fields.fluids import FLUIDS
from galop.science.fields.potentials import REFERENCES
from galop.science.units import ScienceError


@pytest.mark.parametrize(
    ("written", "couple"),
    [
        ("Cu²⁺/Cu", "Cu2+/Cu"), ("Cu/Cu2+", "Cu2+/Cu"), ("Cu^{2+}/Cu", "Cu2+/Cu"), ("Cu(II)/Cu", "Cu2+/Cu"),
        ("Cu++ / Cu", "Cu2+/Cu"), ("Cu2+(aq)|Cu(s)", "Cu2+/Cu"), ("copper", "Cu2+/Cu"), ("cuivre", "Cu2+/Cu"),
        ("Zn", "Zn2+/Zn"), ("étain", "Sn2+/Sn"), ("Fe³⁺/Fe²⁺", "Fe3+/Fe2+"), ("Fe", "Fe2+/Fe"),
        ("MnO₄⁻/Mn²⁺", "MnO4-/Mn2+"), ("Cr2O7 2-/Cr3+", "Cr2O7^2-/Cr3+"), ("H⁺/H₂", "H+/H2"), ("Ag⁺|Ag", "Ag+/Ag"),
    ],
)  # fmt: skip
def test_couples_are_found_as_people_write_them(written: str, couple: str) -> None:
    assert find_couple(written).name == couple


def test_every_couple_is_found_by_its_name_in_both_orders() -> None:
    for name, couple in couples().items():
        oxidised, reduced = name.split("/")
        assert find_couple(name) == couple == find_couple(f"{reduced}/{oxidised}")


def test_a_table_of_potentials_is_one_of_thermodynamics() -> None:
    """What is combined of other couples, by their Gibbs energies, agrees with what is listed to 0.04 V."""
    for whole, parts in (
        ("Cu2+/Cu", ("Cu2+/Cu+", "Cu+/Cu")),
        ("Cr3+/Cr", ("Cr3+/Cr2+",)),
        ("MnO4-/Mn2+", ("MnO2/Mn2+",)),
    ):
        known = [find_couple(part) for part in parts]
        rest = find_couple(whole).electrons - sum(couple.electrons for couple in known)
        missing = find_couple(whole).electrons * find_couple(whole).potential - sum(
            c.electrons * c.potential for c in known
        )
        if rest:
            assert -1 < missing / rest < 1.8  # Cr2+/Cr is -0.90 V, MnO4-/MnO2 is 1.70 V
        else:
            assert missing == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("reference", sorted(REFERENCES))
def test_a_reference_and_back_is_the_same_potential(reference: str) -> None:
    there = formulas()["convert_potential"].apply(measured=0.3, reference=reference, other="SCE")["potential"]
    back = formulas()["convert_potential"].apply(measured=there, reference="SCE", other=reference)["potential"]
    assert back == pytest.approx(0.3)


def test_reference_electrodes_have_the_names_that_people_use() -> None:
    for name, volts in (
        ("ECS", 0.2412),
        ("NHE", 0),
        ("Ag/AgCl", 0.197),
        ("Ag/AgCl 3 M", 0.21),
        ("Hg/HgO 1 M KOH", 0.1077),
    ):
        assert formulas()["convert_potential"](measured="0 V", reference=name).results["potential"][0] == volts


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("cell_voltage", {"cathode": "unobtainium", "anode": "Zn"}, "names no single couple"),
        ("cell_voltage", {"cathode": "V3+", "anode": "Zn"}, "names no single couple of the table: VO"),
        ("cell_voltage", {"cathode": "Fe4+/Fe", "anode": "Zn"}, "near it are Fe2"),
        ("debye_length", {"ionic_strength": "1 mM", "temperature": "150 °C"}, "give the solvent's permittivity"),
        ("debye_hueckel", {"ionic_strength": "0.05 M"}, "limiting law holds up to"),
        ("tafel_overpotential", {"current_density": "1 A/m²", "exchange_current_density": "2 A/m²", "slope": "100 mV"}, "below the exchange"),
        ("tafel_line", {"first_current": "1 A/m²", "first_overpotential": "1 mV", "second_current": "1 A/m²",
                        "second_overpotential": "2 mV"}, "two current densities"),
        ("koutecky_levich_line", {"first_rotation": "400 rpm", "first_current": "1 A/m²", "second_rotation": "1600 rpm",
                                  "second_current": "0.5 A/m²", "concentration": "1 mM", "diffusivity": "1e-9 m²/s"}, "lie on no"),
        ("equilibrium_constant", {"voltage": "9 V", "electrons": 5}, "the constant is 10\\^760"),
        ("ostwald_dilution", {"molar_conductivity": "20 S cm²/mol", "limiting": "10 S cm²/mol", "concentration": "1 M"}, "below the limiting"),
        ("ion_potential", {"outside": "1 mM", "inside": "2 mM", "charge": 0}, "no charge"),
        ("state_of_charge", {"current": "10 A", "time": "10 h", "capacity": "50 Ah"}, "more than the battery holds"),
        ("dilution", {"stock": "1 M", "volume": "2 L", "final_volume": "1 L"}, "at least the volume taken"),
        ("fluid", {"name": "water", "temperature": "3 K"}, "solid at 3 K"),
        ("fluid", {"name": "water", "temperature": "100 °C"}, "at its boiling point"),
        ("fluid", {"name": "ethane", "temperature": "900 K"}, "beyond its equation of state, which holds to 675 K"),
        ("fluid", {"name": "water[0.5]&ethanol[0.5]"}, "it can be: water"),
        ("fluid_transport", {"name": "acetone"}, "neither viscosity nor thermal conductivity of acetone"),
        ("boiling_point", {"name": "CO2"}, "triple point"),
        ("boiling_point", {"name": "water", "pressure": "300 bar"}, "critical point"),
        ("saturation", {"name": "water", "temperature": "700 K"}, "critical point"),
        ("surface_tension", {"name": "chlorine", "temperature": "250 K"}, "not known"),
        ("stokes_settling", {"diameter": "1 mm", "particle_density": "2650 kg/m3", "density": "998 kg/m3", "viscosity": "1 cP"}, "below 1"),
        ("log_mean_difference", {"hot_in": "50 °C", "hot_out": "40 °C", "cold_in": "20 °C", "cold_out": "60 °C"}, "hotter at both ends"),
        ("churchill_bernstein", {"reynolds": 0.1, "prandtl": 0.7}, "above 0.2"),
        ("tube_heat_transfer", {"name": "water", "temperature": "300 K", "velocity": "0.25 m/s", "diameter": "9 mm"}, "Reynolds number is"),
        ("calculate", {"expression": "log(100)"}, "write ln or log10"),
    ],
)  # fmt: skip
def test_what_chemistry_and_fluids_refuse_is_said(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ScienceError, match=said) as caught:
        formulas()[name](**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "unit", "value"),
    [
        ("e", "", 2.718281828), ("e^2", "", 7.389056099), ("ln(e)", "", 1), ("log10(1000)", "", 3), ("log(8, 2)", "", 3),
        ("2e3", "", 2000), ("2 pi", "", 6.283185307), ("2 * F * 1.1 V", "kJ/mol", 212.2677), ("2.5 F * 3 V", "C", 7.5),
        ("3600 C / F", "mol", 0.0373114), ("R * 25 °C / (2 * F) * ln(10)", "mV", 29.57967), ("k * 300 K", "J", 4.141947e-21),
        ("c", "m/s", 299_792_458), ("5 J / g", "J/kg", 5000), ("300 K -25 °C", "K", 1.85), ("10 °C/min * 3 min", "K", 30),
        ("4.18 kJ/kg/°C * 2 kg * (80 °C - 20 °C)", "kJ", 501.6), ("-40 °C", "K", 233.15),
    ],
)  # fmt: skip
def test_names_in_the_calculator_are_what_an_engineer_means(expression: str, unit: str, value: float) -> None:
    result = formulas()["calculate"](expression=expression, in_unit=unit).results["result"][0]
    assert float(str(result).split()[0]) == pytest.approx(value, rel=1e-6)


def test_a_difference_of_temperatures_is_no_temperature() -> None:
    flux = formulas()["conduction_flux"]
    for written in ("25 K", "25 °C", "45 °F", "25 C"):
        given = {"conductivity": "0.04 W/m/K", "thickness": "10 cm", "temperature_difference": written}
        assert flux(**given).results["heat_flux"][0] == pytest.approx(10)


@pytest.mark.parametrize("name", sorted(FLUIDS))
def test_every_fluid_has_a_density_and_boils_or_sublimes(name: str) -> None:
    assert formulas()["fluid"].apply(name=name, temperature=300.0, pressure=101_325.0)["density"]
    constants = formulas()["fluid_constants"].apply(name=name)
    pressure = float(constants["critical_pressure"]) * 1e5 / 2
    boiling = float(formulas()["boiling_point"].apply(name=name, pressure=pressure)["temperature"]) + 273.15
    assert constants["triple_temperature"] < boiling < constants["critical_temperature"]  # type: ignore[operator]
    steam = formulas()["saturation"].apply(name=name, temperature=boiling)
    assert steam["vapour_pressure"] == pytest.approx(pressure, rel=0.01)
    assert steam["liquid_density"] > steam["vapour_density"]  # type: ignore[operator]
