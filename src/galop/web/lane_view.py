"""A lane on the page: which model, and its conversation with the branches it has."""

from __future__ import annotations

import asyncio
from typing import Protocol

from nicegui import ui

from galop.web.bubble import Bubble
from galop.web.conversations import StoredMessage, children
from galop.web.icon_button import icon_button
from galop.web.state import ChatLane, PageState


class LaneActions(Protocol):
    """What a person can do to a message."""

    def ask_anew(self, lane: ChatLane, message: StoredMessage, question: str) -> None:
        """Asks something else in the place of a question: a branch."""

    def answer_again(self, lane: ChatLane, message: StoredMessage) -> None:
        """Answers its question once more: a branch."""


class LaneView:
    """Draws lanes, each into its column."""

    def __init__(self, state: PageState, actions: LaneActions) -> None:
        self.state = state
        self.actions = actions

    def draw(self, lane: ChatLane) -> None:
        """A lane from what is stored; a reply that is being written goes on in its own element."""
        state = self.state
        models = state.session.models()
        lane.column.clear()
        with lane.column:
            names = {m: f"{m} ({state.say('suggested')})" if m == state.suggested else m for m in models}
            if names:
                chooser = ui.select(names, value=lane.model if lane.model in names else None)
                chooser.props(f'dense options-dense borderless aria-label="{state.say("model")}"').classes("model")
                chooser.on_value_change(lambda e: setattr(lane, "model", e.value))
                ui.timer(0.1, lambda: self.mark_seeing(chooser, names), once=True)
            else:
                ui.label(state.say("no_models")).classes("quiet")
            line = state.line(lane)
            if not line and names:
                ui.label(state.say("welcome")).classes("welcome")
            for message in line:
                self.draw_message(lane, message)

    async def mark_seeing(self, chooser: ui.select, names: dict[str, str]) -> None:
        """Says which models see pictures, once their files' headers have been read elsewhere."""
        sees = self.state.session.sees
        seeing = await asyncio.to_thread(lambda: {model for model in names if sees(model)})
        if seeing and not chooser.is_deleted:
            said = self.state.say("sees")
            chooser.set_options({m: f"{name} · {said}" if m in seeing else name for m, name in names.items()})

    def draw_message(self, lane: ChatLane, message: StoredMessage) -> None:
        """A message, and beneath it what can be done with it."""
        say = self.state.say
        branches = children(self.state.messages, lane.index, message.parent)
        bubble = self.state.bubbles[message.id] = Bubble(
            message, say, self.state.renderer, self.state.thumbnails(message)
        )
        with ui.row().classes("tools"):
            if len(branches) > 1:
                at = branches.index(message)
                previous, following = branches[at - 1], branches[(at + 1) % len(branches)]
                icon_button("chevron_left", say("previous"), lambda: self.choose(lane, previous))
                ui.label(f"{at + 1}/{len(branches)}").classes("quiet")
                icon_button("chevron_right", say("next"), lambda: self.choose(lane, following))
            if message.role == "user":
                icon_button("edit", say("edit"), lambda: self.edit(lane, message, bubble))
            else:
                icon_button("replay", say("again"), lambda: self.actions.answer_again(lane, message))
            copy = icon_button("content_copy", say("copy"), lambda: ui.notify(say("copied")))
            copy.on("click", js_handler=f"() => galopCopy({bubble.element.id})")

    def choose(self, lane: ChatLane, message: StoredMessage) -> None:
        """Shows another branch."""
        lane.chosen[message.parent] = message.id
        self.draw(lane)

    def edit(self, lane: ChatLane, message: StoredMessage, bubble: Bubble) -> None:
        """A box in the place of a question."""
        bubble.element.clear()
        with bubble.element:
            area = ui.textarea(value=message.content).props("autogrow outlined").classes("editing")
            with ui.row():
                send = ui.button(
                    self.state.say("save"), on_click=lambda: self.actions.ask_anew(lane, message, area.value)
                )
                send.props("dense no-caps")
                cancel = ui.button(self.state.say("cancel"), on_click=lambda: self.draw(lane))
                cancel.props("flat dense no-caps color=none")
