"""CEA in its child: what converges, what does not, and that nobody hears of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from galop.errors import BusyError
from galop.science import formulas
from galop.science.cea_child import Isentrope, Propellants
from galop.science.fields.combustion import CHILD, Fuel, Oxidiser
from galop.science.formula import Formula
from galop.science.units import ScienceError


@pytest.mark.parametrize(
    ("of", "missing", "said"),
    [(0.6, "isp_frozen", "frozen flow does not converge"), (55, "isp_frozen", "lie below 200 K"), (2.7, "", "")],
)
def test_what_converges_is_given_and_the_rest_named(of: float, missing: str, said: str) -> None:
    card = formulas()["isp"](fuel="RP-1", oxidiser="LOX", of=of, pressure="70 bar", area_ratio=20)
    assert {"isp_vacuum", "c_star", "chamber_temperature", "gamma", "molar_mass"} <= set(card.results)
    assert (missing not in card.results) and said in str(card.results.get("note", ""))
    assert "isp_frozen" in card.results or missing


def test_the_terminal_hears_nothing_of_cea() -> None:
    words = ["isp", "--fuel", "RP-1", "--oxidiser", "LOX", "--of", "0.6", "--pressure", "70 bar", "--area-ratio", "20"]
    told = subprocess.run(
        [sys.executable, "-m", "galop", "science", *words], capture_output=True, text=True, check=True
    )
    assert told.stderr == "" and "WARNING" not in told.stdout
    assert "238.371 s" in told.stdout and "note: frozen flow does not converge" in told.stdout


@pytest.mark.parametrize(
    ("of", "pressure"), [(0.02, "0.1 bar"), (0.4, "70 bar"), (3, "1000 bar"), (3, "0.1 bar"), (200, "70 bar")]
)
def test_every_pair_gives_a_chamber_or_says_so(of: float, pressure: str) -> None:
    """From end to end of the ranges: where hardly anything burns, some mixtures stay liquid."""
    formula, flows = formulas()["isp"], 0
    for fuel in Fuel.__args__:  # type: ignore[attr-defined]
        for oxidiser in Oxidiser.__args__:  # type: ignore[attr-defined]
            try:
                results = formula(fuel=fuel, oxidiser=oxidiser, of=of, pressure=pressure, area_ratio=10).results
            except ScienceError as error:
                assert "CEA finds no equilibrium" in str(error) and of in (0.02, 200)
            else:
                assert 50 < float(results["chamber_temperature"][0]) < 6000
                assert "isp_vacuum" in results or "shifting flow does not converge" in str(results["note"][0])
                flows += "isp_vacuum" in results
    assert flows >= {0.02: 10, 0.4: 40, 3: 44, 200: 20}[of]


@pytest.mark.parametrize(
    ("fuel", "of", "pressure", "area_ratio"),
    [("H2(L)", 6.0, 70.0, 40.0), ("CH4(L)", 3.0, 10.0, 5.0), ("RP-1", 1.0, 70.0, 200.0)],
)
def test_the_flow_step_by_step_is_cea_s_own(fuel: str, of: float, pressure: float, area_ratio: float) -> None:
    """Where CEA's search succeeds, maximum flux and bisection along the isentrope give the same."""
    stored = {"H2(L)": 20.27, "CH4(L)": 111.643, "RP-1": 298.15}[fuel]
    reactants = [
        {"name": fuel, "temperature": stored, "weight": 1.0},
        {"name": "O2(L)", "temperature": 90.17, "weight": of},
    ]
    propellants = Propellants(reactants)
    own, ours = propellants.expand(pressure, area_ratio, False), Isentrope(propellants, pressure).expand(area_ratio)
    assert own is not None and ours == pytest.approx(own, rel=2e-4)


def test_a_child_that_dies_or_hangs_ends_nothing_else() -> None:
    given: dict[str, Any] = {"fuel": "LH2", "oxidiser": "LOX", "of": 6.0123, "pressure": 70.0, "area_ratio": 40.0}
    formula: Formula = formulas()["isp"]
    formula.apply(**given)
    assert CHILD.process is not None
    CHILD.process.kill()
    CHILD.process.wait()
    assert formula.apply(**given | {"of": 6.0124})["isp_vacuum"] == pytest.approx(451.6, abs=0.2)
    patience, CHILD.seconds = CHILD.seconds, 1e-6
    try:
        CHILD.close()
        with pytest.raises(BusyError, match="too busy: galop.science.cea_child had no time to answer"):
            formula.apply(**given | {"of": 6.0125})
    finally:
        CHILD.seconds = patience
    assert formula.apply(**given | {"of": 6.0125})["isp_vacuum"] == pytest.approx(451.6, abs=0.2)


