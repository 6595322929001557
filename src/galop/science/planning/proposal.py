"""What a question may come to, all of it computed before a model is asked: an answer for each way to read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Self

from galop.science.planning.answer import Answer
from galop.science.planning.candidates import about_as_likely, answer_at_once, conclude, find_candidates
from galop.science.reading.question import TechnicalQuestion

CHOOSE = (
    "A technical question is followed by ways to compute its answer. Each way names a formula and says which of the "
    "given values is taken for what. Choose the way in which every value is what the question says it is, and whose "
    "result is what the question asks for. Reply with the letter of that way and nothing else."
)


@dataclass(frozen=True)
class Proposal:
    """A question with the ways to compute it that are about as likely, each in a line and with what it comes to.

    Where there is nothing to choose, `undecided` is the answer; else it is the one where nothing is chosen.
    """

    question: str
    undecided: Answer
    ways: Sequence[str] = ()
    answers: Sequence[Answer] = ()

    @property
    def is_own(self) -> bool:
        """Whether nothing is to be computed, and the model answers in its own words."""
        return self.undecided.status == "not_computed"

    @property
    def lead(self) -> str:
        """What stands before the model's own words."""
        return f"{self.undecided.sentence}\n\n"

    @property
    def letters(self) -> str:
        """What the ways are called when a model is asked: "ABC"."""
        return ascii_uppercase[: len(self.ways)]

    @property
    def prompts(self) -> Sequence[str]:
        """What a model is asked, to be answered with one of the letters: the ways in their order, and the other way
        round. None where there is nothing to choose."""
        orders = (self.ways, self.ways[::-1]) if len(self.ways) > 1 else ()
        asked = f"{CHOOSE}\n\nQuestion: {self.question.strip()}\n"
        return ["\n".join([asked, *map("{}. {}".format, self.letters, order)]) for order in orders]

    def conclude(self, said: Sequence[str]) -> Answer:
        """The answer after a model said this to the prompts; a choice that depends on their order is none."""
        found = [re.search(rf"\b[{self.letters}]\b", text) for text in said]
        ways = [self.letters.index(letter[0]) for letter in found if letter]
        return self.answers[ways[0]] if len(ways) == 2 and sum(ways) == len(self.ways) - 1 else self.undecided

    def data(self) -> dict[str, Any]:
        """All of it, as JSON would have it."""
        return {"question": self.question, "undecided": self.undecided.data(), "ways": list(self.ways),
                "answers": [answer.data() for answer in self.answers]}  # fmt: skip

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """What `data` gave."""
        answers = [Answer.read(answer) for answer in data["answers"]]
        return cls(data["question"], Answer.read(data["undecided"]), data["ways"], answers)


def propose(question: TechnicalQuestion) -> Proposal:
    """What a question may come to, by the formulas that are known."""
    if found := answer_at_once(question):
        return Proposal(question.text, found)
    candidates = find_candidates(question)
    near = list(about_as_likely(candidates)) if candidates else []
    if len(near) < 2:
        return Proposal(question.text, conclude(question, near))
    answers = [conclude(question, [candidate]) for candidate in near]
    return Proposal(question.text, conclude(question, near), [candidate.text for candidate in near], answers)
