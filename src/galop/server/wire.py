"""JSON in, JSON and server-sent events out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, get_type_hints

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from galop.server.bounds import end_at_first, shape
from galop.server.errors import ApiError, api_error

MAX_DEPTH = 64
# So many take some 50 ms to parse and validate, in which nobody else is answered.
MAX_CONTAINERS = 1 << 15
MAX_VALUES = 1 << 19
MAX_ESCAPES = 1 << 20
# What a route that streams describes itself with.
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/event-stream": {}}}}
LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "application/x-ndjson": {}}}}
PING_SECONDS = 15.0  # a long prompt takes minutes on a small machine, and clients give up on silence
WRITE_SECONDS = 60.0  # after which a client that does not read is given up


def parse(data: bytes) -> Any:
    """JSON as the standard has it: no NaN, no names said twice, no half characters, no bottomless nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            raise ValueError("a name stands twice in one object")
        return result

    def refuse(number: str) -> Any:
        raise ValueError(f"{number} is not JSON")

    def finite(number: str) -> float:
        value = float(number)
        if value in (float("inf"), float("-inf")):
            raise ValueError("a number is too large")
        return value

    try:
        depth, containers, commas = shape(data)
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        for count, most, what in (
            (containers, MAX_CONTAINERS, "lists and objects"),
            (commas, MAX_VALUES, "values"),
            (data.count(b"\\"), MAX_ESCAPES, "escaped characters"),
        ):
            if count > most:
                raise ApiError(413, "body_too_large", f"a request may hold {most:,} {what}, and this has {count:,}")
        value = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
        if b"\\ud" in data or b"\\uD" in data:
            _encodable(value)
    except UnicodeEncodeError:
        raise ApiError(400, "invalid_value", "a string holds half of a surrogate pair") from None
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "invalid_json", f"the request body is not valid JSON: {error}"[:300]) from None
    if not isinstance(value, dict):
        raise ApiError(400, "invalid_json", "the request body has to be a JSON object")
    return value


def _encodable(value: Any) -> None:
    """Raises UnicodeEncodeError for half of a surrogate pair in any string."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for item in value:
            _encodable(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            name.encode()
            _encodable(item)


class StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_parsed"):
            body = await self.body()
            # Large ones are parsed elsewhere, so that nobody else's stream stops meanwhile.
            self._parsed = await asyncio.to_thread(parse, body) if len(body) > 65536 else parse(body)
        return self._parsed


class StrictRoute(APIRoute):
    """A route whose body is parsed by `parse`, and told to be wrong by its first wrong item."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        for kind in get_type_hints(endpoint).values():
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                end_at_first(kind)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


class EventStream(Response):
    """Streams text pieces as they come: server-sent events, lines of JSON, or one JSON object.

    Nothing is sent before the first piece (or ping), so what fails until then is told by its status. When the client
    goes, or does not read for WRITE_SECONDS, the iterator is ended. What fails later is told by `failure`, a last piece
    made of the error, without the usual end: a broken stream is never mistaken for a whole one.
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
        gone = asyncio.ensure_future(_disconnected(receive))
        sending = asyncio.ensure_future(self._send(scope, receive, send))
        try:
            await asyncio.wait([gone, sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            sending.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, OSError):
                await sending

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def write(text: str, more: bool = True) -> None:
            nonlocal begun
            async with asyncio.timeout(WRITE_SECONDS):
                if not begun:
                    begun = True
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
                    if not begun:
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


def whole(answer: Awaitable[dict[str, Any]]) -> EventStream:
    """One JSON object, whose making ends when the client goes."""

    async def once() -> AsyncIterator[str]:
        yield await asyncio.to_thread(written, await answer)

    return EventStream(once(), media_type="application/json", ping="")


def written(value: Any, deep: int = 6) -> str:
    """JSON, written piece by piece: another thread can have its turn between two of them."""
    if deep and isinstance(value, dict):
        return "{" + ",".join(f"{written(str(k), 0)}:{written(v, deep - 1)}" for k, v in value.items()) + "}"
    if deep and isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return "[" + ",".join(written(item, deep - 1) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


async def _next(pieces: AsyncIterator[str]) -> str:
    return await anext(pieces, "")


async def _disconnected(receive: Receive) -> None:
    with suppress(ClientDisconnect):
        while (await receive())["type"] != "http.disconnect":
            pass


def event(data: dict[str, Any], name: str = "") -> str:
    """One server-sent event. JSON is ASCII, so no character in it can end a line early."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, separators=(',', ':'), allow_nan=False)}\n\n"
