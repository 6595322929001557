"""Ways to ask a question: plain, think, vote, code and tools, with a check of the answer's unit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from galop.agent.loop import Result, converse, shown
from galop.backends.local import Done, Event, Model, Speaker, Text
from galop.chat.response_format import ResponseFormat
from galop.chat.template import Message
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.errors import GalopError
from galop.science.answers import answer_line, plain_words

AMOUNTS = {"plain": 0, "think": 2048, "vote": 5, "code": 0, "tools": 0}
"""The ways, and what a number after each stands for: tokens of thinking, answers that vote."""
LONGEST = 700  # tokens of a reply without thinking
CODE = (
    "Write a short Python program that computes this, with the math module if needed. All constants have to be in it. "
    'Its last line prints the result as print(f"ANSWER: {value} unit"), with the unit asked for.'
)
LONGEST_BARE = 60  # characters of an answer that was asked for alone
AGREE = 0.01  # numbers this near, relatively, are the same


@dataclass(frozen=True)
class Way:
    name: str = "plain"
    amount: int = 0

    @classmethod
    def named(cls, text: str) -> Way:
        """Such as tools, think:512 or vote:5. Raises GalopError."""
        name, _, amount = text.partition(":")
        if name not in AMOUNTS or (amount and not (AMOUNTS[name] and amount.isdecimal() and 1 <= int(amount) < 10**6)):
            raise GalopError(f"there is no way {text!r}; there are: plain, think:TOKENS, vote:ANSWERS, code, tools")
        if name == "vote" and amount and int(amount) > 64:
            raise GalopError(f"{text}: at most 64 answers vote")
        return cls(name, int(amount) if amount else AMOUNTS[name])

    def __str__(self) -> str:
        return f"{self.name}:{self.amount}" if self.amount else self.name


@dataclass
class Outcome:
    """The reply, and what it took."""

    text: str = ""
    thinking: str = ""
    calls: list[str] = field(default_factory=list)  # each with what came of it
    replies: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    thinking_tokens: int = 0
    first_token_seconds: float = 0.0
    answer_seconds: float = 0.0  # from the first token of each reply to its last
    cut_off: bool = False  # at the token limit


def ask(model: Speaker, question: str, unit: str | None, way: Way, seed: int, outcome: Outcome) -> None:
    """Fills `outcome` with a model's reply to a question whose answer is wanted in `unit`, or in words where there is
    none. What it took stands there even if this raises.

    Where a number is wanted, a reply without one, or with one of the wrong dimension, is sent back once.
    """
    messages: list[Message] = [{"role": "user", "content": question}]
    asked = {"plain": plainly, "think": thoughtfully, "vote": by_vote, "code": by_program, "tools": with_formulas}
    outcome.text = asked[way.name](model, messages, unit, way, seed, outcome)
    if unit is not None and (wrong := amiss(outcome.text, unit)):
        computed = "\n\n".join(outcome.calls)
        back = f"{wrong} Give the answer in one line, as ANSWER: number {unit}".rstrip()
        messages = [
            *messages[:1],
            {"role": "assistant", "content": f"{computed}\n\n{outcome.text}".strip()},
            {"role": "user", "content": back},
        ]
        again = said(model.chat(messages, Thinking(on=False), form=line(unit), **options(seed)), outcome).strip()
        bare = answer_line(again) is None and len(again) <= LONGEST_BARE and "\n" not in again
        outcome.text = f"ANSWER: {again}" if bare else again


def options(seed: int, temperature: float = 0.0) -> dict[str, Any]:
    return {"sampling": Sampling(temperature, top_p=0.95 if temperature else 1.0, seed=seed), "max_tokens": LONGEST}


def said(events: Iterable[Event | Result], outcome: Outcome) -> str:
    """The answer's text; what it took is added up."""
    text = ""
    for event in events:
        if isinstance(event, Text):
            if event.thinking:
                outcome.thinking += event.text
            else:
                text += event.text
        elif isinstance(event, Result):
            outcome.calls.append(f"{shown(event.call)}\n{event.text}")
            text = ""  # what came before a result is not the answer
        elif isinstance(event, Done):
            if not outcome.replies:
                outcome.first_token_seconds = event.first_token_seconds
            outcome.replies += 1
            outcome.prompt_tokens += event.prompt_tokens
            outcome.cached_tokens += event.cached_tokens
            outcome.tokens += event.answer_tokens
            outcome.thinking_tokens += event.thinking_tokens
            outcome.answer_seconds += event.answer_seconds
            outcome.cut_off = event.reason == "length"
    return text


