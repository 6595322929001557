"""Technical questions answered: the program plans and computes, the model chooses between plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from string import ascii_uppercase
from typing import Any, Unpack

from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Backend, ChatOptions
from galop.chat.messages import Message
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.science.answer import Answer
from galop.science.candidates import Candidate, about_as_likely, answer_at_once, conclude, find_candidates
from galop.science.question import TechnicalQuestion, read_question
from galop.science.units import same_dimension

LONGEST = 20_000  # characters of a question that are read
ASIDE = 12  # words of a question that only changes something in the one before
ASIDE_BEGINS = re.compile(
    r"\s*(?:and|et|what (?:about|if)|how about|now|then|if|with|in|en|at|à|for|pour|avec|same|même|alors|maintenant)\b",
    re.IGNORECASE,
)
CHOOSE = (
    "A technical question is followed by ways to compute its answer. Each way names a formula and says which of the "
    "given values is taken for what. Choose the way in which every value is what the question says it is, and whose "
    "result is what the question asks for. Reply with the letter of that way and nothing else."
)
NOTHING = Done("stop", 0, 0, 0, 0.0, 0.0, 0.0)


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

    The events are those of `Backend.chat`, with an `Answer` before `Done` where the question was a technical one.
    Raises what `Backend.chat` raises.
    """
    question = read_conversation(messages)
    if question is None:
        yield from model.chat(messages, thinking, cancelled=cancelled, **options)
        return
    yield from answer(model, question, cancelled)


def answer(
    model: Backend, question: TechnicalQuestion, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Event | Answer]:
    """Answers a question that `read_conversation` found. Raises what `Backend.chat` raises."""
    done = NOTHING
    found = answer_at_once(question)
    if found is None:
        candidates = find_candidates(question)
        near = list(about_as_likely(candidates)) if candidates else []
        if len(near) > 1:
            chosen = []
            for order in (near, near[::-1]):  # a choice that depends on the order is none
                for event in choose(model, question, order, cancelled):
                    if isinstance(event, Done):
                        done = event if done is NOTHING else done.and_then(event)
                    elif isinstance(event, Candidate):
                        chosen.append(event)
                    else:
                        yield event
            near = chosen[:1] if chosen[0] is chosen[-1] else near
        found = conclude(question, near)
    yield Text(found.text())
    yield found
    yield done


def choose(
    model: Backend, question: TechnicalQuestion, candidates: Sequence[Candidate], cancelled: Callable[[], bool]
) -> Iterator[Event | Candidate]:
    """What the model emits while it chooses one of some plans, but for its text, and the one it chose."""
    letters = ascii_uppercase[: len(candidates)]
    ways = "\n".join(f"{letter}. {c.text}" for letter, c in zip(letters, candidates, strict=True))
    asked: Message = {"role": "user", "content": f"{CHOOSE}\n\nQuestion: {question.text.strip()}\n\n{ways}"}
    form = ResponseFormat("regex", f"[{letters}]")
    said = ""
    for event in model.chat(
        [asked], Thinking(on=False), form=form, sampling=Sampling(0.0), max_tokens=4, cancelled=cancelled
    ):
        if isinstance(event, Text):
            said += "" if event.thinking else event.text
        else:
            yield event
    letter = re.search(rf"\b[{letters}]\b", said)
    yield candidates[letters.index(letter[0]) if letter else 0]


def read_conversation(messages: Sequence[Message]) -> TechnicalQuestion | None:
    """The question that the last message asks, with what earlier ones said where it only changes something in them.

    None where nothing is to be computed."""
    earlier: TechnicalQuestion | None = None
    question: TechnicalQuestion | None = None
    for message in messages:
        if message["role"] != "user":
            continue
        new = read_question(text_of(message["content"])[:LONGEST])
        aside = merge(earlier, new) if earlier is not None and is_aside(new) else None
        question = aside or (new if is_technical(new) else None)
        earlier = question or earlier
    return question


def text_of(content: Any) -> str:
    """The text of a message's content, which may come in parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or () if isinstance(part, dict))


def is_technical(question: TechnicalQuestion) -> bool:
    """Whether a number is asked for that may follow from something given."""
    if not any(asked.kind in ("value", "count") for asked in question.asked):
        return False
    measured = any(asked.measures is not None for asked in question.asked)
    return any(g.unit for g in question.given) or (
        measured and bool(question.given or question.names or question.unread)
    )


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
