"""Sets of one's own: pure numbers, zero with a tolerance, what cannot be known; how each is asked and judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from galop.race.judge import judge
from galop.race.question import Question, QuestionSetError
from galop.race.question_file import read_questions
from galop.race.strategies import read_reply

HINT = "If it cannot be determined, write ANSWER: unknown."


def read(folder: Path, *rows: dict[str, Any]) -> list[Question]:
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps({"question": f"q {i}?", **row}) + "\n" for i, row in enumerate(rows)))
    return list(read_questions(path))


@pytest.mark.parametrize(
    ("row", "right", "wrong"),
    [
        ({"answer": 0.35, "unit": "1"}, ["ANSWER: 0.35", "ANSWER: 35 %"], ["ANSWER: 35", "ANSWER: 0.35 V"]),
        ({"answer": 0.35, "tolerance": 0.02}, ["ANSWER: 0.352", "ANSWER: 35 %"], ["ANSWER: 0.4"]),
        ({"answer": "52300", "unit": "dimensionless"}, ["ANSWER: 5.23 × 10^4", "ANSWER: Re = 52 300"], ["ANSWER: 5.23"]),
        ({"answer": 0, "unit": "V", "tolerance": 0.005}, ["ANSWER: 0 V", "ANSWER: 4 mV", "ANSWER: zero"], ["ANSWER: 0.1 V", "ANSWER: unknown"]),
        ({"answer": None, "unit": "kg"}, ["ANSWER: unknown", "ANSWER: the mass cannot be determined"], ["ANSWER: 3 kg", "ANSWER: 3"]),
        ({"answer": "unknown", "unit": "kg"}, ["ANSWER: inconnue"], ["ANSWER: 3 kg"]),
        ({"answer": None}, ["ANSWER: unknown"], ["ANSWER: 3"]),
        ({"answer": 12}, ["ANSWER: 12"], ["ANSWER: 12.1"]),
        ({"answer": "unknown"}, ["ANSWER: unknown"], ["ANSWER: 3"]),
        ({"answer": "1.234", "unit": "V", "lang": "fr"}, ["ANSWER: 1,234 V"], ["ANSWER: 12,34 V"]),
        ({"answer": "1.234", "unit": "V"}, ["ANSWER: 1.234 V"], ["ANSWER: 1,234 V"]),
    ],
)  # fmt: skip
def test_each_kind_of_answer_is_judged(tmp_path: Path, row: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    [question] = read(tmp_path, row)
    assert [judge(question, reply).right for reply in [*right, *wrong]] == [True] * len(right) + [False] * len(wrong)


def test_all_questions_of_a_set_are_asked_alike(tmp_path: Path) -> None:
    """Else the form would tell which cannot be answered."""
    known, unknown, words = read(tmp_path, {"answer": 3, "unit": "kg"}, {"answer": None, "unit": "V"}, {"answer": "x"})
    assert HINT in known.text and HINT in unknown.text and HINT not in words.text
    assert "Its unit is kg." in known.text and unknown.answer is None
    [alone] = read(tmp_path, {"answer": 3, "unit": "kg"})
    assert HINT not in alone.text


def test_a_csv_may_hold_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("question,answer,unit,tolerance\na?,0.5,1,\nb?,0,m/s,0.1\nc?,unknown,kg,\nd?,Paris,,\n")
    half, zero, none, city = read_questions(path)
    assert (half.answer, half.unit, half.tolerance) == (0.5, "", 0.01)
    assert (zero.answer, zero.unit, zero.tolerance) == (0, "m/s", 0.1) and judge(zero, "ANSWER: -0.05 m/s").right
    assert (none.answer, none.unit) == (None, "kg") and (city.answer, city.unit) == ("Paris", None)


def test_a_question_may_be_asked_as_it_stands(tmp_path: Path) -> None:
    """For models that know few words: nothing is said of how to answer, and a reply's last line is the answer."""
    word, number, usual = read(
        tmp_path,
        {"answer": "wolf", "form": "none"},
        {"answer": 17, "form": "None", "tolerance": 0.1},
        {"answer": "wolf"},
    )
    assert (word.text, number.text) == ("q 0?", "q 1?") and "ANSWER:" in usual.text
    assert judge(word, "A wolf.\n").right and judge(word, "It howls.\nwolf").right and judge(word, "ANSWER: Wolf").right
    assert judge(number, "17").right and judge(number, "18").right and not judge(number, "20").right
    assert (judge(word, "dog").slip, judge(usual, "dog").slip) == ("wrong", "no answer line")
    assert Question.from_json(word.to_json(), tmp_path) == word


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"answer": "x", "form": "bare"}, "form has to be none, or empty, not 'bare'"),
        ({"answer": 3, "unit": "kg", "form": "none"}, "leave out its unit, or its form"),
        ({"answer": None, "form": "none"}, "leave out its unit, or its form"),
    ],
)
def test_a_form_that_cannot_be_is_told(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(QuestionSetError, match=said):
        read(tmp_path, row)


def test_bare_answers_vote() -> None:
    assert read_reply("I see it.\nA Wolf.", None, bare=True) == read_reply("wolf", None, bare=True) == "wolf"
    assert read_reply("wolf", None) is None
