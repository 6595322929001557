"""Every formula against a worked example of its source, or one that is computed a second way (worked_*.py)."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from galop.science import Formula, fields, formulas

TABLES = [import_module(path.stem) for path in sorted(Path(__file__).parent.glob("worked_*.py"))]
WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [row for table in TABLES for row in table.WORKED]
TOLD = {"convert", "python", "ph_of", "standard_potential"}  # by other tests


@pytest.mark.parametrize(("name", "given", "expected", "tolerance"), WORKED)
def test_worked_examples(name: str, given: dict[str, Any], expected: dict[str, float], tolerance: float) -> None:
    card = formulas()[name](**given)
    for result, value in expected.items():
        assert card.results[result][0] == pytest.approx(value, rel=tolerance), card.text()
    text = card.text()
    assert "source: " in text and "formula: " in text and "inputs: " in text
    for result in card.results:
        assert formulas()[name].gives[result].what in text


def test_every_formula_has_a_worked_example() -> None:
    assert {name for name, *_ in WORKED} | TOLD == set(formulas())


def test_no_two_formulas_have_one_name() -> None:
    files = [import_module(f"{fields.__name__}.{module.name}") for module in pkgutil.iter_modules(fields.__path__)]
    homes = {
        (value.name, value.function.__module__)
        for file in files
        for value in vars(file).values()
        if isinstance(value, Formula)
    }
    assert len(homes) == len({name for name, _ in homes})


def test_every_formula_has_words_by_which_questions_find_it() -> None:
    assert not [name for name, formula in formulas().items() if not formula.words]


def test_no_input_is_named_as_a_result() -> None:
    """A plan that solves a formula keeps both under their names."""
    assert not {name for name, formula in formulas().items() if formula.gives.keys() & formula.parameters.keys()}
