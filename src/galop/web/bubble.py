"""One message on the page, drawn as it grows."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from nicegui import background_tasks, ui

from galop.web.conversations import StoredMessage
from galop.web.grounds import draw_grounds
from galop.web.markdown import plain, spans, whole
from galop.web.markdown_child import MarkdownRenderer

PAUSE = 0.12  # seconds between two drawings
PACE = 400_000  # characters a second of what is sent again as it grows


def draw_pictures(pictures: Sequence[tuple[str, bytes]]) -> None:
    """Thumbnails by their names, drawn where the context is."""
    if pictures:
        with ui.element("div").classes("pictures"):
            for name, jpeg in pictures:
                url = f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
                ui.html(f'<img src="{url}" alt="{escape(name)}" title="{escape(name)}">', sanitize=False)


@dataclass
class RenderedBlock:
    element: Any
    text: str
    shown: str | None = None  # the text whose HTML is shown; None while it is shown as it was written
    costly: bool = False  # it could not be rendered in time as it grew


class Bubble:
    """A text is cut into blocks; while it grows only the last is rendered again, so a long answer stays cheap."""

    def __init__(
        self,
        message: StoredMessage,
        say: Callable[..., str],
        renderer: MarkdownRenderer,
        pictures: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        self.message = message
        self.say = say
        self._renderer = renderer
        self._blocks: list[RenderedBlock] = []
        self._start = 0  # where the last of them begins
        self._done = 0  # so many of them are as they will stay
        self._thoughts: Any = None
        self._rendering: asyncio.Task[None] | None = None
        self._next = 0.0  # when it may be drawn again
        self.element = ui.element("article").classes(message.role)
        with self.element:
            if message.role == "user":
                draw_pictures(pictures)
                ui.label(message.content).classes("plain")
                return
            self._fold = ui.expansion(say("thoughts"), icon="psychology").classes("thoughts")
            self._fold.set_visibility(False)
            with self._fold:
                self._thoughts = ui.label("").classes("plain")
            self.body = ui.element("div").classes("body")
            if science := message.note.get("science"):
                draw_grounds(science, say)
            self.status = ui.label("").classes("quiet status").props('role="status"')
        self.grow()
        self.status.text = self._figures()

    def state(self, text: str) -> None:
        """What goes on before there is anything to read."""
        self.status.text = text

    def grow(self) -> None:
        """Draws what has come since the last time, unless that was just now."""
        if time.monotonic() < self._next or (self._rendering and not self._rendering.done()):
            return
        if self.message.thinking:
            self._fold.set_visibility(True)
            self._thoughts.text = self.message.thinking
        self._place()
        self._next = time.monotonic() + PAUSE + len(self.message.thinking) / PACE
        if any(block.shown != block.text for block in self._blocks[self._done :]):
            self._rendering = background_tasks.create(self._render())

    def _place(self) -> None:
        """Elements for the blocks that have come; what is known already is shown at once."""
        content, first = self.message.content, max(len(self._blocks) - 1, 0)
        cut = spans(content, self._start)
        texts = whole(content) if self.message.finished and not first else [content[start:end] for start, end in cut]
        self._start = cut[-1][0] if cut else self._start
        for at, text in enumerate(texts, first):
            if at == len(self._blocks):
                with self.body:
                    self._blocks.append(RenderedBlock(ui.html("", sanitize=False), ""))
            block = self._blocks[at]
            if block.text != text:
                block.text = text
                if html := self._renderer.lookup(text):
                    block.shown = text
                    block.element.set_content(html)
                elif block.shown is None:
                    block.element.set_content(plain(text))

    async def _render(self) -> None:
        start = time.monotonic()
        last = self._blocks[-1]
        for block in self._blocks[self._done :]:
            grows = block is last and not self.message.finished
            if block.shown != block.text and not (grows and block.costly):
                text = block.text
                html = await self._renderer.html(text, finished=not grows)
                if self.body.is_deleted:
                    return
                block.costly = html is None
                block.shown = None if html is None else text
                block.element.set_content(plain(text) if html is None else html)
        self._done = len(self._blocks) - 1
        now = time.monotonic()
        self._next = now + PAUSE + 4 * (now - start) + (len(last.text) + len(self.message.thinking)) / PACE

    def _figures(self) -> str:
        note = self.message.note
        if "error" in note:
            return str(note["error"])
        parts = []
        if "science" in note:
            parts.append(self.say("computed" if note["science"]["status"] == "computed" else "not_computed"))
        if note.get("tokens"):
            parts.append(self.say("figures", tokens=note["tokens"], rate=note["rate"], first=note["first"]))
        if "joules" in note:
            parts.append(self.say("energy", joules=note["joules"]))
        if note.get("reason") == "cancelled":
            parts.append(self.say("stopped"))
        elif note.get("reason") == "length":
            parts.append(self.say("cut"))
        elif not self.message.finished:
            parts.append(self.say("broken"))
        return " · ".join(parts)
