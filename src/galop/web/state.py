"""What one browser tab shows: its conversation, its lanes and their settings."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from galop import store
from galop.errors import GalopError
from galop.web.bubble import Bubble
from galop.web.conversations import Conversations, StoredMessage, path
from galop.web.markdown_child import MarkdownRenderer
from galop.web.session import Session
from galop.web.texts import text


@dataclass
class ChatLane:
    """One column: a model with its settings, and what it is saying."""

    index: int
    model: str
    temperature: float | None = None
    think: bool = True
    task: asyncio.Task[None] | None = None
    chosen: dict[int | None, int] = field(default_factory=dict)  # by parent, the branch that is shown
    column: Any = None


class PageState:
    """One tab's; the parts of the page read it and change it, and it draws nothing."""

    def __init__(self, session: Session, conversations: Conversations, renderer: MarkdownRenderer) -> None:
        self.session = session
        self.store = conversations
        self.renderer = renderer
        self.owner = session.owner
        self.language = conversations.setting(self.owner, "language", "en")
        self.system = ""
        self.science = session.computes and conversations.setting(self.owner, "science") == "on"
        self.conversation = ""  # its id; none before the first question
        self.messages: list[StoredMessage] = []
        models = session.models()
        self.suggested = suggest_model(models)
        self.lanes = [
            ChatLane(0, self.suggested),
            ChatLane(1, next((m for m in models if m != self.suggested), self.suggested)),
        ]
        self.two = False
        self.bubbles: dict[int, Bubble] = {}  # of the messages that are shown

    def say(self, name: str, /, **values: object) -> str:
        """One of the page's texts in its language."""
        return text(name, self.language, **values)

    @property
    def visible_lanes(self) -> list[ChatLane]:
        """One or two."""
        return self.lanes[: 2 if self.two else 1]

    @property
    def busy(self) -> bool:
        """Whether an answer is being written."""
        return any(lane.task for lane in self.lanes)

    def line(self, lane: ChatLane) -> list[StoredMessage]:
        """The messages of a lane, along the branches that are chosen."""
        return path(self.messages, lane.index, lane.chosen)

    def open(self, conversation: str) -> None:
        """Another conversation, or a new one for ""; lanes keep the models that spoke in it last."""
        self.conversation = conversation
        self.messages = self.store.messages(self.owner, conversation) if conversation else []
        self.two = any(m.lane == 1 for m in self.messages) if conversation else self.two
        for lane in self.lanes:
            lane.chosen.clear()
            last = next((m for m in reversed(self.messages) if m.lane == lane.index and m.model), None)
            if last and last.model in self.session.models():
                lane.model = last.model

    def keep(self, message: StoredMessage) -> StoredMessage:
        """Stores a message and shows its branch."""
        self.store.add(self.owner, self.conversation, message)
        self.messages.append(message)
        self.lanes[message.lane].chosen[message.parent] = message.id
        return message

    def thumbnails(self, message: StoredMessage) -> list[tuple[str, bytes]]:
        """What a message shows, by name."""
        digests = message.note.get("pictures", [])
        found = [self.store.picture(self.owner, self.conversation, digest) for digest in digests]
        return [(picture.name, picture.thumbnail) for picture in found if picture]

    def content(self, message: StoredMessage) -> Any:
        """What a message says, in OpenAI's parts where it shows pictures."""
        digests = message.note.get("pictures", [])
        found = [self.store.picture(self.owner, self.conversation, digest) for digest in digests]
        shown = [{"type": "image_url", "image_url": {"url": picture.data_url}} for picture in found if picture]
        return [*shown, {"type": "text", "text": message.content}] if shown else message.content

    def stop(self) -> None:
        """Ends what is being written."""
        for lane in self.lanes:
            if lane.task:
                lane.task.cancel()


def suggest_model(models: list[str]) -> str:
    """Of the models that are here, the one `galop run` would take."""
    with suppress(GalopError):
        if not models:
            return ""
        source, _ = store.choose_default()
        if source.name in models:
            return source.name
    return models[0] if models else ""
