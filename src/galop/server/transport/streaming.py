"""Responses that stream: server-sent events, lines of JSON, or one JSON object whose making ends with its client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from galop.server.errors import ApiError, api_error
from galop.server.transport.json_body import write_json

# What a route that streams describes itself with.
EVENT_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/event-stream": {}}}}
JSON_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "application/x-ndjson": {}}}}
PING_SECONDS = 15.0  # a long prompt takes minutes on a small machine, and clients give up on silence
WRITE_SECONDS = 60.0  # after which a client that does not read is given up


class EventStream(Response):
    """Streams text pieces as they come: server-sent events, lines of JSON, or one JSON object.

    Nothing is sent before the first piece (or ping), so what fails until then has its own status code. When the client
    goes, or does not read for WRITE_SECONDS, the iterator is ended. What fails later ends the stream with `failure`, a
    last piece made of the error, without the usual end: a broken stream is never mistaken for a whole one.
    """

    def __init__(
        self,
        pieces: AsyncIterator[str],
        failure: Callable[[ApiError], str] = lambda _: "",
        media_type: str = "text/event-stream",
        ping: str = ": ping\n\n",
    ) -> None:
        self.pieces = pieces
        self.failure = failure
        self.ping = ping
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers({"cache-control": "no-cache", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one ASGI connection."""
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        sending = asyncio.ensure_future(self._send(scope, receive, send))
        try:
            await asyncio.wait([gone, sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            sending.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, OSError):
                await sending

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def write(text: str, more: bool = True) -> None:
            nonlocal started
            async with asyncio.timeout(WRITE_SECONDS):
                if not started:
                    started = True
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

        following = asyncio.ensure_future(_next(self.pieces))
        try:
            while True:
                await asyncio.wait([following], timeout=PING_SECONDS if self.ping else None)
                if not following.done():
                    await write(self.ping)
                    continue
                try:
                    piece = following.result()
                except Exception as error:
                    failed = api_error(error)
                    if not started:
                        await failed.response(scope["path"])(scope, receive, send)
                        return
                    await write(self.failure(failed))
                    break
                if not piece:
                    break
                await write(piece)
                following = asyncio.ensure_future(_next(self.pieces))
            await write("", more=False)
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await following
            await self.pieces.aclose()  # type: ignore[attr-defined]


class ReplyWriter(Protocol):
    """A reply in the shapes of a dialect."""

    def stream(self) -> AsyncIterator[str]:
        """The pieces of the body, as the reply comes."""

    def failure(self, error: ApiError) -> str:
        """The last piece, where the reply fails after the first."""

    def whole(self) -> Awaitable[Any]:
        """The body as one JSON value."""


def respond(
    writer: ReplyWriter, stream: bool, media_type: str = "text/event-stream", ping: str = ": ping\n\n"
) -> EventStream:
    """The response to a request that was started, streamed or whole."""
    return EventStream(writer.stream(), writer.failure, media_type, ping) if stream else json_response(writer.whole())


def json_response(answer: Awaitable[Any]) -> EventStream:
    """One JSON value, whose making ends when the client goes."""

    async def once() -> AsyncIterator[str]:
        yield await asyncio.to_thread(write_json, await answer)

    return EventStream(once(), media_type="application/json", ping="")


async def _next(pieces: AsyncIterator[str]) -> str:
    return await anext(pieces, "")


async def _wait_for_disconnect(receive: Receive) -> None:
    with suppress(ClientDisconnect):
        while (await receive())["type"] != "http.disconnect":
            pass


def sse_event(data: dict[str, Any], name: str = "") -> str:
    """One server-sent event. JSON is ASCII, so no character in it can end a line early."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, separators=(',', ':'), allow_nan=False)}\n\n"
