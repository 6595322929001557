"""Formulas solved for their inputs: compared with what the formula gives, and with closed forms."""

from __future__ import annotations

import time
from math import exp, log
from typing import Annotated, Any

import pytest

from galop.science import formulas
from galop.science.constants import G0, F, R
from galop.science.formula import Formula, Quantity
from galop.science.planning.inverse import UselessStep, solve
from galop.science.units import ScienceError


@pytest.mark.parametrize(
    ("name", "unknown", "result", "wanted", "known", "roots"),
    [
        ("rocket_equation", "final_mass", "delta_v", 3000.0, {"isp": 311.0, "initial_mass": 1000.0},
         [1000 * exp(-3000 / 311 / G0)]),
        ("rocket_equation", "isp", "delta_v", 3000.0, {"initial_mass": 2000.0, "final_mass": 1000.0},
         [3000 / G0 / log(2)]),
        ("nernst", "quotient", "voltage", 1.04, {"standard_voltage": 1.1, "electrons": 2.0},
         [exp(0.06 * 2 * F / R / 298.15)]),
        ("faraday_mass", "time", "mass", 10.0, {"current": 2.0, "molar_mass": 63.5, "electrons": 2.0},
         [10 * 2 * F / (2 * 63.5)]),
        ("ph_of", "activity", "ph", 7.4, {}, [10**-7.4]),
        ("pump_power", "efficiency", "power", 1e5, {"mass_flow": 20.0, "pressure_rise": 5e6, "density": 1140.0},
         [20 * 5e6 / 1140 / 1e5]),
        ("activity_coefficient", "charge", "activity_coefficient", 0.5, {"ionic_strength": 0.1}, [-1.677161, 1.677161]),
        ("area_at_mach", "mach", "area_ratio", 4.0, {"gamma": 1.4}, [0.1465482, 2.9401792]),  # sub- and supersonic
        ("saturation", "temperature", "vapour_pressure", 101_325.0, {"name": "water"}, [373.1243]),
    ],
)  # fmt: skip
def test_all_roots_are_found(
    name: str, unknown: str, result: str, wanted: float, known: dict[str, Any], roots: list[float]
) -> None:
    assert solve(formulas()[name], unknown, result, wanted, known) == pytest.approx(roots, rel=1e-6)


def middle(of: Quantity) -> float:
    """A value well inside of a range."""
    low, high = max(of.low, -1e3), min(of.high, 1e3)
    return (low * high) ** 0.5 if low > 0 else low + (high - low) / 3


def test_every_formula_is_solved_for_every_input() -> None:
    """What a formula gives for some inputs leads back to each of them."""
    solved = 0
    for each in formulas().values():
        kinds = {name: kind for name, (kind, _) in each.parameters.items()}
        if not all(isinstance(kind, Quantity) for kind in kinds.values()):
            continue
        values = {name: middle(of) for name, of in kinds.items()}
        try:
            made = each.apply(**values)
        except ScienceError:  # these do not go together
            continue
        [(result, wanted), *_] = made.items()
        for unknown in kinds:
            if not isinstance(wanted, float) or not 1e-30 < abs(wanted) < 1e30:  # 1e-188 is the same as none
                continue
            known = {name: value for name, value in values.items() if name != unknown}
            try:
                roots = solve(each, unknown, result, wanted, known, seconds=20)
            except UselessStep:
                continue
            solved += any(abs(root - values[unknown]) <= 1e-5 * abs(values[unknown]) for root in roots)
            assert all(each.apply(**known, **{unknown: r})[result] == pytest.approx(wanted, rel=1e-5) for r in roots)
    assert solved > 60


def with_x(function: Any) -> Formula:
    return Formula("odd", "", "", "", {"y": Quantity("m", "height")}, function)


def test_what_has_no_root_is_said_in_a_sentence() -> None:
    with pytest.raises(ScienceError, match="no current efficiency .* makes mass 10 g"):
        solve(formulas()["faraday_mass"], "efficiency", "mass", 10.0,
              {"current": 2.0, "molar_mass": 63.5, "electrons": 2.0, "time": 3600.0})  # fmt: skip
    with pytest.raises(ScienceError, match="does not change"):
        known = {"exchange_current_density": 1.0, "overpotential": 0.0}
        solve(formulas()["butler_volmer"], "temperature", "current_density", 5.0, known)
    with pytest.raises(ScienceError, match="which is no number"):
        solve(formulas()["saturation"], "name", "vapour_pressure", 1e5, {"temperature": 300.0})


def test_a_pole_is_no_root_and_a_slow_formula_ends() -> None:
    def reciprocal(x: Annotated[float, Quantity("s", "time", 0.0, 3.0)]) -> float:
        return 1 / (x - 1)

    assert solve(with_x(reciprocal), "x", "y", 2.0, {}) == pytest.approx([1.5])
    with pytest.raises(ScienceError, match="no time"):
        solve(with_x(reciprocal), "x", "y", -0.1, {})

    def slow(x: Annotated[float, Quantity("s", "time", 0.0, 3.0)]) -> float:
        time.sleep(0.05)
        return x

    with pytest.raises(ScienceError, match=r"could not be solved for time within 0.1 s"):
        solve(with_x(slow), "x", "y", 2.0, {}, seconds=0.1)
