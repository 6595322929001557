"""The list of conversations beside them: search, export, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from galop.web.icon_button import icon_button
from galop.web.state import PageState


class Sidebar:
    """Drawn into a drawer; `open` shows a conversation, or a new one for ""."""

    def __init__(self, state: PageState, open: Callable[[str], None]) -> None:
        self.state = state
        self.open = open

    def build(self, drawer: Any) -> None:
        """The button for a new one, the search, and all of them."""
        say = self.state.say
        with drawer:
            ui.button(say("new"), icon="add", on_click=lambda: self.open("")).props("flat no-caps color=none")
            search = ui.input(placeholder=say("search")).props("dense outlined clearable debounce=200")
            search.props(f'aria-label="{say("search")}"').classes("search")
            self.found = ui.column().classes("found")
            search.on_value_change(lambda e: self.list(e.value or ""))
        self.list()

    def list(self, words: str = "") -> None:
        """Draws the conversations in which all words occur."""
        state = self.state
        self.found.clear()
        entries = state.store.search(state.owner, words)
        with self.found:
            if not entries:
                ui.label(state.say("nothing" if words else "none")).classes("quiet")
            for entry in entries:
                here = "here" if entry.id == state.conversation else ""
                with ui.row(wrap=False).classes(f"item {here}"):
                    with ui.element("button").classes("name").on("click", lambda i=entry.id: self.open(i)):
                        ui.label(entry.title)
                        if entry.excerpt:
                            ui.label(entry.excerpt).classes("quiet")
                    with icon_button("more_vert", state.say("menu"), None).classes("more"), ui.menu():
                        ui.menu_item(state.say("export"), lambda e=entry: self.export(e.id, e.title))
                        ui.menu_item(state.say("delete"), lambda e=entry: self.confirm_delete(e.id))

    def confirm_delete(self, conversation: str) -> None:
        """Asks once more, then deletes."""
        state = self.state
        with ui.dialog() as dialog, ui.card():
            ui.label(state.say("sure"))
            with ui.row():
                ui.button(state.say("cancel"), on_click=dialog.close).props("flat no-caps color=none")

                def remove() -> None:
                    if conversation == state.conversation:
                        self.open("")
                    state.store.delete(state.owner, conversation)
                    dialog.close()
                    self.list()

                ui.button(state.say("delete"), on_click=remove).props("flat no-caps color=negative")
        dialog.on("hide", dialog.delete)
        dialog.open()

    def export(self, conversation: str, title: str) -> None:
        """Sends a conversation as a Markdown file."""
        name = "".join(c if c.isalnum() or c in " -" else "_" for c in title)[:60] or "conversation"
        ui.download.content(self.state.store.export(self.state.owner, conversation), f"{name}.md", "text/markdown")