def test_peroxide_is_as_hot_as_its_heat_of_decomposition_makes_it() -> None:
    """By an energy balance on CoolProp's ideal gases: 90 % H2O2 and water, both liquid at 25 °C (heats of formation of
    the NIST WebBook, kJ/mol), to steam and oxygen."""
    from CoolProp.CoolProp import PropsSI

    def heated(fluid: str, temperature: float) -> float:
        return (
            float(
                PropsSI("HMOLAR", "T", temperature, "P", 10.0, fluid) - PropsSI("HMOLAR", "T", 298.15, "P", 10.0, fluid)
            )
            / 1e3
        )

    peroxide, water = 0.9 / 34.0147, 0.1 / 18.0153
    released = peroxide * (-187.78 + 241.826) + water * (-285.83 + 241.826)
    low, high = 500.0, 1500.0
    for _ in range(50):
        middle = (low + high) / 2
        taken = (peroxide + water) * heated("Water", middle) + peroxide / 2 * heated("Oxygen", middle)
        low, high = (middle, high) if taken < released else (low, middle)
    card = formulas()["monopropellant"](propellant="HTP", pressure="20 bar", area_ratio=50, concentration="90 %")
    assert card.results["chamber_temperature"][0] == pytest.approx(low, rel=3e-3)


def test_a_solid_propellant_performs_as_published() -> None:
    """Sutton & Biblarz, table 13-1: AP/HTPB/Al gives 260 to 265 s from 1000 psi to sea level."""
    card = formulas()["solid_propellant"](perchlorate="68 %", aluminium="18 %", pressure="1000 psi", area_ratio=10)
    at_sea_level = formulas()["isp_at_pressure"](
        isp_vacuum=f"{card.results['isp_vacuum'][0]} s", c_star=f"{card.results['c_star'][0]} m/s", area_ratio=10,
        chamber_pressure="1000 psi", ambient_pressure="14.7 psi",
    )  # fmt: skip
    assert 260 < float(at_sea_level.results["isp"][0]) < 265
    with pytest.raises(ScienceError, match="less than 1 % for the binder"):
        formulas()["solid_propellant"](perchlorate="80 %", aluminium="20 %", pressure="70 bar", area_ratio=10)


@pytest.mark.oracle
def test_cantera_agrees_within_half_a_percent() -> None:
    """Another code, from another laboratory, on the same mixture: chamber at equilibrium, shifting expansion."""
    import cantera as ct

    names = {"H2", "O2", "H2O", "OH", "H", "O", "HO2", "H2O2"}
    species = [s for s in ct.Species.list_from_file("nasa_gas.yaml") if s.name in names]
    gas = ct.Solution(thermo="ideal-gas", species=species)
    hydrogen, oxygen = 1 / 7, 6 / 7
    enthalpy = hydrogen * -9.012e6 / 2.016 + oxygen * -12.979e6 / 31.998  # of the liquids, J/kg

    def at(temperature: float) -> float:
        gas.TPY = temperature, 70e5, {"H2": hydrogen, "O2": oxygen}
        gas.equilibrate("TP")
        return float(gas.enthalpy_mass)

    low, high = 2500.0, 4500.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle) < enthalpy else (low, middle)
    at(low)
    temperature, entropy = low, float(gas.entropy_mass)

    def flux(pressure: float) -> tuple[float, float]:
        gas.SP = entropy, pressure
        gas.equilibrate("SP")
        velocity = (2 * max(enthalpy - float(gas.enthalpy_mass), 0.0)) ** 0.5
        return float(gas.density) * velocity, velocity

    throat = max(flux(70e5 * x / 1000)[0] for x in range(540, 620))
    low, high = 1e3, 30e5
    for _ in range(80):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if throat / flux(middle)[0] < 40 else (middle, high)
    through, velocity = flux(low)
    card = formulas()["isp"](fuel="LH2", oxidiser="LOX", of=6, pressure="70 bar", area_ratio=40)
    for name, value in (
        ("chamber_temperature", temperature), ("c_star", 70e5 / throat),
        ("isp_vacuum", (velocity + low / through) / 9.80665),
    ):  # fmt: skip
        assert card.results[name][0] == pytest.approx(value, rel=5e-3), name
