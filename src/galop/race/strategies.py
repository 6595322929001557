"""Strategies of asking a question: plain, think, vote, code and tools, with a check of the answer's unit.

A strategy is a function of a `Trial` and a line in STRATEGIES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Unpack

from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Backend, ChatOptions
from galop.chat.content import make_content
from galop.chat.messages import Message
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.errors import GalopError
from galop.pictures.picture import Picture
from galop.science.answers import find_answer, last_line, normalise_words

LONGEST = 700  # tokens of a reply without thinking
CODE = (
    "Write a short Python program that computes this, with the math module if needed. All constants have to be in it. "
    'Its last line prints the result as print(f"ANSWER: {value} unit"), with the unit asked for.'
)
LONGEST_BARE = 60  # characters of an answer that was asked for alone
AGREE = 0.01  # numbers this near, relatively, are the same


@dataclass(frozen=True)
class Strategy:
    """A way of asking, as it is written after a model's name: `tools`, `think:512`, `vote:5`."""

    name: str = "plain"
    amount: int = 0  # tokens of thinking, or answers that vote

    @classmethod
    def parse(cls, text: str) -> Strategy:
        """Such as tools, think:512 or vote:5. Raises GalopError."""
        name, _, amount = text.partition(":")
        usual = STRATEGIES[name][0] if name in STRATEGIES else 0
        if name not in STRATEGIES or (amount and not (usual and amount.isdecimal() and 1 <= int(amount) < 10**6)):
            raise GalopError(f"there is no way {text!r}; there are: plain, think:TOKENS, vote:ANSWERS, code, tools")
        if name == "vote" and amount and int(amount) > 64:
            raise GalopError(f"{text}: at most 64 answers vote")
        return cls(name, int(amount) if amount else usual)

    def __str__(self) -> str:
        return f"{self.name}:{self.amount}" if self.amount else self.name


@dataclass
class Outcome:
    """The reply, and what it took."""

    text: str = ""
    thinking: str = ""
    calls: list[str] = field(default_factory=list)  # programs and computations, each with what came of it
    replies: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    thinking_tokens: int = 0
    first_token_seconds: float = 0.0
    answer_seconds: float = 0.0  # from the first token of each reply to its last
    cut_off: bool = False  # at the token limit

    def add(self, events: Iterable[Event]) -> str:
        """Adds up what a reply takes; gives the answer's text."""
        text = ""
        for event in events:
            if isinstance(event, Text):
                if event.thinking:
                    self.thinking += event.text
                else:
                    text += event.text
            elif isinstance(event, Done):
                if not self.replies:
                    self.first_token_seconds = event.first_token_seconds
                self.replies += 1
                self.prompt_tokens += event.prompt_tokens
                self.cached_tokens += event.cached_tokens
                self.tokens += event.answer_tokens
                self.thinking_tokens += event.thinking_tokens
                self.answer_seconds += event.answer_seconds
                self.cut_off = event.reason == "length"
        return text


@dataclass
class Trial:
    """One question put to one backend: the answer is wanted in `unit`, or in words where there is none."""

    backend: Backend
    question: str
    unit: str | None
    strategy: Strategy
    seed: int
    outcome: Outcome = field(default_factory=Outcome)
    instruction: str = ""  # that the strategy adds to the question
    pictures: Sequence[Picture] = ()  # that are shown before the question
    bare: bool = False  # nothing was said of how to answer: the last line is the answer

    @property
    def messages(self) -> list[Message]:
        """The question after its pictures, as the only message of a conversation."""
        text = self.question + (f"\n\n{self.instruction}" if self.instruction else "")
        return [{"role": "user", "content": make_content([*self.pictures, text])}]

    def reply(self, messages: list[Message], **options: Unpack[ChatOptions]) -> str:
        """The text of a reply without thinking, what it took added to the outcome."""
        return self.outcome.add(self.backend.chat(messages, Thinking(on=False), **(reply_options(self.seed) | options)))

    def run(self) -> None:
        """Fills the outcome, which has what the trial took even where a GalopError ends it.

        Where a number is wanted, a reply without one, or with one of the wrong dimension, is sent back once.
        """
        outcome, unit = self.outcome, self.unit
        outcome.text = STRATEGIES[self.strategy.name][1](self)
        if unit is None or self.strategy.name == "tools" or not (complaint := complain(outcome.text, unit)):
            return
        computed = "\n\n".join(outcome.calls)
        messages = [
            *self.messages,
            {"role": "assistant", "content": f"{computed}\n\n{outcome.text}".strip()},
            {"role": "user", "content": f"{complaint} Give the answer in one line, as ANSWER: number {unit}".rstrip()},
        ]
        again = self.reply(messages, form=answer_form(unit)).strip()
        bare = find_answer(again) is None and len(again) <= LONGEST_BARE and "\n" not in again
        outcome.text = f"ANSWER: {again}" if bare else again


def reply_options(seed: int, temperature: float = 0.0) -> ChatOptions:
    """Options of a reply without thinking: greedy unless a temperature is given."""
    return {"sampling": Sampling(temperature, top_p=0.95 if temperature else 1.0, seed=seed), "max_tokens": LONGEST}


