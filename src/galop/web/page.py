"""The page at `/`: talk to a model, or to two side by side, in English or French."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from galop import store
from galop.backends.local import Done, Prefill, Text
from galop.chat.thinking import Thinking
from galop.chat.translate import messages as translation
from galop.chat.translate import segments
from galop.errors import GalopError
from galop.machine import data_directory
from galop.measure.energy import find_meter
from galop.server.api_keys import Key
from galop.server.errors import ApiError, api_error
from galop.server.replies import CallDelta, CallPiece, ChatMessage, Piece, Server, begun
from galop.web.conversations import Conversations, Said, children, path
from galop.web.markdown import blocks, code_styles, whole
from galop.web.painter import Painter
from galop.web.texts import LANGUAGES, text

os.environ.setdefault("NICEGUI_STORAGE_PATH", str(data_directory() / "page"))  # not the current folder

from nicegui import app as nicegui_app
from nicegui import events, ui

from galop.web.bubble import Bubble

SAVE_SECONDS = 2.0
LARGEST_FILE = 1 << 20
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'self'; object-src 'none'"
)
STYLES = (Path(__file__).parent / "page.css").read_text("utf-8")
SCRIPT = (Path(__file__).parent / "page.js").read_text("utf-8")


def mount(app: FastAPI, server: Server, conversations: Conversations) -> None:
    """Adds the page to an application. Once in a process: NiceGUI has one set of pages."""
    painter = Painter()
    nicegui_app.on_shutdown(painter.close)

    @ui.page("/", title="Galop")
    def page() -> None:
        key: Key = ui.context.client.request.scope["state"]["key"]
        Page(server, conversations, painter, key).build()

    ui.run_with(app, title="Galop", favicon="🐎", dark=None, tailwind=False, show_welcome_message=False)
    at = next(i for i, r in enumerate(app.router.routes) if isinstance(r, Mount) and r.app is nicegui_app)
    app.router.routes[at] = PageMount("", with_policy(nicegui_app))


class PageMount(Mount):
    """The page and what it loads; every other path is somebody else's to answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["path"] == "/" or scope["path"].startswith("/_nicegui"):
            return super().matches(scope)
        return Match.NONE, {}


