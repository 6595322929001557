"""The question bank: the same from a seed, answerable by its own engines; the scorer reads what people write."""

from __future__ import annotations

import math
import re

import pytest

from galop.science.bank import KINDS, questions
from galop.science.score import Verdict, judge_number


def test_the_same_seed_asks_the_same_in_both_languages() -> None:
    english, french = questions(120, 7), questions(120, 7, "fr")
    assert english == questions(120, 7) and english != questions(120, 8)
    assert [q.answer for q in english] == [q.answer for q in french]
    assert all(a.text != b.text for a, b in zip(english, french, strict=True))
    for a, b in zip(english, french, strict=True):  # the same numbers are told, but for the decimal comma
        numbers = [sorted(re.findall(r"\d+", re.sub(r"(\d),(\d)", r"\1.\2", q.text))) for q in (a, b)]
        assert numbers[0] == numbers[1], (a.text, b.text)
    assert len({q.id for q in english}) == 120


def test_there_are_enough_kinds_of_every_stratum() -> None:
    strata = [kind.stratum for kind in KINDS.values()]
    assert len(strata) >= 30
    for stratum, least in (("tool", 12), ("composed", 8), ("none", 8), ("unanswerable", 3)):
        assert strata.count(stratum) >= least
    for q in questions(len(KINDS) * 6, 1):
        assert (q.answer is None) == (q.stratum == "unanswerable")
        assert q.answer is None or (math.isfinite(q.answer) and q.answer != 0)
        assert q.source and 0 < q.tolerance <= 0.02
        if q.answer is not None:  # the scorer agrees with the bank
            assert judge_number(
                f"So it is so.\nANSWER: {q.answer:.5g} {q.unit.removeprefix('Δ')}", q.answer, q.unit, q.tolerance
            ).right, q
            assert not judge_number(f"ANSWER: {q.answer * 1.1:.6g} {q.unit}", q.answer, q.unit, q.tolerance).right


@pytest.mark.parametrize(
    ("wanted", "unit", "said", "right", "slip"),
    [
        (4210.5, "m/s", "ANSWER: 4210 m/s", True, ""), (4210.5, "m/s", "**ANSWER:** 4.21 km/s", True, ""),
        (4210.5, "m/s", "first ANSWER: 5\nthen ANSWER: 4,210.5 m·s⁻¹.", True, ""),
        (4210.5, "m/s", "\\boxed{4.21 \\times 10^{3} \\mathrm{m/s}}", True, ""),
        (4210.5, "m/s", "ANSWER: 4210.5", True, ""), (4210.5, "m/s", "I think 4210.5 m/s", True, ""),
        (4210.5, "m/s", "ANSWER: 4210.5 kg", False, "wrong unit"), (4210.5, "m/s", "ANSWER: 4210500 m/s", False, "power of ten (+3)"),
        (451.7, "s", "ANSWER: 4429.7 s", False, "g0"), (0.059, "V", "ANSWER: 0.1359 V", False, "ln for log10"),
        (3485.0, "K", "ANSWER: 3211.85 K", False, "Celsius for kelvin"), (3485.0, "K", "ANSWER: 3211.85 °C", True, ""),
        (-237.2, "kJ/mol", "ANSWER: 237.2 kJ/mol", False, "sign"), (3.04, "nm", "ANSWER: 30.4 angstrom", True, ""),
        (17.2, "uA", "ANSWER: 17.2 µA (at 1 s)", True, ""), (17.2, "uA", "ANSWER: 99 µA", False, "wrong"),
        (None, "V", "ANSWER: unknown", True, ""), (None, "V", "ANSWER: 1.1 V", False, "answered what cannot be known"),
        (1.1, "V", "ANSWER: cannot be determined", False, "gave up"), (4.2394, "", "ANSWER: Mach 4.24", True, ""),
        (118.3, "mV", "ANSWER: 118 mV/decade", True, ""), (1.1, "V", "ANSWER: 1,10 V", True, ""),
        (50.0, "ΔK", "ANSWER: 50 °C", True, ""), (450.0, "s", "ANSWER: Isp2 = 450 s", True, ""),
        (5.0, "m", "ANSWER: 5 m^9^9^9", False, "wrong unit"), (2000.0, "kg", "ANSWER: 2 x 1000 kg", True, ""), (50.0, "min", "ANSWER: 3000 seconds", True, ""),
    ],
)  # fmt: skip
def test_the_scorer(wanted: float | None, unit: str, said: str, right: bool, slip: str) -> None:
    found = judge_number(said, wanted, unit, 0.01)
    assert isinstance(found, Verdict) and (found.right, found.slip) == (right, slip)
