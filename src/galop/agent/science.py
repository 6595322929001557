"""Technical questions answered: the program plans and computes; what is nothing to compute is the model's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Unpack

from galop.agent.planner import REMEMBERED, plan_apart, user_texts
from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Backend, ChatOptions
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.science.planning import conclusion
from galop.science.planning.answer import Answer
from galop.science.planning.lacking import name_missing
from galop.science.reading.question import TechnicalQuestion, read_question
from galop.science.units import same_dimension

LONGEST = 20_000  # characters of a question that are read
ASIDE = 12  # words of a question that only changes something in the one before
ASIDE_BEGINS = re.compile(
    r"\s*(?:and|et|what (?:about|if)|how about|now|then|if|with|in|en|at|à|for|pour|avec|same|même|alors|maintenant)\b",
    re.IGNORECASE,
)
HOW_MUCH = re.compile(r"\b(?:how (?:much|long|fast|far|thick|high|big|hot|large)|combien|en combien)\b", re.IGNORECASE)
NOTHING = Done("stop", 0, 0, 0, 0.0, 0.0, 0.0)  # what a model does where it is not asked
OWN = {
    "en": "Not computed; what follows is the model's own view.",
    "fr": "Non calculé ; ce qui suit est l'avis du modèle.",
}


def answer_question(
    model: Backend,
    messages: Sequence[Message],
    thinking: Thinking | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    **options: Unpack[ChatOptions],
) -> Iterator[Event | Answer]:
    """Answers the last message of a conversation: with a number that was computed and what it rests on, or with the
    sentence that says why there is none. What asks for no computation goes to the model as it is.

    The events are those of `Backend.chat`, with an `Answer` before `Done` where the question was a technical one, or
    before the model's own words where these may hold numbers. Raises what `Backend.chat` raises.
    """
    answer = plan_apart(user_texts(messages))
    if answer and not answer.is_own:
        yield from tell(answer)
    else:
        said = model.chat(messages, thinking, cancelled=cancelled, **options)
        yield from mark(answer, said) if answer and not options.get("form") else said


def tell(answer: Answer) -> Iterator[Event | Answer]:
    """What is computed, as the events of a reply of which nothing was asked of a model."""
    yield Text(answer.text())
    yield answer
    yield NOTHING


def mark(answer: Answer, events: Iterable[Event | Answer]) -> Iterator[Event | Answer]:
    """A model's own reply to what asks for a number, with an `Answer` before its text that says that nothing of it was
    computed, as the text itself does."""
    begun = False
    for event in events:
        if isinstance(event, Text) and not event.thinking and not begun:
            begun = True
            yield Text(answer.lead)
            yield answer
        yield event


def plan(texts: Sequence[str]) -> Answer | None:
    """What the last of a person's messages comes to; None where it asks for no number.

    What asks for one that is nothing to compute, such as how many people live in a town, is the model's own to say.
    """
    read = read_conversation(texts)
    if read is None:
        return None
    question, technical = read
    if not technical:
        if lacking := names_what_is_asked(question) and name_missing(question):
            return lacking.answer
        return Answer("not_computed", OWN[question.language]) if asks_number(question) else None
    if (length := len(texts[-1])) > LONGEST:
        sentence = f"This has {length} characters, and {LONGEST} are read at most; ask in fewer words."
        return Answer("unfinished", sentence)
    return conclusion.answer(question)


def read_conversation(texts: Sequence[str]) -> tuple[TechnicalQuestion, bool] | None:
    """The question that the last of a person's messages asks, with what earlier ones said where it only changes
    something in them, and whether it is a technical one; None where nobody said anything."""
    technical = False
    earlier: TechnicalQuestion | None = None
    question: TechnicalQuestion | None = None
    for text in texts[-REMEMBERED:]:
        new = read_question(shorten(text))
        question = merge(earlier, new) if earlier is not None and is_aside(new) else new
        technical = question is not new or is_technical(new)
        earlier = question if technical else earlier
    return (question, technical) if question else None


def shorten(text: str) -> str:
    """A text, or the beginning and the end of one that is too long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"


def is_technical(question: TechnicalQuestion) -> bool:
    """Whether a number is asked for that may follow from something given."""
    if not any(asked.kind in ("value", "count") for asked in question.asked):
        return False
    measured = any(asked.measures is not None for asked in question.asked)
    return any(g.unit for g in question.given) or (
        measured and bool(question.given or question.names or question.unread)
    )


def names_what_is_asked(question: TechnicalQuestion) -> bool:
    """Whether a question that gives nothing asks how much something is, and not only what it is."""
    how = HOW_MUCH.search(question.text) is not None
    return how and any(asked.kind == "value" and asked.measures is not None for asked in question.asked)


def asks_number(question: TechnicalQuestion) -> bool:
    """Whether what is said to a question may be taken for a number that somebody worked out."""
    wanted = any(asked.kind == "count" or asked.measures is not None for asked in question.asked)
    return wanted or any(g.unit for g in question.given)


def is_aside(question: TechnicalQuestion) -> bool:
    """Whether a question only changes something in the one before: "and at 100 bar?", "in psi?"."""
    return len(question.text.split()) <= ASIDE and bool(
        ASIDE_BEGINS.match(question.text) or (not question.asked and question.given)
    )


def merge(earlier: TechnicalQuestion, new: TechnicalQuestion) -> TechnicalQuestion:
    """A question with what is new in place of what it was before, or of another unit, or of another quantity."""
    given = list(earlier.given)
    for each in new.given:
        alike = [g for g in given if same_dimension(g.unit, each.unit)]
        told = [g for g in alike if {*g.before, *g.after} & {*each.before, *each.after}] or alike
        if len(told) == 1:
            old = told[0]
            before, after = (*old.before, *each.before), (*old.after, *each.after)
            given[given.index(old)] = replace(each, before=before, after=after, symbol=old.symbol)
        else:
            given.append(each)
    asked = earlier.asked
    if not new.given and new.asked and (wanted := new.asked[0]).measures is not None:
        same = wanted.unit is not None and asked and same_dimension(wanted.unit, asked[0].measures or "")
        asked = (replace(asked[0], unit=wanted.unit, measures=wanted.unit),) if same else (wanted,)
    return replace(
        earlier, text=f"{earlier.text}\n{new.text}", asked=asked, given=tuple(given), names=new.names or earlier.names,
    )  # fmt: skip