def with_policy(app: ASGIApp) -> ASGIApp:
    """The page may load from here alone."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def stricter(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        await app(scope, receive, stricter)

    return answer


@dataclass
class Lane:
    """One column: a model with its settings, and what it is saying."""

    index: int
    model: str
    temperature: float | None = None
    think: bool = True
    task: asyncio.Task[None] | None = None
    chosen: dict[int | None, int] = field(default_factory=dict)  # by parent, the branch that is shown
    column: Any = None


class Page:
    """One browser tab."""

    def __init__(self, server: Server, conversations: Conversations, painter: Painter, key: Key) -> None:
        self.server = server
        self.store = conversations
        self.painter = painter
        self.key = key
        self.owner = key.hash
        self.language = conversations.setting(self.owner, "language", "en")
        self.system = ""
        self.conversation = ""
        self.messages: list[Said] = []
        models = list(server.models.visible(key))
        self.suggested = suggestion(models)
        self.lanes = [
            Lane(0, self.suggested),
            Lane(1, next((m for m in models if m != self.suggested), self.suggested)),
        ]
        self.two = False
        self.attached: list[tuple[str, str]] = []
        self.bubbles: dict[int, Bubble] = {}  # of the messages that are shown

    def say(self, name: str, /, **values: object) -> str:
        return text(name, self.language, **values)

    # ---- What is on the page

    def build(self) -> None:
        ui.add_css(STYLES + code_styles())
        ui.add_body_html(f"<script>{SCRIPT}</script>")
        ui.query("html").props(f"lang={self.language}")
        self.dark = ui.dark_mode({"": None, "dark": True, "light": False}[self.store.setting(self.owner, "dark")])
        self.client = ui.context.client
        self.client.on_delete(self.stop)
        self.drawer = ui.left_drawer(value=None, bottom_corner=True).classes("drawer")
        self.drawer.props("width=280 breakpoint=900 bordered")
        with ui.header().classes("top"):
            self.button("menu", "menu", self.drawer.toggle)
            ui.label("Galop").classes("brand")
            ui.space()
            self.button("view_column", "lanes", self.toggle_lanes)
            self.button("tune", "settings", self.settings)
            self.button("contrast", "dark", self.toggle_dark)
            languages = ui.select(LANGUAGES, value=self.language, on_change=self.set_language)
            languages.props(f'dense borderless aria-label="{self.say("language")}"').classes("language")
        self.columns = ui.element("main").classes("lanes")
        with ui.footer().classes("bottom"), ui.element("div").classes("composer"):
            self.files = ui.row().classes("files")
            self.upload = ui.upload(
                multiple=True,
                auto_upload=True,
                max_file_size=LARGEST_FILE,
                on_upload=self.attach,
                on_rejected=lambda: ui.notify(self.say("too_large", name=""), type="warning"),
            ).classes("hidden")
            with ui.row(wrap=False).classes("line"):
                self.button("attach_file", "attach", lambda: self.upload.run_method("pickFiles"))
                self.input = ui.textarea(placeholder=self.say("ask")).props(
                    "autogrow borderless dense rows=1 autofocus"
                )
                self.input.classes("question").props(f'aria-label="{self.say("ask")}"')
                self.input.on("keydown.enter.exact.prevent", self.send)
                with self.button("translate", "translate", None), ui.menu():
                    for code, name in LANGUAGES.items():
                        ui.menu_item(f"{self.say('into')} {name}", lambda c=code: self.translate(c))
                self.sender = self.button("send", "send", self.send_or_stop)
        ui.on("galop_stop", self.stop)
        self.list_conversations()
        self.draw()

    def button(self, icon: str, name: str, action: Any) -> Any:
        label = self.say(name)
        made = ui.button(icon=icon, on_click=action).props(f'flat round dense color=none aria-label="{label}"')
        return made.tooltip(label)

    def list_conversations(self) -> None:
        with self.drawer:
            ui.button(self.say("new"), icon="add", on_click=lambda: self.open("")).props("flat no-caps color=none")
            search = ui.input(placeholder=self.say("search")).props("dense outlined clearable debounce=200")
            search.props(f'aria-label="{self.say("search")}"').classes("search")
            self.found = ui.column().classes("found")
            search.on_value_change(lambda e: self.list_found(e.value or ""))
        self.list_found("")

    def list_found(self, words: str) -> None:
        self.found.clear()
        listed = self.store.listed(self.owner, words)
        with self.found:
            if not listed:
                ui.label(self.say("nothing" if words else "none")).classes("quiet")
            for item in listed:
                here = "here" if item.id == self.conversation else ""
                with ui.row(wrap=False).classes(f"item {here}"):
                    with ui.element("button").classes("name").on("click", lambda i=item.id: self.open(i)):
                        ui.label(item.title)
                        if item.excerpt:
                            ui.label(item.excerpt).classes("quiet")
                    with self.button("more_vert", "menu", None).classes("more"), ui.menu():
                        ui.menu_item(self.say("export"), lambda i=item: self.export(i.id, i.title))
                        ui.menu_item(self.say("delete"), lambda i=item.id: self.delete(i))

    def draw(self) -> None:
        """The columns from what is stored; a reply in the making goes on in its own element."""
        self.columns.clear()
        self.columns.classes(replace="lanes two" if self.two else "lanes")
        with self.columns:
            for lane in self.lanes[: 2 if self.two else 1]:
                lane.column = ui.element("section").classes("lane")
                self.draw_lane(lane)
        self.show_state()

    def draw_lane(self, lane: Lane) -> None:
        models = list(self.server.models.visible(self.key))
        lane.column.clear()
        with lane.column:
            names = {m: f"{m} ({self.say('suggested')})" if m == self.suggested else m for m in models}
            if names:
                chooser = ui.select(names, value=lane.model if lane.model in names else None)
                chooser.props(f'dense options-dense borderless aria-label="{self.say("model")}"').classes("model")
                chooser.on_value_change(lambda e: setattr(lane, "model", e.value))
            else:
                ui.label(self.say("no_models")).classes("quiet")
            line = path(self.messages, lane.index, lane.chosen)
            if not line and names:
                ui.label(self.say("welcome")).classes("welcome")
            for said in line:
                self.draw_message(lane, said)

    def draw_message(self, lane: Lane, said: Said) -> None:
        branches = children(self.messages, lane.index, said.parent)
        bubble = self.bubbles[said.id] = Bubble(said, self.say, self.painter)
        with ui.row().classes("tools"):
            if len(branches) > 1:
                at = branches.index(said)
                self.button("chevron_left", "previous", lambda: self.choose(lane, said.parent, branches[at - 1]))
                ui.label(f"{at + 1}/{len(branches)}").classes("quiet")
                following = branches[(at + 1) % len(branches)]
                self.button("chevron_right", "next", lambda: self.choose(lane, said.parent, following))
            if said.role == "user":
                self.button("edit", "edit", lambda: self.edit(lane, said, bubble))
            else:
                self.button("replay", "again", lambda: self.again(lane, said))
            copy = self.button("content_copy", "copy", lambda: ui.notify(self.say("copied")))
            copy.on("click", js_handler=f"() => galopCopy({bubble.element.id})")

    def show_state(self) -> None:
        busy = any(lane.task for lane in self.lanes)
        label = self.say("stop" if busy else "send")
        self.sender.props(f'icon={"stop" if busy else "send"} aria-label="{label}"')

    # ---- What a person does

    def open(self, conversation: str) -> None:
        self.stop()
        self.conversation = conversation
        self.messages = self.store.messages(self.owner, conversation) if conversation else []
        self.two = any(m.lane == 1 for m in self.messages) if conversation else self.two
        for lane in self.lanes:
            lane.chosen.clear()
            last = next((m for m in reversed(self.messages) if m.lane == lane.index and m.model), None)
            if last and last.model in self.server.models.visible(self.key):
                lane.model = last.model
        self.list_found("")
        self.draw()

    def toggle_lanes(self) -> None:
        self.two = not self.two
        self.draw()

    def toggle_dark(self) -> None:
        self.dark.value = not self.dark.value if self.dark.value is not None else True
        self.store.set(self.owner, "dark", "dark" if self.dark.value else "light")

    def set_language(self, event: Any) -> None:
        self.store.set(self.owner, "language", event.value)
        ui.navigate.reload()

    def settings(self) -> None:
        with ui.dialog() as dialog, ui.card().classes("settings"):
            ui.textarea(
                self.say("system"), value=self.system, on_change=lambda e: setattr(self, "system", e.value or "")
            )
            for lane in self.lanes[: 2 if self.two else 1]:
                if self.two:
                    ui.label(lane.model).classes("quiet")
                ui.number(self.say("temperature"), value=lane.temperature, min=0, max=2, step=0.1,
                          on_change=lambda e, lane=lane: setattr(lane, "temperature", e.value))  # fmt: skip
                ui.switch(
                    self.say("think"), value=lane.think, on_change=lambda e, lane=lane: setattr(lane, "think", e.value)
                )
        dialog.on("hide", dialog.delete)
        dialog.open()

    def delete(self, conversation: str) -> None:
        with ui.dialog() as dialog, ui.card():
            ui.label(self.say("sure"))
            with ui.row():
                ui.button(self.say("cancel"), on_click=dialog.close).props("flat no-caps color=none")

                def remove() -> None:
                    if conversation == self.conversation:
                        self.open("")
                    self.store.delete(self.owner, conversation)
                    dialog.close()
                    self.list_found("")

                ui.button(self.say("delete"), on_click=remove).props("flat no-caps color=negative")
        dialog.on("hide", dialog.delete)
        dialog.open()

    def export(self, conversation: str, title: str) -> None:
        name = "".join(c if c.isalnum() or c in " -" else "_" for c in title)[:60] or "conversation"
        ui.download.content(self.store.export(self.owner, conversation), f"{name}.md", "text/markdown")

    async def attach(self, event: events.UploadEventArguments) -> None:
        data = await event.file.read()
        name = event.file.name[:100]
        content = data.decode(errors="replace")
        if content.encode() != data or "\x00" in content:
            ui.notify(self.say("not_text", name=name), type="warning")
            return
        self.attached.append((name, content))
        self.upload.reset()
        self.draw_files()

    def draw_files(self) -> None:
        self.files.clear()
        with self.files:
            for item in self.attached:
                chip = ui.chip(item[0], icon="description", removable=True).props("dense")
                chip.on("remove", lambda i=item: self.detach(i))

    def detach(self, item: tuple[str, str]) -> None:
        self.attached.remove(item)
        self.draw_files()

    def choose(self, lane: Lane, parent: int | None, said: Said) -> None:
        lane.chosen[parent] = said.id
        self.draw_lane(lane)

    def edit(self, lane: Lane, said: Said, bubble: Bubble) -> None:
        bubble.element.clear()
        with bubble.element:
            area = ui.textarea(value=said.content).props("autogrow outlined").classes("editing")
            with ui.row():
                ui.button(self.say("save"), on_click=lambda: self.ask_anew(lane, said, area.value)).props(
                    "dense no-caps"
                )
                ui.button(self.say("cancel"), on_click=lambda: self.draw_lane(lane)).props(
                    "flat dense no-caps color=none"
                )

    def send_or_stop(self) -> None:
        if any(lane.task for lane in self.lanes):
            self.stop()
        else:
            self.send()

    def send(self) -> None:
        """The same question to every lane, stored before anything is asked."""
        question = (self.input.value or "").strip()
        if (not question and not self.attached) or any(lane.task for lane in self.lanes):
            return
        fence = "`" * 4
        files = [f"{name}:\n{fence}\n{content}\n{fence}" for name, content in self.attached]
        question = "\n\n".join([*files, question]) if files else question
        self.input.value = ""
        self.attached.clear()
        self.draw_files()
        self.ensure_conversation(question)
        for lane in self.lanes[: 2 if self.two else 1]:
            line = path(self.messages, lane.index, lane.chosen)
            self.ask(lane, line[-1].id if line else None, question)
        self.draw()
        ui.run_javascript("galopToEnd()")

    def ensure_conversation(self, question: str) -> None:
        if not self.conversation:
            self.conversation = self.store.begin(self.owner, question)
            self.list_found("")

    def ask(self, lane: Lane, parent: int | None, question: str) -> None:
        said = self.keep(Said(0, parent, lane.index, "user", question))
        lane.chosen[parent] = said.id
        self.answer(lane, said)

    def ask_anew(self, lane: Lane, said: Said, question: str) -> None:
        if question.strip() and not lane.task:
            self.ask(lane, said.parent, question.strip())
            self.draw_lane(lane)

    def again(self, lane: Lane, said: Said) -> None:
        asked = next((m for m in self.messages if m.id == said.parent), None)
        if asked and not lane.task:
            self.answer(lane, asked)
            self.draw_lane(lane)

    def keep(self, said: Said) -> Said:
        self.store.say(self.owner, self.conversation, said)
        self.messages.append(said)
        return said

    def answer(self, lane: Lane, asked: Said) -> None:
        said = self.keep(Said(0, asked.id, lane.index, "assistant", "", model=lane.model, finished=False))
        lane.chosen[asked.id] = said.id
        task = asyncio.create_task(self.stream(lane, said))
        lane.task = task

        def ended(_: object) -> None:
            if lane.task is task:
                lane.task = None

        task.add_done_callback(ended)
        self.show_state()

    def translate(self, language: str) -> None:
        """What is in the box, or the last answer, in another language: an answer of its own."""
        lane = self.lanes[0]
        line = path(self.messages, 0, lane.chosen)
        source = (self.input.value or "").strip() or (line[-1].content if line else "")
        if not source or lane.task:
            return
        self.input.value = ""
        self.ensure_conversation(source)
        said = self.keep(Said(0, line[-1].id if line else None, 0, "user", source, note={"translate": language}))
        lane.chosen[said.parent] = said.id
        self.answer(lane, said)
        self.draw()
        ui.run_javascript("galopToEnd()")

    def stop(self) -> None:
        for lane in self.lanes:
            if lane.task:
                lane.task.cancel()

    # ---- An answer as it comes

    async def stream(self, lane: Lane, said: Said) -> None:
        meter, start, conversation = find_meter(), time.monotonic(), self.conversation
        saved = start
        asked = next(m for m in self.messages if m.id == said.parent)
        done: Done | None = None
        tokens = 0
        try:
            async for event in (
                self.translated(lane, said, asked) if "translate" in asked.note else self.replied(lane, said)
            ):
                now = time.monotonic()
                if isinstance(event, Piece):
                    if event.thinking:
                        said.thinking += event.text
                    else:
                        said.content += event.text
                elif isinstance(event, Done):
                    tokens += event.answer_tokens
                    first = done.first_token_seconds if done else event.first_token_seconds
                    done = replace(event, answer_tokens=tokens, first_token_seconds=first)
                self.redraw(said, event)
                if now - saved > SAVE_SECONDS:
                    saved = now
                    self.store.update(self.owner, conversation, said)
            said.finished = True
            if done:
                said.note = {"tokens": done.answer_tokens, "rate": round(done.answer_rate, 1),
                             "first": round(done.first_token_seconds, 2), "reason": done.reason}  # fmt: skip
                if meter:
                    said.note["joules"] = round(meter.joules())
        except asyncio.CancelledError:
            if not self.client.is_deleted:  # else the page was left, and what there is stays marked as interrupted
                said.note["reason"] = "cancelled"
        except (GalopError, ApiError, ValueError, MemoryError) as error:
            said.note["error"] = api_error(error).message
        except Exception as error:
            said.note["error"] = api_error(error).message
            raise
        finally:
            lane.task = None
            self.store.update(self.owner, conversation, said)
            if not self.client.is_deleted:
                for block in whole(said.content) if said.finished else blocks(said.content):
                    await self.painter.html(block)  # so that it is there when the lane is drawn
            if not self.client.is_deleted:
                with self.client:
                    self.draw_lane(lane)
                    self.show_state()

    def redraw(self, said: Said, event: Any) -> None:
        bubble = self.bubbles.get(said.id)
        if bubble is None or self.client.is_deleted:
            return
        if isinstance(event, Prefill):
            reading = event.total > 256 and event.done < event.total
            bubble.state(self.say("reading", done=event.done, total=event.total) if reading else "")
        else:
            bubble.grow()

    def replied(self, lane: Lane, said: Said) -> AsyncIterator[Piece | Prefill | Done]:
        """The answer to the conversation up to a message."""
        line: list[Said] = []
        by_id = {m.id: m for m in self.messages}
        parent = said.parent
        while parent:
            line.insert(0, by_id[parent])
            parent = line[0].parent
        said_so_far = [{"role": m.role, "content": m.content} for m in line]
        system = [{"role": "system", "content": self.system}] if self.system.strip() else []
        return self.pieces(lane, said, [*system, *said_so_far], lane.temperature, lane.think)

    async def translated(self, lane: Lane, said: Said, asked: Said) -> AsyncIterator[Piece | Prefill | Done]:
        """A text sentence by sentence."""
        language = LANGUAGES[str(asked.note["translate"])]
        for segment in segments(asked.content.splitlines()):
            if segment.sentence:
                async for event in self.pieces(lane, said, translation(segment.text, language), 0.0, think=False):
                    yield event
            else:
                yield Piece(0, Text(segment.text, 0))

    async def pieces(
        self, lane: Lane, said: Said, messages: list[dict[str, str]], temperature: float | None, think: bool
    ) -> AsyncIterator[Piece | Prefill | Done]:
        bubble = self.bubbles.get(said.id)
        if bubble and not said.content:
            bubble.state(self.say("waiting" if lane.model in self.server.models.residents else "loading"))
        asked = [ChatMessage.model_validate(m) for m in messages]
        reply = await self.server.chat(self.key, lane.model, asked, Thinking(on=think))
        sampling = reply.model.sampling_for(reply.thinking)
        if temperature is not None:
            sampling = replace(sampling, temperature=temperature)
        sampling = replace(sampling, seed=secrets.randbits(32))
        await begun(reply, lambda: {"sampling": sampling})
        async with aclosing(reply.pieces()) as events_:
            async for event in events_:
                if not isinstance(event, (CallDelta, CallPiece)):  # it was given no tools
                    yield event


def suggestion(models: list[str]) -> str:
    """Of the models that are here, the one `galop run` would take."""
    with suppress(GalopError):
        if not models:
            return ""
        source, _ = store.default()
        if source.name in models:
            return source.name
    return models[0] if models else ""
