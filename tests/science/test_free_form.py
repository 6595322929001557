"""The bank in free form: every answer comes out in a second way, and each half is where its hash puts it."""

from __future__ import annotations

import inspect
import math
import re
from collections import Counter

import pytest
from free_form_checks import CHECKS

from galop.science import formulas
from galop.science.bank.free_form import STRATA, FreeFormQuestion, load_free_form
from galop.science.score import judge_number

QUESTIONS = [*load_free_form("shown"), *load_free_form("kept")]
ANSWERED = [question for question in QUESTIONS if question.answer is not None]


def compute(name: str, result: str, /, **given: float | str) -> float:
    """One result of a formula of galop; a number is in the formula's unit."""
    formula = formulas()[name]
    for key, value in given.items():
        unit = getattr(formula.parameters[key][0], "unit", "")
        given[key] = f"{value!r} {unit}" if unit and not isinstance(value, str) else value
    value = formula(**given).results[result][0]
    return value if isinstance(value, float) else float(value.split()[0])


@pytest.mark.parametrize("question", ANSWERED, ids=lambda question: question.id)
def test_every_answer_comes_out_in_a_second_way(question: FreeFormQuestion) -> None:
    check = CHECKS[question.id]
    if len(inspect.signature(check).parameters) == 1:
        got, expected = check(compute), question.answer
    else:
        got, expected = check(compute, question.answer)
    assert got == pytest.approx(expected, rel=question.tolerance / 2)


def test_the_halves_are_told_apart_by_the_hash_of_the_text() -> None:
    for half in ("shown", "kept"):
        questions = load_free_form(half)
        assert len(questions) >= 100 and all(question.half == half for question in questions)
        strata = Counter(question.stratum for question in questions)
        assert set(strata) == set(STRATA) and min(strata.values()) >= 6
        assert 0.4 < sum(question.language == "fr" for question in questions) / len(questions) < 0.6


def test_each_question_is_whole() -> None:
    assert (
        len({question.id for question in QUESTIONS}) == len({question.text for question in QUESTIONS}) == len(QUESTIONS)
    )
    assert set(CHECKS) == {question.id for question in ANSWERED}
    for question in QUESTIONS:
        assert question.source and question.language in ("en", "fr")
        assert (question.answer is None) == (question.stratum in ("missing", "no_formula"))
        assert bool(question.missing) == (question.stratum == "missing")
        for word in question.missing.split("|"):
            assert not word or question.names_missing(f"The {word} is not given.")


def test_the_scorer_agrees_with_the_bank() -> None:
    for question in ANSWERED:
        assert question.answer is not None and math.isfinite(question.answer) and 0 < question.tolerance <= 0.05
        for value, right in ((question.answer, True), (question.answer * 1.12, False)):
            found = judge_number(f"{value:.5g} {question.unit}", question.answer, question.unit, question.tolerance)
            assert found.right == right, (question.id, found)


def test_answers_are_not_given_away_in_the_text() -> None:
    for question in ANSWERED:
        digits = f"{question.answer:.4g}"
        assert not re.search(rf"(?<![\d.,]){re.escape(digits)}(?![\d])", question.text) or "e" in digits, question.id
