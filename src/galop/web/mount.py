"""The page at `/` of an application, with the policy it is sent with."""

from __future__ import annotations

import os
from collections.abc import Callable

from fastapi import FastAPI
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from galop.machine import data_directory
from galop.web.conversations import Conversations
from galop.web.markdown_child import MarkdownRenderer
from galop.web.session import Session

os.environ.setdefault("NICEGUI_STORAGE_PATH", str(data_directory() / "page"))  # not the current folder

from nicegui import app as nicegui_app
from nicegui import ui

from galop.web.page import Page

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'self'; object-src 'none'"
)


def mount_page(app: FastAPI, open_session: Callable[[Scope], Session], conversations: Conversations) -> None:
    """Adds the page to an application. Once in a process: NiceGUI has one set of pages.

    `open_session` says, from the request for the page, what its visitor may use.
    """
    renderer = MarkdownRenderer()
    nicegui_app.on_shutdown(renderer.close)

    @ui.page("/", title="Galop")
    def page() -> None:
        Page(open_session(ui.context.client.request.scope), conversations, renderer).build()

    ui.run_with(app, title="Galop", favicon="🐎", dark=None, tailwind=False, show_welcome_message=False)
    at = next(i for i, r in enumerate(app.router.routes) if isinstance(r, Mount) and r.app is nicegui_app)
    app.router.routes[at] = PageMount("", with_policy(nicegui_app))


class PageMount(Mount):
    """The page and what it loads; every other path is somebody else's to answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a path is the page's."""
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
