"""The page of one browser tab: talk to a model, or to two side by side, in English or French."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nicegui import ui

from galop.chat.content import own_words
from galop.web.answering import stream_answer
from galop.web.attachments import AttachedPicture
from galop.web.composer import Composer
from galop.web.conversations import Conversations, StoredMessage, StoredPicture
from galop.web.icon_button import icon_button
from galop.web.lane_view import LaneView
from galop.web.markdown import code_styles
from galop.web.markdown_child import MarkdownRenderer
from galop.web.session import Session
from galop.web.sidebar import Sidebar
from galop.web.state import ChatLane, PageState
from galop.web.texts import LANGUAGES

STYLES = (Path(__file__).parent / "page.css").read_text("utf-8")
SCRIPT = (Path(__file__).parent / "page.js").read_text("utf-8")


class Page:
    """Puts the parts together and does what a person asks for."""

    def __init__(self, session: Session, conversations: Conversations, renderer: MarkdownRenderer) -> None:
        self.state = PageState(session, conversations, renderer)
        self.sidebar = Sidebar(self.state, self.open)
        self.composer = Composer(self.state, self.send, self.translate)
        self.lane_view = LaneView(self.state, self)

    # What is on the page

    def build(self) -> None:
        """Draws everything, within a NiceGUI page."""
        state = self.state
        ui.add_css(STYLES + code_styles())
        ui.add_body_html(f"<script>{SCRIPT}</script>")
        ui.query("html").props(f"lang={state.language}")
        self.dark = ui.dark_mode({"": None, "dark": True, "light": False}[state.store.setting(state.owner, "dark")])
        self.client = ui.context.client
        self.client.on_delete(state.stop)
        drawer = ui.left_drawer(value=None, bottom_corner=True).classes("drawer")
        drawer.props("width=280 breakpoint=900 bordered")
        with ui.header().classes("top"):
            icon_button("menu", state.say("menu"), drawer.toggle)
            ui.label("Galop").classes("brand")
            ui.space()
            icon_button("view_column", state.say("lanes"), self.toggle_lanes)
            icon_button("tune", state.say("settings"), self.show_settings)
            icon_button("contrast", state.say("dark"), self.toggle_dark)
            languages = ui.select(LANGUAGES, value=state.language, on_change=self.set_language)
            languages.props(f'dense borderless aria-label="{state.say("language")}"').classes("language")
        self.columns = ui.element("main").classes("lanes")
        with ui.footer().classes("bottom"), ui.element("div").classes("composer"):
            self.composer.build()
        ui.on("galop_stop", state.stop)
        self.sidebar.build(drawer)
        self.draw()

    def draw(self) -> None:
        """The columns from what is stored."""
        self.columns.clear()
        self.columns.classes(replace="lanes two" if self.state.two else "lanes")
        with self.columns:
            for lane in self.state.visible_lanes:
                lane.column = ui.element("section").classes("lane")
                self.lane_view.draw(lane)
        self.composer.show_busy()

    def show_settings(self) -> None:
        """Instructions, and each lane's temperature and thinking."""
        state = self.state
        with ui.dialog() as dialog, ui.card().classes("settings"):
            ui.textarea(
                state.say("system"), value=state.system, on_change=lambda e: setattr(state, "system", e.value or "")
            )
            for lane in state.visible_lanes:
                if state.two:
                    ui.label(lane.model).classes("quiet")
                ui.number(state.say("temperature"), value=lane.temperature, min=0, max=2, step=0.1,
                          on_change=lambda e, lane=lane: setattr(lane, "temperature", e.value))  # fmt: skip
                ui.switch(
                    state.say("think"), value=lane.think, on_change=lambda e, lane=lane: setattr(lane, "think", e.value)
                )
        dialog.on("hide", dialog.delete)
        dialog.open()

    # What a person does

    def open(self, conversation: str) -> None:
        """Shows a conversation, or a new one for ""."""
        self.state.stop()
        self.state.open(conversation)
        self.sidebar.list()
        self.draw()

    def toggle_lanes(self) -> None:
        """One lane or two."""
        self.state.two = not self.state.two
        self.draw()

    def toggle_dark(self) -> None:
        """Light or dark, from now on."""
        self.dark.value = not self.dark.value if self.dark.value is not None else True
        self.state.store.set(self.state.owner, "dark", "dark" if self.dark.value else "light")

    def set_language(self, event: Any) -> None:
        """English or French, from now on."""
        self.state.store.set(self.state.owner, "language", event.value)
        ui.navigate.reload()

    def send(self, question: str, pictures: Sequence[AttachedPicture] = ()) -> None:
        """The same question to every lane, stored with its pictures before anything is asked."""
        self.ensure_conversation(question or ", ".join(one.name for one in pictures))
        kept = [StoredPicture(p.name, p.picture.media_type, p.picture.data, p.thumbnail) for p in pictures]
        digests = [self.state.store.keep_picture(self.state.owner, self.state.conversation, one) for one in kept]
        for lane in self.state.visible_lanes:
            line = self.state.line(lane)
            self.ask(lane, line[-1].id if line else None, question, digests)
        self.draw()
        ui.run_javascript("galopToEnd()")

    def translate(self, language: str) -> None:
        """What is in the box, or the last answer, in another language: an answer of its own."""
        lane = self.state.lanes[0]
        line = self.state.line(lane)
        source = self.composer.text or (line[-1].content if line else "")
        if not source or lane.task:
            return
        self.composer.clear()
        self.ensure_conversation(source)
        parent = line[-1].id if line else None
        message = self.state.keep(StoredMessage(0, parent, 0, "user", source, note={"translate": language}))
        self.answer(lane, message)
        self.draw()
        ui.run_javascript("galopToEnd()")

    def ensure_conversation(self, question: str) -> None:
        """Begins one, named after its first question, where there is none."""
        if not self.state.conversation:
            self.state.conversation = self.state.store.begin(self.state.owner, own_words(question))
            self.sidebar.list()

    def ask(self, lane: ChatLane, parent: int | None, question: str, pictures: Sequence[str] = ()) -> None:
        """A question after a message, with pictures that are kept by their digests, and its answer."""
        note = {"pictures": [*pictures]} if pictures else {}
        self.answer(lane, self.state.keep(StoredMessage(0, parent, lane.index, "user", question, note=note)))

    def ask_anew(self, lane: ChatLane, message: StoredMessage, question: str) -> None:
        """Something else in the place of a question."""
        if question.strip() and not lane.task:
            self.ask(lane, message.parent, question.strip(), message.note.get("pictures", []))
            self.lane_view.draw(lane)

    def answer_again(self, lane: ChatLane, message: StoredMessage) -> None:
        """Another answer to its question."""
        question = next((m for m in self.state.messages if m.id == message.parent), None)
        if question and not lane.task:
            self.answer(lane, question)
            self.lane_view.draw(lane)

    def answer(self, lane: ChatLane, question: StoredMessage) -> None:
        """Begins an answer, which is written while everything else goes on."""
        message = self.state.keep(
            StoredMessage(0, question.id, lane.index, "assistant", "", model=lane.model, finished=False)
        )

        def show_end() -> None:
            self.lane_view.draw(lane)
            self.composer.show_busy()

        task = asyncio.create_task(stream_answer(self.state, self.client, lane, message, show_end))
        lane.task = task

        def forget(_: object) -> None:
            if lane.task is task:
                lane.task = None

        task.add_done_callback(forget)
        self.composer.show_busy()
