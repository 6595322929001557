"""A question of a race and how its answer is judged; data alone."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from galop.errors import GalopError

Language = Literal["en", "fr", "both"]
PICTURES = "pictures"  # the folder of a record that has them


class QuestionSetError(GalopError):
    """A set of questions that cannot be used."""

    exit_code = 2


@dataclass(frozen=True)
class QuestionPicture:
    """A picture of a question: what its set calls it, what a record calls its file, and where that is now."""

    name: str
    file: str  # digits of the digest of its bytes, and its ending
    path: Path = field(default=Path(), compare=False)

    @property
    def small(self) -> Path:
        """Where a record has what its report shows of it."""
        return self.path.with_name(f"{self.path.stem}-small.jpg")

    @classmethod
    def from_json(cls, data: dict[str, Any], folder: Path) -> QuestionPicture:
        """Of a record in `folder`. Raises ValueError for a file that is not within it."""
        name, file = str(data["name"]), str(data["file"])
        if not re.fullmatch(r"[0-9a-f]{32}\.[a-z]{3,4}", file):
            raise ValueError(f"{file[:60]!r} is no file of a picture")
        return cls(name, file, folder / PICTURES / file)


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
    images: tuple[QuestionPicture, ...] = ()
    bare: bool = False  # asked without a word of how to answer, so that a reply's last line is the answer

    @classmethod
    def from_json(cls, data: dict[str, Any], folder: Path) -> Question:
        """The question of one line of questions.jsonl in `folder`. Raises ValueError for a picture elsewhere."""
        rules = tuple((name, value) for name, value in data["rules"])
        images = tuple(QuestionPicture.from_json(image, folder) for image in data.get("images", ()))
        return cls(**{**data, "rules": rules, "images": images})

    def to_json(self) -> dict[str, Any]:
        """Its line of questions.jsonl, as data."""
        data = asdict(self)
        images = [{"name": image.name, "file": image.file} for image in self.images]
        return data | {"images": images} if images else {k: v for k, v in data.items() if k != "images"}
