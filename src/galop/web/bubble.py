"""One message on the page, drawn as it grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from galop.web.conversations import Said
from galop.web.markdown import blocks, to_html


class Bubble:
    """A text is cut into blocks; while it grows only the last is drawn again, so a long answer stays cheap."""

    def __init__(self, said: Said, say: Callable[..., str]) -> None:
        self.said = said
        self.say = say
        self._parts: list[Any] = []
        self._thoughts: Any = None
        self.element = ui.element("article").classes(said.role)
        with self.element:
            if said.role == "user":
                ui.label(said.content).classes("plain")
                return
            self._fold = ui.expansion(say("thoughts"), icon="psychology").classes("thoughts")
            self._fold.set_visibility(False)
            with self._fold:
                self._thoughts = ui.label("").classes("plain")
            self.body = ui.element("div").classes("body")
            self.status = ui.label("").classes("quiet status").props('role="status"')
        if said.finished:
            self._show_thoughts()
            with self.body:
                ui.html(to_html(said.content), sanitize=False)
        else:
            self.grow()
        self.status.text = self._figures()

    def state(self, text: str) -> None:
        """What goes on before there is anything to read."""
        self.status.text = text

    def grow(self) -> None:
        """Draws what has come since the last time."""
        self._show_thoughts()
        parts = blocks(self.said.content)
        with self.body:
            while len(self._parts) < len(parts):
                if self._parts:
                    self._parts[-1].set_content(to_html(parts[len(self._parts) - 1]))
                self._parts.append(ui.html("", sanitize=False))
        if parts:
            self._parts[-1].set_content(to_html(parts[-1]))

    def _show_thoughts(self) -> None:
        if self.said.thinking:
            self._fold.set_visibility(True)
            self._thoughts.text = self.said.thinking

    def _figures(self) -> str:
        note = self.said.note
        if "error" in note:
            return str(note["error"])
        parts = []
        if "tokens" in note:
            parts.append(self.say("figures", tokens=note["tokens"], rate=note["rate"], first=note["first"]))
        if "joules" in note:
            parts.append(self.say("energy", joules=note["joules"]))
        if note.get("reason") == "cancelled":
            parts.append(self.say("stopped"))
        elif note.get("reason") == "length":
            parts.append(self.say("cut"))
        elif not self.said.finished:
            parts.append(self.say("broken"))
        return " · ".join(parts)