def plainly(model: Speaker, messages: list[Message], unit: str | None, way: Way, seed: int, outcome: Outcome) -> str:
    return said(model.chat(messages, Thinking(on=False), **options(seed)), outcome)


def thoughtfully(
    model: Speaker, messages: list[Message], unit: str | None, way: Way, seed: int, outcome: Outcome
) -> str:
    wanted = Thinking(on=True, budget=way.amount)
    how = replace(model.sampling_for(wanted), seed=seed)
    return said(model.chat(messages, wanted, sampling=how, max_tokens=way.amount + LONGEST), outcome)


def by_vote(model: Speaker, messages: list[Message], unit: str | None, way: Way, seed: int, outcome: Outcome) -> str:
    """Self-consistency (Wang et al., 2022): the answer that most of several agree on."""
    texts = [
        said(model.chat(messages, Thinking(on=False), **options(seed + i, 0.7)), outcome) for i in range(way.amount)
    ]
    values = [reading(text, unit) for text in texts]

    def support(i: int) -> int:
        return sum(same(values[i], other) for other in values) if values[i] is not None else 0

    return texts[max(range(len(texts)), key=lambda i: (support(i), -i))]


def same(a: float | str | None, b: float | str | None) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= AGREE * max(abs(a), abs(b))
    return a is not None and a == b


def by_program(model: Speaker, messages: list[Message], unit: str | None, way: Way, seed: int, outcome: Outcome) -> str:
    """Program of thoughts (Chen et al., 2022): the model writes, the sandbox runs; one more try after an error."""
    from galop.science import formulas

    messages[0]["content"] += f"\n\n{CODE}"
    printed = text = ""
    for _ in range(2):
        text = said(model.chat(messages, Thinking(on=False), **options(seed)), outcome)
        found = re.findall(r"```(?:python|py)?\s*\n(.*?)(?:```|\Z)", text, re.DOTALL)
        if not found:
            return text
        try:
            printed = problem = str(formulas()["python"](code=found[-1]).results["output"][0])
        except GalopError as error:
            problem = str(error)
        outcome.calls.append(f"{found[-1]}\n{problem}")
        if answer_line(printed):
            return printed
        messages += [
            {"role": "assistant", "content": text},
            {"role": "user", "content": f"{problem[:500]}\nThere is no line ANSWER: in what it printed. Mend the "
             "program and give it whole."},
        ]  # fmt: skip
    return printed or text


def with_formulas(
    model: Speaker, messages: list[Message], unit: str | None, way: Way, seed: int, outcome: Outcome
) -> str:
    from galop.science.toolbox import Formulas
    from galop.science.worksheet import Worksheet

    if unit is None or not isinstance(model, Model) or not model.can_be_made_to_call:
        return said(converse(model, list(messages), Formulas(), Thinking(on=False), **options(seed)), outcome)
    # Small models ramble, write calls that no schema allows, and make up what they were not told, unless held back.
    box = Worksheet(messages[0]["content"], unit)
    how = {"tool_choice": "required", "parallel_tool_calls": False, "form": line(unit), **options(seed)}
    events = converse(model, list(messages), box, Thinking(on=False), until=lambda _: box.finished, **how)
    text = said(events, outcome)
    return text if box.answered else "ANSWER: unknown"  # what nothing has computed is a guess


def reading(text: str, unit: str | None) -> float | str | None:
    """The answer in its unit, or its words."""
    if unit is None:
        line = answer_line(text)
        return None if line is None else plain_words(line)
    from galop.science.score import read_answer

    return read_answer(text, unit)


def line(unit: str) -> ResponseFormat:
    """What an answer in `unit` is held to where the model is here; one behind an interface is only asked for it."""
    from galop.science.card import units_like

    units = units_like(unit.removeprefix("Δ"))
    either = f" ({'|'.join(map(re.escape, units))})" if units else ""
    return ResponseFormat("regex", rf"ANSWER: (unknown|-?[0-9]{{1,15}}(\.[0-9]{{1,15}})?(e[-+]?[0-9]{{1,2}})?{either})")


def amiss(text: str, unit: str) -> str:
    """What is wrong with the form of an answer; "" for nothing."""
    value = reading(text, unit)
    if value is None:
        return "That has no line ANSWER: with a number."
    return f"In {answer_line(text)!r} the unit is not one of {unit}." if value == "wrong unit" else ""
