"""An answer as it comes: from the session into a message, saved and drawn as it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from nicegui import Client

from galop.backends.events import Done, Prefill, Text
from galop.chat.translate import segments, translation_prompt
from galop.errors import GalopError
from galop.measure.energy import find_meter
from galop.web.conversations import StoredMessage
from galop.web.markdown import blocks, whole
from galop.web.state import ChatLane, PageState
from galop.web.texts import LANGUAGES

SAVE_SECONDS = 2.0
Events = AsyncGenerator[Text | Prefill | Done | Mapping[str, Any]]


async def stream_answer(
    state: PageState, client: Client, lane: ChatLane, message: StoredMessage, on_end: Callable[[], None]
) -> None:
    """Fills a message with the answer to the one before it, and then calls `on_end`, unless the page was left."""
    meter, start, conversation = find_meter(), time.monotonic(), state.conversation
    saved = start
    question = next(m for m in state.messages if m.id == message.parent)
    done: Done | None = None
    tokens = 0
    science: Mapping[str, Any] = {}
    try:
        translating = "translate" in question.note
        async with aclosing(
            translate(state, lane, message, question) if translating else reply(state, lane, message)
        ) as events:
            async for event in events:
                now = time.monotonic()
                if isinstance(event, Text):
                    if event.thinking:
                        message.thinking += event.text
                    else:
                        message.content += event.text
                elif isinstance(event, Done):
                    tokens += event.answer_tokens
                    first = done.first_token_seconds if done else event.first_token_seconds
                    done = replace(event, answer_tokens=tokens, first_token_seconds=first)
                elif not isinstance(event, Prefill):
                    science = event
                if not client.is_deleted:
                    redraw(state, message, event)
                if now - saved > SAVE_SECONDS:
                    saved = now
                    state.store.update(state.owner, conversation, message)
        message.finished = True
        if done:
            message.note = {"tokens": done.answer_tokens, "rate": round(done.answer_rate, 1),
                            "first": round(done.first_token_seconds, 2), "reason": done.reason}  # fmt: skip
            if science:
                message.note["science"] = dict(science)
            if meter:
                message.note["joules"] = round(meter.joules())
    except asyncio.CancelledError:
        if not client.is_deleted:  # else the page was left, and what there is stays marked as interrupted
            message.note["reason"] = "cancelled"
    except (GalopError, ValueError, MemoryError) as error:
        message.note["error"] = state.session.explain(error)
    except Exception as error:
        message.note["error"] = state.session.explain(error)
        raise
    finally:
        lane.task = None
        state.store.update(state.owner, conversation, message)
        if not client.is_deleted:
            for block in whole(message.content) if message.finished else blocks(message.content):
                await state.renderer.html(block)  # so that it is there when the lane is drawn
        if not client.is_deleted:
            with client:
                on_end()


def redraw(state: PageState, message: StoredMessage, event: object) -> None:
    """Shows what has come of a message, or how much of its prompt has been read."""
    bubble = state.bubbles.get(message.id)
    if bubble is None:
        return
    if isinstance(event, Prefill):
        reading = event.total > 256 and event.done < event.total
        bubble.state(state.say("reading", done=event.done, total=event.total) if reading else "")
    else:
        bubble.grow()


def reply(state: PageState, lane: ChatLane, message: StoredMessage) -> Events:
    """The answer to the conversation up to a message."""
    line: list[StoredMessage] = []
    by_id = {m.id: m for m in state.messages}
    parent = message.parent
    while parent:
        line.insert(0, by_id[parent])
        parent = line[0].parent
    history = [{"role": m.role, "content": state.content(m)} for m in line]
    system = [{"role": "system", "content": state.system}] if state.system.strip() else []
    return ask(state, lane, message, [*system, *history], lane.temperature, lane.think, state.science)


async def translate(state: PageState, lane: ChatLane, message: StoredMessage, source: StoredMessage) -> Events:
    """A text sentence by sentence, in the language its note names."""
    language = LANGUAGES[str(source.note["translate"])]
    for segment in segments(source.content.splitlines()):
        if segment.sentence:
            prompt = translation_prompt(segment.text, language)
            async with aclosing(ask(state, lane, message, prompt, 0.0, think=False)) as events:
                async for event in events:
                    yield event
        else:
            yield Text(segment.text, 0)


def ask(
    state: PageState,
    lane: ChatLane,
    message: StoredMessage,
    messages: list[dict[str, Any]],
    temperature: float | None,
    think: bool,
    science: bool = False,
) -> Events:
    """The model's answer; until it begins, the bubble says what is waited for."""
    bubble = state.bubbles.get(message.id)
    if bubble and not message.content:
        bubble.state(state.say("waiting" if state.session.is_loaded(lane.model) else "loading"))
    return state.session.answer(lane.model, messages, temperature, think, science)
