"""Sets of questions by name: the technical bank, `reasoning`, a JSONL or CSV of one's own, a task of inspect-ai."""

from __future__ import annotations

from pathlib import Path

from galop.race import reasoning
from galop.race.pictures import look_at_pictures
from galop.race.question import Language, Question, QuestionSetError
from galop.race.question_file import read_questions

SIZES = {"science": 74, "reasoning": 64}
"""Questions of a set of ours where no number is asked for."""


def load_questions(name: str, limit: int = 0, seed: int = 0, language: Language = "en") -> list[Question]:
    """Those of a set: science, reasoning, a file's or a task's of inspect-ai. Raises QuestionSetError."""
    if name == "science":
        return draw_science(limit or SIZES[name], seed, language)
    if name == "reasoning":
        if language != "en":
            raise QuestionSetError("the set reasoning is in English only; leave out --lang")
        return reasoning.draw_questions(limit or SIZES[name], seed)
    if name.startswith("inspect:"):
        try:
            from galop.race.inspect_tasks import load_samples
        except ImportError as error:
            raise QuestionSetError(f"this needs {error.name}; install it with: pip install 'galop[race]'") from None
        return load_samples(name, limit)
    path = Path(name)
    if path.suffix.lower() not in (".jsonl", ".csv"):
        raise QuestionSetError(
            f"there is no set {name!r}; there are: science, reasoning, a .jsonl or .csv file, inspect:TASK"
        )
    found = list(read_questions(path))
    return look_at_pictures(found[:limit] if limit else found, name)


def draw_science(count: int, seed: int, language: Language) -> list[Question]:
    """Of the technical bank; `both` languages take turns over the same numbers."""
    from galop.science import bank, formulas

    formulas()  # whose error says what to install
    drawn = {tongue: bank.questions(count, seed, tongue) for tongue in ("en", "fr") if language in (tongue, "both")}
    found = []
    for i in range(count):
        tongue = language if language != "both" else ("en", "fr")[i % 2]
        q = drawn[tongue][i]
        found.append(
            Question(q.id, q.kind, q.text, q.answer, q.unit, q.tolerance, (), q.stratum, tongue, q.source)
        )  # fmt: skip
    return found
