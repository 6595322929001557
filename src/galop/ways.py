"""Ways to get a technical question right: plain, think, vote@n, code and tools, with a check of the answer's unit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from galop.agent import Formulas, Result, converse
from galop.chat.template import Message
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.errors import GalopError
from galop.model import Done, Event, Model, Text
from galop.science import formulas
from galop.science.score import answer_line, read_answer

NAMES = ("plain", "think", "vote", "code", "tools")
LONGEST = 700  # tokens of a reply without thinking
CODE = (
    "Write a short Python program that computes this, with the math module if needed. All constants have to be in it. "
    'Its last line prints the result as print(f"ANSWER: {value} unit"), with the unit asked for.'
)
AGREE = 0.01  # answers this near, relatively, are the same


@dataclass(frozen=True)
class Way:
    name: str
    samples: int = 5  # of vote

    @classmethod
    def named(cls, text: str) -> Way:
        """Such as tools, or vote@5. Raises GalopError."""
        name, _, count = text.partition("@")
        if name not in NAMES or (count and (name != "vote" or not count.isdecimal() or not 1 <= int(count) <= 64)):
            raise GalopError(f"there is no way {text!r}; there are: {', '.join(NAMES)}, and vote@n for n answers")
        return cls(name, int(count)) if count else cls(name)


@dataclass
class Outcome:
    """The reply, and what it took."""

    text: str = ""
    tokens: int = 0
    calls: int = 0


def answer(model: Model, question: str, unit: str, way: Way, seed: int = 0) -> Outcome:
    """A model's reply to a question whose answer is wanted in `unit`. A wrong dimension is sent back once."""
    outcome = Outcome()
    messages: list[Message] = [{"role": "user", "content": question}]
    ask = {"plain": plainly, "think": thinking, "vote": voting, "code": coding, "tools": calling}[way.name]
    outcome.text = ask(model, messages, unit, way, seed, outcome)
    if wrong := dimension(outcome.text, unit):
        back = f"In {wrong!r} the unit is not one of {unit}. Give the answer again, as ANSWER: number {unit}."
        messages = [*messages[:1], {"role": "assistant", "content": outcome.text}, {"role": "user", "content": back}]
        outcome.text = said(model.chat(messages, Thinking(on=False), **options(model, seed)), outcome)
    return outcome


def options(model: Model, seed: int, temperature: float = 0.0) -> dict[str, Any]:
    return {"sampling": Sampling(temperature, top_p=0.95 if temperature else 1.0, seed=seed), "max_tokens": LONGEST}


def said(events: Iterable[Event | Result], outcome: Outcome) -> str:
    """The answer's text; tokens and calls are added up."""
    text = ""
    for event in events:
        if isinstance(event, Text) and not event.thinking:
            text += event.text
        elif isinstance(event, Result):
            outcome.calls += 1
            text = ""  # what came before a result is not the answer
        elif isinstance(event, Done):
            outcome.tokens += event.answer_tokens
    return text


def plainly(model: Model, messages: list[Message], unit: str, way: Way, seed: int, outcome: Outcome) -> str:
    return said(model.chat(messages, Thinking(on=False), **options(model, seed)), outcome)


def thinking(model: Model, messages: list[Message], unit: str, way: Way, seed: int, outcome: Outcome) -> str:
    asked = Thinking(on=True, budget=2048)
    how = replace(model.sampling_for(asked), seed=seed)
    return said(model.chat(messages, asked, sampling=how, max_tokens=2048 + LONGEST), outcome)


def voting(model: Model, messages: list[Message], unit: str, way: Way, seed: int, outcome: Outcome) -> str:
    """Self-consistency (Wang et al., 2022): the answer that most of several agree on."""
    texts = [
        said(model.chat(messages, Thinking(on=False), **options(model, seed + i, 0.7)), outcome)
        for i in range(way.samples)
    ]
    values = [read_answer(text, unit) for text in texts]

    def support(i: int) -> int:
        return sum(same(values[i], other) for other in values)

    return texts[max(range(len(texts)), key=lambda i: (support(i) if values[i] is not None else 0, -i))]


def same(a: float | str | None, b: float | str | None) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= AGREE * max(abs(a), abs(b))
    return a is not None and a == b


def coding(model: Model, messages: list[Message], unit: str, way: Way, seed: int, outcome: Outcome) -> str:
    """Program of thoughts (Chen et al., 2022): the model writes, the sandbox runs; one more try after an error."""
    messages[0]["content"] += f"\n\n{CODE}"
    printed = ""
    for _ in range(2):
        text = said(model.chat(messages, Thinking(on=False), **options(model, seed)), outcome)
        found = re.findall(r"```(?:python|py)?\s*\n(.*?)(?:```|\Z)", text, re.DOTALL)
        if not found:
            return text
        outcome.calls += 1
        try:
            printed = str(formulas()["python"](code=found[-1]).results["output"][0])
            if answer_line(printed):
                return printed
            problem = f"It printed no line ANSWER: number {unit}."
        except GalopError as error:
            problem = f"{error}"
        messages += [
            {"role": "assistant", "content": text},
            {"role": "user", "content": f"{problem[:500]} Mend the program and give it whole."},
        ]
    return printed or text


def calling(model: Model, messages: list[Message], unit: str, way: Way, seed: int, outcome: Outcome) -> str:
    return said(converse(model, list(messages), Formulas(), Thinking(on=False), **options(model, seed)), outcome)


def dimension(text: str, unit: str) -> str:
    """The line of an answer whose unit is of another dimension than `unit`; else ""."""
    return (answer_line(text) or "") if read_answer(text, unit) == "wrong unit" else ""
