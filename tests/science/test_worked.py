"""Every formula against a worked example of its source, or one that is computed a second way (worked_*.py)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from galop.science import formulas

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


def test_every_formula_and_quantity_has_words_of_its_own() -> None:
    """By which questions in English and French find them."""
    assert not [name for name, formula in formulas().items() if not formula.words]