def reply_plainly(trial: Trial) -> str:
    """One reply, without thinking."""
    return trial.reply(trial.messages)


def think_first(trial: Trial) -> str:
    """One reply after so many tokens of thinking at most, with the model's own sampling."""
    thinking = Thinking(on=True, budget=trial.strategy.amount)
    sampling = replace(trial.backend.sampling_for(thinking), seed=trial.seed)
    most = trial.strategy.amount + LONGEST
    return trial.outcome.add(trial.backend.chat(trial.messages, thinking, sampling=sampling, max_tokens=most))


def vote(trial: Trial) -> str:
    """Self-consistency (Wang et al., 2022): the answer that most of several agree on."""
    texts = [trial.reply(trial.messages, **reply_options(trial.seed + i, 0.7)) for i in range(trial.strategy.amount)]
    values = [read_reply(text, trial.unit, trial.bare) for text in texts]

    def support(i: int) -> int:
        return sum(agree(values[i], other) for other in values) if values[i] is not None else 0

    return texts[max(range(len(texts)), key=lambda i: (support(i), -i))]


def agree(a: float | str | None, b: float | str | None) -> bool:
    """Whether two answers are the same, numbers within AGREE."""
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= AGREE * max(abs(a), abs(b))
    return a is not None and a == b


def run_program(trial: Trial) -> str:
    """Program of thoughts (Chen et al., 2022): the model writes, the sandbox runs; one more try after an error."""
    from galop.science import formulas

    trial.instruction = CODE
    messages = trial.messages
    printed = text = ""
    for _ in range(2):
        text = trial.reply(messages)
        found = re.findall(r"```(?:python|py)?\s*\n(.*?)(?:```|\Z)", text, re.DOTALL)
        if not found:
            return text
        try:
            printed = problem = str(formulas()["python"](code=found[-1]).results["output"][0])
        except GalopError as error:
            problem = str(error)
        trial.outcome.calls.append(f"{found[-1]}\n{problem}")
        if find_answer(printed):
            return printed
        messages += [
            {"role": "assistant", "content": text},
            {"role": "user", "content": f"{problem[:500]}\nThere is no line ANSWER: in what it printed. Mend the "
             "program and give it whole."},
        ]  # fmt: skip
    return printed or text


def compute(trial: Trial) -> str:
    """What the program computes, as `galop run --tools science` does; else the model's own words."""
    from galop.agent.science import answer_question
    from galop.science.planning.answer import Answer

    asked = [line for line in trial.question.splitlines() if "ANSWER" not in line]  # how to write it is our business
    if trial.unit:
        asked.append(f"Answer in {trial.unit.removeprefix('Δ')}.")
    answers: list[Answer] = []

    def follow() -> Iterator[Event]:
        messages: list[Message] = [{"role": "user", "content": "\n".join(asked)}]
        for event in answer_question(trial.backend, messages, Thinking(on=False), **reply_options(trial.seed)):
            if isinstance(event, Answer):
                answers.append(event)
            else:
                yield event

    text = trial.outcome.add(follow())
    if trial.unit is None:
        return text
    if not answers or answers[0].value is None:
        trial.outcome.calls += [a.sentence for a in answers]
        return "ANSWER: unknown"  # what nothing has computed is a guess
    trial.outcome.calls.append(answers[0].details())
    return f"ANSWER: {answers[0].text()}"


STRATEGIES: dict[str, tuple[int, Callable[[Trial], str]]] = {
    "plain": (0, reply_plainly),
    "think": (2048, think_first),
    "vote": (5, vote),
    "code": (0, run_program),
    "tools": (0, compute),
}
"""By name: the usual amount, 0 where none can be given, and how it gets a reply's text."""


def read_reply(text: str, unit: str | None, bare: bool = False) -> float | str | None:
    """The answer in its unit, or its words; those of the last line where only a `bare` answer was asked for."""
    if unit is None:
        line = find_answer(text) or (last_line(text) if bare else None)
        return None if line is None else normalise_words(line)
    from galop.science.score import read_answer

    return read_answer(text, unit)


def answer_form(unit: str) -> ResponseFormat:
    """The format of an answer in `unit` where the model is local; a remote one is only asked for it."""
    from galop.science.units import compatible_units

    units = compatible_units(unit.removeprefix("Δ"))
    either = f" ({'|'.join(map(re.escape, units))})" if units else ""
    return ResponseFormat("regex", rf"ANSWER: (unknown|-?[0-9]{{1,15}}(\.[0-9]{{1,15}})?(e[-+]?[0-9]{{1,2}})?{either})")


def complain(text: str, unit: str) -> str:
    """What is wrong with the form of an answer, in a sentence for the model; "" for nothing."""
    value = read_reply(text, unit)
    if value is None or find_answer(text) is None:
        return "That has no line ANSWER: with a number."
    return f"In {find_answer(text)!r} the unit is not one of {unit}." if value == "wrong unit" else ""
