"""A question of a race and how its answer is judged; data alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from galop.errors import GalopError

Language = Literal["en", "fr", "both"]


class QuestionSetError(GalopError):
    """A set of questions that cannot be used."""

    exit_code = 2


@dataclass(frozen=True)
class Question:
    """A question and how its answer is judged: by `rules`, as a number in a `unit`, or by its words."""

    id: str
    kind: str  # questions of one kind resemble each other
    text: str
    answer: float | str | None = None  # None where it cannot be determined
    unit: str | None = None  # "" for a pure number, None for words
    tolerance: float = 0.0  # relative; where the answer is 0, in its unit
    rules: tuple[tuple[str, Any], ...] = ()
    part: str = ""
    language: str = "en"
    source: str = ""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Question:
        """The question of one line of questions.jsonl."""
        return cls(**{**data, "rules": tuple((name, value) for name, value in data["rules"])})

    def to_json(self) -> dict[str, Any]:
        """Its line of questions.jsonl, as data."""
        return asdict(self)
