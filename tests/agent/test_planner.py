"""Questions planned in processes that can be killed: any text gets a proposal, none, or a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from galop.agent import planner
from galop.agent.planner import Planner, plan_apart
from galop.errors import GalopError, QueueFullError


@pytest.fixture(scope="module")
def planning() -> Iterator[Planner]:
    with closing(Planner()) as made:
        yield made


def test_a_conversation_is_planned(planning: Planner) -> None:
    asked = ["What is 3 bar in kPa?", "Thanks!", "and in psi?"]
    for texts, answer in ((asked[:1], "300 kPa"), (asked[:2], None), (asked, "43.5113 psi")):
        found = planning.submit(texts).result()
        assert (found and found.text()) == answer
    must = planning.submit(["Hello"], must=True).result()
    assert must and must.status == "no_formula"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "\0\ud800?",
        "1e400 bar in psi?",
        "9" * 9000 + " bar in psi?",
        "(" * 9000,
        "kg/m*" * 3000,
        "²" * 5000 + " m?",
    ],
)
def test_no_text_ends_it(planning: Planner, text: str) -> None:
    found = planning.submit([text]).result()
    assert found is None or found.text()
    again = planning.submit(["What is 3 bar in kPa?"]).result()
    assert again and again.text() == "300 kPa"


def test_what_takes_too_long_is_killed(planning: Planner) -> None:
    hard = "a pressure of 3 bar, a mass of 12 kg, 4 m/s, " * 400 + "what thrust in kN?"
    found = planning.submit([hard]).result()
    assert found and found.status != "computed"
    mine = plan_apart([hard])  # the same where one person asks
    assert mine and mine.status == found.status


def test_a_formula_is_computed_or_killed(planning: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert planning.compute("mass_ratio", {"delta_v": "3 km/s", "isp": "310 s"}).result().startswith("mass ratio")
    with pytest.raises(GalopError, match="unit"):
        planning.compute("mass_ratio", {"delta_v": "3", "isp": "310 s"}).result()
    monkeypatch.setattr(planner, "SECONDS", 0.01)
    with closing(Planner()) as hasty, pytest.raises(GalopError, match="too busy"):
        hasty.compute("mass_ratio", {"delta_v": "3 km/s", "isp": "310 s"}).result()


def test_no_more_wait_than_may(planning: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "MOST_WAITING", 0)
    with pytest.raises(QueueFullError, match="try again later"):
        planning.submit(["What is 3 bar in kPa?"])
