"""Where a question is written: the box, attached files, a phone's camera, Send or Stop, and translation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from nicegui import events, ui

from galop.errors import PictureError
from galop.web.attachments import LARGEST_FILE, AttachedFile, AttachedPicture, read_attachment
from galop.web.bubble import draw_pictures
from galop.web.icon_button import icon_button
from galop.web.state import PageState
from galop.web.texts import LANGUAGES

SHOWN = 3  # pictures beside the name of a document


def tell(what: str, kind: Literal["warning", "info"] = "warning") -> None:
    """Says something where it covers no question that is being written."""
    ui.notify(what, type=kind, position="top")


class Composer:
    """`send` gets a question, with what was attached before it, and pictures; `translate` the code of a language."""

    def __init__(
        self,
        state: PageState,
        send: Callable[[str, list[AttachedPicture]], None],
        translate: Callable[[str], None],
    ) -> None:
        self.state = state
        self._send = send
        self._translate = translate
        self.attached: list[AttachedFile] = []

    def build(self) -> None:
        """Drawn where the context is."""
        say = self.state.say
        self.files = ui.row().classes("files")
        self.upload = self._upload("galop-upload")
        self.camera = self._upload("").props('accept="image/*" capture="environment"')
        with ui.row(wrap=False).classes("line"):
            icon_button("attach_file", say("attach"), lambda: self.upload.run_method("pickFiles"))
            icon_button("photo_camera", say("photo"), lambda: self.camera.run_method("pickFiles")).classes("phone")
            if self.state.session.computes:
                self.computer = icon_button("calculate", say("science"), self.toggle_science)
                self.show_science()
            self.input = ui.textarea(placeholder=say("ask")).props("autogrow borderless dense rows=1 autofocus")
            self.input.classes("question").props(f'aria-label="{say("ask")}"')
            self.input.on("keydown.enter.exact.prevent", self.send)
            with icon_button("translate", say("translate"), None), ui.menu():
                for code, name in LANGUAGES.items():
                    ui.menu_item(f"{say('into')} {name}", lambda c=code: self._translate(c))
            self.sender = icon_button("send", say("send"), self.send_or_stop)

    def _upload(self, name: str) -> Any:
        """Takes files, unseen; pasted and dropped ones go by its name."""
        made = ui.upload(
            multiple=True,
            auto_upload=True,
            max_file_size=LARGEST_FILE,
            on_upload=self.attach,
            on_rejected=lambda: tell(self.state.say("too_large")),
        )
        return made.classes(f"hidden {name}")

    @property
    def text(self) -> str:
        """What is in the box."""
        return (self.input.value or "").strip()

    def clear(self) -> None:
        """Empties the box."""
        self.input.value = ""

    def show_busy(self) -> None:
        """Send, or Stop while an answer is written."""
        busy = self.state.busy
        label = self.state.say("stop" if busy else "send")
        self.sender.props(f'icon={"stop" if busy else "send"} aria-label="{label}"')

    def toggle_science(self) -> None:
        """Technical questions are computed, or not, from now on."""
        self.state.science = not self.state.science
        self.state.store.set(self.state.owner, "science", "on" if self.state.science else "off")
        self.show_science()

    def show_science(self) -> None:
        """Whether technical questions are computed."""
        on = self.state.science
        self.computer.props(f"aria-pressed={str(on).lower()}").classes(remove="on", add="on" if on else "")

    def send_or_stop(self) -> None:
        """What the button does."""
        if self.state.busy:
            self.state.stop()
        else:
            self.send()

    def send(self) -> None:
        """Hands the question on, unless there is none or an answer is being written."""
        question = self.text
        if (not question and not self.attached) or self.state.busy:
            return
        question = "\n\n".join(part for part in (*(file.text for file in self.attached), question) if part)
        pictures = [picture for file in self.attached for picture in file.pictures]
        self.clear()
        self.attached.clear()
        self.draw_files()
        self._send(question, pictures)

    async def attach(self, event: events.UploadEventArguments) -> None:
        """Takes a file that is a text, a picture or a PDF."""
        data = await event.file.read()
        name, state = event.file.name[:100], self.state
        try:
            sees = any(state.session.sees(lane.model) for lane in state.visible_lanes)
            file = await asyncio.to_thread(read_attachment, name, data, sees, state.session.owner)
        except PictureError as error:
            tell(str(error))
            return
        finally:
            self.upload.reset()
            self.camera.reset()
        if file is None:
            tell(state.say("not_text", name=name))
            return
        if file.note:
            tell(file.note, "info")
        self.attached.append(file)
        self.draw_files()

    def detach(self, item: AttachedFile) -> None:
        """Takes it away again."""
        self.attached.remove(item)
        self.draw_files()

    def draw_files(self) -> None:
        """A chip for each."""
        self.files.clear()
        with self.files:
            for item in self.attached:
                with ui.row(wrap=False).classes("file"):
                    draw_pictures([(p.name, p.thumbnail) for p in item.pictures[:SHOWN]])
                    icon = "description" if item.text else "image"
                    chip = ui.chip(item.name, icon=icon, removable=True, color="transparent", text_color="inherit")
                    chip.props["remove-aria-label"] = self.state.say("remove", name=item.name)
                    chip.props("dense").on("remove", lambda i=item: self.detach(i))
