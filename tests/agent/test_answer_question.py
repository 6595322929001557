"""A model and the formulas: the program plans and computes; what asks for no number is the model's own."""

from __future__ import annotations

from typing import Any

import pytest

from galop.agent.planner import user_texts
from galop.agent.science import answer_question, plan, read_conversation
from galop.backends.events import Done, Event, Text
from galop.backends.local import Model
from galop.science.planning.answer import Answer

PUMP = "A pump moves 340 kg/s of a liquid of 1140 kg/m3, raising the pressure by 21 MPa, efficiency 74 %. Power in MW?"


def ask(model: Model, *texts: str) -> tuple[list[Event | Answer], list[Answer]]:
    """The events of the last answer, and all answers of a conversation."""
    messages: list[dict[str, Any]] = []
    answers: list[Answer] = []
    events: list[Event | Answer] = []
    for text in texts:
        messages.append({"role": "user", "content": text})
        events = list(answer_question(model, messages, max_tokens=8))
        answers += [e for e in events if isinstance(e, Answer)]
        said = "".join(e.text for e in events if isinstance(e, Text))
        messages.append({"role": "assistant", "content": said})
    return events, answers


def test_a_computed_answer_comes_as_a_chat_does(smollm: Model) -> None:
    events, [answer] = ask(smollm, PUMP)
    assert [type(e) for e in events[-3:]] == [Text, Answer, Done]
    assert events[-3] == Text("8.46373 MW") and answer.value == pytest.approx(8.46373, rel=1e-5)


def test_what_asks_for_no_number_is_the_models(smollm: Model) -> None:
    events, answers = ask(smollm, "Hello! What is the Nernst equation about?")
    assert not answers and isinstance(events[-1], Done) and events[-1].answer_tokens


@pytest.mark.parametrize(
    "text", ["How many people live in Lyon?", "Combien d'habitants compte Lyon ?", "Is 12 V enough for my lamp?"]
)
def test_a_number_that_is_the_models_own_says_so(smollm: Model, text: str) -> None:
    events, [answer] = ask(smollm, text)
    said = "".join(e.text for e in events if isinstance(e, Text))
    assert answer.status == "not_computed" and answer.value is None and said.startswith(f"{answer.sentence}\n\n")
    done = events[-1]
    assert isinstance(done, Done) and done.answer_tokens


@pytest.mark.parametrize("text", ["reactance of a 10 µF capacitor at 50 Hz", "gravimetric capacity of iron, mAh/g"])
def test_what_asks_for_a_quantity_is_never_chat(text: str) -> None:
    answer = plan([text])
    assert answer and not answer.is_own


def test_plans_of_one_rank_are_told_and_none_is_taken(smollm: Model) -> None:
    events, [answer] = ask(smollm, "Energy in J of 2 kg at 3 m/s and 5 m?")  # of motion or of height
    assert answer.status == "ambiguous" and answer.value is None
    assert "98.0665 J" in answer.sentence and "9 J" in answer.sentence
    done = events[-1]
    assert isinstance(done, Done) and not done.prompt_tokens  # no model was asked


def test_a_conversation_goes_on(smollm: Model) -> None:
    _, answers = ask(
        smollm, PUMP, "and at 30 MPa?", "What about an efficiency of 80 %?", "in kW?", "Thanks!", "and at 21 MPa?"
    )
    assert [a.text() for a in answers] == ["8.46373 MW", "12.091 MW", "11.1842 MW", "11184.2 kW", "7828.95 kW"]


def test_content_may_come_in_parts() -> None:
    read = read_conversation(user_texts([{"role": "user", "content": [{"type": "text", "text": PUMP}]}]))  # type: ignore[typeddict-item]
    assert read is not None and len(read[0].given) == 4 and read[1]
    assert plan(["Tell me a story"]) is None
    assert read_conversation([]) is None
